package dev.millrace.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Sides that do the same work, in turns: each round lets every side run once, so that whatever
 * happens to the machine happens to all. The first side is the yardstick; the others are compared
 * with it.
 *
 * @param name of the benchmark
 * @param records each side works through
 * @param sides the yardstick first
 * @param wanted by side, the share of the yardstick's speed per core it is meant to reach
 */
public record Comparison(String name, long records, List<Side> sides, Map<String, Double> wanted) {

  /** There are two sides at least. */
  public Comparison {
    sides = List.copyOf(sides);
    wanted = Map.copyOf(wanted);
    if (sides.size() < 2) {
      throw new IllegalArgumentException("a comparison needs two sides");
    }
  }

  /**
   * Runs all rounds and checks in each that all sides give the same answer.
   *
   * @param warmUp rounds whose times are not kept
   * @param rounds rounds whose times are kept
   * @param progress is told what happens
   */
  public Result run(int warmUp, int rounds, Consumer<String> progress) throws Exception {
    Map<String, List<Measured>> kept = new LinkedHashMap<>();
    sides.forEach(side -> kept.put(side.name(), new ArrayList<>()));
    for (int round = 1 - warmUp; round <= rounds; round++) {
      Answer expected = null;
      for (Side side : sides) {
        String turn = round < 1 ? "warm-up" : "round " + round + " of " + rounds;
        progress.accept("%s, %s: %s …".formatted(name, turn, side.name()));
        Measured measured = side.run();
        expected = checked(expected, side, measured.answer());
        progress.accept(
            "%s, %s: %s took %s"
                .formatted(
                    name,
                    turn,
                    side.name(),
                    Report.seconds(measured.wallSeconds(), measured.cpuSeconds())));
        if (round >= 1) {
          kept.computeIfAbsent(side.name(), missing -> new ArrayList<>()).add(measured);
        }
      }
    }
    List<SideResult> results = new ArrayList<>();
    for (Side side : sides) {
      List<Measured> runs = kept.getOrDefault(side.name(), List.of());
      results.add(
          new SideResult(
              side.name(),
              side.counted(),
              wanted.get(side.name()),
              runs.stream().map(Measured::wallSeconds).toList(),
              runs.stream().map(Measured::cpuSeconds).toList()));
    }
    return new Result(name, records, results);
  }

  private Answer checked(@Nullable Answer expected, Side side, Answer found) {
    if (expected == null) {
      return found;
    }
    found.mustEqual(expected, side.name(), sides.get(0).name());
    return expected;
  }

  /**
   * What a comparison came to.
   *
   * @param name of the benchmark
   * @param records each side worked through
   * @param sides the yardstick first
   */
  public record Result(String name, long records, List<SideResult> sides) {

    /** The side that the others are compared with. */
    public SideResult yardstick() {
      return sides.get(0);
    }
  }

  /**
   * The times of a side, round by round.
   *
   * @param counted what was measured, in words
   * @param wanted share of the yardstick's speed per core it is meant to reach; null if none is
   */
  public record SideResult(
      String name,
      String counted,
      @Nullable Double wanted,
      List<Double> wallSeconds,
      List<Double> cpuSeconds) {

    /** Spread of the wall times. */
    public Spread wall() {
      return Spread.of(wallSeconds);
    }

    /** Spread of the CPU times. */
    public Spread cpu() {
      return Spread.of(cpuSeconds);
    }

    /** Speed as a share of another side's: its time through this one's, round by round. */
    public Spread speedOf(SideResult yardstick) {
      return Spread.ofRatios(yardstick.wallSeconds, wallSeconds);
    }

    /** The same per core: CPU time instead of time. */
    public Spread speedPerCoreOf(SideResult yardstick) {
      return Spread.ofRatios(yardstick.cpuSeconds, cpuSeconds);
    }

    /** Whether its speed per core is what is wanted; not if nothing is, or it is not known. */
    public boolean reachesWanted(SideResult yardstick) {
      return wanted != null && speedPerCoreOf(yardstick).median() >= wanted;
    }
  }
}
