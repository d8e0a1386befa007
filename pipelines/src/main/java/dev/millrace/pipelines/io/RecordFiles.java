package dev.millrace.pipelines.io;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.pipelines.UserError;
import dev.millrace.pipelines.io.FileSlice.Compression;
import dev.millrace.pipelines.io.FileSlice.Format;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.refine.Limits;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.beam.sdk.coders.ListCoder;
import org.apache.beam.sdk.io.FileSystems;
import org.apache.beam.sdk.io.fs.EmptyMatchTreatment;
import org.apache.beam.sdk.io.fs.MatchResult;
import org.apache.beam.sdk.io.fs.MatchResult.Metadata;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Reshuffle;
import org.apache.beam.sdk.values.PBegin;
import org.apache.beam.sdk.values.PCollection;
import org.jspecify.annotations.Nullable;

/**
 * Records of files: JSON lines, CSV with a header, Avro or Parquet; text also compressed with gzip
 * or zstd; or the bronze table of a lake, whose records come back as they once arrived. One file, a
 * directory, a glob, or several of these with commas, on any of Beam's file systems.
 *
 * <p><b>Input:</b> none. <b>Output:</b> {@link RawRecord}s, at the earliest timestamp. The source
 * is the name of the file (with as much of its path as tells it from others). The position is the
 * byte offset of the line in the decompressed text, the line number of a CSV record, or the row
 * number in an Avro or Parquet file; so it does not depend on how files were split. Records of CSV,
 * Avro and Parquet are rendered as JSON objects; a CSV record with too few or too many columns, or
 * not in UTF-8, goes on as its bytes, which the refining pass refuses. Blank lines are skipped.
 * <b>Bounded/unbounded:</b> bounded. <b>State and timers:</b> none. <b>Reasons:</b> none.
 * <b>Guarantee:</b> reading holds one record at a time. Plain JSON lines are cut into slices that
 * are read one after the other; any other file is one slice, whose records a runner may hold at
 * once: the Direct runner does, so give it many files rather than one large one. A file that is
 * damaged fails the run. <b>Runners:</b> all.
 */
public final class RecordFiles extends PTransform<PBegin, PCollection<RawRecord>> {

  /** Small enough that the records of one, and of those after it in the graph, fit into memory. */
  private static final long SLICE = 1L << 20;

  /** Slices of all files, at most: they stand in the graph. */
  private static final long SLICES = 4096;

  /** Workers that read at the same time, at most. */
  private static final int READERS = 4;

  private static final int SAMPLE = 1 << 16;

  private final String what;
  private final String uri;
  private final Contract contract;
  private final long sliceBytes;
  private final int maxBytes;
  private final @Nullable String secret;

  private RecordFiles(
      String what,
      String uri,
      Contract contract,
      long sliceBytes,
      int maxBytes,
      @Nullable String secret) {
    this.what = what;
    this.uri = uri;
    this.contract = contract;
    this.sliceBytes = sliceBytes;
    this.maxBytes = maxBytes;
    this.secret = secret;
  }

  /**
   * Reads the files a URI names.
   *
   * @param option the option that names them, such as {@code --sales}: messages begin with it
   * @param uri file, directory, glob, or several with commas
   * @param contract of the records; it types the columns of CSV
   */
  public static RecordFiles read(String option, String uri, Contract contract) {
    return new RecordFiles(option, uri, contract, SLICE, Limits.DEFAULT.maxBytes(), null);
  }

  /** The key of encrypted bronze payloads, as a reference. */
  public RecordFiles withSecret(String reference) {
    return new RecordFiles(what, uri, contract, sliceBytes, maxBytes, reference);
  }

  /** The contract of the records. */
  public Contract contract() {
    return contract;
  }

  /** What names the files. */
  public String uri() {
    return uri;
  }

  /**
   * Checks that the files are there and are what they should be; a {@link UserError} says what is
   * wrong with which.
   *
   * @return how many there are
   */
  public long check() {
    return slices().stream().map(FileSlice::path).distinct().count();
  }

  /** The sources whose positions count records: those of all but files of lines. */
  public Set<String> counting() {
    return slices().stream()
        .filter(slice -> slice.format() != Format.JSON_LINES)
        .map(FileSlice::source)
        .collect(Collectors.toUnmodifiableSet());
  }

  /** The same with slices of another size; a larger file of lines is read by several workers. */
  RecordFiles withSlices(long bytes) {
    return new RecordFiles(what, uri, contract, bytes, maxBytes, secret);
  }

  @Override
  public PCollection<RawRecord> expand(PBegin begin) {
    return read(begin, shares(slices()));
  }

