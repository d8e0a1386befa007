package dev.millrace.transforms.refine;

import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.nullValue;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.millrace.contract.Contract;
import dev.millrace.schemas.retail.Customer;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MaskerTest {

  @TempDir private Path directory;
  private String secret = "";

  @BeforeEach
  void makeSecret() throws IOException {
    Path key = directory.resolve("secret.key");
    Vault.createIfAbsent(key);
    secret = "file:" + key;
  }

  @Test
  void eachPrivacyClassDoesItsPart() {
    // Given
    Vault vault = Vault.open(secret);
    Customer customer = customer();

    // When
    new Masker(Contract.of(Customer.class), vault).mask(customer);

    // Then
    assertThat(customer.getFname(), is("M*** L***"));
    assertThat(customer.getAddress1(), is(nullValue()));
    assertThat(customer.getAccountNum(), is(nullValue()));
    assertThat(customer.getPostalCode(), is(vault.token("02144")));
    assertThat(vault.decrypt(customer.getBirthdate()), is("1961-08-26"));
    assertThat(customer.getPhone1(), is(nullValue()));
    assertThat(customer.getCity(), is("Somerville"));
  }

  @Test
  void anotherRunWithTheSameSecretGivesTheSameRecord() {
    // Given
    Customer first = customer();
    Customer second = customer();

    // When
    new Masker(Contract.of(Customer.class), Vault.open(secret)).mask(first);
    new Masker(Contract.of(Customer.class), Vault.open(secret)).mask(second);

    // Then
    assertThat(second, is(first));
  }

  @Test
  void aMaskedRecordKeepsTheLengthsOfItsContract() {
    // Given
    Customer customer = customer();
    customer.setPhone1("1".repeat(64));
    new Masker(Contract.of(Customer.class), Vault.open(secret)).mask(customer);

    // When
    Problem problem = new Validator(onlyLengths()).check(customer);

    // Then
    assertThat(problem, is(nullValue()));
  }

  @Test
  void starsHideHowLongAWordIs() {
    // Given
    Customer one = customer();
    Customer two = customer();
    one.setLname("\uD83D\uDE00 a");
    two.setLname("\uD83D\uDE00llo abcdefgh");

    // When
    Masker masker = new Masker(Contract.of(Customer.class), Vault.open(secret));
    masker.mask(one);
    masker.mask(two);

    // Then
    assertThat(one.getLname(), is("\uD83D\uDE00*** a***"));
    assertThat(two.getLname(), is(one.getLname()));
  }

  @Test
  void withoutASecretNothingIsTokenized() {
    assertThrows(
        IllegalStateException.class,
        () -> new Masker(Contract.of(Customer.class), null).mask(customer()));
  }

  static Customer customer() {
    return Customer.newBuilder()
        .setCustomerId(1)
        .setAccountNum(87_462_024_688L)
        .setLname("Nowmer")
        .setFname("Mary Lou")
        .setAddress1("2433 Bailey Road")
        .setCity("Somerville")
        .setStateProvince("MA")
        .setPostalCode("02144")
        .setCountry("USA")
        .setCustomerRegionId(30)
        .setPhone1(null)
        .setBirthdate("1961-08-26")
        .setMaritalStatus("M")
        .setYearlyIncome("$30K - $50K")
        .setGender("F")
        .setTotalChildren(4)
        .setEducation("Partial High School")
        .setDateAccntOpened("1991-09-10")
        .setMemberCard("Bronze")
        .setOccupation("Skilled Manual")
        .setNumCarsOwned(4)
        .build();
  }

  /** The contract of customers without the forms that masking changes. */
  private static Contract onlyLengths() {
    String schema = Customer.getClassSchema().toString().replace("\"format\":\"date\",", "");
    return Contract.of(new org.apache.avro.Schema.Parser().parse(schema));
  }
}
