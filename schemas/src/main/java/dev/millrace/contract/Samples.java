package dev.millrace.contract;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.contract.FieldContract.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.specific.SpecificData;
import org.jspecify.annotations.Nullable;

/**
 * Test data made from a contract alone: records that keep all its rules, and records that break
 * one. The same contract and the same state of the generator give the same data.
 *
 * <p>A field with a {@code pattern} is sampled from its {@code examples}; without them it is an
 * {@link IllegalArgumentException}, as is a field whose rules no value keeps. Timestamps lie within
 * the day after the event time, so records are on time.
 *
 * <p>In JSON the fields of nested records stand in place; a null field is absent or null.
 */
public final class Samples {

  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(JsonGenerator.Feature.WRITE_BIGDECIMAL_AS_PLAIN).build();
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private static final int DEFAULT_LENGTH = 20;
  private static final int DEFAULT_RANGE = 1_000_000;
  private static final int DOUBLE_SCALE = 3;
  private static final long DAY_MILLIS = 86_400_000L;
  private static final LocalDate FIRST_DAY = LocalDate.of(1950, 1, 1);
  private static final int DAYS = 30_000;

  // What breaks careless parsers: quotes, commas, a backslash, other alphabets, a surrogate pair.
  private static final int[] CHARACTERS =
      "abcdefghijklmnopqrstuvwxyzABCDEFXYZ0123456789 -_,;'\"\\/éßĳλж東🜨".codePoints().toArray();

  private final Contract contract;
  private final RandomGenerator random;

  private Samples(Contract contract, RandomGenerator random) {
    this.contract = contract;
    this.random = random;
  }

  /**
   * A record that breaks its contract in one thing.
   *
   * @param json the record
   * @param reason why it must be refused
   * @param field the field at fault
   * @param fault what is wrong, in words
   */
  public record Broken(String json, Reason reason, String field, String fault) {}

  /**
   * A record that keeps all rules: of the generated class if the contract is that class's, else
   * generic.
   */
  public static IndexedRecord valid(Contract contract, RandomGenerator random) {
    return record(contract.schema(), new Samples(contract, random).values());
  }

  /** A record that keeps all rules, as JSON on one line. */
  public static String validJson(Contract contract, RandomGenerator random) {
    Samples samples = new Samples(contract, random);
    return text(samples.json(samples.values()));
  }

  /**
   * For each field, records that break one thing each: a required field absent and null, a value of
   * another type, a number out of range, and each rule. A rule that cannot be broken without
   * breaking another, such as the length of a date, has none.
   */
  public static List<Broken> broken(Contract contract, RandomGenerator random) {
    Samples samples = new Samples(contract, random);
    List<Broken> broken = new ArrayList<>();
    for (FieldContract field : contract.fields()) {
      if (!field.nullable()) {
        broken.add(samples.with(field, null, Reason.MISSING_FIELD, "is absent"));
        broken.add(samples.with(field, NODES.nullNode(), Reason.MISSING_FIELD, "is null"));
      }
      broken.add(samples.with(field, NODES.arrayNode(), Reason.TYPE_MISMATCH, "is an array"));
      tooLarge(field)
          .map(n -> NODES.numberNode(n))
          .ifPresent(
              n -> broken.add(samples.with(field, n, Reason.NUMBER_OUT_OF_RANGE, "overflows")));
      for (Rule rule : field.rules()) {
        breaking(field, rule)
            .map(value -> node(field, value))
            .ifPresent(
                value ->
                    broken.add(
                        samples.with(field, value, Reason.RULE_VIOLATION, "must " + rule.words())));
      }
    }
    return broken;
  }

  private Broken with(FieldContract field, @Nullable JsonNode value, Reason reason, String fault) {
    ObjectNode json = json(values());
    if (value == null) {
      json.remove(field.name());
    } else {
      json.set(field.name(), value);
    }
    return new Broken(text(json), reason, field.name(), field.name() + " " + fault);
  }

  private Map<String, @Nullable Object> values() {
    Map<String, @Nullable Object> values = new HashMap<>();
    long from = Instant.parse("2000-01-01T00:00:00Z").toEpochMilli();
    Optional<Contract.EventTime> eventTime = contract.eventTime();
    if (eventTime.isPresent()) {
      FieldContract field = eventTime.get().field();
      Object value = value(field, from);
      values.put(field.name(), value);
      from = eventTime.get().millis(value);
    }
    for (FieldContract field : contract.fields()) {
      if (!values.containsKey(field.name())) {
        boolean isNull = field.nullable() && random.nextInt(4) == 0;
        values.put(field.name(), isNull ? null : value(field, from));
      }
    }
    return values;
  }

  private Object value(FieldContract field, long fromMillis) {
    for (int attempt = 0; attempt < 100; attempt++) {
      Object value = candidate(field, fromMillis);
      if (field.rules().stream().allMatch(rule -> rule.holds(value))) {
        return value;
      }
    }
    throw unsampled(field, "no value was found that keeps all its rules; give it examples");
  }

