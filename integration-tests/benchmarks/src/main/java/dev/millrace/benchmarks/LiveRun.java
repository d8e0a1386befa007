package dev.millrace.benchmarks;

import dev.millrace.local.LocalKafka;
import dev.millrace.local.LocalPostgres;
import dev.millrace.pipelines.io.NewTopics;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.TopicConfig;

/**
 * {@code millrace run clickstream --runner=flink} in a process of its own, live, between a Kafka
 * broker and a PostgreSQL, each a process too.
 */
final class LiveRun {

  private static final int PARTITIONS = 4;
  private static final long WARM_UP_RATE = 200;
  private static final Duration START = Duration.ofMinutes(2);
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** What Java writes of a collection: what was there before, and after. */
  private static final Pattern COLLECTED =
      Pattern.compile("(\\d+)M->(\\d+)M\\(\\d+M\\) ([0-9.]+)ms");

  private final Path directory;
  private final Path foodMart;
  private final Path program;
  private final String heap;
  private final List<String> javaOptions;
  private final List<String> runOptions;
  private final LocalKafka kafka;
  private final LocalPostgres postgres;
  private final List<EventLoad.Stamped> lines;
  private final Consumer<String> say;

  LiveRun(
      Path directory,
      Path foodMart,
      Path program,
      String heap,
      List<String> javaOptions,
      List<String> runOptions,
      LocalKafka kafka,
      LocalPostgres postgres,
      Consumer<String> say)
      throws IOException {
    this.directory = directory;
    this.foodMart = foodMart;
    this.program = program;
    this.heap = heap;
    this.javaOptions = javaOptions;
    this.runOptions = runOptions;
    this.kafka = kafka;
    this.postgres = postgres;
    this.lines = EventLoad.lines(directory.resolve("events"));
    this.say = say;
  }

  /**
   * What became of one rate.
   *
   * @param millis times of the probes from when they were due to when they were visible
   * @param worstMillisBySecond the longest of those times in each second
   * @param probes how many were seen
   * @param missing how many were not seen, some time after the last was sent
   * @param readPerSecond by the ledger
   * @param behind how many seconds of events the ledger was behind at the end
   * @param cpuMicros per event that was read, by process
   * @param liveMegabytes what a full collection left, before and after
   * @param pausesMillis the longest pause of the collector
   * @param senderLateMillis by how much the sender itself was late, at most
   * @param load of the machine, before and after
   */
  record Found(
      long rate,
      Map<String, Double> millis,
      List<Long> worstMillisBySecond,
      long probes,
      long missing,
      double sentPerSecond,
      double readPerSecond,
      double behind,
      Map<String, Double> cpuMicros,
      double busyCores,
      List<Long> liveMegabytes,
      double pausesMillis,
      double senderLateMillis,
      List<Double> load) {}

