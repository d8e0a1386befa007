package dev.millrace.pipelines.clickstream;

import dev.millrace.transforms.RawRecord;
import org.apache.beam.sdk.values.PCollection;

/**
 * What the pipeline {@code clickstream} reads. The events may be unbounded; the dimensions are not.
 *
 * @param events events of the shop, contract {@code ShopEvent}
 * @param products contract {@code Product}
 * @param productClasses contract {@code ProductClass}
 * @param inOrder whether unbounded events of each source come in the order of their arrivals, as a
 *     log gives them that has its own clock; if not, copies are remembered for longer
 */
public record ClickstreamInputs(
    PCollection<RawRecord> events,
    PCollection<RawRecord> products,
    PCollection<RawRecord> productClasses,
    boolean inOrder) {}
