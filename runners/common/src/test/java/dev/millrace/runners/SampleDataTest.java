package dev.millrace.runners;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.local.MavenArtifact;
import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SampleDataTest {

  @TempDir Path directory;

  @Test
  void isMissingOnlyWhereAnOptionLeadsToIt() throws IOException {
    assertThat(
        SampleData.isMissing(directory, List.of(".millrace/data/foodmart/store.json")), is(true));
    assertThat(SampleData.isMissing(directory, List.of("data/store.json", "out/lake")), is(false));
    Files.createDirectories(directory.resolve(SampleData.DIRECTORY));
    assertThat(
        SampleData.isMissing(directory, List.of(".millrace/data/foodmart/store.json")), is(false));
  }

  @Test
  void unpacksTheTablesAndNothingElse() throws IOException {
    // Given
    Path jar = jarWith("agg_c_10_sales_fact_1997");
    Path target = directory.resolve("foodmart");

    // When
    SampleData.unpack(jar, MavenArtifact.sha256(jar), target);

    // Then
    try (var files = Files.list(target)) {
      assertThat(
          files.map(file -> file.getFileName().toString().replace(".json", "")).sorted().toList(),
          equalTo(SampleData.TABLES));
    }
  }

  @Test
  void refusesAnArchiveOfAnotherHash() throws IOException {
    // Given
    Path jar = jarWith("other");

    // When
    UserError refused =
        assertThrows(
            UserError.class, () -> SampleData.unpack(jar, "00", directory.resolve("foodmart")));

    // Then
    assertThat(refused.getMessage(), containsString("is not the expected one"));
    assertThat(Files.exists(directory.resolve("foodmart")), is(false));
  }

  @Test
  void saysWhatToDoWhenItCannotBeFetched() throws IOException {
    // Given: a wrapper that finds no network
    Path wrapper = Files.writeString(directory.resolve("mvnw"), "#!/bin/sh\nexit 1\n");
    wrapper.toFile().setExecutable(true);

    // When
    UserError refused = assertThrows(UserError.class, () -> SampleData.fetch(directory, directory));

    // Then
    assertThat(
        refused.getMessage(),
        containsString("could not be fetched from the Maven repository; connect to the network"));
  }

  private Path jarWith(String another) throws IOException {
    Path jar = directory.resolve("data.jar");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(jar))) {
      for (String table : SampleData.TABLES) {
        zip.putNextEntry(new ZipEntry(table + ".json"));
        zip.write("{}\n".getBytes(StandardCharsets.UTF_8));
      }
      zip.putNextEntry(new ZipEntry(another + ".json"));
    }
    return jar;
  }
}
