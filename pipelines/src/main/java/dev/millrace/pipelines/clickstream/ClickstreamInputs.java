package dev.millrace.pipelines.clickstream;

import dev.millrace.transforms.RawRecord;
import org.apache.beam.sdk.values.PCollection;

/**
 * What the pipeline {@code clickstream} reads. The events may be unbounded; the dimensions are not.
 *
 * @param events events of the shop, contract {@code ShopEvent}
 * @param products contract {@code Product}
 * @param productClasses contract {@code ProductClass}
 */
public record ClickstreamInputs(
    PCollection<RawRecord> events,
    PCollection<RawRecord> products,
    PCollection<RawRecord> productClasses) {}
