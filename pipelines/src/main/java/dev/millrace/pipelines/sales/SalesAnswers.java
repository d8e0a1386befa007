package dev.millrace.pipelines.sales;

import dev.millrace.schemas.retail.CustomerRunningTotal;
import dev.millrace.schemas.retail.EnrichedSale;
import dev.millrace.schemas.retail.LapsedCustomer;
import dev.millrace.schemas.retail.LocatedCustomer;
import dev.millrace.schemas.retail.RevenueDaily;
import dev.millrace.schemas.retail.StoreRevenue7d;
import dev.millrace.schemas.retail.TopCustomer;
import dev.millrace.schemas.retail.TopProduct;
import dev.millrace.transforms.AtRest;
import dev.millrace.transforms.RecordCoder;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.combine.CombineBlocks;
import dev.millrace.transforms.rank.Rank;
import dev.millrace.transforms.rank.RunningTotal;
import dev.millrace.transforms.window.Aggregate;
import dev.millrace.transforms.window.Totals;
import dev.millrace.transforms.window.Windowed;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.time.LocalDate;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.coders.BigDecimalCoder;
import org.apache.beam.sdk.coders.BooleanCoder;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.Flatten;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.Max;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.transforms.Values;
import org.apache.beam.sdk.transforms.View;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionList;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.TypeDescriptor;

/**
 * The answer tables of {@code sales}, all computed from the clean, enriched sales. The contract of
 * each table says what its columns mean and how ties are broken.
 */
