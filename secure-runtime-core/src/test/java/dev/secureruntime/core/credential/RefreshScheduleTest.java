package dev.secureruntime.core.credential;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RefreshScheduleTest {

    @ParameterizedTest
    @CsvSource({"PT1S, PT0.95S", "PT30S, PT28.5S", "PT15M, PT14M15S", "PT1H, PT59M", "PT12H, PT11H59M"})
    void usableFor_lifetime_leavesATwentiethAtMostAMinute(Duration lifetime, Duration usable) {
        RefreshSchedule schedule = new RefreshSchedule(() -> 0);

        assertThat(schedule.usableFor(lifetime.toNanos())).isEqualTo(usable.toNanos());
    }

    @Test
    void refreshAfter_manyReplicas_areSpreadOverATenthOfTheLifetime() {
        long hour = Duration.ofHours(1).toNanos();
        RefreshSchedule schedule = new RefreshSchedule(new Random(7)::nextDouble);

        long[] minutes = LongStream.generate(() -> schedule.refreshAfter(hour))
                .limit(1_000)
                .peek(at -> assertThat(at).isBetween(hour / 10 * 7, hour / 10 * 8))
                .map(at -> at / Duration.ofMinutes(1).toNanos())
                .toArray();

        for (long minute = 42; minute < 48; minute++) {
            long wanted = minute;
            assertThat(LongStream.of(minutes).filter(m -> m == wanted).count()).isBetween(100L, 240L);
        }
    }

    @Test
    void backOff_failures_growsToACapThatFitsTheLifetime() {
        RefreshSchedule schedule = new RefreshSchedule(() -> 0.999_999);
        long hour = Duration.ofHours(1).toNanos();

        assertThat(schedule.backOff(1, hour)).isBetween(900_000_000L, 1_000_000_000L);
        assertThat(schedule.backOff(1_000_000, hour)).isBetween(29_000_000_000L, 30_000_000_000L);
        assertThat(schedule.backOff(10, Duration.ofSeconds(30).toNanos())).isBetween(2_900_000_000L, 3_000_000_000L);
        assertThat(schedule.backOff(10, RefreshSchedule.LEAST_LIFETIME)).isBetween(99_000_000L, 100_000_000L);
    }
}
