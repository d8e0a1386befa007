package dev.millrace.flink;

import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.JobListener;
import org.jspecify.annotations.Nullable;

/**
 * The handle of the job that this thread has submitted: Flink gives it to listeners, and Beam keeps
 * it to itself.
 */
public final class SubmittedJob implements JobListener {

  private static final ThreadLocal<@Nullable JobClient> SUBMITTED = new ThreadLocal<>();

  /** Flink makes listeners by their names. */
  public SubmittedJob() {}

  /** The job that was submitted last, once. */
  static JobClient take() {
    JobClient job = SUBMITTED.get();
    SUBMITTED.remove();
    if (job == null) {
      throw new IllegalStateException("Flink named no job that was submitted");
    }
    return job;
  }

  @Override
  public void onJobSubmitted(@Nullable JobClient job, @Nullable Throwable failed) {
    SUBMITTED.set(job);
  }

  @Override
  public void onJobExecuted(@Nullable JobExecutionResult result, @Nullable Throwable failed) {}
}
