package dev.millrace.pipelines.generate;

import dev.millrace.contract.Reason;
import dev.millrace.pipelines.generate.AnswerKey.Counts;
import dev.millrace.pipelines.generate.Draft.Field;
import dev.millrace.pipelines.generate.SalesGenerator.Config;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/** One run of a {@link SalesGenerator}: what goes into each slot of the set, in order. */
final class SalesRun {

  /**
   * Coprime to {@link SalesGenerator#SALES_OF_A_DAY}: spreads consecutive numbers over all six
   * digits.
   */
  private static final long SPREAD = 387_420_489;

  private static final int NEAR = 1_000;

  /** Also bounds how many copies wait to be written, and so the memory they take. */
  private static final int FAR = 1_000_000;

  /** One good record in so many is spelled unusually. */
  private static final int UNUSUAL = 100;

  private static final long MONTH_MILLIS = 30 * Draft.DAY_MILLIS;

  private final Config config;
  private final DimensionIds ids;
  private final long maxLateness;
  private final long maxSkew;
  private final Randomness random;
  private final Line line = new Line();
  private final Draft draft = new Draft();
  private final Map<Sin, Integer> committed = new HashMap<>();
  private final PriorityQueue<Due> due = new PriorityQueue<>();
  private final double malformedBelow;
  private final double ruleBreaksBelow;
  private final double orphansBelow;
  private final double lateBelow;
  private final double futureBelow;
  private final double duplicatesBelow;
  private final double newerBelow;
  private final double version2;
  private Counter counter = new Counter();

  SalesRun(Config config) {
    this.config = config;
    this.ids = config.dimensions();
    this.maxLateness = config.maxLateness().toMillis();
    this.maxSkew = config.maxSkew().toMillis();
    this.random = new Randomness(config.seed());
    // Copies take the place of other records: among the rest every share is greater.
    double rest = 1 - config.share(Share.DUPLICATES) - config.share(Share.NEWER_VERSIONS);
    malformedBelow = config.share(Share.MALFORMED) / rest;
    ruleBreaksBelow = malformedBelow + config.share(Share.RULE_BREAKS) / rest;
    orphansBelow = ruleBreaksBelow + config.share(Share.ORPHANS) / rest;
    lateBelow = orphansBelow + config.share(Share.LATE) / rest;
    futureBelow = lateBelow + config.share(Share.FUTURE) / rest;
    duplicatesBelow = futureBelow + config.share(Share.DUPLICATES) / rest;
    newerBelow = duplicatesBelow + config.share(Share.NEWER_VERSIONS) / rest;
    version2 = config.share(Share.VERSION_2);
  }

  AnswerKey write(Path directory, List<String> names) throws IOException {
    Map<String, Counts> files = new LinkedHashMap<>();
    Counter total = new Counter();
    long slot = 0;
    for (int file = 0; file < names.size(); file++) {
      counter = new Counter();
      long end = Math.multiplyExact(config.records(), file + 1L) / names.size();
      try (OutputStream out = open(directory.resolve(names.get(file)))) {
        for (; slot < end; slot++) {
          next(slot);
          line.add('\n').writeTo(out);
        }
      }
      files.put(names.get(file), counter.counts());
      total.add(counter);
    }
    return new AnswerKey(config.described(), total.counts(), files);
  }

  private OutputStream open(Path file) throws IOException {
    return new BufferedOutputStream(
        config.compression().over(Files.newOutputStream(file)), 1 << 18);
  }

  /** Puts the record of a slot into the line, and counts it. */
  private void next(long slot) {
    Due first = due.peek();
    if (first != null && (first.slot <= slot || due.size() >= config.records() - slot)) {
      due.remove();
      line.text(first.line);
      count(first.outcome);
      return;
    }
    double kind = random.fraction();
    if (kind < malformedBelow) {
      sin(slot, Sin.MALFORMED);
    } else if (kind < ruleBreaksBelow) {
      sin(slot, Sin.RULE_BREAKS);
    } else if (kind < orphansBelow) {
      orphan(slot);
    } else if (kind < lateBelow) {
      fill(slot, true);
      draft.set(Field.ARRIVED_AT, draft.eventMillis() + maxLateness + beyond());
      line.sale(draft);
      counter.reject(Reason.LATE);
    } else if (kind < futureBelow) {
      fill(slot, true);
      draft.set(Field.ARRIVED_AT, draft.eventMillis() - maxSkew - beyond());
      line.sale(draft);
      counter.reject(Reason.FUTURE);
    } else if (kind < newerBelow && due.size() + 1 < config.records() - slot) {
      if (kind < duplicatesBelow) {
        duplicate(slot);
      } else {
        newerVersion(slot);
      }
    } else {
      good(slot);
    }
  }

