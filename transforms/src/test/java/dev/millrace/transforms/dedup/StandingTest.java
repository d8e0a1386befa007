package dev.millrace.transforms.dedup;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.is;

import dev.millrace.transforms.Origin;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.SourcedCoder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.testing.CoderProperties;
import org.jspecify.annotations.Nullable;

class StandingTest {

  // A value of 0 stands for a record without a version.
  private static final Precedence<Long> LATEST = Precedence.latest(StandingTest::version);

  private static final Coder<Standing<Long>> CODER =
      Standing.coder(SourcedCoder.of(VarLongCoder.of()));

  @Property
  void whoStaysDoesNotDependOnOrderOrGrouping(
      @ForAll("records") List<Sourced<Long>> records, @ForAll long seed) {
    Random random = new Random(seed);
    List<Sourced<Long>> shuffled = new ArrayList<>(records);
    Collections.shuffle(shuffled, random);

    Standing<Long> inOrder = fold(records);
    Standing<Long> inGroups = Standing.empty();
    while (!shuffled.isEmpty()) {
      List<Sourced<Long>> group = shuffled.subList(0, 1 + random.nextInt(shuffled.size()));
      inGroups = inGroups.plus(fold(group), LATEST);
      group.clear();
    }

    assertThat(inGroups, is(inOrder));
  }

  @Property
  void theWinnerAndTheLosersAreAllThereWere(@ForAll("records") List<Sourced<Long>> records) {
    Standing<Long> standing = fold(records);

    long lost = standing.losers().values().stream().mapToLong(Long::longValue).sum();
    assertThat(lost + (standing.winner() == null ? 0 : 1), is((long) records.size()));
  }

  @Property
  void noRecordTakesPrecedenceOverTheWinner(@ForAll("records") List<Sourced<Long>> records) {
    Sourced<Long> winner = fold(records).winner();

    if (winner != null) {
      assertThat(records.stream().allMatch(r -> LATEST.compare(winner, r) <= 0), is(true));
    }
  }

  @Property(tries = 100)
  void coded(@ForAll("records") List<Sourced<Long>> records) throws Exception {
    CoderProperties.coderDecodeEncodeEqual(CODER, fold(records));
  }

  private static Standing<Long> fold(List<Sourced<Long>> records) {
    Standing<Long> standing = Standing.empty();
    for (Sourced<Long> record : records) {
      standing = standing.plus(Standing.of(record), LATEST);
    }
    return standing;
  }

  private static @Nullable Long version(long value) {
    return value == 0 ? null : value;
  }

  @Provide
  Arbitrary<List<Sourced<Long>>> records() {
    return Combinators.combine(
            Arbitraries.longs().between(0, 3),
            Arbitraries.of("a.json", "b.json"),
            Arbitraries.longs().between(0, 3),
            Arbitraries.longs().between(0, 2))
        .as(
            (value, source, position, arrival) ->
                new Sourced<>(
                    value,
                    1,
                    0,
                    new Origin(source, position, arrival),
                    new byte[] {value.byteValue()}))
        .list()
        .ofMaxSize(12);
  }
}
