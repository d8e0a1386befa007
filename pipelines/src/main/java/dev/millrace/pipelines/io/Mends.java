package dev.millrace.pipelines.io;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The mended records of one input: what a lake keeps beside the archive, in {@code
 * mended/INPUT/mends.jsonl}, and every run with this lake reads instead of what stands at the same
 * source and position. So the answers are a function of archive and mends, and the archive stays as
 * it arrived. Removing the file takes all mends back.
 *
 * <p>A mend knows by a hash which record it is for: where the archive holds another one, such as
 * after files were made anew under the same names, it is left aside.
 *
 * <p>Workers hold the whole store in memory: it is bounded to {@value #MOST} mends, and {@value
 * #MEBIBYTES} MiB of payloads.
 */
public final class Mends {

  /** Mends of one input, at most. */
  public static final int MOST = 100_000;

  /** Payloads of one input, at most, in MiB. */
  public static final int MEBIBYTES = 32;

  /** Payloads that are encrypted by the key of private fields. */
  static final String ENCRYPTED = "ENCRYPTED";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final SortedMap<Place, Mend> all;

  private Mends(SortedMap<Place, Mend> all) {
    this.all = all;
  }

  /**
   * A mended record.
   *
   * @param source where the record was read
   * @param position where in its source
   * @param attempts how many times it was refused so far
   * @param original SHA-256 of what the archive holds there, encrypted if the payload is
   * @param payloadState {@code PLAIN} or {@code ENCRYPTED}
   * @param payload the new record
   */
  @JsonPropertyOrder({
    "source",
    "position",
    "attempts",
    "original",
    "payloadState",
    "payload",
  })
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Mend(
      String source,
      long position,
      int attempts,
      String original,
      String payloadState,
      byte[] payload) {

    boolean isEncrypted() {
      return payloadState.equals(ENCRYPTED);
    }
  }

  private record Place(String source, long position) implements Comparable<Place> {
    private static final Comparator<Place> ORDER =
        Comparator.comparing(Place::source).thenComparingLong(Place::position);

    @Override
    public int compareTo(Place other) {
      return ORDER.compare(this, other);
    }
  }

  /** Where a lake keeps the mends of an input. */
  public static Path file(Path lake, String input) {
    return lake.resolve("mended").resolve(input).resolve("mends.jsonl");
  }

  /** The mends in a file; none if there is no file. */
  public static Mends read(Path file) {
    return parse(linesOf(file), file);
  }

  /** What is in a file; nothing if there is no file. */
  static String linesOf(Path file) {
    return Files.exists(file) ? new String(bytes(file), StandardCharsets.UTF_8) : "";
  }

  /** The mends in the lines of a file. */
  static Mends parse(String lines, Path file) {
    TreeMap<Place, Mend> all = new TreeMap<>();
    for (String line : lines.split("\n", -1)) {
      if (!line.isEmpty()) {
        put(parsed(line, file), all);
      }
    }
    return new Mends(all);
  }

  private static Mend parsed(String line, Path file) {
    try {
      return JSON.readValue(line, Mend.class);
    } catch (JsonProcessingException damaged) {
      // What Jackson says could quote the record.
      throw new UserError(
          "The mended records in '"
              + file
              + "' are damaged; restore the file, or delete it to take all its mends back.",
          damaged);
    }
  }

  /** The version of a file: a hash of its bytes. */
  static String versionOf(Path file) {
    return hash(bytes(file));
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException unreadable) {
      throw new UncheckedIOException("the mends in " + file + " cannot be read", unreadable);
    }
  }

  /** The mend of the record at a place; null if there is none. */
  public @Nullable Mend at(String source, long position) {
    return all.get(new Place(source, position));
  }

  /** How many there are. */
  public int size() {
    return all.size();
  }

  /**
   * The same with these, which replace others at their places.
   *
   * @throws UserError if that were too many
   */
  public Mends with(Collection<Mend> more) {
    TreeMap<Place, Mend> together = new TreeMap<>(all);
    more.forEach(mend -> put(mend, together));
    long bytes = together.values().stream().mapToLong(mend -> mend.payload().length).sum();
    if (together.size() > MOST || bytes > (long) MEBIBYTES << 20) {
      throw new UserError(
          String.format(
              "There would be %,d mended records of %,d bytes in one input; a lake holds %,d of %,d"
                  + " bytes. Replay fewer with --reason, --stage, --source, --since or --id; for so"
                  + " many, mend the source and run again. Nothing was changed.",
              together.size(), bytes, MOST, (long) MEBIBYTES << 20));
    }
    return new Mends(together);
  }

  private static void put(Mend mend, Map<Place, Mend> into) {
    into.put(new Place(mend.source(), mend.position()), mend);
  }

  /** Replaces a file: readers see the old one or this one. The same mends make the same bytes. */
  public void write(Path file) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (Mend mend : all.values()) {
      lines.append(JSON.writeValueAsString(mend)).append('\n');
    }
    Files.createDirectories(file.getParent());
    Path next = file.resolveSibling("." + file.getFileName());
    Files.writeString(next, lines);
    try {
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException other) {
      Files.move(next, file, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** SHA-256, in hexadecimal. */
  public static String hash(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException("every Java platform has SHA-256", missing);
    }
  }
}
