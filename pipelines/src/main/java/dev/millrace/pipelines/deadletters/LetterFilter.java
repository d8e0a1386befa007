package dev.millrace.pipelines.deadletters;

import dev.millrace.contract.Reason;
import dev.millrace.pipelines.UserError;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Which dead letters are meant: those that meet all of what is given.
 *
 * @param pipeline the pipeline that refused them
 * @param reasons one of these reasons; any if there are none
 * @param stage the stage that refused them
 * @param source where they were read
 * @param since arrived then or later; then those whose arrival is unknown are not meant
 * @param before arrived earlier; then those whose arrival is unknown are not meant
 * @param ids one of these, whole; any if there are none
 */
public record LetterFilter(
    Optional<String> pipeline,
    List<String> reasons,
    Optional<String> stage,
    Optional<String> source,
    Optional<Instant> since,
    Optional<Instant> before,
    List<String> ids) {

  /** All of them. */
  public static final LetterFilter ALL =
      new LetterFilter(
          Optional.empty(),
          List.of(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          List.of());

  /** Reasons are in capitals, and in the closed list; each id once. */
  public LetterFilter {
    reasons = reasons.stream().map(LetterFilter::reason).toList();
    ids = List.copyOf(new TreeSet<>(ids));
  }

  /** The same of one pipeline. */
  public LetterFilter ofPipeline(String name) {
    return new LetterFilter(Optional.of(name), reasons, stage, source, since, before, ids);
  }

  /** The same of those that arrived before. */
  public LetterFilter arrivedBefore(Instant time) {
    return new LetterFilter(pipeline, reasons, stage, source, since, Optional.of(time), ids);
  }

  /** The same of these, whole ids. */
  public LetterFilter withIds(List<String> whole) {
    return new LetterFilter(pipeline, reasons, stage, source, since, before, whole);
  }

  /** Reads a time; a {@link UserError} names the option and what it can be. */
  public static Instant time(String option, String text) {
    try {
      return Instant.parse(text);
    } catch (DateTimeException noTime) {
      throw new UserError(
          option + " is '" + text + "', which is no time; write it like 2026-01-01T00:00:00Z.",
          noTime);
    }
  }

  private static String reason(String text) {
    String code = text.strip().toUpperCase(Locale.ROOT);
    if (Arrays.stream(Reason.values()).noneMatch(known -> known.name().equals(code))) {
      throw new UserError(
          "--reason is '"
              + text
              + "', which is no reason. There are "
              + Arrays.stream(Reason.values()).map(Reason::name).collect(Collectors.joining(", "))
              + ".");
    }
    return code;
  }

  /** A condition of SQL, and in {@code values} what its question marks stand for. */
  String condition(List<Object> values) {
    List<String> all = new ArrayList<>();
    pipeline.ifPresent(name -> all.add(holds("pipeline = ?", name, values)));
    if (!reasons.isEmpty()) {
      all.add(holds("reason = ANY (?)", reasons.toArray(String[]::new), values));
    }
    stage.ifPresent(name -> all.add(holds("stage = ?", name, values)));
    source.ifPresent(name -> all.add(holds("source = ?", name, values)));
    since.ifPresent(t -> all.add(holds("arrival_time >= ?", t.atOffset(ZoneOffset.UTC), values)));
    before.ifPresent(t -> all.add(holds("arrival_time < ?", t.atOffset(ZoneOffset.UTC), values)));
    if (!ids.isEmpty()) {
      all.add(holds("id = ANY (?)", ids.toArray(String[]::new), values));
    }
    return all.isEmpty() ? "true" : String.join(" AND ", all);
  }

  private static String holds(String condition, Object value, List<Object> values) {
    values.add(value);
    return condition;
  }
}
