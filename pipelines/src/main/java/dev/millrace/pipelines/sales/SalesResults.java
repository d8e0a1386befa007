package dev.millrace.pipelines.sales;

import dev.millrace.schemas.retail.ClassifiedProduct;
import dev.millrace.schemas.retail.CustomerRunningTotal;
import dev.millrace.schemas.retail.Day;
import dev.millrace.schemas.retail.EnrichedSale;
import dev.millrace.schemas.retail.LapsedCustomer;
import dev.millrace.schemas.retail.LocatedCustomer;
import dev.millrace.schemas.retail.LocatedStore;
import dev.millrace.schemas.retail.Promotion;
import dev.millrace.schemas.retail.Region;
import dev.millrace.schemas.retail.RevenueDaily;
import dev.millrace.schemas.retail.StoreRevenue7d;
import dev.millrace.schemas.retail.TopCustomer;
import dev.millrace.schemas.retail.TopProduct;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.schemas.system.FieldProfile;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.transforms.Sourced;
import org.apache.beam.sdk.values.PCollection;

/**
 * What the pipeline {@code sales} states: silver records, dimensions, answers, rejects and the
 * account of all.
 */
public record SalesResults(
    PCollection<Sourced<EnrichedSale>> sales,
    PCollection<LocatedCustomer> customers,
    PCollection<ClassifiedProduct> products,
    PCollection<LocatedStore> stores,
    PCollection<Promotion> promotions,
    PCollection<Day> days,
    PCollection<Region> regions,
    PCollection<RevenueDaily> revenueDaily,
    PCollection<TopCustomer> topCustomers,
    PCollection<StoreRevenue7d> storeRevenue7d,
    PCollection<CustomerRunningTotal> customerRunningTotals,
    PCollection<LapsedCustomer> lapsedCustomers,
    PCollection<TopProduct> topProducts,
    PCollection<DeadLetter> rejects,
    PCollection<LedgerEntry> ledger,
    PCollection<FieldProfile> profile) {}
