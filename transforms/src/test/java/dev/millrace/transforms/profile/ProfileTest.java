package dev.millrace.transforms.profile;

import static dev.millrace.testing.Records.sourced;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.hasProperty;
import static org.hamcrest.Matchers.is;

import dev.millrace.contract.Contract;
import dev.millrace.schemas.retail.Customer;
import dev.millrace.schemas.retail.Sale;
import dev.millrace.schemas.system.FieldProfile;
import dev.millrace.testing.BeamTest;
import dev.millrace.testing.Expect;
import dev.millrace.testing.ExplicitCoders;
import dev.millrace.transforms.Sales;
import dev.millrace.transforms.Sourced;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.beam.sdk.testing.CoderProperties;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.testing.TestStream;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.util.CoderUtils;
import org.apache.beam.sdk.values.PCollection;
import org.joda.time.Duration;
import org.junit.jupiter.api.Test;

@BeamTest
class ProfileTest {

  @Test
  void numbersTimesAndTextsAreOrderedByTheirType() {
    Seen seen = new Seen(Contract.of(Sale.class));
    seen.add(Sales.version("b", "1997-01-02T00:00:00Z", "10"));
    seen.add(Sales.version("a", "1997-01-02T00:00:00.500Z", "9"));

    Map<String, FieldProfile> fields = byField(seen);

    assertThat(
        fields.get("store_sales"), is(profile("store_sales", "DECIMAL", 0, "9.0000", "10.0000")));
    assertThat(fields.get("sale_id"), is(profile("sale_id", "STRING", 0, "a", "b")));
    assertThat(
        fields.get("updated_at"),
        is(
            profile(
                "updated_at", "TIMESTAMP", 0, "1997-01-02T00:00:00Z", "1997-01-02T00:00:00.500Z")));
    assertThat(fields.get("arrived_at"), is(profile("arrived_at", "TIMESTAMP", 2, null, null)));
  }

  @Test
  void ofPrivateFieldsOnlyCountsAreKept() throws Exception {
    Seen seen = new Seen(Contract.of(Customer.class));
    Customer customer = new Customer();
    customer.setLname("Nowmer");
    customer.setCity("Tlaxiaco");
    seen.add(customer);

    Map<String, FieldProfile> fields = byField(seen);

    assertThat(field(fields, "lname").getPrivacy(), is("MASK"));
    assertThat(field(fields, "lname").getNulls(), is(0L));
    assertThat(field(fields, "lname").getMaxValue() == null, is(true));
    assertThat(field(fields, "city").getMaxValue(), is("Tlaxiaco"));
  }

  @Test
  void addingUpBundlesIsAsOneBundle() throws Exception {
    Contract contract = Contract.of(Sale.class);
    Seen one = new Seen(contract);
    Seen left = new Seen(contract);
    Seen right = new Seen(contract);
    for (int i = 0; i < 20; i++) {
      Sale sale =
          i % 3 == 0 ? Sales.sale(i, 400 - i, 1, i + "") : Sales.version("s" + i, null, "7");
      one.add(sale);
      (i % 2 == 0 ? left : right).add(sale);
    }

    byte[] coded = CoderUtils.encodeToByteArray(Seen.coder(contract), left);
    Seen both = CoderUtils.decodeFromByteArray(Seen.coder(contract), coded).plus(right);

    assertThat(both.profiles("sales"), is(one.profiles("sales")));
    assertThat(right.plus(left).profiles("sales"), is(one.profiles("sales")));
    CoderProperties.coderSerializable(Seen.coder(contract));
  }

  @Test
  void longTextsAreCut() {
    Seen seen = new Seen(Contract.of(Sale.class));
    seen.add(Sales.version("x".repeat(1000), null, "1"));

    assertThat(field(byField(seen), "sale_id").getMaxValue().length(), is(200));
  }

  @Test
  void aRunStatesOneProfilePerField(TestPipeline pipeline) {
    PCollection<FieldProfile> profile =
        pipeline
            .apply(
                Create.of(
                        sourced(Sales.sale(5, 400, 1, "2.5")).at("a", 0),
                        sourced(Sales.version("s1", null, "10")).at("a", 1))
                    .withCoder(Sales.coder()))
            .apply("ProfileSales", Profile.of("sales", Sale.class));

    Expect.rows(
        profile,
        () ->
            hasItems(
                profile("product_id", "INT", 0, "1", "5"),
                profile("store_sales", "DECIMAL", 0, "2.5000", "10.0000"),
                profile("sale_id", "STRING", 1, "s1", "s1")));
    ExplicitCoders.in(pipeline);
    pipeline.run();
  }

  @Test
  void aRunWithoutRecordsSaysSo(TestPipeline pipeline) {
    PCollection<FieldProfile> profile =
        pipeline
            .apply(Create.empty(Sales.coder()))
            .apply("ProfileSales", Profile.of("sales", Sale.class));

    Expect.rows(profile, () -> everyItem(hasProperty("records", is(0L))));
    Expect.rows(profile, () -> org.hamcrest.Matchers.hasSize(11));
    pipeline.run();
  }

  @Test
  void aStreamStatesItsProfileAgain(TestPipeline pipeline) {
    TestStream<Sourced<Sale>> stream =
        TestStream.create(Sales.coder())
            .addElements(sourced(Sales.version("s1", null, "10")).at("a", 1))
            .advanceProcessingTime(Duration.standardSeconds(6))
            .addElements(sourced(Sales.version("s2", null, "10")).at("a", 2))
            .advanceProcessingTime(Duration.standardSeconds(6))
            .advanceWatermarkToInfinity();

    PCollection<FieldProfile> profile =
        pipeline
            .apply(stream)
            .apply(
                "ProfileSales",
                Profile.of("sales", Sale.class).withUpdates(java.time.Duration.ofSeconds(5)));

    FieldProfile first = profile("sale_id", "STRING", 0, "s1", "s1");
    first.setRecords(1L);
    Expect.rows(profile, () -> hasItems(first, profile("sale_id", "STRING", 0, "s1", "s2")));
    pipeline.run();
  }

  private static Map<String, FieldProfile> byField(Seen seen) {
    List<FieldProfile> profiles = seen.profiles("sales");
    return profiles.stream().collect(Collectors.toMap(FieldProfile::getField, Function.identity()));
  }

  private static FieldProfile field(Map<String, FieldProfile> fields, String name) {
    return Objects.requireNonNull(fields.get(name));
  }

  private static FieldProfile profile(
      String field,
      String type,
      long nulls,
      @org.jspecify.annotations.Nullable String min,
      @org.jspecify.annotations.Nullable String max) {
    return new FieldProfile("sales", "Sale", field, type, null, 2L, nulls, min, max);
  }
}