public record SalesAnswers(
    PCollection<RevenueDaily> revenueDaily,
    PCollection<TopCustomer> topCustomers,
    PCollection<StoreRevenue7d> storeRevenue7d,
    PCollection<CustomerRunningTotal> customerRunningTotals,
    PCollection<LapsedCustomer> lapsedCustomers,
    PCollection<TopProduct> topProducts) {

  private static final Coder<Integer> ID = VarIntCoder.of();
  private static final Coder<String> TEXT = StringUtf8Coder.of();
  private static final int LAPSED_MONTHS = 6;

  /** What the greatest of no days is. */
  private static final long NO_SALES = Long.MIN_VALUE;

  /** Builds the answers. */
  static SalesAnswers over(
      PCollection<Sourced<EnrichedSale>> sales,
      PCollection<Sourced<LocatedCustomer>> customers,
      SalesConfig config) {
    PCollection<Aggregate<KV<Integer, String>, Totals>> byDay =
        sales.apply(
            "RevenueDaily",
            Windowed.tumbling(Duration.ofDays(1))
                .keyedBy(
                    (EnrichedSale s) -> KV.of(s.getSale().getStoreId(), s.getProductCategory()),
                    KvCoder.of(ID, TEXT))
                .sum(
                    s -> s.getSale().getStoreSales(),
                    s -> s.getSale().getStoreCost(),
                    s -> s.getSale().getUnitSales()));
    PCollection<Aggregate<Integer, Totals>> byCustomer =
        sales.apply(
            "CustomerDaily",
            Windowed.tumbling(Duration.ofDays(1))
                .keyedBy((EnrichedSale s) -> s.getSale().getCustomerId(), ID)
                .sum(s -> s.getSale().getStoreSales()));
    PCollection<KV<Integer, Long>> lastPurchases = lastPurchases(byCustomer);
    PCollectionView<Long> asOf = asOf(lastPurchases, config);
    return new SalesAnswers(
        rows("RevenueDailyRows", byDay, RevenueDaily.class, SalesAnswers::revenueDaily),
        topCustomers(sales, config.topCustomers()),
        rows(
            "StoreRevenue7dRows",
            sales.apply(
                "StoreRevenue7d",
                Windowed.sliding(Duration.ofDays(7), Duration.ofDays(1))
                    .keyedBy((EnrichedSale s) -> s.getSale().getStoreId(), ID)
                    .sum(s -> s.getSale().getStoreSales())),
            StoreRevenue7d.class,
            SalesAnswers::storeRevenue7d),
        runningTotals(byCustomer),
        lapsed(lastPurchases, customers, asOf),
        topProducts(sales, asOf, config.topProducts()));
  }

  private static RevenueDaily revenueDaily(Aggregate<KV<Integer, String>, Totals> day) {
    return new RevenueDaily(
        day.firstDay(),
        day.key().getKey(),
        day.key().getValue(),
        day.result().sum(0),
        day.result().sum(1),
        day.result().sum(2),
        day.result().count());
  }

  private static StoreRevenue7d storeRevenue7d(Aggregate<Integer, Totals> week) {
    BigDecimal revenue = week.result().sum(0);
    return new StoreRevenue7d(
        week.key(),
        week.lastDay(),
        revenue,
        revenue.divide(BigDecimal.valueOf(7), 4, RoundingMode.HALF_EVEN),
        week.result().count());
  }

  private static PCollection<TopCustomer> topCustomers(
      PCollection<Sourced<EnrichedSale>> sales, int n) {
    Coder<KV<String, KV<Integer, Totals>>> keyed = KvCoder.of(TEXT, KvCoder.of(ID, Totals.coder()));
    return totalsBy(
            "CustomerTotals",
            sales,
            s -> KV.of(s.getSalesRegion(), s.getSale().getCustomerId()),
            KvCoder.of(TEXT, ID))
        .apply(
            "ByRegion",
            MapElements.into(new TypeDescriptor<KV<String, KV<Integer, Totals>>>() {})
                .via(t -> KV.of(t.getKey().getKey(), KV.of(t.getKey().getValue(), t.getValue()))))
        .setCoder(keyed)
        .apply(
            "TopCustomers",
            Rank.<String, KV<Integer, Totals>, TopCustomer>top(n, SalesAnswers::byRevenue)
                .into(
                    RecordCoder.of(TopCustomer.class),
                    (region, rank, customer) ->
                        new TopCustomer(
                            region,
                            rank,
                            customer.getKey(),
                            customer.getValue().sum(0),
                            customer.getValue().count())));
  }

  private static PCollection<TopProduct> topProducts(
      PCollection<Sourced<EnrichedSale>> sales, PCollectionView<Long> asOf, int n) {
    Coder<KV<Long, KV<KV<Integer, String>, Totals>>> keyed =
        KvCoder.of(VarLongCoder.of(), KvCoder.of(KvCoder.of(ID, TEXT), Totals.coder()));
    // Every month is ranked, and the month chosen last: a few rows can wait for the reference day,
    // all sales cannot.
    return totalsBy(
            "ProductTotals",
            sales,
            s ->
                KV.of(
                    s.getDay().withDayOfMonth(1).toEpochDay(),
                    KV.of(s.getSale().getProductId(), s.getProductName())),
            KvCoder.of(VarLongCoder.of(), KvCoder.of(ID, TEXT)))
        .apply(
            "ByMonth",
            MapElements.into(new TypeDescriptor<KV<Long, KV<KV<Integer, String>, Totals>>>() {})
                .via(t -> KV.of(t.getKey().getKey(), KV.of(t.getKey().getValue(), t.getValue()))))
        .setCoder(keyed)
        .apply(
            "TopProducts",
            Rank.<Long, KV<KV<Integer, String>, Totals>, TopProduct>top(
                    n,
                    (a, b) ->
                        byRevenue(
                            KV.of(a.getKey().getKey(), a.getValue()),
                            KV.of(b.getKey().getKey(), b.getValue())))
                .into(
                    RecordCoder.of(TopProduct.class),
                    (month, rank, product) ->
                        new TopProduct(
                            LocalDate.ofEpochDay(month),
                            rank,
                            product.getKey().getKey(),
                            product.getKey().getValue(),
                            product.getValue().sum(0),
                            product.getValue().sum(1))))
        .apply("OfTheMonth", ParDo.of(new OfTheMonth(asOf)).withSideInputs(asOf))
        .setCoder(RecordCoder.of(TopProduct.class));
  }

  private static PCollection<CustomerRunningTotal> runningTotals(
      PCollection<Aggregate<Integer, Totals>> byCustomer) {
    return byCustomer
        .apply("CustomerDaysAtRest", AtRest.window())
        .apply(
            "CustomerDays",
            MapElements.into(new TypeDescriptor<KV<Integer, KV<Long, BigDecimal>>>() {})
                .via(d -> KV.of(d.key(), KV.of(d.firstDay().toEpochDay(), d.result().sum(0)))))
        .setCoder(KvCoder.of(ID, KvCoder.of(VarLongCoder.of(), BigDecimalCoder.of())))
        .apply(
            "CustomerRunningTotals",
            RunningTotal.into(
                RecordCoder.of(CustomerRunningTotal.class),
                (customer, day, ofDay, total) ->
                    new CustomerRunningTotal(customer, LocalDate.ofEpochDay(day), ofDay, total)));
  }

  private static PCollection<LapsedCustomer> lapsed(
      PCollection<KV<Integer, Long>> lastPurchases,
      PCollection<Sourced<LocatedCustomer>> customers,
      PCollectionView<Long> asOf) {
    TypeDescriptor<KV<Integer, KV<Boolean, Long>>> standing = new TypeDescriptor<>() {};
    Coder<KV<Integer, KV<Boolean, Long>>> coder =
        KvCoder.of(ID, KvCoder.of(BooleanCoder.of(), VarLongCoder.of()));
    PCollection<KV<Integer, KV<Boolean, Long>>> known =
        customers
            .apply("CustomersAtRest", AtRest.window())
            .apply(
                "Known",
                MapElements.into(standing)
                    .via(
                        c -> KV.of(c.value().getCustomer().getCustomerId(), KV.of(true, NO_SALES))))
            .setCoder(coder);
    PCollection<KV<Integer, KV<Boolean, Long>>> bought =
        lastPurchases
            .apply(
                "Bought",
                MapElements.into(standing).via(p -> KV.of(p.getKey(), KV.of(false, p.getValue()))))
            .setCoder(coder);
    return PCollectionList.of(known)
        .and(bought)
        .apply("KnownAndBought", Flatten.pCollections())
        .apply(
            "CustomersWithPurchases",
            CombineBlocks.perKey(
                (a, b) -> KV.of(a.getKey() || b.getKey(), Math.max(a.getValue(), b.getValue()))))
        .apply("LapsedCustomers", ParDo.of(new Lapsed(asOf)).withSideInputs(asOf))
        .setCoder(RecordCoder.of(LapsedCustomer.class));
  }

  /** The last day with a purchase, per customer; days since the epoch. */
  private static PCollection<KV<Integer, Long>> lastPurchases(
      PCollection<Aggregate<Integer, Totals>> byCustomer) {
    return byCustomer.apply(
        "LastPurchases",
        CombineBlocks.of(
            d -> KV.of(d.key(), d.firstDay().toEpochDay()),
            KvCoder.of(ID, VarLongCoder.of()),
            Math::max));
  }

  /**
   * The reference day: as configured, else the day of the latest sale; {@link #NO_SALES} if there
   * is none.
   */
  private static PCollectionView<Long> asOf(
      PCollection<KV<Integer, Long>> lastPurchases, SalesConfig config) {
    if (config.asOf() != null) {
      return lastPurchases
          .getPipeline()
          .apply("GivenDay", Create.of(config.asOf().toEpochDay()).withCoder(VarLongCoder.of()))
          .apply("AsOf", View.asSingleton());
    }
    return lastPurchases
        .apply("Days", Values.create())
        .apply("AsOf", Max.longsGlobally().asSingletonView());
  }

  /** Revenue, units and count per key, over all sales. */
  private static <K> PCollection<KV<K, Totals>> totalsBy(
      String name,
      PCollection<Sourced<EnrichedSale>> sales,
      SerializableFunction<EnrichedSale, K> key,
      Coder<K> coder) {
    return sales.apply(
        name,
        CombineBlocks.of(
            s ->
                KV.of(
                    key.apply(s.value()),
                    Totals.of(
                        s.value().getSale().getStoreSales(), s.value().getSale().getUnitSales())),
            KvCoder.of(coder, Totals.coder()),
            Totals::plus));
  }

  private static <A, R extends SpecificRecord> PCollection<R> rows(
      String name, PCollection<A> input, Class<R> type, SerializableFunction<A, R> row) {
    return input
        .apply(name, MapElements.into(TypeDescriptor.of(type)).via(row))
        .setCoder(RecordCoder.of(type));
  }

  /** Higher revenue first; of equal ones the lower id. */
  private static int byRevenue(KV<Integer, Totals> a, KV<Integer, Totals> b) {
    int byRevenue = a.getValue().sum(0).compareTo(b.getValue().sum(0));
    return byRevenue != 0 ? byRevenue : Integer.compare(b.getKey(), a.getKey());
  }

  private static final class OfTheMonth extends DoFn<TopProduct, TopProduct> {
    private final PCollectionView<Long> asOf;

    private OfTheMonth(PCollectionView<Long> asOf) {
      this.asOf = asOf;
    }

    @ProcessElement
    public void process(ProcessContext context) {
      LocalDate month = LocalDate.ofEpochDay(context.sideInput(asOf)).withDayOfMonth(1);
      if (context.element().getMonth().equals(month)) {
        context.output(context.element());
      }
    }
  }

  private static final class Lapsed extends DoFn<KV<Integer, KV<Boolean, Long>>, LapsedCustomer> {
    private final PCollectionView<Long> asOf;

    private Lapsed(PCollectionView<Long> asOf) {
      this.asOf = asOf;
    }

    @ProcessElement
    public void process(ProcessContext context) {
      long reference = context.sideInput(asOf);
      KV<Boolean, Long> standing = context.element().getValue();
      if (reference == NO_SALES || !standing.getKey()) {
        return;
      }
      LocalDate day = LocalDate.ofEpochDay(reference);
      LocalDate last =
          standing.getValue() == NO_SALES ? null : LocalDate.ofEpochDay(standing.getValue());
      if (last == null || last.isBefore(day.minusMonths(LAPSED_MONTHS))) {
        context.output(new LapsedCustomer(context.element().getKey(), last, day));
      }
    }
  }
}
