package dev.millrace.transforms;

import static dev.millrace.testing.Outcomes.balancedLedger;
import static dev.millrace.testing.Outcomes.deadLetter;
import static dev.millrace.testing.Records.raw;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.not;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Reason;
import dev.millrace.schemas.retail.Store;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.testing.Expect;
import dev.millrace.testing.ExplicitCoders;
import dev.millrace.testing.Outcomes;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.SerializableCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.values.KV;
import org.hamcrest.StringDescription;
import org.junit.jupiter.api.Test;

class TestKitTest {

  private static final DeadLetter LETTER =
      DeadLetters.of(
          "RefineStores",
          Reason.MALFORMED,
          "no object",
          null,
          Contract.of(Store.class),
          0,
          Origin.NO_ARRIVAL,
          new Origin("store.json", 7, Origin.NO_ARRIVAL),
          new byte[0]);

  @Test
  void aRawRecordHasItsBytesAndItsPlace() {
    RawRecord record = raw("{\"a\":\"ü\"}").arrived("1970-01-01T00:00:01Z").at("a.json", 3);

    assertThat(new String(record.payload(), StandardCharsets.UTF_8), is("{\"a\":\"ü\"}"));
    assertThat(record.origin(), is(new Origin("a.json", 3, 1000)));
  }

  @Test
  void aDeadLetterIsMatchedByReasonAndField() {
    assertThat(LETTER, is(deadLetter(Reason.MALFORMED)));
    assertThat(LETTER, not(deadLetter(Reason.TRUNCATED)));
    assertThat(LETTER, not(deadLetter(Reason.MALFORMED, "store_id")));
    assertThat(LETTER, is(Outcomes.from("store.json", 7)));
    assertThat(LETTER, is(Outcomes.withDetail(containsString("object"))));
  }

  @Test
  void aMismatchSaysWhatTheDeadLetterIs() {
    StringDescription mismatch = new StringDescription();

    deadLetter(Reason.TRUNCATED, "x").describeMismatch(LETTER, mismatch);

    assertThat(mismatch.toString(), is("dead letter MALFORMED: no object"));
  }

  @Test
  void anUnbalancedLedgerIsToldBySentence() {
    StringDescription mismatch = new StringDescription();
    List<LedgerEntry> ledger =
        List.of(new LedgerEntry("sales", "Refine", "a", 3L, 2L, 0L, 0L, 0L, 0L));

    assertThat(ledger, not(balancedLedger()));
    balancedLedger().describeMismatch(ledger, mismatch);
    assertThat(mismatch.toString(), containsString("1 are lost"));
  }

  @Test
  void javaSerializationIsFoundInsideOtherCoders() {
    TestPipeline pipeline = TestPipeline.create();
    pipeline.apply(
        "Hidden",
        Create.of(KV.of("a", new Secret()))
            .withCoder(KvCoder.of(StringUtf8Coder.of(), SerializableCoder.of(Secret.class))));

    var found = assertThrows(AssertionError.class, () -> ExplicitCoders.in(pipeline));

    assertThat(found.getMessage(), containsString("Hidden"));
  }

  @Test
  void explicitCodersPass() {
    TestPipeline pipeline = TestPipeline.create();
    Expect.noRows(pipeline.apply(Create.empty(VarIntCoder.of())));

    ExplicitCoders.in(pipeline);
  }

  private static final class Secret implements Serializable {}
}
