package dev.millrace.testing;

import java.time.LocalDate;
import java.util.List;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.testing.PAssert;
import org.apache.beam.sdk.testing.TestStream;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.IntervalWindow;
import org.apache.beam.sdk.transforms.windowing.PaneInfo;
import org.apache.beam.sdk.transforms.windowing.PaneInfo.Timing;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TimestampedValue;
import org.joda.time.DateTimeZone;
import org.joda.time.Duration;
import org.joda.time.Instant;
import org.joda.time.LocalTime;
import org.joda.time.format.DateTimeFormatter;
import org.joda.time.format.DateTimeFormatterBuilder;

/**
 * What happens to a stream in a test, told in times of one day (UTC):
 *
 * <pre>{@code
 * TestStream<Click> stream = StreamScript.of(coder)
 *     .at("10:02", click("u1"))
 *     .clockPasses("PT10S")          // early panes fire by the clock
 *     .watermarkTo("10:05")
 *     .at("10:01", click("u2"))      // behind the watermark
 *     .end();
 * ...
 * StreamScript.expectPanes(counts,
 *     pane("10:00", "10:05", EARLY, 1L), pane("10:00", "10:05", ON_TIME, 1L), ...);
 * }</pre>
 *
 * <p>Panes are those of the Direct runner: others may cut them otherwise, and come to the same last
 * pane.
 *
 * @param <T> element
 */
public final class StreamScript<T> {

  private static final LocalDate DAY = LocalDate.of(2024, 3, 1);
  private static final DateTimeFormatter SHORT = formatter();

  private final TestStream.Builder<T> stream;

  private StreamScript(TestStream.Builder<T> stream) {
    this.stream = stream;
  }

  /** An empty script; the watermark is at the beginning of time, the clock stands. */
  public static <T> StreamScript<T> of(Coder<T> coder) {
    return new StreamScript<>(TestStream.create(coder));
  }

  /** An element with this timestamp comes. */
  public StreamScript<T> at(String time, T element) {
    return new StreamScript<>(stream.addElements(TimestampedValue.of(element, instant(time))));
  }

  /** The watermark moves: whoever comes with an earlier timestamp is behind it. */
  public StreamScript<T> watermarkTo(String time) {
    return new StreamScript<>(stream.advanceWatermarkTo(instant(time)));
  }

  /** The clock goes on by an ISO-8601 duration, the watermark does not: the stream is idle. */
  public StreamScript<T> clockPasses(String duration) {
    return new StreamScript<>(
        stream.advanceProcessingTime(
            Duration.millis(java.time.Duration.parse(duration).toMillis())));
  }

  /** The watermark moves to the end of time; the stream is complete. */
  public TestStream<T> end() {
    return stream.advanceWatermarkToInfinity();
  }

  /** A time of the script's day. */
  public static Instant instant(String time) {
    return new Instant(
        new org.joda.time.LocalDate(DAY.getYear(), DAY.getMonthValue(), DAY.getDayOfMonth())
            .toDateTime(LocalTime.parse(time), DateTimeZone.UTC));
  }

  /** A row that was stated by a pane. */
  public static String pane(String from, String to, Timing timing, Object row) {
    return text(new IntervalWindow(instant(from), instant(to)), timing, row);
  }

  /** All rows that were ever stated, each with its window and the timing of its pane. */
  public static void expectPanes(PCollection<?> rows, String... panes) {
    PAssert.that(rows.getName(), stated(rows)).containsInAnyOrder(List.of(panes));
  }

  private static <R> PCollection<String> stated(PCollection<R> rows) {
    return rows.apply("Stated_" + rows.getName().replace('/', '_'), ParDo.of(new State<R>()))
        .setCoder(StringUtf8Coder.of());
  }

  private static String text(BoundedWindow window, Timing timing, Object row) {
    String span =
        window instanceof IntervalWindow interval
            ? SHORT.print(interval.start()) + " to " + SHORT.print(interval.end())
            : window.toString();
    return span + " " + timing + ": " + row;
  }

  private static DateTimeFormatter formatter() {
    return new DateTimeFormatterBuilder().appendPattern("HH:mm:ss.SSS").toFormatter().withZoneUTC();
  }

  private static final class State<R> extends DoFn<R, String> {
    @ProcessElement
    public void process(
        @Element R row, BoundedWindow window, PaneInfo pane, OutputReceiver<String> out) {
      out.output(text(window, pane.getTiming(), row));
    }
  }
}