  private Object candidate(FieldContract field, long fromMillis) {
    return switch (field.type()) {
      case BOOLEAN -> random.nextBoolean();
      case INT, LONG, DOUBLE, DECIMAL -> number(field);
      case STRING -> string(field);
      case BYTES -> {
        byte[] bytes = new byte[random.nextInt(DEFAULT_LENGTH + 1)];
        random.nextBytes(bytes);
        yield ByteBuffer.wrap(bytes);
      }
      case DATE -> day();
      case TIMESTAMP -> Instant.ofEpochMilli(fromMillis + random.nextLong(DAY_MILLIS));
    };
  }

  private Object number(FieldContract field) {
    List<String> allowed = oneOf(field);
    if (!allowed.isEmpty()) {
      return typed(field, new BigDecimal(pick(allowed)));
    }
    int scale = scale(field);
    BigInteger limit = limit(field);
    BigInteger low = null;
    BigInteger high = null;
    for (Rule rule : field.rules()) {
      if (rule instanceof Rule.Min min) {
        low = max(low, units(min.bound(), scale, RoundingMode.CEILING));
      } else if (rule instanceof Rule.ExclusiveMin min) {
        low = max(low, units(min.bound(), scale, RoundingMode.FLOOR).add(BigInteger.ONE));
      } else if (rule instanceof Rule.Max max) {
        high = units(max.bound(), scale, RoundingMode.FLOOR);
      }
    }
    // Where a side has no bound, a range of ordinary size instead of the whole type's.
    BigInteger range = units(BigDecimal.valueOf(DEFAULT_RANGE), scale, RoundingMode.FLOOR);
    BigInteger last = (high == null ? max(low, BigInteger.ZERO).add(range) : high).min(limit);
    BigInteger first =
        (low == null ? last.subtract(range).min(BigInteger.ZERO) : low).max(limit.negate());
    if (first.compareTo(last) > 0) {
      throw unsampled(field, "no number keeps all its rules");
    }
    BigInteger units =
        switch (random.nextInt(16)) {
          case 0 -> first;
          case 1 -> last;
          default -> {
            BigInteger count = last.subtract(first).add(BigInteger.ONE);
            yield first.add(BigInteger.valueOf(random.nextLong(Long.MAX_VALUE)).mod(count));
          }
        };
    return typed(field, new BigDecimal(units, scale));
  }

  private String string(FieldContract field) {
    List<String> allowed = oneOf(field);
    if (!allowed.isEmpty()) {
      return pick(allowed);
    }
    if (!field.examples().isEmpty()) {
      return pick(field.examples());
    }
    int length = DEFAULT_LENGTH;
    for (Rule rule : field.rules()) {
      if (rule instanceof Rule.Format format) {
        return switch (format.form()) {
          case DATE -> day().toString();
          case DATE_TIME ->
              Instant.ofEpochMilli(day().toEpochDay() * DAY_MILLIS + random.nextLong(DAY_MILLIS))
                  .toString();
          case UUID -> new UUID(random.nextLong(), random.nextLong()).toString();
        };
      }
      if (rule instanceof Rule.Matches) {
        throw unsampled(field, "it has a pattern; give it \"examples\": [...]");
      }
      if (rule instanceof Rule.MaxLength max) {
        // Now and then as long as can be.
        length = random.nextInt(16) == 0 ? max.characters() : Math.min(length, max.characters());
        length = length == max.characters() ? length : 1 + random.nextInt(length);
      }
    }
    return text(length);
  }

  private String text(int length) {
    StringBuilder text = new StringBuilder();
    while (text.length() < length) {
      int character = CHARACTERS[random.nextInt(CHARACTERS.length)];
      boolean atEdge = text.isEmpty() || text.length() + 1 == length;
      // No blanks at the ends: readers of other formats may trim them.
      boolean fits = text.length() + Character.charCount(character) <= length;
      text.appendCodePoint(fits && !(atEdge && character == ' ') ? character : 'x');
    }
    return text.toString();
  }

  private LocalDate day() {
    return FIRST_DAY.plusDays(random.nextInt(DAYS));
  }

  private <T> T pick(List<T> values) {
    return values.get(random.nextInt(values.size()));
  }

  private ObjectNode json(Map<String, @Nullable Object> values) {
    ObjectNode json = NODES.objectNode();
    for (FieldContract field : contract.fields()) {
      Object value = values.get(field.name());
      if (value != null) {
        json.set(field.name(), node(field, value));
      } else if (random.nextBoolean()) {
        json.putNull(field.name());
      }
    }
    return json;
  }

  private static JsonNode node(FieldContract field, Object value) {
    return switch (field.type()) {
      case BOOLEAN -> NODES.booleanNode((Boolean) value);
      case INT -> NODES.numberNode((Integer) value);
      case LONG -> NODES.numberNode((Long) value);
      case DOUBLE -> NODES.numberNode((Double) value);
      case DECIMAL -> NODES.numberNode((BigDecimal) value);
      case BYTES -> NODES.binaryNode(((ByteBuffer) value).array());
      case STRING, DATE, TIMESTAMP -> NODES.textNode(value.toString());
    };
  }

