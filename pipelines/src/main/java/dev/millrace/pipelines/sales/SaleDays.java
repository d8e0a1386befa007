package dev.millrace.pipelines.sales;

import dev.millrace.contract.Contract;
import dev.millrace.schemas.retail.Sale;
import java.time.LocalDate;

/** The day of a sale, as its contract dates it. */
final class SaleDays {

  private static final LocalDate ORIGIN =
      Contract.of(Sale.class).eventTime().orElseThrow().origin();

  private SaleDays() {}

  static LocalDate of(Sale sale) {
    return ORIGIN.plusDays(sale.getTimeId());
  }
}
