package dev.millrace.runners;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.util.List;

/**
 * Ends a run whose heap stays full. Java alone can collect garbage for many minutes before it gives
 * up, and then tells it to whatever thread happens to ask for memory.
 */
final class HeapWatch {

  private static final double FULL = 0.95;
  private static final int PATIENCE = 5;

  private final List<MemoryPoolMXBean> pools =
      ManagementFactory.getMemoryPoolMXBeans().stream()
          .filter(pool -> pool.getType() == MemoryType.HEAP && pool.isUsageThresholdSupported())
          .toList();
  private long collections = collections();
  private int fullInARow;

  /**
   * Looks at the heap.
   *
   * @throws OutOfMemoryError if it was still full after each of the last collections
   */
  void look() {
    long now = collections();
    if (now == collections) {
      return;
    }
    collections = now;
    fullInARow = pools.stream().anyMatch(HeapWatch::isFull) ? fullInARow + 1 : 0;
    if (fullInARow >= PATIENCE) {
      throw new OutOfMemoryError("The heap is full after every collection");
    }
  }

  private static boolean isFull(MemoryPoolMXBean pool) {
    MemoryUsage left = pool.getCollectionUsage();
    return left != null && left.getMax() > 0 && left.getUsed() > FULL * left.getMax();
  }

  private static long collections() {
    return ManagementFactory.getGarbageCollectorMXBeans().stream()
        .mapToLong(GarbageCollectorMXBean::getCollectionCount)
        .sum();
  }
}
