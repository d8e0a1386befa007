package dev.millrace.transforms.dedup;

import dev.millrace.transforms.Sourced;
import java.io.Serializable;
import java.util.Arrays;
import java.util.Comparator;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.jspecify.annotations.Nullable;

/**
 * Which of two records of one key stays. A total order over what a record holds, so the choice does
 * not depend on the order in which records come: greatest version first (null is the smallest),
 * then earliest origin; of two records from one place (a source read twice under one name) the one
 * with the lesser bytes.
 */
final class Precedence<T> implements Comparator<Sourced<T>>, Serializable {

  private final @Nullable SerializableFunction<T, ? extends @Nullable Comparable<?>> version;

  private Precedence(@Nullable SerializableFunction<T, ? extends @Nullable Comparable<?>> version) {
    this.version = version;
  }

  static <T> Precedence<T> first() {
    return new Precedence<>(null);
  }

  static <T> Precedence<T> latest(
      SerializableFunction<T, ? extends @Nullable Comparable<?>> version) {
    return new Precedence<>(version);
  }

  /** Whether origins alone decide. */
  boolean isFirst() {
    return version == null;
  }

  /** Negative if the first of two takes precedence. */
  @Override
  public int compare(Sourced<T> one, Sourced<T> other) {
    int order =
        version == null
            ? 0
            : compareVersions(version.apply(other.value()), version.apply(one.value()));
    if (order == 0) {
      order = one.origin().compareTo(other.origin());
    }
    return order != 0
        ? order
        : Arrays.compareUnsigned(one.payload().bytes(), other.payload().bytes());
  }

  // Both versions come from one function, which states one comparable type.
  @SuppressWarnings("unchecked")
  private static int compareVersions(@Nullable Comparable<?> one, @Nullable Comparable<?> other) {
    if (one == null || other == null) {
      return Boolean.compare(one != null, other != null);
    }
    return ((Comparable<Object>) one).compareTo(other);
  }
}
