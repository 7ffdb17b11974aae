package dev.secureruntime.core.egress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.secureruntime.core.egress.ByteLedger.Level;
import dev.secureruntime.core.egress.ByteLedger.Notice;
import dev.secureruntime.policy.ByteBudget;
import dev.secureruntime.policy.EnforcementMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class ByteLedgerTest {

    private static final Duration WINDOW = Duration.ofSeconds(16);

    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5); // a ticker may start anywhere, and run over
    private final ByteLedger ledger = new ByteLedger(now::get);

    private static boolean isRefused(Notice notice) {
        return notice != null && notice.level() == Level.SPENT;
    }

    private record Sent(long at, int bytes) {}

    /** Whatever is tried when: no span of time as long as the window saw more than the budget. */
    @Property(tries = 300)
    void spend_anySequence_neverExceedsTheBudgetWithinAnyWindow(
            @ForAll @Size(min = 1, max = 120) List<@IntRange(min = 1, max = 400) Integer> writes,
            @ForAll @Size(min = 1, max = 120) List<@LongRange(min = 0, max = 4_000_000_000L) Long> pauses,
            @ForAll @IntRange(min = 1, max = 1000) int limit) {
        AtomicLong clock = new AtomicLong(-7);
        ByteLedger counted = new ByteLedger(clock::get);
        counted.inForce(List.of(ByteBudget.of("a.example", limit, WINDOW)), EnforcementMode.ENFORCE);
        ByteLedger.Account account = counted.account("a.example");
        List<Sent> sent = new ArrayList<>();
        for (int i = 0; i < writes.size(); i++) {
            clock.addAndGet(pauses.get(i % pauses.size()));
            if (i % 7 == 3) { // what is reloaded meanwhile changes nothing
                counted.inForce(List.of(), EnforcementMode.ENFORCE);
                counted.inForce(List.of(ByteBudget.of("a.example", limit, WINDOW)), EnforcementMode.ENFORCE);
            }
            if (!isRefused(account.spend(writes.get(i)))) {
                sent.add(new Sent(clock.get(), writes.get(i)));
            }
        }
        for (Sent last : sent) {
            long inWindow = sent.stream()
                    .filter(each -> each.at <= last.at && last.at - each.at < WINDOW.toNanos())
                    .mapToLong(Sent::bytes)
                    .sum();
            assertThat(inWindow).isLessThanOrEqualTo(limit);
        }
    }

    @Test
    void spend_fromManyThreadsWhileReloaded_letsExactlyTheBudgetThrough() throws Exception {
        int limit = 1_000_000;
        List<ByteBudget> budgets =
                List.of(ByteBudget.of("*.example", limit, WINDOW), ByteBudget.ofAll(2L * limit, WINDOW));
        ledger.inForce(budgets, EnforcementMode.ENFORCE);
        AtomicLong through = new AtomicLong();
        CountDownLatch start = new CountDownLatch(1);
        ExecutorService threads = Executors.newFixedThreadPool(16);
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            ByteLedger.Account account = ledger.account("host" + i + ".example");
            all.add(threads.submit(() -> {
                start.await();
                for (int j = 0; j < 20_000; j++) {
                    int bytes = ThreadLocalRandom.current().nextInt(1, 20);
                    if (!isRefused(account.spend(bytes))) {
                        through.addAndGet(bytes);
                    }
                }
                return null;
            }));
        }
        start.countDown();
        for (int i = 0; i < 200; i++) {
            ledger.inForce(i % 2 == 0 ? budgets.subList(0, 1) : budgets, EnforcementMode.ENFORCE);
        }
        for (Future<?> one : all) {
            one.get(30, TimeUnit.SECONDS);
        }
        threads.shutdown();
        assertThat(through.get()).isBetween(limit - 19L, (long) limit);
    }

    @Test
    void spend_thatDoesNotFitOneOfTwoBudgets_takesNothingOffTheOther() {
        ledger.inForce(
                List.of(ByteBudget.of("a.example", 10, WINDOW), ByteBudget.ofAll(100, WINDOW)),
                EnforcementMode.ENFORCE);
        assertThat(isRefused(ledger.account("a.example").spend(50))).isTrue();

        assertThat(isRefused(ledger.account("b.example").spend(100))).isFalse();
    }

    @Test
    void spend_afterAWriteThatDidNotFit_isRefusedUntilBytesComeFree() {
        ledger.inForce(List.of(ByteBudget.of("a.example", 100, WINDOW)), EnforcementMode.ENFORCE);
        ByteLedger.Account account = ledger.account("a.example");
        account.spend(60);
        now.addAndGet(TimeUnit.SECONDS.toNanos(2));
        assertThat(isRefused(account.spend(50))).isTrue();
        assertThat(isRefused(account.spend(1))).isTrue();
        assertThat(ledger.spent("a.example")).isNotNull();

        now.addAndGet(TimeUnit.SECONDS.toNanos(15) + 6);

        assertThat(ledger.spent("a.example")).isNull();
        assertThat(isRefused(account.spend(50))).isFalse();
    }

    @Test
    void spend_ofMoreThanTheWholeBudget_shutsItForAWindowOnly() {
        ledger.inForce(List.of(ByteBudget.of("a.example", 100, WINDOW)), EnforcementMode.ENFORCE);
        ByteLedger.Account account = ledger.account("a.example");
        assertThat(isRefused(account.spend(101))).isTrue();
        assertThat(isRefused(account.spend(1))).isTrue();

        now.addAndGet(TimeUnit.SECONDS.toNanos(17));

        assertThat(isRefused(account.spend(100))).isFalse();
    }

    @Test
    void inForce_withALargerLimit_countsAtOnce_andWithASmallerOneToo() {
        ByteLedger.Account account = ledger.account("a.example");
        ledger.inForce(List.of(ByteBudget.of("a.example", 100, WINDOW)), EnforcementMode.ENFORCE);
        account.spend(100);
        assertThat(isRefused(account.spend(1))).isTrue();

        ledger.inForce(List.of(ByteBudget.of("a.example", 200, WINDOW)), EnforcementMode.ENFORCE);
        assertThat(isRefused(account.spend(50))).isFalse();
        ledger.inForce(List.of(ByteBudget.of("a.example", 150, WINDOW)), EnforcementMode.ENFORCE);
        assertThat(isRefused(account.spend(1))).isTrue();
    }

    @Test
    void inForce_withTheSameLimit_doesNotReopenWhatIsShut() {
        ByteBudget budget = ByteBudget.of("a.example", 100, WINDOW);
        ledger.inForce(List.of(budget), EnforcementMode.ENFORCE);
        ByteLedger.Account account = ledger.account("a.example");
        account.spend(60);
        account.spend(60);

        ledger.inForce(List.of(budget), EnforcementMode.ENFORCE);

        assertThat(isRefused(account.spend(1))).isTrue();
    }

    @Test
    void inForce_withAnotherWindow_takesOverWhatWasCounted() {
        ByteLedger.Account account = ledger.account("a.example");
        ledger.inForce(List.of(ByteBudget.of("a.example", 100, WINDOW)), EnforcementMode.ENFORCE);
        account.spend(90);

        ledger.inForce(List.of(ByteBudget.of("a.example", 100, WINDOW.plusSeconds(1))), EnforcementMode.ENFORCE);

        assertThat(isRefused(account.spend(20))).isTrue();
    }

    @Test
    void spend_inReportMode_countsOnAndTellsOncePerWindow() {
        ledger.inForce(List.of(ByteBudget.ofAll(100, WINDOW)), EnforcementMode.REPORT);
        ByteLedger.Account account = ledger.account("a.example");
        assertThat(account.spend(80))
                .isEqualTo(new Notice(ByteBudget.ofAll(100, WINDOW), 80, Level.NEARLY_SPENT, true));
        assertThat(account.spend(50).first()).isTrue();
        assertThat(account.spend(50).first()).isFalse();
        assertThat(ledger.spent("a.example")).isNull();
    }

    @Test
    void inForce_withAWindowThatWasThereBefore_takesOverWhatWasCountedMeanwhile() {
        ByteBudget first = ByteBudget.of("a.example", 100, WINDOW);
        ByteLedger.Account account = ledger.account("a.example");
        ledger.inForce(List.of(first), EnforcementMode.ENFORCE);
        account.spend(10);
        ledger.inForce(List.of(ByteBudget.of("a.example", 100, WINDOW.plusSeconds(1))), EnforcementMode.ENFORCE);
        assertThat(isRefused(account.spend(80))).isFalse();

        ledger.inForce(List.of(first), EnforcementMode.ENFORCE);

        assertThat(isRefused(account.spend(20))).isTrue();
    }

    @Test
    void spend_inReportMode_tellsOfEachBudget_alsoWhereAnotherIsUsedUp() {
        ByteBudget small = ByteBudget.of("a.example", 100, WINDOW);
        ByteBudget large = ByteBudget.ofAll(1000, WINDOW);
        ledger.inForce(List.of(small, large), EnforcementMode.REPORT);
        ByteLedger.Account account = ledger.account("a.example");
        List<String> told = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            Notice notice = account.spend(50);
            if (notice != null && notice.first()) {
                told.add(notice.level() + " " + notice.budget().bytes());
            }
        }

        assertThat(told).containsExactly("NEARLY_SPENT 100", "SPENT 100", "NEARLY_SPENT 1000", "SPENT 1000");
    }

    @Test
    void covers_suffix_isNotTheSuffixItselfNorANameThatEndsLikeIt() {
        ByteBudget budget = ByteBudget.of("*.example.com", 1, WINDOW);
        assertThat(budget.covers("a.example.com")).isTrue();
        assertThat(budget.covers("a.b.example.com")).isTrue();
        assertThat(budget.covers("example.com")).isFalse();
        assertThat(budget.covers("badexample.com")).isFalse();
        assertThat(budget.covers(".example.com")).isFalse();
    }
}
