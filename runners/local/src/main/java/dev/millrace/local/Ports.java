package dev.millrace.local;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

/** Ports of 127.0.0.1. */
final class Ports {

  private Ports() {}

  /** The preferred port if it is free, else any; 0 prefers none. */
  static int free(int preferred) throws IOException {
    if (preferred != 0 && isFree(preferred)) {
      return preferred;
    }
    try (ServerSocket probe = new ServerSocket(0, 1, loopback())) {
      return probe.getLocalPort();
    }
  }

  /** Any free port but one that is given away already, and not open yet. */
  static int besides(int given) throws IOException {
    try (ServerSocket one = new ServerSocket(0, 1, loopback());
        ServerSocket other = new ServerSocket(0, 1, loopback())) {
      return one.getLocalPort() == given ? other.getLocalPort() : one.getLocalPort();
    }
  }

  static boolean isFree(int port) {
    try (ServerSocket probe = new ServerSocket()) {
      // As servers do it; otherwise a port in TIME_WAIT, such as that of a killed server, counts as
      // taken.
      probe.setReuseAddress(true);
      probe.bind(new InetSocketAddress(loopback(), port));
      return true;
    } catch (IOException taken) {
      return false;
    }
  }

  private static InetAddress loopback() throws IOException {
    return InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
  }
}
