package dev.millrace.pipelines.io;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import java.util.List;
import org.apache.avro.generic.IndexedRecord;
import org.apache.beam.sdk.transforms.windowing.PaneInfo;

/**
 * Which of two statements of one row is the later one: that which is made of more. What the
 * contract calls {@code grows} says how much that is. The index of the pane, which is taken where
 * nothing else tells, goes back when a run takes up a checkpoint.
 */
public final class Revision {

  private Revision() {}

  /** The greater one replaces the smaller; of equal ones the one that comes last is as good. */
  public static long of(Contract contract, IndexedRecord row, PaneInfo pane) {
    List<FieldContract> grows = contract.grows();
    if (grows.isEmpty()) {
      return pane.getIndex();
    }
    long sum = 0;
    for (FieldContract field : grows) {
      if (field.valueIn(row) instanceof Number amount) {
        sum += amount.longValue();
      }
    }
    return sum;
  }
}
