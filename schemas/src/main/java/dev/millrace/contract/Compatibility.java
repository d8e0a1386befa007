package dev.millrace.contract;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * Whether a contract may follow a released one: whoever reads with the new contract must be able to
 * read what was written with the old, and must understand the same by it.
 *
 * <p>A nested record is held against its own released shape, by its own version: a new field of
 * {@code Sale} needs a new version of {@code Sale}, not of all that hold one.
 *
 * <p>What stands in {@link #problems} must not be released. What stands in {@link #warnings} may
 * be, in a new version, and is told to producers: rules that became tighter, so that records which
 * were valid can be refused.
 */
public final class Compatibility {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Contract released;
  private final Contract candidate;
  private final List<String> problems = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();

  private Compatibility(Contract released, Contract candidate) {
    this.released = released;
    this.candidate = candidate;
  }

  /** Why the candidate cannot follow the released contract, and what to do; empty if it can. */
  public static List<String> problems(Contract released, Contract candidate) {
    return compare(released, candidate).problems;
  }

  /** The rules that are tighter than in the released contract, in words. */
  public static List<String> warnings(Contract released, Contract candidate) {
    return compare(released, candidate).warnings;
  }

  private static Compatibility compare(Contract released, Contract candidate) {
    Compatibility compatibility = new Compatibility(released, candidate);
    if (released.schema().getFullName().equals(candidate.schema().getFullName())) {
      compatibility.compareVersions();
      compatibility.compareRecords();
      compatibility.compareFields();
    } else {
      compatibility.problem(
          "its full name is "
              + candidate.schema().getFullName()
              + ", it was released as "
              + released.schema().getFullName()
              + ". Keep the released name; another record is another contract.");
    }
    return compatibility;
  }

  private void compareVersions() {
    Set<String> changes = changes();
    if (changes.isEmpty()) {
      if (candidate.version() < released.version()) {
        problem(
            "its version went back from %d to %d. Set \"version\": %d."
                .formatted(released.version(), candidate.version(), released.version()));
      }
    } else if (candidate.version() <= released.version()) {
      problem(
          "changed (%s), but its version is %d and %d is released. Set \"version\": %d, and \"since\" of new fields to the same."
              .formatted(
                  String.join(", ", changes),
                  candidate.version(),
                  released.version(),
                  released.version() + 1));
    }
  }

  private void compareRecords() {
    List<String> oldKey = names(released.key());
    List<String> newKey = names(candidate.key());
    // A record of the released version keeps its identity if the key fields it lacks are null, so
    // that the same hash tells it apart.
    boolean keyIsNew =
        oldKey.isEmpty() && candidate.key().stream().allMatch(f -> f.nullable() && isNew(f.name()));
    if (!newKey.equals(oldKey) && !keyIsNew) {
      problem(
          "key was "
              + oldKey
              + " and is "
              + newKey
              + ": records that were told apart would become one, or the other way round. Keep the"
              + " released key.");
    }
    if (!names(candidate.keyElse()).equals(names(released.keyElse()))) {
      problem(
          "keyElse was "
              + names(released.keyElse())
              + " and is "
              + names(candidate.keyElse())
              + ": the same record would get another identity. Keep the released list.");
    }
    for (String property : List.of("eventTime", "arrivalTime", "recordVersion", "table")) {
      Object before = released.schema().getObjectProp(property);
      Object after = candidate.schema().getObjectProp(property);
      boolean namesNewField = before == null && after instanceof String name && isNew(name);
      if (!Objects.equals(before, after) && !namesNewField) {
        problem(
            property
                + " was "
                + before
                + " and is "
                + after
                + ": released records and tables would be read otherwise. Keep what was released.");
      }
    }
  }

  private void compareFields() {
    for (Schema.Field before : released.schema().getFields()) {
      Schema.Field after = candidate.schema().getField(before.name());
      if (after == null) {
        problem(
            before.name(),
            "was removed or renamed; released records carry it. Put it back under its name; if it"
                + " is no longer sent, make it nullable and say so in its doc.");
      } else {
        compareField(before, after);
      }
    }
    for (Schema.Field field : candidate.schema().getFields()) {
      if (released.schema().getField(field.name()) == null) {
        compareNew(field);
      }
    }
  }

  private void compareNew(Schema.Field field) {
    if (!field.schema().isNullable() || !field.hasDefaultValue()) {
      problem(
          field.name(),
          "is new and required; released records lack it. Let its type be [\"null\", ...] with"
              + " \"default\": null.");
    }
    Object since = field.getObjectProp("since");
    int version = since instanceof Integer n ? n : 1;
    if (nested(field) == null && (version <= released.version())) {
      problem(
          field.name(),
          "is new, but its since is %d and version %d is released without it. Set \"since\": %d."
              .formatted(
                  version,
                  released.version(),
                  Math.max(candidate.version(), released.version() + 1)));
    }
  }

  private void compareField(Schema.Field before, Schema.Field after) {
    String name = before.name();
    if (before.schema().isNullable() && !after.schema().isNullable()) {
      problem(
          name,
          "became required; released records may lack it. Leave it nullable, with \"default\":"
              + " null.");
    }
    Schema nestedBefore = nested(before);
    Schema nestedAfter = nested(after);
    if (nestedBefore != null && nestedAfter != null) {
      Compatibility inner = compare(Contract.of(nestedBefore), Contract.of(nestedAfter));
      problems.addAll(inner.problems);
      warnings.addAll(inner.warnings);
    } else if (nestedBefore != null || nestedAfter != null) {
      problem(name, "is no longer, or newly, a nested record. Keep its type; add another field.");
    } else {
      FieldContract from = released.field(name);
      FieldContract to = candidate.field(name);
      if (from.type() != to.type()) {
        problem(
            name,
            "was %s and is %s. Keep its type; add another field for the new one."
                .formatted(from.type(), to.type()));
      } else {
        compareDecimals(from, to);
        compareMeaning(from, to);
        compareRules(from, to);
      }
    }
  }

  private void compareDecimals(FieldContract from, FieldContract to) {
    if (from.schema().getLogicalType() instanceof LogicalTypes.Decimal before
        && to.schema().getLogicalType() instanceof LogicalTypes.Decimal after
        && (before.getScale() != after.getScale()
            || before.getPrecision() > after.getPrecision())) {
      problem(
          from.name(),
          "was a decimal(%d,%d) and is a decimal(%d,%d). Keep the scale; the precision may only grow."
              .formatted(
                  before.getPrecision(),
                  before.getScale(),
                  after.getPrecision(),
                  after.getScale()));
    }
  }

  private void compareMeaning(FieldContract from, FieldContract to) {
    String name = from.name();
    if (from.since() != to.since()) {
      problem(
          name,
          "its since was %d and is %d. Set \"since\": %d."
              .formatted(from.since(), to.since(), from.since()));
    }
    if (!from.unit().equals(to.unit())) {
      problem(
          name,
          "its unit was %s and is %s: old values would be misread. Keep the unit; add another field."
              .formatted(from.unit().orElse("none"), to.unit().orElse("none")));
    }
    if (from.privacy().isPresent() && !from.privacy().equals(to.privacy())) {
      problem(
          name,
          "its privacy was %s and is %s: private values could come to light, or stand in two forms side by side. Keep it."
              .formatted(from.privacy().get().name(), to.privacy().map(Enum::name).orElse("none")));
    }
    if (!from.nullable() && to.nullable() && names(candidate.key()).contains(name)) {
      problem(name, "is of the key and became nullable. Leave it required.");
    }
  }

  private void compareRules(FieldContract from, FieldContract to) {
    for (Rule rule : to.rules()) {
      if (from.rules().stream().noneMatch(old -> implies(old, rule))) {
        warnings.add(
            "%s v%d, field %s: must now %s; records that version %d allowed can be refused. Tell producers, or keep the rule as it was."
                .formatted(
                    candidate.name(),
                    candidate.version(),
                    to.name(),
                    rule.words(),
                    released.version()));
      }
    }
  }

  /** Whether all values that keep the one rule keep the other. */
  private static boolean implies(Rule one, Rule other) {
    if (one instanceof Rule.Min min && other instanceof Rule.Min bound) {
      return min.bound().compareTo(bound.bound()) >= 0;
    }
    if (one instanceof Rule.ExclusiveMin min && other instanceof Rule.Min bound) {
      return min.bound().compareTo(bound.bound()) >= 0;
    }
    if (one instanceof Rule.ExclusiveMin min && other instanceof Rule.ExclusiveMin bound) {
      return min.bound().compareTo(bound.bound()) >= 0;
    }
    if (one instanceof Rule.Min min && other instanceof Rule.ExclusiveMin bound) {
      return min.bound().compareTo(bound.bound()) > 0;
    }
    if (one instanceof Rule.Max max && other instanceof Rule.Max bound) {
      return max.bound().compareTo(bound.bound()) <= 0;
    }
    if (one instanceof Rule.MaxLength length && other instanceof Rule.MaxLength bound) {
      return length.characters() <= bound.characters();
    }
    if (one instanceof Rule.OneOf list && other instanceof Rule.OneOf longer) {
      return longer.allowed().containsAll(list.allowed());
    }
    return one.words().equals(other.words());
  }

  /** Whether the candidate has a field of the name that the released contract lacks. */
  private boolean isNew(String field) {
    return released.find(field).isEmpty();
  }

  /** What differs, apart from words: names of properties and fields. */
  private Set<String> changes() {
    Map<String, JsonNode> before = shape(released.schema());
    Map<String, JsonNode> after = shape(candidate.schema());
    Set<String> changes = new LinkedHashSet<>(before.keySet());
    changes.addAll(after.keySet());
    changes.removeIf(part -> Objects.equals(before.get(part), after.get(part)));
    return changes;
  }

  private static Map<String, JsonNode> shape(Schema schema) {
    try {
      Map<String, JsonNode> shape = new TreeMap<>();
      for (Map.Entry<String, JsonNode> part : JSON.readTree(schema.toString()).properties()) {
        if (part.getKey().equals("fields")) {
          part.getValue().forEach(f -> shape.put("field " + f.get("name").asText(), plain(f)));
        } else if (!Set.of("doc", "version").contains(part.getKey())) {
          shape.put(part.getKey(), part.getValue());
        }
      }
      return shape;
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /** Without docs and hints to the code generator, and with the names of nested records only. */
  private static JsonNode plain(JsonNode node) {
    if (node instanceof ArrayNode array) {
      ArrayNode plain = JsonNodeFactory.instance.arrayNode();
      array.forEach(element -> plain.add(plain(element)));
      return plain;
    }
    if (!(node instanceof ObjectNode object)) {
      return node;
    }
    if ("record".equals(object.path("type").asText())) {
      return object.get("name");
    }
    ObjectNode plain = JsonNodeFactory.instance.objectNode();
    for (Map.Entry<String, JsonNode> property : object.properties()) {
      if (!Set.of("doc", "examples", "avro.java.string").contains(property.getKey())) {
        plain.set(property.getKey(), plain(property.getValue()));
      }
    }
    return plain.size() == 1 && plain.has("type") ? plain.get("type") : plain;
  }

  private static @Nullable Schema nested(Schema.Field field) {
    Schema type = Contract.withoutNull(field.schema());
    return type.getType() == Schema.Type.RECORD ? type : null;
  }

  private static List<String> names(Collection<FieldContract> fields) {
    return fields.stream().map(FieldContract::name).toList();
  }

  private void problem(String what) {
    problems.add(candidate + ": " + what);
  }

  private void problem(String field, String what) {
    problems.add(candidate + ", field " + field + ": " + what);
  }
}
