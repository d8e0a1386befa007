package dev.millrace.it.streams;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Stands between clients and a server of this machine, and passes their bytes on, until it is told
 * to cut them off.
 */
final class Proxy implements AutoCloseable {

  /** How connections are cut. */
  enum Cut {
    /** Each is reset, and so is who tries again. */
    RESET,

    /**
     * Nothing passes any more, and nobody is told: as with a cable that is pulled, or a firewall
     * that has forgotten a connection. Those that were open stay mute for ever; new ones are mute
     * if they were begun meanwhile.
     */
    SILENCE
  }

  /** What is done with the bytes of a server. */
  private interface Passing {
    void pass(InputStream from, OutputStream to, Link link) throws IOException;
  }

  private final ServerSocket door;
  private final int server;
  private final Passing answers;
  private final Set<Link> links = ConcurrentHashMap.newKeySet();
  private volatile @Nullable Cut cut;

  private Proxy(int server, @Nullable Passing answers) throws IOException {
    this.door = new ServerSocket(0, 50, loopback());
    this.server = server;
    this.answers = answers == null ? Proxy::asTheyAre : answers;
    daemon(this::letIn);
  }

  /** Before the server at a port of 127.0.0.1. */
  static Proxy to(int server) throws IOException {
    return new Proxy(server, null);
  }

  /**
   * Before a Kafka broker. A broker tells its clients where it is, and they go there: wherever its
   * answers say so, they say this proxy's port instead.
   */
  static Proxy toKafka(int server) throws IOException {
    Proxy[] self = new Proxy[1];
    self[0] =
        new Proxy(
            server, (from, to, link) -> answersOfKafka(from, to, link, server, self[0].port()));
    return self[0];
  }

  int port() {
    return door.getLocalPort();
  }

  /** Cuts all connections, and those to come, until it is {@linkplain #mend mended}. */
  void cut(Cut how) {
    cut = how;
    for (Link link : links) {
      link.cut(how);
    }
  }

  /** Lets new connections through. */
  void mend() {
    cut = null;
  }

  private void letIn() {
    while (!door.isClosed()) {
      try {
        Link link = new Link(door.accept());
        links.add(link);
        Cut how = cut;
        if (how == null) {
          link.open();
          how = cut;
        }
        if (how != null) {
          link.cut(how);
        }
      } catch (IOException closed) {
        // The door, or a client that is gone already.
      }
    }
  }

  /** A connection. */
  private final class Link {
    private final Socket client;
    private volatile @Nullable Socket end;
    private volatile boolean mute;

    Link(Socket client) {
      this.client = client;
    }

    private void open() throws IOException {
      Socket other = new Socket();
      try {
        other.connect(new InetSocketAddress(loopback(), server), 5_000);
      } catch (IOException down) {
        reset();
        return;
      }
      end = other;
      client.setTcpNoDelay(true);
      other.setTcpNoDelay(true);
      daemon(() -> passOn(client, other, Proxy::asTheyAre));
      daemon(() -> passOn(other, client, answers));
    }

    private void cut(Cut how) {
      if (how == Cut.SILENCE) {
        mute = true;
      } else {
        reset();
      }
    }

    private void passOn(Socket from, Socket to, Passing how) {
      try {
        how.pass(from.getInputStream(), to.getOutputStream(), this);
      } catch (IOException ended) {
        // on one side
      }
      // Of a connection that is mute no side learns that the other has ended.
      if (!mute) {
        reset();
      }
    }

    private void reset() {
      links.remove(this);
      Socket other = end;
      for (Socket socket : other == null ? new Socket[] {client} : new Socket[] {client, other}) {
        try {
          socket.setSoLinger(true, 0);
          socket.close();
        } catch (IOException closed) {
          // as it should be
        }
      }
    }
  }

  private static void asTheyAre(InputStream from, OutputStream to, Link link) throws IOException {
    byte[] bytes = new byte[1 << 16];
    for (int read = from.read(bytes); read >= 0; read = from.read(bytes)) {
      if (!link.mute) {
        to.write(bytes, 0, read);
      }
    }
  }

  /** An answer is its length and so many bytes; where a broker is, is a text and an integer. */
  private static void answersOfKafka(
      InputStream from, OutputStream to, Link link, int server, int proxy) throws IOException {
    byte[] there = address(server);
    byte[] here = address(proxy);
    DataInputStream in = new DataInputStream(from);
    DataOutputStream out = new DataOutputStream(to);
    while (true) {
      byte[] answer = new byte[in.readInt()];
      in.readFully(answer);
      for (int at = 0; at <= answer.length - there.length; at++) {
        if (java.util.Arrays.equals(answer, at, at + there.length, there, 0, there.length)) {
          System.arraycopy(here, 0, answer, at, here.length);
        }
      }
      if (!link.mute) {
        ByteBuffer whole = ByteBuffer.allocate(4 + answer.length);
        out.write(whole.putInt(answer.length).put(answer).array());
      }
    }
  }

  private static byte[] address(int port) {
    byte[] host = "127.0.0.1".getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(host.length + 4).put(host).putInt(port).array();
  }

  private static InetAddress loopback() throws IOException {
    return InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
  }

  private static void daemon(Runnable work) {
    Thread thread = new Thread(work, "proxy");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    door.close();
    links.forEach(Link::reset);
  }
}
