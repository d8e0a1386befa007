package dev.millrace.pipelines.io.warehouse;

import static dev.millrace.pipelines.io.warehouse.TestPostgres.query;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.not;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Contract;
import dev.millrace.pipelines.UserError;
import dev.millrace.schemas.retail.LocatedStore;
import dev.millrace.schemas.retail.Region;
import dev.millrace.schemas.retail.RevenueDaily;
import dev.millrace.schemas.retail.Store;
import dev.millrace.testing.ExplicitCoders;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.extensions.avro.coders.AvroCoder;
import org.apache.beam.sdk.io.GenerateSequence;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.runners.TransformHierarchy.Node;
import org.apache.beam.sdk.testing.PAssert;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.Distinct;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.SimpleFunction;
import org.apache.beam.sdk.transforms.display.DisplayData;
import org.apache.beam.sdk.values.PCollection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("try") // a prepared warehouse is held, not used
class WarehousePipelineTest {

  private static final List<Contract> CONTRACTS =
      List.of(
          Contract.of(RevenueDaily.class),
          Contract.of(LocatedStore.class),
          Contract.of(Region.class));
  private static final String ANSWER =
      "SELECT day, store_id, product_category, revenue, sales FROM revenue_daily ORDER BY 1, 2, 3";

  private final String url = TestPostgres.newDatabase();
  private final Warehouse warehouse = Warehouse.at(WarehouseConfig.of(url)).withTables(CONTRACTS);

  @TempDir Path directory;

  @Test
  void whatAPipelineStatesIsPublishedOnceTheGateIsOpen() {
    Pipeline pipeline = pipeline();

    PCollection<TableChange> changes =
        write(pipeline, run("r1"), List.of(0), revenue("1997-01-01", 1, "Fruit", "1234.5678"));

    PAssert.that(changes)
        .containsInAnyOrder(
            new TableChange("dim_region", 1, 1, 0, 0, 0),
            new TableChange("dim_store", 2, 2, 0, 0, 0),
            new TableChange("revenue_daily", 1, 1, 0, 0, 0));
    execute(run("r1"), pipeline);
    assertThat(query(url, ANSWER), contains("1997-01-01|1|Fruit|1234.5678|1"));
    assertThat(
        query(
            url, "SELECT store_id, store_name, region_id, sales_region FROM dim_store ORDER BY 1"),
        contains("1|Store 1|7|West", "2|Store 2|7|West"));
  }

  @Test
  void nothingIsPublishedWhileTheGateIsShut() {
    Pipeline pipeline = pipeline();

    PCollection<TableChange> changes =
        write(pipeline, run("r1"), List.of(), revenue("1997-01-01", 1, "Fruit", "1"));

    PAssert.that(changes).empty();
    execute(run("r1"), pipeline);
    assertThat(query(url, ANSWER), empty());
    assertThat(query(url, "SELECT * FROM run"), empty());
  }

  @Test
  void theSecondRunOfTheSameInputChangesNothing() {
    for (String id : List.of("r1", "r2")) {
      Pipeline pipeline = pipeline();
      write(pipeline, run(id), List.of(0), revenue("1997-01-01", 1, "Fruit", "1"));
      execute(run(id), pipeline);
    }

    assertThat(
        query(
            url,
            "SELECT run_id, sum(rows), sum(inserted), sum(updated), sum(deleted) FROM run_change"
                + " GROUP BY 1 ORDER BY 1"),
        contains("r1|4|4|0|0", "r2|4|0|0|0"));
  }

  @Test
  void ofTwoRowsOfOneKeyOneCountsAndTheOtherIsReported() {
    Pipeline pipeline = pipeline();

    PCollection<TableChange> changes =
        write(
            pipeline,
            run("r1"),
            List.of(0),
            revenue("1997-01-01", 1, "Fruit", "1"),
            revenue("1997-01-01", 1, "Fruit", "1"));

    PAssert.that(changes)
        .satisfies(
            all -> {
              List<TableChange> found = new ArrayList<>();
              all.forEach(found::add);
              assertThat(found, hasItem(new TableChange("revenue_daily", 1, 1, 0, 0, 1)));
              return null;
            });
    execute(run("r1"), pipeline);
  }

  @Test
  void anOrphanFailsTheRunWithASentenceAndTheOldAnswerStays() {
    Pipeline first = pipeline();
    write(first, run("r1"), List.of(0), revenue("1997-01-01", 1, "Fruit", "1"));
    execute(run("r1"), first);
    Pipeline second = pipeline();
    write(second, run("r2"), List.of(0), revenue("1997-01-02", 99, "Fruit", "2"));

    RuntimeException failed =
        assertThrows(RuntimeException.class, () -> execute(run("r2"), second));

    UserError explained = warehouse.explain(failed).orElseThrow();
    assertThat(explained.getMessage(), containsString("revenue_daily_store_id_fkey"));
    assertThat(query(url, ANSWER), contains("1997-01-01|1|Fruit|1.0000|1"));
  }

  @Test
  void aRunThatNobodyPreparedIsToldSo() {
    Pipeline pipeline = pipeline();
    write(pipeline, run("r1"), List.of(0));

    RuntimeException failed = assertThrows(RuntimeException.class, () -> run(pipeline));

    UserError explained = warehouse.explain(failed).orElseThrow();
    assertThat(explained.getMessage(), containsString("A run is prepared before it writes"));
  }

