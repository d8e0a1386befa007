package dev.millrace.it.streams;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.SerializableBiFunction;
import org.joda.time.Instant;

/** What a pipeline in this process gives, while it runs. */
final class Gathered<T, R> extends DoFn<T, Void> {

  private static final Map<String, List<Object>> PLACES = new ConcurrentHashMap<>();

  private final String place = UUID.randomUUID().toString();
  private final SerializableBiFunction<T, Instant, R> what;

  private Gathered(SerializableBiFunction<T, Instant, R> what) {
    this.what = what;
  }

  /** Gathers something of each element and its timestamp. */
  static <T, R> Gathered<T, R> of(SerializableBiFunction<T, Instant, R> what) {
    return new Gathered<>(what);
  }

  @ProcessElement
  public void process(@Element T element, @Timestamp Instant timestamp) {
    place().add(what.apply(element, timestamp));
  }

  private List<Object> place() {
    return PLACES.computeIfAbsent(place, name -> Collections.synchronizedList(new ArrayList<>()));
  }

  /** What was given so far. */
  @SuppressWarnings("unchecked") // only what is of this type goes in
  List<R> soFar() {
    return (List<R>) List.copyOf(place());
  }
}
