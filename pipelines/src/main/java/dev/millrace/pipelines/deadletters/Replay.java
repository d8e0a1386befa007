package dev.millrace.pipelines.deadletters;

import dev.millrace.pipelines.io.LakeLock;
import dev.millrace.pipelines.io.Mends;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.transforms.refine.Vault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Dead letters that are tried again: selected, mended, and laid into the lake, for the run that
 * follows. Doing it twice is doing it once: what a mend says depends on the dead letter alone.
 */
public final class Replay {

  /** Ids that are told of those that ask for a decision each. */
  private static final int IDS = 20;

  private static final int EXAMPLES = 1;

  private final Fix fix;
  private final int maxAttempts;
  private final Path lake;
  private final String secret;
  private final Function<String, Optional<String>> inputOf;

  private final Map<String, List<Mends.Mend>> mended = new TreeMap<>();
  private final Set<Place> places = new HashSet<>();
  private final List<String> exhausted = new ArrayList<>();
  private final List<String> homeless = new ArrayList<>();
  private final List<String> notFixed = new ArrayList<>();
  private @Nullable String whyNotFixed;
  private @Nullable Vault vault;

  private record Place(String source, long position) {
    private static Place of(DeadLetter letter) {
      return new Place(letter.getSource(), letter.getPosition());
    }
  }

  /**
   * A replay.
   *
   * @param fix what is done to each record
   * @param maxAttempts one that was refused so often is not tried again, unless asked for by its id
   * @param lake the lake of the run that follows
   * @param secret the key of private fields, as a reference
   * @param inputOf the input whose records a stage refuses
   */
  public Replay(
      Fix fix,
      int maxAttempts,
      Path lake,
      String secret,
      Function<String, Optional<String>> inputOf) {
    this.fix = fix;
    this.maxAttempts = maxAttempts;
    this.lake = lake;
    this.secret = secret;
    this.inputOf = inputOf;
  }

  /**
   * Mends what a filter means, and lays it into the lake.
   *
   * @return how many records were mended; if none, there is nothing to run
   */
  public int prepare(LetterTable table, LetterFilter filter) throws SQLException, IOException {
    Files.createDirectories(lake);
    LakeLock lock = LakeLock.of(lake);
    try {
      Map<String, Mends> stores = new TreeMap<>();
      table.forEach(filter, letter -> take(letter, !filter.ids().isEmpty(), stores));
      Map<String, Mends> changed = new TreeMap<>();
      mended.forEach((input, mends) -> changed.put(input, store(input, stores).with(mends)));
      for (Map.Entry<String, Mends> store : changed.entrySet()) {
        store.getValue().write(Mends.file(lake, store.getKey()));
      }
    } finally {
      lock.close();
    }
    return places.size();
  }

  private Mends store(String input, Map<String, Mends> stores) {
    return stores.computeIfAbsent(input, name -> Mends.read(Mends.file(lake, name)));
  }

  private void take(DeadLetter letter, boolean named, Map<String, Mends> stores) {
    Optional<String> input = inputOf.apply(letter.getStage());
    if (letter.getPayload() == null || input.isEmpty()) {
      homeless.add(letter.getId());
    } else if (letter.getAttempt() >= maxAttempts && !named) {
      exhausted.add(letter.getId());
    } else {
      try {
        byte[] fixed = fix.apply(letter, Payloads.plain(letter, secret));
        mended
            .computeIfAbsent(input.get(), name -> new ArrayList<>())
            .add(mend(letter, fixed, store(input.get(), stores)));
        places.add(Place.of(letter));
      } catch (Fix.NotFixed why) {
        notFixed.add(letter.getId());
        if (whyNotFixed == null && letter.getPayloadState().equals("PLAIN")) {
          whyNotFixed = why.getMessage();
        }
      }
    }
  }

  private Mends.Mend mend(DeadLetter letter, byte[] fixed, Mends store) {
    Mends.Mend before = store.at(letter.getSource(), letter.getPosition());
    // What was refused first is what the archive holds; after that, what a mend made of it.
    String original =
        before != null && letter.getAttempt() > 1
            ? before.original()
            : Mends.hash(Payloads.kept(letter));
    return new Mends.Mend(
        letter.getSource(),
        letter.getPosition(),
        letter.getAttempt(),
        original,
        letter.getPayloadState(),
        letter.getPayloadState().equals("ENCRYPTED") ? vault().encrypt(fixed) : fixed);
  }

  private Vault vault() {
    if (vault == null) {
      vault = Vault.open(secret);
    }
    return vault;
  }

  /** What was left out, and why: lines, without a line end at the end; empty if nothing was. */
  public String leftOut() {
    List<String> lines = new ArrayList<>();
    if (!exhausted.isEmpty()) {
      lines.add(
          String.format(
              "%s not tried again, refused %d times or more: %s. To try one all the same: --id=ID",
              were(exhausted.size()), maxAttempts, some(exhausted, IDS)));
    }
    if (!notFixed.isEmpty()) {
      lines.add(
          String.format(
              "%s left unchanged: --fix makes no record of %s%s.",
              were(notFixed.size()),
              some(notFixed, EXAMPLES),
              whyNotFixed == null ? "" : " (" + whyNotFixed + ")"));
    }
    if (!homeless.isEmpty()) {
      lines.add(
          String.format(
              "%s left unchanged, without a payload or of a stage that no input leads to: %s.",
              were(homeless.size()), some(homeless, EXAMPLES)));
    }
    return String.join("\n", lines);
  }

  /**
   * What became of the records that were tried again, after the run.
   *
   * @param table of the warehouse of the run
   */
  public String outcome(LetterTable table, String pipeline) throws SQLException, IOException {
    Set<String> read = table.sources(pipeline);
    long unread = places.stream().filter(place -> !read.contains(place.source())).count();
    Map<String, Long> again = new TreeMap<>();
    Set<Place> refused = new HashSet<>();
    table.refused(
        pipeline,
        (source, position, reason) -> {
          Place place = new Place(source, position);
          if (places.contains(place) && refused.add(place)) {
            again.merge(reason, 1L, Long::sum);
          }
        });
    String reasons =
        again.entrySet().stream()
            .map(reason -> String.format("%,d %s", reason.getValue(), reason.getKey()))
            .collect(Collectors.joining(", "));
    return String.format(
        "Replayed %,d dead %s: %,d accepted, %,d refused again%s.%s",
        places.size(),
        places.size() == 1 ? "letter" : "letters",
        places.size() - refused.size() - unread,
        refused.size(),
        reasons.isEmpty() ? "" : " (" + reasons + ")",
        unread == 0
            ? ""
            : String.format(
                " %,d were not read: their source is none of this run's. Replay with the inputs of"
                    + " the run that refused them.",
                unread));
  }

  private static String were(int number) {
    return number == 1 ? "1 was" : String.format("%,d were", number);
  }

  private static String some(List<String> ids, int most) {
    return ids.stream().limit(most).collect(Collectors.joining(", "))
        + (ids.size() > most ? ", …" : "");
  }
}
