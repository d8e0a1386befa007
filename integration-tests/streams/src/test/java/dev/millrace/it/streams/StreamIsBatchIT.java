package dev.millrace.it.streams;

import static org.awaitility.Awaitility.await;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.local.LocalPostgres;
import dev.millrace.pipelines.CatalogueEntry;
import dev.millrace.pipelines.clickstream.ClickstreamEntry;
import dev.millrace.pipelines.clickstream.ClickstreamOptions;
import dev.millrace.pipelines.generate.ClickstreamGenerator;
import dev.millrace.pipelines.generate.Share;
import dev.millrace.transforms.refine.Vault;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.runners.direct.DirectRunner;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.metrics.MetricResult;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A live run over a topic, and a batch over what the topic delivered, come to the same tables, byte
 * by byte: answers, dead letters and ledger. The records are spread over partitions at random, with
 * copies, late, future and malformed ones among them.
 */
@Timeout(300)
class StreamIsBatchIT {

  private static final int RECORDS = Integer.getInteger("millrace.records", 400);
  private static final int PARTITIONS = 3;
  private static final Instant START = Instant.parse("2024-03-01T06:00:00Z");

  @TempDir static Path home;
  private static Broker broker;
  private static LocalPostgres postgres;

  @BeforeAll
  static void start() throws Exception {
    broker = Broker.in(home.resolve("kafka"));
    postgres = LocalPostgres.in(home.resolve("postgres"));
    Vault.createIfAbsent(home.resolve("secret.key"));
    for (String table : List.of("product", "product_class")) {
      try (InputStream in = StreamIsBatchIT.class.getResourceAsStream("/" + table + ".json")) {
        Files.copy(Objects.requireNonNull(in), home.resolve(table + ".json"));
      }
    }
  }

  @AfterAll
  static void stop() {
    postgres.close();
    broker.close();
  }

