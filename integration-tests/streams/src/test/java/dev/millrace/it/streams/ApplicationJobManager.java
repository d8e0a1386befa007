package dev.millrace.it.streams;

import java.io.File;
import java.util.Arrays;
import org.apache.flink.client.deployment.application.ApplicationClusterEntryPoint;
import org.apache.flink.client.program.PackagedProgram;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.runtime.entrypoint.ClusterEntrypoint;
import org.apache.flink.runtime.resourcemanager.StandaloneResourceManagerFactory;

/**
 * A JobManager in application mode: it runs the main class of a bundle itself. Flink's images have
 * one in {@code flink-container}, of which there is no artifact for 1.19.
 *
 * <p>Arguments: the directory of Flink's configuration, the bundle, and the bundle's arguments.
 */
@SuppressWarnings("try") // of close(), which is Flink's
public final class ApplicationJobManager extends ApplicationClusterEntryPoint {

  private ApplicationJobManager(Configuration configuration, PackagedProgram program) {
    super(configuration, program, StandaloneResourceManagerFactory.getInstance());
  }

  /** Runs until the job has ended. */
  public static void main(String[] arguments) throws Exception {
    Configuration configuration = GlobalConfiguration.loadConfiguration(arguments[0]);
    PackagedProgram program =
        PackagedProgram.newBuilder()
            .setJarFile(new File(arguments[1]))
            .setEntryPointClassName("dev.millrace.flink.ClusterMain")
            .setArguments(Arrays.copyOfRange(arguments, 2, arguments.length))
            .setConfiguration(configuration)
            .build();
    configureExecution(configuration, program);
    ClusterEntrypoint.runClusterEntrypoint(new ApplicationJobManager(configuration, program));
  }
}
