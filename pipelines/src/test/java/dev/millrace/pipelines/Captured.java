package dev.millrace.pipelines;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.PCollection;

/**
 * What a collection held once its pipeline has run: {@code Captured.of(rows)} before the run,
 * {@link #list} after it. For a runner that works in this JVM.
 *
 * @param <T> element
 */
public final class Captured<T> {

  private static final Map<String, Queue<Object>> HELD = new ConcurrentHashMap<>();

  private final String id = UUID.randomUUID().toString();

  private Captured() {}

  /** Captures a collection. */
  public static <T> Captured<T> of(PCollection<T> rows) {
    Captured<T> captured = new Captured<>();
    HELD.put(captured.id, new ConcurrentLinkedQueue<>());
    rows.apply("Capture_" + rows.getName().replace('/', '_'), ParDo.of(new Keep<>(captured.id)));
    return captured;
  }

  /** The elements, in no order. */
  @SuppressWarnings("unchecked") // the queue of this id holds what Keep put there
  public List<T> list() {
    return List.copyOf((Queue<T>) HELD.getOrDefault(id, new ConcurrentLinkedQueue<>()));
  }

  /** The error for the user that a failed run was caused by. */
  public static Optional<UserError> userError(@org.jspecify.annotations.Nullable Throwable failed) {
    for (Throwable cause = failed; cause != null; cause = cause.getCause()) {
      if (cause instanceof UserError error) {
        return Optional.of(error);
      }
    }
    return Optional.empty();
  }

  private static final class Keep<T> extends DoFn<T, Void> {
    private final String id;

    private Keep(String id) {
      this.id = id;
    }

    @ProcessElement
    public void process(@Element T row) {
      HELD.computeIfAbsent(id, i -> new ConcurrentLinkedQueue<>()).add(row);
    }
  }
}
