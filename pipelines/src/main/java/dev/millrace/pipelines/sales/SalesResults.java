package dev.millrace.pipelines.sales;

import dev.millrace.schemas.retail.ClassifiedProduct;
import dev.millrace.schemas.retail.Day;
import dev.millrace.schemas.retail.EnrichedSale;
import dev.millrace.schemas.retail.LocatedCustomer;
import dev.millrace.schemas.retail.LocatedStore;
import dev.millrace.schemas.retail.Promotion;
import dev.millrace.schemas.retail.Region;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.schemas.system.FieldProfile;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.transforms.Sourced;
import org.apache.beam.sdk.values.PCollection;

/**
 * What the pipeline {@code sales} states.
 *
 * @param sales clean, enriched sales, one per identity
 * @param customers customer dimension
 * @param products product dimension
 * @param stores store dimension
 * @param promotions promotion dimension
 * @param days date dimension
 * @param regions region dimension
 * @param answers the answer tables
 * @param rejects what was refused, by any stage
 * @param ledger what became of every record
 * @param profile what was seen in every field
 */
public record SalesResults(
    PCollection<Sourced<EnrichedSale>> sales,
    PCollection<Sourced<LocatedCustomer>> customers,
    PCollection<Sourced<ClassifiedProduct>> products,
    PCollection<Sourced<LocatedStore>> stores,
    PCollection<Sourced<Promotion>> promotions,
    PCollection<Sourced<Day>> days,
    PCollection<Sourced<Region>> regions,
    SalesAnswers answers,
    PCollection<DeadLetter> rejects,
    PCollection<LedgerEntry> ledger,
    PCollection<FieldProfile> profile) {}
