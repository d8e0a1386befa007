package dev.millrace.pipelines.report;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.deser.std.StdScalarDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.time.LocalDate;
import java.util.function.Function;

/**
 * The two files of a report. The same report gives the same bytes.
 *
 * <p>In JSON, decimals, days and instants are strings: {@code "1764546.4400"}, {@code
 * "1998-12-30"}, {@code "1999-01-04T05:06:07Z"}.
 */
public final class ReportFiles {

  /** Name of the file for machines. */
  public static final String JSON = "report.json";

  /** Name of the file for people. */
  public static final String HTML = "report.html";

  private static final ObjectMapper MAPPER = mapper();

  // Not the line ends of the platform: the same report gives the same bytes everywhere.
  private static final ObjectWriter WRITER =
      MAPPER.writer(new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n")));

  private ReportFiles() {}

  /** Writes both files into a directory, in place of former ones; a reader never sees half. */
  public static void write(RunReport report, Path directory) throws IOException {
    Files.createDirectories(directory);
    replace(directory.resolve(JSON), json(report));
    replace(directory.resolve(HTML), html(report));
  }

  /** The report as JSON. */
  public static String json(RunReport report) {
    try {
      return WRITER.writeValueAsString(report) + "\n";
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
  }

  /** The report as a page of HTML that needs nothing but itself. */
  public static String html(RunReport report) {
    return new ReportPage(report).html();
  }

  /** The report that {@link #json} wrote. */
  public static RunReport read(String json) throws IOException {
    return MAPPER.readValue(json, RunReport.class);
  }

  private static void replace(Path file, String text) throws IOException {
    Path whole = file.resolveSibling("." + file.getFileName() + ".new");
    Files.write(whole, text.getBytes(StandardCharsets.UTF_8));
    try {
      Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(whole, file, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static ObjectMapper mapper() {
    SimpleModule texts = new SimpleModule();
    texts.addSerializer(Instant.class, ToStringSerializer.instance);
    texts.addSerializer(LocalDate.class, ToStringSerializer.instance);
    texts.addDeserializer(Instant.class, new FromText<>(Instant.class, Instant::parse));
    texts.addDeserializer(LocalDate.class, new FromText<>(LocalDate.class, LocalDate::parse));
    ObjectMapper mapper = new ObjectMapper().registerModule(texts);
    mapper
        .configOverride(BigDecimal.class)
        .setFormat(JsonFormat.Value.forShape(JsonFormat.Shape.STRING));
    return mapper
        .enable(JsonGenerator.Feature.WRITE_BIGDECIMAL_AS_PLAIN)
        // What is derived is written too; a reader derives it again.
        .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);
  }

  private static final class FromText<T> extends StdScalarDeserializer<T> {
    private final transient Function<String, T> parse;

    private FromText(Class<T> type, Function<String, T> parse) {
      super(type);
      this.parse = parse;
    }

    @Override
    public T deserialize(JsonParser parser, DeserializationContext context) throws IOException {
      return parse.apply(parser.getText());
    }
  }
}
