package dev.millrace.pipelines.io;

import static org.apache.beam.sdk.transforms.windowing.BoundedWindow.TIMESTAMP_MIN_VALUE;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.beam.sdk.io.UnboundedSource.UnboundedReader;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.util.CoderUtils;
import org.apache.beam.sdk.util.SerializableUtils;
import org.apache.beam.sdk.values.KV;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TopicBlocksTest {

  private static final Map<Integer, Long> STARTS = Map.of(0, 5L, 2, 0L, 4, 7L, 6, 1L);

  private final TopicBlocks source =
      new TopicBlocks("127.0.0.1:9092", "clicks", STARTS, Duration.ofSeconds(1));

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 9})
  void eachPartitionIsInOneOfTheSplitsWithItsStart(int desired) {
    // When
    List<TopicBlocks> splits = source.split(desired, PipelineOptionsFactory.create());

    // Then
    assertThat(splits.size(), is(Math.min(desired, STARTS.size())));
    Map<Integer, Long> all = new TreeMap<>();
    splits.forEach(split -> all.putAll(split.starts()));
    assertThat(all, equalTo(new TreeMap<>(STARTS)));
    assertThat(splits.stream().mapToInt(split -> split.partitions().size()).sum(), is(4));
  }

  static Stream<TopicBlocks> others() {
    Duration second = Duration.ofSeconds(1);
    Map<Integer, Long> more = new TreeMap<>(STARTS);
    more.put(7, 0L);
    return Stream.of(
        new TopicBlocks("127.0.0.1:9093", "clicks", STARTS, second),
        new TopicBlocks("127.0.0.1:9092", "clicks", more, second),
        new TopicBlocks("127.0.0.1:9092", "clicks", STARTS, second.plusMillis(1)));
  }

  @ParameterizedTest
  @MethodSource("others")
  void aRunThatIsToReadSomethingElseThanItsSavepointIsRefused(TopicBlocks other) throws Exception {
    // Given: a part of the source, as a savepoint has it
    PipelineOptions options = PipelineOptionsFactory.create();
    TopicBlocks saved = SerializableUtils.clone(source.split(2, options).get(1));
    other.tell(options);

    // When
    UserError refused = assertThrows(UserError.class, () -> saved.createReader(options, null));

    // Then
    assertThat(
        refused.getMessage(),
        startsWith(
            "The savepoint goes on with kafka://127.0.0.1:9092/clicks with 4 partitions and"
                + " --max-lateness=PT1S, and this run is to read kafka://127.0.0.1:909"));
  }

  @Test
  void aRunThatReadsTheSameFromElsewhereGoesOn() throws Exception {
    // Given
    PipelineOptions options = PipelineOptionsFactory.create();
    TopicBlocks saved = SerializableUtils.clone(source.split(2, options).get(1));

    // When
    new TopicBlocks(
            "127.0.0.1:9092", "clicks", Map.of(0, 9L, 2, 9L, 4, 9L, 6, 9L), Duration.ofSeconds(1))
        .tell(options);

    // Then: where the savepoint stands
    try (UnboundedReader<TopicBlock> reader = saved.createReader(options, null)) {
      assertThat(saved.starts(), equalTo(Map.of(2, 0L, 6, 1L)));
      assertThat(reader.getCurrentSource(), is(saved));
    }
  }

  @Test
  void aBlockKeepsItsRecordsThroughItsCoder() throws Exception {
    // Given: timestamps of producers, in disorder
    TopicBlock block =
        new TopicBlock(3, new long[] {7, 9}, new long[] {2_000, 1_000}, new byte[][] {{1, 2}, {}});

    // When
    TopicBlock again = CoderUtils.clone(TopicBlock.coder(), block);

    // Then
    assertThat(again.partition(), is(3));
    assertThat(again.offsets(), equalTo(new long[] {7, 9}));
    assertThat(again.arrivals(), equalTo(new long[] {2_000, 1_000}));
    assertThat(again.values(), equalTo(new byte[][] {{1, 2}, {}}));
    assertThat(again.leastArrival(), is(1_000L));
    assertThat(again.greatestArrival(), is(2_000L));
  }

  @Test
  void aReaderGoesOnWhereItsMarkSays() throws Exception {
    // Given: of partition 2 the mark knows nothing
    TopicBlocks.Mark mark =
        CoderUtils.clone(
            source.getCheckpointMarkCoder(),
            new TopicBlocks.Mark(
                Map.of(0, KV.of(50L, 9_000L), 4, KV.of(70L, 8_000L), 6, KV.of(1L, 8_500L))));

    // When
    TopicBlocks.Mark again = new TopicReader(source, mark).getCheckpointMark();

    // Then: no answer has come, so it stands where it stood
    assertThat(again.positions().get(0), equalTo(KV.of(50L, 9_000L)));
    assertThat(again.positions().get(4), equalTo(KV.of(70L, 8_000L)));
    assertThat(again.positions().get(2), equalTo(KV.of(0L, TIMESTAMP_MIN_VALUE.getMillis())));
  }

  @Test
  void whateverEndsTheThreadThatAsksIsToldToTheRunner() throws Exception {
    // Given
    TopicBlocks.Mark mark = new TopicBlocks.Mark(Map.of());
    Consumer<byte[], byte[]> broken =
        new MockConsumer<>(OffsetResetStrategy.NONE) {
          @Override
          public synchronized ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
            throw new OutOfMemoryError("Java heap space");
          }
        };

    // When
    try (TopicReader reader = new TopicReader(source, mark)) {
      IOException told =
          assertTimeoutPreemptively(
              Duration.ofSeconds(10),
              () ->
                  assertThrows(
                      IOException.class,
                      () -> {
                        reader.start(broken, new MockConsumer<>(OffsetResetStrategy.NONE));
                        while (true) {
                          reader.advance();
                        }
                      }));

      // Then
      assertThat(
          told.getMessage(),
          equalTo("Kafka at 127.0.0.1:9092: java.lang.OutOfMemoryError: Java heap space"));
    }
  }
}
