package dev.millrace.runners;

import dev.millrace.pipelines.CatalogueEntry.Job;
import dev.millrace.pipelines.CatalogueEntry.Watch;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Has a live run watched beside it, and tells what there is to say, until this is closed. */
final class Lookout implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Lookout.class);
  private static final Duration EVERY = Duration.ofSeconds(5);

  private final @Nullable Thread thread;

  private Lookout(@Nullable Thread thread) {
    this.thread = thread;
  }

  /** Begins to watch, if there is something to watch. */
  static Lookout over(Job job, Narrator narrator) {
    if (!job.isLive()) {
      return new Lookout(null);
    }
    Thread thread = new Thread(() -> look(job, narrator), "millrace-watch");
    thread.setDaemon(true);
    thread.start();
    return new Lookout(thread);
  }

  private static void look(Job job, Narrator narrator) {
    try (Watch watch = job.watch().orElse(null)) {
      while (watch != null && !Thread.currentThread().isInterrupted()) {
        watch
            .look(Instant.now())
            .ifPresent(notice -> narrator.say(notice.event(), notice.sentence()));
        Thread.sleep(EVERY.toMillis());
      }
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException failed) {
      // The run goes on, unwatched.
      if (!Thread.currentThread().isInterrupted()) {
        LOG.warn("The run is no longer watched.", failed);
      }
    }
  }

  @Override
  public void close() {
    if (thread != null) {
      thread.interrupt();
    }
  }
}
