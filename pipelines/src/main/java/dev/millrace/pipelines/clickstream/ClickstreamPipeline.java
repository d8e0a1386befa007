package dev.millrace.pipelines.clickstream;

import dev.millrace.pipelines.dimensions.DimensionTable;
import dev.millrace.pipelines.dimensions.Products;
import dev.millrace.schemas.retail.ClassifiedProduct;
import dev.millrace.schemas.retail.Product;
import dev.millrace.schemas.retail.ProductClass;
import dev.millrace.schemas.system.FieldProfile;
import dev.millrace.schemas.web.EnrichedEvent;
import dev.millrace.schemas.web.ShopEvent;
import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.RecordCoder;
import dev.millrace.transforms.Sourced;
import dev.millrace.transforms.dedup.Dedup;
import dev.millrace.transforms.enrich.Dimension;
import dev.millrace.transforms.enrich.Enrich;
import dev.millrace.transforms.enrich.Looked;
import dev.millrace.transforms.ledger.Ledger;
import dev.millrace.transforms.profile.Profile;
import dev.millrace.transforms.refine.Refine;
import dev.millrace.transforms.rejects.Rejects;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollection.IsBounded;

/**
 * The data flow of {@code clickstream}: raw events in; silver, answers, rejects and the ledger out.
 * It knows no file, no database and no runner, and is the same over files and over a stream.
 */
public final class ClickstreamPipeline {

  /** Stages that follow one another: what one writes, the next one reads. */
  static final List<List<String>> CHAINS =
      List.of(
          List.of("RefineEvents", "EnrichEvents", "DedupEvents"),
          List.of("RefineProducts", "DedupProducts", "ClassifyProducts"),
          List.of("RefineProductClasses", "DedupProductClasses"));

  /**
   * How far behind the watermark a copy is known. The watermark of a topic stays behind its
   * arrivals by the max lateness, so what the late gate lets pass is behind it by a bundle at most:
   * where arrivals are in order. Where they are not, by as much more as they are out of it, which
   * may be the max lateness.
   */
  private static final Duration COPIES = Duration.ofMinutes(1);

  private static final BigDecimal NOTHING = new BigDecimal("0.0000");

  private ClickstreamPipeline() {}

  /** Builds the flow. */
  public static ClickstreamResults flow(
      ClickstreamInputs in, ClickstreamConfig config, String version) {
    DimensionTable<ProductClass> classes =
        DimensionTable.of(
            "ProductClasses", in.productClasses(), ProductClass.class, config.secret());
    DimensionTable<Product> products =
        DimensionTable.of("Products", in.products(), Product.class, config.secret());
    Accounted<ClassifiedProduct> classified = Products.classify(products, classes);

    Accounted<ShopEvent> refined =
        in.events()
            .apply(
                "RefineEvents",
                Refine.json(ShopEvent.class)
                    .as("RefineEvents")
                    .withSecret(config.secret())
                    .lateAfter(config.maxLateness())
                    .futureAfter(config.maxSkew()));
    Accounted<EnrichedEvent> enriched =
        refined
            .good()
            .apply(
                "EnrichEvents",
                Enrich.broadcast(ShopEvent.class)
                    .as("EnrichEvents")
                    .lookup(
                        "product_id",
                        classified.good().apply("Product", Dimension.of(ClassifiedProduct.class)))
                    .into(EnrichedEvent.class, ClickstreamPipeline::enrich)
                    .withoutPayload());
    // Last: which copy of an event leaves first is chance, and nothing after this may depend on it.
    Accounted<EnrichedEvent> events =
        enriched
            .good()
            .apply(
                "DedupEvents",
                Dedup.first(EnrichedEvent.class)
                    .as("DedupEvents")
                    .atOnce(in.inOrder() ? COPIES : COPIES.plus(config.maxLateness())));

    Accounted<?>[] stages = {
      refined,
      enriched,
      events,
      products.refined(),
      products.unique(),
      classified,
      classes.refined(),
      classes.unique()
    };
    return new ClickstreamResults(
        events.good(),
        ClickstreamAnswers.over(events.good(), config),
        Rejects.of("clickstream", version, stages),
        Ledger.of("clickstream", stages),
        profile(refined.good()));
  }

  /** A profile is of a whole: of what never ends there is none. */
  private static PCollection<FieldProfile> profile(PCollection<Sourced<ShopEvent>> events) {
    return events.isBounded() == IsBounded.BOUNDED
        ? events.apply("ProfileEvents", Profile.of("clickstream", ShopEvent.class))
        : events.getPipeline().apply("NoProfile", Create.empty(RecordCoder.of(FieldProfile.class)));
  }

  private static EnrichedEvent enrich(ShopEvent event, Looked looked) {
    return EnrichedEvent.newBuilder()
        .setEvent(event)
        .setProductCategory(
            looked
                .find("product_id", ClassifiedProduct.class)
                .map(product -> product.getProductClass().getProductCategory())
                .orElse(null))
        .setDeviceClass(Devices.classOf(event.getUserAgent()))
        .setRevenue(revenue(event))
        .build();
  }

  private static BigDecimal revenue(ShopEvent event) {
    BigDecimal price = event.getPrice();
    if (price == null || !event.getAction().equals("purchase")) {
      return NOTHING;
    }
    int quantity = Objects.requireNonNullElse(event.getQuantity(), 1);
    return price.multiply(BigDecimal.valueOf(quantity));
  }
}
