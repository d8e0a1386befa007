package org.apache.flink.metrics.prometheus;

import io.prometheus.client.exporter.HTTPServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Properties;
import org.apache.flink.metrics.reporter.MetricReporter;
import org.apache.flink.metrics.reporter.MetricReporterFactory;

/**
 * Metrics for Prometheus at a port of 127.0.0.1: Flink's own reporter listens on every address of
 * the machine, and cannot be told otherwise.
 */
public final class LoopbackReporter extends AbstractPrometheusReporter {

  private final HTTPServer server;

  LoopbackReporter(int port) {
    try {
      InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
      server = new HTTPServer(new InetSocketAddress(loopback, port), registry, true);
    } catch (IOException taken) {
      throw new UncheckedIOException("metrics cannot be had at port " + port, taken);
    }
  }

  @Override
  public void close() {
    server.stop();
    super.close();
  }

  /** For Flink, which finds it by name. */
  public static final class Factory implements MetricReporterFactory {

    /** For the service loader. */
    public Factory() {}

    @Override
    public MetricReporter createMetricReporter(Properties properties) {
      // A number, or its text.
      return new LoopbackReporter(Integer.parseInt(String.valueOf(properties.get("port"))));
    }
  }
}
