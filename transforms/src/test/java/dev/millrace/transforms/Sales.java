package dev.millrace.transforms;

import dev.millrace.schemas.retail.Sale;
import java.math.BigDecimal;
import java.time.Instant;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.extensions.avro.coders.AvroCoder;
import org.jspecify.annotations.Nullable;

/** Sales to test with. */
public final class Sales {

  /** Day 367 is 1997-01-01. */
  public static final int NEW_YEAR = 367;

  private Sales() {}

  /** A sale in the form of version 1. */
  public static Sale sale(int product, int day, int store, String revenue) {
    return Sale.newBuilder()
        .setProductId(product)
        .setTimeId(day)
        .setCustomerId(7)
        .setPromotionId(0)
        .setStoreId(store)
        .setStoreSales(new BigDecimal(revenue).setScale(4))
        .setStoreCost(new BigDecimal("0.5000"))
        .setUnitSales(new BigDecimal("2.0000"))
        .build();
  }

  /** A sale with an id and, if not null, a version. */
  public static Sale version(String id, @Nullable String updated, String revenue) {
    Sale sale = sale(1, NEW_YEAR, 1, revenue);
    sale.setSaleId(id);
    sale.setUpdatedAt(updated == null ? null : Instant.parse(updated));
    return sale;
  }

  /** Coder of refined sales. */
  public static Coder<Sourced<Sale>> coder() {
    return SourcedCoder.of(AvroCoder.specific(Sale.class));
  }
}
