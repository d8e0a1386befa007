package dev.millrace.transforms.window;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CustomCoder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.transforms.Combine.CombineFn;
import org.apache.beam.sdk.transforms.windowing.PaneInfo.Timing;
import org.jspecify.annotations.Nullable;

/**
 * What a bucket of keys in a window knows of itself, beside the blocks that hold its keys.
 *
 * @param bytes of what has come since it was stated
 * @param full bytes from which on that is merged into one block
 * @param early whether an early pane is due by the clock
 * @param ended whether its end has been stated: what comes now is late
 */
record OpenWindow(long bytes, long full, boolean early, boolean ended) {

  private static final long LEAST_FULL = 64 << 10;

  /** Nothing to state. */
  static final OpenWindow NEW = new OpenWindow(0, LEAST_FULL, false, false);

  /** Its end has come. */
  static final OpenWindow ENDED = new OpenWindow(0, LEAST_FULL, false, true);

  /** With a block more. */
  OpenWindow plus(long blockBytes) {
    return new OpenWindow(bytes + blockBytes, full, early, ended);
  }

  /** Whether merging pays. */
  boolean isFull() {
    return bytes >= full;
  }

  /** With one block in the place of all; merged again when there is as much again. */
  OpenWindow merged(long blockBytes) {
    return new OpenWindow(blockBytes, Math.max(LEAST_FULL, 2 * blockBytes), early, ended);
  }

  /** With an early pane that is due. */
  OpenWindow withEarly() {
    return new OpenWindow(bytes, full, true, ended);
  }

  /** The coder of what a window knows of itself. */
  static Coder<OpenWindow> coder() {
    return OpenWindowCoder.INSTANCE;
  }

  /**
   * The sum of a key, as stated.
   *
   * @param panes how many panes have stated it
   * @param earlyPanes how many of those came before the end
   */
  record Sum<A>(A sum, long panes, long earlyPanes) {

    /** After one pane more. */
    Sum<A> stated(Timing timing) {
      return new Sum<>(sum, panes + 1, timing == Timing.EARLY ? earlyPanes + 1 : earlyPanes);
    }
  }

  /**
   * Keys and their sums as blocks of bytes, one after the other: of what has come, key and sum; of
   * what has been stated, key, panes, early panes and sum.
   */
  static final class Blocks<K, A> implements Serializable {
    private static final VarLongCoder COUNT = VarLongCoder.of();

    private final Coder<K> keys;
    private final Coder<A> sums;
    private final CombineFn<?, A, ?> fn;

    Blocks(Coder<K> keys, Coder<A> sums, CombineFn<?, A, ?> fn) {
      this.keys = keys;
      this.sums = sums;
      this.fn = fn;
    }

    private A plus(A one, A other) {
      return fn.mergeAccumulators(List.of(one, other));
    }

    /** A sum, if there is one yet, and what has come. */
    Sum<A> plus(@Nullable Sum<A> before, A more) {
      return before == null
          ? new Sum<>(more, 0, 0)
          : new Sum<>(plus(before.sum, more), before.panes, before.earlyPanes);
    }

    /** What has come of each key. */
    Map<K, A> merged(Iterable<byte[]> blocks) throws IOException {
      Map<K, A> merged = new HashMap<>();
      for (byte[] block : blocks) {
        InputStream in = new ByteArrayInputStream(block);
        while (in.available() > 0) {
          merged.merge(keys.decode(in), sums.decode(in), this::plus);
        }
      }
      return merged;
    }

    byte[] encode(Map<K, A> merged) throws IOException {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      for (Map.Entry<K, A> entry : merged.entrySet()) {
        keys.encode(entry.getKey(), out);
        sums.encode(entry.getValue(), out);
      }
      return out.toByteArray();
    }

    /** What has been stated of each key; nothing if that is no block yet. */
    Map<K, Sum<A>> stated(byte @Nullable [] block) throws IOException {
      Map<K, Sum<A>> stated = new HashMap<>();
      if (block != null) {
        InputStream in = new ByteArrayInputStream(block);
        while (in.available() > 0) {
          K key = keys.decode(in);
          long panes = COUNT.decode(in);
          long earlyPanes = COUNT.decode(in);
          stated.put(key, new Sum<>(sums.decode(in), panes, earlyPanes));
        }
      }
      return stated;
    }

    byte[] encodeStated(Map<K, Sum<A>> stated) throws IOException {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      for (Map.Entry<K, Sum<A>> entry : stated.entrySet()) {
        Sum<A> sum = entry.getValue();
        keys.encode(entry.getKey(), out);
        COUNT.encode(sum.panes, out);
        COUNT.encode(sum.earlyPanes, out);
        sums.encode(sum.sum, out);
      }
      return out.toByteArray();
    }
  }

  private static final class OpenWindowCoder extends CustomCoder<OpenWindow> {
    private static final long serialVersionUID = 1L;
    private static final OpenWindowCoder INSTANCE = new OpenWindowCoder();
    private static final VarLongCoder NUMBER = VarLongCoder.of();

    @Override
    public void encode(OpenWindow open, OutputStream out) throws IOException {
      NUMBER.encode(open.bytes, out);
      NUMBER.encode(open.full, out);
      out.write((open.early ? 2 : 0) | (open.ended ? 1 : 0));
    }

    @Override
    public OpenWindow decode(InputStream in) throws IOException {
      long bytes = NUMBER.decode(in);
      long full = NUMBER.decode(in);
      int flags = in.read();
      return new OpenWindow(bytes, full, (flags & 2) != 0, (flags & 1) != 0);
    }

    @Override
    public void verifyDeterministic() {}

    private Object readResolve() {
      return INSTANCE;
    }
  }
}
