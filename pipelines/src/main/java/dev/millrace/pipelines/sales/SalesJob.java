package dev.millrace.pipelines.sales;

import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.RunGate;
import dev.millrace.pipelines.io.Lake;
import dev.millrace.pipelines.job.PipelineJob;
import dev.millrace.pipelines.report.ReportReader;
import dev.millrace.pipelines.report.RunReport;
import dev.millrace.pipelines.report.RunSummary;
import dev.millrace.schemas.retail.ClassifiedProduct;
import dev.millrace.schemas.retail.Customer;
import dev.millrace.schemas.retail.CustomerRunningTotal;
import dev.millrace.schemas.retail.Day;
import dev.millrace.schemas.retail.EnrichedSale;
import dev.millrace.schemas.retail.LapsedCustomer;
import dev.millrace.schemas.retail.LocatedCustomer;
import dev.millrace.schemas.retail.LocatedStore;
import dev.millrace.schemas.retail.Product;
import dev.millrace.schemas.retail.ProductClass;
import dev.millrace.schemas.retail.Promotion;
import dev.millrace.schemas.retail.Region;
import dev.millrace.schemas.retail.RevenueDaily;
import dev.millrace.schemas.retail.Sale;
import dev.millrace.schemas.retail.SaleFact;
import dev.millrace.schemas.retail.Store;
import dev.millrace.schemas.retail.StoreRevenue7d;
import dev.millrace.schemas.retail.TopCustomer;
import dev.millrace.schemas.retail.TopProduct;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.schemas.system.FieldProfile;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.RecordCoder;
import dev.millrace.transforms.Sourced;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TypeDescriptor;

/** One run of {@code sales}: joins the flow to sources, lake, warehouse and report. */
final class SalesJob extends PipelineJob {

  static final String VERSION = "1";

  private static final List<Class<? extends SpecificRecord>> TABLES =
      List.of(
          Region.class,
          LocatedCustomer.class,
          ClassifiedProduct.class,
          LocatedStore.class,
          Promotion.class,
          Day.class,
          SaleFact.class,
          RevenueDaily.class,
          TopCustomer.class,
          StoreRevenue7d.class,
          CustomerRunningTotal.class,
          LapsedCustomer.class,
          TopProduct.class,
          DeadLetter.class,
          LedgerEntry.class,
          FieldProfile.class);

  private final SalesConfig config;

  SalesJob(SalesOptions options, CatalogueEntry.Surroundings surroundings) {
    super("sales", VERSION, TABLES, options, surroundings);
    this.config = SalesConfig.from(options);
    add(0, "--sales", options.getSales(), Sale.class);
    add(1, "--customers", options.getCustomers(), Customer.class);
    add(2, "--products", options.getProducts(), Product.class);
    add(3, "--product-classes", options.getProductClasses(), ProductClass.class);
    add(4, "--stores", options.getStores(), Store.class);
    add(5, "--promotions", options.getPromotions(), Promotion.class);
    add(6, "--days", options.getDays(), Day.class);
    add(7, "--regions", options.getRegions(), Region.class);
  }

  private void add(int chain, String option, String uri, Class<? extends SpecificRecord> type) {
    input(option, uri, type, config.maxLateness(), SalesPipeline.CHAINS.get(chain));
  }

  @Override
  public void build(Pipeline pipeline) {
    List<PCollection<RawRecord>> raw = readAll(pipeline);
    SalesResults results =
        SalesPipeline.flow(
            new SalesInputs(
                raw.get(0),
                raw.get(1),
                raw.get(2),
                raw.get(3),
                raw.get(4),
                raw.get(5),
                raw.get(6),
                raw.get(7)),
            config,
            VERSION);
    PCollection<DeadLetter> rejects = counted(results.rejects());
    PCollection<Long> go =
        results
            .ledger()
            .apply(
                "RunGate",
                RunGate.of("sales", SalesPipeline.CHAINS)
                    .refusingMoreRejectsThan(config.maxRejectRatio()));
    Lake lake = lake(results, rejects);
    PCollection<String> files = write(lake);
    tables(results, rejects);
    publish(go, lake, files);
  }

