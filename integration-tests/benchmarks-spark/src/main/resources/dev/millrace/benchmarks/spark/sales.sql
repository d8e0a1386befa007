-- The answers of the pipeline `sales`, and the sales they are made of, written for Spark SQL: NAME AS, then a query. Statements
-- end with a semicolon at the end of a line.
silver AS
SELECT s.*, date_add(DATE '1995-12-31', s.time_id) AS day, p.product_name, c.product_category, c.product_department,
       st.store_city, st.store_country, r.sales_region
  FROM (SELECT DISTINCT * FROM sale) s JOIN product p USING (product_id) JOIN product_class c USING (product_class_id)
  JOIN store st USING (store_id) JOIN customer cu USING (customer_id) JOIN region r ON r.region_id = cu.customer_region_id;

revenue_daily AS
SELECT day, store_id, product_category, sum(store_sales) AS revenue, sum(store_cost) AS cost, sum(unit_sales) AS units,
       count(*) AS sales
  FROM silver GROUP BY ALL;

top_customers AS
SELECT * FROM (
  SELECT sales_region, row_number() OVER (PARTITION BY sales_region ORDER BY revenue DESC, customer_id) AS rank,
         customer_id, revenue, sales
    FROM (SELECT sales_region, customer_id, sum(store_sales) AS revenue, count(*) AS sales FROM silver GROUP BY ALL))
 WHERE rank <= 10;

store_revenue_7d AS
SELECT store_id, later AS day, sum(revenue) AS revenue_7d, sum(sales) AS sales_7d
  FROM (SELECT store_id, explode(sequence(day, date_add(day, 6))) AS later, revenue, sales
          FROM (SELECT store_id, day, sum(store_sales) AS revenue, count(*) AS sales FROM silver GROUP BY ALL))
 GROUP BY ALL;

customer_running_total AS
SELECT customer_id, day, day_revenue, sum(day_revenue) OVER (PARTITION BY customer_id ORDER BY day) AS running_total
  FROM (SELECT customer_id, day, sum(store_sales) AS day_revenue FROM silver GROUP BY ALL);

lapsed_customers AS
SELECT customer_id, last_purchase, as_of
  FROM (SELECT c.customer_id, max(s.day) AS last_purchase
          FROM customer c LEFT JOIN silver s ON s.customer_id = c.customer_id GROUP BY ALL),
       (SELECT max(day) AS as_of FROM silver)
 WHERE last_purchase IS NULL OR last_purchase < add_months(as_of, -6);

top_products AS
SELECT * FROM (
  SELECT month, row_number() OVER (ORDER BY revenue DESC, product_id) AS rank, product_id, product_name, revenue, units
    FROM (SELECT CAST(trunc(day, 'MM') AS DATE) AS month, product_id, product_name, sum(store_sales) AS revenue,
                 sum(unit_sales) AS units
            FROM silver WHERE trunc(day, 'MM') = (SELECT trunc(max(day), 'MM') FROM silver) GROUP BY ALL))
 WHERE rank <= 5;
