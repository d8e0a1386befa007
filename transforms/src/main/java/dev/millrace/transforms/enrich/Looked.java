package dev.millrace.transforms.enrich;

import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The rows a record's foreign keys point to. */
public final class Looked {

  private final List<String> fields;
  private final @Nullable Object[] rows;

  Looked(List<String> fields, @Nullable Object[] rows) {
    this.fields = fields;
    this.rows = rows;
  }

  /**
   * The row a foreign key points to.
   *
   * @param field the field that was looked up
   * @param type class of the dimension's rows
   */
  public <V> V get(String field, Class<V> type) {
    return find(field, type)
        .orElseThrow(() -> new NoSuchElementException(field + " is null in this record: use find"));
  }

  /** The row a foreign key points to; empty where the key is null. */
  public <V> Optional<V> find(String field, Class<V> type) {
    int index = fields.indexOf(field);
    if (index < 0) {
      throw new IllegalArgumentException(
          field + " was not looked up, only " + String.join(", ", fields));
    }
    return Optional.ofNullable(type.cast(rows[index]));
  }
}
