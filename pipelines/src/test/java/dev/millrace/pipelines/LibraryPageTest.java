package dev.millrace.pipelines;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsInAnyOrder;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.emptyString;
import static org.hamcrest.Matchers.is;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.apache.avro.compiler.specific.SpecificCompiler;
import org.apache.avro.generic.GenericData.StringType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/** What {@code docs/library.md} shows compiles, its test is green, and its pipeline runs. */
class LibraryPageTest {

  private static final Path PAGE = Path.of("../docs/library.md");
  private static final Pattern FILE =
      Pattern.compile("^`(src/\\S+)`:\n\n```\\w+\n(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL);

  @TempDir private Path project;
  private URLClassLoader classes;
  private ClassLoader before;

  @BeforeEach
  void build() throws IOException {
    Path generated = project.resolve("generated");
    Path target = Files.createDirectories(project.resolve("classes"));
    Map<String, Path> files = filesOfThePage();
    generate(Objects.requireNonNull(files.get("reading.avsc")), generated);
    compile(target, sources(project));
    before = Thread.currentThread().getContextClassLoader();
    classes = new URLClassLoader(new URL[] {target.toUri().toURL()}, before);
    Thread.currentThread().setContextClassLoader(classes);
  }

  @AfterEach
  void close() throws IOException {
    Thread.currentThread().setContextClassLoader(before);
    classes.close();
  }

  @Test
  void itsTestIsGreen() throws ClassNotFoundException {
    // When
    SummaryGeneratingListener summary = new SummaryGeneratingListener();
    LauncherFactory.create()
        .execute(
            LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClass(classes.loadClass("com.example.readings.ReadingsTest")))
                .build(),
            summary);

    // Then
    assertThat(
        summary.getSummary().getFailures().stream().map(f -> f.getException().toString()).toList(),
        is(List.of()));
    assertThat(summary.getSummary().getTestsSucceededCount(), is(1L));
  }

  @Test
  void itsPipelineRunsOverFiles() throws Exception {
    // Given
    Path input = project.resolve("readings.json");
    Files.writeString(
        input,
        """
        {"sensor":"roof","celsius":20.50,"measured_at":"2024-03-01T10:00:30Z"}
        {"sensor":"roof","celsius":20.50,"measured_at":"2024-03-01T10:00:30Z"}
        {"sensor":"hall","celsius":"cold","measured_at":"2024-03-01T10:00:30Z"}
        {"sensor":"roof","celsius":21.50,"measured_at":"2024-03-01T10:04:59Z"}
        """);
    Path output = project.resolve("out");

    // When
    classes
        .loadClass("com.example.readings.Readings")
        .getMethod("main", String[].class)
        .invoke(null, (Object) new String[] {"--input=" + input, "--output=" + output});

    // Then
    assertThat(
        Files.readAllLines(output.resolve("means")),
        contains("2024-03-01T10:00:00Z roof mean 21.00 of 2"));
    assertThat(
        Files.readAllLines(output.resolve("rejects")),
        contains(allOf(containsString("readings.json"), containsString("celsius"))));
    assertThat(
        Files.readAllLines(output.resolve("ledger")),
        containsInAnyOrder(
            allOf(containsString("RefineReadings"), containsString("\"read\": 4")),
            allOf(containsString("DedupReadings"), containsString("\"duplicate\": 1"))));
  }

  private Map<String, Path> filesOfThePage() throws IOException {
    Map<String, Path> files = new LinkedHashMap<>();
    Matcher file = FILE.matcher(Files.readString(PAGE));
    while (file.find()) {
      Path path = project.resolve(file.group(1));
      Files.createDirectories(path.getParent());
      files.put(String.valueOf(path.getFileName()), Files.writeString(path, file.group(2)));
    }
    assertThat(
        files.keySet(), containsInAnyOrder("reading.avsc", "Readings.java", "ReadingsTest.java"));
    return files;
  }

  /** As the page's {@code pom.xml} tells Avro's plugin to. */
  private static void generate(Path schema, Path directory) throws IOException {
    SpecificCompiler compiler =
        new SpecificCompiler(new org.apache.avro.SchemaParser().parse(schema).mainSchema());
    compiler.setStringType(StringType.String);
    compiler.setEnableDecimalLogicalType(true);
    compiler.compileToDestination(schema.toFile(), directory.toFile());
  }

  private static List<Path> sources(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(file -> file.toString().endsWith(".java")).toList();
    }
  }

  private static void compile(Path target, List<Path> sources) throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter words = new StringWriter();
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
      List<String> options = new ArrayList<>(List.of("-proc:none", "-d", target.toString()));
      options.addAll(List.of("-classpath", System.getProperty("java.class.path")));
      compiler
          .getTask(words, files, null, options, null, files.getJavaFileObjectsFromPaths(sources))
          .call();
    }
    assertThat(words.toString(), is(emptyString()));
  }
}
