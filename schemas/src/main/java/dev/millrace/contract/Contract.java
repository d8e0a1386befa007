package dev.millrace.contract;

import dev.millrace.contract.FieldContract.Privacy;
import dev.millrace.contract.FieldContract.Type;
import java.io.ObjectStreamException;
import java.io.Serializable;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.apache.avro.LogicalType;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;
import org.jspecify.annotations.Nullable;

/**
 * What a record is: an Avro schema, and beside Avro's own properties those of Millrace.
 *
 * <p>Of the record: {@code version}, {@code key} (the fields that tell one record from another),
 * {@code keyElse} (the fields to hash where the key is null), {@code eventTime} (a timestamp field,
 * or a field with {@code unit} and {@code origin}), {@code arrivalTime}, {@code recordVersion} (the
 * field whose greatest value wins among records of one key), {@code table}, {@code foreignKeys},
 * {@code indexes}, {@code disjoint} (two fields, from and to, both inclusive: the intervals of rows
 * that agree in the rest of the key never overlap), {@code grows} (integer fields that are never
 * null: of two statements of one row, the one that is made of more has the greater sum of these).
 *
 * <p>Of a field: the rules ({@code min}, {@code max}, {@code exclusiveMin}, {@code pattern}, {@code
 * format}, {@code oneOf}, {@code maxLength}), {@code examples} (values that keep the rules; a field
 * with a pattern needs some to be sampled), {@code since}, {@code unit}, {@code privacy}, {@code
 * references}.
 *
 * <p>The fields of a nested record are shown as the contract's own, in place; of two with one name
 * the first stays.
 *
 * <p>Immutable, thread-safe, serializable (by its schema). A declaration that makes no sense is an
 * {@link IllegalArgumentException} that names contract, field and property.
 */
public final class Contract implements Serializable {

  private static final Map<Class<?>, Contract> BY_CLASS = new ConcurrentHashMap<>();
  private static final Map<String, Contract> BY_TEXT = new ConcurrentHashMap<>();

  private static final Set<String> PROPERTIES =
      Set.of(
          "version",
          "key",
          "keyElse",
          "eventTime",
          "arrivalTime",
          "recordVersion",
          "table",
          "foreignKeys",
          "indexes",
          "disjoint",
          "grows");

