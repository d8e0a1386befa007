package dev.millrace.transforms.dedup;

import dev.millrace.transforms.Origin;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * The state of dedup for one bucket and second: 156 ids, as many as 10,000 events a second put
 * there; nanoseconds for an id.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class SeenIdsBenchmark {

  private static final int IDS = 156;

  private final long[] ids = new SplittableRandom(7).longs(2 * IDS).toArray();
  private final Origin[] origins = new Origin[IDS];
  private byte[] encoded = new byte[0];

  @Setup
  public void prepare() throws IOException {
    for (int i = 0; i < IDS; i++) {
      origins[i] = new Origin("clicks-" + i % 4, i, 1_700_000_000_000L + i);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    SeenIds.coder().encode(all(), out);
    encoded = out.toByteArray();
  }

  private SeenIds all() {
    SeenIds seen = new SeenIds();
    for (int i = 0; i < IDS; i++) {
      seen.add(ids[2 * i], ids[2 * i + 1], origins[i]);
    }
    return seen;
  }

  /** New ids. */
  @Benchmark
  @OperationsPerInvocation(IDS)
  public void add(Blackhole sink) {
    sink.consume(all());
  }

  /** What RocksDB does to a state that one bundle touches: bytes to ids, and back. */
  @Benchmark
  @OperationsPerInvocation(IDS)
  public void decodeAndEncode(Blackhole sink) throws IOException {
    SeenIds seen = SeenIds.coder().decode(new ByteArrayInputStream(encoded));
    ByteArrayOutputStream out = new ByteArrayOutputStream(encoded.length);
    SeenIds.coder().encode(seen, out);
    sink.consume(out);
  }
}