  private void tables(SalesResults results, PCollection<DeadLetter> rejects) {
    SalesAnswers answers = results.answers();
    table("Regions", values("Regions", results.regions(), Region.class), Region.class);
    table(
        "Customers",
        values("Customers", results.customers(), LocatedCustomer.class),
        LocatedCustomer.class);
    table(
        "Products",
        values("Products", results.products(), ClassifiedProduct.class),
        ClassifiedProduct.class);
    table("Stores", values("Stores", results.stores(), LocatedStore.class), LocatedStore.class);
    table(
        "Promotions", values("Promotions", results.promotions(), Promotion.class), Promotion.class);
    table("Days", values("Days", results.days(), Day.class), Day.class);
    table("Facts", facts(results.sales()), SaleFact.class);
    table("RevenueDaily", answers.revenueDaily(), RevenueDaily.class);
    table("TopCustomers", answers.topCustomers(), TopCustomer.class);
    table("StoreRevenue7d", answers.storeRevenue7d(), StoreRevenue7d.class);
    table("CustomerRunningTotals", answers.customerRunningTotals(), CustomerRunningTotal.class);
    table("LapsedCustomers", answers.lapsedCustomers(), LapsedCustomer.class);
    table("TopProducts", answers.topProducts(), TopProduct.class);
    deadLetters(rejects);
    table("Ledger", results.ledger(), LedgerEntry.class);
    table("Profile", results.profile(), FieldProfile.class);
  }

  private Lake lake(SalesResults results, PCollection<DeadLetter> rejects) {
    SalesAnswers answers = results.answers();
    return lakeWithBronze()
        .add(
            "Silver_sales",
            results.sales(),
            Lake.silver(
                "sales",
                EnrichedSale.class,
                s -> "month=" + s.value().getDay().toString().substring(0, 7)))
        .add("Gold_revenue_daily", answers.revenueDaily(), Lake.gold(RevenueDaily.class))
        .add("Gold_top_customers", answers.topCustomers(), Lake.gold(TopCustomer.class))
        .add("Gold_store_revenue_7d", answers.storeRevenue7d(), Lake.gold(StoreRevenue7d.class))
        .add(
            "Gold_customer_running_total",
            answers.customerRunningTotals(),
            Lake.gold(CustomerRunningTotal.class))
        .add("Gold_lapsed_customers", answers.lapsedCustomers(), Lake.gold(LapsedCustomer.class))
        .add("Gold_top_products", answers.topProducts(), Lake.gold(TopProduct.class))
        .add("Gold_ledger", results.ledger(), Lake.gold(LedgerEntry.class))
        .add("Rejects_dead_letter", rejects, Lake.rejects());
  }

  private static <T extends SpecificRecord> PCollection<T> values(
      String name, PCollection<Sourced<T>> records, Class<T> type) {
    return records
        .apply("Rows_" + name, MapElements.into(TypeDescriptor.of(type)).via(Sourced::value))
        .setCoder(RecordCoder.of(type));
  }

  private static PCollection<SaleFact> facts(PCollection<Sourced<EnrichedSale>> sales) {
    return sales
        .apply(
            "Rows_Facts",
            MapElements.into(TypeDescriptor.of(SaleFact.class))
                .via(
                    s ->
                        new SaleFact(
                            s.value().getSaleKey(),
                            s.value().getDay(),
                            s.value().getSale(),
                            s.origin().source(),
                            s.origin().position(),
                            s.contractVersion())))
        .setCoder(RecordCoder.of(SaleFact.class));
  }

  @Override
  protected Map<String, String> config() {
    return Map.of(
        "max-lateness", config.maxLateness().toString(),
        "max-skew", config.maxSkew().toString(),
        "max-reject-ratio", Double.toString(config.maxRejectRatio()),
        "top-customers", Integer.toString(config.topCustomers()),
        "top-products", Integer.toString(config.topProducts()),
        "as-of", config.asOf() == null ? "latest sale" : config.asOf().toString());
  }

  @Override
  protected ReportReader.Answers answers() {
    return SalesReport.ANSWERS;
  }

  @Override
  protected String summary(RunReport report, Path page) {
    return RunSummary.of(report, page, "sales", "SELECT * FROM top_products");
  }
}
