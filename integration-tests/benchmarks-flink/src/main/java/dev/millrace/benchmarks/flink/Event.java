package dev.millrace.benchmarks.flink;

import java.math.BigDecimal;
import org.jspecify.annotations.Nullable;

/** An event of the web shop, as a POJO of Flink. */
@SuppressWarnings("checkstyle:VisibilityModifier") // Flink's serializer wants public fields
public class Event {
  public String id = "";
  public String user = "";
  public String session = "";
  public String action = "";

  /** None if zero. */
  public int product;

  public @Nullable BigDecimal price;

  /** None if zero. */
  public int quantity;

  public String url = "";
  public @Nullable String referrer;
  public @Nullable String agent;
  public long happened;
  public @Nullable Long arrived;

  /** For Flink. */
  public Event() {}

  /** In ten thousandths: what a purchase brought, and nothing otherwise. */
  long revenue() {
    return price == null || !action.equals("purchase")
        ? 0
        : price
            .multiply(BigDecimal.valueOf(quantity == 0 ? 1 : quantity))
            .movePointRight(4)
            .longValueExact();
  }
}