  /** A value that breaks the rule and no other, if there is one. */
  private static Optional<Object> breaking(FieldContract field, Rule rule) {
    return breakingCandidates(field, rule).stream()
        .filter(
            value ->
                field.rules().stream().allMatch(other -> other.holds(value) != (other == rule)))
        .findFirst();
  }

  private static List<Object> breakingCandidates(FieldContract field, Rule rule) {
    int scale = scale(field);
    if (rule instanceof Rule.Min min) {
      return numbers(
          field, units(min.bound(), scale, RoundingMode.CEILING).subtract(BigInteger.ONE));
    }
    if (rule instanceof Rule.ExclusiveMin min) {
      return numbers(field, units(min.bound(), scale, RoundingMode.FLOOR));
    }
    if (rule instanceof Rule.Max max) {
      return numbers(field, units(max.bound(), scale, RoundingMode.FLOOR).add(BigInteger.ONE));
    }
    if (rule instanceof Rule.MaxLength length) {
      return List.of("x".repeat(length.characters() + 1));
    }
    if (rule instanceof Rule.OneOf list && field.type() != Type.STRING) {
      BigInteger greatest =
          list.allowed().stream().map(BigInteger::new).reduce(BigInteger.ZERO, BigInteger::max);
      return numbers(field, greatest.add(BigInteger.ONE));
    }
    List<Object> texts = new ArrayList<>();
    if (rule instanceof Rule.OneOf list) {
      list.allowed().forEach(allowed -> texts.add(allowed + "?"));
    }
    for (String example : field.examples()) {
      texts.add(example + "?");
      texts.add("?" + example);
    }
    // Well-formed, but no such day.
    texts.addAll(List.of("1997-02-30", "1997-02-30T00:00:00Z", "?", ""));
    return texts;
  }

  private static List<Object> numbers(FieldContract field, BigInteger units) {
    return units.abs().compareTo(limit(field)) > 0
        ? List.of()
        : List.of(typed(field, new BigDecimal(units, scale(field))));
  }

  private static Optional<BigDecimal> tooLarge(FieldContract field) {
    return field.type() == Type.DOUBLE || limit(field).signum() == 0
        ? Optional.empty()
        : Optional.of(new BigDecimal(limit(field).add(BigInteger.ONE), scale(field)));
  }

  /** The greatest number of the type, in units of its last digit; 0 if it is no number. */
  private static BigInteger limit(FieldContract field) {
    return switch (field.type()) {
      case INT -> BigInteger.valueOf(Integer.MAX_VALUE);
      case LONG -> BigInteger.valueOf(Long.MAX_VALUE);
      // Up to here all digits of a double are exact.
      case DOUBLE -> BigInteger.TEN.pow(15);
      case DECIMAL -> BigInteger.TEN.pow(decimal(field).getPrecision()).subtract(BigInteger.ONE);
      default -> BigInteger.ZERO;
    };
  }

  private static int scale(FieldContract field) {
    return switch (field.type()) {
      case DECIMAL -> decimal(field).getScale();
      case DOUBLE -> DOUBLE_SCALE;
      default -> 0;
    };
  }

  private static Object typed(FieldContract field, BigDecimal number) {
    return switch (field.type()) {
      case INT -> number.intValueExact();
      case LONG -> number.longValueExact();
      case DOUBLE -> number.doubleValue();
      default -> number;
    };
  }

  private static LogicalTypes.Decimal decimal(FieldContract field) {
    return (LogicalTypes.Decimal) field.schema().getLogicalType();
  }

  private static BigInteger units(BigDecimal number, int scale, RoundingMode rounding) {
    return number.setScale(scale, rounding).unscaledValue();
  }

  private static BigInteger max(@Nullable BigInteger one, BigInteger other) {
    return one == null ? other : one.max(other);
  }

  private static List<String> oneOf(FieldContract field) {
    return field.rules().stream()
        .filter(Rule.OneOf.class::isInstance)
        .flatMap(rule -> ((Rule.OneOf) rule).allowed().stream())
        .toList();
  }

  private static IndexedRecord record(Schema schema, Map<String, @Nullable Object> values) {
    IndexedRecord record = empty(schema);
    for (Schema.Field field : schema.getFields()) {
      Schema nested = Contract.withoutNull(field.schema());
      record.put(
          field.pos(),
          nested.getType() == Schema.Type.RECORD
              ? record(nested, values)
              : values.get(field.name()));
    }
    return record;
  }

  private static IndexedRecord empty(Schema schema) {
    // The generated class has the current version only; released ones are generic.
    return SpecificData.get().newRecord(null, schema) instanceof IndexedRecord generated
            && generated.getSchema().equals(schema)
        ? generated
        : new GenericData.Record(schema);
  }

  private static String text(JsonNode json) {
    try {
      return JSON.writeValueAsString(json);
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private IllegalArgumentException unsampled(FieldContract field, String why) {
    return new IllegalArgumentException(
        "contract " + contract.name() + ", field " + field.name() + " cannot be sampled: " + why);
  }
}
