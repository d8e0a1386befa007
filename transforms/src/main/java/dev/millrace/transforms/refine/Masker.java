package dev.millrace.transforms.refine;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.contract.FieldContract.Privacy;
import java.util.Set;
import org.apache.avro.generic.IndexedRecord;
import org.jspecify.annotations.Nullable;

/** Makes the private fields of a record private, in place. As thread-safe as its vault. */
public final class Masker {

  private final FieldContract[] fields;
  private final @Nullable Vault vault;

  /**
   * A masker of the private fields of a contract.
   *
   * @param vault keys for {@code tokenize} and {@code encrypt}; may be null if the contract has
   *     neither
   */
  public Masker(Contract contract, @Nullable Vault vault) {
    this(contract, vault, Set.of());
  }

  /**
   * As above, but for fields that have no values.
   *
   * @param empty their names
   */
  Masker(Contract contract, @Nullable Vault vault, Set<String> empty) {
    this.fields =
        contract.fields().stream()
            .filter(f -> f.privacy().isPresent() && !empty.contains(f.name()))
            .toArray(FieldContract[]::new);
    this.vault = vault;
  }

  /** Replaces every private value of the record. */
  public void mask(IndexedRecord record) {
    for (FieldContract field : fields) {
      int index = field.index();
      Object value = record.get(index);
      if (value != null) {
        record.put(index, masked(field.privacy().orElseThrow(), value.toString()));
      }
    }
  }

  private @Nullable String masked(Privacy privacy, String value) {
    return switch (privacy) {
      case MASK -> stars(value);
      case TOKENIZE -> vault().token(value);
      case ENCRYPT -> vault().encrypt(value);
      case DROP -> null;
    };
  }

  private Vault vault() {
    if (vault == null) {
      throw new IllegalStateException("tokenize and encrypt need a secret");
    }
    return vault;
  }

  private static String stars(String value) {
    StringBuilder masked = new StringBuilder();
    boolean inWord = false;
    for (int i = 0; i < value.length(); ) {
      int c = value.codePointAt(i);
      i += Character.charCount(c);
      if (Character.isWhitespace(c)) {
        masked.appendCodePoint(c);
        inWord = false;
      } else if (!inWord) {
        masked.appendCodePoint(c).append("***");
        inWord = true;
      }
    }
    return masked.toString();
  }
}
