package dev.millrace.pipelines.generate;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.closeTo;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.lessThanOrEqualTo;
import static org.hamcrest.Matchers.not;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.contract.Reason;
import dev.millrace.pipelines.generate.AnswerKey.Counts;
import dev.millrace.pipelines.generate.ClickstreamGenerator.Config;
import dev.millrace.schemas.web.ShopEvent;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ClickstreamGeneratorTest {

  private static final Contract EVENT = Contract.of(ShopEvent.class);
  private static final Map<Share, Double> MANY_FAULTS =
      Map.of(
          Share.MALFORMED, 0.2,
          Share.RULE_BREAKS, 0.2,
          Share.ORPHANS, 0.1,
          Share.DUPLICATES, 0.1,
          Share.LATE, 0.1,
          Share.FUTURE, 0.05);
  private static final Map<Share, Double> NO_FAULTS =
      Map.of(
          Share.MALFORMED, 0.0,
          Share.RULE_BREAKS, 0.0,
          Share.ORPHANS, 0.0,
          Share.DUPLICATES, 0.0,
          Share.LATE, 0.0,
          Share.FUTURE, 0.0);

  @TempDir Path directory;

  static Stream<Config> configs() {
    return Stream.of(
        Config.of(5_000, 1),
        Config.of(3_000, 2).withShares(MANY_FAULTS),
        Config.of(3_000, 3).withShares(MANY_FAULTS).withFiles(1),
        Config.of(2_000, -4).withShares(MANY_FAULTS).withCompression(Compression.GZIP),
        Config.of(3_000, 5).withShares(MANY_FAULTS).withBounds(Duration.ZERO, Duration.ZERO),
        Config.of(2_000, 6).withShares(NO_FAULTS).withShares(Map.of(Share.DUPLICATES, 0.5)),
        Config.of(2_000, 9).withShares(MANY_FAULTS).withHotKey(0.8),
        Config.of(1, 7),
        Config.of(3, 8).withShares(MANY_FAULTS));
  }

  @ParameterizedTest
  @MethodSource("configs")
  void theKeyEqualsAnIndependentRecountOfTheFiles(Config config) throws IOException {
    // When
    AnswerKey key = ClickstreamGenerator.with(config).writeTo(directory);

    // Then
    assertThat(key.files(), is(recount(key, config)));
    assertThat(key.total().read(), is(config.records()));
    assertThat(key.total().balances(), is(true));
    assertThat(AnswerKey.readFrom(directory), is(key));
  }

  @Test
  void equalConfigsGiveEqualBytesAndOtherSeedsOthers() throws IOException {
    // Given
    Config config = Config.of(4_000, 42).withShares(MANY_FAULTS);

    // When
    ClickstreamGenerator.with(config).writeTo(directory.resolve("a"));
    ClickstreamGenerator.with(config).writeTo(directory.resolve("b"));
    ClickstreamGenerator.with(Config.of(4_000, 43).withShares(MANY_FAULTS))
        .writeTo(directory.resolve("c"));

    // Then
    for (int file = 0; file < 4; file++) {
      assertThat(text("a", file), equalTo(text("b", file)));
      assertThat(text("a", file), not(equalTo(text("c", file))));
    }
  }

  @Test
  void theBytesAreTheSameOnEveryMachine() throws Exception {
    // When
    ClickstreamGenerator.with(Config.of(2_000, 42).withShares(MANY_FAULTS).withFiles(1))
        .writeTo(directory);

    // Then
    byte[] bytes = Files.readAllBytes(directory.resolve("clickstream-00000.jsonl"));
    assertThat(
        HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)),
        is("2248edde5d0844be7f8976b8dfb9358df0309b8090e705c5357a80b76ef6ae22"));
  }

  @Test
  void oneVisitorHasTheShareOfTheHotKey() throws IOException {
    // When
    AnswerKey key =
        ClickstreamGenerator.with(
                Config.of(4_000, 9).withShares(NO_FAULTS).withFiles(1).withHotKey(0.8))
            .writeTo(directory);

    // Then
    Map<String, Long> events =
        Files.readAllLines(directory.resolve("clickstream-00000.jsonl")).stream()
            .map(line -> line.replaceAll(".*\"user_id\"\\s*:\\s*\"([^\"]*)\".*", "$1"))
            .collect(Collectors.groupingBy(user -> user, Collectors.counting()));
    assertThat(Collections.max(events.values()) / 4_000.0, closeTo(0.8, 0.03));
    assertThat(key.config().get("hot_key"), is("0.8"));
  }

  @Test
  void everyReasonOccurs() throws IOException {
    // When
    AnswerKey key =
        ClickstreamGenerator.with(Config.of(5_000, 1).withShares(MANY_FAULTS)).writeTo(directory);

    // Then
    // A connector fails on what it reads, not on what a file holds.
    assertThat(
        key.total().rejects().keySet(),
        is(EnumSet.complementOf(EnumSet.of(Reason.CONNECTOR_FAILURE))));
    assertThat(key.total().orphans().keySet(), is(Set.of("product_id")));
    assertThat(key.total().revenue(), greaterThan(BigDecimal.ZERO));
  }

  @Test
  void sharesComeOutAsStated() throws IOException {
    // When
    Counts total = ClickstreamGenerator.with(Config.of(200_000, 1)).writeTo(directory).total();

    // Then
    long invalid = total.invalid().values().stream().mapToLong(n -> n).sum();
    assertThat(invalid / 2e5, closeTo(0.02, 0.002));
    assertThat(
        Objects.requireNonNull(total.orphans().get("product_id")) / 2e5, closeTo(0.005, 0.001));
    assertThat(total.duplicate() / 2e5, closeTo(0.01, 0.001));
    assertThat(total.late() / 2e5, closeTo(0.01, 0.001));
    assertThat(total.future() / 2e5, closeTo(0.003, 0.001));
  }

  @Test
  void goodEventsHaveEveryFieldOfTheContractAndSomeHaveNoProduct() throws IOException {
    // When
    AnswerKey key =
        ClickstreamGenerator.with(Config.of(2_000, 1).withShares(NO_FAULTS)).writeTo(directory);

    // Then
    Set<String> seen = new TreeSet<>();
    Set<Object> actions = new TreeSet<>();
    int withoutProduct = 0;
    for (Map<String, Object> event : events(key)) {
      seen.addAll(event.keySet());
      actions.add(event.get("action"));
      withoutProduct += event.containsKey("product_id") ? 0 : 1;
    }
    assertThat(seen, is(new TreeSet<>(EVENT.fields().stream().map(FieldContract::name).toList())));
    assertThat(actions, is(Set.of("view", "search", "cart", "checkout", "purchase")));
    assertThat(withoutProduct, greaterThan(100));
  }

  @Test
  void recordsStandInTheOrderOfTheirArrivalAndCopiesFollowWithinFiveMinutes() throws IOException {
    // Given
    Config config =
        Config.of(5_000, 3).withShares(NO_FAULTS).withShares(Map.of(Share.DUPLICATES, 0.1));

    // When
    AnswerKey key = ClickstreamGenerator.with(config).writeTo(directory);

    // Then
    Instant last = Instant.MIN;
    List<Long> behind = new ArrayList<>();
    Set<Object> ids = new HashSet<>();
    for (Map<String, Object> event : events(key)) {
      Instant arrived = (Instant) event.get("arrived_at");
      if (arrived == null) {
        continue;
      }
      if (ids.add(Objects.requireNonNull(event.get("event_id")))) {
        assertThat(arrived.isBefore(last), is(false));
        last = arrived;
      } else {
        behind.add(Duration.between(arrived, last).toSeconds());
      }
    }
    assertThat(behind.size(), greaterThan(300));
    assertThat(behind, everyItem(lessThanOrEqualTo(360L)));
  }

  @Test
  void aConfigRefusesWhatMakesNoSenseAndSaysWhy() {
    Config config = Config.of(1_000, 7);
    refused(() -> Config.of(0, 1), "records must be at least 1, not 0");
    refused(() -> config.withFiles(0), "files must be between 1 and 1000");
    refused(() -> config.withShares(Map.of(Share.LATE, -0.1)), "share late must be between 0");
    refused(() -> config.withShares(Map.of(Share.VERSION_2, 0.1)), "share version_2 is of no use");
    refused(() -> config.withShares(Map.of(Share.MALFORMED, 0.99)), "must come to 1 at most");
    refused(() -> config.withBounds(Duration.ofDays(-1), Duration.ZERO), "max lateness must be");
  }

  private static void refused(Runnable config, String message) {
    IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, config::run);
    assertThat(refused.getMessage(), containsString(message));
  }

  /** The good events of a set without faults, in order. */
  private List<Map<String, Object>> events(AnswerKey key) throws IOException {
    List<Map<String, Object>> events = new ArrayList<>();
    for (String file : key.files().keySet()) {
      for (byte[] line : Recount.lines(directory.resolve(file)).values()) {
        Map<String, Object> values = new HashMap<>();
        Set<Reason> wrong = EnumSet.noneOf(Reason.class);
        assertThat(Recount.read(EVENT, line, values, wrong) == null && wrong.isEmpty(), is(true));
        events.add(values);
      }
    }
    return events;
  }

  /** The counts of each file, from the files and the contract alone. */
  private Map<String, Counts> recount(AnswerKey key, Config config) throws IOException {
    Map<String, Counts> files = new LinkedHashMap<>();
    Set<Object> ids = new HashSet<>();
    for (String file : key.files().keySet()) {
      Map<Reason, Long> invalid = new EnumMap<>(Reason.class);
      Map<String, Long> orphans = new TreeMap<>();
      long read = 0;
      long written = 0;
      long late = 0;
      long future = 0;
      long duplicate = 0;
      BigDecimal revenue = new BigDecimal("0.0000");
      BigDecimal units = new BigDecimal("0.0000");
      for (byte[] line : Recount.lines(directory.resolve(file)).values()) {
        read++;
        Map<String, Object> event = new HashMap<>();
        Set<Reason> wrong = EnumSet.noneOf(Reason.class);
        Reason unreadable = Recount.read(EVENT, line, event, wrong);
        if (unreadable != null) {
          wrong.add(unreadable);
        }
        assertThat(wrong.toString(), wrong.size(), lessThanOrEqualTo(1));
        if (!wrong.isEmpty()) {
          invalid.merge(wrong.iterator().next(), 1L, Long::sum);
          continue;
        }
        Instant happened = (Instant) Objects.requireNonNull(event.get("event_time"));
        Instant arrived = (Instant) event.getOrDefault("arrived_at", happened);
        if (arrived.isAfter(happened.plus(config.maxLateness()))) {
          late++;
        } else if (arrived.isBefore(happened.minus(config.maxSkew()))) {
          future++;
        } else if (!ids.add(Objects.requireNonNull(event.get("event_id")))) {
          duplicate++;
        } else if (event.get("product_id") instanceof Integer product
            && !config.products().contains(product)) {
          orphans.merge("product_id", 1L, Long::sum);
        } else {
          written++;
          if ("purchase".equals(event.get("action"))) {
            BigDecimal quantity = new BigDecimal(event.getOrDefault("quantity", 1).toString());
            BigDecimal price = (BigDecimal) event.getOrDefault("price", BigDecimal.ZERO);
            revenue = revenue.add(price.multiply(quantity));
            units = units.add(quantity);
          }
        }
      }
      files.put(
          file,
          new Counts(
              read,
              written,
              invalid,
              late,
              future,
              duplicate,
              orphans,
              revenue,
              units.setScale(4)));
    }
    return files;
  }

  private String text(String folder, int file) throws IOException {
    Path path = directory.resolve(folder).resolve("clickstream-0000" + file + ".jsonl");
    // One character for each byte: compared as text, bytes differ where texts do.
    return Files.readString(path, StandardCharsets.ISO_8859_1);
  }
}
