package dev.millrace.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Sides that do the same work, in turns: each round lets every side run once, so that whatever
 * happens to the machine happens to all. The first side is the yardstick: the others are compared
 * with it, and with whom else they have to reach.
 *
 * @param name of the benchmark
 * @param records each side works through
 * @param sides the yardstick first
 * @param aims what is wanted of them
 */
public record Comparison(String name, long records, List<Side> sides, List<Aim> aims) {

  /** There are two sides at least. */
  public Comparison {
    sides = List.copyOf(sides);
    aims = List.copyOf(aims);
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
              runs.stream().map(Measured::wallSeconds).toList(),
              runs.stream().map(Measured::cpuSeconds).toList()));
    }
    return new Result(name, records, results, aims);
  }

  private Answer checked(@Nullable Answer expected, Side side, Answer found) {
    if (expected == null) {
      return found;
    }
    found.mustEqual(expected, side.name(), sides.get(0).name());
    return expected;
  }

  /**
   * What is wanted: that a side takes at most so many times the CPU time of another.
   *
   * @param side name of the one
   * @param yardstick name of the other
   */
  public record Aim(String side, String yardstick, double times) {}

  /**
   * What a comparison came to.
   *
   * @param name of the benchmark
   * @param records each side worked through
   * @param sides the yardstick first
   * @param aims what was wanted of them
   */
  public record Result(String name, long records, List<SideResult> sides, List<Aim> aims) {

    /** The side that the others are compared with. */
    public SideResult yardstick() {
      return sides.get(0);
    }

    /** All sides beside the yardstick, then those that are meant to reach others too. */
    public List<Compared> compared() {
      List<Compared> compared = new ArrayList<>();
      for (SideResult side : sides.subList(1, sides.size())) {
        compared.add(new Compared(side, yardstick(), wanted(side, yardstick())));
      }
      for (SideResult side : sides) {
        for (SideResult other : sides.subList(1, sides.size())) {
          Double wanted = wanted(side, other);
          if (wanted != null) {
            compared.add(new Compared(side, other, wanted));
          }
        }
      }
      return compared;
    }

    private @Nullable Double wanted(SideResult side, SideResult yardstick) {
      return aims.stream()
          .filter(aim -> aim.side.equals(side.name) && aim.yardstick.equals(yardstick.name))
          .map(Aim::times)
          .findFirst()
          .orElse(null);
    }
  }

  /**
   * The times of a side, round by round.
   *
   * @param counted what was measured, in words
   */
  public record SideResult(
      String name, String counted, List<Double> wallSeconds, List<Double> cpuSeconds) {

    /** Spread of the wall times. */
    public Spread wall() {
      return Spread.of(wallSeconds);
    }

    /** Spread of the CPU times. */
    public Spread cpu() {
      return Spread.of(cpuSeconds);
    }
  }

  /**
   * A side beside another, round by round.
   *
   * @param wanted how many times the CPU time of the other it takes at most; null if nothing is
   *     wanted
   */
  public record Compared(SideResult side, SideResult yardstick, @Nullable Double wanted) {

    /** Both names. */
    public String name() {
      return side.name + " / " + yardstick.name;
    }

    /** How many times the CPU time of the other it takes. */
    public Spread cpu() {
      return Spread.ofRatios(side.cpuSeconds, yardstick.cpuSeconds);
    }

    /** How many times the wall time. */
    public Spread wall() {
      return Spread.ofRatios(side.wallSeconds, yardstick.wallSeconds);
    }

    /** Whether it takes no more than is wanted; not if nothing is, or it is not known. */
    public boolean isReached() {
      return wanted != null && cpu().median() <= wanted;
    }
  }
}
