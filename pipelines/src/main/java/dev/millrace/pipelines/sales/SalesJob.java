package dev.millrace.pipelines.sales;

import dev.millrace.contract.Contract;
import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.RunGate;
import dev.millrace.pipelines.UserError;
import dev.millrace.pipelines.io.Lake;
import dev.millrace.pipelines.io.LakeLock;
import dev.millrace.pipelines.io.Manifest;
import dev.millrace.pipelines.io.RecordSource;
import dev.millrace.pipelines.io.warehouse.PreparedWarehouse;
import dev.millrace.pipelines.io.warehouse.Run;
import dev.millrace.pipelines.io.warehouse.TableChange;
import dev.millrace.pipelines.io.warehouse.Warehouse;
import dev.millrace.pipelines.io.warehouse.WarehouseConfig;
import dev.millrace.pipelines.report.ReportFiles;
import dev.millrace.pipelines.report.ReportReader;
import dev.millrace.pipelines.report.RunInfo;
import dev.millrace.pipelines.report.RunReport;
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
import dev.millrace.transforms.refine.Vault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.transforms.Combine;
import org.apache.beam.sdk.transforms.Count;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TypeDescriptor;
import org.apache.beam.sdk.values.TypeDescriptors;
import org.jspecify.annotations.Nullable;

/** One run of {@code sales}: joins the flow to files, lake, warehouse and report. */
final class SalesJob implements CatalogueEntry.Job {

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

  /** Logical inputs, in the order of {@link SalesPipeline#CHAINS}. */
  private static final List<String> INPUTS =
      List.of(
          "sales",
          "customers",
          "products",
          "product_classes",
          "stores",
          "promotions",
          "days",
          "regions");

  private final SalesOptions options;
  private final CatalogueEntry.Surroundings surroundings;
  private final SalesConfig config;
  private final Run run;
  private final List<RecordSource> sources = new ArrayList<>();
  private final List<Long> fileCounts = new ArrayList<>();
  private @Nullable Warehouse warehouse;
  private @Nullable PreparedWarehouse prepared;
  private @Nullable LakeLock lock;

  SalesJob(SalesOptions options, CatalogueEntry.Surroundings surroundings) {
    this.options = options;
    this.surroundings = surroundings;
    this.config = SalesConfig.from(options);
    this.run =
        new Run(UUID.randomUUID().toString().substring(0, 13), "sales", VERSION, Instant.now());
    add("--sales", options.getSales(), Sale.class);
    add("--customers", options.getCustomers(), Customer.class);
    add("--products", options.getProducts(), Product.class);
    add("--product-classes", options.getProductClasses(), ProductClass.class);
    add("--stores", options.getStores(), Store.class);
    add("--promotions", options.getPromotions(), Promotion.class);
    add("--days", options.getDays(), Day.class);
    add("--regions", options.getRegions(), Region.class);
  }

  private void add(String option, String uri, Class<? extends SpecificRecord> type) {
    RecordSource source =
        RecordSource.of(option, uri, Contract.of(type), config.maxLateness())
            .withSecret(config.secret())
            .ending();
    fileCounts.add(source.check());
    sources.add(source);
  }

  @Override
  public void prepare() {
    try {
      if (config.secret().equals(SalesOptions.DEFAULT_SECRET)) {
        Vault.createIfAbsent(Path.of(config.secret().substring("file:".length())));
      }
    } catch (IOException unwritable) {
      throw new UserError(
          "The key of private fields cannot be made at "
              + config.secret()
              + " ("
              + unwritable.getMessage()
              + "); give another place with --secret.",
          unwritable);
    }
    Vault.open(config.secret());
    writable("--lake", options.getLake());
    writable("--report", options.getReport());
    lock = LakeLock.of(Path.of(options.getLake()));
    String url =
        options.getWarehouse().equals("embedded")
            ? surroundings.embeddedWarehouse()
            : options.getWarehouse();
    warehouse =
        Warehouse.at(
                WarehouseConfig.of(url, options.getWarehouseUser(), options.getWarehousePassword()))
            .forRun(run)
            .withTables(TABLES.stream().map(Contract::of).toList());
    prepared = warehouse.prepare();
  }

