package dev.millrace.pipelines.deadletters;

import dev.millrace.contract.Reason;
import dev.millrace.schemas.system.DeadLetter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** All that is known of a dead letter, in words. */
public final class Explanation {

  private Explanation() {}

  /**
   * What a person is told of it; of its bytes only how many there are.
   *
   * @return lines
   */
  public static String of(DeadLetter letter) {
    return text(letter, payload(letter));
  }

  /**
   * The same with its bytes, of which those that cannot be printed are made visible.
   *
   * @param secret the key of private fields, as a reference; used only if they are encrypted
   */
  public static String withPayload(DeadLetter letter, String secret) {
    if (letter.getPayload() == null) {
      return of(letter);
    }
    byte[] bytes = Payloads.plain(letter, secret);
    return text(letter, bytes(bytes.length)) + "\n" + Payloads.visible(bytes) + "\n";
  }

  private static String text(DeadLetter letter, String payload) {
    Optional<Reason> reason =
        Arrays.stream(Reason.values()).filter(r -> r.name().equals(letter.getReason())).findFirst();
    List<String> lines = new ArrayList<>();
    lines.add(
        letter.getReason()
            + " in "
            + letter.getStage()
            + " of "
            + letter.getPipeline()
            + ": "
            + reason.map(Reason::description).orElse("This version does not know the reason."));
    add(lines, "detail", letter.getDetail());
    add(lines, "field", letter.getField());
    add(lines, "remedy", reason.map(Reason::remedy).orElse(null));
    add(lines, "where", letter.getSource() + ", position " + letter.getPosition());
    add(lines, "arrived", orUnknown(letter.getArrivalTime()));
    add(lines, "event time", orUnknown(letter.getEventTime()));
    add(
        lines,
        "contract",
        letter.getContract()
            + (letter.getContractVersion() == 0
                ? ", in a version that could not be told"
                : ", version " + letter.getContractVersion()));
    add(lines, "pipeline", letter.getPipeline() + ", version " + letter.getPipelineVersion());
    add(lines, "tried", letter.getAttempt() == 1 ? "once" : letter.getAttempt() + " times");
    add(lines, "exception", letter.getExceptionClass());
    add(lines, "stack", letter.getStack());
    add(lines, "payload", payload);
    add(lines, "id", letter.getId());
    return String.join("\n", lines) + "\n";
  }

  private static void add(List<String> lines, String name, @Nullable String value) {
    if (value != null) {
      lines.add(String.format("  %-11s %s", name, value.replace("\n", "\n" + " ".repeat(14))));
    }
  }

  private static String orUnknown(@Nullable Instant time) {
    return time == null ? "unknown" : time.toString();
  }

  private static String payload(DeadLetter letter) {
    return switch (letter.getPayloadState()) {
      case "PLAIN" -> bytes(Payloads.kept(letter).length) + "; --payload shows them";
      case "ENCRYPTED" ->
          bytes(Payloads.kept(letter).length)
              + " with encryption; --payload --secret=env:NAME|file:PATH shows them";
      default -> "not kept";
    };
  }

  private static String bytes(int number) {
    return number == 1 ? "1 byte" : String.format("%,d bytes", number);
  }
}
