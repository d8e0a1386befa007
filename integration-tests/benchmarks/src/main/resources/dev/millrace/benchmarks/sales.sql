-- The answers of the pipeline `sales`, written for DuckDB, straight from the files. Statements end with a semicolon at the
-- end of a line; ${data} and ${sales} are replaced.
CREATE TABLE sale AS SELECT product_id, time_id, customer_id, promotion_id, store_id, store_sales, store_cost, unit_sales,
       DATE '1995-12-31' + time_id AS day
  FROM read_json('${sales}', format = 'newline_delimited', columns = {product_id: 'INTEGER', time_id: 'INTEGER',
       customer_id: 'INTEGER', promotion_id: 'INTEGER', store_id: 'INTEGER', store_sales: 'DECIMAL(12,4)',
       store_cost: 'DECIMAL(12,4)', unit_sales: 'DECIMAL(12,4)'});
CREATE TABLE product AS SELECT * FROM read_json('${data}/product.json', format = 'newline_delimited', columns =
       {product_id: 'INTEGER', product_class_id: 'INTEGER', product_name: 'VARCHAR'});
CREATE TABLE product_class AS SELECT * FROM read_json('${data}/product_class.json', format = 'newline_delimited', columns =
       {product_class_id: 'INTEGER', product_category: 'VARCHAR', product_department: 'VARCHAR'});
CREATE TABLE customer AS SELECT * FROM read_json('${data}/customer.json', format = 'newline_delimited', columns =
       {customer_id: 'INTEGER', customer_region_id: 'INTEGER'});
CREATE TABLE store AS SELECT * FROM read_json('${data}/store.json', format = 'newline_delimited', columns =
       {store_id: 'INTEGER', store_city: 'VARCHAR', store_country: 'VARCHAR'});
CREATE TABLE region AS SELECT * FROM read_json('${data}/region.json', format = 'newline_delimited', columns =
       {region_id: 'INTEGER', sales_region: 'VARCHAR'});

CREATE TABLE unique_sale AS SELECT DISTINCT * FROM sale;
CREATE TABLE silver AS SELECT s.*, p.product_name, c.product_category, c.product_department, st.store_city,
       st.store_country, r.sales_region
  FROM unique_sale s JOIN product p USING (product_id) JOIN product_class c USING (product_class_id)
  JOIN store st USING (store_id) JOIN customer cu USING (customer_id) JOIN region r ON r.region_id = cu.customer_region_id;

CREATE TABLE revenue_daily AS
SELECT day, store_id, product_category, sum(store_sales) AS revenue, sum(store_cost) AS cost, sum(unit_sales) AS units,
       count(*) AS sales
  FROM silver GROUP BY ALL;

CREATE TABLE top_customers AS
SELECT * FROM (
  SELECT sales_region, row_number() OVER (PARTITION BY sales_region ORDER BY revenue DESC, customer_id) AS rank,
         customer_id, revenue, sales
    FROM (SELECT sales_region, customer_id, sum(store_sales) AS revenue, count(*) AS sales FROM silver GROUP BY ALL))
 WHERE rank <= 10;

CREATE TABLE store_revenue_7d AS
SELECT store_id, d.day, sum(revenue) AS revenue_7d, CAST(sum(sales) AS BIGINT) AS sales_7d
  FROM (SELECT store_id, day, sum(store_sales) AS revenue, count(*) AS sales FROM silver GROUP BY ALL) s
  JOIN (SELECT CAST(unnest(generate_series(first, last + INTERVAL 6 DAY, INTERVAL 1 DAY)) AS DATE) AS day
          FROM (SELECT min(day) AS first, max(day) AS last FROM silver)) d
    ON s.day BETWEEN d.day - 6 AND d.day
 GROUP BY ALL;

CREATE TABLE customer_running_total AS
SELECT customer_id, day, day_revenue, sum(day_revenue) OVER (PARTITION BY customer_id ORDER BY day) AS running_total
  FROM (SELECT customer_id, day, sum(store_sales) AS day_revenue FROM silver GROUP BY ALL);

CREATE TABLE lapsed_customers AS
SELECT customer_id, last_purchase, as_of
  FROM (SELECT c.customer_id, max(s.day) AS last_purchase FROM customer c LEFT JOIN silver s USING (customer_id) GROUP BY ALL),
       (SELECT max(day) AS as_of FROM silver)
 WHERE last_purchase IS NULL OR last_purchase < as_of - INTERVAL 6 MONTH;

CREATE TABLE top_products AS
SELECT * FROM (
  SELECT month, row_number() OVER (ORDER BY revenue DESC, product_id) AS rank, product_id, product_name, revenue, units
    FROM (SELECT CAST(date_trunc('month', day) AS DATE) AS month, product_id, product_name, sum(store_sales) AS revenue,
                 sum(unit_sales) AS units
            FROM silver WHERE date_trunc('month', day) = (SELECT date_trunc('month', max(day)) FROM silver) GROUP BY ALL))
 WHERE rank <= 5;
