package dev.millrace.runners;

import dev.millrace.pipelines.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Says before a version is deployed whether it can take up what the one before leaves. */
@Command(
    name = "compat",
    description =
        "Compare two bundles for Flink: does a savepoint of OLD's jobs restore in NEW? Exit status 1 if not: millrace compat OLD.jar NEW.jar.")
final class CompatCommand extends Millrace.Working implements Callable<Integer> {

  private final Millrace millrace;
  private boolean refused;

  @Parameters(index = "0", paramLabel = "OLD.jar", description = "The bundle that runs.")
  String old = "";

  @Parameters(index = "1", paramLabel = "NEW.jar", description = "The bundle that shall run.")
  String now = "";

  CompatCommand(Millrace millrace) {
    this.millrace = millrace;
  }

  @Override
  public Integer call() {
    int failed = millrace.working("compat", this, narrator -> compare());
    return failed == 0 && refused ? 1 : failed;
  }

  private void compare() {
    Map<String, JobState> before = read(old);
    Map<String, JobState> after = read(now);
    before.forEach(
        (pipeline, state) -> {
          JobState other = after.get(pipeline);
          if (other == null) {
            refused = true;
            millrace.out().println(pipeline + " is not in " + now + ".");
            return;
          }
          Compatibility.Verdict verdict = Compatibility.of(state, other);
          millrace
              .out()
              .println(
                  "A savepoint of "
                      + pipeline
                      + (verdict.restores() ? " restores." : " does not restore."));
          verdict.faults().forEach(fault -> millrace.out().println("  - " + fault));
          verdict.notes().forEach(note -> millrace.out().println("  + " + note));
          refused |= !verdict.restores();
        });
  }

  private Map<String, JobState> read(String jar) {
    Path path = millrace.directory().resolve(jar);
    if (!Files.isRegularFile(path)) {
      throw new UserError("There is no file " + jar + "; name two bundles: OLD.jar NEW.jar.");
    }
    Map<String, JobState> states = new TreeMap<>();
    try (ZipFile zip = new ZipFile(path.toFile())) {
      for (ZipEntry entry : (Iterable<ZipEntry>) zip.stream().<ZipEntry>map(e -> e)::iterator) {
        if (entry.getName().startsWith(JobState.DIRECTORY) && entry.getName().endsWith(".json")) {
          try (InputStream in = zip.getInputStream(entry)) {
            states.put(
                entry.getName().substring(JobState.DIRECTORY.length()).replace(".json", ""),
                JobState.read(in));
          }
        }
      }
      if (states.isEmpty()) {
        throw new UserError(
            zip.getEntry("dev/millrace/flink/ClusterMain.class") == null
                ? jar + " is no bundle of Millrace; it is runners/flink-bundle/target/*.jar."
                : jar
                    + " is a bundle from before bundles told what their savepoints hold; it cannot"
                    + " be compared. Build it again from its sources with this version of the"
                    + " build, or try it: stop, and resume, with the old bundle at hand.");
      }
    } catch (ZipException noZip) {
      throw new UserError(jar + " is no jar; name two bundles: OLD.jar NEW.jar.", noZip);
    } catch (IOException failed) {
      throw new UserError(jar + " cannot be read: " + failed.getMessage(), failed);
    }
    return states;
  }
}