  /** Measures one rate. */
  Found at(long rate, Duration warmUp, Duration measured) throws Exception {
    double loadBefore = load();
    String topic = "events-" + rate;
    String database = "rate_" + rate;
    make(topic);
    execute("CREATE DATABASE " + database);
    Path collections = directory.resolve("gc-" + rate + ".txt");
    Process process = start(topic, url(database), collections, rate);
    Thread stop = new Thread(process::destroy);
    Runtime.getRuntime().addShutdownHook(stop);
    try {
      awaitTables(process, database, rate);
      try (Probes probes = new Probes(DriverManager.getConnection(url(database)));
          EventLoad load =
              new EventLoad(lines, kafka.bootstrapServers(), topic, PARTITIONS, probes);
          Connection ledger = DriverManager.getConnection(url(database))) {
        probes.start();
        load.start((double) Math.min(rate, WARM_UP_RATE));
        awaitProbe(process, probes, rate);
        load.rate((double) rate);
        say.accept(rate + " events/s: warming up for " + warmUp.toSeconds() + " s …");
        pause(process, load, warmUp, rate);
        long liveBefore = collect(process, collections);
        pause(process, load, Duration.ofSeconds(2), rate);
        say.accept(rate + " events/s: measuring for " + measured.toSeconds() + " s …");
        load.latestMillis();
        Cpu before = cpu(process);
        long sentBefore = load.sent();
        long readBefore = read(ledger);
        long begun = System.nanoTime();
        int pausesBefore = pauses(collections).size();
        probes.begin();
        pause(process, load, measured, rate);
        probes.end();
        double seconds = (System.nanoTime() - begun) / 1e9;
        Cpu after = cpu(process);
        long sent = load.sent();
        long read = read(ledger);
        List<Double> pauses = pauses(collections);
        double longest =
            pauses.subList(pausesBefore, pauses.size()).stream()
                .mapToDouble(Double::doubleValue)
                .max()
                .orElse(0);
        double late = load.latestMillis();
        double loadAfter = load();
        long patience = System.nanoTime() + PATIENCE.toNanos();
        while (probes.missing() > 0 && System.nanoTime() < patience) {
          pause(process, load, Duration.ofMillis(100), rate);
        }
        load.stop();
        long liveAfter = collect(process, collections);
        long missing = probes.missing();
        probes.stop();
        long events = Math.max(1, read - readBefore);
        Map<String, Double> cpu = new LinkedHashMap<>();
        cpu.put("pipeline", (after.pipeline - before.pipeline) * 1e6 / events);
        cpu.put("broker", (after.broker - before.broker) * 1e6 / events);
        cpu.put("database", (after.database - before.database) * 1e6 / events);
        cpu.put("sender", (after.sender - before.sender) * 1e6 / events);
        return new Found(
            rate,
            Probes.millis(probes.micros()),
            probes.worstMillisBySecond(),
            probes.micros().getTotalCount(),
            missing,
            (sent - sentBefore) / seconds,
            (read - readBefore) / seconds,
            Math.max(0, sent - read) / (double) rate,
            cpu,
            (after.sum() - before.sum()) / seconds,
            List.of(liveBefore, liveAfter),
            longest,
            late,
            List.of(loadBefore, loadAfter));
      }
    } finally {
      end(process);
      Runtime.getRuntime().removeShutdownHook(stop);
      execute("DROP DATABASE IF EXISTS " + database + " WITH (FORCE)");
    }
  }

