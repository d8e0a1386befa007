package dev.millrace.pipelines.generate;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.github.luben.zstd.ZstdInputStream;
import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.contract.Reason;
import dev.millrace.pipelines.generate.AnswerKey.Counts;
import dev.millrace.schemas.retail.Sale;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Counts a generated set again, from its files and the contract alone: slowly, with a tree of every
 * record, and everything in memory.
 */
final class Recount {

  /** A good record, with all that decides between it and its copies. */
  record Good(
      String identity,
      Instant updated,
      Instant arrived,
      String file,
      long position,
      Map<String, Object> values) {
    String text(String field) {
      return String.valueOf(values.get(field));
    }

    BigDecimal amount(String field) {
      return (BigDecimal) Objects.requireNonNull(values.get(field));
    }
  }

  private static final Contract SALE = Contract.of(Sale.class);

  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(32)
                          .maxNumberLength(100)
                          .maxStringLength(65_536)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build();

  private final AnswerKey key;
  private final SalesGenerator.Config config;
  final List<Good> good = new ArrayList<>();
  final Map<Reason, Integer> reasons = new EnumMap<>(Reason.class);
  private final Map<String, Tally> tallies = new LinkedHashMap<>();

  private Recount(AnswerKey key, SalesGenerator.Config config) {
    this.key = key;
    this.config = config;
  }

  static Recount of(Path directory, AnswerKey key, SalesGenerator.Config config)
      throws IOException {
    Recount recount = new Recount(key, config);
    for (String file : key.files().keySet()) {
      recount.tallies.put(file, new Tally());
      lines(directory.resolve(file))
          .forEach((position, line) -> recount.line(file, position, line));
    }
    recount.dedupAndEnrich();
    return recount;
  }

  /** The key as it ought to be. */
  AnswerKey key() {
    Map<String, Counts> files = new LinkedHashMap<>();
    Tally total = new Tally();
    tallies.forEach(
        (file, tally) -> {
          files.put(file, tally.counts());
          total.add(tally);
        });
    return new AnswerKey(key.config(), total.counts(), files);
  }

