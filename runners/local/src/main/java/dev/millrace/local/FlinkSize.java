package dev.millrace.local;

/**
 * How large a Flink cluster on this machine is.
 *
 * @param taskManagers processes that run tasks
 * @param slots of each: how many slices of pipelines it runs
 */
public record FlinkSize(int taskManagers, int slots) {

  /** One TaskManager with two slots: for a machine with two cores or more. */
  public static final FlinkSize SMALL = new FlinkSize(1, 2);

  /** Megabytes of one slot for objects. */
  private static final int HEAP = 512;

  /** Megabytes of one slot for RocksDB, or the sorts of a batch; taken when they are needed. */
  private static final int MANAGED = 512;

  /** Refuses what is no cluster. */
  public FlinkSize {
    if (taskManagers < 1 || slots < 1) {
      throw new IllegalArgumentException("a cluster has a TaskManager with a slot, at least");
    }
  }

  int heapMegabytes() {
    return slots * HEAP;
  }

  int managedMegabytes() {
    return slots * MANAGED;
  }
}