  static LongStream seeds() {
    String given = System.getProperty("millrace.seeds", "1-6");
    String[] range = given.split("-", 2);
    return LongStream.rangeClosed(
        Long.parseLong(range[0]), Long.parseLong(range[range.length - 1]));
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void aLiveRunComesToTheTablesOfABatchOverTheArchive(long seed) throws Exception {
    // Given
    String topic = "clicks" + seed;
    broker.makeTopic(topic, PARTITIONS, "CreateTime");
    long records = play(topic, seed);

    // When
    String aggregated = "aggregated" + seed;
    broker.makeTopic(aggregated, 2);
    Map<String, List<String>> live =
        live("live" + seed, broker.uri(topic), broker.uri(aggregated), records);
    Path lake = home.resolve("archive" + seed);
    batch("archived" + seed, broker.uri(topic) + "?until=end", lake);
    Map<String, List<String>> again =
        batch(
            "again" + seed,
            lake.resolve("bronze/events").toString(),
            home.resolve("lake_again" + seed));

    // Then
    for (String table : ClickTables.NAMES) {
      assertThat(table, live.get(table), equalTo(again.get(table)));
    }
    assertThat(
        ClickTables.lastOfEachKey(broker.records(aggregated)),
        equalTo(ClickTables.essences(again)));
  }

  @Test
  void everyDeadLetterStandsOnItsTopicAsItStandsInTheStore() throws Exception {
    // Given
    String topic = "refusing";
    broker.makeTopic(topic, PARTITIONS, "CreateTime");
    long records = play(topic, 102);
    for (String letters : List.of("rejects-live", "rejects-batch", "aggregated-refusing")) {
      broker.makeTopic(letters, 2);
    }

    // When
    live(
        "refusing_live",
        broker.uri(topic),
        broker.uri("aggregated-refusing"),
        records,
        broker.uri("rejects-live"));
    batch(
        "refusing_batch",
        broker.uri(topic) + "?until=end",
        home.resolve("archive_refusing"),
        broker.uri("rejects-batch"));

    // Then
    List<String> stored = lettersIn("refusing_batch");
    assertThat(stored.size(), greaterThan(10));
    assertThat(lettersIn("refusing_live"), equalTo(stored));
    assertThat(lettersOn("rejects-live"), equalTo(stored));
    assertThat(lettersOn("rejects-batch"), equalTo(stored));
  }

  @Test
  void aLiveRunIsToldOfWhatHoldsItsWindowsOpen() throws Exception {
    // Given: a run that has not begun to read, of a topic with an empty partition
    String topic = "watched";
    broker.makeTopic(topic, PARTITIONS + 1, "CreateTime");
    long records = play(topic, 103);
    String url = newDatabase("watched");
    ClickstreamOptions options = options(url, broker.uri(topic), home.resolve("no_lake"));
    CatalogueEntry.Job job = new ClickstreamEntry().job(options, new NoSurroundings());
    job.prepare();
    Pipeline pipeline = Pipeline.create(options);
    job.build(pipeline);
    Instant begin = Instant.now().plusSeconds(1);

    try (CatalogueEntry.Watch watch = job.watch().orElseThrow();
        Connection warehouse = DriverManager.getConnection(url)) {
      // When
      String first = watch.look(begin).map(CatalogueEntry.Notice::sentence).orElse("");
      String unread =
          watch.look(begin.plusSeconds(30)).map(CatalogueEntry.Notice::sentence).orElse("");
      PipelineResult running = pipeline.run();
      String read;
      String idle;
      try {
        await()
            .atMost(Duration.ofMinutes(2))
            .until(() -> ClickTables.isComplete(warehouse, records));
        read = watch.look(begin.plusSeconds(60)).map(CatalogueEntry.Notice::sentence).orElse("");
        idle = watch.look(begin.plusSeconds(90)).map(CatalogueEntry.Notice::sentence).orElse("");
      } finally {
        running.cancel();
        job.finish(running);
      }

      // Then
      assertThat(first, equalTo(""));
      assertThat(unread, startsWith("No window has closed since "));
      assertThat(
          unread,
          containsString(
              ": partitions 0, 1, 2 of %s have %d records unread, and none was read since"
                  .formatted(broker.uri(topic), records)));
      assertThat(read, equalTo("What was unread is being read again."));
      assertThat(
          idle,
          startsWith(
              "No record has come to any partition of %s since %s. "
                  .formatted(
                      broker.uri(topic),
                      START.plusMillis(500 * (records - 1)).truncatedTo(ChronoUnit.SECONDS))));
    }
  }

  /** Dead letters of the store, whose payloads are encrypted: the contract has a private field. */
  private static List<String> lettersIn(String database) throws Exception {
    try (Connection warehouse = DriverManager.getConnection(urlOf(database))) {
      return ClickTables.rows(
          warehouse,
          "SELECT concat_ws(' ', id, reason, field, stage, pipeline, attempt, detail, '"
              + "refusing"
              + "', replace(source, 'refusing-', ''), position, 'ENCRYPTED',"
              + " encode(sha256(payload), 'hex')) FROM dead_letter WHERE payload_state = 'ENCRYPTED'");
    }
  }

  /** The same of a topic, each once. */
  private static List<String> lettersOn(String topic) throws Exception {
    List<String> letters = new ArrayList<>();
    for (ConsumerRecord<byte[], byte[]> record : broker.records(topic)) {
      String field = header(record, "millrace.field");
      letters.add(
          String.join(
              " ",
              new String(record.key(), StandardCharsets.UTF_8),
              header(record, "millrace.reason") + (field.isEmpty() ? "" : " " + field),
              header(record, "__connect.errors.stage"),
              header(record, "__connect.errors.connector.name"),
              header(record, "millrace.attempt"),
              header(record, "__connect.errors.exception.message"),
              header(record, "__connect.errors.topic"),
              header(record, "__connect.errors.partition"),
              header(record, "__connect.errors.offset"),
              header(record, "millrace.payload_state"),
              HexFormat.of()
                  .formatHex(MessageDigest.getInstance("SHA-256").digest(record.value()))));
    }
    return letters.stream().distinct().sorted().toList();
  }

  private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
    Header header = record.headers().lastHeader(name);
    return header == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
  }

