package dev.millrace.pipelines.sales;

import dev.millrace.pipelines.dimensions.DimensionTable;
import dev.millrace.pipelines.dimensions.Products;
import dev.millrace.schemas.retail.ClassifiedProduct;
import dev.millrace.schemas.retail.Customer;
import dev.millrace.schemas.retail.Day;
import dev.millrace.schemas.retail.EnrichedSale;
import dev.millrace.schemas.retail.LocatedCustomer;
import dev.millrace.schemas.retail.LocatedStore;
import dev.millrace.schemas.retail.Product;
import dev.millrace.schemas.retail.ProductClass;
import dev.millrace.schemas.retail.Promotion;
import dev.millrace.schemas.retail.Region;
import dev.millrace.schemas.retail.Sale;
import dev.millrace.schemas.retail.Store;
import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.dedup.Dedup;
import dev.millrace.transforms.dedup.RecordKey;
import dev.millrace.transforms.enrich.Dimension;
import dev.millrace.transforms.enrich.Enrich;
import dev.millrace.transforms.enrich.Looked;
import dev.millrace.transforms.ledger.Ledger;
import dev.millrace.transforms.profile.Profile;
import dev.millrace.transforms.refine.Refine;
import dev.millrace.transforms.rejects.Rejects;
import java.util.List;
import org.apache.beam.sdk.transforms.Flatten;
import org.apache.beam.sdk.values.PCollectionList;

/**
 * The data flow of {@code sales}: raw records in; silver, answers, rejects and the ledger out. It
 * knows no file, no database and no runner; {@link SalesJob} joins it to those.
 */
public final class SalesPipeline {

  /** Stages that follow one another: what one writes, the next one reads. */
  static final List<List<String>> CHAINS =
      List.of(
          List.of("RefineSales", "DedupSales", "EnrichSales"),
          List.of("RefineCustomers", "DedupCustomers", "LocateCustomers"),
          List.of("RefineProducts", "DedupProducts", "ClassifyProducts"),
          List.of("RefineProductClasses", "DedupProductClasses"),
          List.of("RefineStores", "DedupStores", "LocateStores"),
          List.of("RefinePromotions", "DedupPromotions"),
          List.of("RefineDays", "DedupDays"),
          List.of("RefineRegions", "DedupRegions"));

  private SalesPipeline() {}

