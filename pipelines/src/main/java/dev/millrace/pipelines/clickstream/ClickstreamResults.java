package dev.millrace.pipelines.clickstream;

import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.schemas.system.FieldProfile;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.schemas.web.EnrichedEvent;
import dev.millrace.transforms.Sourced;
import org.apache.beam.sdk.values.PCollection;

/**
 * What the pipeline {@code clickstream} states.
 *
 * @param events clean, enriched events, one per id
 * @param answers the answer tables
 * @param rejects what was refused, by any stage
 * @param ledger what became of every record
 * @param profile what was seen in every field
 */
public record ClickstreamResults(
    PCollection<Sourced<EnrichedEvent>> events,
    ClickstreamAnswers answers,
    PCollection<DeadLetter> rejects,
    PCollection<LedgerEntry> ledger,
    PCollection<FieldProfile> profile) {}
