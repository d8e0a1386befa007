package dev.millrace.transforms.refine;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.contract.Reason;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.DeadLetters;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.Payload;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.Sourced;
import java.lang.reflect.Constructor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollection.IsBounded;
import org.joda.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The refining pass: parse, validate, gate late and future records, mask. All decisions about a
 * single record in one pass, before anything is grouped.
 *
 * <pre>{@code
 * Accounted<Sale> sales = raw.apply("RefineSales",
 *     Refine.json(Sale.class).as("RefineSales").lateAfter(Duration.ofDays(7)).futureAfter(Duration.ofDays(1)));
 * }</pre>
 *
 * <p><b>Input:</b> {@link RawRecord}s, each one JSON object. <b>Output:</b> good records,
 * timestamped with their event time (without one, or without a gate when the event lies before it,
 * the timestamp of the input); dead letters; tallies. <b>Bounded/unbounded:</b> both. In a stream
 * the input's timestamps must not be later than the event times, as Beam forbids to move backwards:
 * sources give {@code arrival − max lateness}. <b>State and timers:</b> none. <b>Reasons:</b> all
 * of {@link Reason} but {@code ORPHAN_KEY}. <b>Guarantee:</b> a record's fate depends on the record
 * alone; read = written + invalid + late. <b>Runners: </b> all.
 *
 * @param <T> record class
 */
