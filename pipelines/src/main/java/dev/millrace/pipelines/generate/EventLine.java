package dev.millrace.pipelines.generate;

import dev.millrace.pipelines.generate.EventDraft.Field;
import org.jspecify.annotations.Nullable;

/** A line that is an event of the web shop. */
final class EventLine extends Line {

  private static final byte[] NULL = utf8("null");

  Line event(EventDraft draft) {
    return event(draft, null, null);
  }

  /** The event with one field's value replaced by a text, or the field left out. */
  Line event(EventDraft draft, @Nullable Field other, byte @Nullable [] instead) {
    begin();
    add('{');
    for (Field field : Field.ALL) {
      byte[] value = field == other ? instead : draft.get(field);
      if (value != null) {
        comma();
        add(field.json()).add(value);
      }
    }
    return add('}');
  }

  /** The same event, spelled otherwise: another order, blanks, nulls, a field no contract knows. */
  Line spelledOtherwise(EventDraft draft, Randomness random) {
    begin();
    add('{').add(' ').add(UNKNOWN);
    int first = random.below(Field.ALL.size());
    boolean nulls = random.oneIn(2);
    for (int i = 0; i < Field.ALL.size(); i++) {
      Field field = Field.ALL.get((first + i) % Field.ALL.size());
      byte[] value = draft.get(field);
      if (value != null || nulls) {
        add(',').add('\t').add(field.json()).add(' ').add(value == null ? NULL : value);
      }
    }
    return add(' ').add('}');
  }
}
