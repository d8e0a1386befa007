package dev.millrace.transforms;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.util.CoderUtils;
import org.junit.jupiter.api.Test;

class PayloadTest {

  private static final byte[] PLAIN = "private".getBytes(StandardCharsets.UTF_8);

  private final AtomicInteger encryptions = new AtomicInteger();
  private final Payload payload = Payload.encrypted(PLAIN, this::reversed);

  private byte[] reversed(byte[] plain) {
    encryptions.incrementAndGet();
    return new StringBuilder(new String(plain, StandardCharsets.UTF_8))
        .reverse()
        .toString()
        .getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void isEncryptedWhenItIsAskedForAndOnlyOnce() {
    assertThat(encryptions.get(), is(0));
    assertThat(new String(payload.bytes(), StandardCharsets.UTF_8), is("etavirp"));
    assertThat(new String(payload.bytes(), StandardCharsets.UTF_8), is("etavirp"));
    assertThat(encryptions.get(), is(1));
  }

  @Test
  void leavesTheProcessEncryptedOnly() throws Exception {
    // Given
    Sourced<Integer> record = new Sourced<>(7, 1, 2, new Origin("a", 3, 4), payload);

    // When
    Sourced<Integer> again = CoderUtils.clone(SourcedCoder.of(VarIntCoder.of()), record);

    // Then
    assertThat(new String(again.payload().bytes(), StandardCharsets.UTF_8), is("etavirp"));
    assertThat(again, equalTo(record));
    assertThat(again.withoutPayload(), not(equalTo(record)));
    assertThat(again.withoutPayload().payload().bytes().length, is(0));
  }

  @Test
  void isNotToldByItsText() {
    assertThat(payload.toString(), is("Payload"));
  }
}
