package dev.millrace.pipelines.clickstream;

import nl.basjes.parse.useragent.UserAgent;
import nl.basjes.parse.useragent.UserAgentAnalyzer;
import org.jspecify.annotations.Nullable;

/**
 * The kind of device that a user agent names, by the rules of the library Yauaa. One analyzer for
 * all of a process: it takes some seconds to make, and remembers the agents it has seen.
 */
final class Devices {

  /** The kind of a device that is not named. */
  static final String UNKNOWN = "Unknown";

  private static final int REMEMBERED = 10_000;

  private Devices() {}

  /** Such as Desktop, Phone, Tablet or Robot; {@link #UNKNOWN} if there is no agent. */
  static String classOf(@Nullable String agent) {
    return agent == null || agent.isBlank() ? UNKNOWN : Analyzer.of(agent);
  }

  /** Made when the first agent is seen. */
  private static final class Analyzer {
    private static final UserAgentAnalyzer ALL =
        UserAgentAnalyzer.newBuilder()
            .withField(UserAgent.DEVICE_CLASS)
            .withCache(REMEMBERED)
            .hideMatcherLoadStats()
            .build();

    private static String of(String agent) {
      return ALL.parse(agent).getValue(UserAgent.DEVICE_CLASS);
    }
  }
}
