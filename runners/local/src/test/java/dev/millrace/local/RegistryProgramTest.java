package dev.millrace.local;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistryProgramTest {

  @TempDir Path home;

  @Test
  void saysWhatToDoWhenItCannotBeFetched() throws IOException {
    // Given: a wrapper that finds no network
    wrapper("echo no network\nexit 1\n");
    List<String> told = new ArrayList<>();

    // When
    LocalServerException refused =
        assertThrows(LocalServerException.class, () -> RegistryProgram.of(home).jar(told::add));

    // Then
    Path log = home.resolve(".millrace/registry/fetch.log");
    assertThat(
        refused.getMessage(),
        startsWith(
            "The schema registry (io.apicurio:apicurio-registry-app:2.6.13.Final:tar.gz:all, 142 MB)"
                + " could not be fetched from the Maven repository; connect to the network"));
    assertThat(refused.getMessage(), containsString(log.toString()));
    assertThat(Files.readString(log), equalTo("no network\n"));
    assertThat(told, equalTo(List.of("Fetching the schema registry (142 MB, once)")));
  }

  @Test
  void saysHowToFetchItWhereThereIsNoWrapper() {
    // When: as in an archive
    LocalServerException refused =
        assertThrows(LocalServerException.class, () -> RegistryProgram.of(home).jar(phase -> {}));

    // Then
    assertThat(
        refused.getMessage(),
        equalTo(
            "The schema registry (142 MB) is not in this archive; fetch it with Maven, and run"
                + " again: mvn dependency:copy"
                + " -Dartifact=io.apicurio:apicurio-registry-app:2.6.13.Final:tar.gz:all"
                + " -DoutputDirectory="
                + home.resolve("artifacts")));
  }

  @Test
  void takesTheOneThatAnArchiveBringsAlong() throws IOException {
    // Given
    Path along = Files.createDirectories(home.resolve("artifacts"));
    Files.writeString(along.resolve("apicurio-registry-app-2.6.13.Final-all.tar.gz"), "other");

    // When
    LocalServerException refused =
        assertThrows(LocalServerException.class, () -> RegistryProgram.of(home).jar(phase -> {}));

    // Then: it was looked at
    assertThat(refused.getMessage(), containsString("is not the expected one (SHA-256 "));
  }

  @Test
  void refusesAnArchiveOfAnotherHash() throws IOException {
    // Given: a wrapper that brings something else
    wrapper(
        """
        for argument; do
          case $argument in -DoutputDirectory=*) directory=${argument#*=} ;; esac
        done
        echo other > "$directory/apicurio-registry-app-2.6.13.Final-all.tar.gz"
        """);

    // When
    LocalServerException refused =
        assertThrows(LocalServerException.class, () -> RegistryProgram.of(home).jar(phase -> {}));

    // Then
    assertThat(refused.getMessage(), containsString("is not the expected one (SHA-256 "));
    try (var files = Files.list(home.resolve(".millrace/registry"))) {
      assertThat(files.anyMatch(Files::isDirectory), is(false));
    }
  }

  private void wrapper(String script) throws IOException {
    Path wrapper = Files.writeString(home.resolve("mvnw"), "#!/bin/sh\n" + script);
    assertThat(wrapper.toFile().setExecutable(true), is(true));
  }
}
