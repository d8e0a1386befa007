package dev.millrace.pipelines.generate;

import static dev.millrace.pipelines.generate.Share.DUPLICATES;
import static dev.millrace.pipelines.generate.Share.FUTURE;
import static dev.millrace.pipelines.generate.Share.LATE;
import static dev.millrace.pipelines.generate.Share.MALFORMED;
import static dev.millrace.pipelines.generate.Share.NEWER_VERSIONS;
import static dev.millrace.pipelines.generate.Share.ORPHANS;
import static dev.millrace.pipelines.generate.Share.RULE_BREAKS;
import static dev.millrace.pipelines.generate.Share.VERSION_2;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.closeTo;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.contract.Reason;
import dev.millrace.pipelines.generate.Recount.Good;
import dev.millrace.pipelines.generate.SalesGenerator.Config;
import dev.millrace.schemas.retail.Sale;
import dev.millrace.transforms.refine.ContractReader;
import dev.millrace.transforms.refine.LateGate;
import dev.millrace.transforms.refine.Limits;
import dev.millrace.transforms.refine.Problem;
import dev.millrace.transforms.refine.Validator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SalesGeneratorTest {

  private static final Map<Share, Double> MANY_FAULTS =
      Map.of(
          MALFORMED,
          0.15,
          RULE_BREAKS,
          0.15,
          ORPHANS,
          0.1,
          DUPLICATES,
          0.1,
          NEWER_VERSIONS,
          0.1,
          LATE,
          0.1,
          FUTURE,
          0.05);
  private static final Map<Share, Double> NO_FAULTS =
      Map.of(
          MALFORMED,
          0.0,
          RULE_BREAKS,
          0.0,
          ORPHANS,
          0.0,
          DUPLICATES,
          0.0,
          NEWER_VERSIONS,
          0.0,
          LATE,
          0.0,
          FUTURE,
          0.0);

  @TempDir Path directory;

  static Stream<Config> configs() {
    return Stream.of(
        Config.of(5_000, 1),
        Config.of(3_000, 2).withShares(MANY_FAULTS),
        Config.of(3_000, 3).withShares(MANY_FAULTS).withFiles(1),
        Config.of(3_000, -4).withShares(MANY_FAULTS).withCompression(Compression.GZIP),
        Config.of(2_000, 5).withShares(MANY_FAULTS).withCompression(Compression.ZSTD),
        Config.of(3_000, 6).withShares(MANY_FAULTS).withShares(Map.of(VERSION_2, 1.0)),
        Config.of(3_000, 7)
            .withShares(MANY_FAULTS)
            .withShares(Map.of(VERSION_2, 0.0, NEWER_VERSIONS, 0.0, LATE, 0.0, FUTURE, 0.0)),
        Config.of(3_000, 8).withShares(MANY_FAULTS).withBounds(Duration.ZERO, Duration.ZERO),
        Config.of(3_000, 9)
            .withShares(NO_FAULTS)
            .withShares(Map.of(DUPLICATES, 0.25, NEWER_VERSIONS, 0.25)),
        Config.of(3_000, 10)
            .withShares(MANY_FAULTS)
            .withDimensions(
                new DimensionIds(
                    Ids.parse("7"),
                    Ids.parse("1-3"),
                    Ids.parse("0,5"),
                    Ids.parse("4,9"),
                    Ids.parse("1,3,8"))),
        Config.of(1, 11),
        Config.of(3, 12).withFiles(3).withShares(MANY_FAULTS));
  }

  @ParameterizedTest
  @MethodSource("configs")
  void theKeyEqualsAnIndependentRecountOfTheFiles(Config config) throws IOException {
    // When
    AnswerKey key = SalesGenerator.with(config).writeTo(directory);

    // Then
    Recount recount = Recount.of(directory, key, config);
    assertThat(key, is(recount.key()));
    assertThat(key.total().read(), is(config.records()));
    assertThat(key.total().balances(), is(true));
    assertThat(key.files().values().stream().allMatch(AnswerKey.Counts::balances), is(true));
    assertThat(AnswerKey.readFrom(directory), is(key));
  }

  @Test
  void theStepsOfRefineGiveTheReasonsOfTheKey() throws IOException {
    // Given
    Config config = Config.of(20_000, 7).withShares(MANY_FAULTS);
    AnswerKey key = SalesGenerator.with(config).writeTo(directory);
    Contract contract = Contract.of(Sale.class);
    ContractReader<Sale> reader = new ContractReader<>(contract, Sale::new, Limits.DEFAULT);
    Validator rules = new Validator(contract);
    LateGate gate = new LateGate(config.maxLateness(), config.maxSkew());

    for (String file : key.files().keySet()) {
      // When
      Map<Reason, Long> reasons = new EnumMap<>(Reason.class);
      for (byte[] line : Recount.lines(directory.resolve(file)).values()) {
        Sale sale = reader.read(line);
        Problem problem = sale == null ? reader.problem() : rules.check(sale);
        if (sale != null && problem == null) {
          long event = contract.eventTime().orElseThrow().millis(sale.getTimeId());
          Instant arrived = sale.getArrivedAt();
          problem = gate.check(arrived == null ? event : arrived.toEpochMilli(), event);
        }
        if (problem != null) {
          reasons.merge(problem.reason(), 1L, Long::sum);
        }
      }

      // Then
      Map<Reason, Long> expected =
          new EnumMap<>(Objects.requireNonNull(key.files().get(file)).rejects());
      expected.remove(Reason.ORPHAN_KEY);
      assertThat(reasons, is(expected));
    }
  }

  @Test
  void equalConfigsGiveEqualBytes() throws IOException {
    // Given
    Config config = Config.of(4_000, 42).withShares(MANY_FAULTS);

    // When
    SalesGenerator.with(config).writeTo(directory.resolve("a"));
    SalesGenerator.with(config).writeTo(directory.resolve("b"));
    SalesGenerator.with(config).writeTo(directory.resolve("b"));

    // Then
    assertThat(bytes("a"), equalTo(bytes("b")));
  }

  @Test
  void theBytesAreTheSameOnEveryMachine() throws Exception {
    // When
    SalesGenerator.with(Config.of(2_000, 42).withShares(MANY_FAULTS).withFiles(1))
        .writeTo(directory);

    // Then
    byte[] bytes = Files.readAllBytes(directory.resolve("sales-00000.jsonl"));
    assertThat(
        HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)),
        is("dbf78d436f5bc991b07b00b1d8cf716d3b8b214ba4a56014b1b159dfff64e0df"));
  }

  @Test
  void anotherSeedGivesOtherFiles() throws IOException {
    // When
    SalesGenerator.with(Config.of(1_000, 42)).writeTo(directory.resolve("a"));
    SalesGenerator.with(Config.of(1_000, 43)).writeTo(directory.resolve("b"));

    // Then
    for (int file = 0; file < 4; file++) {
      assertThat(bytes("a").get(file), not(equalTo(bytes("b").get(file))));
    }
  }

  @Test
  void everyReasonOccursAndEveryKeyIsOrphanedSomewhere() throws IOException {
    // When
    AnswerKey key =
        SalesGenerator.with(Config.of(5_000, 1).withShares(MANY_FAULTS)).writeTo(directory);

    // Then
    // A connector fails on what it reads, not on what a file holds.
    assertThat(
        key.total().rejects().keySet(),
        is(EnumSet.complementOf(EnumSet.of(Reason.CONNECTOR_FAILURE))));
    assertThat(
        key.total().orphans().keySet(),
        is(Set.of("product_id", "time_id", "customer_id", "promotion_id", "store_id")));
  }

  @Test
  void hugeRecordsStayFew() throws IOException {
    // When
    AnswerKey key =
        SalesGenerator.with(Config.of(10_000, 1).withShares(MANY_FAULTS)).writeTo(directory);

    // Then
    assertThat(key.total().invalid().get(Reason.TOO_LARGE), is(3L));
    assertThat(key.total().invalid().get(Reason.STRING_TOO_LONG), is(20L));
  }

  @Test
  void sharesComeOutAsStated() throws IOException {
    // When
    AnswerKey key = SalesGenerator.with(Config.of(200_000, 1)).writeTo(directory);

    // Then
    AnswerKey.Counts total = key.total();
    assertThat(
        total.invalid().values().stream().mapToLong(n -> n).sum() / 2e5, closeTo(0.02, 0.002));
    assertThat(
        total.orphans().values().stream().mapToLong(n -> n).sum() / 2e5, closeTo(0.005, 0.001));
    assertThat(total.duplicate() / 2e5, closeTo(0.02, 0.002));
    assertThat(total.late() / 2e5, closeTo(0.01, 0.001));
    assertThat(total.future() / 2e5, closeTo(0.003, 0.001));
  }

  @Test
  void copiesStandNearFarInOtherFilesAndInBothOrders() throws IOException {
    // Given
    Config config =
        Config.of(20_000, 5).withShares(NO_FAULTS).withShares(Map.of(NEWER_VERSIONS, 0.1));

    // When
    AnswerKey key = SalesGenerator.with(config).writeTo(directory);

    // Then
    Map<String, List<Good>> pairs =
        Recount.of(directory, key, config).good.stream()
            .collect(Collectors.groupingBy(Good::identity));
    pairs.values().removeIf(records -> records.size() == 1);
    List<Good[]> twos = new ArrayList<>();
    pairs.values().forEach(records -> twos.add(records.toArray(new Good[0])));
    assertThat(count(twos, two -> two.length != 2), is(0L));
    assertThat(count(twos, two -> two[0].file().equals(two[1].file())), greaterThan(100L));
    assertThat(count(twos, two -> !two[0].file().equals(two[1].file())), greaterThan(100L));
    assertThat(count(twos, two -> two[0].updated().isBefore(two[1].updated())), greaterThan(100L));
    assertThat(count(twos, two -> two[0].updated().isAfter(two[1].updated())), greaterThan(100L));
    assertThat(
        count(twos, two -> two[0].text("store_sales").equals(two[1].text("store_sales"))), is(0L));
  }

  @Test
  void aSetWithoutFaultsIsGoodThroughout() throws IOException {
    // When
    AnswerKey key =
        SalesGenerator.with(Config.of(2_000, 1).withShares(NO_FAULTS)).writeTo(directory);

    // Then
    assertThat(key.total().written(), is(2_000L));
    assertThat(key.total().rejects(), is(Map.of()));
    assertThat(key.total().duplicate(), is(0L));
  }

  @Test
  void manySalesOfOneDayAreNeverEqualByAccident() throws IOException {
    // Given
    Config config =
        Config.of(100_000, 1)
            .withShares(NO_FAULTS)
            .withShares(Map.of(VERSION_2, 0.0))
            .withDimensions(
                new DimensionIds(Ids.of(1), Ids.of(1), Ids.of(1), Ids.of(1), Ids.of(400)));

    // When
    AnswerKey key = SalesGenerator.with(config).writeTo(directory);

    // Then
    assertThat(Recount.of(directory, key, config).key().total().duplicate(), is(0L));
  }

  @Test
  void theFieldsAreThoseOfTheContract() throws IOException {
    // Given
    TreeSet<String> written = new TreeSet<>();

    // When
    SalesGenerator.with(Config.of(100, 1).withShares(NO_FAULTS).withFiles(1)).writeTo(directory);

    // Then
    for (String line : Files.readAllLines(directory.resolve("sales-00000.jsonl"))) {
      new ObjectMapper().readTree(line).fieldNames().forEachRemaining(written::add);
    }
    written.remove("till");
    List<String> declared =
        Contract.of(Sale.class).fields().stream().map(FieldContract::name).toList();
    assertThat(written, is(new TreeSet<>(declared)));
  }

  @Test
  void aRunReplacesItsOwnFilesButRefusesOthers() throws IOException {
    // Given
    SalesGenerator.with(Config.of(100, 1).withFiles(3)).writeTo(directory);
    SalesGenerator.with(Config.of(100, 2).withFiles(3)).writeTo(directory);

    // When
    FileAlreadyExistsException refused =
        assertThrows(
            FileAlreadyExistsException.class,
            () -> SalesGenerator.with(Config.of(100, 1).withFiles(2)).writeTo(directory));

    // Then
    assertThat(refused.getMessage(), containsString("sales-00002.jsonl"));
    assertThat(refused.getMessage(), containsString("empty the directory or choose another"));
  }

  @Test
  void theKeyIsReadableJson() throws IOException {
    // When
    SalesGenerator.with(Config.of(1_000, 42)).writeTo(directory);

    // Then
    String text = Files.readString(directory.resolve(AnswerKey.FILE_NAME));
    List<String> lines = text.lines().map(String::trim).toList();
    assertThat(lines, hasItem("\"seed\" : \"42\","));
    assertThat(lines, hasItem("\"malformed\" : \"0.01\","));
    assertThat(lines, hasItem("\"max_lateness\" : \"PT168H\","));
    assertThat(lines, hasItem("\"sales-00003.jsonl\" : {"));
    assertThat(text, containsString("\"read\" : 1000,"));
  }

  @Test
  void aConfigHasSensibleDefaults() {
    // When
    Config config = Config.of(1_000, 7);

    // Then
    assertThat(config.files(), is(4));
    assertThat(config.compression(), is(Compression.NONE));
    assertThat(config.maxLateness(), is(Duration.ofDays(7)));
    assertThat(config.maxSkew(), is(Duration.ofDays(1)));
    assertThat(config.dimensions(), is(DimensionIds.FOODMART));
    assertThat(
        config.shares(),
        is(Arrays.stream(Share.values()).collect(Collectors.toMap(share -> share, Share::usual))));
  }

  @Test
  void aConfigRefusesWhatMakesNoSenseAndSaysWhy() {
    Config config = Config.of(1_000, 7);
    refused(() -> Config.of(0, 1), "records must be at least 1, not 0");
    refused(() -> config.withFiles(0), "files must be between 1 and 1000");
    refused(() -> config.withFiles(1_001), "a file needs a record");
    refused(() -> config.withShares(Map.of(LATE, -0.1)), "share late must be between 0 and 1");
    refused(
        () -> config.withShares(Map.of(LATE, Double.NaN)), "share late must be between 0 and 1");
    refused(() -> config.withShares(Map.of(MALFORMED, 0.99)), "must come to 1 at most");
    refused(() -> config.withShares(Map.of(DUPLICATES, 0.5)), "a copy counting twice");
    refused(() -> config.withShares(Map.of(VERSION_2, 0.0)), "need records of version 2");
    refused(() -> config.withBounds(Duration.ofDays(-1), Duration.ZERO), "max lateness must be");
    refused(() -> config.withBounds(Duration.ZERO, Duration.ofDays(400)), "max skew must be");
    refused(() -> Config.of(730_000_001, 1), "records must be at most 730000000");
    DimensionIds toTheLastDay =
        new DimensionIds(Ids.of(1), Ids.of(1), Ids.of(1), Ids.of(1), Ids.of(36_524));
    refused(() -> config.withDimensions(toTheLastDay), "orphans need as many days without a row");
  }

  private static void refused(Runnable config, String message) {
    IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, config::run);
    assertThat(refused.getMessage(), containsString(message));
  }

  private static long count(List<Good[]> pairs, Predicate<Good[]> which) {
    return pairs.stream().filter(which).count();
  }

  private List<String> bytes(String folder) throws IOException {
    List<String> all = new ArrayList<>();
    try (Stream<Path> files = Files.list(directory.resolve(folder))) {
      for (Path file : files.sorted().toList()) {
        // One character for each byte: compared as text, bytes differ where texts do.
        all.add(Files.readString(file, StandardCharsets.ISO_8859_1));
      }
    }
    all.add(all.remove(0)); // The key, which comes first by name, to the end.
    return all;
  }
}
