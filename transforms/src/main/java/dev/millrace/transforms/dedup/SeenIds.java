package dev.millrace.transforms.dedup;

import dev.millrace.transforms.Origin;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CustomCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.jspecify.annotations.Nullable;

/**
 * Where the earliest record of each id came from: ids of 128 bits, in arrays, about 55 bytes each
 * instead of some hundred more for objects in a map. Mutable: state of Flink's heap must copy it
 * for a snapshot, as it does unless {@code fasterCopy} is set.
 */
final class SeenIds {

  private static final int SMALLEST = 16;
  private static final int FREE = -1;

  /** Numbers of an entry: both halves of the id, position, arrival. */
  private static final int WIDTH = 4;

  private final List<String> sources = new ArrayList<>(2);
  private int size;
  // Entries by open addressing, at most four fifths of them used. Memory is what this is about:
  // a stream remembers each id for minutes.
  private long[] entries;
  private int[] from;

  SeenIds() {
    this(0);
  }

  /** With room for so many ids: they come back in the order of their slots, and would pile up. */
  private SeenIds(int expected) {
    int slots = Math.max(SMALLEST, expected + expected / 4 + 1);
    entries = new long[slots * WIDTH];
    from = free(slots);
  }

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
      int at = slot * WIDTH;
      Origin known = new Origin(sources.get(from[slot]), entries[at + 2], entries[at + 3]);
      if (origin.compareTo(known) < 0) {
        put(slot, origin);
      }
      return known;
    }
    if (5 * (size + 1) > 4 * from.length) {
      grow();
      slot = slot(idHigh, idLow);
    }
    entries[slot * WIDTH] = idHigh;
    entries[slot * WIDTH + 1] = idLow;
    put(slot, origin);
    size++;
    return null;
  }

  private void put(int slot, Origin origin) {
    // A few at most: the partitions that have records of one bucket and second.
    int number = sources.indexOf(origin.source());
    if (number < 0) {
      number = sources.size();
      sources.add(origin.source());
    }
    from[slot] = number;
    entries[slot * WIDTH + 2] = origin.position();
    entries[slot * WIDTH + 3] = origin.arrivalMillis();
  }

  /** The slot of an id, or the free one that it would take. */
  private int slot(long idHigh, long idLow) {
    // Ids are hashes: any of their bits will do.
    int slot = (int) (((idLow >>> 32) * from.length) >>> 32);
    while (from[slot] != FREE
        && (entries[slot * WIDTH] != idHigh || entries[slot * WIDTH + 1] != idLow)) {
      slot = slot + 1 == from.length ? 0 : slot + 1;
    }
    return slot;
  }

  private void grow() {
    long[] oldEntries = entries;
    int[] oldFrom = from;
    int length = oldFrom.length + oldFrom.length / 3;
    entries = new long[length * WIDTH];
    from = free(length);
    for (int i = 0; i < oldFrom.length; i++) {
      if (oldFrom[i] != FREE) {
        int slot = slot(oldEntries[i * WIDTH], oldEntries[i * WIDTH + 1]);
        System.arraycopy(oldEntries, i * WIDTH, entries, slot * WIDTH, WIDTH);
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
          data.writeLong(seen.entries[i * WIDTH]);
          data.writeLong(seen.entries[i * WIDTH + 1]);
          data.writeLong(seen.entries[i * WIDTH + 3]);
          LONG.encode(seen.entries[i * WIDTH + 2], out);
          COUNT.encode(seen.from[i], out);
        }
      }
    }

    @Override
    public SeenIds decode(InputStream in) throws IOException {
      int sources = COUNT.decode(in);
      List<String> names = new ArrayList<>(sources);
      for (int i = 0; i < sources; i++) {
        names.add(TEXT.decode(in));
      }
      int size = COUNT.decode(in);
      SeenIds seen = new SeenIds(size);
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