  /** The same steps over no file. */
  PCollection<RawRecord> outline(PBegin begin) {
    return read(begin, List.of(List.of()));
  }

  private PCollection<RawRecord> read(PBegin begin, List<List<FileSlice>> shares) {
    return begin
        .apply("Files", Create.of(shares).withCoder(ListCoder.of(FileSlice.coder())))
        .apply("Spread", Reshuffle.viaRandomKey())
        .apply("Read", ParDo.of(new ReadSlice(contract, maxBytes, secret)))
        .setCoder(RawRecord.coder());
  }

  /** The slices each worker reads, one after the other. */
  private static List<List<FileSlice>> shares(List<FileSlice> slices) {
    List<List<FileSlice>> shares = new ArrayList<>();
    for (int i = 0; i < slices.size(); i++) {
      if (i < READERS) {
        shares.add(new ArrayList<>());
      }
      shares.get(i % READERS).add(slices.get(i));
    }
    return shares;
  }

  /**
   * The files, checked.
   *
   * @throws UserError that says what is wrong with which, and what to do
   */
  List<FileSlice> slices() {
    List<Metadata> files = new ArrayList<>();
    for (String part : uri.split(",", -1)) {
      if (part.isBlank()) {
        throw new UserError(
            uri.isBlank()
                ? what + " is '', which names nothing; name a file, a directory or a glob."
                : what + " is '" + uri + "', which names nothing between two commas.");
      }
      files.addAll(match(part.strip()));
    }
    files.removeIf(f -> f.sizeBytes() == 0);
    if (files.isEmpty()) {
      throw new UserError(
          what + ": every file that '" + uri + "' names is empty; name files that hold records.");
    }
    files.sort(Comparator.comparing(f -> f.resourceId().toString()));
    List<String> names = names(files.stream().map(f -> f.resourceId().toString()).toList());
    long total = files.stream().mapToLong(Metadata::sizeBytes).sum();
    long bytes = Math.max(sliceBytes, total / SLICES);
    List<FileSlice> slices = new ArrayList<>();
    for (int i = 0; i < files.size(); i++) {
      slices.addAll(slice(files.get(i), names.get(i), bytes));
    }
    return slices;
  }

  private List<Metadata> match(String part) {
    String pattern = part;
    java.nio.file.Path local = localPath(part);
    if (local != null && java.nio.file.Files.isDirectory(local)) {
      List<String> table = Manifest.filesOfTableAt(local);
      if (table != null && table.isEmpty()) {
        throw new UserError(
            what
                + ": the manifest of the lake names no file of '"
                + part
                + "'; name another table.");
      }
      if (table != null) {
        return table.stream().flatMap(f -> match(f).stream()).toList();
      }
      pattern = part.endsWith("/") ? part + "*" : part + "/*";
    }
    try {
      MatchResult found = FileSystems.match(pattern, EmptyMatchTreatment.DISALLOW);
      List<Metadata> files = new ArrayList<>();
      for (Metadata file : found.metadata()) {
        String name = String.valueOf(file.resourceId().getFilename());
        if (!file.resourceId().isDirectory()
            && !name.startsWith(".")
            && !name.startsWith("_")
            && !name.equals("answer-key.json")) {
          files.add(file);
        }
      }
      if (files.isEmpty()) {
        throw new UserError(what + ": the directory '" + part + "' holds no data file.");
      }
      return files;
    } catch (FileNotFoundException missing) {
      if (!pattern.equals(part)) {
        throw new UserError(what + ": the directory '" + part + "' holds no data file.", missing);
      }
      throw new UserError(
          what + ": there is no file '" + part + "'; name a file, a directory or a glob.", missing);
    } catch (IllegalArgumentException noFileSystem) {
      throw new UserError(
          what
              + ": '"
              + part
              + "' is on no file system that is known here; use a path or a file: URI.",
          noFileSystem);
    } catch (IOException unreadable) {
      throw new UserError(
          what + ": '" + part + "' cannot be read: " + UserError.reason(unreadable) + ".",
          unreadable);
    }
  }

