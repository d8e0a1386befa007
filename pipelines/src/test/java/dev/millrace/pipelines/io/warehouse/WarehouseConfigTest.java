package dev.millrace.pipelines.io.warehouse;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.anEmptyMap;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasEntry;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.nullValue;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WarehouseConfigTest {

  @TempDir Path directory;

  @Test
  void aUrlAloneHasDefaultsForAllElse() {
    WarehouseConfig config = WarehouseConfig.of("jdbc:postgresql://localhost:5432/sales");

    assertThat(config.url(), equalTo("jdbc:postgresql://localhost:5432/sales"));
    assertThat(config.parameters(), anEmptyMap());
    assertThat(config.user(), nullValue());
    assertThat(config.password(), nullValue());
    assertThat(config.where(), equalTo("localhost:5432/sales"));
  }

  @Test
  void everyPartReachesTheDriver() throws IOException {
    Path file = Files.writeString(directory.resolve("password"), "open sesame\n");

    WarehouseConfig config =
        WarehouseConfig.of(
            "jdbc:postgresql://db.example:5433/sales?sslmode=require&currentSchema=shop",
            "clerk",
            "file:" + file);

    Properties given = config.connectionProperties();
    assertThat(config.url(), equalTo("jdbc:postgresql://db.example:5433/sales"));
    assertThat(given.getProperty("user"), equalTo("clerk"));
    assertThat(given.getProperty("password"), equalTo("open sesame"));
    assertThat(given.getProperty("sslmode"), equalTo("require"));
    assertThat(given.getProperty("currentSchema"), equalTo("shop"));
    assertThat(given.getProperty("reWriteBatchedInserts"), equalTo("true"));
  }

  @Test
  void userAndPasswordOfALocalUrlAreTakenButNeverShown() {
    WarehouseConfig config =
        WarehouseConfig.of(
            "jdbc:postgresql://localhost:5432/sales?user=clerk&password=sesame&ssl=false");

    assertThat(config.connectionProperties().getProperty("password"), equalTo("sesame"));
    assertThat(config.user(), equalTo("clerk"));
    assertThat(config.parameters(), hasEntry("ssl", "false"));
    assertThat(
        config + config.url() + config.parameters() + config.where(),
        not(containsString("sesame")));
  }

  @Test
  void whatIsGivenApartPrevailsOverTheUrl() {
    WarehouseConfig config =
        WarehouseConfig.of(
            "jdbc:postgresql://localhost/sales?user=one&password=two", "three", "env:FOUR");

    assertThat(config.user(), equalTo("three"));
    assertThat(Objects.requireNonNull(config.password()).toString(), equalTo("env:FOUR"));
  }

  @Test
  void configsOfTheSamePlaceAreEqual() {
    String url = "jdbc:postgresql://localhost/sales?user=one&password=two&ssl=false";

    assertThat(WarehouseConfig.of(url), is(WarehouseConfig.of(url)));
    assertThat(WarehouseConfig.of(url).hashCode(), is(WarehouseConfig.of(url).hashCode()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jdbc:mysql://clerk:sesame@localhost/sales",
        "postgres://clerk:sesame@localhost/sales",
        "jdbc:postgresql://clerk:sesame@localhost/sales",
        "jdbc:postgresql://localhost:sesame/sales",
        "jdbc:postgresql://db.example/sales?password=sesame",
        "jdbc:postgresql://localhost,db.example/sales?password=sesame",
        ""
      })
  void otherUrlsAreRefusedWithoutRepeatingAPassword(String url) {
    UserError refused = assertThrows(UserError.class, () -> WarehouseConfig.of(url));

    assertThat(
        refused.getMessage(), allOf(containsString("warehouse"), not(containsString("sesame"))));
  }

  @Test
  void aPasswordInsteadOfAReferenceIsRefusedWithoutRepeatingIt() {
    UserError refused =
        assertThrows(
            UserError.class,
            () -> WarehouseConfig.of("jdbc:postgresql://localhost/sales", "clerk", "sesame"));

    assertThat(
        refused.getMessage(), allOf(containsString("env:NAME"), not(containsString("sesame"))));
  }

  @Test
  void aReferenceThatLeadsNowhereIsNamed() {
    WarehouseConfig byFile =
        WarehouseConfig.of("jdbc:postgresql://h/d", null, "file:/nowhere/password");
    WarehouseConfig byName = WarehouseConfig.of("jdbc:postgresql://h/d", null, "env:MILLRACE_NONE");

    assertThat(
        assertThrows(UserError.class, byFile::connectionProperties).getMessage(),
        containsString("/nowhere/password"));
    assertThat(
        assertThrows(UserError.class, byName::connectionProperties).getMessage(),
        containsString("MILLRACE_NONE"));
  }
}
