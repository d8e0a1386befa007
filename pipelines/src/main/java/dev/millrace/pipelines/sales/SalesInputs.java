package dev.millrace.pipelines.sales;

import dev.millrace.transforms.RawRecord;
import org.apache.beam.sdk.values.PCollection;

/**
 * What the pipeline {@code sales} reads: raw records of the facts and of each dimension.
 *
 * @param sales facts, contract {@code Sale}
 * @param customers contract {@code Customer}
 * @param products contract {@code Product}
 * @param productClasses contract {@code ProductClass}
 * @param stores contract {@code Store}
 * @param promotions contract {@code Promotion}
 * @param days contract {@code Day}
 * @param regions contract {@code Region}
 */
public record SalesInputs(
    PCollection<RawRecord> sales,
    PCollection<RawRecord> customers,
    PCollection<RawRecord> products,
    PCollection<RawRecord> productClasses,
    PCollection<RawRecord> stores,
    PCollection<RawRecord> promotions,
    PCollection<RawRecord> days,
    PCollection<RawRecord> regions) {}
