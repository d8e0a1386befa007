package dev.millrace.transforms.dedup;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;

import dev.millrace.transforms.Origin;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.apache.beam.sdk.util.CoderUtils;

class SeenIdsTest {

  @Property(tries = 200)
  void ofEachIdTheEarliestOriginIsKnown(
      @ForAll @Size(max = 300) List<@IntRange(max = 99) Integer> ids, @ForAll int seed)
      throws Exception {
    // Given: ids that differ in one half alone, so that many want one slot
    Map<Integer, Origin> earliest = new HashMap<>();
    SeenIds seen = new SeenIds();
    int number = 0;
    for (int id : ids) {
      Origin origin = new Origin("clicks-" + id % 3, number, (seed ^ number++) % 5);

      // When
      Origin before = seen.add(id / 2, id % 2, origin);

      // Then
      assertThat(before, equalTo(earliest.get(id)));
      earliest.merge(id, origin, (a, b) -> a.compareTo(b) <= 0 ? a : b);
      if (number % 50 == 0) {
        seen = CoderUtils.clone(SeenIds.coder(), seen);
      }
    }
    assertThat(seen.size(), equalTo(earliest.size()));
  }
}
