package dev.millrace.local;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.is;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskTest {

  @TempDir Path directory;

  @Test
  void lacksWhatNoDiskHasAndNotWhatThereIsRoomFor() {
    assertThat(Disk.lacks(directory, Long.MAX_VALUE), is(true));
    assertThat(Disk.lacks(directory, 1), is(false));
  }

  @Test
  void ofADirectoryThatIsNotThereNothingIsKnown() {
    assertThat(Disk.lacks(directory.resolve("nowhere"), Long.MAX_VALUE), is(false));
  }
}
