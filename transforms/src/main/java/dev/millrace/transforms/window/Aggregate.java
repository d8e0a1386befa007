package dev.millrace.transforms.window;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import org.apache.beam.sdk.coders.BigEndianLongCoder;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.StructuredCoder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.transforms.windowing.PaneInfo.Timing;

/**
 * The result of a key in a window, as one pane states it. Later panes of the same key and window
 * supersede it.
 *
 * @param <K> type of the key
 * @param <R> type of the result
 * @param key the key
 * @param result the result
 * @param startMillis start of the window, in milliseconds since the epoch
 * @param endMillis end of the window, exclusive
 * @param pane index of the pane, from 0
 * @param timing whether the pane came early, on time or late; runners do not agree on it in batch
 */
public record Aggregate<K, R>(
    K key, R result, long startMillis, long endMillis, long pane, Timing timing) {

  /** Start of the window. */
  public Instant start() {
    return Instant.ofEpochMilli(startMillis);
  }

  /** End of the window, exclusive. */
  public Instant end() {
    return Instant.ofEpochMilli(endMillis);
  }

  /** Day, UTC, the window starts in. */
  public LocalDate firstDay() {
    return LocalDate.ofInstant(start(), ZoneOffset.UTC);
  }

  /** Day, UTC, that holds the window's last millisecond. */
  public LocalDate lastDay() {
    return LocalDate.ofInstant(Instant.ofEpochMilli(endMillis - 1), ZoneOffset.UTC);
  }

  /** The coder of aggregates. As deterministic as those of key and result. */
  public static <K, R> Coder<Aggregate<K, R>> coder(Coder<K> keys, Coder<R> results) {
    return new AggregateCoder<>(keys, results);
  }

  private static final class AggregateCoder<K, R> extends StructuredCoder<Aggregate<K, R>> {
    private static final long serialVersionUID = 1L;
    private static final BigEndianLongCoder MILLIS = BigEndianLongCoder.of();
    private static final VarLongCoder PANE = VarLongCoder.of();
    private static final StringUtf8Coder TIMING = StringUtf8Coder.of();

    private final Coder<K> keys;
    private final Coder<R> results;

    private AggregateCoder(Coder<K> keys, Coder<R> results) {
      this.keys = keys;
      this.results = results;
    }

    @Override
    public void encode(Aggregate<K, R> value, OutputStream out) throws IOException {
      keys.encode(value.key, out);
      results.encode(value.result, out);
      MILLIS.encode(value.startMillis, out);
      MILLIS.encode(value.endMillis, out);
      PANE.encode(value.pane, out);
      TIMING.encode(value.timing.name(), out);
    }

    @Override
    public Aggregate<K, R> decode(InputStream in) throws IOException {
      return new Aggregate<>(
          keys.decode(in),
          results.decode(in),
          MILLIS.decode(in),
          MILLIS.decode(in),
          PANE.decode(in),
          Timing.valueOf(TIMING.decode(in)));
    }

    @Override
    public List<? extends Coder<?>> getCoderArguments() {
      return List.of(keys, results);
    }

    @Override
    public void verifyDeterministic() throws NonDeterministicException {
      keys.verifyDeterministic();
      results.verifyDeterministic();
    }
  }
}
