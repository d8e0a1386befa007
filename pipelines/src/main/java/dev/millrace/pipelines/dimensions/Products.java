package dev.millrace.pipelines.dimensions;

import dev.millrace.schemas.retail.ClassifiedProduct;
import dev.millrace.schemas.retail.Product;
import dev.millrace.schemas.retail.ProductClass;
import dev.millrace.transforms.Accounted;
import dev.millrace.transforms.enrich.Dimension;
import dev.millrace.transforms.enrich.Enrich;

/** The product dimension. */
public final class Products {

  private Products() {}

  /** Products with their classes: the stage {@code ClassifyProducts}. */
  public static Accounted<ClassifiedProduct> classify(
      DimensionTable<Product> products, DimensionTable<ProductClass> classes) {
    return products
        .good()
        .apply(
            "ClassifyProducts",
            Enrich.broadcast(Product.class)
                .as("ClassifyProducts")
                .lookup(
                    "product_class_id",
                    classes.good().apply("ProductClass", Dimension.of(ProductClass.class)))
                .into(
                    ClassifiedProduct.class,
                    (product, looked) ->
                        new ClassifiedProduct(
                            product, looked.get("product_class_id", ProductClass.class))));
  }
}
