package dev.millrace.it.streams;

import static org.awaitility.Awaitility.await;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.greaterThanOrEqualTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.lessThan;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Reason;
import dev.millrace.contract.Released;
import dev.millrace.contract.Samples;
import dev.millrace.direct.Main;
import dev.millrace.it.streams.Broker.Value;
import dev.millrace.it.streams.Broker.Written;
import dev.millrace.local.LocalPostgres;
import dev.millrace.local.LocalRegistry;
import dev.millrace.pipelines.UserError;
import dev.millrace.pipelines.generate.AnswerKey;
import dev.millrace.pipelines.generate.GenerateSales;
import dev.millrace.pipelines.io.PlayTopic;
import dev.millrace.pipelines.io.RecordSource;
import dev.millrace.pipelines.io.RecordTopic;
import dev.millrace.pipelines.io.WriteTopic;
import dev.millrace.pipelines.io.WriteValues;
import dev.millrace.pipelines.sales.SalesEntry;
import dev.millrace.runners.Millrace;
import dev.millrace.schemas.retail.Sale;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.schemas.web.ShopEvent;
import dev.millrace.transforms.DeadLetters;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.refine.ContractReader;
import dev.millrace.transforms.refine.Limits;
import dev.millrace.transforms.refine.Vault;
import dev.millrace.transforms.rejects.BadRecords;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.runners.direct.DirectRunner;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.io.kafka.KafkaIO;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.Combine;
import org.apache.beam.sdk.transforms.Count;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.errorhandling.ErrorHandler.BadRecordErrorHandler;
import org.apache.beam.sdk.transforms.windowing.FixedWindows;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.apache.beam.sdk.values.PCollection;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Topics as a source and as a target, with one real broker. */
@Timeout(300)
class TopicsIT {

  private static final Duration LATENESS = Duration.ofHours(1);
  private static final Contract SALE = Contract.of(Sale.class);

  @TempDir static Path home;
  private static Broker broker;
  private static LocalRegistry registry;

  @BeforeAll
  static void start() {
    broker = Broker.in(home.resolve("kafka"));
    registry = LocalRegistry.start(home.resolve("registry"));
  }

  @AfterAll
  static void stop() {
    registry.close();
    broker.close();
  }

  /** A record as it was read, its bytes as text. */
  private record Read(Written record, long timestamp) {
    static Read of(RawRecord raw, org.joda.time.Instant timestamp) {
      return new Read(
          new Written(
              raw.origin().source(),
              raw.origin().position(),
              raw.origin().arrivalMillis(),
              new String(raw.payload(), StandardCharsets.UTF_8)),
          timestamp.getMillis());
    }
  }

  // ---------------------------------------------------------------------------------- bounded

  @Test
  void aReadUntilTheEndGivesWhatTheTopicHeldAndEnds() throws Exception {
    // Given: partitions of several slices, records in turn, a tombstone, a transaction taken back
    broker.makeTopic("held", 3);
    List<Written> wanted = new ArrayList<>(broker.write("held", values(36_000, 3)));
    try (KafkaProducer<String, String> producer =
        broker.producer(Map.of("transactional.id", "held"))) {
      producer.initTransactions();
      producer.beginTransaction();
      Future<?> unused = producer.send(new ProducerRecord<>("held", 1, null, "taken back"));
      producer.flush();
      producer.abortTransaction();
    }
    wanted.addAll(broker.write("held", List.of(new Value(1, null), new Value(2, "last"))));
    Pipeline pipeline = pipeline();
    Gathered<RawRecord, Read> gathered = Gathered.of(Read::of);
    PCollection<RawRecord> records =
        pipeline.apply(
            "Read", RecordTopic.read("--x", broker.uri("held") + "?until=end", LATENESS));
    records.apply("Gather", ParDo.of(gathered));
    broker.write("held", values(10, 3));

    // When
    PipelineResult.State state = pipeline.run().waitUntilFinish();

    // Then
    assertThat(state, equalTo(PipelineResult.State.DONE));
    assertThat(records.isBounded(), equalTo(PCollection.IsBounded.BOUNDED));
    assertThat(gathered.soFar().size(), equalTo(wanted.size()));
    assertThat(
        new HashSet<>(gathered.soFar()),
        equalTo(new HashSet<>(wanted.stream().map(TopicsIT::read).toList())));
  }

  private static Read read(Written record) {
    return new Read(record, record.arrival() - LATENESS.toMillis());
  }

