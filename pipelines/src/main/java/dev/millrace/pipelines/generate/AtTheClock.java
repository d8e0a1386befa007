package dev.millrace.pipelines.generate;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Moves events to the time at which they are written: what arrived at some time of the generator's
 * morning arrives now, and happened as long before or after that as it did. A copy keeps the times
 * of the event it is a copy of. A line that cannot be read stays as it is.
 */
final class AtTheClock implements UnaryOperator<byte[]> {

  private static final Pattern ID = Pattern.compile("\"event_id\"\\s*:\\s*\"([^\"]*)\"");
  private static final Pattern TIME =
      Pattern.compile("(\"(?:event_time|arrived_at)\"\\s*:\\s*\")(\\d{4}-[0-9T:.-]+Z)\"");
  private static final Pattern ARRIVED =
      Pattern.compile("\"arrived_at\"\\s*:\\s*\"(\\d{4}-[0-9T:.-]+Z)\"");

  /** A copy comes within some hundred records. */
  private static final int REMEMBERED = 4096;

  /** The first record may not say when it arrives. */
  private static final long START = ClickstreamRun.START;

  private final Clock clock;
  private final Map<String, Long> shifts =
      new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Long> eldest) {
          return size() > REMEMBERED;
        }
      };
  private long arrived = START;

  AtTheClock(Clock clock) {
    this.clock = clock;
  }

  @Override
  public byte[] apply(byte[] line) {
    // As bytes, whatever they mean: what is no UTF-8 must stay so.
    String text = new String(line, StandardCharsets.ISO_8859_1);
    Matcher id = ID.matcher(text);
    if (line.length > 1 << 16 || !id.find()) {
      return line;
    }
    try {
      Matcher arrival = ARRIVED.matcher(text);
      if (arrival.find()) {
        arrived = Instant.parse(arrival.group(1)).toEpochMilli();
      }
      long shift = shifts.computeIfAbsent(id.group(1), any -> clock.millis() - arrived);
      return TIME.matcher(text)
          .replaceAll(
              time ->
                  Matcher.quoteReplacement(
                      time.group(1) + Instant.parse(time.group(2)).plusMillis(shift) + "\""))
          .getBytes(StandardCharsets.ISO_8859_1);
    } catch (DateTimeException noTime) {
      return line;
    }
  }
}