  private List<FileSlice> slice(Metadata file, String name, long bytes) {
    String path = file.resourceId().toString();
    Compression compression;
    Format format;
    try {
      byte[] head = head(path, Compression.NONE, 4);
      compression =
          starts(head, 0x1f, 0x8b)
              ? Compression.GZIP
              : starts(head, 0x28, 0xb5, 0x2f, 0xfd) ? Compression.ZSTD : Compression.NONE;
      if (compression == Compression.NONE && starts(head, 'P', 'A', 'R', '1')) {
        format = Format.PARQUET;
      } else if (compression == Compression.NONE && starts(head, 'O', 'b', 'j', 1)) {
        format = Format.AVRO;
      } else {
        format = textFormat(path, compression);
      }
    } catch (IOException unreadable) {
      throw new UserError(
          what
              + ": '"
              + path
              + "' cannot be read ("
              + UserError.reason(unreadable)
              + "); check that it is whole and that you may read it.",
          unreadable);
    }
    long size = file.sizeBytes();
    boolean splits = format == Format.JSON_LINES && compression == Compression.NONE;
    List<FileSlice> slices = new ArrayList<>();
    for (long start = 0; start < size; start += splits ? bytes : size) {
      long end = splits ? Math.min(size, start + bytes) : size;
      slices.add(new FileSlice(path, name, format, compression, start, end));
    }
    return slices;
  }

  /**
   * Text is told from other things by its beginning, so that a wrong file is refused at once, not
   * record by record.
   */
  private Format textFormat(String path, Compression compression) throws IOException {
    byte[] sample = head(path, compression, SAMPLE);
    for (byte b : sample) {
      if (b == 0) {
        throw wrongFormat(path);
      }
    }
    String lower = path.toLowerCase(Locale.ROOT);
    if (lower.endsWith(".csv") || lower.endsWith(".csv.gz") || lower.endsWith(".csv.zst")) {
      checkHeader(path, new String(sample, StandardCharsets.UTF_8).lines().findFirst().orElse(""));
      return Format.CSV;
    }
    boolean anyLine = false;
    for (String line : new String(sample, StandardCharsets.ISO_8859_1).split("\n", -1)) {
      String text = line.strip();
      anyLine |= !text.isEmpty();
      if (text.startsWith("{") || text.startsWith("\u00ef\u00bb\u00bf{")) {
        return Format.JSON_LINES;
      }
    }
    if (!anyLine && sample.length < SAMPLE) {
      throw new UserError(what + ": '" + path + "' holds nothing but blank lines.");
    }
    throw wrongFormat(path);
  }

  private void checkHeader(String path, String header) {
    List<String> columns =
        Stream.of(header.replace("\ufeff", "").split(",", -1))
            .map(column -> column.strip().replaceAll("^\"|\"$", ""))
            .toList();
    List<String> fields = contract.fields().stream().map(FieldContract::name).toList();
    if (Collections.disjoint(columns, fields)) {
      throw new UserError(
          what
              + ": the first line of '"
              + path
              + "' names no field of "
              + contract.name()
              + "; a CSV file begins with a header line, field names with commas between them, such as "
              + String.join(",", fields.subList(0, Math.min(3, fields.size())))
              + ".");
    }
  }

  private UserError wrongFormat(String path) {
    return new UserError(
        what
            + ": '"
            + path
            + "' is neither JSON lines, CSV (name it *.csv), Avro nor Parquet; convert it, or name another file.");
  }

  private static byte[] head(String path, Compression compression, int bytes) throws IOException {
    try (InputStream in =
        ReadSlice.decompressed(
            Channels.newInputStream(FileSystems.open(FileSystems.matchNewResource(path, false))),
            compression)) {
      return in.readNBytes(bytes);
    }
  }

  private static boolean starts(byte[] head, int... magic) {
    if (head.length < magic.length) {
      return false;
    }
    for (int i = 0; i < magic.length; i++) {
      if ((head[i] & 0xff) != magic[i]) {
        return false;
      }
    }
    return true;
  }

  private static java.nio.file.@Nullable Path localPath(String part) {
    try {
      if (part.startsWith("file:")) {
        return java.nio.file.Path.of(part.replaceFirst("^file:(//)?", ""));
      }
      return part.contains("://") ? null : java.nio.file.Path.of(part);
    } catch (java.nio.file.InvalidPathException glob) {
      return null;
    }
  }

  /** The shortest ends of the paths that tell all files apart: at least the file name. */
  static List<String> names(List<String> paths) {
    for (int parts = 1; ; parts++) {
      int n = parts;
      List<String> names = paths.stream().map(p -> lastParts(p, n)).toList();
      Set<String> distinct = new HashSet<>(names);
      if (distinct.size() == new HashSet<>(paths).size() || names.equals(paths)) {
        return names;
      }
    }
  }

  private static String lastParts(String path, int n) {
    String[] parts = path.split("/", -1);
    return n >= parts.length
        ? path
        : String.join("/", Arrays.copyOfRange(parts, parts.length - n, parts.length));
  }
}
