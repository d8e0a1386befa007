package dev.millrace.pipelines.io;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.nullValue;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Reason;
import dev.millrace.pipelines.Captured;
import dev.millrace.pipelines.UserError;
import dev.millrace.pipelines.io.Manifest.DataFile;
import dev.millrace.schemas.retail.RevenueDaily;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.testing.ExplicitCoders;
import dev.millrace.testing.Records;
import dev.millrace.transforms.DeadLetters;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.RecordCoder;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.SourcedCoder;
import dev.millrace.transforms.refine.Vault;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Reshuffle;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LakeTest {

  /** What stands at the gate of a run. */
  enum Gate {
    OPEN,
    SHUT,
    BROKEN
  }

  @TempDir Path directory;
  private Path lake;
  private String secret;

  @BeforeEach
  void aLakeAndASecret() throws IOException {
    lake = directory.resolve("lake");
    secret = "file:" + directory.resolve("key");
    Vault.createIfAbsent(directory.resolve("key"));
  }

  @Test
  void theManifestNamesExactlyTheFilesOfTheLakeEachByItsContent() throws Exception {
    // When
    List<KV<String, Long>> published = run("r1", rows(100), Gate.OPEN);

    // Then
    Manifest manifest = manifest();
    assertThat(manifest.pipeline(), is("sales"));
    assertThat(manifest.run(), is("r1"));
    List<String> expected = new ArrayList<>(paths(manifest));
    expected.add(Manifest.NAME);
    assertThat(TestFiles.below(lake), containsInAnyOrder(expected.toArray()));
    for (DataFile file : manifest.files()) {
      byte[] bytes = Files.readAllBytes(lake.resolve(file.path()));
      assertThat(file.sha256(), is(sha256(bytes)));
      assertThat(file.bytes(), is((long) bytes.length));
      assertThat(file.path(), containsString("part-" + file.sha256().substring(0, 16)));
    }
    assertThat(
        manifest.files().stream()
            .map(f -> f.layer() + " " + f.table() + " " + f.partition() + " " + f.rows())
            .toList(),
        contains(
            "bronze sales source=a.json/block=0 50",
            "bronze sales source=b.json/block=1 50",
            "gold revenue_daily  100",
            "rejects dead_letter reason=LATE 1",
            "rejects dead_letter reason=MALFORMED 2",
            "silver revenue month=1997-01 60",
            "silver revenue month=1997-02 40"));
    assertThat(published, hasItem(KV.of("gold/revenue_daily", 100L)));
    assertThat(published, hasItem(KV.of("silver/revenue", 60L)));
  }

  @Test
  void theSameDataInAnotherOrderIsTheSameFilesByteForByte() {
    List<RevenueDaily> rows = rows(100);
    run("r1", rows, Gate.OPEN);
    Manifest first = manifest();
    List<RevenueDaily> shuffled = new ArrayList<>(rows);
    Collections.shuffle(shuffled, new Random(7));

    run("r2", shuffled, Gate.OPEN);

    assertThat(manifest().run(), is("r2"));
    assertThat(manifest().files(), equalTo(first.files()));
  }

  @Test
  void aRunOfOtherDataReplacesTheFilesOfTheOneBefore() {
    run("r1", rows(100), Gate.OPEN);
    List<String> before = paths(manifest());

    run("r2", rows(40), Gate.OPEN);

    List<String> expected = new ArrayList<>(paths(manifest()));
    assertThat(before.stream().filter(expected::contains).toList(), hasSize(2)); // rejects
    expected.add(Manifest.NAME);
    assertThat(TestFiles.below(lake), containsInAnyOrder(expected.toArray()));
    assertThat(TestFiles.read(lake.resolve("gold/revenue_daily")), hasSize(40));
  }

  @ParameterizedTest
  @ValueSource(strings = {"SHUT", "BROKEN"})
  void aRunThatIsRefusedOrFailsLeavesTheLakeAsItWasAndItsRepetitionPublishes(Gate gate)
      throws Exception {
    // Given
    run("r1", rows(100), Gate.OPEN);
    Manifest before = manifest();
    List<String> answer = TestFiles.read(lake.resolve("gold/revenue_daily"));

    // When
    if (gate == Gate.BROKEN) {
      assertThrows(RuntimeException.class, () -> run("r2", rows(40), gate));
    } else {
      assertThat(run("r2", rows(40), gate), hasSize(0));
    }

    // Then
    assertThat(manifest(), equalTo(before));
    for (DataFile file : before.files()) {
      assertThat(sha256(Files.readAllBytes(lake.resolve(file.path()))), is(file.sha256()));
    }
    assertThat(TestFiles.read(lake.resolve("gold/revenue_daily")), equalTo(answer));

    // When
    run("r2", rows(40), Gate.OPEN);

    // Then
    assertThat(manifest().run(), is("r2"));
    List<String> expected = new ArrayList<>(paths(manifest()));
    expected.add(Manifest.NAME);
    assertThat(TestFiles.below(lake), containsInAnyOrder(expected.toArray()));
  }

  @Test
  void whatARunLeftThatDiedWhileItPublishedIsMendedOrRemoved() throws Exception {
    // Given
    run("r1", rows(100), Gate.OPEN);
    DataFile gold = manifest().table("gold", "revenue_daily").get(0);
    Files.delete(lake.resolve(Manifest.NAME));
    Files.write(lake.resolve(gold.path()), new byte[10]);
    Path half =
        Files.write(lake.resolve("gold/revenue_daily/.part-0123456789abcdef.parquet"), new byte[3]);
    Path unnamed =
        Files.write(lake.resolve("gold/revenue_daily/part-0123456789abcdef.parquet"), new byte[3]);
    Path own = Files.write(lake.resolve("mine.parquet"), new byte[3]);
    Path alsoOwn = Files.write(lake.resolve("gold/revenue_daily/mine.parquet"), new byte[3]);
    Path folder = Files.createDirectory(lake.resolve("notes"));
    Path dead = staged("dead", Instant.now().minusSeconds(2 * 86_400));
    Path alive = staged("alive", Instant.now());

    // When
    run("r2", rows(100), Gate.OPEN);

    // Then
    assertThat(manifest().table("gold", "revenue_daily"), contains(gold));
    assertThat(sha256(Files.readAllBytes(lake.resolve(gold.path()))), is(gold.sha256()));
    for (Path leftover : List.of(half, unnamed, dead)) {
      assertThat(leftover + " is left", Files.exists(leftover), is(false));
    }
    assertThat("another run's staging is left", Files.exists(alive), is(true));
    for (Path kept : List.of(own, alsoOwn, folder)) {
      assertThat(kept + ", which no run made, is left", Files.exists(kept), is(true));
    }
  }

  @Test
  void filesAreZstdAndMoneyIsDecimal() throws IOException {
    run("r1", rows(100), Gate.OPEN);

    for (DataFile file : manifest().files()) {
      ParquetMetadata footer = footer(lake.resolve(file.path()));
      assertThat(
          footer.getBlocks().stream()
              .flatMap(b -> b.getColumns().stream())
              .map(c -> c.getCodec())
              .toList(),
          everyItem(is(CompressionCodecName.ZSTD)));
      if (!file.layer().equals("bronze") && !file.layer().equals("rejects")) {
        String schema = footer.getFileMetaData().getSchema().toString();
        for (String money : List.of("revenue", "cost", "units")) {
          assertThat(schema, containsString("required binary " + money + " (DECIMAL(20,4));"));
        }
        assertThat(schema, containsString("required int32 day (DATE);"));
      }
    }
  }

  @Test
  void answersAreSortedByTheirColumnsAndExact() {
    run("r1", List.of(row(40, 2, "2.5"), row(1, 1, "-0.0001"), row(40, 1, "1")), Gate.OPEN);

    assertThat(
        TestFiles.read(lake.resolve("gold/revenue_daily")).stream()
            .map(r -> r.replaceFirst("^[^ ]* ", ""))
            .toList(),
        contains(
            "{\"day\":\"1997-01-02\",\"store_id\":1,\"product_category\":\"Fruit\",\"revenue\":-0.0001,\"cost\":1.0000,\"units\":3.0000,\"sales\":3}",
            "{\"day\":\"1997-02-10\",\"store_id\":1,\"product_category\":\"Fruit\",\"revenue\":1.0000,\"cost\":1.0000,\"units\":3.0000,\"sales\":3}",
            "{\"day\":\"1997-02-10\",\"store_id\":2,\"product_category\":\"Fruit\",\"revenue\":2.5000,\"cost\":1.0000,\"units\":3.0000,\"sales\":3}"));
  }

  @Test
  void silverRowsSayWhereTheyCameFrom() {
    run("r1", List.of(row(1, 1, "1")), Gate.OPEN);

    assertThat(
        TestFiles.read(lake.resolve("silver/revenue")).get(0),
        containsString(
            "\"source\":\"a.json\",\"position\":0,\"arrival_time\":\"1997-01-05T00:00:00Z\",\"contract_version\":1}"));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void bronzeGivesEveryRecordBackAsItArrived(boolean encrypted) throws IOException {
    // Given
    List<RawRecord> arrived =
        List.of(
            raw("sales 1997.json", 0, Origin.NO_ARRIVAL, new byte[] {0, (byte) 0xFF, '\n'}),
            raw("sales 1997.json", 1L << 23, 852_174_245_006L, bytes("{\"name\":\"zebra\"}")),
            raw("topic-3", Long.MAX_VALUE, -1, new byte[0]));
    Pipeline pipeline = TestFiles.pipeline();
    Lake bronze =
        Lake.at(lake, "sales", "r1")
            .add(
                "Bronze",
                pipeline.apply(Create.of(arrived).withCoder(RawRecord.coder())),
                Lake.bronze("sales", encrypted ? secret : null, Set.of()));
    publish(pipeline, bronze, Gate.OPEN);
    pipeline.run().waitUntilFinish();

    // When
    RecordFiles table =
        RecordFiles.read(
            "--sales", lake.resolve("bronze/sales").toString(), Contract.of(RevenueDaily.class));
    List<RawRecord> back = TestFiles.read(encrypted ? table.withSecret(secret) : table);

    // Then
    assertThat(back, equalTo(arrived));
    for (DataFile file : manifest().files()) {
      String stored = Files.readString(lake.resolve(file.path()), StandardCharsets.ISO_8859_1);
      assertThat(stored, encrypted ? not(containsString("zebra")) : not(is("")));
    }
    if (encrypted) {
      RuntimeException failed = assertThrows(RuntimeException.class, () -> TestFiles.read(table));
      assertThat(
          Captured.userError(failed).map(UserError::getMessage).orElse("unexplained: " + failed),
          containsString("give the secret they were encrypted with"));
    }
  }

  @Test
  void beforeTheFirstRunThereIsNoManifest() {
    assertThat(Manifest.read(lake), is(nullValue()));
  }

  @Test
  void aTableThatTheLakeDoesNotHaveAndADamagedManifestAreSaid() throws IOException {
    run("r1", rows(1), Gate.OPEN);
    Files.createDirectories(lake.resolve("gold/nothing"));
    RecordFiles missing = files(lake.resolve("gold/nothing"));
    RecordFiles damaged = files(lake.resolve("gold/revenue_daily"));

    UserError noTable = assertThrows(UserError.class, missing::check);
    Files.writeString(lake.resolve(Manifest.NAME), "{\"pipeline\": \"sa");
    UserError noManifest = assertThrows(UserError.class, damaged::check);

    assertThat(noTable.getMessage(), containsString("the manifest of the lake names no file of"));
    assertThat(
        noManifest.getMessage(),
        allOf(containsString(lake.resolve(Manifest.NAME).toString()), containsString("damaged")));
  }

  @Test
  void aManifestOfSomeoneElseAboveDataFilesIsNoConcernOfALake() throws IOException {
    Path data = Files.createDirectories(directory.resolve("raw/sales"));
    Files.writeString(directory.resolve(Manifest.NAME), "{\"name\": \"my-web-app\"}");
    Files.writeString(data.resolve("a.json"), "{}\n");

    assertThat(TestFiles.read(data), contains("a.json:0 {}"));
  }

  @Test
  void noCollectionIsMovedByJavaSerialization() {
    Pipeline pipeline = TestFiles.pipeline();
    build(pipeline, "r1", rows(1), Gate.OPEN);

    ExplicitCoders.in(pipeline);
  }

  private List<KV<String, Long>> run(String run, List<RevenueDaily> rows, Gate gate) {
    Pipeline pipeline = TestFiles.pipeline();
    Captured<KV<String, Long>> published = Captured.of(build(pipeline, run, rows, gate));
    pipeline.run().waitUntilFinish();
    return published.list();
  }

  /** A run with a table in each layer. */
  private PCollection<KV<String, Long>> build(
      Pipeline pipeline, String run, List<RevenueDaily> rows, Gate gate) {
    List<Sourced<RevenueDaily>> sourced = new ArrayList<>();
    List<RawRecord> raw = new ArrayList<>();
    for (RevenueDaily row : rows) {
      boolean even = row.getStoreId() % 2 == 0;
      String source = even ? "b.json" : "a.json";
      long position = (even ? 1L << 23 : 0) + row.getDay().getDayOfYear() - 2;
      sourced.add(Records.sourced(row).arrived("1997-01-05T00:00:00Z").at(source, position));
      raw.add(
          raw(source, position, Origin.NO_ARRIVAL, bytes("{\"day\":\"" + row.getDay() + "\"}")));
    }
    Lake to =
        Lake.at(lake, "sales", run)
            .add(
                "Bronze",
                pipeline.apply("Raw", Create.of(raw).withCoder(RawRecord.coder())),
                Lake.bronze("sales", secret, Set.of()))
            .add(
                "Silver",
                pipeline.apply(
                    "Sourced",
                    Create.of(sourced)
                        .withCoder(SourcedCoder.of(RecordCoder.of(RevenueDaily.class)))),
                Lake.silver(
                    "revenue",
                    RevenueDaily.class,
                    r -> "month=" + r.value().getDay().toString().substring(0, 7)))
            .add(
                "Gold",
                pipeline
                    .apply("Rows", Create.of(rows).withCoder(RecordCoder.of(RevenueDaily.class)))
                    .apply("BundlePerRow", Reshuffle.viaRandomKey()),
                Lake.gold(RevenueDaily.class))
            .add(
                "Rejects",
                pipeline.apply(
                    "Letters",
                    Create.of(
                            letter(Reason.LATE, 1),
                            letter(Reason.MALFORMED, 2),
                            letter(Reason.MALFORMED, 3))
                        .withCoder(DeadLetters.coder())),
                Lake.rejects());
    return publish(pipeline, to, gate);
  }

  private static PCollection<KV<String, Long>> publish(Pipeline pipeline, Lake to, Gate gate) {
    return pipeline
        .apply(
            "Gate",
            Create.of(gate == Gate.SHUT ? List.<Integer>of() : List.of(1))
                .withCoder(VarIntCoder.of()))
        .apply("Check", ParDo.of(new Check(gate)))
        .setCoder(VarIntCoder.of())
        .apply("PublishLake", to.publish().after(to.write()));
  }

  /** So many rows of January and February 1997, each another one. */
  private static List<RevenueDaily> rows(int count) {
    return IntStream.range(0, count).mapToObj(i -> row(1 + i / 2, 1 + i % 2, "1." + i)).toList();
  }

  private static RevenueDaily row(int day, int store, String revenue) {
    return new RevenueDaily(
        LocalDate.of(1997, 1, 1).plusDays(day),
        store,
        "Fruit",
        new BigDecimal(revenue).setScale(4),
        new BigDecimal("1.0000"),
        new BigDecimal("3.0000"),
        3L);
  }

  private static DeadLetter letter(Reason reason, long position) {
    return DeadLetters.of(
        "Refine",
        reason,
        "why",
        null,
        Contract.of(RevenueDaily.class),
        1,
        Origin.NO_ARRIVAL,
        new Origin("a.json", position, Origin.NO_ARRIVAL),
        bytes("{"));
  }

  private Path staged(String run, Instant touched) throws IOException {
    Path file = lake.resolve(".staging").resolve(run).resolve("gold/revenue_daily/part.parquet");
    Files.createDirectories(file.getParent());
    Files.write(file, new byte[5]);
    return Files.setLastModifiedTime(file, FileTime.from(touched));
  }

  private Manifest manifest() {
    return Objects.requireNonNull(Manifest.read(lake), "nothing was published");
  }

  private static RecordFiles files(Path place) {
    return RecordFiles.read("--sales", place.toString(), TestFiles.REVENUE);
  }

  private static List<String> paths(Manifest manifest) {
    return manifest.files().stream().map(DataFile::path).toList();
  }

  private static ParquetMetadata footer(Path file) throws IOException {
    try (ParquetFileReader reader =
        ParquetFileReader.open(
            new ChannelInputFile(file.toString(), Files.size(file)),
            ParquetReadOptions.builder(new PlainParquetConfiguration()).build())) {
      return reader.getFooter();
    }
  }

  private static RawRecord raw(String source, long position, long arrival, byte[] payload) {
    return new RawRecord(payload, new Origin(source, position, arrival));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String sha256(byte[] bytes) throws GeneralSecurityException {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  private static final class Check extends DoFn<Integer, Integer> {
    private final Gate gate;

    private Check(Gate gate) {
      this.gate = gate;
    }

    @ProcessElement
    public void process(@Element Integer element, OutputReceiver<Integer> out) {
      if (gate == Gate.BROKEN) {
        throw new IllegalStateException("the gate is broken");
      }
      out.output(element);
    }
  }
}
