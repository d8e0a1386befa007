package dev.millrace.transforms;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.instanceOf;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.lessThan;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.sameInstance;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Samples;
import dev.millrace.schemas.retail.Customer;
import dev.millrace.schemas.retail.EnrichedSale;
import dev.millrace.schemas.retail.RevenueDaily;
import dev.millrace.schemas.retail.Sale;
import dev.millrace.schemas.system.DeadLetter;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificRecord;
import org.apache.beam.sdk.testing.CoderProperties;
import org.apache.beam.sdk.util.CoderUtils;
import org.apache.beam.sdk.util.SerializableUtils;
import org.apache.beam.sdk.values.TypeDescriptor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecordCoderTest {

  @ParameterizedTest
  @ValueSource(
      classes = {
        Sale.class,
        Customer.class,
        EnrichedSale.class,
        RevenueDaily.class,
        DeadLetter.class
      })
  <T extends SpecificRecord> void recordsComeBackEqualAlsoInAStreamOfThemAndAfterSerialization(
      Class<T> type) throws Exception {
    // Given
    List<T> records = new ArrayList<>();
    for (int seed = 0; seed < 50; seed++) {
      records.add(type.cast(Samples.valid(Contract.of(type), new Random(seed))));
    }
    RecordCoder<T> sent = SerializableUtils.clone(RecordCoder.of(type));

    // When
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (T record : records) {
      sent.encode(record, bytes);
    }

    // Then
    ByteArrayInputStream in = new ByteArrayInputStream(bytes.toByteArray());
    for (T record : records) {
      T back = RecordCoder.of(type).decode(in);
      assertThat(back, equalTo(record));
      assertThat(back, instanceOf(type));
    }
    assertThat(in.available(), is(0));
    CoderProperties.coderDecodeEncodeEqual(RecordCoder.of(type), records.get(0));
    CoderProperties.coderDeterministic(RecordCoder.of(type), records.get(0), records.get(0));
  }

  @Test
  void aRecordThatCannotBeEncodedLeavesNothingBehind() throws Exception {
    // Given: a part of it can
    RecordCoder<Customer> coder = RecordCoder.of(Customer.class);
    Customer whole = (Customer) Samples.valid(Contract.of(Customer.class), new Random(1));
    Customer incomplete = CoderUtils.clone(coder, whole);
    List<Schema.Field> required =
        Customer.getClassSchema().getFields().stream()
            .filter(field -> field.schema().getType() == Schema.Type.STRING)
            .toList();
    incomplete.put(required.get(required.size() - 1).pos(), null);
    ByteArrayOutputStream out = new ByteArrayOutputStream();

    // When
    assertThrows(NullPointerException.class, () -> coder.encode(incomplete, out));
    coder.encode(whole, out);

    // Then
    assertThat(CoderUtils.decodeFromByteArray(coder, out.toByteArray()), equalTo(whole));
  }

  @Test
  void thereIsOneCoderPerClassAlsoAfterSerializationAndItIsSentAsLittleMoreThanAName()
      throws Exception {
    RecordCoder<Sale> coder = RecordCoder.of(Sale.class);

    assertThat(SerializableUtils.clone(coder), sameInstance(coder));
    assertThat(coder, equalTo(RecordCoder.of(Sale.class)));
    assertThat(coder, not(equalTo(RecordCoder.of(RevenueDaily.class))));
    assertThat(coder.getEncodedTypeDescriptor(), equalTo(TypeDescriptor.of(Sale.class)));
    assertThat(
        SerializableUtils.serializeToByteArray(coder).length,
        lessThan(Sale.getClassSchema().toString().length() / 2));
    coder.verifyDeterministic();
  }

  @Test
  void threadsShareACoder() throws Exception {
    RecordCoder<Sale> coder = RecordCoder.of(Sale.class);
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Callable<Integer>> work = new ArrayList<>();
      for (int thread = 0; thread < 4; thread++) {
        int first = 1 + thread * 1000;
        work.add(
            () -> {
              int wrong = 0;
              for (int id = first; id < first + 1000; id++) {
                Sale sale = Sales.sale(id, Sales.NEW_YEAR, 1, "1." + id);
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                coder.encode(sale, bytes);
                Sale back = coder.decode(new ByteArrayInputStream(bytes.toByteArray()));
                wrong += back.equals(sale) ? 0 : 1;
              }
              return wrong;
            });
      }
      for (Future<Integer> wrong : threads.invokeAll(work)) {
        assertThat(wrong.get(), is(0));
      }
    } finally {
      threads.shutdown();
    }
  }
}