  private static void writable(String option, String directory) {
    if (directory.isBlank()) {
      throw new UserError(option + " is empty; name a directory.");
    }
    if (Files.isRegularFile(Path.of(directory))) {
      throw new UserError(
          option + ": '" + directory + "' is a file; name another place, for a directory.");
    }
    try {
      Path path = Files.createDirectories(Path.of(directory));
      Files.delete(Files.createTempFile(path, ".writable", null));
    } catch (IOException | SecurityException refused) {
      throw new UserError(
          option
              + ": the directory '"
              + directory
              + "' cannot be written ("
              + refused
              + "); name another one.",
          refused);
    }
  }

  @Override
  public void build(Pipeline pipeline) {
    List<PCollection<RawRecord>> raw = new ArrayList<>();
    List<String> names =
        List.of(
            "Sales",
            "Customers",
            "Products",
            "ProductClasses",
            "Stores",
            "Promotions",
            "Days",
            "Regions");
    for (int i = 0; i < names.size(); i++) {
      raw.add(pipeline.apply("Read" + names.get(i), sources.get(i)));
    }
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
    PCollection<Long> go =
        results
            .ledger()
            .apply(
                "RunGate",
                RunGate.of("sales", SalesPipeline.CHAINS)
                    .refusingMoreRejectsThan(config.maxRejectRatio()));
    Lake lake = lake(raw, results);
    PCollection<String> files = lake.write();
    // The lake first: a disk that is full is found before anything is published.
    PCollection<TableChange> published = warehouse(results, go, files);
    published
        .apply(
            "WarehousePublished",
            Combine.globally(Count.<TableChange>combineFn()).withoutDefaults())
        .apply("PublishLake", lake.publish().after(files));
  }

  private PCollection<TableChange> warehouse(
      SalesResults results, PCollection<Long> go, PCollection<String> files) {
    List<PCollection<Void>> written = new ArrayList<>();
    written.add(
        files.apply(
            "LakeWritten", MapElements.into(TypeDescriptors.voids()).via(path -> (Void) null)));
    SalesAnswers answers = results.answers();
    written.add(write("Regions", values("Regions", results.regions(), Region.class), Region.class));
    written.add(
        write(
            "Customers",
            values("Customers", results.customers(), LocatedCustomer.class),
            LocatedCustomer.class));
    written.add(
        write(
            "Products",
            values("Products", results.products(), ClassifiedProduct.class),
            ClassifiedProduct.class));
    written.add(
        write(
            "Stores", values("Stores", results.stores(), LocatedStore.class), LocatedStore.class));
    written.add(
        write(
            "Promotions",
            values("Promotions", results.promotions(), Promotion.class),
            Promotion.class));
    written.add(write("Days", values("Days", results.days(), Day.class), Day.class));
    written.add(write("Facts", facts(results.sales()), SaleFact.class));
    written.add(write("RevenueDaily", answers.revenueDaily(), RevenueDaily.class));
    written.add(write("TopCustomers", answers.topCustomers(), TopCustomer.class));
    written.add(write("StoreRevenue7d", answers.storeRevenue7d(), StoreRevenue7d.class));
    written.add(
        write(
            "CustomerRunningTotals", answers.customerRunningTotals(), CustomerRunningTotal.class));
    written.add(write("LapsedCustomers", answers.lapsedCustomers(), LapsedCustomer.class));
    written.add(write("TopProducts", answers.topProducts(), TopProduct.class));
    written.add(write("DeadLetters", results.rejects(), DeadLetter.class));
    written.add(write("Ledger", results.ledger(), LedgerEntry.class));
    written.add(write("Profile", results.profile(), FieldProfile.class));
    return go.apply("PublishWarehouse", warehouse().publish().after(written));
  }

