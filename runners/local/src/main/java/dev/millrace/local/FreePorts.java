package dev.millrace.local;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;

/**
 * Ports of 127.0.0.1 that nobody uses: for tests, which run beside one another. Somebody may take
 * them before they are used.
 */
public record FreePorts(int one, int other) {

  /** Two of them, held at once: asked for one after the other they can be the same. */
  public static FreePorts find() throws IOException {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    try (ServerSocket one = new ServerSocket(0, 1, loopback);
        ServerSocket other = new ServerSocket(0, 1, loopback)) {
      return new FreePorts(one.getLocalPort(), other.getLocalPort());
    }
  }
}