public final class Refine<T extends SpecificRecord>
    extends PTransform<PCollection<RawRecord>, Accounted<T>> {

  private final Class<T> type;
  private final String stage;
  private final Limits limits;
  private final boolean validate;
  private final @Nullable LateGate gate;
  private final boolean mask;
  private final @Nullable String secret;
  private final List<Named<T>> predicates;
  private final Set<String> leftOut;

  private Refine(
      Class<T> type,
      String stage,
      Limits limits,
      boolean validate,
      @Nullable LateGate gate,
      boolean mask,
      @Nullable String secret,
      List<Named<T>> predicates,
      Set<String> leftOut) {
    this.type = type;
    this.stage = stage;
    this.limits = limits;
    this.validate = validate;
    this.gate = gate;
    this.mask = mask;
    this.secret = secret;
    this.predicates = predicates;
    this.leftOut = leftOut;
  }

  /**
   * Refines JSON into records of a class: parse, validate and mask as its contract says. Without
   * {@link #lateAfter} and {@link #futureAfter} no record is late.
   */
  public static <T extends SpecificRecord> Refine<T> json(Class<T> type) {
    return new Refine<>(
        type,
        "Refine" + type.getSimpleName(),
        Limits.DEFAULT,
        true,
        null,
        true,
        null,
        List.of(),
        Set.of());
  }

  /** Parses only: types and required fields, no rules, no gate, no masking. */
  static <T extends SpecificRecord> Refine<T> parseOnly(Class<T> type) {
    return new Refine<>(
        type,
        "Parse" + type.getSimpleName(),
        Limits.DEFAULT,
        false,
        null,
        false,
        null,
        List.of(),
        Set.of());
  }

  /** The same under another stage name, which stands in the ledger and in dead letters. */
  public Refine<T> as(String stageName) {
    if (stageName.isBlank()) {
      throw new IllegalArgumentException("a stage needs a name");
    }
    return new Refine<>(type, stageName, limits, validate, gate, mask, secret, predicates, leftOut);
  }

  /** The same with other bounds on records. */
  public Refine<T> withLimits(Limits bounds) {
    return new Refine<>(type, stage, bounds, validate, gate, mask, secret, predicates, leftOut);
  }

  /** Refuses a record that arrives later than this after its event, as {@code LATE}. */
  public Refine<T> lateAfter(Duration maxLateness) {
    Duration skew = gate == null ? Duration.ofDays(365_000) : gate.maxSkew();
    return new Refine<>(
        type,
        stage,
        limits,
        validate,
        new LateGate(maxLateness, skew),
        mask,
        secret,
        predicates,
        leftOut);
  }

  /** Refuses a record whose event lies further than this after its arrival, as {@code FUTURE}. */
  public Refine<T> futureAfter(Duration maxSkew) {
    Duration lateness = gate == null ? Duration.ofDays(365_000) : gate.maxLateness();
    return new Refine<>(
        type,
        stage,
        limits,
        validate,
        new LateGate(lateness, maxSkew),
        mask,
        secret,
        predicates,
        leftOut);
  }

  /**
   * Keys for private fields, as a reference ({@code env:NAME} or {@code file:PATH}); needed if the
   * contract has any.
   */
  public Refine<T> withSecret(String reference) {
    return new Refine<>(
        type,
        stage,
        limits,
        validate,
        gate,
        mask,
        Vault.requireReference(reference),
        predicates,
        leftOut);
  }

  /**
   * A rule over several fields. Rules hold in the order they were given, after those of the
   * contract.
   *
   * @param name of the rule, unique within the pass; it stands in the detail of a dead letter
   * @param words the rule in words that continue "must ", such as {@code not cost more than it
   *     earns}
   * @param holds whether a record keeps it
   */
  public Refine<T> withRule(String name, String words, SerializableFunction<T, Boolean> holds) {
    if (name.isBlank() || predicates.stream().anyMatch(p -> p.name().equals(name))) {
      throw new IllegalArgumentException("rule '" + name + "' needs a name of its own");
    }
    List<Named<T>> more = new ArrayList<>(predicates);
    more.add(new Named<>(name, words, holds));
    return new Refine<>(
        type, stage, limits, validate, gate, mask, secret, List.copyOf(more), leftOut);
  }

  /**
   * Leaves fields out of good records that nothing after this needs: they are null then, or the
   * empty text where they are required. They are checked as ever, and a dead letter has the record
   * as it came. What is left out is not masked, not handed to other tasks, and a text mostly not
   * even made, which is faster; and private values that nobody needs are nowhere.
   *
   * @throws IllegalArgumentException if the contract has no such field, or it cannot be left out:
   *     it tells copies or versions apart, or is required and no text
   */
  public Refine<T> without(String... fields) {
    Contract contract = Contract.of(type);
    Set<FieldContract> identity = new HashSet<>(contract.key());
    identity.addAll(contract.keyElse());
    contract.recordVersion().ifPresent(identity::add);
    Set<String> more = new TreeSet<>(leftOut);
    for (String name : fields) {
      FieldContract field = contract.field(name);
      if (identity.contains(field)) {
        throw new IllegalArgumentException(
            name
                + " tells copies and versions of a "
                + contract.name()
                + " apart, so it cannot be left out");
      }
      if (!field.nullable() && field.type() != FieldContract.Type.STRING) {
        throw new IllegalArgumentException(
            name
                + " is required by contract "
                + contract.name()
                + " and no text, so it cannot be left out");
      }
      more.add(name);
    }
    return new Refine<>(
        type,
        stage,
        limits,
        validate,
        gate,
        mask,
        secret,
        predicates,
        Collections.unmodifiableSet(more));
  }

  @Override
  public Accounted<T> expand(PCollection<RawRecord> input) {
    Contract contract = Contract.of(type);
    if (contract.hasPrivateFields() && secret == null) {
      throw new IllegalArgumentException(
          "contract "
              + contract.name()
              + " has private fields; give Refine a secret: withSecret(\"env:NAME\") or withSecret(\"file:PATH\")");
    }
    if (gate != null && contract.eventTime().isEmpty()) {
      throw new IllegalArgumentException(
          "contract "
              + contract.name()
              + " names no eventTime, so none of its records can be late");
    }
    if (gate == null
        && contract.eventTime().isPresent()
        && input.isBounded() == IsBounded.UNBOUNDED) {
      throw new IllegalArgumentException(
          "a stream of "
              + contract.name()
              + " needs a late gate, or a record that comes late would stop it at the next window: give Refine"
              + " lateAfter(...), of what the source stays behind its arrivals at most");
    }
    return new RefineFn<>(this).applyTo(input, type);
  }

  private record Named<T>(String name, String words, SerializableFunction<T, Boolean> holds)
      implements java.io.Serializable {}

  /** The pass. */
  private static final class RefineFn<T extends SpecificRecord> extends StepFn<RawRecord, T> {

    private final Class<T> type;
    private final Limits limits;
    private final boolean validate;
    private final @Nullable LateGate gate;
    private final boolean mask;
    private final @Nullable String secret;
    private final List<Named<T>> predicates;
    private final Set<String> leftOut;

    private transient @Nullable Contract contract;
    private transient @Nullable Constructor<T> constructor;
    private transient Contract.@Nullable EventTime eventTimeOf;
    private transient @Nullable ContractReader<T> reader;
    private transient @Nullable Validator validator;
    private transient @Nullable Masker masker;
    private transient int arrivalField;
    private transient FieldContract @Nullable [] emptied;

    private transient @Nullable Problem problem;
    private transient @Nullable Origin origin;
    private transient @Nullable UnaryOperator<byte[]> encryption;
    private transient @Nullable Payload payload;
    private transient long eventTime;

    private RefineFn(Refine<T> spec) {
      super(spec.stage);
      this.type = spec.type;
      this.limits = spec.limits;
      this.validate = spec.validate;
      this.gate = spec.gate;
      this.mask = spec.mask;
      this.secret = spec.secret;
      this.predicates = spec.predicates;
      this.leftOut = spec.leftOut;
    }

    @Override
    void open() {
      Contract held = Contract.of(type);
      contract = held;
      constructor = constructorOf(type);
      // Rules over several fields may look at any of them.
      Set<String> unread = predicates.isEmpty() ? leftOut : Set.of();
      reader = new ContractReader<>(held, this::newRecord, limits, unread);
      validator = validate ? new Validator(held) : null;
      Vault vault = secret != null && held.hasPrivateFields() ? Vault.open(secret) : null;
      encryption = vault == null ? null : vault::encrypt;
      masker = mask && vault != null ? new Masker(held, vault, leftOut) : null;
      emptied = leftOut.stream().map(held::field).toArray(FieldContract[]::new);
      eventTimeOf = held.eventTime().orElse(null);
      arrivalField = held.arrivalTime().map(FieldContract::index).orElse(-1);
    }

    @Override
    Origin originOf(RawRecord input) {
      return input.origin();
    }

    @Override
    Instant timestampOf(Sourced<T> record, Instant input) {
      long event = record.eventTimeMillis();
      // With a gate, an event before its input's timestamp means a source that runs ahead of the
      // gate: Beam refuses it, rather than that the record lands in a wrong window.
      return event == Origin.NO_ARRIVAL || (gate == null && event < input.getMillis())
          ? input
          : Instant.ofEpochMilli(event);
    }

    @Override
    @Nullable Sourced<T> decide(RawRecord input) {
      origin = input.origin();
      eventTime = Origin.NO_ARRIVAL;
      Payload kept =
          encryption == null
              ? Payload.of(input.payload())
              : Payload.encrypted(input.payload(), encryption);
      payload = kept;
      ContractReader<T> parse = reader();
      T record = parse.read(input.payload());
      problem = record == null ? parse.problem() : judge(record);
      if (record == null || problem != null) {
        return null;
      }
      for (FieldContract field : Objects.requireNonNull(emptied)) {
        record.put(field.index(), field.nullable() ? null : "");
      }
      if (masker != null) {
        masker.mask(record);
      }
      return new Sourced<>(record, parse.version(), eventTime, origin(), kept);
    }

    private @Nullable Problem judge(T record) {
      // Times first, so that a dead letter shows them; a broken rule outranks a useless time.
      Problem untimed = timesOf(record);
      Problem broken = validator == null ? null : broken(validator, record);
      if (broken != null) {
        return broken;
      }
      return untimed != null || gate == null
          ? untimed
          : gate.check(origin().arrivalMillis(), eventTime);
    }

    private @Nullable Problem broken(Validator rules, T record) {
      Problem broken = rules.check(record);
      for (int i = 0; broken == null && i < predicates.size(); i++) {
        if (!predicates.get(i).holds().apply(record)) {
          broken =
              new Problem(
                  Reason.RULE_VIOLATION,
                  null,
                  predicates.get(i).name() + ": the record must " + predicates.get(i).words());
        }
      }
      return broken;
    }

    private @Nullable Problem timesOf(T record) {
      if (eventTimeOf != null) {
        FieldContract field = eventTimeOf.field();
        Object event = record.get(field.index());
        if (event == null) {
          return new Problem(
              Reason.MISSING_FIELD, field.name(), field.name() + " is absent, but dates the event");
        }
        long millis = eventTimeOf.millis(event);
        if (!IsoInstant.isHeld(millis)) {
          return new Problem(
              Reason.NUMBER_OUT_OF_RANGE,
              field.name(),
              field.name() + " dates the event beyond the years 1 to 9999");
        }
        eventTime = millis;
      }
      if (origin().arrivalMillis() == Origin.NO_ARRIVAL) {
        Object arrival = arrivalField < 0 ? null : record.get(arrivalField);
        // A source that says nothing of arrival is taken as on time.
        origin =
            origin()
                .arrivedAt(
                    arrival instanceof java.time.Instant known ? known.toEpochMilli() : eventTime);
      }
      return null;
    }

    @Override
    DeadLetter refused() {
      Problem found = found();
      return DeadLetters.of(
          stage(),
          found.reason(),
          found.detail(),
          found.field(),
          Objects.requireNonNull(contract),
          reader().version(),
          eventTime,
          origin(),
          Objects.requireNonNull(payload).bytes());
    }

    @Override
    boolean refusedForLateness() {
      return found().reason().isLateness();
    }

    private Problem found() {
      return Objects.requireNonNull(problem);
    }

    private Origin origin() {
      return Objects.requireNonNull(origin);
    }

    private ContractReader<T> reader() {
      return Objects.requireNonNull(reader);
    }

    private T newRecord() {
      try {
        return Objects.requireNonNull(constructor).newInstance();
      } catch (ReflectiveOperationException impossible) {
        throw new IllegalStateException("constructor of " + type.getName(), impossible);
      }
    }
  }

  private static <T> Constructor<T> constructorOf(Class<T> type) {
    try {
      Constructor<T> constructor = type.getConstructor();
      // It is public anyway; but this way Java does not look it up for each record.
      constructor.setAccessible(true);
      return constructor;
    } catch (NoSuchMethodException notGenerated) {
      throw new IllegalArgumentException(
          type.getName()
              + " is no generated record: it has no public constructor without arguments",
          notGenerated);
    }
  }
}
