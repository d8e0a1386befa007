package dev.millrace.benchmarks.flink;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.fs.Path;
import org.jspecify.annotations.Nullable;

/** The same work as a loop on one thread: no engine, nothing that could go on after a failure. */
final class LoopJob {

  private LoopJob() {}

  private record Minute(long start, String action) {}

  static EventsAnswer run(EventsInput input) throws IOException {
    Collected.clear(input.bySession());
    EventParser parser = new EventParser(EventParser.Texts.ALL);
    Map<Minute, PlainJob.Sum> minutes = new HashMap<>();
    Path path = new Path(input.path().toUri());
    long good = 0;
    long invalid = 0;
    long late = 0;
    try (FSDataInputStream stream = path.getFileSystem().open(path)) {
      LineBytes.Reader lines = new LineBytes.Reader(stream);
      for (byte @Nullable [] line = lines.read(); line != null; line = lines.read()) {
        Event event = parser.parse(line);
        if (event == null) {
          invalid++;
        } else if (NativeJob.isLate(event, null)) {
          late++;
        } else {
          good++;
          long size = NativeJob.MINUTE.toMillis();
          PlainJob.Sum sum =
              minutes.computeIfAbsent(
                  new Minute(Math.floorDiv(event.happened, size) * size, input.key().apply(event)),
                  first -> new PlainJob.Sum());
          sum.events++;
          sum.revenue += event.revenue();
        }
      }
    }
    minutes.forEach(
        (minute, sum) -> Collected.minute(minute.start, minute.action, sum.events, sum.revenue));
    return new EventsAnswer(good, invalid, late, Collected.minutes());
  }
}
