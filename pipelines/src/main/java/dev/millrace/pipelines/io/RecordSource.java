package dev.millrace.pipelines.io;

import dev.millrace.contract.Contract;
import dev.millrace.pipelines.UserError;
import dev.millrace.transforms.RawRecord;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.values.PBegin;
import org.apache.beam.sdk.values.PCollection;

/**
 * Records of whatever a URI names: a Kafka topic ({@code kafka://…}, see {@link RecordTopic}), or
 * files (anything else, see {@link RecordFiles}). Whether a pipeline is a batch or a stream is
 * decided by the URI alone.
 *
 * <p><b>Input:</b> none. <b>Output:</b> {@link RawRecord}s. <b>Bounded/unbounded:</b> as the URI
 * says. <b>State and timers:</b> none. <b>Reasons:</b> none. <b>Guarantee, runners:</b> of the one
 * that reads.
 */
public final class RecordSource extends PTransform<PBegin, PCollection<RawRecord>> {

  private final String option;
  private final Contract contract;
  private final PTransform<PBegin, PCollection<RawRecord>> reader;
  private final boolean connected;

  private RecordSource(
      String option,
      Contract contract,
      PTransform<PBegin, PCollection<RawRecord>> reader,
      boolean connected) {
    this.option = option;
    this.contract = contract;
    this.reader = reader;
    this.connected = connected;
  }

  /**
   * The source a URI names.
   *
   * @param option the option that names it, such as {@code --sales}: messages begin with it
   * @param uri files or a topic
   * @param contract of the records
   * @param maxLateness what the late gate allows
   */
  public static RecordSource of(
      String option, String uri, Contract contract, Duration maxLateness) {
    return new RecordSource(
        option,
        contract,
        RecordTopic.isMeantBy(uri)
            ? RecordTopic.read(option, uri, maxLateness)
            : RecordFiles.read(option, uri, contract),
        true);
  }

  /** The key of encrypted bronze payloads, as a reference. A topic needs none. */
  public RecordSource withSecret(String reference) {
    return reader instanceof RecordFiles files
        ? new RecordSource(option, contract, files.withSecret(reference), connected)
        : this;
  }

  /** The same steps, made without asking what there is to read; they cannot run. */
  public RecordSource unconnected() {
    return new RecordSource(option, contract, reader, false);
  }

  /**
   * The same, for a pipeline that is a batch.
   *
   * @throws UserError if the reading does not end
   */
  public RecordSource ending() {
    if (!isBounded()) {
      throw new UserError(
          option
              + ": this pipeline is a batch, and a topic has no end; add '"
              + (uri().contains("?") ? "&" : "?")
              + "until=end' to read what it holds now.");
    }
    return this;
  }

  /** The contract of the records. */
  public Contract contract() {
    return contract;
  }

  /** What names the source. */
  public String uri() {
    return reader instanceof RecordTopic topic ? topic.uri() : ((RecordFiles) reader).uri();
  }

  /** Whether it is a topic: what it holds now is all there is. */
  public boolean isTopic() {
    return reader instanceof RecordTopic;
  }

  /** Whether it is a topic whose own clock says when its records arrived. */
  public boolean arrivesInOrder() {
    return reader instanceof RecordTopic topic && topic.arrivesInOrder();
  }

  /** Name of the topic, if it is one. */
  public Optional<String> topic() {
    return reader instanceof RecordTopic topic ? Optional.of(topic.topic()) : Optional.empty();
  }

  /**
   * The partitions that are read from their first record, none if the source is no topic.
   *
   * @throws UserError if a topic is not read as far back as it goes, or a partition has lost all of
   *     its records
   */
  public Set<String> whole() {
    return reader instanceof RecordTopic topic ? topic.whole() : Set.of();
  }

  /** How far the topic reaches, while it is read; empty if it is none. */
  public Optional<TopicEnds> ends() {
    return reader instanceof RecordTopic topic ? Optional.of(topic.ends()) : Optional.empty();
  }

  /** Whether the reading ends. */
  public boolean isBounded() {
    return !(reader instanceof RecordTopic topic) || topic.isBounded();
  }

  /**
   * Checks that the source is there and is what it should be; a {@link UserError} says what is
   * wrong.
   *
   * @return how many files or partitions there are
   */
  public long check() {
    return reader instanceof RecordTopic topic ? topic.check() : ((RecordFiles) reader).check();
  }

  /** The sources whose positions count records: partitions, and files other than of lines. */
  public Set<String> counting() {
    return reader instanceof RecordTopic topic
        ? topic.sources()
        : ((RecordFiles) reader).counting();
  }

  @Override
  public PCollection<RawRecord> expand(PBegin begin) {
    // No step of its own: the names of the steps are those of the reader.
    return connected
        ? reader.expand(begin)
        : reader instanceof RecordTopic topic
            ? topic.outline(begin)
            : ((RecordFiles) reader).outline(begin);
  }
}
