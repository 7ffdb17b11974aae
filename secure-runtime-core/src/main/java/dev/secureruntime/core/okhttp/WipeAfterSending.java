package dev.secureruntime.core.okhttp;

import java.io.IOException;
import okhttp3.Call;
import okhttp3.EventListener;

/** Overwrites pooled memory as soon as a request is on its way, before the wait for its answer. Runs on the call's thread. */
final class WipeAfterSending extends EventListener {

    @Override
    public void responseHeadersStart(Call call) {
        SegmentPool.wipe();
    }

    @Override
    public void requestFailed(Call call, IOException failure) {
        SegmentPool.wipe();
    }

    @Override
    public void callFailed(Call call, IOException failure) {
        SegmentPool.wipe();
    }
}
