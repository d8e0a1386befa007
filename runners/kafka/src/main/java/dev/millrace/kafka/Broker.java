package dev.millrace.kafka;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.List;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * A Kafka broker with its controller in one process: {@code Broker DIRECTORY PORT [attached]}.
 *
 * <p>It listens on 127.0.0.1 only, keeps its data in {@code DIRECTORY/data}, and tells in {@code
 * DIRECTORY/broker.run} who it is, one a line: process, start in milliseconds since 1970, port, and
 * {@code starting} or {@code ready}. SIGTERM stops it cleanly; {@code attached} also the end of its
 * input, so that it does not outlive who started it, however that one ended.
 */
public final class Broker {

  /** Constant: data is bound to the cluster that wrote it. */
  private static final String CLUSTER = "bWlsbHJhY2Utc3RhY2stMQ";

  private static final String NODE = "1";

  private final Path data;
  private final Path runFile;
  private final int port;

  private Broker(Path directory, int port) {
    this.data = directory.resolve("data");
    this.runFile = directory.resolve("broker.run");
    this.port = port;
  }

  /** Runs until told to stop. */
  public static void main(String[] arguments) {
    boolean attached = arguments.length == 3 && arguments[2].equals("attached");
    if (arguments.length != 2 && !attached) {
      System.err.println("FATAL: usage: Broker DIRECTORY PORT [attached]");
      System.exit(2);
    }
    try {
      new Broker(Path.of(arguments[0]), Integer.parseInt(arguments[1])).run(attached);
    } catch (Throwable failed) {
      failed.printStackTrace();
      System.err.println("FATAL: " + root(failed));
      // Not exit: Kafka's threads and hooks would wait for a broker that never started.
      Runtime.getRuntime().halt(1);
    }
  }

  private void run(boolean attached) throws Exception {
    Files.createDirectories(data);
    tell("starting");
    format();
    KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(properties(), false), Time.SYSTEM);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  server.shutdown();
                  server.awaitShutdown();
                  forget();
                  System.out.println("stopped");
                },
                "stop"));
    server.startup();
    tell("ready");
    System.out.println("ready at 127.0.0.1:" + port);
    if (attached) {
      Thread watch = new Thread(Broker::exitWithInput, "input");
      watch.setDaemon(true);
      watch.start();
    }
    server.awaitShutdown();
  }

  private static void exitWithInput() {
    try {
      System.in.transferTo(OutputStream.nullOutputStream());
    } catch (IOException ended) {
      // as good as its end
    }
    System.exit(0);
  }

  private void format() throws Exception {
    new Formatter()
        .setClusterId(CLUSTER)
        .setNodeId(Integer.parseInt(NODE))
        .setDirectories(List.of(data.toString()))
        .setMetadataLogDirectory(data.toString())
        .setControllerListenerName("CONTROLLER")
        .setUnstableFeatureVersionsEnabled(false)
        .setIgnoreFormatted(true)
        .setReleaseVersion(MetadataVersion.latestProduction())
        .setPrintStream(new PrintStream(OutputStream.nullOutputStream()))
        .run();
  }

  private Properties properties() throws IOException {
    int controller = freePortBesides(port);
    Properties set = new Properties();
    set.put("process.roles", "broker,controller");
    set.put("node.id", NODE);
    set.put("controller.quorum.voters", NODE + "@127.0.0.1:" + controller);
    set.put("controller.listener.names", "CONTROLLER");
    set.put("listeners", "PLAINTEXT://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:" + controller);
    set.put("advertised.listeners", "PLAINTEXT://127.0.0.1:" + port);
    set.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
    set.put("inter.broker.listener.name", "PLAINTEXT");
    set.put("log.dirs", data.toString());
    // A mistyped name is an error, and not a new, empty topic.
    set.put("auto.create.topics.enable", "false");
    // Records carry the time of their events, which can be years ago; by age they would go at once.
    set.put("log.retention.ms", "-1");
    // One node.
    set.put("offsets.topic.replication.factor", "1");
    set.put("offsets.topic.num.partitions", "4");
    set.put("transaction.state.log.replication.factor", "1");
    set.put("transaction.state.log.min.isr", "1");
    set.put("transaction.state.log.num.partitions", "4");
    set.put("group.initial.rebalance.delay.ms", "0");
    // A laptop.
    set.put("num.network.threads", "2");
    set.put("num.io.threads", "4");
    set.put("background.threads", "2");
    set.put("log.cleaner.dedupe.buffer.size", Integer.toString(8 << 20));
    return set;
  }

  private void tell(String state) throws IOException {
    ProcessHandle self = ProcessHandle.current();
    Instant start = self.info().startInstant().orElse(Instant.EPOCH);
    Path fresh = runFile.resolveSibling("broker.run.new");
    Files.writeString(
        fresh,
        String.join(
            "\n",
            Long.toString(self.pid()),
            Long.toString(start.toEpochMilli()),
            Integer.toString(port),
            state,
            ""));
    Files.move(fresh, runFile, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private void forget() {
    try {
      Files.deleteIfExists(runFile);
    } catch (IOException failed) {
      System.err.println("WARN: " + failed);
    }
  }

  /** Another one than the broker's own, which is not open yet: of two that are held at once. */
  private static int freePortBesides(int own) throws IOException {
    InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
    try (ServerSocket one = new ServerSocket(0, 1, loopback);
        ServerSocket other = new ServerSocket(0, 1, loopback)) {
      return one.getLocalPort() == own ? other.getLocalPort() : one.getLocalPort();
    }
  }

  private static Throwable root(Throwable failed) {
    Throwable root = failed;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }
}
