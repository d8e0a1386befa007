package dev.millrace.benchmarks.micro;

import dev.millrace.contract.Contract;
import dev.millrace.pipelines.generate.ClickstreamGenerator;
import dev.millrace.schemas.web.ShopEvent;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.refine.ContractReader;
import dev.millrace.transforms.refine.Limits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The good ones of 4,000 events of {@code generate clickstream}, some 390 bytes each. */
final class Events {

  /** How many a benchmark goes through in one invocation: fewer than there are. */
  static final int COUNT = 2_000;

  private Events() {}

  /** Their bytes. */
  static List<byte[]> lines() throws IOException {
    ContractReader<ShopEvent> reader = reader();
    List<byte[]> good = new ArrayList<>();
    Path directory = Files.createTempDirectory("millrace-micro");
    try {
      ClickstreamGenerator.with(ClickstreamGenerator.Config.of(4_000, 7).withFiles(1))
          .writeTo(directory);
      byte[] all = Files.readAllBytes(directory.resolve("clickstream-00000.jsonl"));
      int start = 0;
      for (int i = 0; i < all.length && good.size() < COUNT; i++) {
        if (all[i] == '\n') {
          byte[] line = java.util.Arrays.copyOfRange(all, start, i);
          if (reader.read(line) != null) {
            good.add(line);
          }
          start = i + 1;
        }
      }
    } finally {
      try (Stream<Path> files = Files.walk(directory)) {
        for (Path file : (Iterable<Path>) files.sorted(Comparator.reverseOrder())::iterator) {
          Files.delete(file);
        }
      }
    }
    if (good.size() < COUNT) {
      throw new IllegalStateException("only " + good.size() + " events are good");
    }
    return good;
  }

  /** The records. */
  static List<Sourced<ShopEvent>> records() throws IOException {
    ContractReader<ShopEvent> reader = reader();
    List<Sourced<ShopEvent>> records = new ArrayList<>();
    for (byte[] line : lines()) {
      ShopEvent event = reader.read(line);
      if (event == null) {
        throw new IllegalStateException("an event that was good is not");
      }
      long time = event.getEventTime().toEpochMilli();
      records.add(
          new Sourced<>(event, 1, time, new Origin("clicks-0", records.size(), time), line));
    }
    return records;
  }

  static ContractReader<ShopEvent> reader() {
    return new ContractReader<>(Contract.of(ShopEvent.class), ShopEvent::new, Limits.DEFAULT);
  }
}
