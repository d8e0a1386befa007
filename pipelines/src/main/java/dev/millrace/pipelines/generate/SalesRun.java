package dev.millrace.pipelines.generate;

import dev.millrace.contract.Reason;
import dev.millrace.pipelines.generate.Draft.Field;
import dev.millrace.pipelines.generate.SalesGenerator.Config;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One run of a {@link SalesGenerator}. */
final class SalesRun extends GeneratorRun<SaleLine, Draft> {

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

  private final Config config;
  private final DimensionIds ids;
  private final long maxLateness;
  private final long maxSkew;
  private final Draft draft = new Draft();
  private final double version2;

  SalesRun(Config config) {
    super(config.records(), config.seed(), config.shares(), new SaleLine());
    this.config = config;
    this.ids = config.dimensions();
    this.maxLateness = config.maxLateness().toMillis();
    this.maxSkew = config.maxSkew().toMillis();
    this.version2 = config.share(Share.VERSION_2);
  }

  @Override
  void write(long slot, @Nullable Share kind) {
    if (kind == null) {
      good(slot);
      return;
    }
    switch (kind) {
      case MALFORMED -> sin(slot, SaleSins.MALFORMED);
      case RULE_BREAKS -> sin(slot, SaleSins.RULE_BREAKS);
      case ORPHANS -> orphan(slot);
      case LATE -> {
        fill(slot, true);
        draft.set(Field.ARRIVED_AT, draft.eventMillis() + maxLateness + beyond());
        line.sale(draft);
        counter().reject(Reason.LATE);
      }
      case FUTURE -> {
        fill(slot, true);
        draft.set(Field.ARRIVED_AT, draft.eventMillis() - maxSkew - beyond());
        line.sale(draft);
        counter().reject(Reason.FUTURE);
      }
      case DUPLICATES -> duplicate(slot);
      case NEWER_VERSIONS -> newerVersion(slot);
      case VERSION_2 -> throw new IllegalArgumentException("no kind of record: " + kind);
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

  private void sin(long slot, List<Sin<SaleLine, Draft>> sins) {
    Sin<SaleLine, Draft> sin = choose(sins, version2 > 0);
    fill(slot, sin.needsVersion2() || chooseVersion2());
    sin.writer().write(line, draft, random);
    counter().reject(sin.reason());
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
    counter().orphan(field.label());
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
      pair(slot, one, survivor, one, Outcome.DUPLICATE, NEAR, FAR);
    } else if (!draft.isVersion2()) {
      byte[] copy = line.saleSpelledOtherwise(draft, random).copy();
      pair(slot, one, survivor, copy, Outcome.DUPLICATE, NEAR, FAR);
    } else {
      draft.set(Field.ARRIVED_AT, draft.eventMillis());
      byte[] early = line.sale(draft).copy();
      draft.set(Field.ARRIVED_AT, draft.eventMillis() + random.below(maxLateness + 1));
      byte[] again = line.sale(draft).copy();
      boolean tie = Arrays.equals(early, again);
      pairInAnyOrder(slot, early, survivor, again, Outcome.DUPLICATE, tie, NEAR, FAR);
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
    pairInAnyOrder(slot, newer, survivor(), older, Outcome.DUPLICATE, false, NEAR, FAR);
  }

  private Outcome survivor() {
    return new Outcome(true, draft.get(Field.STORE_SALES), draft.get(Field.UNIT_SALES));
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
    // Drawn only if it is wanted: without, the bytes are what they were.
    if (config.hotKey() > 0 && random.fraction() < config.hotKey()) {
      return ids.customers().get(0);
    }
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
}
