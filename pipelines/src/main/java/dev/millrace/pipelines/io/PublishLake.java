package dev.millrace.pipelines.io;

import dev.millrace.pipelines.io.Manifest.DataFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.Flatten;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.View;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionList;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetFileReader;

/**
 * Makes a run visible in its lake when all its files are written and its input says so.
 *
 * <p><b>Input:</b> the gate: an element is there only if the run may be published. <b>Output:</b>
 * (table, rows) of each table. <b>Bounded/unbounded:</b> bounded. <b>State and timers:</b> none.
 * <b>Reasons:</b> none. <b>Guarantee:</b> readers that trust the manifest see the lake of the run
 * before or that of this one, whole; a retry changes nothing. <b>Runners:</b> all whose workers
 * share the file system of the lake.
 */
public final class PublishLake extends PTransform<PCollection<?>, PCollection<KV<String, Long>>> {

  /** Staging of a run that has not been touched for so long is that of a dead one. */
  private static final Duration DEAD_AFTER = Duration.ofDays(1);

  /** The only names this ever gives to data files; what has another name is not ours to remove. */
  private static final Pattern DATA_FILE = Pattern.compile("\\.?part-[0-9a-f]{16}\\.parquet");

  private static final List<String> LAYERS = List.of("bronze", "silver", "gold", "rejects");

  private final Lake lake;
  private final List<PCollection<String>> written;

  PublishLake(Lake lake) {
    this(lake, List.of());
  }

  private PublishLake(Lake lake, List<PCollection<String>> written) {
    this.lake = lake;
    this.written = written;
  }

  /** Waits for these: the outputs of {@link Lake#write}. */
  public PublishLake after(PCollection<String> paths) {
    List<PCollection<String>> all = new ArrayList<>(written);
    all.add(paths);
    return new PublishLake(lake, all);
  }

  @Override
  public PCollection<KV<String, Long>> expand(PCollection<?> gate) {
    return publishAfter(gate);
  }

  private <G> PCollection<KV<String, Long>> publishAfter(PCollection<G> gate) {
    PCollectionView<List<String>> files =
        PCollectionList.of(written)
            .apply("AllFiles", Flatten.pCollections())
            .apply("Written", View.asList());
    return gate.apply("Publish", ParDo.of(new Publish<G>(lake, files)).withSideInputs(files))
        .setCoder(KvCoder.of(StringUtf8Coder.of(), VarLongCoder.of()));
  }

  private static final class Publish<G> extends DoFn<G, KV<String, Long>> {
    private final Lake lake;
    private final PCollectionView<List<String>> files;

    private Publish(Lake lake, PCollectionView<List<String>> files) {
      this.lake = lake;
      this.files = files;
    }

    @ProcessElement
    public void process(ProcessContext context) throws IOException {
      Path root = Path.of(lake.directory());
      Path staging = root.resolve(".staging").resolve(lake.run());
      Manifest current = Manifest.read(root);
      if (current != null && current.run().equals(lake.run())) {
        // A retry after the manifest was replaced.
        current.files().forEach(f -> context.output(rowsOf(f)));
        return;
      }
      List<DataFile> published = new ArrayList<>();
      for (String path : context.sideInput(files)) {
        published.add(place(root, staging.relativize(Path.of(path)), Path.of(path)));
      }
      published.sort(Comparator.comparing(DataFile::path));
      new Manifest(lake.pipeline(), lake.run(), published).publish(root);
      sweep(root, staging, published);
      for (DataFile file : published) {
        context.output(rowsOf(file));
      }
    }

    private static KV<String, Long> rowsOf(DataFile file) {
      return KV.of(file.layer() + "/" + file.table(), file.rows());
    }

    /**
     * Gives a file the name of its content. It stays staged too, until the manifest is replaced: a
     * retry finds it.
     */
    private static DataFile place(Path root, Path name, Path staged) throws IOException {
      String layer = name.getName(0).toString();
      String table = name.getName(1).toString();
      Path partition =
          name.getNameCount() > 3 ? name.subpath(2, name.getNameCount() - 1) : Path.of("");
      Footers.settle(staged);
      String hash = sha256(staged);
      long bytes = Files.size(staged);
      long rows;
      try (ParquetFileReader reader =
          ParquetFileReader.open(
              new ChannelInputFile(staged.toString(), bytes),
              ParquetReadOptions.builder(new PlainParquetConfiguration()).build())) {
        rows = reader.getRecordCount();
      }
      Path target =
          root.resolve(name.getParent()).resolve("part-" + hash.substring(0, 16) + ".parquet");
      Files.createDirectories(target.getParent());
      if (!Files.exists(target) || Files.size(target) != bytes) {
        Path copy = target.resolveSibling("." + target.getFileName());
        Files.deleteIfExists(copy);
        try {
          // Takes no space: publishing does not fail for a disk that is full.
          Files.createLink(copy, staged);
        } catch (UnsupportedOperationException | FileSystemException noLinks) {
          Files.copy(staged, copy, StandardCopyOption.REPLACE_EXISTING);
        }
        Files.move(copy, target, StandardCopyOption.REPLACE_EXISTING);
      }
      return new DataFile(
          slashes(root.relativize(target)), layer, table, slashes(partition), rows, bytes, hash);
    }

    private static void sweep(Path root, Path own, List<DataFile> published) throws IOException {
      Set<String> named = new HashSet<>();
      published.forEach(f -> named.add(f.path()));
      FileTime dead = FileTime.from(Instant.now().minus(DEAD_AFTER));
      Path staging = root.resolve(".staging");
      List<Path> files = new ArrayList<>(below(staging));
      for (String layer : LAYERS) {
        files.addAll(below(root.resolve(layer)));
      }
      for (Path file : files) {
        boolean ofARun = file.startsWith(staging);
        if (Files.isDirectory(file)) {
          deleteIfEmpty(file);
        } else if (ofARun
            ? file.startsWith(own) || Files.getLastModifiedTime(file).compareTo(dead) < 0
            : DATA_FILE.matcher(file.getFileName().toString()).matches()
                && !named.contains(slashes(root.relativize(file)))) {
          Files.deleteIfExists(file);
        }
      }
    }

    /** A directory and all that is below it, the deepest first. */
    private static List<Path> below(Path directory) throws IOException {
      if (!Files.isDirectory(directory)) {
        return List.of();
      }
      try (Stream<Path> all = Files.walk(directory)) {
        return all.sorted(Comparator.reverseOrder()).toList();
      }
    }

    private static void deleteIfEmpty(Path directory) throws IOException {
      try (Stream<Path> children = Files.list(directory)) {
        if (children.findAny().isPresent()) {
          return;
        }
      }
      try {
        Files.deleteIfExists(directory);
      } catch (NoSuchFileException | java.nio.file.DirectoryNotEmptyException usedMeanwhile) {
        return;
      }
    }

    private static String sha256(Path file) throws IOException {
      try (InputStream in = Files.newInputStream(file)) {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        new DigestInputStream(in, digest).transferTo(java.io.OutputStream.nullOutputStream());
        return HexFormat.of().formatHex(digest.digest());
      } catch (NoSuchAlgorithmException missing) {
        throw new IllegalStateException("every Java platform has SHA-256", missing);
      }
    }

    private static String slashes(Path path) {
      return path.toString().replace('\\', '/');
    }
  }
}
