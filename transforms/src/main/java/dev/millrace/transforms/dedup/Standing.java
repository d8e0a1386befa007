package dev.millrace.transforms.dedup;

import dev.millrace.transforms.Sourced;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.NullableCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.StructuredCoder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.jspecify.annotations.Nullable;

/**
 * How the records of one key stand: the one that stays so far, and how many of each source have
 * lost. Immutable.
 *
 * @param winner the record that stays; null as long as there is none
 * @param losers records that lost, by their source
 */
record Standing<T>(@Nullable Sourced<T> winner, SortedMap<String, Long> losers) {

  private static final SortedMap<String, Long> NONE =
      Collections.unmodifiableSortedMap(new TreeMap<>());

  static <T> Standing<T> empty() {
    return new Standing<>(null, NONE);
  }

  static <T> Standing<T> of(Sourced<T> record) {
    return new Standing<>(record, NONE);
  }

  /** The standing after both. */
  Standing<T> plus(Standing<T> other, Precedence<T> precedence) {
    if (winner == null) {
      return other;
    }
    if (other.winner == null) {
      return this;
    }
    boolean stays = precedence.compare(winner, other.winner) <= 0;
    Sourced<T> better = stays ? winner : other.winner;
    Sourced<T> worse = stays ? other.winner : winner;
    SortedMap<String, Long> lost = new TreeMap<>(losers);
    other.losers.forEach((source, count) -> lost.merge(source, count, Long::sum));
    lost.merge(worse.origin().source(), 1L, Long::sum);
    return new Standing<>(better, Collections.unmodifiableSortedMap(lost));
  }

  static <T> Coder<Standing<T>> coder(Coder<Sourced<T>> records) {
    return new StandingCoder<>(NullableCoder.of(records));
  }

  private static final class StandingCoder<T> extends StructuredCoder<Standing<T>> {
    private static final long serialVersionUID = 1L;
    private static final VarIntCoder SIZE = VarIntCoder.of();
    private static final StringUtf8Coder SOURCE = StringUtf8Coder.of();
    private static final VarLongCoder COUNT = VarLongCoder.of();

    private final Coder<@Nullable Sourced<T>> winner;

    private StandingCoder(Coder<@Nullable Sourced<T>> winner) {
      this.winner = winner;
    }

    @Override
    public void encode(Standing<T> value, OutputStream out) throws IOException {
      winner.encode(value.winner, out);
      SIZE.encode(value.losers.size(), out);
      for (Map.Entry<String, Long> lost : value.losers.entrySet()) {
        SOURCE.encode(lost.getKey(), out);
        COUNT.encode(lost.getValue(), out);
      }
    }

    @Override
    public Standing<T> decode(InputStream in) throws IOException {
      Sourced<T> record = winner.decode(in);
      int size = SIZE.decode(in);
      if (size == 0) {
        return new Standing<>(record, NONE);
      }
      SortedMap<String, Long> lost = new TreeMap<>();
      for (int i = 0; i < size; i++) {
        lost.put(SOURCE.decode(in), COUNT.decode(in));
      }
      return new Standing<>(record, Collections.unmodifiableSortedMap(lost));
    }

    @Override
    public List<? extends Coder<?>> getCoderArguments() {
      return List.of(winner);
    }

    @Override
    public void verifyDeterministic() throws NonDeterministicException {
      winner.verifyDeterministic();
    }
  }
}
