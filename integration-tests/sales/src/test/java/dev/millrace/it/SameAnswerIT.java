package dev.millrace.it;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.not;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.luben.zstd.ZstdOutputStream;
import dev.millrace.benchmarks.DuckDbSales;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.apache.avro.Conversions;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The same sales, brought in different forms, have the same answers. */
class SameAnswerIT {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> IDS =
      List.of("product_id", "time_id", "customer_id", "promotion_id", "store_id");
  private static final List<String> AMOUNTS = List.of("store_sales", "store_cost", "unit_sales");

  private static Path home;
  private static Path sample;
  private static Path sales;
  private static Program program;
  private static Server server;
  private static Map<String, List<String>> answers;

  @BeforeAll
  static void answerOneFileOfJson(@TempDir Path directory) throws Exception {
    home = directory;
    sample = home.resolve("sample");
    sales = FoodMart.sampleInto(sample, 3);
    program = Program.warmIn(home, Map.of());
    server = Server.in(home.resolve("server"));
    answers = run("one_file", sales.toString(), FoodMart.dimensionOptions(sample));
  }

  @AfterAll
  static void close() {
    program.close();
    server.close();
  }

  /** A form the sales can have. */
  enum Form {
    CSV {
      @Override
      String write(Path into) throws Exception {
        Path file = into.resolve("sales.csv");
        duckDb("COPY (SELECT * FROM '" + sales + "') TO '" + file + "' (HEADER)");
        return file.toString();
      }
    },
    PARQUET {
      @Override
      String write(Path into) throws Exception {
        Path file = into.resolve("sales.parquet");
        duckDb(
            "COPY (SELECT * REPLACE ("
                + "CAST(store_sales AS DECIMAL(12, 4)) AS store_sales,"
                + " CAST(store_cost AS DECIMAL(12, 4)) AS store_cost,"
                + " CAST(unit_sales AS DECIMAL(12, 4)) AS unit_sales) FROM '"
                + sales
                + "') TO '"
                + file
                + "' (FORMAT parquet)");
        return file.toString();
      }
    },
    AVRO {
      @Override
      String write(Path into) throws Exception {
        return avro(into.resolve("sales.avro")).toString();
      }
    },
    /** Of a directory, a glob and a file, plain and compressed, in another order. */
    PARTS {
      @Override
      String write(Path into) throws Exception {
        List<Path> parts = parts(into);
        Path directory = Files.createDirectories(into.resolve("directory"));
        Files.move(parts.get(0), directory.resolve("part.json"));
        try (OutputStream out =
            new GZIPOutputStream(Files.newOutputStream(into.resolve("one.json.gz")))) {
          Files.copy(parts.get(1), out);
        }
        Path file = into.resolve("other.json.zst");
        try (OutputStream out = new ZstdOutputStream(Files.newOutputStream(file))) {
          Files.copy(parts.get(2), out);
        }
        Files.writeString(into.resolve("notes.txt"), "not sales");
        return String.join(",", directory.toString(), into + "/*.json.gz", file.toString());
      }
    };

    abstract String write(Path into) throws Exception;
  }

  @Test
  void theAnswerIsThatOfAnotherEngine() throws Exception {
    // When
    try (Connection expected = DuckDbSales.compute(sample, sales.toString(), 2)) {
      // Then
      for (Map.Entry<String, String> table : Tables.ANSWERS.entrySet()) {
        List<String> wanted =
            Tables.rows(expected, "SELECT " + table.getValue() + " FROM " + table.getKey());
        assertThat(table.getKey(), wanted, not(empty()));
        assertThat(table.getKey(), answers.get(table.getKey()), equalTo(wanted));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void theSameSalesInAnotherFormHaveTheSameAnswer(Form form) throws Exception {
    // Given
    String source = form.write(Files.createDirectories(home.resolve(form.name())));

    // When
    Map<String, List<String>> found =
        run(form.name().toLowerCase(Locale.ROOT), source, FoodMart.dimensionOptions(sample));

    // Then
    assertThat(found, equalTo(answers));
  }

  @Test
  void theBronzeOfALakeHasTheSameAnswer() throws Exception {
    // Given
    Path bronze = home.resolve("lake_one_file/bronze");

    // When
    Map<String, List<String>> found =
        run(
            "bronze",
            bronze.resolve("sales").toString(),
            List.of(
                "--customers=" + bronze.resolve("customers"),
                "--products=" + bronze.resolve("products"),
                "--product-classes=" + bronze.resolve("product_classes"),
                "--stores=" + bronze.resolve("stores"),
                "--promotions=" + bronze.resolve("promotions"),
                "--days=" + bronze.resolve("days"),
                "--regions=" + bronze.resolve("regions")));

    // Then
    assertThat(found, equalTo(answers));
  }

  /** Runs into a lake and a warehouse of its own, and returns the answers. */
  private static Map<String, List<String>> run(String name, String source, List<String> dimensions)
      throws Exception {
    List<String> arguments = new ArrayList<>(List.of("run", "sales", "--sales=" + source));
    arguments.addAll(dimensions);
    arguments.add("--lake=lake_" + name);
    arguments.add("--report=report_" + name);
    arguments.add("--warehouse=" + server.newWarehouse("it_" + name));
    program.run(arguments.toArray(String[]::new)).succeeded();
    try (Connection warehouse = server.connect("it_" + name)) {
      return Tables.answers(warehouse);
    }
  }

  /** Three files with the lines in another order. */
  private static List<Path> parts(Path into) throws IOException {
    List<String> lines = new ArrayList<>(Files.readAllLines(sales));
    Collections.shuffle(lines, new Random(11));
    List<Path> files = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      files.add(
          Files.write(
              into.resolve("part-" + i + ".json"),
              lines.subList(lines.size() * i / 3, lines.size() * (i + 1) / 3)));
    }
    return files;
  }

  private static void duckDb(String sql) throws Exception {
    try (Connection duck = Tables.duckDb()) {
      Tables.execute(duck, sql);
    }
  }

  private static Path avro(Path file) throws IOException {
    Schema amount = LogicalTypes.decimal(12, 4).addToSchema(Schema.create(Schema.Type.BYTES));
    List<Schema.Field> fields = new ArrayList<>();
    IDS.forEach(id -> fields.add(new Schema.Field(id, Schema.create(Schema.Type.INT))));
    AMOUNTS.forEach(name -> fields.add(new Schema.Field(name, amount)));
    Schema schema = Schema.createRecord("Sale", null, "it", false, fields);
    Conversions.DecimalConversion conversion = new Conversions.DecimalConversion();
    try (DataFileWriter<GenericData.Record> writer =
        new DataFileWriter<>(new GenericDatumWriter<GenericData.Record>(schema))) {
      writer.create(schema, file.toFile());
      for (String line : Files.readAllLines(sales)) {
        JsonNode sale = JSON.readTree(line);
        GenericData.Record row = new GenericData.Record(schema);
        IDS.forEach(id -> row.put(id, sale.get(id).intValue()));
        AMOUNTS.forEach(
            name ->
                row.put(
                    name,
                    conversion.toBytes(
                        new BigDecimal(sale.get(name).asText()).setScale(4),
                        amount,
                        LogicalTypes.decimal(12, 4))));
        writer.append(row);
      }
    }
    return file;
  }
}
