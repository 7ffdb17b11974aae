package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.secureruntime.core.egress.SubNameCounter.Sighting;
import dev.secureruntime.core.egress.SubNameCounter.Sighting.Alarm;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

final class SubNameCounterTest {

    private final AtomicLong now = new AtomicLong();
    private final SubNameCounter counter = new SubNameCounter(50, Duration.ofHours(1), now::get);

    private List<Alarm> ask(int names, String base) {
        List<Alarm> alarms = new ArrayList<>();
        for (int i = 0; i < names; i++) {
            add(counter.saw("n" + i + "." + base), alarms);
        }
        return alarms;
    }

    private static void add(Sighting sighting, List<Alarm> alarms) {
        if (sighting instanceof Alarm alarm) {
            alarms.add(alarm);
        }
    }

    @Test
    void saw_afterTheAlarm_newNamesAreBeyondAndOldOnesOrdinary() {
        ask(50, "example.com");
        assertThat(counter.saw("n7.example.com")).isInstanceOf(Sighting.Ordinary.class);
        assertThat(counter.saw("new.example.com")).isEqualTo(new Sighting.Beyond("example.com"));
    }

    @Test
    void saw_hexLabelsOfATunnel_givesOneAlarmInAWindow() {
        Random random = new Random(1);
        List<Alarm> alarms = new ArrayList<>();
        for (int i = 0; i < 137; i++) {
            String data = Long.toHexString(random.nextLong()) + "." + Long.toHexString(random.nextLong());
            add(counter.saw(data + ".t.tunnel.co.uk"), alarms);
        }
        assertThat(alarms).containsExactly(new Alarm("tunnel.co.uk", 50, Duration.ofHours(1)));
    }

    @Test
    void saw_fewNamesOften_givesNone() {
        for (int round = 0; round < 1000; round++) {
            assertThat(ask(49, "example.com")).isEmpty();
            assertThat(counter.saw("example.com")).isInstanceOf(Sighting.Ordinary.class);
        }
    }

    @Test
    void saw_neighboursOnASharedSuffix_areBasesOfTheirOwn() {
        for (int i = 0; i < 500; i++) {
            assertThat(counter.saw("www.customer" + i + ".github.io")).isInstanceOf(Sighting.Ordinary.class);
            assertThat(counter.saw("www.customer" + i + ".co.uk")).isInstanceOf(Sighting.Ordinary.class);
        }
    }

    @Test
    void saw_nextWindow_countsFromTheBeginning() {
        assertThat(ask(49, "example.com")).isEmpty();
        now.addAndGet(Duration.ofHours(1).toNanos());
        assertThat(ask(49, "example.com")).isEmpty();
        assertThat(ask(50, "example.com")).hasSize(1);
        assertThat(ask(200, "example.com")).isEmpty();
        now.addAndGet(Duration.ofHours(1).toNanos());
        assertThat(ask(50, "example.com")).hasSize(1);
    }

    @Test
    void saw_moreBasesThanAreHeld_forgetsTheOldest() {
        ask(49, "first.com");
        for (int i = 0; i < SubNameCounter.MAX_BASES; i++) {
            counter.saw("x.base" + i + ".com");
        }
        assertThat(counter.bases()).isEqualTo(SubNameCounter.MAX_BASES);
        assertThat(ask(49, "first.com")).isEmpty();
    }

    @Test
    void new_uselessSettings_areRefused() {
        assertThatThrownBy(() -> new SubNameCounter(1, Duration.ofHours(1), now::get))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new SubNameCounter(50, Duration.ZERO, now::get))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Property(tries = 300)
    void saw_anyNames_alarmsWhenAPlainSetWould(
            @ForAll @Size(max = 200) List<@IntRange(max = 19) Integer> names,
            @ForAll @IntRange(min = 2, max = 10) int most) {
        SubNameCounter small = new SubNameCounter(most, Duration.ofHours(1), () -> 0);
        Map<String, Set<String>> seen = new HashMap<>();
        for (int name : names) {
            String base = "base" + name % 3 + ".example.org";
            Set<String> below = seen.computeIfAbsent("example.org", first -> new HashSet<>());
            boolean expected = below.add(name + "." + base) && below.size() == most;
            assertThat(small.saw(name + "." + base) instanceof Alarm).isEqualTo(expected);
        }
    }
}
