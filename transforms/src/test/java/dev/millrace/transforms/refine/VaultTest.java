package dev.millrace.transforms.refine;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.not;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VaultTest {

  private static final Vault ONE = vault("one ".repeat(16));
  private static final Vault SAME = vault("one ".repeat(16));
  private static final Vault OTHER = vault("other".repeat(16));

  @Property
  void equalSecretsGiveEqualTokensAndCiphers(@ForAll String value) {
    assertThat(SAME.token(value), is(ONE.token(value)));
    assertThat(SAME.encrypt(value), is(ONE.encrypt(value)));
    assertThat(ONE.token(value), matchesPattern("[0-9a-f]{32}"));
  }

  @Property
  void otherSecretsGiveOtherTokensAndCiphers(@ForAll String value) {
    assertThat(OTHER.token(value), is(not(ONE.token(value))));
    assertThat(OTHER.encrypt(value), is(not(ONE.encrypt(value))));
  }

  @Property
  void differentValuesStayDifferent(@ForAll long a, @ForAll long b) {
    String one = Long.toString(a);
    String two = Long.toString(b);
    assertThat(ONE.token(one).equals(ONE.token(two)), is(a == b));
    assertThat(ONE.encrypt(one).equals(ONE.encrypt(two)), is(a == b));
  }

  @Test
  void valuesOfOneHashHaveTokensOfTheirOwn() {
    // Given: more than are remembered in one place
    List<String> values = List.of("AaAa", "BBBB", "AaBB");
    for (String value : values) {
      assertThat(value.hashCode(), is(values.get(0).hashCode()));
    }

    // When
    List<String> before = values.stream().map(ONE::token).toList();

    // Then
    assertThat(Set.copyOf(before), hasSize(3));
    for (int i : new int[] {0, 2, 1, 1, 0, 1, 2, 2, 0}) {
      assertThat(ONE.token(values.get(i)), is(before.get(i)));
    }
    assertThat(SAME.token(values.get(2)), is(before.get(2)));
  }

  @Property
  void whatWasEncryptedCanBeRead(@ForAll byte[] bytes) {
    assertThat(ONE.decrypt(ONE.encrypt(bytes)), is(bytes));
  }

  @Test
  void whatWasChangedOrBelongsToAnotherSecretIsNotRead() {
    // Given
    byte[] encrypted = ONE.encrypt("private".getBytes(StandardCharsets.UTF_8));
    byte[] changed = encrypted.clone();
    changed[3] ^= 1;

    // Then
    assertThrows(IllegalArgumentException.class, () -> OTHER.decrypt(encrypted));
    assertThrows(IllegalArgumentException.class, () -> ONE.decrypt(changed));
  }

  @Test
  void onlyTheOwnerCanReadANewSecret(@TempDir Path directory) throws IOException {
    // Given
    Path key = directory.resolve("keys/secret.key");

    // When
    Vault.createIfAbsent(key);

    // Then
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(key)), is("rw-------"));
    assertThat(Vault.open("file:" + key).toString(), is("Vault[…]"));
  }

  @Test
  void aSecretThatIsThereStays(@TempDir Path directory) throws IOException {
    // Given
    Path key = directory.resolve("secret.key");
    Vault.createIfAbsent(key);
    String secret = Files.readString(key);

    // When
    Vault.createIfAbsent(key);

    // Then
    assertThat(Files.readString(key), is(secret));
  }

  @ParameterizedTest
  @ValueSource(strings = {"hunter2hunter2hunter2hunter2hunter2", "", "env:", "file:", "FILE:x"})
  void aValueInPlaceOfAReferenceIsRefusedAndNotRepeated(String value) {
    // When
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> Vault.requireReference(value));

    // Then
    assertThat(
        refused.getMessage(),
        is("a secret is given as a reference, env:NAME or file:PATH, not as a value"));
  }

  @Test
  void aSecretThatIsMissingOrShortIsRefusedByItsReference(@TempDir Path directory)
      throws IOException {
    // Given
    Path key = directory.resolve("short.key");
    Files.writeString(key, "too short");

    // Then
    assertThat(messageOf("file:" + key), containsString("needs at least 32"));
    assertThat(messageOf("file:" + key), not(containsString("too short")));
    assertThat(messageOf("file:" + key + "x"), containsString("short.keyx cannot be read"));
    assertThat(messageOf("env:MILLRACE_NO_SUCH"), containsString("MILLRACE_NO_SUCH is not set"));
  }

  private static String messageOf(String reference) {
    return String.valueOf(
        assertThrows(IllegalArgumentException.class, () -> Vault.open(reference)).getMessage());
  }

  private static Vault vault(String secret) {
    try {
      Path key = Files.createTempFile("secret", ".key");
      Files.writeString(key, secret);
      Vault vault = Vault.open("file:" + key);
      Files.delete(key);
      return vault;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
