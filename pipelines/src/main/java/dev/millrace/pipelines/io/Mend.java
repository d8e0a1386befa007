package dev.millrace.pipelines.io;

import dev.millrace.pipelines.UserError;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.transforms.DeadLetters;
import dev.millrace.transforms.RawRecord;
import dev.millrace.transforms.refine.Vault;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.values.PCollection;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives the records that a lake has {@linkplain Mends mended} their new payload. Where a record
 * came from and when it arrived stays as it was: so a late record is late again, unless it was the
 * time of its event that was mended.
 *
 * <p><b>Input:</b> {@link RawRecord}s. <b>Output:</b> the same, some with another payload.
 * <b>Bounded/unbounded:</b> both; one by one. <b>State and timers:</b> none. Each worker holds the
 * mends in memory. <b>Reasons:</b> none. <b>Guarantee:</b> the same archive and the same mends give
 * the same records. Of a batch, mends that are changed while it starts end it; a live run has those
 * that there were when it was submitted, and takes new ones when it is resumed or submitted anew.
 * <b>Runners:</b> all; those of a batch whose workers see the lake.
 */
public final class Mend extends PTransform<PCollection<RawRecord>, PCollection<RawRecord>> {

  private static final Logger LOG = LoggerFactory.getLogger(Mend.class);

  private final Store store;

  private Mend(Store store) {
    this.store = store;
  }

  /**
   * Mends the records of an input.
   *
   * @param file as {@link Mends#file} says; it is there
   * @param secret the key of private fields, as a reference
   */
  public static Mend from(Path file, String secret) {
    return new Mend(Store.of(file, secret));
  }

  /**
   * The same with the mends that there are now, if there are any: the pipeline holds them, for a
   * run that goes on, and starts again, when there are others.
   */
  public static Mend holding(Path file, String secret) {
    return new Mend(Store.holding(file, secret));
  }

  /**
   * Counts the attempts of dead letters: one whose payload is a mended one was refused before.
   *
   * @param stages the stages that the records of each file go through
   */
  public static PTransform<PCollection<DeadLetter>, PCollection<DeadLetter>> attempts(
      Map<Path, List<String>> stages) {
    return new Attempts(stages, file -> Store.of(file, ""));
  }

  /** The same as {@link #holding} does. */
  public static PTransform<PCollection<DeadLetter>, PCollection<DeadLetter>> attemptsHolding(
      Map<Path, List<String>> stages) {
    return new Attempts(stages, file -> Store.holding(file, ""));
  }

  @Override
  public PCollection<RawRecord> expand(PCollection<RawRecord> input) {
    return input.apply("Overlay", ParDo.of(new Overlay(store))).setCoder(RawRecord.coder());
  }

  /**
   * A file of mends as it was when the pipeline was built.
   *
   * @param lines what was in it; null if each worker is to read it
   */
  private record Store(String file, String version, @Nullable String lines, String secret)
      implements Serializable {

    private static Store of(Path file, String secret) {
      return new Store(file.toString(), Mends.versionOf(file), null, secret);
    }

    private static Store holding(Path file, String secret) {
      return new Store(file.toString(), "", Mends.linesOf(file), secret);
    }

    private Mends open() {
      Path path = Path.of(file);
      if (lines != null) {
        return Mends.parse(lines, path);
      }
      if (!Mends.versionOf(path).equals(version)) {
        throw new UserError(
            "The mended records in '"
                + file
                + "' were changed after the run began; run again. Nothing was published.");
      }
      return Mends.read(path);
    }
  }

  private static final class Overlay extends DoFn<RawRecord, RawRecord> {
    private final Store store;
    private transient @Nullable Mends mends;
    private transient @Nullable Vault vault;
    private transient boolean warned;

    private Overlay(Store store) {
      this.store = store;
    }

    @StartBundle
    public void start() {
      if (mends == null) {
        mends = store.open();
      }
    }

    @ProcessElement
    public void process(@Element RawRecord record, OutputReceiver<RawRecord> out) {
      Mends.Mend mend =
          Objects.requireNonNull(mends).at(record.origin().source(), record.origin().position());
      out.output(mend == null ? record : mended(record, mend));
    }

    private RawRecord mended(RawRecord record, Mends.Mend mend) {
      byte[] payload = mend.isEncrypted() ? decrypted(mend) : mend.payload();
      byte[] archived = mend.isEncrypted() ? vault().encrypt(record.payload()) : record.payload();
      if (!Mends.hash(archived).equals(mend.original())) {
        if (!warned) {
          LOG.warn(
              "{}: the archive holds other records than those that were mended; mends of records"
                  + " that are no longer there are left aside.",
              store.file());
          warned = true;
        }
        return record;
      }
      return new RawRecord(payload, record.origin());
    }

    private byte[] decrypted(Mends.Mend mend) {
      try {
        return vault().decrypt(mend.payload());
      } catch (IllegalArgumentException otherSecret) {
        throw new UserError(
            "The mended records in '"
                + store.file()
                + "' were encrypted with another key; name that one with --secret. Nothing was"
                + " published.",
            otherSecret);
      }
    }

    private Vault vault() {
      if (vault == null) {
        vault = Vault.open(store.secret());
      }
      return vault;
    }
  }

  private static final class Attempts
      extends PTransform<PCollection<DeadLetter>, PCollection<DeadLetter>> {
    private final Map<String, Store> stores = new HashMap<>();

    private Attempts(Map<Path, List<String>> stages, Function<Path, Store> opened) {
      stages.forEach(
          (file, names) -> {
            Store store = opened.apply(file);
            names.forEach(stage -> stores.put(stage, store));
          });
    }

    @Override
    public PCollection<DeadLetter> expand(PCollection<DeadLetter> letters) {
      return letters
          .apply("Count", ParDo.of(new CountAttempts(stores)))
          .setCoder(DeadLetters.coder());
    }
  }

  private static final class CountAttempts extends DoFn<DeadLetter, DeadLetter> {
    private final Map<String, Store> stores;
    private transient @Nullable Map<String, Mends> opened;

    private CountAttempts(Map<String, Store> stores) {
      this.stores = Map.copyOf(stores);
    }

    @StartBundle
    public void start() {
      if (opened == null) {
        Map<Store, Mends> once = new HashMap<>();
        Map<String, Mends> byStage = new HashMap<>();
        stores.forEach(
            (stage, store) -> byStage.put(stage, once.computeIfAbsent(store, Store::open)));
        opened = byStage;
      }
    }

    @ProcessElement
    public void process(@Element DeadLetter letter, OutputReceiver<DeadLetter> out) {
      Mends mends = Objects.requireNonNull(opened).get(letter.getStage());
      Mends.Mend mend = mends == null ? null : mends.at(letter.getSource(), letter.getPosition());
      out.output(
          mend == null || !ByteBuffer.wrap(mend.payload()).equals(letter.getPayload())
              ? letter
              : DeadLetter.newBuilder(letter).setAttempt(mend.attempts() + 1).build());
    }
  }
}
