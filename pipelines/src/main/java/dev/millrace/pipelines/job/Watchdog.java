package dev.millrace.pipelines.job;

import dev.millrace.pipelines.CatalogueEntry.Notice;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Says why the windows of a live run do not close, if something has stood still for a while: the
 * pipeline, which holds them open, or a partition, which does not. What is said is not said again
 * for {@link #AGAIN}, unless it has changed. Looks at what it is shown only, and knows no clock.
 */
final class Watchdog {

  /** How long something has to stand still. */
  static final Duration PATIENCE = Duration.ofSeconds(30);

  /** How long what was said is good for. */
  static final Duration AGAIN = Duration.ofMinutes(5);

  private final Instant begin;
  private final Duration idleBound;
  private final Map<Place, Past> past = new HashMap<>();
  private final Map<String, Instant> said = new HashMap<>();
  private final Set<Place> toldIdle = new HashSet<>();
  private Set<Place> toldStuck = Set.of();

  /**
   * A watch that begins now.
   *
   * @param idleBound how much later windows close for partitions that are idle, at most
   */
  Watchdog(Instant begin, Duration idleBound) {
    this.begin = begin;
    this.idleBound = idleBound;
  }

  private record Place(String topic, int partition) {}

  /**
   * A partition as it is now.
   *
   * @param topic what names its topic
   * @param partition its number
   * @param offsets that it has had since where the run began to read
   * @param read records that the run has read of it
   * @param newest when its newest record arrived, if it has any
   */
  record Seen(String topic, int partition, long offsets, long read, @Nullable Instant newest) {
    private Place place() {
      return new Place(topic, partition);
    }

    private long unread() {
      return Math.max(0, offsets - read);
    }
  }

  /** What was last different, and since when it is as it is. */
  private record Past(long offsets, long read, Instant stuckSince, Instant quietSince) {}

  /** One thing, if there is something to say. */
  Optional<Notice> look(Instant now, Collection<Seen> partitions) {
    for (Seen seen : partitions) {
      past.merge(
          seen.place(),
          new Past(seen.offsets(), seen.read(), begin, begin),
          (before, same) ->
              new Past(
                  seen.offsets(),
                  seen.read(),
                  // What comes to a partition that was read to its end has not waited before.
                  before.read() != seen.read() || before.offsets() <= before.read()
                      ? now
                      : before.stuckSince(),
                  before.offsets() != seen.offsets() ? now : before.quietSince()));
    }
    List<Seen> stuck = those(partitions, seen -> seen.unread() > 0 && isOld(stuckSince(seen), now));
    if (!stuck.isEmpty()) {
      return stuck(now, stuck);
    }
    if (!toldStuck.isEmpty()) {
      toldStuck = Set.of();
      said.remove("stalled");
      return Optional.of(new Notice("flowing", "What was unread is being read again."));
    }
    List<Seen> idle = those(partitions, seen -> seen.unread() == 0 && isOld(quietSince(seen), now));
    if (!idle.isEmpty() && idle.size() == partitions.size()) {
      return quiet(now, idle);
    }
    return idle(idle);
  }

  /** Cannot see, for a reason. */
  Optional<Notice> blind(Instant now, String reason) {
    return once("not-seen", now, reason);
  }

  private Optional<Notice> stuck(Instant now, List<Seen> stuck) {
    Set<Place> places = stuck.stream().map(Seen::place).collect(Collectors.toSet());
    if (!places.equals(toldStuck)) {
      said.remove("stalled");
      toldStuck = places;
    }
    Instant since = stuck.stream().map(this::stuckSince).min(Instant::compareTo).orElseThrow();
    return once(
        "stalled",
        now,
        "No window has closed since %s: %s %s %,d records unread, and none was read since (the pipeline is slow, or stuck)."
            .formatted(
                seconds(since),
                names(stuck),
                stuck.size() == 1 ? "has" : "have",
                stuck.stream().mapToLong(Seen::unread).sum()));
  }

  private Optional<Notice> quiet(Instant now, List<Seen> idle) {
    Optional<Instant> newest =
        idle.stream()
            .flatMap(seen -> Optional.ofNullable(seen.newest()).stream())
            .max(Instant::compareTo);
    return once(
        "no-input",
        now,
        "No record has come to any partition of %s %s. Windows follow the clock, and close %d s later at most."
            .formatted(
                idle.stream().map(Seen::topic).distinct().collect(Collectors.joining(", ")),
                newest.map(time -> "since " + seconds(time)).orElse("yet"),
                idleBound.toSeconds()));
  }

  /** Told once of each partition. */
  private Optional<Notice> idle(List<Seen> idle) {
    List<Seen> news = those(idle, seen -> toldIdle.add(seen.place()));
    if (news.isEmpty()) {
      return Optional.empty();
    }
    Instant since = news.stream().map(this::idleSince).min(Instant::compareTo).orElseThrow();
    return Optional.of(
        new Notice(
            "idle-partition",
            "%s %s idle since %s. It holds no window open: its watermark follows the clock, and windows close %d s later at most."
                .formatted(
                    capitalized(names(news)),
                    news.size() == 1 ? "is" : "are",
                    seconds(since),
                    idleBound.toSeconds())));
  }

  private Optional<Notice> once(String event, Instant now, String line) {
    Instant last = said.get(event);
    if (last != null && now.isBefore(last.plus(AGAIN))) {
      return Optional.empty();
    }
    said.put(event, now);
    return Optional.of(new Notice(event, line));
  }

  private Instant stuckSince(Seen seen) {
    return past(seen).stuckSince();
  }

  private Instant quietSince(Seen seen) {
    return past(seen).quietSince();
  }

  private Instant idleSince(Seen seen) {
    return seen.newest() == null ? quietSince(seen) : seen.newest();
  }

  private Past past(Seen seen) {
    return past.getOrDefault(seen.place(), new Past(0, 0, begin, begin));
  }

  private static boolean isOld(Instant since, Instant now) {
    return !now.isBefore(since.plus(PATIENCE));
  }

  private static List<Seen> those(Collection<Seen> all, Predicate<Seen> which) {
    return all.stream().filter(which).toList();
  }

  /** {@code partitions 0, 2 of kafka://…}. */
  private static String names(List<Seen> partitions) {
    Map<String, List<String>> byTopic = new java.util.TreeMap<>();
    for (Seen seen : partitions) {
      byTopic
          .computeIfAbsent(seen.topic(), topic -> new ArrayList<>())
          .add(Integer.toString(seen.partition()));
    }
    return byTopic.entrySet().stream()
        .map(
            topic ->
                (topic.getValue().size() == 1 ? "partition " : "partitions ")
                    + String.join(", ", topic.getValue())
                    + " of "
                    + topic.getKey())
        .collect(Collectors.joining(" and "));
  }

  private static String capitalized(String text) {
    return text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
  }

  private static String seconds(Instant time) {
    return time.truncatedTo(ChronoUnit.SECONDS).toString();
  }
}
