package dev.millrace.pipelines.io.warehouse;

import java.io.Serializable;
import java.time.Instant;

/**
 * One run of a pipeline, as the table {@code run} remembers it.
 *
 * @param id tells runs apart: lower case letters, digits, hyphens and underscores, at most 40
 * @param pipeline name of the pipeline
 * @param pipelineVersion its version
 * @param startedAt when it was started
 */
public record Run(String id, String pipeline, String pipelineVersion, Instant startedAt)
    implements Serializable {

  static final String STAGING_PREFIX = "millrace_stage_";

  /** Checks the id, which becomes part of a schema's name. */
  public Run {
    if (!id.matches("[a-z0-9][a-z0-9_-]{0,39}")) {
      throw new IllegalArgumentException(
          "a run id has 1 to 40 lower case letters, digits, hyphens and underscores, not " + id);
    }
  }

  /** Schema that holds what the run writes until it is published. */
  String stagingSchema() {
    return STAGING_PREFIX + id;
  }
}
