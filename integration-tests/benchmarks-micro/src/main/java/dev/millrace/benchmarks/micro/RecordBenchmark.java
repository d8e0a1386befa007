package dev.millrace.benchmarks.micro;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.contract.Contract;
import dev.millrace.schemas.web.ShopEvent;
import dev.millrace.transforms.Origin;
import dev.millrace.transforms.Outcome;
import dev.millrace.transforms.RecordCoder;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.SourcedCoder;
import dev.millrace.transforms.Tallies;
import dev.millrace.transforms.refine.ContractReader;
import dev.millrace.transforms.refine.Masker;
import dev.millrace.transforms.refine.Validator;
import dev.millrace.transforms.refine.Vault;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/** What is done to every event of the shop, a step at a time; nanoseconds for a record. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class RecordBenchmark {

  private static final int COUNT = Events.COUNT;

  private final Contract contract = Contract.of(ShopEvent.class);
  private final ContractReader<ShopEvent> reader = Events.reader();
  private final ObjectMapper jackson = new ObjectMapper();
  private final Validator rules = new Validator(contract);
  private final SourcedCoder<ShopEvent> coder = SourcedCoder.of(RecordCoder.of(ShopEvent.class));
  private final Tallies tallies = new Tallies("Benchmark");
  private final ByteArrayOutputStream out = new ByteArrayOutputStream(1 << 20);
  private final List<byte[]> encoded = new ArrayList<>();
  private List<byte[]> lines = List.of();
  private List<Sourced<ShopEvent>> records = List.of();
  private final Vault vault;
  private final Masker masker;

  /** With a key of its own. */
  public RecordBenchmark() {
    try {
      Path directory = Files.createTempDirectory("millrace-micro");
      Path key = directory.resolve("key");
      Vault.createIfAbsent(key);
      vault = Vault.open("file:" + key);
      Files.delete(key);
      Files.delete(directory);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
    masker = new Masker(contract, vault);
  }

  @Setup
  public void prepare() throws IOException {
    lines = Events.lines();
    records = Events.records();
    for (Sourced<ShopEvent> record : records) {
      ByteArrayOutputStream one = new ByteArrayOutputStream();
      coder.encode(record, one);
      encoded.add(one.toByteArray());
    }
  }

  /** JSON to a record, with types, required and unknown fields. */
  @Benchmark
  @OperationsPerInvocation(COUNT)
  public void parse(Blackhole sink) {
    for (byte[] line : lines) {
      sink.consume(reader.read(line));
    }
  }

  /** The same bytes to a tree by Jackson: what one would write first. */
  @Benchmark
  @OperationsPerInvocation(COUNT)
  public void parseToTreeByJackson(Blackhole sink) throws IOException {
    for (byte[] line : lines) {
      sink.consume(jackson.readTree(line));
    }
  }

  /** The rules of the contract. */
  @Benchmark
  @OperationsPerInvocation(COUNT)
  public void rules(Blackhole sink) {
    for (Sourced<ShopEvent> record : records) {
      sink.consume(rules.check(record.value()));
    }
  }

  /** The private fields of a record that has just been parsed; with the parsing. */
  @Benchmark
  @OperationsPerInvocation(COUNT)
  public void parseAndMask(Blackhole sink) {
    for (byte[] line : lines) {
      ShopEvent event = reader.read(line);
      if (event != null) {
        masker.mask(event);
      }
      sink.consume(event);
    }
  }

  /** The bytes of a record, as they go on beside it where a contract has private fields. */
  @Benchmark
  @OperationsPerInvocation(COUNT)
  public void encryptPayload(Blackhole sink) {
    for (byte[] line : lines) {
      sink.consume(vault.encrypt(line));
    }
  }

  /** Between tasks: a record with its origin and payload, to bytes. */
  @Benchmark
  @OperationsPerInvocation(COUNT)
  public int encode() throws IOException {
    out.reset();
    for (Sourced<ShopEvent> record : records) {
      coder.encode(record, out);
    }
    return out.size();
  }

  /** And back. */
  @Benchmark
  @OperationsPerInvocation(COUNT)
  public void decode(Blackhole sink) throws IOException {
    for (byte[] bytes : encoded) {
      sink.consume(coder.decode(new ByteArrayInputStream(bytes)));
    }
  }

  /** The account of a bundle. */
  @Benchmark
  @OperationsPerInvocation(COUNT)
  public void tally(Blackhole sink) {
    tallies.start();
    for (Sourced<ShopEvent> record : records) {
      Origin origin = record.origin();
      tallies.count(origin, Outcome.WRITTEN);
    }
    tallies.finish(sink::consume);
  }
}
