package dev.millrace.spark;

import dev.millrace.runners.Engine;
import dev.millrace.runners.Millrace;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.beam.runners.spark.SparkPipelineOptions;
import org.apache.beam.runners.spark.SparkRunner;

/**
 * Where the bundle begins: {@code spark-submit bundle.jar sales --sales=…} runs the pipeline on the
 * cluster that {@code spark-submit} names, and ends with it.
 */
public final class ClusterMain {

  private static final int PATIENCE_MILLIS = 10_000;

  private ClusterMain() {}

  private static Engine engine(String master) throws URISyntaxException {
    FusedSteps.install();
    Path bundle =
        Path.of(ClusterMain.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    return new Engine(
        SparkRunner.class,
        SparkPipelineOptions.class,
        List.of(
            // Beam looks for a runner before the command line can name its own.
            "--runner=SparkRunner",
            "--sparkMaster=" + master,
            Main.KEPT,
            // Else Beam sends along what is on the class path, Spark itself included.
            "--filesToStage=" + bundle),
        SparkLimits.ALL,
        Optional.empty(),
        !master.startsWith("local"));
  }

  /**
   * Whether one of the masters takes a connection. Spark itself tries for a minute and a half
   * without a word, and then says that its context was stopped. Masters that are no {@code
   * spark://host:port,host:port} are not asked.
   */
  static boolean answers(String master) {
    if (!master.startsWith("spark://")) {
      return true;
    }
    for (String address : master.substring("spark://".length()).split(",", -1)) {
      int colon = address.lastIndexOf(':');
      try (Socket socket = new Socket()) {
        socket.connect(
            new InetSocketAddress(
                address.substring(0, colon), Integer.parseInt(address.substring(colon + 1))),
            PATIENCE_MILLIS);
        return true;
      } catch (IOException none) {
        // The next one may.
      } catch (IllegalArgumentException | IndexOutOfBoundsException unlike) {
        // Spark says what is wrong with it.
        return true;
      }
    }
    return false;
  }

  /** Runs the named pipeline to its end; the exit status is that of {@code millrace run}. */
  public static void main(String[] arguments) throws URISyntaxException {
    String master = System.getProperty("spark.master");
    if (master == null) {
      System.err.println(
          "millrace: This jar is for a Spark cluster; start it there: spark-submit --master=spark://… JAR PIPELINE --option=value ….");
      System.exit(2);
    }
    if (!answers(master)) {
      System.err.println(
          "millrace: No Spark cluster answers at "
              + master
              + "; check that its master runs, and host and port of --master.");
      System.exit(2);
    }
    System.exit(
        Millrace.on(engine(master))
            .run(Stream.concat(Stream.of("run"), Stream.of(arguments)).toArray(String[]::new)));
  }
}