  private static final Pattern TABLE = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,62}");

  private static final Set<Type> NUMBERS = Set.of(Type.INT, Type.LONG, Type.DOUBLE, Type.DECIMAL);

  private final transient Schema schema;
  private final transient int version;
  private final transient Map<String, FieldContract> fields;
  private final transient List<FieldContract> key;
  private final transient List<FieldContract> keyElse;
  private final transient Optional<EventTime> eventTime;
  private final transient Optional<FieldContract> arrivalTime;
  private final transient Optional<FieldContract> recordVersion;
  private final transient Map<String, String> foreignKeys;
  private final transient List<List<String>> indexes;
  private final transient Optional<Interval> disjoint;
  private final transient List<FieldContract> keyBesidesInterval;
  private final transient List<FieldContract> grows;

  private Contract(Schema schema) {
    this.schema = schema;
    for (String property : schema.getObjectProps().keySet()) {
      if (!PROPERTIES.contains(property)) {
        throw wrong(property, "is unknown; see the list in the documentation of Contract");
      }
    }
    this.version = versionOf(schema);
    checkTable("table", table());
    Map<String, FieldContract> collected = new LinkedHashMap<>();
    collect(schema, List.of(), false, collected);
    this.fields = Collections.unmodifiableMap(collected);
    this.key = named("key");
    this.keyElse = named("keyElse");
    this.eventTime = readEventTime();
    this.arrivalTime =
        Optional.ofNullable(schema.getProp("arrivalTime")).map(n -> named("arrivalTime", n));
    this.recordVersion =
        Optional.ofNullable(schema.getProp("recordVersion")).map(n -> named("recordVersion", n));
    this.foreignKeys = readForeignKeys();
    this.indexes = readIndexes();
    this.disjoint = readDisjoint();
    this.keyBesidesInterval =
        key.stream()
            .filter(f -> disjoint.filter(i -> i.from().equals(f) || i.to().equals(f)).isEmpty())
            .toList();
    this.grows = named("grows");
    if (grows.stream()
        .anyMatch(f -> f.nullable() || (f.type() != Type.LONG && f.type() != Type.INT))) {
      throw wrong("grows", "is not of integer fields that are never null");
    }
  }

  /** The contract a schema declares. */
  public static Contract of(Schema schema) {
    if (schema.getType() != Schema.Type.RECORD) {
      throw new IllegalArgumentException("a contract is a record, not a " + schema.getType());
    }
    return new Contract(schema);
  }

  /** The contract of a generated record class. */
  public static Contract of(Class<? extends SpecificRecord> type) {
    return BY_CLASS.computeIfAbsent(type, t -> of(SpecificData.get().getSchema(t)));
  }

  /** Name of the record, such as {@code Sale}. */
  public String name() {
    return schema.getName();
  }

  /** What the record is, one sentence. */
  public String doc() {
    return schema.getDoc() == null ? "" : schema.getDoc();
  }

  /** Version of the contract, from 1. */
  public int version() {
    return version;
  }

  /** The Avro schema, with all properties. */
  public Schema schema() {
    return schema;
  }

  /** All fields, in order; those of nested records in place. */
  public Collection<FieldContract> fields() {
    return fields.values();
  }

  /**
   * The field of a name; an {@link IllegalArgumentException} names the contract if there is none.
   */
  public FieldContract field(String name) {
    FieldContract field = fields.get(name);
    if (field == null) {
      throw new IllegalArgumentException("contract " + name() + " has no field " + name);
    }
    return field;
  }

  /** The field of a name, if there is one. */
  public Optional<FieldContract> find(String name) {
    return Optional.ofNullable(fields.get(name));
  }

  /** The fields that tell one record from another. */
  public List<FieldContract> key() {
    return key;
  }

  /**
   * The fields whose hash tells one record from another where the key is null; empty if there are
   * none.
   */
  public List<FieldContract> keyElse() {
    return keyElse;
  }

  /**
   * How the time of the event is read from the record; empty for a record without one, such as a
   * dimension's.
   */
  public Optional<EventTime> eventTime() {
    return eventTime;
  }

  /** The field that says when the log received the record. */
  public Optional<FieldContract> arrivalTime() {
    return arrivalTime;
  }

  /** The field whose greatest value wins among records of one key; null counts as smallest. */
  public Optional<FieldContract> recordVersion() {
    return recordVersion;
  }

  /**
   * Whether a field has a privacy class: payloads of such records are never stored in the clear.
   */
  public boolean hasPrivateFields() {
    return fields().stream().anyMatch(f -> f.privacy().isPresent());
  }

  /**
   * Name of the table that holds these records: property {@code table}, else the name in snake
   * case.
   */
  public String table() {
    String table = schema.getProp("table");
    return table != null
        ? table
        : name().replaceAll("(?<=[a-z0-9])(?=[A-Z])", "_").toLowerCase(Locale.ROOT);
  }

  /** Foreign keys of the table: field name to the table it points to. */
  public Map<String, String> foreignKeys() {
    return foreignKeys;
  }

  /**
   * An interval, both ends included.
   *
   * @param from field of its start
   * @param to field of its end
   */
  public record Interval(FieldContract from, FieldContract to) {}

  /** The interval that rows which agree in {@link #keyBesidesInterval} do not share. */
  public Optional<Interval> disjoint() {
    return disjoint;
  }

  /** The key but for the ends of the {@link #disjoint} interval. */
  public List<FieldContract> keyBesidesInterval() {
    return keyBesidesInterval;
  }

  /**
   * Fields whose sum grows with what a row is made of, as it is stated again and again; none if
   * nothing tells.
   */
  public List<FieldContract> grows() {
    return grows;
  }

  private Optional<Interval> readDisjoint() {
    if (schema.getObjectProp("disjoint") == null) {
      return Optional.empty();
    }
    List<FieldContract> ends = named("disjoint");
    if (ends.size() != 2
        || ends.get(0).type() != ends.get(1).type()
        || ends.stream().anyMatch(FieldContract::nullable)) {
      throw wrong("disjoint", "is not two fields of one type that are never null: from and to");
    }
    return Optional.of(new Interval(ends.get(0), ends.get(1)));
  }

  /** Indexes of the table beside its key: lists of field names. */
  public List<List<String>> indexes() {
    return indexes;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Contract that && schema.equals(that.schema);
  }

  @Override
  public int hashCode() {
    return schema.hashCode();
  }

  @Override
  public String toString() {
    return name() + " v" + version;
  }

  private void collect(
      Schema record, List<Integer> prefix, boolean nullable, Map<String, FieldContract> into) {
    for (Schema.Field field : record.getFields()) {
      List<Integer> path = new ArrayList<>(prefix);
      path.add(field.pos());
      Schema type = withoutNull(field.schema());
      boolean mayBeNull = nullable || field.schema().isNullable();
      if (type.getType() == Schema.Type.RECORD) {
        collect(type, path, mayBeNull, into);
      } else if (!into.containsKey(field.name())) {
        into.put(field.name(), read(field, type, List.copyOf(path), mayBeNull, versionOf(record)));
      }
    }
  }

  private FieldContract read(
      Schema.Field field, Schema type, List<Integer> path, boolean nullable, int recordVersion) {
    Type valueType = typeOf(field, type);
    int since = field.getObjectProp("since") instanceof Number n ? n.intValue() : 1;
    if (since < 1 || since > recordVersion) {
      throw wrong(
          field, "since", "is " + since + ", but the record is in version " + recordVersion);
    }
    Privacy privacy = null;
    String declared = field.getProp("privacy");
    if (declared != null) {
      try {
        privacy = Privacy.valueOf(declared.toUpperCase(Locale.ROOT));
      } catch (IllegalArgumentException unknown) {
        throw wrong(
            field, "privacy", "is " + declared + "; it can be mask, tokenize, encrypt or drop");
      }
      if (privacy == Privacy.DROP ? !nullable : valueType != Type.STRING) {
        throw wrong(
            field,
            "privacy",
            privacy == Privacy.DROP ? "drop needs a nullable field" : declared + " needs a string");
      }
    }
    List<Rule> rules = rules(field, valueType);
    return new FieldContract(
        field.name(),
        path,
        valueType,
        type,
        nullable,
        since,
        rules,
        Optional.ofNullable(field.getProp("unit")),
        Optional.ofNullable(privacy),
        Optional.ofNullable(field.getProp("references")),
        examples(field, rules),
        field.doc() == null ? "" : field.doc());
  }

  private List<Rule> rules(Schema.Field field, Type type) {
    List<Rule> rules = new ArrayList<>();
    for (Map.Entry<String, Object> property : field.getObjectProps().entrySet()) {
      Object value = property.getValue();
      checkFits(field, property.getKey(), type);
      switch (property.getKey()) {
        case "min" -> rules.add(new Rule.Min(decimal(field, property)));
        case "max" -> rules.add(new Rule.Max(decimal(field, property)));
        case "exclusiveMin" -> rules.add(new Rule.ExclusiveMin(decimal(field, property)));
        case "maxLength" -> {
          if (!(value instanceof Integer length) || length < 0) {
            throw wrong(field, "maxLength", "is " + value + ", not a count of characters");
          }
          rules.add(new Rule.MaxLength(length));
        }
        case "pattern" -> {
          try {
            rules.add(new Rule.Matches(Pattern.compile(value.toString())));
          } catch (PatternSyntaxException bad) {
            throw wrong(field, "pattern", "is no regular expression: " + bad.getDescription());
          }
        }
        case "format" -> {
          Rule.Form form = Rule.Form.named(value.toString());
          if (form == null) {
            throw wrong(field, "format", "is " + value + "; it can be date, date-time or uuid");
          }
          rules.add(new Rule.Format(form));
        }
        case "oneOf" -> {
          if (!(value instanceof Collection<?> allowed) || allowed.isEmpty()) {
            throw wrong(field, "oneOf", "is no list of values");
          }
          LinkedHashSet<String> texts = new LinkedHashSet<>();
          allowed.forEach(v -> texts.add(v.toString()));
          rules.add(new Rule.OneOf(Collections.unmodifiableSet(texts)));
        }
        case "since", "unit", "privacy", "references", "examples" -> {}
        default ->
            throw wrong(
                field,
                property.getKey(),
                "is unknown; see the list in the documentation of Contract");
      }
    }
    return List.copyOf(rules);
  }

  /** A rule that its field's values cannot be held against would fail at the first record. */
  private void checkFits(Schema.Field field, String property, Type type) {
    boolean fits =
        switch (property) {
          case "min", "max", "exclusiveMin" -> NUMBERS.contains(type);
          case "maxLength", "pattern", "format", "examples" -> type == Type.STRING;
          case "oneOf" -> type == Type.STRING || type == Type.INT || type == Type.LONG;
          default -> true;
        };
    if (!fits) {
      throw wrong(field, property, "does not fit a field of type " + type);
    }
  }

  private List<String> examples(Schema.Field field, List<Rule> rules) {
    Object declared = field.getObjectProp("examples");
    if (declared == null) {
      return List.of();
    }
    if (!(declared instanceof Collection<?> values)) {
      throw wrong(field, "examples", "is no list of values");
    }
    List<String> examples = values.stream().map(Object::toString).toList();
    for (String example : examples) {
      for (Rule rule : rules) {
        if (!rule.holds(example)) {
          throw wrong(field, "examples", "has " + example + ", which must " + rule.words());
        }
      }
    }
    return examples;
  }

  private BigDecimal decimal(Schema.Field field, Map.Entry<String, Object> property) {
    try {
      return new BigDecimal(property.getValue().toString());
    } catch (NumberFormatException notANumber) {
      throw wrong(field, property.getKey(), "is " + property.getValue() + ", not a number");
    }
  }

  private Type typeOf(Schema.Field field, Schema type) {
    LogicalType logical = type.getLogicalType();
    if (logical instanceof LogicalTypes.Decimal) {
      return Type.DECIMAL;
    }
    if (logical instanceof LogicalTypes.Date) {
      return Type.DATE;
    }
    if (logical instanceof LogicalTypes.TimestampMillis) {
      return Type.TIMESTAMP;
    }
    if (logical != null) {
      throw wrong(field, "type", "is a " + logical.getName() + ", which contracts do not use");
    }
    return switch (type.getType()) {
      case BOOLEAN -> Type.BOOLEAN;
      case INT -> Type.INT;
      case LONG -> Type.LONG;
      case DOUBLE -> Type.DOUBLE;
      case STRING -> Type.STRING;
      case BYTES -> Type.BYTES;
      default ->
          throw wrong(field, "type", "is " + type.getType() + ", which contracts do not use");
    };
  }

  private Optional<EventTime> readEventTime() {
    Object declared = schema.getObjectProp("eventTime");
    if (declared == null) {
      return Optional.empty();
    }
    if (declared instanceof Map<?, ?> map) {
      FieldContract field = named("eventTime", map.get("field"));
      if (!"days".equals(map.get("unit"))
          || (field.type() != Type.INT && field.type() != Type.LONG)) {
        throw wrong("eventTime", "needs \"unit\": \"days\" and a field of type int or long");
      }
      try {
        LocalDate origin = LocalDate.parse(String.valueOf(map.get("origin")));
        return Optional.of(new EventTime(field, origin));
      } catch (DateTimeParseException noDate) {
        throw wrong("eventTime", "has the origin " + map.get("origin") + ", which is no date");
      }
    }
    FieldContract field = named("eventTime", declared);
    if (field.type() != Type.TIMESTAMP) {
      throw wrong("eventTime", "names " + field.name() + ", which is no timestamp-millis");
    }
    return Optional.of(new EventTime(field, LocalDate.EPOCH));
  }

  private Map<String, String> readForeignKeys() {
    Map<String, String> keys = new LinkedHashMap<>();
    Object declared = schema.getObjectProp("foreignKeys");
    if (declared instanceof Map<?, ?> tables) {
      tables.forEach(
          (field, table) ->
              keys.put(
                  named("foreignKeys", field).name(), checkTable("foreignKeys", table.toString())));
    } else if (declared != null) {
      throw wrong("foreignKeys", "is no object of field names and tables");
    }
    return Collections.unmodifiableMap(keys);
  }

  private String checkTable(String property, String table) {
    if (!TABLE.matcher(table).matches()) {
      throw wrong(property, "is " + table + ", not a name of at most 63 letters, digits and _");
    }
    return table;
  }

  private List<List<String>> readIndexes() {
    List<List<String>> lists = new ArrayList<>();
    for (Object index : list("indexes", schema.getObjectProp("indexes"))) {
      lists.add(list("indexes", index).stream().map(n -> named("indexes", n).name()).toList());
    }
    return List.copyOf(lists);
  }

  private List<FieldContract> named(String property) {
    return list(property, schema.getObjectProp(property)).stream()
        .map(name -> named(property, name))
        .toList();
  }

  private FieldContract named(String property, @Nullable Object name) {
    FieldContract field = fields.get(String.valueOf(name));
    if (field == null) {
      throw wrong(property, "names " + name + ", which is no field of it");
    }
    return field;
  }

  private Collection<?> list(String property, @Nullable Object declared) {
    if (declared == null) {
      return List.of();
    }
    if (declared instanceof Collection<?> values) {
      return values;
    }
    throw wrong(property, "is no list");
  }

  private static int versionOf(Schema record) {
    Object declared = record.getObjectProp("version");
    if (declared == null) {
      return 1;
    }
    if (declared instanceof Integer version && version >= 1) {
      return version;
    }
    throw new IllegalArgumentException(
        "contract " + record.getName() + ": version is " + declared + ", not a number from 1");
  }

  static Schema withoutNull(Schema schema) {
    if (!schema.isUnion()) {
      return schema;
    }
    List<Schema> others =
        schema.getTypes().stream().filter(s -> s.getType() != Schema.Type.NULL).toList();
    if (others.size() != 1) {
      throw new IllegalArgumentException("contracts know no union but with null: " + schema);
    }
    return others.get(0);
  }

  private IllegalArgumentException wrong(Schema.Field field, String property, String what) {
    return new IllegalArgumentException(
        "contract " + schema.getName() + ", field " + field.name() + ": " + property + " " + what);
  }

  private IllegalArgumentException wrong(String property, String what) {
    return new IllegalArgumentException(
        "contract " + schema.getName() + ": " + property + " " + what);
  }

  private Object writeReplace() throws ObjectStreamException {
    return new Form(schema.toString());
  }

  /** How the time of an event is read: a timestamp, or a count of days since an origin. */
  public record EventTime(FieldContract field, LocalDate origin) {
    /** Event time in milliseconds since the epoch, of a value of the field. */
    public long millis(Object value) {
      return value instanceof java.time.Instant instant
          ? instant.toEpochMilli()
          : (origin.toEpochDay() + ((Number) value).longValue()) * 86_400_000L;
    }
  }

  private record Form(String schema) implements Serializable {
    private Object readResolve() {
      // Workers read the same few contracts again for every bundle.
      return BY_TEXT.computeIfAbsent(schema, text -> of(new Schema.Parser().parse(text)));
    }
  }
}
