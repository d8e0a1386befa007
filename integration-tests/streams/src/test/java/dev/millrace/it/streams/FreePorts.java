package dev.millrace.it.streams;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;

/** Ports of 127.0.0.1 that nobody uses. */
record FreePorts(int one, int other) {

  /** Two of them, held at once: asked for one after the other they can be the same. */
  static FreePorts find() throws IOException {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    try (ServerSocket one = new ServerSocket(0, 1, loopback);
        ServerSocket other = new ServerSocket(0, 1, loopback)) {
      return new FreePorts(one.getLocalPort(), other.getLocalPort());
    }
  }
}
