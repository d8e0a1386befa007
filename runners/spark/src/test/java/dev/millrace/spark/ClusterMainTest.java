package dev.millrace.spark;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.is;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClusterMainTest {

  @Test
  void aClusterThatIsNotThereIsNoticedAtOnce() throws IOException {
    assertThat(ClusterMain.answers("spark://127.0.0.1:" + closedPort()), is(false));
  }

  @Test
  void oneMasterOfSeveralIsEnough() throws IOException {
    try (ServerSocket master = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String standby = "127.0.0.1:" + closedPort();

      assertThat(
          ClusterMain.answers("spark://" + standby + ",127.0.0.1:" + master.getLocalPort()),
          is(true));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"local[2]", "yarn", "k8s://https://127.0.0.1:1", "spark://nowhere", "spark://a:b"})
  void otherMastersAreLeftToSpark(String master) {
    assertThat(ClusterMain.answers(master), is(true));
  }

  private static int closedPort() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    }
  }
}
