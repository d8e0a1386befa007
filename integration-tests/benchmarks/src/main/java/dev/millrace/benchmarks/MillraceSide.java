package dev.millrace.benchmarks;

import dev.millrace.direct.Main;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code millrace run sales}, each time in a fresh process, into a fresh lake and a fresh database.
 *
 * @param runner its name, in words
 */
record MillraceSide(
    Path directory, String runner, Path foodMart, Launch launch, Warehouse warehouse)
    implements Side {

  /** Runs the command with these arguments. */
  @FunctionalInterface
  interface Launch {
    Processes.Ended run(List<String> arguments) throws IOException, InterruptedException;
  }

  /** On the Direct runner. */
  static MillraceSide onDirect(
      Path directory, Path foodMart, Processes processes, Warehouse warehouse) {
    return new MillraceSide(
        directory,
        "Direct",
        foodMart,
        arguments -> processes.run(Main.class.getName(), arguments),
        warehouse);
  }

  /** The same over other tables, in the same places. */
  MillraceSide over(Path tables) {
    return new MillraceSide(directory, runner, tables, launch, warehouse);
  }

  @Override
  public String name() {
    return "Millrace on " + runner;
  }

  @Override
  public String counted() {
    return "one process of `millrace run sales`, from the start of Java: everything the pipeline"
        + " does, bronze, silver, answers, ledger, profile, lake, warehouse and report; CPU"
        + " includes that of PostgreSQL, which runs before and after";
  }

  @Override
  public Measured run() throws Exception {
    Temporary.delete(directory.resolve("lake"));
    warehouse.create();
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "run",
                "sales",
                "--log=quiet",
                "--sales=" + foodMart.resolve(FoodMart.SALES),
                "--lake=" + directory.resolve("lake"),
                "--report=" + directory.resolve("report"),
                "--warehouse=" + warehouse.url()));
    arguments.addAll(FoodMart.dimensionOptions(foodMart));
    double serverBefore = warehouse.cpuSeconds();
    Processes.Ended ended = launch.run(arguments);
    double serverCpu = warehouse.cpuSeconds() - serverBefore;
    return new Measured(ended.wallSeconds(), ended.cpuSeconds() + serverCpu, warehouse.answers());
  }
}
