package dev.millrace.pipelines.io;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import org.apache.avro.generic.IndexedRecord;

/**
 * Which of two statements of one row is the later one: that which is made of more. What the
 * contract calls {@code grows} says how much that is. The index of the pane would not do: it goes
 * back when a run takes up a checkpoint.
 */
public final class Revision {

  private Revision() {}

  /**
   * Throws an {@link IllegalArgumentException} if rows of the contract do not tell which is later.
   */
  public static void require(Contract contract) {
    if (contract.grows().isEmpty()) {
      throw new IllegalArgumentException(
          "contract "
              + contract.name()
              + ": a live run states its rows again and again, and nothing tells which of two is the"
              + " later; declare \"grows\", fields of whole numbers that only grow as a row is stated"
              + " again");
    }
  }

  /** The greater one replaces the smaller; of equal ones the one that comes last is as good. */
  public static long of(Contract contract, IndexedRecord row) {
    long sum = 0;
    for (FieldContract field : contract.grows()) {
      if (field.valueIn(row) instanceof Number amount) {
        sum += amount.longValue();
      }
    }
    return sum;
  }
}
