package dev.millrace.runners.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.coders.AtomicCoder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.metrics.Counter;
import org.apache.beam.sdk.metrics.Metrics;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.GroupByKey;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.View;
import org.apache.beam.sdk.transforms.WithKeys;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.GlobalWindow;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.TupleTagList;

/**
 * Steps over numbers that tests of runners are made of, and what these steps saw and did. All of it
 * is of this process: a test {@linkplain #forget forgets} what was before it, and runs alone.
 */
public final class Numbers {

  /** All numbers of a split. */
  public static final TupleTag<Integer> ALL = new TupleTag<>() {};

  /** The even numbers of a split. */
  public static final TupleTag<Integer> EVEN = new TupleTag<>() {};

  private static final TupleTag<Integer> UNREAD = new TupleTag<>() {};

  /** How many elements were encoded, decoded and split. */
  public static final AtomicInteger ENCODED = new AtomicInteger();

  public static final AtomicInteger DECODED = new AtomicInteger();
  public static final AtomicInteger SPLIT = new AtomicInteger();

  /** How many functions of sums were set up, and torn down. */
  public static final AtomicInteger SET_UP = new AtomicInteger();

  public static final AtomicInteger TORN_DOWN = new AtomicInteger();

  /** The lines that were kept, such as {@code even: [2, 4]} of a group. */
  public static final Queue<String> FOUND = new ConcurrentLinkedQueue<>();

  /** Counts in the namespace {@code test}: elements split and groups kept, and bundles of sums. */
  public static final Counter COUNTER = Metrics.counter("test", "counted");

  private Numbers() {}

  /** Nothing was seen or done yet. */
  public static void forget() {
    Stream.of(ENCODED, DECODED, SPLIT, SET_UP, TORN_DOWN).forEach(count -> count.set(0));
    FOUND.clear();
  }

  /** The step {@code Split}, which gives all numbers, the even ones, and all to nobody. */
  public static ParDo.MultiOutput<Integer, Integer> split() {
    return ParDo.of(new Split()).withOutputTags(ALL, TupleTagList.of(EVEN).and(UNREAD));
  }

  /** Numbers that are split, by a coder that counts. */
  public static PCollectionTuple split(Pipeline pipeline, String name, List<Integer> numbers) {
    PCollectionTuple split =
        pipeline
            .apply(name, Create.of(numbers).withCoder(VarIntCoder.of()))
            .apply("Split " + name, split());
    for (TupleTag<Integer> tag : List.of(ALL, EVEN, UNREAD)) {
      split.get(tag).setCoder(new Counted());
    }
    return split;
  }

  /** A number that steps read beside their elements. */
  public static PCollectionView<Iterable<Integer>> view(
      Pipeline pipeline, String name, int number) {
    return pipeline
        .apply(name, Create.of(number).withCoder(VarIntCoder.of()))
        .apply("View " + name, View.asIterable());
  }

  /** Keeps {@code element of number} for each element, and the first number of the view. */
  public static void beside(
      PCollection<Integer> numbers, PCollectionView<Iterable<Integer>> view, String name) {
    numbers
        .apply(name, ParDo.of(new Beside(view)).withSideInputs(view))
        .setCoder(StringUtf8Coder.of())
        .apply("Keep " + name, ParDo.of(new Keep()));
  }

  /** Keeps the sums of the bundles, which leave at the end of a bundle, as a group. */
  public static void sum(PCollection<Integer> numbers, String name) {
    group(numbers.apply("Sum " + name, ParDo.of(new SumUp())).setCoder(VarIntCoder.of()), name);
  }

  /** Keeps {@code name: [1, 2, …]}: the elements by size. */
  public static void group(PCollection<Integer> numbers, String name) {
    numbers
        .apply("Key " + name, WithKeys.of(name))
        .setCoder(KvCoder.of(StringUtf8Coder.of(), numbers.getCoder()))
        .apply("Group " + name, GroupByKey.create())
        .apply("Keep " + name, ParDo.of(new KeepGroup()));
  }

  /** The numbers of the groups that were kept of this name. */
  public static Stream<String> grouped(String name) {
    return FOUND.stream()
        .filter(line -> line.startsWith(name + ": "))
        .flatMap(line -> Stream.of(line.replaceAll(".*\\[|]", "").split(", ", -1)));
  }

  /** The sum of them. */
  public static int total(String name) {
    return grouped(name).mapToInt(Integer::parseInt).sum();
  }

  /** The elements by size. */
  public static List<Integer> sorted(Iterable<Integer> numbers) {
    List<Integer> all = new ArrayList<>();
    numbers.forEach(all::add);
    all.sort(null);
    return all;
  }

  private static final class Split extends DoFn<Integer, Integer> {
    @ProcessElement
    public void process(@Element Integer number, MultiOutputReceiver out) {
      SPLIT.incrementAndGet();
      COUNTER.inc();
      out.get(ALL).output(number);
      if (number % 2 == 0) {
        out.get(EVEN).output(number);
      }
      out.get(UNREAD).output(number);
    }
  }

  static final class SumUp extends DoFn<Integer, Integer> {
    private int sum;

    @Setup
    public void setUp() {
      SET_UP.incrementAndGet();
    }

    @StartBundle
    public void start() {
      sum = 0;
    }

    @ProcessElement
    public void process(@Element Integer number) {
      sum += number;
    }

    @FinishBundle
    public void finish(FinishBundleContext context) {
      COUNTER.inc();
      context.output(sum, BoundedWindow.TIMESTAMP_MIN_VALUE, GlobalWindow.INSTANCE);
    }

    @Teardown
    public void tearDown() {
      TORN_DOWN.incrementAndGet();
    }
  }

  /** Fails at the first number: {@code 2 is too much}. */
  public static final class Failing extends DoFn<Integer, Void> {
    @ProcessElement
    public void process(@Element Integer number) {
      if (number > 0) {
        throw new IllegalStateException(number + " is too much");
      }
    }
  }

  private static final class Beside extends DoFn<Integer, String> {
    private final PCollectionView<Iterable<Integer>> view;

    private Beside(PCollectionView<Iterable<Integer>> view) {
      this.view = view;
    }

    @ProcessElement
    public void process(ProcessContext context) {
      context.output(context.element() + " of " + context.sideInput(view).iterator().next());
    }
  }

  private static final class Keep extends DoFn<String, Void> {
    @ProcessElement
    public void process(@Element String line) {
      FOUND.add(line);
    }
  }

  private static final class KeepGroup extends DoFn<KV<String, Iterable<Integer>>, Void> {
    @ProcessElement
    public void process(@Element KV<String, Iterable<Integer>> group) {
      COUNTER.inc();
      FOUND.add(group.getKey() + ": " + sorted(group.getValue()));
    }
  }

  /** Counts how often elements are encoded and decoded. */
  private static final class Counted extends AtomicCoder<Integer> {
    @Override
    public void encode(Integer number, OutputStream out) throws IOException {
      ENCODED.incrementAndGet();
      VarIntCoder.of().encode(number, out);
    }

    @Override
    public Integer decode(InputStream in) throws IOException {
      DECODED.incrementAndGet();
      return VarIntCoder.of().decode(in);
    }
  }
}