  private void good(long slot) {
    fill(slot, chooseVersion2());
    if (draft.isVersion2() && random.oneIn(32)) {
      // Still good, but only just.
      draft.set(Field.ARRIVED_AT, draft.eventMillis() + (random.oneIn(2) ? maxLateness : -maxSkew));
    }
    if (random.oneIn(UNUSUAL)) {
      line.saleSpelledOtherwise(draft, random);
    } else {
      line.sale(draft);
    }
    count(survivor());
  }

  private void sin(long slot, List<Sin> sins) {
    Sin sin = random.pick(sins);
    while ((sin.needsVersion2() && version2 == 0)
        || committed.getOrDefault(sin, 0) >= sin.atMost()) {
      sin = random.pick(sins);
    }
    committed.merge(sin, 1, Integer::sum);
    fill(slot, sin.needsVersion2() || chooseVersion2());
    sin.writer().write(line, draft, random);
    counter.reject(sin.reason());
  }

  private void orphan(long slot) {
    fill(slot, chooseVersion2());
    Field field = random.pick(Field.IDS);
    long id =
        switch (field) {
          case PRODUCT_ID -> ids.products().anAbsent(random);
          case CUSTOMER_ID -> ids.customers().anAbsent(random);
          case PROMOTION_ID -> ids.promotions().anAbsent(random);
          case STORE_ID -> ids.stores().anAbsent(random);
          // One absent day for each that exists: sales of two days must not become equal.
          default -> ids.days().last() + 1L + day(slot);
        };
    long arrival = draft.get(Field.ARRIVED_AT);
    long delay = arrival == Draft.ABSENT ? 0 : arrival - draft.eventMillis();
    draft.set(field, id);
    if (arrival != Draft.ABSENT) {
      draft.set(Field.ARRIVED_AT, draft.eventMillis() + delay);
    }
    line.sale(draft);
    counter.orphan(field);
  }

  /**
   * A good record and its copy. Of version 1 the copy is of the same bytes, or spelled otherwise;
   * of version 2 it is of the same bytes, or was sent again and arrived later.
   */
  private void duplicate(long slot) {
    fill(slot, chooseVersion2());
    Outcome survivor = survivor();
    byte[] one = line.sale(draft).copy();
    boolean exact = random.oneIn(2);
    if (exact) {
      pair(slot, one, survivor, one, Outcome.DUPLICATE);
    } else if (!draft.isVersion2()) {
      byte[] copy = line.saleSpelledOtherwise(draft, random).copy();
      pair(slot, one, survivor, copy, Outcome.DUPLICATE);
    } else {
      draft.set(Field.ARRIVED_AT, draft.eventMillis());
      byte[] early = line.sale(draft).copy();
      draft.set(Field.ARRIVED_AT, draft.eventMillis() + random.below(maxLateness + 1));
      byte[] again = line.sale(draft).copy();
      boolean tie = Arrays.equals(early, again);
      pairInAnyOrder(slot, early, survivor, again, Outcome.DUPLICATE, tie);
    }
  }

  /** A good record and a version of it with a later {@code updated_at} and other amounts. */
  private void newerVersion(long slot) {
    fill(slot, true);
    byte[] older = line.sale(draft).copy();
    long updated = draft.get(Field.UPDATED_AT);
    draft.set(
        Field.UPDATED_AT,
        updated == Draft.ABSENT
            ? draft.eventMillis()
            : updated + 1 + (random.oneIn(8) ? 0 : random.below(2 * Draft.DAY_MILLIS)));
    draft.set(Field.STORE_SALES, draft.get(Field.STORE_SALES) + 100 * (1 + random.below(500L)));
    draft.set(Field.UNIT_SALES, draft.get(Field.UNIT_SALES) + 10_000);
    if (draft.get(Field.ARRIVED_AT) != Draft.ABSENT) {
      draft.set(Field.ARRIVED_AT, draft.eventMillis() + random.below(maxLateness + 1));
    }
    byte[] newer = line.sale(draft).copy();
    pairInAnyOrder(slot, newer, survivor(), older, Outcome.DUPLICATE, false);
  }

