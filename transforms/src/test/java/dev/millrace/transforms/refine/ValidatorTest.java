package dev.millrace.transforms.refine;

import static dev.millrace.transforms.Sales.sale;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.is;
import static org.hamcrest.Matchers.lessThan;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.nullValue;

import dev.millrace.contract.Contract;
import dev.millrace.contract.Reason;
import dev.millrace.schemas.retail.Customer;
import dev.millrace.schemas.retail.Sale;
import java.math.BigDecimal;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ValidatorTest {

  private final Validator validator = new Validator(Contract.of(Sale.class));

  @Test
  void aRecordThatKeepsAllRulesHasNoProblem() {
    assertThat(validator.check(sale(1, 367, 0, "0")), is(nullValue()));
  }

  @Test
  void namesFieldRuleAndValue() {
    // When
    Problem problem = Objects.requireNonNull(validator.check(sale(0, 367, 1, "1.5")));

    // Then
    assertThat(
        problem,
        is(
            new Problem(
                Reason.RULE_VIOLATION, "product_id", "product_id must be at least 1, but is 0")));
  }

  @Test
  void theFirstFieldOfTheContractDecides() {
    // Given
    Sale sale = sale(1, 367, -1, "1.5");
    sale.setTimeId(36_525);
    sale.setUnitSales(new BigDecimal("0.0000"));

    // When
    Problem problem = Objects.requireNonNull(validator.check(sale));

    // Then
    assertThat(problem.field(), is("time_id"));
  }

  @Test
  void showsLittleOfALongValue() {
    // Given
    Sale sale = sale(1, 367, 1, "1.5");
    sale.setSaleId("R".repeat(5_000));

    // When
    Problem problem = Objects.requireNonNull(validator.check(sale));

    // Then
    assertThat(problem.field(), is("sale_id"));
    assertThat(problem.detail().length(), lessThan(130));
  }

  @Test
  void showsNothingOfAPrivateValue() {
    // Given
    Customer customer = MaskerTest.customer();
    customer.setBirthdate("born yesterday");

    // When
    Problem problem =
        Objects.requireNonNull(new Validator(Contract.of(Customer.class)).check(customer));

    // Then
    assertThat(problem.field(), is("birthdate"));
    assertThat(problem.detail(), not(containsString("yesterday")));
  }
}