  @Test
  void manySmallBundlesAreGatheredIntoFewTransactions() {
    Warehouse regions = warehouse.withTables(List.of(Contract.of(Region.class))).forRun(run("r1"));
    Pipeline pipeline = pipeline();
    List<Region> rows = IntStream.range(0, 500).mapToObj(WarehousePipelineTest::region).toList();
    pipeline
        .apply(Create.of(rows).withCoder(AvroCoder.specific(Region.class)))
        .apply("BundlePerRow", Distinct.create())
        .apply(regions.table(Region.class));

    try (PreparedWarehouse prepared = regions.prepare()) {
      run(pipeline);

      assertThat(
          query(
              url, "SELECT count(*), count(DISTINCT xmin::text) FROM millrace_stage_r1.dim_region"),
          contains("500|4"));
    }
  }

  @Test
  void noSecretIsInThePipelineItsDisplayDataOrItsSerializedForm() throws IOException {
    Path file = Files.writeString(directory.resolve("password"), "open sesame");
    WarehouseConfig config = WarehouseConfig.of(url, "clerk", "file:" + file);
    Warehouse secret =
        Warehouse.at(config).forRun(run("r1")).withTables(List.of(Contract.of(Region.class)));
    Pipeline pipeline = pipeline();
    PCollection<Void> written =
        pipeline
            .apply(Create.empty(AvroCoder.specific(Region.class)))
            .apply(secret.table(Region.class));
    pipeline.apply("Gate", Create.of(1)).apply(secret.publish().after(List.of(written)));

    StringBuilder seen = new StringBuilder(secret + " " + config);
    pipeline.traverseTopologically(
        new Pipeline.PipelineVisitor.Defaults() {
          @Override
          public void visitPrimitiveTransform(Node node) {
            seen.append(DisplayData.from(node.getTransform()));
          }
        });
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    new ObjectOutputStream(bytes).writeObject(secret);
    seen.append(bytes.toString(StandardCharsets.ISO_8859_1));

    assertThat(
        seen.toString(),
        allOf(
            not(containsString("sesame")), containsString("INSERT INTO"), containsString("file:")));
  }

  @Test
  void noCollectionIsMovedByJavaSerialization() {
    Pipeline pipeline = pipeline();
    write(pipeline, run("r1"), List.of(0));

    ExplicitCoders.in(pipeline);
  }

  @Test
  void anUnboundedInputAndATableThatWasNotNamedAreRefused() {
    Warehouse ready = warehouse.forRun(run("r1"));
    PCollection<Region> unbounded =
        pipeline()
            .apply(GenerateSequence.from(0))
            .apply(MapElements.via(new SimpleFunction<Long, Region>(n -> region(n.intValue())) {}))
            .setCoder(AvroCoder.specific(Region.class));

    assertThrows(IllegalArgumentException.class, () -> unbounded.apply(ready.table(Region.class)));
    assertThrows(IllegalArgumentException.class, () -> ready.table(Store.class));
    assertThrows(IllegalStateException.class, () -> warehouse.table(Region.class));
  }

  private PCollection<TableChange> write(
      Pipeline pipeline, Run run, List<Integer> gate, RevenueDaily... revenue) {
    Warehouse to = warehouse.forRun(run);
    List<PCollection<Void>> written =
        List.of(
            apply(pipeline, to, Region.class, List.of(region(7))),
            apply(pipeline, to, LocatedStore.class, List.of(store(1), store(2))),
            apply(pipeline, to, RevenueDaily.class, List.of(revenue)));
    return pipeline
        .apply("Gate", Create.of(gate).withCoder(VarIntCoder.of()))
        .apply("PublishWarehouse", to.publish().after(written));
  }

  private static <T extends SpecificRecord> PCollection<Void> apply(
      Pipeline pipeline, Warehouse to, Class<T> type, List<T> rows) {
    return pipeline
        .apply("Create" + type.getSimpleName(), Create.of(rows).withCoder(AvroCoder.specific(type)))
        .apply("Write" + type.getSimpleName(), to.table(type));
  }

  private void execute(Run run, Pipeline pipeline) {
    try (PreparedWarehouse prepared = warehouse.forRun(run).prepare()) {
      run(pipeline);
    }
  }

  private static void run(Pipeline pipeline) {
    pipeline.run().waitUntilFinish();
  }

  private static Run run(String id) {
    return TestPostgres.run(id);
  }

  private static Pipeline pipeline() {
    return Pipeline.create(PipelineOptionsFactory.create());
  }

  private static Region region(int id) {
    return new Region(id, "Salem", "OR", "North West", "West", "USA");
  }

  private static LocatedStore store(int id) {
    return new LocatedStore(
        new Store(id, "Deluxe", 7, "Store " + id, "Salem", "OR", "USA", null), "West");
  }

  private static RevenueDaily revenue(String day, int store, String category, String amount) {
    BigDecimal revenue = new BigDecimal(amount).setScale(4);
    return new RevenueDaily(LocalDate.parse(day), store, category, revenue, revenue, revenue, 1L);
  }
}