  private void pairInAnyOrder(
      long slot, byte[] a, Outcome ofA, byte[] b, Outcome ofB, boolean fixed) {
    if (fixed || random.oneIn(2)) {
      pair(slot, a, ofA, b, ofB);
    } else {
      pair(slot, b, ofB, a, ofA);
    }
  }

  /** Writes one record now, the other later. */
  private void pair(long slot, byte[] now, Outcome ofNow, byte[] later, Outcome ofLater) {
    line.text(now);
    count(ofNow);
    long room = config.records() - slot - 1;
    long distance = random.below(Math.min(room, random.oneIn(2) ? NEAR : FAR));
    due.add(new Due(slot + 1 + distance, slot, later, ofLater));
  }

  private Outcome survivor() {
    return new Outcome(true, draft.get(Field.STORE_SALES), draft.get(Field.UNIT_SALES));
  }

  private void count(Outcome outcome) {
    if (outcome.survives) {
      counter.written(outcome.sales, outcome.units);
    } else {
      counter.duplicate();
    }
  }

  private boolean chooseVersion2() {
    return random.fraction() < version2;
  }

  /** A good sale, on time, that no other slot can draw. */
  private void fill(long slot, boolean version2) {
    int day = day(slot);
    long firstOfDay = (day * config.records() + ids.days().size() - 1) / ids.days().size();
    long own = (slot - firstOfDay) * SPREAD % SalesGenerator.SALES_OF_A_DAY;
    long dollars = 1 + random.below(24L);
    draft.set(Field.PRODUCT_ID, ids.products().get(random.below(ids.products().size())));
    draft.set(Field.TIME_ID, ids.days().get(day));
    draft.set(Field.CUSTOMER_ID, customer());
    draft.set(Field.PROMOTION_ID, promotion());
    draft.set(Field.STORE_ID, ids.stores().get(random.below(ids.stores().size())));
    draft.set(Field.STORE_SALES, dollars * 10_000 + random.below(100L) * 100 + own % 100);
    draft.set(Field.STORE_COST, dollars * 2 / 5 * 10_000 + own / 100);
    draft.set(Field.UNIT_SALES, (1 + random.below(6)) * 10_000L);
    draft.set(Field.SALE_ID, version2 ? slot : Draft.ABSENT);
    draft.set(Field.UPDATED_AT, Draft.ABSENT);
    draft.set(Field.ARRIVED_AT, Draft.ABSENT);
    if (version2) {
      long event = draft.eventMillis();
      if (!random.oneIn(16)) {
        draft.set(Field.UPDATED_AT, event + random.below(Draft.DAY_MILLIS));
      }
      if (!random.oneIn(16)) {
        draft.set(Field.ARRIVED_AT, event + random.below(maxLateness / 2 + 1));
      }
    }
  }

  /** Sales come in the order of their days, as many on each. */
  private int day(long slot) {
    return (int) (slot * ids.days().size() / config.records());
  }

  /** Some customers buy often, most seldom. */
  private int customer() {
    double at = random.fraction();
    return ids.customers().get((int) (at * at * ids.customers().size()));
  }

  /** Three sales in four are without promotion, as in FoodMart. */
  private int promotion() {
    Ids promotions = ids.promotions();
    return promotions.contains(0) && !random.oneIn(4)
        ? 0
        : promotions.get(random.below(promotions.size()));
  }

  /** How far beyond a bound of time: often a millisecond, a month at most. */
  private long beyond() {
    return 1 + (random.oneIn(8) ? 0 : random.below(MONTH_MILLIS));
  }

  /** What becomes of a good record. Amounts in ten-thousandths. */
  private record Outcome(boolean survives, long sales, long units) {
    static final Outcome DUPLICATE = new Outcome(false, 0, 0);
  }

  /** A record to be written from a slot on; {@code first} is the slot of its pair's first. */
  private static final class Due implements Comparable<Due> {
    private final long slot;
    private final long first;
    private final byte[] line;
    private final Outcome outcome;

    Due(long slot, long first, byte[] line, Outcome outcome) {
      this.slot = slot;
      this.first = first;
      this.line = line;
      this.outcome = outcome;
    }

    @Override
    public int compareTo(Due other) {
      int bySlot = Long.compare(slot, other.slot);
      return bySlot != 0 ? bySlot : Long.compare(first, other.first);
    }
  }
}
