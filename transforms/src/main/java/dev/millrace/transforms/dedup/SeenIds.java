package dev.millrace.transforms.dedup;

import dev.millrace.transforms.Origin;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CustomCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.jspecify.annotations.Nullable;

/**
 * Where the earliest record of each id came from: ids of 128 bits, in arrays, about 120 bytes each
 * instead of some hundred more for objects in a map. Mutable: state of Flink's heap must copy it
 * for a snapshot, as it does unless {@code fasterCopy} is set.
 */
final class SeenIds {

  private static final int SMALLEST = 16;
  private static final int FREE = -1;

  private final List<String> sources = new ArrayList<>(2);
  private final Map<String, Integer> numbers = new HashMap<>(4);
  private int size;
  // Entries by open addressing, at most half of them used.
  private long[] high = new long[SMALLEST];
  private long[] low = new long[SMALLEST];
  private long[] positions = new long[SMALLEST];
  private long[] arrivals = new long[SMALLEST];
  private int[] from = free(SMALLEST);

  private static int[] free(int length) {
    int[] slots = new int[length];
    Arrays.fill(slots, FREE);
    return slots;
  }

  /** How many ids are known. */
  int size() {
    return size;
  }

  /**
   * Remembers the origin of a record with an id, if none of an earlier one is known.
   *
   * @return what was known before, or null if the id is new
   */
  @Nullable Origin add(long idHigh, long idLow, Origin origin) {
    int slot = slot(idHigh, idLow);
    if (from[slot] != FREE) {
      Origin known = new Origin(sources.get(from[slot]), positions[slot], arrivals[slot]);
      if (origin.compareTo(known) < 0) {
        put(slot, origin);
      }
      return known;
    }
    if (2 * (size + 1) > from.length) {
      grow();
      slot = slot(idHigh, idLow);
    }
    high[slot] = idHigh;
    low[slot] = idLow;
    put(slot, origin);
    size++;
    return null;
  }

  private void put(int slot, Origin origin) {
    Integer number = numbers.get(origin.source());
    if (number == null) {
      number = sources.size();
      sources.add(origin.source());
      numbers.put(origin.source(), number);
    }
    from[slot] = number;
    positions[slot] = origin.position();
    arrivals[slot] = origin.arrivalMillis();
  }

  /** The slot of an id, or the free one that it would take. */
  private int slot(long idHigh, long idLow) {
    int mask = from.length - 1;
    int slot = (int) idLow & mask; // ids are hashes: any of their bits will do
    while (from[slot] != FREE && (high[slot] != idHigh || low[slot] != idLow)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void grow() {
    long[] oldHigh = high;
    long[] oldLow = low;
    long[] oldPositions = positions;
    long[] oldArrivals = arrivals;
    int[] oldFrom = from;
    int length = 2 * oldFrom.length;
    high = new long[length];
    low = new long[length];
    positions = new long[length];
    arrivals = new long[length];
    from = free(length);
    for (int i = 0; i < oldFrom.length; i++) {
      if (oldFrom[i] != FREE) {
        int slot = slot(oldHigh[i], oldLow[i]);
        high[slot] = oldHigh[i];
        low[slot] = oldLow[i];
        positions[slot] = oldPositions[i];
        arrivals[slot] = oldArrivals[i];
        from[slot] = oldFrom[i];
      }
    }
  }

  /** The coder. Two sets of the same ids may have different bytes. */
  static Coder<SeenIds> coder() {
    return SeenIdsCoder.INSTANCE;
  }

  private static final class SeenIdsCoder extends CustomCoder<SeenIds> {
    private static final long serialVersionUID = 1L;
    private static final SeenIdsCoder INSTANCE = new SeenIdsCoder();
    private static final StringUtf8Coder TEXT = StringUtf8Coder.of();
    private static final VarIntCoder COUNT = VarIntCoder.of();
    private static final VarLongCoder LONG = VarLongCoder.of();

    @Override
    public void encode(SeenIds seen, OutputStream out) throws IOException {
      COUNT.encode(seen.sources.size(), out);
      for (String source : seen.sources) {
        TEXT.encode(source, out);
      }
      COUNT.encode(seen.size, out);
      DataOutputStream data = new DataOutputStream(out);
      for (int i = 0; i < seen.from.length; i++) {
        if (seen.from[i] != FREE) {
          data.writeLong(seen.high[i]);
          data.writeLong(seen.low[i]);
          data.writeLong(seen.arrivals[i]);
          LONG.encode(seen.positions[i], out);
          COUNT.encode(seen.from[i], out);
        }
      }
    }

    @Override
    public SeenIds decode(InputStream in) throws IOException {
      SeenIds seen = new SeenIds();
      int sources = COUNT.decode(in);
      List<String> names = new ArrayList<>(sources);
      for (int i = 0; i < sources; i++) {
        names.add(TEXT.decode(in));
      }
      int size = COUNT.decode(in);
      DataInputStream data = new DataInputStream(in);
      for (int i = 0; i < size; i++) {
        long idHigh = data.readLong();
        long idLow = data.readLong();
        long arrival = data.readLong();
        long position = LONG.decode(in);
        seen.add(idHigh, idLow, new Origin(names.get(COUNT.decode(in)), position, arrival));
      }
      return seen;
    }

    @Override
    public void verifyDeterministic() throws NonDeterministicException {
      throw new NonDeterministicException(this, "entries have the order of their slots");
    }

    private Object readResolve() {
      return INSTANCE;
    }
  }
}
