package dev.millrace.runners;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Comparator;
import java.util.List;
import java.util.logging.LogManager;
import java.util.stream.Stream;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.config.Configurator;
import org.apache.logging.log4j.core.config.builder.api.AppenderComponentBuilder;
import org.apache.logging.log4j.core.config.builder.api.ConfigurationBuilder;
import org.apache.logging.log4j.core.config.builder.api.ConfigurationBuilderFactory;
import org.apache.logging.log4j.core.config.builder.api.LoggerComponentBuilder;
import org.apache.logging.log4j.core.config.builder.api.RootLoggerComponentBuilder;
import org.apache.logging.log4j.core.config.builder.impl.BuiltConfiguration;

/**
 * Where log events go: all of them into a file per command, and as JSON lines to standard error if
 * that is asked for. A configuration of Log4j that the user names ({@code
 * log4j2.configurationFile}) goes before this; in it, {@code ${sys:millrace.log}} is the file.
 */
final class Logs {

  private static final int KEPT = 20;
  private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");

  private Logs() {}

  /**
   * Must come before the first event.
   *
   * @return the file
   */
  static Path start(Path directory, String command, LogMode mode, boolean debug) {
    Path file =
        directory.resolve(
            command
                + "-"
                + STAMP.format(LocalDateTime.now(ZoneId.systemDefault()))
                + "-"
                + ProcessHandle.current().pid()
                + ".log");
    forgetOld(directory);
    // The driver of PostgreSQL logs by java.util.logging, which writes to standard error unless
    // told otherwise.
    LogManager.getLogManager().reset();
    if (System.getProperty("log4j2.configurationFile") != null) {
      System.setProperty("millrace.log", file.toString());
      // It may have been read already, without the file.
      Configurator.reconfigure();
      return file;
    }

    ConfigurationBuilder<BuiltConfiguration> config =
        ConfigurationBuilderFactory.newConfigurationBuilder();
    config.setStatusLevel(Level.OFF);
    config.add(
        config
            .newAppender("file", "File")
            .addAttribute("fileName", file.toString())
            .addAttribute("createOnDemand", true)
            .add(
                config
                    .newLayout("PatternLayout")
                    .addAttribute(
                        "pattern", "%d{yyyy-MM-dd HH:mm:ss.SSS} %-5p [%t] %c{1}: %m %X%n%ex")));
    Level own = debug ? Level.DEBUG : Level.INFO;
    RootLoggerComponentBuilder root =
        config.newRootLogger(Level.INFO).add(config.newAppenderRef("file"));
    LoggerComponentBuilder millrace =
        config
            .newLogger("dev.millrace", own)
            .addAttribute("additivity", false)
            .add(config.newAppenderRef("file"));
    if (mode == LogMode.JSON) {
      AppenderComponentBuilder console =
          config
              .newAppender("console", "Console")
              .addAttribute("target", "SYSTEM_ERR")
              .addAttribute("follow", true)
              .add(
                  config
                      .newLayout("JsonTemplateLayout")
                      .addAttribute("eventTemplateUri", "classpath:dev/millrace/runners/log.json"));
      config.add(console);
      root.add(config.newAppenderRef("console").addAttribute("level", Level.WARN));
      millrace.add(config.newAppenderRef("console").addAttribute("level", own));
    }
    // It tells at length which PostgreSQL it unpacks.
    config.add(config.newLogger("io.zonky", Level.WARN));
    // Flink tells of every task and every state of it, and warns of every long name of a step.
    config.add(config.newLogger("org.apache.flink", Level.WARN));
    config.add(config.newLogger("org.apache.flink.runtime.metrics", Level.ERROR));
    config.add(config.newLogger("org.apache.flink.metrics", Level.ERROR));
    config.add(config.newLogger("org.apache.beam.runners.flink", Level.WARN));
    config.add(root);
    config.add(millrace);
    Configurator.reconfigure(config.build());
    return file;
  }

  private static void forgetOld(Path directory) {
    if (!Files.isDirectory(directory)) {
      return;
    }
    try (Stream<Path> files = Files.list(directory)) {
      List<Path> logs =
          files
              .filter(file -> file.getFileName().toString().matches(".*-\\d{8}-\\d{6}-\\d+\\.log"))
              .sorted(Comparator.comparing(Logs::modified).reversed())
              .toList();
      for (Path old : logs.subList(Math.min(KEPT, logs.size()), logs.size())) {
        Files.deleteIfExists(old);
      }
    } catch (IOException kept) {
      // Old logs in the way are no reason to fail.
    }
  }

  private static long modified(Path file) {
    return file.toFile().lastModified();
  }
}