  private static List<Value> values(int count, int partitions) {
    List<Value> values = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      values.add(new Value(i % partitions, "{\"n\":" + i + "}"));
    }
    return values;
  }

  @Test
  void aReadFromATimeBeginsWithTheFirstRecordThatArrivedThen() throws Exception {
    // Given: partition 1 has nothing from then on
    broker.makeTopic("timed", 2);
    List<Written> before = broker.write("timed", values(20, 2));
    long then = before.stream().mapToLong(Written::arrival).max().orElseThrow() + 1;
    await().until(() -> System.currentTimeMillis() > then);
    List<Written> after =
        broker.write("timed", List.of(new Value(0, "first"), new Value(0, "second")));

    // When
    List<Read> found =
        readAll(broker.uri("timed") + "?until=end&from=" + Instant.ofEpochMilli(then));

    // Then
    assertThat(found, containsInAnyOrder(after.stream().map(TopicsIT::read).toArray()));
  }

  private static List<Read> readAll(String uri) {
    Pipeline pipeline = pipeline();
    Gathered<RawRecord, Read> gathered = Gathered.of(Read::of);
    pipeline
        .apply("Read", RecordTopic.read("--x", uri, LATENESS))
        .apply("Gather", ParDo.of(gathered));
    pipeline.run().waitUntilFinish();
    return gathered.soFar();
  }

  @Test
  void aPartitionIsWholeIfItIsReadFromItsFirstRecord() throws Exception {
    // Given: retention has taken a record of partition 0; partition 2 never had one
    broker.makeTopic("aged", 3);
    broker.write("aged", values(4, 2));
    delete("aged", 0, 1);

    // When
    Set<String> whole = source("aged?until=end").whole();
    UserError partly =
        assertThrows(UserError.class, () -> source("aged?until=end&from=latest").whole());
    delete("aged", 1, 2);
    UserError lost = assertThrows(UserError.class, () -> source("aged?until=end").whole());

    // Then
    assertThat(whole, equalTo(Set.of("aged-1", "aged-2")));
    assertThat(
        partly.getMessage(),
        equalTo("--x: a backfill would delete what it does not read; leave out 'from=latest'."));
    assertThat(lost.getMessage(), startsWith("--x: aged-1 has lost all of its records"));
  }

  private static RecordSource source(String topic) {
    return RecordSource.of("--x", broker.uri(topic), SALE, LATENESS);
  }

  private static void delete(String topic, int partition, long before) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.servers()))) {
      admin
          .deleteRecords(
              Map.of(new TopicPartition(topic, partition), RecordsToDelete.beforeOffset(before)))
          .all()
          .get();
    }
  }

  // -------------------------------------------------------------------------------- unbounded

  @Test
  void aLiveReadClosesItsWindowsThoughAPartitionIsIdle() throws Exception {
    // Given: partition 2 has never had a record; those there are come before and after the start
    broker.makeTopic("live", 3);
    List<Written> written = new ArrayList<>(broker.write("live", values(600, 2)));
    Pipeline pipeline = pipeline();
    Gathered<RawRecord, Read> gathered = Gathered.of(Read::of);
    Gathered<Long, Long> counted = Gathered.of((count, timestamp) -> count);
    PCollection<RawRecord> records =
        pipeline.apply("Read", RecordTopic.read("--x", broker.uri("live"), LATENESS));
    records.apply("Gather", ParDo.of(gathered));
    // A window gives its count when the watermark has passed its end, and drops what comes later.
    records
        .apply(Window.into(FixedWindows.of(org.joda.time.Duration.standardSeconds(1))))
        .apply(Combine.globally(Count.<RawRecord>combineFn()).withoutDefaults())
        .apply("Count", ParDo.of(counted));

    // When
    PipelineResult running = pipeline.run();
    try {
      await().atMost(60, TimeUnit.SECONDS).until(() -> gathered.soFar().size() == 600);
      written.addAll(broker.write("live", List.of(new Value(0, "new"), new Value(1, null))));
      await().atMost(60, TimeUnit.SECONDS).until(() -> sum(counted.soFar()) >= written.size());
    } finally {
      running.cancel();
    }

    // Then
    assertThat(records.isBounded(), equalTo(PCollection.IsBounded.UNBOUNDED));
    assertThat(
        gathered.soFar(), containsInAnyOrder(written.stream().map(TopicsIT::read).toArray()));
    assertThat(sum(counted.soFar()), is((long) written.size()));
  }

  /** When the window with this last timestamp gave its count. */
  private record Closed(long last, long at) {}

  @Test
  void aPartitionThatIsSilentFromTheStartHoldsAWindowOpenForSecondsOnly() throws Exception {
    // Given: a run that reads partition 0; partition 1 has never had a record
    broker.makeTopic("silent", 2);
    Pipeline pipeline = pipeline();
    Gathered<Long, Closed> closed =
        Gathered.of(
            (count, timestamp) -> new Closed(timestamp.getMillis(), System.currentTimeMillis()));
    pipeline
        .apply("Read", RecordTopic.read("--x", broker.uri("silent"), LATENESS))
        .apply(Window.into(FixedWindows.of(org.joda.time.Duration.standardSeconds(1))))
        .apply(Combine.globally(Count.<RawRecord>combineFn()).withoutDefaults())
        .apply("Count", ParDo.of(closed));
    PipelineResult running = pipeline.run();
    List<Closed> all;
    long arrival;
    try {
      broker.write("silent", List.of(new Value(0, "so that it runs")));
      await().atMost(60, TimeUnit.SECONDS).until(() -> !closed.soFar().isEmpty());

      // When
      arrival = broker.write("silent", List.of(new Value(0, "measured"))).get(0).arrival();
      await().atMost(60, TimeUnit.SECONDS).until(() -> closed.soFar().size() >= 2);
      all = closed.soFar();
    } finally {
      running.cancel();
    }

    // Then: by the clock of arrivals, windows end 4 s later at most, and some for a busy machine
    long end = (arrival - LATENESS.toMillis()) / 1000 * 1000 + 1000;
    Closed measured = all.get(all.size() - 1);
    assertThat(measured.last(), equalTo(end - 1));
    assertThat(measured.at() - (end + LATENESS.toMillis()), lessThan(4_000L + 8_000L));
  }

  @Test
  void aTransactionThatStaysOpenHoldsTheWindowsOfItsRecordsOpen() throws Exception {
    // Given: a run that has read its topic to the end, and a transaction
    broker.makeTopic("open", 1);
    broker.write("open", List.of(new Value(0, "so that it runs")));
    Pipeline pipeline = pipeline();
    Gathered<Long, Long> counted = Gathered.of((count, timestamp) -> count);
    // What comes behind the watermark is dropped, and not counted.
    pipeline
        .apply("Read", RecordTopic.read("--x", broker.uri("open"), LATENESS))
        .apply(Window.into(FixedWindows.of(org.joda.time.Duration.standardSeconds(1))))
        .apply(Combine.globally(Count.<RawRecord>combineFn()).withoutDefaults())
        .apply("Count", ParDo.of(counted));
    PipelineResult running = pipeline.run();
    try (KafkaProducer<String, String> producer =
        broker.producer(Map.of("transactional.id", "open"))) {
      await().atMost(60, TimeUnit.SECONDS).until(() -> sum(counted.soFar()) == 1);
      producer.initTransactions();
      producer.beginTransaction();
      long arrival = producer.send(new ProducerRecord<>("open", 0, null, "held")).get().timestamp();

      // When: it is committed after an idle partition's watermark would have passed its record
      await()
          .atMost(30, TimeUnit.SECONDS)
          .until(() -> System.currentTimeMillis() > arrival + 10_000);
      producer.commitTransaction();

      // Then
      await().atMost(30, TimeUnit.SECONDS).until(() -> sum(counted.soFar()) == 2);
    } finally {
      running.cancel();
    }
  }

  private static long sum(List<Long> counts) {
    return counts.stream().mapToLong(Long::longValue).sum();
  }

  @Test
  void aLiveReadFromTheLatestLeavesOutWhatWasThere() throws Exception {
    // Given
    broker.makeTopic("news", 2);
    broker.write("news", values(20, 2));
    Pipeline pipeline = pipeline();
    Gathered<RawRecord, Read> gathered = Gathered.of(Read::of);
    pipeline
        .apply("Read", RecordTopic.read("--x", broker.uri("news") + "?from=latest", LATENESS))
        .apply("Gather", ParDo.of(gathered));
    List<Written> news = broker.write("news", values(2, 2));

    // When
    PipelineResult running = pipeline.run();
    try {
      await().atMost(60, TimeUnit.SECONDS).until(() -> gathered.soFar().size() >= 2);
    } finally {
      running.cancel();
    }

    // Then
    assertThat(gathered.soFar(), containsInAnyOrder(news.stream().map(TopicsIT::read).toArray()));
  }

  private static Pipeline pipeline() {
    DirectOptions options = PipelineOptionsFactory.as(DirectOptions.class);
    options.setRunner(DirectRunner.class);
    options.setBlockOnRun(false);
    options.setTargetParallelism(2);
    return Pipeline.create(options);
  }

  // ----------------------------------------------------------------------------------- errors

  @Test
  void aTopicThatIsMissingOrEmptyIsToldBeforeTheRun() throws Exception {
    // Given
    broker.makeTopic("empty", 1);

    // When
    UserError missing = refused(broker.uri("slaes"));
    UserError empty = refused(broker.uri("empty") + "?until=end");

    // Then
    assertThat(
        missing.getMessage(),
        equalTo(
            "--x: there is no topic 'slaes' at "
                + broker.servers()
                + "; check its name, or make it."));
    assertThat(
        empty.getMessage(),
        equalTo(
            "--x: '" + broker.uri("empty") + "?until=end' names no record; the topic is empty."));
  }

  private static UserError refused(String uri) {
    return assertThrows(UserError.class, () -> RecordTopic.read("--x", uri, Duration.ZERO).check());
  }

  // --------------------------------------------------------------------------------- as a target

  @Test
  void theLinesOfFilesFillThePartitionsOfANewTopicInTurn() throws Exception {
    // Given
    Path one = Files.writeString(home.resolve("one.jsonl"), "a\n\nb\nc");
    Path two = Files.writeString(home.resolve("two.jsonl"), "d\n");

    // When: the seed decides which partition is the first
    PlayTopic.Played played =
        PlayTopic.to("--out", broker.uri("played") + "?partitions=2", SALE)
            .withSeed(1)
            .play(List.of(one, two), records -> {});

    // Then
    assertThat(played, equalTo(new PlayTopic.Played(4, 0, 2)));
    assertThat(
        readAll(broker.uri("played") + "?until=end").stream()
            .map(read -> read.record().source() + " " + read.record().text())
            .toList(),
        containsInAnyOrder("played-1 a", "played-0 b", "played-1 c", "played-0 d"));
  }

  @Test
  void anIdlePartitionGetsNothingOfTheFirstRecords() throws Exception {
    // Given
    Path file =
        Files.writeString(home.resolve("idle.jsonl"), String.join("\n", "0123456789".split("")));

    // When
    PlayTopic.to("--out", broker.uri("idle") + "?partitions=3", SALE)
        .withIdle(1, 6)
        .play(List.of(file), records -> {});

    // Then
    Map<String, String> partitions = new TreeMap<>();
    for (Read read : readAll(broker.uri("idle") + "?until=end")) {
      partitions.merge(read.record().source(), read.record().text(), String::concat);
    }
    assertThat(
        partitions, equalTo(Map.of("idle-0", "0246" + "9", "idle-1", "7", "idle-2", "135" + "8")));
  }

  @Test
  void anIdlePartitionThatTheTopicHasNotIsRefused() throws Exception {
    // Given
    broker.makeTopic("idle-two", 2);

    // When
    UserError refused =
        assertThrows(
            UserError.class,
            () -> PlayTopic.to("--out", broker.uri("idle-two"), SALE).withIdle(2, 6).prepare());

    // Then
    assertThat(
        refused.getMessage(),
        equalTo(
            "--idle-partition is 2, and the topic 'idle-two' has the partitions 0 to 1; name one of"
                + " them, of two at least."));
  }

  @Test
  void aRateIsKept() throws Exception {
    // Given
    Path file = Files.writeString(home.resolve("paced.jsonl"), "x\n".repeat(31));
    PlayTopic topic = PlayTopic.to("--out", broker.uri("paced"), SALE);
    topic.prepare();

    // When
    long begin = System.nanoTime();
    topic.withRate(20).play(List.of(file), records -> {});

    // Then: the last of 31 is due after 1.5 s
    assertThat(System.nanoTime() - begin, greaterThanOrEqualTo(1_500_000_000L));
  }

  @Test
  void aTopicWithOtherPartitionsIsRefused() throws Exception {
    // Given
    broker.makeTopic("two", 2);

    // When
    UserError refused =
        assertThrows(
            UserError.class,
            () -> PlayTopic.to("--out", broker.uri("two") + "?partitions=5", SALE).prepare());

    // Then
    assertThat(
        refused.getMessage(),
        equalTo(
            "--out: the topic 'two' has 2 partitions, not 5; leave 'partitions' out, or name"
                + " another topic."));
  }

  // ------------------------------------------------------------------------------- dead letters

  @Test
  void aDeadLetterOfATopicHasTheHeadersOfConnect() throws Exception {
    // Given
    broker.makeTopic("rejects", 1);
    DeadLetter letter =
        letter("clicks-eu-11", "{\"price\": \u2212}".getBytes(StandardCharsets.UTF_8));

    // When
    writeLetters("rejects", List.of(letter));

    // Then
    ConsumerRecord<byte[], byte[]> record = broker.records("rejects").get(0);
    assertThat(new String(record.key(), StandardCharsets.UTF_8), equalTo(letter.getId()));
    assertThat(new String(record.value(), StandardCharsets.UTF_8), equalTo("{\"price\": \u2212}"));
    assertThat(
        headers(record),
        equalTo(
            Map.ofEntries(
                Map.entry("__connect.errors.topic", "clicks-eu"),
                Map.entry("__connect.errors.partition", "11"),
                Map.entry("__connect.errors.offset", "4711"),
                Map.entry("__connect.errors.connector.name", "sales"),
                Map.entry("__connect.errors.stage", "RefineSales"),
                Map.entry("__connect.errors.exception.message", "not well-formed: \u2212"),
                Map.entry("millrace.id", letter.getId()),
                Map.entry("millrace.pipeline", "sales"),
                Map.entry("millrace.pipeline_version", "1"),
                Map.entry("millrace.stage", "RefineSales"),
                Map.entry("millrace.reason", "MALFORMED"),
                Map.entry("millrace.detail", "not well-formed: \u2212"),
                Map.entry("millrace.payload_state", "PLAIN"),
                Map.entry("millrace.source", "clicks-eu-11"),
                Map.entry("millrace.position", "4711"),
                Map.entry("millrace.arrival_time", "2026-01-01T00:00:00Z"),
                Map.entry("millrace.contract", "Sale"),
                Map.entry("millrace.contract_version", "0"),
                Map.entry("millrace.attempt", "1"),
                Map.entry("millrace.run", "run-1"))));
  }

  @Test
  void aDeadLetterThatIsTooLongForItsTopicIsWrittenWithoutItsBytes() throws Exception {
    // Given: bytes that cannot be compressed, and lengths on both sides of what the topic takes
    int most = 100_000;
    broker.makeTopic("narrow", 1, "LogAppendTime", most);
    Random random = new Random(5);
    List<DeadLetter> letters = new ArrayList<>();
    for (int length = most - 4_000; length <= most + 500; length += 100) {
      byte[] payload = new byte[length];
      random.nextBytes(payload);
      letters.add(letter("clicks-eu-" + length, payload));
    }

    // When
    writeLetters("narrow", letters);

    // Then
    List<Integer> omitted = new ArrayList<>();
    List<Integer> whole = new ArrayList<>();
    for (ConsumerRecord<byte[], byte[]> record : broker.records("narrow")) {
      Map<String, String> headers = headers(record);
      int length = Integer.parseInt(headers.get("__connect.errors.partition"));
      boolean isWhole = "PLAIN".equals(headers.get("millrace.payload_state"));
      (isWhole ? whole : omitted).add(length);
      assertThat(record.value().length, equalTo(isWhole ? length : 0));
    }
    assertThat(whole.size() + omitted.size(), equalTo(letters.size()));
    assertThat(whole, hasItem(most - 3_000));
    assertThat(omitted, hasItem(most));
  }

  private static DeadLetter letter(String source, byte[] payload) {
    return DeadLetter.newBuilder(
            DeadLetters.of(
                "RefineSales",
                Reason.MALFORMED,
                "not well-formed: \u2212",
                null,
                SALE,
                0,
                Origin.NO_ARRIVAL,
                new Origin(source, 4711, Instant.parse("2026-01-01T00:00:00Z").toEpochMilli()),
                payload))
        .setPipeline("sales")
        .setPipelineVersion("1")
        .build();
  }

  private static void writeLetters(String topic, List<DeadLetter> letters) {
    Pipeline pipeline = pipeline();
    pipeline
        .apply("Letters", Create.of(letters).withCoder(DeadLetters.coder()))
        .apply(
            "Write",
            WriteTopic.deadLetters(
                "--x", broker.uri(topic), "run-1", Map.of("RefineSales", "clicks-eu")));
    pipeline.run().waitUntilFinish();
  }

  @Test
  void whatAFunctionMakesOfElementsIsWrittenAsValuesWithoutKeys() throws Exception {
    // Given
    broker.makeTopic("values", 2);
    Pipeline pipeline = pipeline();
    pipeline
        .apply("Numbers", Create.of(7, 11, 13))
        .apply(
            "Write",
            WriteValues.to(
                "--x",
                broker.uri("values"),
                number -> ("number " + number).getBytes(StandardCharsets.UTF_8)));

    // When
    pipeline.run().waitUntilFinish();

    // Then
    List<ConsumerRecord<byte[], byte[]>> records = broker.records("values");
    assertThat(
        records.stream()
            .map(record -> new String(record.value(), StandardCharsets.UTF_8))
            .sorted()
            .toList(),
        equalTo(List.of("number 11", "number 13", "number 7")));
    assertThat(records.stream().allMatch(record -> record.key() == null), equalTo(true));
  }

  private static Map<String, String> headers(ConsumerRecord<byte[], byte[]> record) {
    Map<String, String> headers = new TreeMap<>();
    for (Header header : record.headers()) {
      headers.put(header.key(), new String(header.value(), StandardCharsets.UTF_8));
    }
    return headers;
  }

  @Test
  void whatKafkaIoCannotDeserializeIsADeadLetterWithItsPlace() throws Exception {
    // Given
    broker.makeTopic("numbers", 1);
    List<Written> written =
        broker.write("numbers", List.of(new Value(0, "12345678"), new Value(0, "no number")));
    Pipeline pipeline = pipeline();
    Gathered<DeadLetter, String> gathered =
        Gathered.of(
            (letter, timestamp) ->
                String.join(
                    " ",
                    letter.getReason(),
                    letter.getStage(),
                    letter.getSource(),
                    Long.toString(letter.getPosition()),
                    letter.getPayloadState(),
                    letter.getExceptionClass()));
    BadRecordErrorHandler<PCollection<DeadLetter>> unread =
        pipeline.registerBadRecordErrorHandler(BadRecords.of(Sale.class).as("ReadNumbers"));
    pipeline.apply(
        "ReadNumbers",
        KafkaIO.<byte[], Long>read()
            .withBootstrapServers(broker.servers())
            .withTopicPartitions(List.of(new TopicPartition("numbers", 0)))
            .withKeyDeserializer(ByteArrayDeserializer.class)
            .withValueDeserializer(LongDeserializer.class)
            .withConsumerConfigUpdates(Map.of("auto.offset.reset", "earliest"))
            .withBadRecordErrorHandler(unread));
    unread.close();
    unread.getOutput().apply("Gather", ParDo.of(gathered));

    // When
    PipelineResult running = pipeline.run();
    try {
      await().atMost(60, TimeUnit.SECONDS).until(() -> !gathered.soFar().isEmpty());
    } finally {
      running.cancel();
    }

    // Then
    assertThat(
        gathered.soFar(),
        equalTo(
            List.of(
                "CONNECTOR_FAILURE ReadNumbers numbers-0 "
                    + written.get(1).offset()
                    + " OMITTED org.apache.kafka.common.errors.SerializationException")));
  }

  @Test
  void theTopicThatIsReadTakesNoDeadLetters() {
    // When
    UserError refused =
        assertThrows(
            UserError.class,
            () ->
                WriteTopic.deadLetters(
                    "--dead-letters", broker.uri("clicks"), "run", Map.of("Refine", "clicks")));

    // Then
    assertThat(
        refused.getMessage(),
        equalTo(
            "--dead-letters: the run reads 'clicks', and would read what it has refused there"
                + " again; name another topic."));
  }

  // --------------------------------------------------------------------------------------- Avro

  @Test
  void avroIsReadAsTheJsonItWasMadeFrom() throws Exception {
    // Given: sales of both versions, and what is none
    Random random = new Random(11);
    List<String> lines = new ArrayList<>();
    for (Contract version : List.of(Released.of("Sale").get(0), SALE)) {
      for (int i = 0; i < 50; i++) {
        lines.add(Samples.validJson(version, random));
      }
    }
    lines.addAll(List.of("no sale", "{\"product_id\": 1", "[]"));
    Path file = Files.write(home.resolve("avro.jsonl"), lines);
    String uri = broker.uri("avro") + "?" + avro();
    PlayTopic.to("--out", uri, SALE).play(List.of(file), records -> {});

    // When
    List<String> bounded = texts(readAll(uri + "&until=end"));
    Gathered<RawRecord, Read> gathered = Gathered.of(Read::of);
    Pipeline pipeline = pipeline();
    pipeline
        .apply("Read", RecordTopic.read("--x", uri, LATENESS))
        .apply("Gather", ParDo.of(gathered));
    PipelineResult running = pipeline.run();
    try {
      await().atMost(60, TimeUnit.SECONDS).until(() -> gathered.soFar().size() == lines.size());
    } finally {
      running.cancel();
    }

    // Then
    assertThat(sales(bounded), equalTo(sales(lines)));
    assertThat(texts(gathered.soFar()), containsInAnyOrder(bounded.toArray()));
    assertThat(values("avro").stream().filter(value -> value[0] == 0).count(), equalTo(100L));
  }

  @Test
  void aSchemaThatDoesNotGoWithTheOneThatIsThereIsRefused() {
    // Given
    String uri = broker.uri("clash") + "?" + avro();
    assertThat(play(uri, Contract.of(ShopEvent.class)), equalTo(""));

    // When
    String refused = play(uri, SALE);

    // Then
    assertThat(
        refused,
        startsWith(
            "--out: the registry at "
                + registry.url()
                + " refuses the schema of Sale for the subject 'clash-value', since it does not go"
                + " with the one that is there ("));
  }

  private static String play(String uri, Contract contract) {
    try {
      Path file = Files.writeString(home.resolve("play.jsonl"), "{}\n");
      PlayTopic.to("--out", uri, contract).play(List.of(file), records -> {});
      return "";
    } catch (UserError refused) {
      return String.valueOf(refused.getMessage());
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  @Test
  void aRegistryThatIsGoneFailsTheRunInOneSentence() throws Exception {
    // Given
    String uri = broker.uri("gone") + "?" + avro();
    Path file =
        Files.writeString(home.resolve("gone.jsonl"), Samples.validJson(SALE, new Random()));
    PlayTopic.to("--out", uri, SALE).play(List.of(file), records -> {});
    Pipeline pipeline = pipeline();
    pipeline.apply("Read", RecordTopic.read("--x", uri + "&until=end", LATENESS));

    // When
    int port = registry.port();
    registry.close();
    Throwable failed;
    try {
      failed = assertThrows(RuntimeException.class, () -> pipeline.run().waitUntilFinish());
    } finally {
      registry = LocalRegistry.start(home.resolve("registry"), port);
    }

    // Then
    assertThat(
        Stream.iterate(failed, Objects::nonNull, Throwable::getCause)
            .filter(UserError.class::isInstance)
            .map(Throwable::getMessage)
            .toList(),
        hasItem(startsWith("--x: the schema registry does not answer at " + registry.url())));
    assertThat(readAll(uri + "&until=end").size(), equalTo(1));
  }

  /** Parameters of a topic of Avro. */
  private static String avro() {
    return "format=avro&registry=" + registry.url().replace("http://", "");
  }

  private static List<String> texts(List<Read> read) {
    return read.stream().map(each -> each.record().text()).toList();
  }

  /** What the contract reads in each line, or the line itself. */
  private static List<String> sales(List<String> lines) {
    ContractReader<Sale> reader = new ContractReader<>(SALE, Sale::new, Limits.DEFAULT);
    return lines.stream()
        .map(
            line -> {
              Sale sale = reader.read(line.getBytes(StandardCharsets.UTF_8));
              return sale == null ? line : "version " + reader.version() + " " + sale;
            })
        .sorted()
        .toList();
  }

  /** The bytes of a topic, by Kafka's own client. */
  private static List<byte[]> values(String topic) {
    return broker.readAll(topic);
  }

  // -------------------------------------------------------------------------------- end to end

  @Test
  void salesOverATopicAreTheSalesOverTheFiles() throws Exception {
    // Given
    Path data = Files.createDirectories(home.resolve("foodmart"));
    List<String> dimensions = dimensionsInto(data);
    Path keyFile = home.resolve("key.json");
    String topic = broker.uri("sales");
    run("generate", "sales", "--records=4000", "--seed=5", "--out=" + home.resolve("files"));
    run(
        "generate",
        "sales",
        "--records=4000",
        "--seed=5",
        "--out=" + topic + "?partitions=3",
        "--key-out=" + keyFile);
    AnswerKey.Counts key = AnswerKey.readFromFile(keyFile).total();
    String avro = broker.uri("sales-avro") + "?" + avro();
    run("generate", "sales", "--records=4000", "--seed=5", "--out=" + avro);

    try (LocalPostgres postgres = LocalPostgres.in(home.resolve("postgres"))) {
      // When
      Connection ofFiles =
          sales(postgres, "of_files", home.resolve("files").toString(), dimensions);
      Connection ofTopic =
          sales(postgres, "of_topic", topic + "?until=end&arrival=record", dimensions);
      Connection ofAvro =
          sales(postgres, "of_avro", avro + "&until=end&arrival=record", dimensions);

      // Then
      try (ofFiles;
          ofTopic;
          ofAvro) {
        assertThat(answers(ofAvro), equalTo(answers(ofFiles)));
        assertThat(ledger(ofAvro), equalTo(ledger(key)));
        assertThat(rejects(ofAvro), equalTo(rejects(ofTopic)));
        assertThat(answers(ofTopic), equalTo(answers(ofFiles)));
        assertThat(ledger(ofTopic), equalTo(ledger(key)));
        assertThat(
            rows(ofTopic, "SELECT DISTINCT source FROM fact_sale"),
            equalTo(List.of("sales-0", "sales-1", "sales-2")));
        assertThat(
            rows(ofTopic, "SELECT sum(revenue) FROM revenue_daily"),
            equalTo(List.of(key.revenue().toPlainString())));
      }
    }
  }

  @Test
  void deadLettersOfSalesAreReplayedFromFilesAndFromATopic() throws Exception {
    // Given
    List<String> dimensions =
        dimensionsInto(Files.createDirectories(home.resolve("foodmart_replayed")));
    String files = home.resolve("files_replayed").toString();
    String topic = broker.uri("sales-replayed");
    run("generate", "sales", "--records=3000", "--seed=8", "--out=" + files);
    run("generate", "sales", "--records=3000", "--seed=8", "--out=" + topic);

    try (LocalPostgres postgres = LocalPostgres.in(home.resolve("postgres"))) {
      for (String source : List.of(files, topic + "?until=end&arrival=record")) {
        String database = source.equals(files) ? "replayed_files" : "replayed_topic";
        List<String> more = new ArrayList<>(dimensions);
        more.add("--dead-letters=" + broker.uri("rejects_" + database));
        try (Connection warehouse = sales(postgres, database, source, more)) {
          String amounts =
              "SELECT count(*) FROM dead_letter WHERE reason = 'RULE_VIOLATION'"
                  + " AND field IN ('store_sales', 'store_cost', 'unit_sales')";
          long mendable = Long.parseLong(rows(warehouse, amounts).get(0));
          long facts = Long.parseLong(rows(warehouse, "SELECT count(*) FROM fact_sale").get(0));
          assertThat(
              broker.records("rejects_" + database).stream()
                  .map(record -> new String(record.key(), StandardCharsets.UTF_8))
                  .sorted()
                  .toList(),
              equalTo(rows(warehouse, "SELECT id FROM dead_letter")));

          // When
          List<String> replay =
              new ArrayList<>(
                  List.of(
                      "dead-letters",
                      "replay",
                      "sales",
                      "--reason=RULE_VIOLATION",
                      "--fix=$field in [\"store_sales\", \"store_cost\", \"unit_sales\"] ?"
                          + " $merge([$, {$field: 1}])"));
          replay.addAll(options(postgres, database, source, dimensions));
          String said = run(replay.toArray(String[]::new));

          // Then
          assertThat(mendable, greaterThan(3L));
          assertThat(
              said,
              containsString(
                  "Replayed %d dead letters: %d accepted, 0 refused again."
                      .formatted(mendable, mendable)));
          assertThat(rows(warehouse, amounts), equalTo(List.of("0")));
          assertThat(
              rows(warehouse, "SELECT count(*) FROM fact_sale"),
              equalTo(List.of(Long.toString(facts + mendable))));
        }
      }
    }
  }

  private static Connection sales(
      LocalPostgres postgres, String database, String source, List<String> dimensions)
      throws Exception {
    try (Connection server = DriverManager.getConnection(postgres.jdbcUrl());
        Statement statement = server.createStatement()) {
      statement.execute("CREATE DATABASE " + database);
    }
    List<String> command = new ArrayList<>(List.of("run", "sales"));
    command.addAll(options(postgres, database, source, dimensions));
    run(command.toArray(String[]::new));
    return DriverManager.getConnection(url(postgres, database));
  }

  private static List<String> options(
      LocalPostgres postgres, String database, String source, List<String> dimensions)
      throws Exception {
    List<String> options = new ArrayList<>(dimensions);
    options.add("--sales=" + source);
    options.add("--warehouse=" + url(postgres, database));
    options.add("--lake=" + home.resolve("lake_" + database));
    options.add("--report=" + home.resolve("report_" + database));
    options.add("--secret=file:" + secret());
    return options;
  }

  private static String url(LocalPostgres postgres, String database) {
    return "jdbc:postgresql://127.0.0.1:" + postgres.port() + "/" + database + "?user=millrace";
  }

  private static Path secret() throws Exception {
    Path file = home.resolve("secret.key");
    Vault.createIfAbsent(file);
    return file;
  }

  private static String run(String... command) {
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(said, true, StandardCharsets.UTF_8);
    int status =
        new Millrace(
                Main.engine(),
                List.of(new SalesEntry()),
                List.of(new GenerateSales()),
                home,
                out,
                out)
            .run(command);
    assertThat(said.toString(StandardCharsets.UTF_8), status, equalTo(0));
    return said.toString(StandardCharsets.UTF_8);
  }

  private static List<String> dimensionsInto(Path directory) throws Exception {
    Map<String, String> tables =
        new TreeMap<>(
            Map.of(
                "customers", "customer",
                "products", "product",
                "product-classes", "product_class",
                "stores", "store",
                "promotions", "promotion",
                "days", "time_by_day",
                "regions", "region"));
    List<String> options = new ArrayList<>();
    for (Map.Entry<String, String> table : tables.entrySet()) {
      Path file = directory.resolve(table.getValue() + ".json");
      try (InputStream in = TopicsIT.class.getResourceAsStream("/" + table.getValue() + ".json")) {
        Files.copy(Objects.requireNonNull(in), file);
      }
      options.add("--" + table.getKey() + "=" + file);
    }
    return options;
  }

  /** Every answer and every fact, without where it was read. */
  private static Map<String, List<String>> answers(Connection warehouse) throws Exception {
    Map<String, List<String>> answers = new TreeMap<>();
    for (String table :
        List.of(
            "revenue_daily",
            "top_customers",
            "store_revenue_7d",
            "customer_running_total",
            "lapsed_customers",
            "top_products",
            "fact_sale")) {
      answers.put(
          table,
          rows(
              warehouse,
              "SELECT (to_jsonb(t) - 'source' - 'position' - 'run_id' - 'loaded_at')::text FROM "
                  + table
                  + " t"));
    }
    return answers;
  }

  /** Rejects by reason, field and version. */
  private static List<String> rejects(Connection warehouse) throws Exception {
    return rows(
        warehouse,
        "SELECT concat_ws(' ', reason, field, contract_version, count(*)) FROM dead_letter"
            + " GROUP BY reason, field, contract_version");
  }

  private static List<String> ledger(Connection warehouse) throws Exception {
    return rows(
        warehouse,
        "SELECT concat_ws(' ', stage, sum(read), sum(written), sum(invalid), sum(late),"
            + " sum(duplicate)) FROM ledger WHERE stage LIKE '%Sales' GROUP BY stage");
  }

  private static List<String> ledger(AnswerKey.Counts key) {
    long invalid = key.invalid().values().stream().mapToLong(Long::longValue).sum();
    long orphans = key.orphans().values().stream().mapToLong(Long::longValue).sum();
    long late = key.late() + key.future();
    long refined = key.read() - invalid - late;
    long unique = refined - key.duplicate();
    return List.of(
        "DedupSales %d %d 0 0 %d".formatted(refined, unique, key.duplicate()),
        "EnrichSales %d %d %d 0 0".formatted(unique, key.written(), orphans),
        "RefineSales %d %d %d %d 0".formatted(key.read(), refined, invalid, late));
  }

  private static List<String> rows(Connection database, String sql) throws Exception {
    List<String> rows = new ArrayList<>();
    try (Statement statement = database.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      while (result.next()) {
        rows.add(result.getString(1));
      }
    }
    Collections.sort(rows);
    return rows;
  }
}
