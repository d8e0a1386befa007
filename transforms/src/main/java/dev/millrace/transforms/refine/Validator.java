package dev.millrace.transforms.refine;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.contract.Reason;
import dev.millrace.contract.Rule;
import org.apache.avro.generic.IndexedRecord;
import org.jspecify.annotations.Nullable;

/** Holds a record against the rules of its contract. Thread-safe. */
public final class Validator {

  private final FieldContract[] fields;
  private final Rule[][] rules;

  /** A validator of the rules of a contract. */
  public Validator(Contract contract) {
    this.fields =
        contract.fields().stream().filter(f -> !f.rules().isEmpty()).toArray(FieldContract[]::new);
    this.rules = new Rule[fields.length][];
    for (int i = 0; i < fields.length; i++) {
      rules[i] = fields[i].rules().toArray(Rule[]::new);
    }
  }

  /** The first rule the record breaks, in the order of the contract; null if it keeps all. */
  public @Nullable Problem check(IndexedRecord record) {
    for (int i = 0; i < fields.length; i++) {
      Object value = fields[i].valueIn(record);
      if (value == null) {
        continue;
      }
      for (Rule rule : rules[i]) {
        if (!rule.holds(value)) {
          String name = fields[i].name();
          return new Problem(
              Reason.RULE_VIOLATION,
              name,
              name + " must " + rule.words() + shown(fields[i], value));
        }
      }
    }
    return null;
  }

  private static String shown(FieldContract field, Object value) {
    if (field.privacy().isPresent()) {
      return "";
    }
    String text = value.toString();
    return ", but is " + (text.length() > 60 ? text.substring(0, 60) + "…" : text);
  }
}