  private Lake lake(List<PCollection<RawRecord>> raw, SalesResults results) {
    Lake lake = staged();
    for (int i = 0; i < INPUTS.size(); i++) {
      boolean isPrivate = sources.get(i).contract().hasPrivateFields();
      lake.add(
          "Bronze_" + INPUTS.get(i),
          raw.get(i),
          Lake.bronze(
              INPUTS.get(i), isPrivate ? config.secret() : null, sources.get(i).counting()));
    }
    SalesAnswers answers = results.answers();
    return lake.add(
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
        .add("Rejects_dead_letter", results.rejects(), Lake.rejects());
  }

  private Lake staged() {
    return Lake.at(Path.of(options.getLake()), "sales", run.id());
  }

  private <T extends SpecificRecord> PCollection<Void> write(
      String name, PCollection<T> rows, Class<T> type) {
    return rows.apply("Warehouse_" + name, warehouse().table(type));
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

  private Warehouse warehouse() {
    if (warehouse == null) {
      throw new IllegalStateException("prepare() comes before build()");
    }
    return warehouse;
  }

  @Override
  public String finish(PipelineResult result) throws Exception {
    surroundings.phase("Reporting");
    try {
      RunReport report =
          ReportReader.read(prepared().connection(), info(RunInfo.Outcome.PUBLISHED, ""));
      Manifest manifest = Manifest.read(Path.of(options.getLake()));
      if (manifest != null) {
        report = report.withLake(ReportReader.lake(manifest));
      }
      Path directory = Path.of(options.getReport());
      ReportFiles.write(report, directory);
      return SalesSummary.of(report, directory.resolve(ReportFiles.HTML));
    } finally {
      close();
    }
  }

  private PreparedWarehouse prepared() {
    if (prepared == null) {
      throw new IllegalStateException("prepare() comes before finish()");
    }
    return prepared;
  }

  /** Says in the report that the run was refused or failed: the last report is of the last run. */
  @Override
  public void abandon(Throwable cause) {
    try {
      if (prepared != null) {
        String message = messageOf(cause);
        RunInfo.Outcome outcome =
            message.startsWith(RunGate.REFUSED) ? RunInfo.Outcome.REFUSED : RunInfo.Outcome.FAILED;
        staged().discard();
        ReportFiles.write(RunReport.of(info(outcome, message)), Path.of(options.getReport()));
      }
    } catch (IOException unwritten) {
      cause.addSuppressed(unwritten);
    } finally {
      close();
    }
  }

  /** What the user is told; of other failures the type alone, for a message may quote a record. */
  private static String messageOf(Throwable failed) {
    for (Throwable cause = failed; cause != null; cause = cause.getCause()) {
      String message = cause.getMessage();
      if (cause instanceof UserError && message != null) {
        return message;
      }
    }
    return "It failed with " + failed.getClass().getName() + ".";
  }

  private RunInfo info(RunInfo.Outcome outcome, String message) {
    List<RunInfo.Input> inputs = new ArrayList<>();
    for (int i = 0; i < sources.size(); i++) {
      inputs.add(
          RunInfo.Input.of(
              INPUTS.get(i), sources.get(i).uri(), fileCounts.get(i), SalesPipeline.CHAINS.get(i)));
    }
    return new RunInfo(
        run.id(),
        "sales",
        VERSION,
        options.getRunner().getSimpleName(),
        run.startedAt(),
        Instant.now(),
        inputs,
        Map.of(
            "max-lateness", config.maxLateness().toString(),
            "max-skew", config.maxSkew().toString(),
            "max-reject-ratio", Double.toString(config.maxRejectRatio()),
            "top-customers", Integer.toString(config.topCustomers()),
            "top-products", Integer.toString(config.topProducts()),
            "as-of", config.asOf() == null ? "latest sale" : config.asOf().toString()),
        outcome,
        message,
        Map.of(
            "lake", options.getLake(),
            "warehouse",
                options.getWarehouse().equals("embedded")
                    ? "embedded PostgreSQL"
                    : warehouse().toString(),
            "report", options.getReport()));
  }

  private void close() {
    if (lock != null) {
      lock.close();
      lock = null;
    }
    if (prepared != null) {
      prepared.close();
      prepared = null;
    }
  }
}
