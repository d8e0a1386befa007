package dev.millrace.runners;

import dev.millrace.runners.JobState.Encoding;
import dev.millrace.runners.JobState.Step;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Whether a savepoint of one version's job restores in another's. Flink itself finds out too late,
 * or never: it does not compare coders of Beam, and reads what one has written with another.
 */
final class Compatibility {

  private static final int SHOWN = 3;

  private final JobState old;
  private final JobState now;
  private final Map<String, Step> olds;
  private final Map<String, Step> news;
  private final List<String> faults = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private final Map<String, Set<String>> changedTypes = new TreeMap<>();

  private Compatibility(JobState old, JobState now) {
    this.old = old;
    this.now = now;
    this.olds = byName(old);
    this.news = byName(now);
  }

  private static Map<String, Step> byName(JobState job) {
    return job.steps().stream()
        .collect(
            Collectors.toMap(Step::name, Function.identity(), (a, b) -> a, LinkedHashMap::new));
  }

  /**
   * What was found.
   *
   * @param faults why a savepoint does not restore; it does if there are none
   * @param notes what to know if it does
   */
  record Verdict(List<String> faults, List<String> notes) {
    boolean restores() {
      return faults.isEmpty();
    }
  }

  static Verdict of(JobState old, JobState now) {
    Compatibility comparison = new Compatibility(old, now);
    comparison.versions();
    old.steps().forEach(comparison::oldStep);
    now.steps().forEach(comparison::newStep);
    comparison.tasks();
    comparison.types();
    return new Verdict(comparison.faults, comparison.notes);
  }

  private void versions() {
    if (!old.beam().equals(now.beam())) {
      faults.add(
          "Beam is "
              + now.beam()
              + " instead of "
              + old.beam()
              + ": what Beam keeps of its own changes with it, and Beam promises nothing.");
    }
    if (!minor(old.flink()).equals(minor(now.flink()))) {
      faults.add("It is made for Flink " + now.flink() + " instead of " + old.flink() + ".");
    }
    if (old.keyGroups() != now.keyGroups()) {
      faults.add(
          "There are "
              + now.keyGroups()
              + " key groups instead of "
              + old.keyGroups()
              + ", and Flink refuses another number.");
    }
  }

  private static String minor(String version) {
    return version.replaceFirst("^(\\d+\\.\\d+).*", "$1");
  }

  // ------------------------------------------------------------------------------------- steps

  private void oldStep(Step before) {
    Step after = news.get(before.name());
    if (after == null) {
      if (!before.state().isEmpty()) {
        faults.add(
            before.name()
                + " is gone or has another name. It held "
                + held(before.state())
                + "; --allow-non-restored-state=true loses that.");
      } else if (!before.ends() && !before.buffers().isEmpty()) {
        faults.add(
            before.name()
                + " is gone or has another name. It held no state, but maybe elements that wait;"
                + " --allow-non-restored-state=true loses these.");
      }
      return;
    }
    if (before.ends() && after.ends()) {
      return;
    }
    before
        .state()
        .forEach(
            (what, encoding) -> {
              @Nullable Encoding other = after.state().get(what);
              if (other == null) {
                faults.add(
                    before.name() + " no longer has its " + what + ", whose content is lost.");
              } else {
                compare(before.name(), what, encoding, other);
              }
            });
    before
        .buffers()
        .forEach(
            (what, encoding) -> {
              @Nullable Encoding other = after.buffers().get(what);
              if (other != null) {
                compare(before.name(), "elements that wait", encoding, other);
              }
            });
    change(before.name(), "keys", before.key(), after.key());
    change(before.name(), "windows", before.windows(), after.windows());
    Set<String> added = new TreeSet<>(after.state().keySet());
    added.removeAll(before.state().keySet());
    if (!added.isEmpty()) {
      notes.add(
          before.name() + " has " + String.join(", ", added) + " besides, which starts empty.");
      sideInputs(after, added);
    }
  }

