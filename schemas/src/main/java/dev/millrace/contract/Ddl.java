package dev.millrace.contract;

import dev.millrace.contract.FieldContract.Type;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.avro.LogicalTypes;

/**
 * The PostgreSQL statements of a contract's table, as text: a column per field, in the contract's
 * order, with the fields of nested records in place.
 *
 * <p>All statements can be run again. Names are in lower case and quoted; those of indexes and
 * constraints that PostgreSQL would cut off end in a hash instead. Private fields are {@code TEXT},
 * because what masking, tokens and encryption make of a value is longer than the value.
 */
public final class Ddl {

  /** PostgreSQL cuts names off here, without a word. */
  private static final int MAX_NAME_BYTES = 63;

  private Ddl() {}

  /** Creates the table, unless there is one. */
  public static String createTable(Contract contract) {
    return "CREATE TABLE IF NOT EXISTS " + table(contract) + withColumnsAndKey(contract);
  }

  /**
   * Brings a table that was made from an older version of the contract to this one: adds optional
   * columns, widens columns, drops {@code NOT NULL} where a field became optional. Locks the table
   * only where there is something to change. A required column is never added: the rows that are
   * there would not have it.
   */
  public static String migrate(Contract contract) {
    List<String> steps = new ArrayList<>();
    for (FieldContract field : contract.fields()) {
      String name = quote(column(field));
      if (field.nullable()) {
        steps.add(alterUnless(contract, field, "true", "ADD COLUMN " + name + " " + type(field)));
        steps.add(
            alterIf(contract, field, "attnotnull", "ALTER COLUMN " + name + " DROP NOT NULL"));
      }
      String narrower = narrower(field);
      if (!narrower.isEmpty()) {
        steps.add(
            alterIf(contract, field, narrower, "ALTER COLUMN " + name + " TYPE " + type(field)));
      }
    }
    return block(steps);
  }

