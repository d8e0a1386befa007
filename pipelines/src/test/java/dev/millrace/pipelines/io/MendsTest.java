package dev.millrace.pipelines.io;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.pipelines.Captured;
import dev.millrace.pipelines.UserError;
import dev.millrace.pipelines.io.Mends.Mend;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.refine.Vault;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.transforms.Create;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The mends of a lake, and the records they are given to. */
class MendsTest {

  @TempDir Path lake;
  private Path file;
  private String secret;

  @BeforeEach
  void makeAKey() throws Exception {
    file = Mends.file(lake, "events");
    secret = "file:" + lake.resolve("key");
    Vault.createIfAbsent(lake.resolve("key"));
  }

  private static Mend mend(String source, long position, String before, String after) {
    return new Mend(source, position, 1, Mends.hash(bytes(before)), "PLAIN", bytes(after));
  }

  private static RawRecord raw(String source, long position, String payload) {
    return new RawRecord(bytes(payload), new Origin(source, position, 0));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private void write(Mend... mends) throws Exception {
    Mends.read(file).with(List.of(mends)).write(file);
  }

  private List<String> mended(RawRecord... records) {
    return mended(dev.millrace.pipelines.io.Mend.from(file, secret), records);
  }

  private static List<String> mended(dev.millrace.pipelines.io.Mend mend, RawRecord... records) {
    Pipeline pipeline = Pipeline.create(PipelineOptionsFactory.create());
    Captured<RawRecord> mended =
        Captured.of(
            pipeline
                .apply(Create.of(List.of(records)).withCoder(RawRecord.coder()))
                .apply("MendEvents", mend));
    pipeline.run().waitUntilFinish();
    return mended.list().stream()
        .map(
            r ->
                r.origin().source()
                    + ":"
                    + r.origin().position()
                    + " "
                    + new String(r.payload(), StandardCharsets.UTF_8))
        .sorted()
        .toList();
  }

  @Test
  void aRecordIsGivenItsMendAtItsPlaceAndNowhereElse() throws Exception {
    // Given
    write(mend("a", 1, "x", "mended"));

    // When
    List<String> records = mended(raw("a", 0, "x"), raw("a", 1, "x"), raw("b", 1, "x"));

    // Then
    assertThat(records, equalTo(List.of("a:0 x", "a:1 mended", "b:1 x")));
  }

  @Test
  void aMendOfAnotherRecordIsLeftAside() throws Exception {
    // Given
    write(mend("a", 1, "x", "mended"));

    // When
    List<String> records = mended(raw("a", 1, "y"));

    // Then
    assertThat(records, equalTo(List.of("a:1 y")));
  }

  @Test
  void aPrivateRecordIsMendedWithoutItsTextBeingStored() throws Exception {
    // Given
    Vault vault = Vault.open(secret);
    write(
        new Mend(
            "a",
            1,
            1,
            Mends.hash(vault.encrypt(bytes("Ann"))),
            "ENCRYPTED",
            vault.encrypt(bytes("Bea"))));

    // When
    List<String> records = mended(raw("a", 1, "Ann"), raw("a", 2, "Ann"));

    // Then
    assertThat(records, equalTo(List.of("a:1 Bea", "a:2 Ann")));
    assertThat(Files.readString(file), not(containsString("QmVh"))); // Bea, in Base64
  }

  @Test
  void theMendsOfAnotherKeyAreRefused() throws Exception {
    // Given
    Vault.createIfAbsent(lake.resolve("other"));
    Vault other = Vault.open("file:" + lake.resolve("other"));
    write(new Mend("a", 1, 1, "", "ENCRYPTED", other.encrypt(bytes("Bea"))));

    // When
    RuntimeException failed =
        assertThrows(RuntimeException.class, () -> mended(raw("a", 1, "Ann")));

    // Then
    assertThat(
        Captured.userError(failed).orElseThrow().getMessage(),
        containsString("were encrypted with another key"));
  }

  @Test
  void aRunThatHoldsItsMendsGoesOnWithThemWhenThereAreOthers() throws Exception {
    // Given
    var none = dev.millrace.pipelines.io.Mend.holding(file, secret);
    write(mend("a", 1, "x", "mended"));
    var one = dev.millrace.pipelines.io.Mend.holding(file, secret);

    // When
    write(mend("a", 1, "x", "mended again"));

    // Then
    assertThat(mended(none, raw("a", 1, "x")), equalTo(List.of("a:1 x")));
    assertThat(mended(one, raw("a", 1, "x")), equalTo(List.of("a:1 mended")));
  }

  @Test
  void theSameMendsMakeTheSameBytesInAnyOrder() throws Exception {
    // Given
    write(mend("b", 2, "x", "1"), mend("a", 3, "x", "2"), mend("a", 1, "x", "3"));
    byte[] once = Files.readAllBytes(file);

    // When
    Files.delete(file);
    write(mend("a", 1, "x", "3"));
    write(mend("a", 3, "x", "2"), mend("b", 2, "x", "before"));
    write(mend("b", 2, "x", "1"));

    // Then
    assertThat(Files.readAllBytes(file), equalTo(once));
  }

  @Test
  void moreThanWorkersCanHoldIsRefusedAndNothingIsWritten() throws Exception {
    // Given
    List<Mend> many =
        LongStream.rangeClosed(0, Mends.MOST).mapToObj(i -> mend("a", i, "", "")).toList();
    Mend large = new Mend("a", 0, 1, "", "PLAIN", new byte[(Mends.MEBIBYTES << 20) + 1]);

    // When
    UserError tooMany = assertThrows(UserError.class, () -> Mends.read(file).with(many));
    UserError tooLarge = assertThrows(UserError.class, () -> Mends.read(file).with(List.of(large)));

    // Then
    assertThat(
        tooMany.getMessage(),
        startsWith("There would be 100,001 mended records of 0 bytes in one"));
    assertThat(tooLarge.getMessage(), containsString("Replay fewer with --reason"));
    assertThat(Mends.read(file).with(many.subList(1, many.size())).size(), equalTo(Mends.MOST));
  }

  @Test
  void aDamagedFileIsNamedAndNotQuoted() throws Exception {
    // Given
    Files.createDirectories(file.getParent());
    Files.writeString(file, "{\"source\": Zebedee");

    // When
    UserError refused = assertThrows(UserError.class, () -> Mends.read(file));

    // Then
    assertThat(
        refused.getMessage(),
        equalTo(
            "The mended records in '"
                + file
                + "' are damaged; restore the file, or delete it to take all its mends back."));
  }
}