  private void newStep(Step after) {
    if (olds.containsKey(after.name()) || after.state().isEmpty()) {
      return;
    }
    notes.add(after.name() + " is new. Its state starts empty: " + held(after.state()) + ".");
    sideInputs(after, after.state().keySet());
  }

  /** What has ended is not read again for those who come later. */
  private void sideInputs(Step step, Collection<String> states) {
    if (states.stream().noneMatch(state -> state.startsWith("side input"))) {
      return;
    }
    step.after().stream()
        .filter(this::wasOver)
        .findFirst()
        .ifPresent(
            source ->
                faults.add(
                    step.name()
                        + " waits for a side input from "
                        + source
                        + ", which was read to its end before the savepoint and is not read"
                        + " again."));
  }

  private boolean wasOver(String name) {
    Step before = olds.get(name);
    return before != null && before.ends();
  }

  /** Flink wants the steps of a task to be over together, and all before them. */
  private void tasks() {
    Map<Integer, List<Step>> tasks = new TreeMap<>();
    now.steps()
        .forEach(step -> tasks.computeIfAbsent(step.task(), t -> new ArrayList<>()).add(step));
    for (List<Step> task : tasks.values()) {
      List<Step> over = task.stream().filter(step -> wasOver(step.name())).toList();
      if (over.isEmpty()) {
        continue;
      }
      Set<String> others = new LinkedHashSet<>();
      for (Step step : task) {
        if (!wasOver(step.name())) {
          others.add(step.name());
        }
        step.after().stream().filter(name -> !wasOver(name)).forEach(others::add);
      }
      if (!others.isEmpty()) {
        faults.add(
            some(others)
                + (others.size() == 1 ? " is" : " are")
                + " new beside or before "
                + over.get(over.size() - 1).name()
                + ", which has an end and was over: Flink refuses that.");
      }
    }
  }

  // ------------------------------------------------------------------------------------- coders

  private void change(String step, String what, @Nullable String before, @Nullable String after) {
    if (before != null && after != null && !before.equals(after)) {
      faults.add(step + " has other " + what + ": " + after + " instead of " + before + ".");
    }
  }

  private void compare(String step, String what, Encoding before, Encoding after) {
    if (!before.as().equals(after.as())) {
      faults.add(
          step
              + " has its "
              + what
              + " as "
              + after.as()
              + " instead of "
              + before.as()
              + ", which Flink would read as if they were the same.");
      return;
    }
    for (String type : before.types()) {
      if (!old.types().getOrDefault(type, "").equals(now.types().getOrDefault(type, ""))) {
        changedTypes.computeIfAbsent(type, t -> new LinkedHashSet<>()).add(step);
      }
    }
  }

  private void types() {
    changedTypes.forEach(
        (type, steps) -> {
          String before = old.types().getOrDefault(type, "");
          @Nullable String after = now.types().get(type);
          String name = type.replaceFirst("^(?:\\w+\\.)+(?=\\w)", "").replace('$', '.');
          String what;
          if (after == null) {
            what = name + " is gone, and a savepoint names it";
          } else if (before.startsWith("schema")) {
            what = "The contract " + name + " has another " + before + " → " + after.substring(7);
          } else if (before.replaceFirst(",.*", "").equals(after.replaceFirst(",.*", ""))) {
            what = "The code of " + name + " is another: it may not read what it wrote before";
          } else {
            what = name + " is another class to Java, which refuses to read the one before";
          }
          faults.add(what + ". It is part of " + some(steps) + ".");
        });
  }

  private static String held(Map<String, Encoding> state) {
    return state.entrySet().stream()
        .map(
            entry ->
                entry.getKey().replaceFirst("^side input .*", "side input")
                    + " ("
                    + entry.getValue().as()
                    + ")")
        .collect(Collectors.joining(", "));
  }

  private static String some(Collection<String> names) {
    return names.stream().limit(SHOWN).collect(Collectors.joining(", "))
        + (names.size() > SHOWN ? " and " + (names.size() - SHOWN) + " more" : "");
  }
}
