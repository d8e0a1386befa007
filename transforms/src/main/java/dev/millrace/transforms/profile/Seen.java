package dev.millrace.transforms.profile;

import dev.millrace.contract.Contract;
import dev.millrace.contract.FieldContract;
import dev.millrace.contract.FieldContract.Type;
import dev.millrace.schemas.system.FieldProfile;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.generic.IndexedRecord;
import org.apache.beam.sdk.coders.Coder;
import org.apache.beam.sdk.coders.CustomCoder;
import org.apache.beam.sdk.coders.NullableCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.jspecify.annotations.Nullable;

/**
 * What was seen in the fields of records of one contract: how many nulls, the least and the
 * greatest value. Values of private fields and bytes are not kept.
 *
 * <p>{@link #add} changes it, for the one bundle that fills it; {@link #plus} does not.
 */
final class Seen {

  private static final int TEXT_LIMIT = 200;

  private final Contract contract;
  private final List<FieldContract> fields;
  private long records;
  private final long[] nulls;
  private final @Nullable Object[] least;
  private final @Nullable Object[] greatest;

  Seen(Contract contract) {
    this.contract = contract;
    this.fields = List.copyOf(contract.fields());
    this.nulls = new long[fields.size()];
    this.least = new @Nullable Object[fields.size()];
    this.greatest = new @Nullable Object[fields.size()];
  }

  /** Sees a record. */
  void add(IndexedRecord record) {
    records++;
    for (int i = 0; i < nulls.length; i++) {
      FieldContract field = fields.get(i);
      Object value = field.valueIn(record);
      if (value == null) {
        nulls[i]++;
      } else if (showsValues(field)) {
        widen(i, value, value);
      }
    }
  }

  /** Both together. */
  Seen plus(Seen other) {
    Seen both = new Seen(contract);
    for (Seen one : List.of(this, other)) {
      both.records += one.records;
      for (int i = 0; i < nulls.length; i++) {
        both.nulls[i] += one.nulls[i];
        both.widen(i, one.least[i], one.greatest[i]);
      }
    }
    return both;
  }

  /** The profile of each field, in the contract's order. */
  List<FieldProfile> profiles(String pipeline) {
    List<FieldProfile> profiles = new ArrayList<>();
    for (int i = 0; i < nulls.length; i++) {
      FieldContract field = fields.get(i);
      profiles.add(
          FieldProfile.newBuilder()
              .setPipeline(pipeline)
              .setContract(contract.name())
              .setField(field.name())
              .setType(field.type().name())
              .setPrivacy(field.privacy().map(Enum::name).orElse(null))
              .setRecords(records)
              .setNulls(nulls[i])
              .setMinValue(cut(text(least[i])))
              .setMaxValue(cut(text(greatest[i])))
              .build());
    }
    return profiles;
  }

  static Coder<Seen> coder(Contract contract) {
    return new SeenCoder(contract);
  }

  private void widen(int i, @Nullable Object low, @Nullable Object high) {
    if (low != null && (least[i] == null || compare(low, least[i]) < 0)) {
      least[i] = low;
    }
    if (high != null && (greatest[i] == null || compare(high, greatest[i]) > 0)) {
      greatest[i] = high;
    }
  }

  private static boolean showsValues(FieldContract field) {
    return field.privacy().isEmpty() && field.type() != Type.BYTES;
  }

  // The values of a field have one type, which is comparable.
  @SuppressWarnings("unchecked")
  private static int compare(Object one, Object other) {
    return ((Comparable<Object>) one).compareTo(other);
  }

  private static @Nullable String text(@Nullable Object value) {
    if (value == null) {
      return null;
    }
    return value instanceof BigDecimal decimal ? decimal.toPlainString() : value.toString();
  }

  private static @Nullable String cut(@Nullable String text) {
    return text == null || text.length() <= TEXT_LIMIT ? text : text.substring(0, TEXT_LIMIT);
  }

  private static @Nullable Object value(Type type, @Nullable String text) {
    if (text == null) {
      return null;
    }
    return switch (type) {
      case BOOLEAN -> Boolean.valueOf(text);
      case INT -> Integer.valueOf(text);
      case LONG -> Long.valueOf(text);
      case DOUBLE -> Double.valueOf(text);
      case DECIMAL -> new BigDecimal(text);
      case STRING -> text;
      case DATE -> LocalDate.parse(text);
      case TIMESTAMP -> Instant.parse(text);
      case BYTES -> throw new IllegalStateException("values of bytes are not kept");
    };
  }

  /** Values as text: one of these crosses the shuffle per bundle, not per record. */
  private static final class SeenCoder extends CustomCoder<Seen> {
    private static final VarLongCoder COUNT = VarLongCoder.of();
    private static final Coder<@Nullable String> TEXT = NullableCoder.of(StringUtf8Coder.of());

    private final Contract contract;

    private SeenCoder(Contract contract) {
      this.contract = contract;
    }

    @Override
    public void encode(Seen seen, OutputStream out) throws IOException {
      COUNT.encode(seen.records, out);
      for (int i = 0; i < seen.nulls.length; i++) {
        COUNT.encode(seen.nulls[i], out);
        TEXT.encode(text(seen.least[i]), out);
        TEXT.encode(text(seen.greatest[i]), out);
      }
    }

    @Override
    public Seen decode(InputStream in) throws IOException {
      Seen seen = new Seen(contract);
      seen.records = COUNT.decode(in);
      for (int i = 0; i < seen.nulls.length; i++) {
        Type type = seen.fields.get(i).type();
        seen.nulls[i] = COUNT.decode(in);
        seen.least[i] = value(type, TEXT.decode(in));
        seen.greatest[i] = value(type, TEXT.decode(in));
      }
      return seen;
    }

    @Override
    public void verifyDeterministic() {}

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof SeenCoder that && contract.equals(that.contract);
    }

    @Override
    public int hashCode() {
      return contract.hashCode();
    }
  }
}