  /** Creates the indexes of the contract, unless they are there. */
  public static List<String> createIndexes(Contract contract) {
    List<String> names = indexNames(contract);
    List<String> statements = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      statements.add(
          "CREATE INDEX IF NOT EXISTS "
              + quote(names.get(i))
              + " ON "
              + table(contract)
              + " ("
              + list(fields(contract, contract.indexes().get(i)))
              + ")");
    }
    return statements;
  }

  /** Names of the indexes, unquoted, in the order of {@link Contract#indexes()}. */
  public static List<String> indexNames(Contract contract) {
    return contract.indexes().stream()
        .map(fields -> name(contract, String.join("_", fields), "idx"))
        .toList();
  }

  /**
   * Adds the foreign keys, unless they are there. They are checked at the end of the transaction,
   * so that rows can be written in any order. A table with checks due cannot be altered: run {@code
   * SET CONSTRAINTS ALL IMMEDIATE} first where both happen in one transaction.
   */
  public static List<String> foreignKeys(Contract contract) {
    List<String> statements = new ArrayList<>();
    contract
        .foreignKeys()
        .forEach(
            (field, table) -> {
              String name = name(contract, field, "fkey");
              statements.add(
                  block(
                      List.of(
                          "IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = "
                              + literal(table(contract))
                              + "::regclass AND conname = "
                              + literal(name)
                              + ") THEN ALTER TABLE "
                              + table(contract)
                              + " ADD CONSTRAINT "
                              + quote(name)
                              + " FOREIGN KEY ("
                              + quote(column(contract.field(field)))
                              + ") REFERENCES "
                              + quote(lower(table))
                              + " DEFERRABLE INITIALLY DEFERRED; END IF;")));
            });
    return statements;
  }

  /** Says in the database what the table and its columns mean. */
  public static List<String> comments(Contract contract) {
    List<String> statements = new ArrayList<>();
    statements.add("COMMENT ON TABLE " + table(contract) + " IS " + literal(contract.doc()));
    for (FieldContract field : contract.fields()) {
      statements.add(
          "COMMENT ON COLUMN "
              + table(contract)
              + "."
              + quote(column(field))
              + " IS "
              + literal(meaning(field)));
    }
    return statements;
  }

  /**
   * Writes a row, or replaces the one of the same key if it differs. One {@code ?} per field, in
   * the contract's order.
   */
  public static String upsert(Contract contract) {
    return upsertInto(table(contract), contract);
  }

  /** The columns with their types, as they stand in a {@code CREATE TABLE}. */
  public static String columnDefinitions(Contract contract) {
    checkColumns(contract);
    return contract.fields().stream()
        .map(f -> quote(column(f)) + " " + type(f) + (f.nullable() ? "" : " NOT NULL"))
        .collect(Collectors.joining(", "));
  }

  /** Name of a field's column, unquoted. */
  public static String column(FieldContract field) {
    return lower(field.name());
  }

  /** Type of a field's column. */
  public static String type(FieldContract field) {
    return switch (field.type()) {
      case BOOLEAN -> "BOOLEAN";
      case INT -> "INTEGER";
      case LONG -> "BIGINT";
      case DOUBLE -> "DOUBLE PRECISION";
      case DECIMAL -> {
        LogicalTypes.Decimal decimal = decimal(field);
        yield "NUMERIC(" + decimal.getPrecision() + "," + decimal.getScale() + ")";
      }
      case STRING -> length(field) == 0 ? "TEXT" : "VARCHAR(" + length(field) + ")";
      case BYTES -> "BYTEA";
      case DATE -> "DATE";
      case TIMESTAMP -> "TIMESTAMPTZ";
    };
  }

  /** A name, quoted so that it stands for nothing but itself. */
  public static String quote(String name) {
    if (name.isEmpty() || name.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("a name in SQL has at least one character, and none NUL");
    }
    int bytes = name.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MAX_NAME_BYTES) {
      throw new IllegalArgumentException(
          "the name " + name + " has " + bytes + " bytes; PostgreSQL keeps " + MAX_NAME_BYTES);
    }
    return '"' + name.replace("\"", "\"\"") + '"';
  }

  private static String withColumnsAndKey(Contract contract) {
    return " (" + columnDefinitions(contract) + ", PRIMARY KEY (" + list(key(contract)) + "))";
  }

  private static String upsertInto(String table, Contract contract) {
    checkColumns(contract);
    List<FieldContract> key = key(contract);
    List<FieldContract> others = new ArrayList<>(contract.fields());
    others.removeAll(key);
    String insert =
        "INSERT INTO "
            + table
            + " AS old ("
            + list(contract.fields())
            + ") VALUES ("
            + contract.fields().stream().map(f -> "?").collect(Collectors.joining(", "))
            + ") ON CONFLICT ("
            + list(key)
            + ") DO ";
    if (others.isEmpty()) {
      return insert + "NOTHING";
    }
    return insert
        + "UPDATE SET "
        + others.stream()
            .map(f -> quote(column(f)) + " = EXCLUDED." + quote(column(f)))
            .collect(Collectors.joining(", "))
        + " WHERE ("
        + list("old.", others)
        + ") IS DISTINCT FROM ("
        + list("EXCLUDED.", others)
        + ")";
  }

  private static List<FieldContract> key(Contract contract) {
    if (contract.key().isEmpty()) {
      throw new IllegalArgumentException(
          "contract " + contract.name() + " has no key; a table needs one");
    }
    for (FieldContract field : contract.key()) {
      if (field.nullable()) {
        throw new IllegalArgumentException(
            "contract "
                + contract.name()
                + ": key field "
                + field.name()
                + " may be null; a table needs a key that every row has");
      }
    }
    return contract.key();
  }

  private static void checkColumns(Contract contract) {
    Set<String> columns = new HashSet<>();
    for (FieldContract field : contract.fields()) {
      if (!columns.add(column(field))) {
        throw new IllegalArgumentException(
            "contract "
                + contract.name()
                + ": two fields would share the column "
                + column(field)
                + "; rename one");
      }
    }
  }

  /**
   * Condition on pg_attribute that says the column takes less than the field; empty if none can.
   */
  private static String narrower(FieldContract field) {
    // atttypmod holds length or precision and scale, plus 4; -1 is no limit.
    if (field.type() == Type.DECIMAL) {
      return "atttypid = 'numeric'::regtype AND atttypmod >= 0 AND ((atttypmod - 4) >> 16) < "
          + decimal(field).getPrecision();
    }
    if (field.type() == Type.STRING) {
      String varchar = "atttypid = 'varchar'::regtype";
      return length(field) == 0
          ? varchar
          : varchar + " AND atttypmod >= 0 AND atttypmod - 4 < " + length(field);
    }
    return "";
  }

  private static String alterIf(
      Contract contract, FieldContract field, String condition, String change) {
    return "IF EXISTS " + alter(contract, field, condition, change);
  }

  private static String alterUnless(
      Contract contract, FieldContract field, String condition, String change) {
    return "IF NOT EXISTS " + alter(contract, field, condition, change);
  }

  private static String alter(
      Contract contract, FieldContract field, String condition, String change) {
    return "(SELECT FROM pg_attribute WHERE attrelid = "
        + literal(table(contract))
        + "::regclass AND attname = "
        + literal(column(field))
        + " AND NOT attisdropped AND "
        + condition
        + ") THEN ALTER TABLE "
        + table(contract)
        + " "
        + change
        + "; END IF;";
  }

  private static String block(List<String> steps) {
    // Names of contracts hold no $, so nothing inside can end the block.
    return "DO $ddl$ BEGIN\n" + String.join("\n", steps) + "\nEND $ddl$";
  }

  private static String meaning(FieldContract field) {
    StringBuilder meaning = new StringBuilder(field.doc());
    field.unit().ifPresent(unit -> meaning.append(" Unit: ").append(unit).append('.'));
    field
        .privacy()
        .ifPresent(p -> meaning.append(" Privacy: ").append(lower(p.name())).append('.'));
    return meaning.toString();
  }

  private static int length(FieldContract field) {
    if (field.privacy().isPresent()) {
      return 0;
    }
    return field.rules().stream()
        .filter(Rule.MaxLength.class::isInstance)
        .mapToInt(rule -> ((Rule.MaxLength) rule).characters())
        .findFirst()
        .orElse(0);
  }

  private static LogicalTypes.Decimal decimal(FieldContract field) {
    return (LogicalTypes.Decimal) field.schema().getLogicalType();
  }

  private static List<FieldContract> fields(Contract contract, List<String> names) {
    return names.stream().map(contract::field).toList();
  }

  private static String table(Contract contract) {
    return quote(lower(contract.table()));
  }

  private static String list(Collection<FieldContract> fields) {
    return list("", fields);
  }

  private static String list(String prefix, Collection<FieldContract> fields) {
    return fields.stream().map(f -> prefix + quote(column(f))).collect(Collectors.joining(", "));
  }

  private static String name(Contract contract, String fields, String kind) {
    String name = lower(contract.table() + "_" + fields + "_" + kind);
    return name.length() <= MAX_NAME_BYTES
        ? name
        : name.substring(0, MAX_NAME_BYTES - 9) + "_" + String.format("%08x", name.hashCode());
  }

  private static String literal(String text) {
    return "'" + text.replace("'", "''") + "'";
  }

  private static String lower(String name) {
    return name.toLowerCase(Locale.ROOT);
  }
}
