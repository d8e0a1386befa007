package dev.millrace.contract;

import dev.millrace.contract.FieldContract.Type;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.apache.avro.LogicalTypes;

/** The page that says what each contract is, made from the contracts. */
public final class ContractDocs {

  private ContractDocs() {}

  /** The page, in Markdown: the contracts in the given order, then the reasons. */
  public static String page(Collection<Contract> contracts) {
    StringBuilder page = new StringBuilder();
    page.append(
        """
        # Contracts

        What every record is, made from `schemas/src/main/avro` and the released versions. Do not edit: change a contract,
        then run `./mvnw -pl schemas test -Dmillrace.update=true`.

        Fields of nested records stand in place. In tables, names are in lower case.
        In JSON, decimals are numbers, dates are `1997-01-31`, timestamps are `1997-01-31T12:00:00.000Z`, bytes are Base64.

        | contract | version | table | what it is |
        |---|---|---|---|
        """);
    for (Contract contract : contracts) {
      row(
          page,
          "[%s](#%s)".formatted(contract.name(), contract.name().toLowerCase(Locale.ROOT)),
          String.valueOf(contract.version()),
          contract.key().stream().anyMatch(FieldContract::nullable) ? "" : code(contract.table()),
          contract.doc());
    }
    contracts.forEach(contract -> section(page, contract));
    reasons(page);
    return page.toString();
  }

  private static void section(StringBuilder page, Contract contract) {
    page.append("\n## ").append(contract.name()).append("\n\n").append(contract.doc());
    page.append("\n\n");
    for (String line : facts(contract)) {
      page.append("- ").append(line).append('\n');
    }
    page.append(
        """

        | field | type | required | must | unit | privacy | since | meaning |
        |---|---|---|---|---|---|---|---|
        """);
    for (FieldContract field : contract.fields()) {
      row(
          page,
          code(field.name()),
          type(field),
          field.nullable() ? "" : "yes",
          field.rules().stream().map(Rule::words).collect(Collectors.joining("; ")),
          field.unit().orElse(""),
          field.privacy().map(p -> p.name().toLowerCase(Locale.ROOT)).orElse(""),
          String.valueOf(field.since()),
          meaning(field));
    }
  }

  private static List<String> facts(Contract contract) {
    List<String> facts = new ArrayList<>();
    List<Contract> released = Released.of(contract.name());
    boolean isReleased = released.stream().anyMatch(r -> r.version() == contract.version());
    facts.add(
        "Version " + contract.version() + (isReleased ? "." : ", a draft: not released yet."));
    for (int i = 0; i < released.size(); i++) {
      Contract next = i + 1 < released.size() ? released.get(i + 1) : contract;
      facts.addAll(Compatibility.warnings(released.get(i), next));
    }
    if (!contract.key().isEmpty()) {
      facts.add("Key: " + codes(contract.key()) + ".");
    }
    if (!contract.keyElse().isEmpty()) {
      facts.add("Key where that is null: a hash of " + codes(contract.keyElse()) + ".");
    }
    contract
        .eventTime()
        .ifPresent(
            time ->
                facts.add(
                    "Event time: "
                        + code(time.field().name())
                        + (time.field().type() == Type.TIMESTAMP
                            ? "."
                            : ", days since " + time.origin() + ", midnight UTC.")));
    contract.arrivalTime().ifPresent(f -> facts.add("Arrival time: " + code(f.name()) + "."));
    contract
        .recordVersion()
        .ifPresent(
            f -> facts.add("Among records of one key the greatest " + code(f.name()) + " wins."));
    if (!contract.grows().isEmpty()) {
      facts.add("Grows as it is stated again: the sum of " + codes(contract.grows()) + ".");
    }
    contract
        .foreignKeys()
        .forEach((field, table) -> facts.add(code(field) + " points to " + code(table) + "."));
    if (!contract.indexes().isEmpty()) {
      facts.add(
          "Indexes: "
              + contract.indexes().stream()
                  .map(index -> code(String.join(", ", index)))
                  .collect(Collectors.joining("; "))
              + ".");
    }
    if (contract.hasPrivateFields()) {
      facts.add("Has private fields: its payloads are stored encrypted only.");
    }
    return facts;
  }

  private static void reasons(StringBuilder page) {
    page.append(
        """

        ## Reasons

        Why a record is refused: the code in `dead_letter.reason`.

        | code | meaning | what to do | counted as |
        |---|---|---|---|
        """);
    for (Reason reason : Reason.values()) {
      row(
          page,
          code(reason.name()),
          reason.description(),
          reason.remedy(),
          reason.isLateness() ? "late" : "invalid");
    }
  }

  private static String type(FieldContract field) {
    return field.schema().getLogicalType() instanceof LogicalTypes.Decimal decimal
        ? "decimal(%d,%d)".formatted(decimal.getPrecision(), decimal.getScale())
        : field.type().name().toLowerCase(Locale.ROOT);
  }

  private static String meaning(FieldContract field) {
    return field.doc()
        + field.references().map(r -> " References `" + r + "`.").orElse("")
        + (field.examples().isEmpty()
            ? ""
            : " Such as " + code(String.join("`, `", field.examples())) + ".");
  }

  private static void row(StringBuilder page, String... cells) {
    page.append('|');
    for (String cell : cells) {
      page.append(' ').append(cell.replace("|", "\\|").replace("\n", " ")).append(" |");
    }
    page.append('\n');
  }

  private static String codes(Collection<FieldContract> fields) {
    return fields.stream().map(f -> code(f.name())).collect(Collectors.joining(", "));
  }

  private static String code(String text) {
    return "`" + text + "`";
  }
}
