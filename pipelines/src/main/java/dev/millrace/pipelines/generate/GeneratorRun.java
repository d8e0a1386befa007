package dev.millrace.pipelines.generate;

import dev.millrace.pipelines.generate.AnswerKey.Counts;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One run of a generator: what goes into each slot of the set, in order. Memory does not grow with
 * the number of records: files are streamed, and only copies yet to be written are kept.
 *
 * @param <L> type of the lines
 * @param <D> type of the good records
 */
abstract class GeneratorRun<L extends Line, D> {

  static final long MONTH_MILLIS = 30 * Draft.DAY_MILLIS;

  /** The kinds, in the order in which their shares are laid side by side. */
  private static final List<Share> KINDS =
      List.of(
          Share.MALFORMED,
          Share.RULE_BREAKS,
          Share.ORPHANS,
          Share.LATE,
          Share.FUTURE,
          Share.DUPLICATES,
          Share.NEWER_VERSIONS);

  final Randomness random;
  final L line;
  private final long records;
  private final Map<Share, Double> below = new EnumMap<>(Share.class);
  private final Map<Sin<L, D>, Integer> committed = new HashMap<>();
  private final PriorityQueue<Due> due = new PriorityQueue<>();
  private Counter counter = new Counter();

  GeneratorRun(long records, long seed, Map<Share, Double> shares, L line) {
    this.records = records;
    this.random = new Randomness(seed);
    this.line = line;
    // Copies take the place of other records: among the rest every share is greater.
    double rest =
        1 - Checks.sum(shares, Share.DUPLICATES) - Checks.sum(shares, Share.NEWER_VERSIONS);
    double sum = 0;
    for (Share kind : KINDS) {
      sum += Checks.sum(shares, kind) / rest;
      below.put(kind, sum);
    }
  }

  /**
   * Puts a record of a kind into the line, or a good one where the kind is null, and counts it.
   * Copies are put off by {@link #pair}.
   */
  abstract void write(long slot, @Nullable Share kind);

  /**
   * Writes {@code NAME-00000.jsonl} and so on, and last of all {@code answer-key.json}. Files of
   * these names are replaced; a directory that holds other generated files is refused, since a
   * reader of {@code NAME-*} would take them for part of the set.
   */
  AnswerKey write(
      Path directory, String name, int count, Compression compression, Map<String, String> config)
      throws IOException {
    Files.createDirectories(directory);
    List<String> names = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      names.add(String.format(Locale.ROOT, "%s-%05d.jsonl%s", name, i, compression.suffix()));
    }
    refuseOthers(directory, name, names);
    Files.deleteIfExists(directory.resolve(AnswerKey.FILE_NAME));
    Map<String, Counts> files = new LinkedHashMap<>();
    Counter total = new Counter();
    long slot = 0;
    for (int file = 0; file < count; file++) {
      counter = new Counter();
      long end = Math.multiplyExact(records, file + 1L) / count;
      try (OutputStream out =
          new BufferedOutputStream(
              compression.over(Files.newOutputStream(directory.resolve(names.get(file)))),
              1 << 18)) {
        for (; slot < end; slot++) {
          next(slot);
          line.add('\n').writeTo(out);
        }
      }
      files.put(names.get(file), counter.counts());
      total.add(counter);
    }
    AnswerKey key = new AnswerKey(config, total.counts(), files);
    key.writeTo(directory);
    return key;
  }

  private static void refuseOthers(Path directory, String name, List<String> names)
      throws IOException {
    Pattern generated = Pattern.compile(Pattern.quote(name) + "-\\d{5}\\.jsonl(\\.gz|\\.zst)?");
    try (Stream<Path> files = Files.list(directory)) {
      List<String> others =
          files
              .map(file -> file.getFileName().toString())
              .filter(file -> generated.matcher(file).matches())
              .filter(file -> !names.contains(file))
              .sorted()
              .toList();
      if (!others.isEmpty()) {
        throw new FileAlreadyExistsException(
            directory.resolve(others.get(0)).toString(),
            null,
            "is of an earlier set and would mix with this one; empty the directory or choose another");
      }
    }
  }

  private void next(long slot) {
    Due first = due.peek();
    if (first != null && (first.slot <= slot || due.size() >= records - slot)) {
      due.remove();
      line.text(first.line);
      count(first.outcome);
      return;
    }
    double at = random.fraction();
    Share kind =
        KINDS.stream().filter(k -> at < below.getOrDefault(k, 0.0)).findFirst().orElse(null);
    boolean pair = kind == Share.DUPLICATES || kind == Share.NEWER_VERSIONS;
    write(slot, pair && due.size() + 1 >= records - slot ? null : kind);
  }

  final Counter counter() {
    return counter;
  }

  /** One of the sins, of those that may be committed yet. */
  final Sin<L, D> choose(List<Sin<L, D>> sins, boolean version2) {
    Sin<L, D> sin = random.pick(sins);
    while ((sin.needsVersion2() && !version2) || committed.getOrDefault(sin, 0) >= sin.atMost()) {
      sin = random.pick(sins);
    }
    committed.merge(sin, 1, Integer::sum);
    return sin;
  }

  final void pairInAnyOrder(
      long slot, byte[] a, Outcome ofA, byte[] b, Outcome ofB, boolean fixed, int near, int far) {
    if (fixed || random.oneIn(2)) {
      pair(slot, a, ofA, b, ofB, near, far);
    } else {
      pair(slot, b, ofB, a, ofA, near, far);
    }
  }

  /** Writes one record now, the other later: every second time near, else perhaps far. */
  final void pair(
      long slot, byte[] now, Outcome ofNow, byte[] later, Outcome ofLater, int near, int far) {
    line.text(now);
    count(ofNow);
    long room = records - slot - 1;
    long distance = random.below(Math.min(room, random.oneIn(2) ? near : far));
    due.add(new Due(slot + 1 + distance, slot, later, ofLater));
  }

  final void count(Outcome outcome) {
    if (outcome.survives) {
      counter.written(outcome.revenue, outcome.units);
    } else {
      counter.duplicate();
    }
  }

  /** How far beyond a bound of time: often a millisecond, a month at most. */
  final long beyond() {
    return 1 + (random.oneIn(8) ? 0 : random.below(MONTH_MILLIS));
  }

  /** What becomes of a good record. Amounts in ten-thousandths. */
  record Outcome(boolean survives, long revenue, long units) {
    static final Outcome DUPLICATE = new Outcome(false, 0, 0);
  }

  /** A record to be written from a slot on; {@code first} is the slot of its pair's first. */
  private static final class Due implements Comparable<Due> {
    private final long slot;
    private final long first;
    private final byte[] line;
    private final Outcome outcome;

    Due(long slot, long first, byte[] line, Outcome outcome) {
      this.slot = slot;
      this.first = first;
      this.line = line;
      this.outcome = outcome;
    }

    @Override
    public int compareTo(Due other) {
      int bySlot = Long.compare(slot, other.slot);
      return bySlot != 0 ? bySlot : Long.compare(first, other.first);
    }
  }
}
