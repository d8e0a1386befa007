package dev.millrace.pipelines.sales;

import dev.millrace.pipelines.report.ReportReader;
import dev.millrace.pipelines.report.ReportReader.Query;
import dev.millrace.pipelines.report.RunReport.Column;
import dev.millrace.pipelines.report.RunReport.Kind;
import java.util.List;

/** What the report of {@code sales} shows of its answers. */
public final class SalesReport {

  private static final String CURRENCY = "USD";

  /** Queries of the tables. */
  public static final ReportReader.Answers ANSWERS =
      new ReportReader.Answers(
          new ReportReader.RevenueQueries(
              CURRENCY,
              "SELECT day, sum(revenue) FROM revenue_daily GROUP BY day ORDER BY day",
              """
              SELECT product_category, sum(revenue) FROM revenue_daily GROUP BY product_category
              ORDER BY sum(revenue) DESC, product_category COLLATE "C"
              """),
          List.of(
              new Query(
                  "Best-selling products",
                  """
                  SELECT rank, product_name, units, revenue,
                    'Best-selling products of ' || to_char(month, 'FMMonth YYYY')
                  FROM top_products ORDER BY month, rank
                  """,
                  List.of(
                      new Column("rank", Kind.COUNT),
                      new Column("product", Kind.TEXT),
                      new Column("units", Kind.COUNT),
                      new Column("revenue, " + CURRENCY, Kind.MONEY))),
              new Query(
                  "Best customers per sales region",
                  """
                  SELECT sales_region, rank, customer_id, sales, revenue FROM top_customers
                  WHERE rank <= 3 ORDER BY sales_region COLLATE "C", rank
                  """,
                  List.of(
                      new Column("region", Kind.TEXT),
                      new Column("rank", Kind.COUNT),
                      new Column("customer", Kind.CODE),
                      new Column("sales", Kind.COUNT),
                      new Column("revenue, " + CURRENCY, Kind.MONEY))),
              new Query(
                  "Stores by revenue",
                  """
                  SELECT s.store_name, s.store_city || ', ' || s.store_country, sum(r.sales), sum(r.revenue)
                  FROM revenue_daily r JOIN dim_store s USING (store_id)
                  GROUP BY s.store_id, s.store_name, s.store_city, s.store_country
                  ORDER BY sum(r.revenue) DESC, s.store_id LIMIT 10
                  """,
                  List.of(
                      new Column("store", Kind.TEXT),
                      new Column("place", Kind.TEXT),
                      new Column("sales", Kind.COUNT),
                      new Column("revenue, " + CURRENCY, Kind.MONEY)))));

  private SalesReport() {}
}
