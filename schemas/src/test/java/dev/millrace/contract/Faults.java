package dev.millrace.contract;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.avro.LogicalTypes;

/** Holds a JSON record against a contract the plain way, to judge samples. */
final class Faults {

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();

  private Faults() {}

  /** Everything wrong with a record, as "field REASON". */
  static List<String> of(Contract contract, String json) throws JsonProcessingException {
    JsonNode record = JSON.readTree(json);
    List<String> faults = new ArrayList<>();
    for (FieldContract field : contract.fields()) {
      JsonNode value = record.path(field.name());
      if (value.isMissingNode() || value.isNull()) {
        if (!field.nullable()) {
          faults.add(field.name() + " " + Reason.MISSING_FIELD);
        }
      } else if (!isOfType(field, value)) {
        faults.add(field.name() + " " + Reason.TYPE_MISMATCH);
      } else if (!isInRange(field, value)) {
        faults.add(field.name() + " " + Reason.NUMBER_OUT_OF_RANGE);
      } else {
        Object typed = typed(field, value);
        for (Rule rule : field.rules()) {
          if (!rule.holds(typed)) {
            faults.add(field.name() + " " + Reason.RULE_VIOLATION);
          }
        }
      }
    }
    Set<String> known =
        contract.fields().stream().map(FieldContract::name).collect(Collectors.toSet());
    StreamSupport.stream(((Iterable<String>) record::fieldNames).spliterator(), false)
        .filter(name -> !known.contains(name))
        .forEach(name -> faults.add(name + " is unknown"));
    return faults;
  }

  private static boolean isOfType(FieldContract field, JsonNode value) {
    return switch (field.type()) {
      case BOOLEAN -> value.isBoolean();
      case INT, LONG -> value.isIntegralNumber();
      case DOUBLE, DECIMAL -> value.isNumber();
      case STRING, BYTES, DATE, TIMESTAMP -> value.isTextual();
    };
  }

  private static boolean isInRange(FieldContract field, JsonNode value) {
    return switch (field.type()) {
      case INT -> value.canConvertToInt();
      case LONG -> value.canConvertToLong();
      case DECIMAL -> {
        LogicalTypes.Decimal type = (LogicalTypes.Decimal) field.schema().getLogicalType();
        BigDecimal number = value.decimalValue();
        yield number.scale() == type.getScale() && number.precision() <= type.getPrecision();
      }
      default -> true;
    };
  }

  private static Object typed(FieldContract field, JsonNode value) {
    return switch (field.type()) {
      case BOOLEAN -> value.booleanValue();
      case INT -> value.intValue();
      case LONG -> value.longValue();
      case DOUBLE -> value.doubleValue();
      case DECIMAL -> value.decimalValue();
      case STRING -> value.textValue();
      case BYTES -> ByteBuffer.wrap(java.util.Base64.getDecoder().decode(value.textValue()));
      case DATE -> LocalDate.parse(value.textValue());
      case TIMESTAMP -> Instant.parse(value.textValue());
    };
  }
}
