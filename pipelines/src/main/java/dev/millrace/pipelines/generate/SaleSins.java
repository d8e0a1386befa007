package dev.millrace.pipelines.generate;

import dev.millrace.pipelines.generate.Draft.Field;
import java.util.List;

/** How a sale can be wrong. */
final class SaleSins {

  private static final Sins<SaleLine, Draft, Field> OF =
      new Sins<>(
          SaleLine::sale,
          Field.REQUIRED,
          Field.REQUIRED,
          Field.REQUIRED,
          Field.IDS,
          Field.AMOUNTS,
          List.of(Field.SALE_ID),
          Field.TIMES);

  static final List<Sin<SaleLine, Draft>> MALFORMED = OF.malformed();

  static final List<Sin<SaleLine, Draft>> RULE_BREAKS =
      OF.ruleBreaks(
          List.of(
              OF.breaking(
                  List.of(Field.PRODUCT_ID, Field.TIME_ID, Field.CUSTOMER_ID),
                  "0",
                  "-1",
                  "-2147483648"),
              OF.breaking(List.of(Field.PROMOTION_ID, Field.STORE_ID), "-1", "-2147483648"),
              OF.breaking(List.of(Field.TIME_ID), "36525", "2147483647"),
              OF.breaking(Field.AMOUNTS, "-0.0001", "-1.5000", "-3", "-99999999.9999"),
              OF.breaking(List.of(Field.UNIT_SALES), "0.0000", "0"),
              OF.breaking(
                  List.of(Field.SALE_ID),
                  '"' + "R".repeat(41) + '"',
                  '"' + "R".repeat(400) + '"')));

  private SaleSins() {}
}
