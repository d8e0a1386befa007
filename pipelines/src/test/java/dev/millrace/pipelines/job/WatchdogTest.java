package dev.millrace.pipelines.job;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;

import dev.millrace.pipelines.CatalogueEntry.Notice;
import dev.millrace.pipelines.job.Watchdog.Seen;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Ten seconds between two looks, from noon on. */
class WatchdogTest {

  private static final Instant NOON = Instant.parse("2026-01-01T12:00:00Z");
  private static final Instant NEWEST = Instant.parse("2026-01-01T11:59:58Z");
  private static final String TOPIC = "kafka://h:1/clicks";

  private final Watchdog watchdog = new Watchdog(NOON, Duration.ofSeconds(4));

  private String look(int second, Seen... partitions) {
    return watchdog
        .look(NOON.plusSeconds(second), List.of(partitions))
        .map(Notice::sentence)
        .orElse("");
  }

  private static Seen partition(int number, long offsets, long read) {
    return partition(number, offsets, read, NEWEST);
  }

  private static Seen partition(int number, long offsets, long read, @Nullable Instant newest) {
    return new Seen(TOPIC, number, offsets, read, newest);
  }

  @Test
  void whatIsUnreadForHalfAMinuteHoldsTheWindowsOpen() {
    // Given: partition 0 is read, partition 2 stands after a first look at which it was read on
    assertThat(look(0, partition(0, 10, 5), partition(2, 1203, 0)), equalTo(""));
    assertThat(look(10, partition(0, 20, 15), partition(2, 1303, 100)), equalTo(""));
    assertThat(look(39, partition(0, 50, 50), partition(2, 1303, 100)), equalTo(""));

    // Then
    assertThat(
        look(40, partition(0, 60, 55), partition(2, 1303, 100)),
        equalTo(
            "No window has closed since 2026-01-01T12:00:10Z: partition 2 of kafka://h:1/clicks has"
                + " 1,203 records unread, and none was read since (the pipeline is slow, or stuck)."));
  }

  @Test
  void itIsSaidOnceAndAgainAfterFiveMinutesAndWhenItChanges() {
    // Given
    look(0, partition(0, 9, 0), partition(1, 7, 0));
    String both = look(30, partition(0, 9, 0), partition(1, 7, 0));

    // When
    String same = look(40, partition(0, 9, 0), partition(1, 8, 0));
    String one = look(50, partition(0, 9, 0), partition(1, 8, 1));
    String later = look(349, partition(0, 9, 0), partition(1, 8, 8));
    String again = look(350, partition(0, 9, 0), partition(1, 8, 8));
    String read = look(360, partition(0, 9, 9), partition(1, 8, 8));

    // Then
    assertThat(
        both.contains("partitions 0, 1 of kafka://h:1/clicks have 16 records"), equalTo(true));
    assertThat(same, equalTo(""));
    assertThat(one.contains("partition 0 of kafka://h:1/clicks has 9 records"), equalTo(true));
    assertThat(later, equalTo(""));
    assertThat(again, equalTo(one));
    assertThat(read, equalTo("What was unread is being read again."));
  }

  @Test
  void aRecordThatComesAfterALongPauseHasNotWaited() {
    look(0, partition(0, 5, 5));
    look(500, partition(0, 5, 5));

    assertThat(look(510, partition(0, 6, 5)), equalTo(""));
    assertThat(look(530, partition(0, 6, 5)), equalTo(""));
    assertThat(look(540, partition(0, 6, 5)).startsWith("No window has closed"), equalTo(true));
  }

  @Test
  void aTopicToWhichNothingComesIsToldWithItsNewestRecord() {
    // Given
    look(0, partition(0, 5, 5), partition(1, 3, 2, NEWEST.minusSeconds(9)));
    assertThat(
        look(29, partition(0, 5, 5), partition(1, 3, 3, NEWEST.minusSeconds(9))), equalTo(""));

    // Then
    assertThat(
        look(30, partition(0, 5, 5), partition(1, 3, 3, NEWEST.minusSeconds(9))),
        equalTo(
            "No record has come to any partition of kafka://h:1/clicks since 2026-01-01T11:59:58Z."
                + " Windows follow the clock, and close 4 s later at most."));
    assertThat(look(40, partition(0, 5, 5), partition(1, 3, 3)), equalTo(""));
  }

  @Test
  void aTopicThatIsEmptyIsToldToo() {
    look(0, partition(0, 0, 0, null));

    assertThat(
        look(30, partition(0, 0, 0, null)),
        equalTo(
            "No record has come to any partition of kafka://h:1/clicks yet. Windows follow the"
                + " clock, and close 4 s later at most."));
  }

  @Test
  void aPartitionThatIsIdleAmongOthersIsToldOnce() {
    // Given
    look(0, partition(0, 5, 5), partition(1, 0, 0, null));
    look(20, partition(0, 8, 8), partition(1, 0, 0, null));

    // When
    String said = look(30, partition(0, 9, 8), partition(1, 0, 0, null));
    String again = look(900, partition(0, 99, 99), partition(1, 0, 0, null));

    // Then
    assertThat(
        said,
        equalTo(
            "Partition 1 of kafka://h:1/clicks is idle since 2026-01-01T12:00:00Z. It holds no"
                + " window open: its watermark follows the clock, and windows close 4 s later at"
                + " most."));
    assertThat(again, equalTo(""));
  }

  @Test
  void aRunThatReadsOnIsNotSpokenOf() {
    for (int second = 0; second < 600; second += 10) {
      assertThat(look(second, partition(0, 1000 + second, second)), equalTo(""));
    }
  }

  @Test
  void thatItCannotSeeIsSaidOnceInFiveMinutes() {
    Optional<Notice> first = watchdog.blind(NOON, "Kafka does not answer.");
    Optional<Notice> second = watchdog.blind(NOON.plusSeconds(299), "Kafka does not answer.");
    Optional<Notice> third = watchdog.blind(NOON.plusSeconds(300), "Kafka does not answer.");

    assertThat(first, equalTo(Optional.of(new Notice("not-seen", "Kafka does not answer."))));
    assertThat(second, equalTo(Optional.empty()));
    assertThat(third, equalTo(first));
  }
}