  private Process start(String topic, String warehouse, Path collections, long rate)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx" + heap,
            "-Xlog:gc:file=" + collections + "::filecount=0",
            "-Dfile.encoding=UTF-8",
            "-Djava.awt.headless=true"));
    command.addAll(
        javaOptions.isEmpty() ? List.of("-XX:+UseParallelGC", "-XX:NewRatio=1") : javaOptions);
    command.addAll(
        List.of(
            "-jar",
            program.toString(),
            "run",
            "clickstream",
            "--log=quiet",
            "--events=kafka://" + kafka.bootstrapServers() + "/" + topic,
            "--products=" + foodMart.resolve("product.json"),
            "--product-classes=" + foodMart.resolve("product_class.json"),
            "--lake=" + directory.resolve("lake-" + rate),
            "--report=" + directory.resolve("report-" + rate),
            "--warehouse=" + warehouse));
    command.addAll(runOptions);
    return new ProcessBuilder(command)
        .directory(directory.toFile())
        .redirectInput(new File("/dev/null"))
        .redirectOutput(words(rate).toFile())
        .redirectErrorStream(true)
        .start();
  }

  private Path words(long rate) {
    return directory.resolve("pipeline-" + rate + ".txt");
  }

  private void make(String topic) throws Exception {
    try (Admin admin =
        Admin.create(
            Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrapServers()))) {
      NewTopics.make(
          admin,
          new NewTopic(topic, PARTITIONS, (short) 1)
              .configs(Map.of(TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG, "LogAppendTime")));
    }
  }

  /** The run makes its tables before it reads. */
  private void awaitTables(Process process, String database, long rate) throws Exception {
    long end = System.nanoTime() + START.toNanos();
    try (Connection connection = DriverManager.getConnection(url(database));
        Statement statement = connection.createStatement()) {
      while (true) {
        try (ResultSet row =
            statement.executeQuery(
                "SELECT count(*) FROM information_schema.columns WHERE table_name IN"
                    + " ('shop_minute', 'ledger') AND column_name = 'millrace_generation'")) {
          row.next();
          if (row.getInt(1) == 2) {
            return;
          }
        }
        alive(process, rate);
        late(end, "made no tables", rate);
        TimeUnit.MILLISECONDS.sleep(100);
      }
    }
  }

  private void awaitProbe(Process process, Probes probes, long rate) throws Exception {
    long end = System.nanoTime() + START.toNanos();
    while (probes.seen() == 0) {
      alive(process, rate);
      late(end, "wrote no minute", rate);
      TimeUnit.MILLISECONDS.sleep(100);
    }
  }

  private void late(long end, String what, long rate) throws IOException {
    if (System.nanoTime() > end) {
      throw new Processes.Failed(
          "run clickstream "
              + what
              + " within "
              + START.toSeconds()
              + " s: "
              + Processes.lastWords(words(rate)));
    }
  }

  private void pause(Process process, EventLoad load, Duration duration, long rate)
      throws Exception {
    if (process.waitFor(duration.toMillis(), TimeUnit.MILLISECONDS)) {
      alive(process, rate);
    }
    load.check();
  }

  private void alive(Process process, long rate) throws IOException {
    if (!process.isAlive()) {
      throw new Processes.Failed(
          "run clickstream ended with status "
              + process.exitValue()
              + ": "
              + Processes.lastWords(words(rate)));
    }
  }

  private static void end(Process process) throws InterruptedException {
    process.destroy();
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      process.waitFor();
    }
  }

  /** How many events the ledger says were read. It is restated once a second. */
  private static long read(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT coalesce(sum(read), 0) FROM ledger WHERE stage = 'RefineEvents'")) {
      row.next();
      return row.getLong(1);
    }
  }

  /** Lets Java collect all there is; what is left, in megabytes, or -1 if it does not tell. */
  private static long collect(Process process, Path collections) throws Exception {
    Process asked =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                Long.toString(process.pid()),
                "GC.run")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    asked.waitFor();
    long left = -1;
    for (String line : Files.readAllLines(collections)) {
      Matcher collected = COLLECTED.matcher(line);
      if (line.contains("Pause Full (Diagnostic Command)") && collected.find()) {
        left = Long.parseLong(collected.group(2));
      }
    }
    return left;
  }

  private static List<Double> pauses(Path collections) throws IOException {
    List<Double> pauses = new ArrayList<>();
    for (String line : Files.readAllLines(collections)) {
      Matcher collected = COLLECTED.matcher(line);
      if (line.contains("Pause") && collected.find()) {
        pauses.add(Double.valueOf(collected.group(3)));
      }
    }
    return pauses;
  }

  private record Cpu(double pipeline, double broker, double database, double sender) {
    double sum() {
      return pipeline + broker + database + sender;
    }
  }

  private Cpu cpu(Process process) throws IOException {
    Path pidFile = directory.resolve("postgres/data/postmaster.pid");
    long server = Long.parseLong(Files.readAllLines(pidFile).get(0).strip());
    return new Cpu(
        CpuTime.ofServer(process.pid()),
        CpuTime.ofServer(kafka.pid()),
        CpuTime.ofServer(server),
        CpuTime.ofThisProcess());
  }

  private static double load() {
    return ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
  }

  private String url(String database) {
    return "jdbc:postgresql://127.0.0.1:" + postgres.port() + "/" + database + "?user=millrace";
  }

  private void execute(String sql) throws SQLException {
    try (Connection connection = DriverManager.getConnection(postgres.jdbcUrl());
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