  /** Builds the flow. */
  public static SalesResults flow(SalesInputs in, SalesConfig config, String version) {
    DimensionTable<Region> regions =
        DimensionTable.of("Regions", in.regions(), Region.class, config.secret());
    DimensionTable<Day> days = DimensionTable.of("Days", in.days(), Day.class, config.secret());
    DimensionTable<Promotion> promotions =
        DimensionTable.of("Promotions", in.promotions(), Promotion.class, config.secret());
    DimensionTable<ProductClass> classes =
        DimensionTable.of(
            "ProductClasses", in.productClasses(), ProductClass.class, config.secret());
    DimensionTable<Product> products =
        DimensionTable.of("Products", in.products(), Product.class, config.secret());
    DimensionTable<Customer> customers =
        DimensionTable.of("Customers", in.customers(), Customer.class, config.secret());
    DimensionTable<Store> stores =
        DimensionTable.of("Stores", in.stores(), Store.class, config.secret());

    Dimension<Region> region = regions.good().apply("Region", Dimension.of(Region.class));
    Accounted<LocatedCustomer> locatedCustomers =
        customers
            .good()
            .apply(
                "LocateCustomers",
                Enrich.broadcast(Customer.class)
                    .as("LocateCustomers")
                    .lookup("customer_region_id", region)
                    .into(LocatedCustomer.class, SalesPipeline::locate));
    Accounted<LocatedStore> locatedStores =
        stores
            .good()
            .apply(
                "LocateStores",
                Enrich.broadcast(Store.class)
                    .as("LocateStores")
                    .lookup("region_id", region)
                    .into(LocatedStore.class, SalesPipeline::locate));
    Accounted<ClassifiedProduct> classifiedProducts = Products.classify(products, classes);

    Accounted<Sale> refined =
        in.sales()
            .apply(
                "RefineSales",
                Refine.json(Sale.class)
                    .as("RefineSales")
                    .lateAfter(config.maxLateness())
                    .futureAfter(config.maxSkew()));
    Accounted<Sale> unique =
        refined.good().apply("DedupSales", Dedup.latest(Sale.class).as("DedupSales"));
    Accounted<EnrichedSale> sales =
        unique
            .good()
            .apply(
                "EnrichSales",
                Enrich.broadcast(Sale.class)
                    .as("EnrichSales")
                    .lookup(
                        "product_id",
                        classifiedProducts
                            .good()
                            .apply("Product", Dimension.of(ClassifiedProduct.class)))
                    .lookup("time_id", days.good().apply("Day", Dimension.of(Day.class)))
                    .lookup(
                        "customer_id",
                        locatedCustomers
                            .good()
                            .apply("Customer", Dimension.of(LocatedCustomer.class)))
                    .lookup(
                        "promotion_id",
                        promotions.good().apply("Promotion", Dimension.of(Promotion.class)))
                    .lookup(
                        "store_id",
                        locatedStores.good().apply("Store", Dimension.of(LocatedStore.class)))
                    .into(EnrichedSale.class, SalesPipeline::enrich)
                    .withoutPayload());

    SalesAnswers answers = SalesAnswers.over(sales.good(), locatedCustomers.good(), config);
    Accounted<?>[] stages = {
      refined,
      unique,
      sales,
      customers.refined(),
      customers.unique(),
      locatedCustomers,
      stores.refined(),
      stores.unique(),
      locatedStores,
      products.refined(),
      products.unique(),
      classifiedProducts,
      classes.refined(),
      classes.unique(),
      promotions.refined(),
      promotions.unique(),
      days.refined(),
      days.unique(),
      regions.refined(),
      regions.unique()
    };
    return new SalesResults(
        sales.good(),
        locatedCustomers.good(),
        classifiedProducts.good(),
        locatedStores.good(),
        promotions.good(),
        days.good(),
        regions.good(),
        answers,
        Rejects.of("sales", version, stages),
        Ledger.of("sales", stages),
        PCollectionList.of(refined.good().apply("ProfileSales", Profile.of("sales", Sale.class)))
            .and(customers.good().apply("ProfileCustomers", Profile.of("sales", Customer.class)))
            .and(products.good().apply("ProfileProducts", Profile.of("sales", Product.class)))
            .and(stores.good().apply("ProfileStores", Profile.of("sales", Store.class)))
            .apply("Profile", Flatten.pCollections()));
  }

  private static LocatedCustomer locate(Customer customer, Looked looked) {
    return new LocatedCustomer(
        customer, looked.get("customer_region_id", Region.class).getSalesRegion());
  }

  private static LocatedStore locate(Store store, Looked looked) {
    return new LocatedStore(store, looked.get("region_id", Region.class).getSalesRegion());
  }

  private static EnrichedSale enrich(Sale sale, Looked looked) {
    ClassifiedProduct product = looked.get("product_id", ClassifiedProduct.class);
    LocatedStore store = looked.get("store_id", LocatedStore.class);
    return EnrichedSale.newBuilder()
        .setSaleKey(Keys.SALE.apply(sale))
        .setDay(SaleDays.of(sale))
        .setSale(sale)
        .setProductName(product.getProduct().getProductName())
        .setProductCategory(product.getProductClass().getProductCategory())
        .setProductDepartment(product.getProductClass().getProductDepartment())
        .setStoreCity(store.getStore().getStoreCity())
        .setStoreCountry(store.getStore().getStoreCountry())
        .setSalesRegion(looked.get("customer_id", LocatedCustomer.class).getSalesRegion())
        .build();
  }

  private static final class Keys {
    private static final RecordKey<Sale> SALE = RecordKey.of(Sale.class);
  }
}
