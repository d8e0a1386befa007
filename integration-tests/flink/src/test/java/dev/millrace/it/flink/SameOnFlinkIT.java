package dev.millrace.it.flink;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.startsWith;

import java.io.File;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Sales with known faults: on Flink every file of the lake is, byte for byte, what it is on Direct.
 */
class SameOnFlinkIT {

  private static final Map<String, String> DIMENSIONS =
      Map.of(
          "customers", "customer",
          "products", "product",
          "product-classes", "product_class",
          "stores", "store",
          "promotions", "promotion",
          "days", "time_by_day",
          "regions", "region");

  @TempDir static Path home;
  private static Map<String, String> wanted;

  /** A program that ended. */
  private record Ended(int status, List<String> err) {}

  @BeforeAll
  static void runOnDirect() throws Exception {
    for (String table : DIMENSIONS.values()) {
      try (InputStream in = SameOnFlinkIT.class.getResourceAsStream("/" + table + ".json")) {
        Files.copy(Objects.requireNonNull(in, table), home.resolve(table + ".json"));
      }
    }
    succeeded(
        program("direct", "generate", "sales", "--records=8000", "--seed=5", "--out=generated"));
    succeeded(sales("direct", "lake_direct"));
    wanted = files("lake_direct");
    assertThat(
        wanted.keySet().stream().map(file -> file.split("/", 3)[0]).collect(Collectors.toSet()),
        hasItems("bronze", "silver", "gold", "rejects"));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void lakeAndLedgerOnFlinkAreThoseOfDirectByteForByte(int parallelism) throws Exception {
    // Given
    String lake = "lake_flink_" + parallelism;

    // When
    succeeded(sales("flink", lake, "--parallelism=" + parallelism));

    // Then
    assertThat(files(lake), equalTo(wanted));
  }

  @Test
  void aRunThatIsRefusedOnFlinkSaysWhyInOneSentenceAndPublishesNothing() throws Exception {
    // When
    Ended ended = sales("flink", "lake_refused", "--max-reject-ratio=0.0001");

    // Then
    assertThat(ended.err().toString(), ended.status(), equalTo(2));
    assertThat(
        ended.err().get(ended.err().size() - 1), startsWith("millrace: The run is refused. "));
    assertThat(files("lake_refused"), equalTo(Map.of()));
  }

  private static Ended sales(String runner, String lake, String... more) throws Exception {
    List<String> arguments = new ArrayList<>(List.of("run", "sales", "--sales=generated"));
    DIMENSIONS.forEach((option, table) -> arguments.add("--" + option + "=" + table + ".json"));
    arguments.add("--lake=" + lake);
    arguments.add("--report=report_" + lake);
    arguments.addAll(List.of(more));
    return program(runner, arguments.toArray(String[]::new));
  }

  /** The program of a runner, as a process of its own, to its end. */
  private static Ended program(String runner, String... arguments) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx1g",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-jar",
                Objects.requireNonNull(System.getProperty("millrace." + runner))));
    command.addAll(List.of(arguments));
    Path err = Files.createTempFile(home, "err", ".txt");
    Process process =
        new ProcessBuilder(command)
            .directory(home.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(err.toFile())
            .start();
    if (!process.waitFor(5, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new AssertionError("did not end: " + command + "\n" + Files.readString(err));
    }
    return new Ended(process.exitValue(), Files.readAllLines(err));
  }

  private static void succeeded(Ended ended) {
    assertThat(String.join("\n", ended.err()), ended.status(), equalTo(0));
  }

  /** The data files of a lake, with their hashes. */
  private static Map<String, String> files(String name) throws Exception {
    Path lake = home.resolve(name);
    Map<String, String> hashes = new TreeMap<>();
    if (Files.exists(lake)) {
      try (Stream<Path> files = Files.walk(lake)) {
        for (Path file :
            (Iterable<Path>) files.filter(path -> path.toString().endsWith(".parquet"))::iterator) {
          byte[] hash = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
          hashes.put(lake.relativize(file).toString(), HexFormat.of().formatHex(hash));
        }
      }
    }
    return hashes;
  }
}