  /** Generated records, in their order of arrival, each into any partition. */
  private static long play(String topic, long seed) throws Exception {
    Path directory = home.resolve("generated" + seed);
    ClickstreamGenerator.with(
            ClickstreamGenerator.Config.of(RECORDS, seed)
                .withFiles(1)
                .withShares(
                    Map.of(
                        Share.DUPLICATES, 0.1,
                        Share.LATE, 0.05,
                        Share.FUTURE, 0.02,
                        Share.MALFORMED, 0.05)))
        .writeTo(directory);
    List<byte[]> lines = new ArrayList<>();
    byte[] all = Files.readAllBytes(directory.resolve("clickstream-00000.jsonl"));
    for (int from = 0; from < all.length; ) {
      int to = from;
      while (to < all.length && all[to] != '\n') {
        to++;
      }
      lines.add(Arrays.copyOfRange(all, from, to));
      from = to + 1;
    }
    Random random = new Random(seed);
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of(
                "bootstrap.servers", broker.servers(), "linger.ms", 5, "max.request.size", 8 << 20),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      List<Future<?>> sent = new ArrayList<>();
      for (int i = 0; i < lines.size(); i++) {
        long arrival = START.toEpochMilli() + 500L * i;
        sent.add(
            producer.send(
                new ProducerRecord<>(
                    topic, random.nextInt(PARTITIONS), arrival, null, lines.get(i))));
      }
      for (Future<?> one : sent) {
        one.get();
      }
    }
    return lines.size();
  }

  @Test
  void aBackfillMendsItsWindowsAndNoOthersWhileTheLiveRunGoesOn() throws Exception {
    // Given: a live run, whose tables somebody has spoilt, and an archive
    String topic = "spoilt";
    broker.makeTopic(topic, PARTITIONS, "CreateTime");
    long records = play(topic, 101);
    Path lake = home.resolve("archive_spoilt");
    Map<String, List<String>> whole = batch("whole", broker.uri(topic) + "?until=end", lake);
    String url = newDatabase("spoilt");
    CatalogueEntry.Job live =
        new ClickstreamEntry()
            .job(options(url, broker.uri(topic), home.resolve("no_lake")), new NoSurroundings());
    live.prepare();
    Pipeline pipeline = Pipeline.create(options(url, broker.uri(topic), home.resolve("no_lake")));
    live.build(pipeline);
    PipelineResult running = pipeline.run();
    try (Connection warehouse = DriverManager.getConnection(url);
        Statement statement = warehouse.createStatement()) {
      await().atMost(Duration.ofMinutes(2)).until(() -> ClickTables.isComplete(warehouse, records));
      statement.execute("UPDATE events_5m SET events = events + 1000");
      statement.execute("DELETE FROM shop_minute");
      statement.execute(
          "UPDATE shop_session SET session_start = session_start - interval '1 second'");
      Map<String, List<String>> before = ClickTables.tables(warehouse);

      // When: the first minutes of the hour, less than all there are
      backfill(url, broker.uri(topic) + "?until=end", "06:00:00Z", "06:01:00Z");

      // Then
      Map<String, List<String>> after = ClickTables.tables(warehouse);
      assertThat(after.get("shop_minute"), equalTo(beginning(whole, "shop_minute", "06:00:")));
      assertThat(
          beginning(after, "events_5m", "06:00:"),
          equalTo(beginning(whole, "events_5m", "06:00:")));
      assertThat(
          ending(beginning(after, "shop_session", "06:00:"), "06:00:"),
          equalTo(ending(beginning(whole, "shop_session", "06:00:"), "06:00:")));
      // A visit that goes on after the end is not the backfill's.
      assertThat(
          ending(after.get("shop_session"), "06:0[1-9]:"),
          equalTo(ending(before.get("shop_session"), "06:0[1-9]:")));
      assertThat(
          beginning(after, "events_5m", "05:55:"),
          equalTo(beginning(before, "events_5m", "05:55:")));
      assertThat(after.get("ledger"), equalTo(whole.get("ledger")));
      // The archive was made a few minutes later: too soon to know all of that minute's visits.
      Exception refused =
          assertThrows(
              Exception.class,
              () ->
                  backfill(
                      url, lake.resolve("bronze/events").toString(), "06:00:00Z", "06:01:00Z"));
      assertThat(refused.getMessage(), containsString("The archive ends with what arrived at"));
      assertThat(ClickTables.tables(warehouse), equalTo(after));
    } finally {
      running.cancel();
      live.finish(running);
    }
  }

  private static List<String> beginning(
      Map<String, List<String>> tables, String table, String time) {
    return tables.getOrDefault(table, List.of()).stream()
        .filter(
            row -> row.matches(".*\"(window_start|session_start)\": \"2024-03-01T" + time + ".*"))
        .toList();
  }

  private static List<String> ending(@Nullable List<String> visits, String time) {
    return Objects.requireNonNull(visits).stream()
        .filter(row -> row.matches(".*\"session_end\": \"2024-03-01T" + time + ".*"))
        .toList();
  }

  private static void backfill(String warehouse, String archive, String from, String to)
      throws Exception {
    ClickstreamOptions options = options(warehouse, archive, home.resolve("no_lake"));
    CatalogueEntry.Job job = new ClickstreamEntry().job(options, new NoSurroundings());
    job.backfill(Instant.parse("2024-03-01T" + from), Instant.parse("2024-03-01T" + to));
    job.prepare();
    Pipeline pipeline = Pipeline.create(options);
    job.build(pipeline);
    PipelineResult result = pipeline.run();
    result.waitUntilFinish();
    job.finish(result);
  }

  private static Map<String, List<String>> live(
      String database, String topic, String aggregated, long records) throws Exception {
    return live(database, topic, aggregated, records, null);
  }

  private static Map<String, List<String>> live(
      String database, String topic, String aggregated, long records, @Nullable String letters)
      throws Exception {
    String url = newDatabase(database);
    ClickstreamOptions options = options(url, topic, home.resolve("no_lake"));
    options.setAggregated(aggregated);
    options.setDeadLetters(letters);
    CatalogueEntry.Job job = new ClickstreamEntry().job(options, new NoSurroundings());
    job.prepare();
    Pipeline pipeline = Pipeline.create(options);
    job.build(pipeline);
    PipelineResult result = pipeline.run();
    try (Connection warehouse = DriverManager.getConnection(url)) {
      await()
          .atMost(Duration.ofMinutes(2))
          .pollInterval(Duration.ofMillis(200))
          .until(() -> ClickTables.isComplete(warehouse, records));
      assertThat("dropped by the runner", droppedByTheRunner(result), equalTo(0L));
      result.cancel();
      job.finish(result);
      return ClickTables.tables(warehouse);
    }
  }

  /** Whatever class of the runner counts it. */
  private static long droppedByTheRunner(PipelineResult result) {
    long dropped = 0;
    for (MetricResult<Long> counter : result.metrics().allMetrics().getCounters()) {
      if (counter.getName().getName().startsWith("DroppedDueTo")) {
        dropped += counter.getAttempted();
      }
    }
    return dropped;
  }

  private static Map<String, List<String>> batch(String database, String events, Path lake)
      throws Exception {
    return batch(database, events, lake, null);
  }

  private static Map<String, List<String>> batch(
      String database, String events, Path lake, @Nullable String letters) throws Exception {
    String url = newDatabase(database);
    ClickstreamOptions options = options(url, events, lake);
    options.setDeadLetters(letters);
    CatalogueEntry.Job job = new ClickstreamEntry().job(options, new NoSurroundings());
    job.prepare();
    Pipeline pipeline = Pipeline.create(options);
    job.build(pipeline);
    PipelineResult result = pipeline.run();
    result.waitUntilFinish();
    job.finish(result);
    try (Connection warehouse = DriverManager.getConnection(url)) {
      return ClickTables.tables(warehouse);
    }
  }

  private static ClickstreamOptions options(String warehouse, String events, Path lake) {
    ClickstreamOptions options =
        PipelineOptionsFactory.fromArgs(
                "--events=" + events,
                "--products=" + home.resolve("product.json"),
                "--productClasses=" + home.resolve("product_class.json"),
                "--secret=file:" + home.resolve("secret.key"),
                "--lake=" + lake,
                "--report=" + home.resolve("report"),
                "--warehouse=" + warehouse)
            .as(ClickstreamOptions.class);
    options.setRunner(DirectRunner.class);
    DirectOptions direct = options.as(DirectOptions.class);
    direct.setBlockOnRun(false);
    direct.setEnforceImmutability(false);
    direct.setEnforceEncodability(false);
    direct.setTargetParallelism(2);
    return options;
  }

  private static String newDatabase(String name) throws Exception {
    try (Connection server = DriverManager.getConnection(postgres.jdbcUrl());
        Statement statement = server.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
    }
    return urlOf(name);
  }

  private static String urlOf(String database) {
    return "jdbc:postgresql://127.0.0.1:" + postgres.port() + "/" + database + "?user=millrace";
  }

  private static final class NoSurroundings implements CatalogueEntry.Surroundings {
    @Override
    public String embeddedWarehouse() {
      throw new IllegalStateException("every run has a warehouse of its own");
    }

    @Override
    public void phase(String name) {}
  }
}