  /** The lines of a file, by the offset they start at. */
  static Map<Long, byte[]> lines(Path file) throws IOException {
    Map<Long, byte[]> lines = new LinkedHashMap<>();
    byte[] bytes = read(file);
    int start = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == '\n') {
        lines.put((long) start, Arrays.copyOfRange(bytes, start, i));
        start = i + 1;
      }
    }
    if (start != bytes.length) {
      throw new AssertionError(file + " does not end in a line break");
    }
    return lines;
  }

  private static byte[] read(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      String name = file.toString();
      return name.endsWith(".gz")
          ? new GZIPInputStream(in).readAllBytes()
          : name.endsWith(".zst") ? new ZstdInputStream(in).readAllBytes() : in.readAllBytes();
    }
  }

  private void line(String file, long position, byte[] line) {
    Tally tally = Objects.requireNonNull(tallies.get(file));
    tally.read++;
    Map<String, Object> values = new HashMap<>();
    Set<Reason> reasons = EnumSet.noneOf(Reason.class);
    Reason unreadable = read(SALE, line, values, reasons);
    if (unreadable != null) {
      reasons.add(unreadable);
    }
    if (reasons.size() > 1) {
      throw new AssertionError(file + " at " + position + " is wrong in many ways: " + reasons);
    }
    if (reasons.isEmpty()) {
      Instant event =
          Instant.ofEpochMilli(
              SALE.eventTime().orElseThrow().millis(Objects.requireNonNull(values.get("time_id"))));
      Instant arrived = (Instant) values.getOrDefault("arrived_at", event);
      if (arrived.isAfter(event.plus(config.maxLateness()))) {
        reasons.add(Reason.LATE);
      } else if (arrived.isBefore(event.minus(config.maxSkew()))) {
        reasons.add(Reason.FUTURE);
      } else {
        good.add(
            new Good(
                identity(values),
                (Instant) values.getOrDefault("updated_at", Instant.MIN),
                arrived,
                file,
                position,
                values));
        return;
      }
    }
    tally.rejects.merge(reasons.iterator().next(), 1L, Long::sum);
  }

  private static String identity(Map<String, Object> values) {
    Object id = values.get("sale_id");
    if (id != null) {
      return "id " + id;
    }
    StringBuilder identity = new StringBuilder("content");
    for (FieldContract field : SALE.keyElse()) {
      identity.append(' ').append(values.get(field.name()));
    }
    return identity.toString();
  }

  private void dedupAndEnrich() {
    Map<String, Good> best = new LinkedHashMap<>();
    Comparator<Good> better =
        Comparator.comparing(Good::updated)
            .reversed()
            .thenComparing(Good::arrived)
            .thenComparing(Good::file)
            .thenComparing(Good::position);
    for (Good record : good) {
      best.merge(record.identity, record, (a, b) -> better.compare(a, b) <= 0 ? a : b);
    }
    for (Good record : good) {
      Tally tally = Objects.requireNonNull(tallies.get(record.file));
      if (!record.equals(best.get(record.identity))) {
        tally.duplicate++;
        continue;
      }
      DimensionIds ids = config.dimensions();
      Map<String, Ids> dimensions =
          Map.of(
              "customer_id", ids.customers(),
              "product_id", ids.products(),
              "store_id", ids.stores(),
              "promotion_id", ids.promotions(),
              "time_id", ids.days());
      List<String> orphans = new ArrayList<>();
      dimensions.forEach(
          (field, present) -> {
            if (!present.contains(Integer.parseInt(record.text(field)))) {
              orphans.add(field);
            }
          });
      if (orphans.size() > 1) {
        throw new AssertionError("one record is an orphan in " + orphans);
      }
      if (orphans.isEmpty()) {
        tally.written++;
        tally.revenue = tally.revenue.add(record.amount("store_sales"));
        tally.units = tally.units.add(record.amount("unit_sales"));
      } else {
        tally.orphans.merge(orphans.get(0), 1L, Long::sum);
      }
    }
  }

  /** Reads a record; returns why it cannot be read, and collects what is wrong in its fields. */
  static @Nullable Reason read(
      Contract contract, byte[] line, Map<String, Object> values, Set<Reason> wrong) {
    if (line.length > 1 << 20) {
      return Reason.TOO_LARGE;
    }
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line));
    } catch (CharacterCodingException notUtf8) {
      return Reason.INVALID_ENCODING;
    }
    JsonNode record;
    try {
      record = JSON.readTree(line);
    } catch (StreamConstraintsException beyond) {
      String message = String.valueOf(beyond.getMessage());
      return message.contains("nesting depth")
          ? Reason.TOO_DEEP
          : message.contains("Number value length")
              ? Reason.NUMBER_TOO_LONG
              : Reason.STRING_TOO_LONG;
    } catch (JsonProcessingException bad) {
      String message = String.valueOf(bad.getMessage());
      // Not by JsonEOFException: after a comma the parser throws its general one.
      return message.startsWith("Unexpected end-of-input")
          ? Reason.TRUNCATED
          : message.startsWith("Duplicate field") ? Reason.DUPLICATE_FIELD : Reason.MALFORMED;
    } catch (IOException impossible) {
      throw new AssertionError(impossible);
    }
    if (!record.isObject()) {
      return Reason.NOT_AN_OBJECT;
    }
    if (record.size() > 256) {
      return Reason.TOO_MANY_FIELDS;
    }
    for (FieldContract field : contract.fields()) {
      field(field, record.path(field.name()), values, wrong);
    }
    return null;
  }

  private static void field(
      FieldContract field, JsonNode node, Map<String, Object> values, Set<Reason> wrong) {
    if (node.isMissingNode() || node.isNull()) {
      if (!field.nullable()) {
        wrong.add(Reason.MISSING_FIELD);
      }
      return;
    }
    Object value = null;
    switch (field.type()) {
      case INT -> {
        if (!node.isIntegralNumber()) {
          wrong.add(Reason.TYPE_MISMATCH);
        } else if (!node.canConvertToInt()) {
          wrong.add(Reason.NUMBER_OUT_OF_RANGE);
        } else {
          value = node.intValue();
        }
      }
      case DECIMAL -> {
        if (!node.isNumber()) {
          wrong.add(Reason.TYPE_MISMATCH);
        } else {
          BigDecimal number = node.decimalValue();
          // The scale first: expanding 1e999999 would take a million digits.
          boolean fits = Math.abs((long) number.scale()) <= 12 && number.precision() <= 17;
          if (fits) {
            number = number.stripTrailingZeros();
            fits = number.scale() <= 4 && number.setScale(4).precision() <= 12;
          }
          if (fits) {
            value = number.setScale(4);
          } else {
            wrong.add(Reason.NUMBER_OUT_OF_RANGE);
          }
        }
      }
      case STRING -> {
        if (node.isTextual()) {
          value = node.textValue();
        } else {
          wrong.add(Reason.TYPE_MISMATCH);
        }
      }
      case TIMESTAMP -> {
        try {
          value = Instant.parse(node.asText());
        } catch (DateTimeParseException noTime) {
          wrong.add(Reason.TYPE_MISMATCH);
        }
      }
      default -> throw new AssertionError(field.type());
    }
    if (value != null) {
      Object checked = value;
      if (field.rules().stream().allMatch(rule -> rule.holds(checked))) {
        values.put(field.name(), value);
      } else {
        wrong.add(Reason.RULE_VIOLATION);
      }
    }
  }

  private static final class Tally {
    private long read;
    private long written;
    private long duplicate;
    private final Map<Reason, Long> rejects = new EnumMap<>(Reason.class);
    private final Map<String, Long> orphans = new TreeMap<>();
    private BigDecimal revenue = new BigDecimal("0.0000");
    private BigDecimal units = new BigDecimal("0.0000");

    void add(Tally other) {
      read += other.read;
      written += other.written;
      duplicate += other.duplicate;
      other.rejects.forEach((reason, count) -> rejects.merge(reason, count, Long::sum));
      other.orphans.forEach((field, count) -> orphans.merge(field, count, Long::sum));
      revenue = revenue.add(other.revenue);
      units = units.add(other.units);
    }

    Counts counts() {
      Map<Reason, Long> invalid = new EnumMap<>(Reason.class);
      invalid.putAll(rejects);
      Long late = invalid.remove(Reason.LATE);
      Long future = invalid.remove(Reason.FUTURE);
      return new Counts(
          read,
          written,
          invalid,
          late == null ? 0 : late,
          future == null ? 0 : future,
          duplicate,
          orphans,
          revenue,
          units);
    }
  }
}
