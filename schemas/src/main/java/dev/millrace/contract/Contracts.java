package dev.millrace.contract;

import dev.millrace.schemas.retail.ClassifiedProduct;
import dev.millrace.schemas.retail.Customer;
import dev.millrace.schemas.retail.CustomerRunningTotal;
import dev.millrace.schemas.retail.Day;
import dev.millrace.schemas.retail.EnrichedSale;
import dev.millrace.schemas.retail.LapsedCustomer;
import dev.millrace.schemas.retail.LocatedCustomer;
import dev.millrace.schemas.retail.LocatedStore;
import dev.millrace.schemas.retail.Product;
import dev.millrace.schemas.retail.ProductClass;
import dev.millrace.schemas.retail.Promotion;
import dev.millrace.schemas.retail.Region;
import dev.millrace.schemas.retail.RevenueDaily;
import dev.millrace.schemas.retail.Sale;
import dev.millrace.schemas.retail.SaleFact;
import dev.millrace.schemas.retail.Store;
import dev.millrace.schemas.retail.StoreRevenue7d;
import dev.millrace.schemas.retail.TopCustomer;
import dev.millrace.schemas.retail.TopProduct;
import dev.millrace.schemas.system.BronzeRecord;
import dev.millrace.schemas.system.DeadLetter;
import dev.millrace.schemas.system.FieldProfile;
import dev.millrace.schemas.system.LedgerEntry;
import dev.millrace.schemas.web.EnrichedEvent;
import dev.millrace.schemas.web.Events5m;
import dev.millrace.schemas.web.ShopEvent;
import dev.millrace.schemas.web.ShopMinute;
import dev.millrace.schemas.web.ShopSession;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.avro.specific.SpecificRecord;

/** The catalogue of contracts: all of them, and each by its name. */
public final class Contracts {

  // What comes in, what is made of it, what the pipelines say of themselves. A test holds this list
  // against the files in src/main/avro.
  private static final List<Contract> ALL =
      List.<Class<? extends SpecificRecord>>of(
              Sale.class,
              Customer.class,
              Product.class,
              ProductClass.class,
              Store.class,
              Region.class,
              Promotion.class,
              Day.class,
              EnrichedSale.class,
              SaleFact.class,
              LocatedCustomer.class,
              ClassifiedProduct.class,
              LocatedStore.class,
              RevenueDaily.class,
              StoreRevenue7d.class,
              TopCustomer.class,
              TopProduct.class,
              CustomerRunningTotal.class,
              LapsedCustomer.class,
              ShopEvent.class,
              EnrichedEvent.class,
              Events5m.class,
              ShopMinute.class,
              ShopSession.class,
              BronzeRecord.class,
              DeadLetter.class,
              LedgerEntry.class,
              FieldProfile.class)
          .stream()
          .map(Contract::of)
          .toList();

  private Contracts() {}

  /** All contracts, in the order of the documentation. */
  public static List<Contract> all() {
    return ALL;
  }

  /**
   * The contract of a name, such as {@code Sale}; an {@link IllegalArgumentException} lists the
   * names there are.
   */
  public static Contract named(String name) {
    return ALL.stream()
        .filter(contract -> contract.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "there is no contract "
                        + name
                        + "; there are "
                        + ALL.stream().map(Contract::name).collect(Collectors.joining(", "))));
  }
}
