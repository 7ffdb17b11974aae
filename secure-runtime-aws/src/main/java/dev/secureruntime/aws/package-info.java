/**
 * Short-lived AWS credentials for one component: {@link dev.secureruntime.aws.AssumeRoleCredentials} is what an AWS SDK
 * client is built with. Caching, renewal and audit are the runtime's; this package only asks STS.
 */
@NullMarked
package dev.secureruntime.aws;

import org.jspecify.annotations.NullMarked;
