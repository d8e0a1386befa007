-- The answers of the pipeline `sales` and the sales they are made of, written for Flink SQL in batch mode. Statements end with a
-- semicolon at the end of a line; ${data}, ${out} and ${warehouse} are replaced. What is inserted is one job. A view answer_X goes
-- to the table X of the lake, and to that of the warehouse.
CREATE TEMPORARY TABLE sale (product_id INT, time_id INT, customer_id INT, promotion_id INT, store_id INT,
       store_sales DECIMAL(12, 4), store_cost DECIMAL(12, 4), unit_sales DECIMAL(12, 4))
  WITH ('connector' = 'filesystem', 'path' = '${data}', 'source.path.regex-pattern' = '.*/sales_fact_[^/]*[.]json',
        'format' = 'json');
CREATE TEMPORARY TABLE product (product_id INT, product_class_id INT, product_name STRING)
  WITH ('connector' = 'filesystem', 'path' = '${data}/product.json', 'format' = 'json');
CREATE TEMPORARY TABLE product_class (product_class_id INT, product_category STRING, product_department STRING)
  WITH ('connector' = 'filesystem', 'path' = '${data}/product_class.json', 'format' = 'json');
CREATE TEMPORARY TABLE customer (customer_id INT, customer_region_id INT)
  WITH ('connector' = 'filesystem', 'path' = '${data}/customer.json', 'format' = 'json');
CREATE TEMPORARY TABLE store (store_id INT, store_city STRING, store_country STRING)
  WITH ('connector' = 'filesystem', 'path' = '${data}/store.json', 'format' = 'json');
CREATE TEMPORARY TABLE region (region_id INT, sales_region STRING)
  WITH ('connector' = 'filesystem', 'path' = '${data}/region.json', 'format' = 'json');

CREATE TEMPORARY VIEW enriched AS
SELECT /*+ BROADCAST(p, c, st, cu, r) */ s.*, TIMESTAMPADD(DAY, s.time_id, DATE '1995-12-31') AS `day`, p.product_name,
       c.product_category, c.product_department, st.store_city, st.store_country, r.sales_region
  FROM (SELECT DISTINCT * FROM sale) s JOIN product p ON p.product_id = s.product_id
  JOIN product_class c ON c.product_class_id = p.product_class_id JOIN store st ON st.store_id = s.store_id
  JOIN customer cu ON cu.customer_id = s.customer_id JOIN region r ON r.region_id = cu.customer_region_id;

CREATE TEMPORARY TABLE silver (product_id INT, time_id INT, customer_id INT, promotion_id INT, store_id INT,
       store_sales DECIMAL(12, 4), store_cost DECIMAL(12, 4), unit_sales DECIMAL(12, 4), `day` DATE, product_name STRING,
       product_category STRING, product_department STRING, store_city STRING, store_country STRING, sales_region STRING)
  WITH ('connector' = 'filesystem', 'path' = '${out}/silver', 'format' = 'parquet');
CREATE TEMPORARY TABLE revenue_daily (`day` DATE, store_id INT, product_category STRING, revenue DECIMAL(38, 4),
       cost DECIMAL(38, 4), units DECIMAL(38, 4), sales BIGINT)
  WITH ('connector' = 'filesystem', 'path' = '${out}/revenue_daily', 'format' = 'parquet');
CREATE TEMPORARY TABLE top_customers (sales_region STRING, `rank` BIGINT, customer_id INT, revenue DECIMAL(38, 4), sales BIGINT)
  WITH ('connector' = 'filesystem', 'path' = '${out}/top_customers', 'format' = 'parquet');
CREATE TEMPORARY TABLE store_revenue_7d (store_id INT, `day` DATE, revenue_7d DECIMAL(38, 4), sales_7d BIGINT)
  WITH ('connector' = 'filesystem', 'path' = '${out}/store_revenue_7d', 'format' = 'parquet');
CREATE TEMPORARY TABLE customer_running_total (customer_id INT, `day` DATE, day_revenue DECIMAL(38, 4),
       running_total DECIMAL(38, 4))
  WITH ('connector' = 'filesystem', 'path' = '${out}/customer_running_total', 'format' = 'parquet');
CREATE TEMPORARY TABLE lapsed_customers (customer_id INT, last_purchase DATE, as_of DATE)
  WITH ('connector' = 'filesystem', 'path' = '${out}/lapsed_customers', 'format' = 'parquet');
CREATE TEMPORARY TABLE top_products (`month` DATE, `rank` BIGINT, product_id INT, product_name STRING, revenue DECIMAL(38, 4),
       units DECIMAL(38, 4))
  WITH ('connector' = 'filesystem', 'path' = '${out}/top_products', 'format' = 'parquet');

CREATE TEMPORARY TABLE bronze WITH ('connector' = 'filesystem', 'path' = '${out}/bronze', 'format' = 'parquet')
  LIKE sale (EXCLUDING OPTIONS);
CREATE TEMPORARY TABLE fact_sale (product_id INT, time_id INT, customer_id INT, promotion_id INT, store_id INT,
       store_sales DECIMAL(12, 4), store_cost DECIMAL(12, 4), unit_sales DECIMAL(12, 4), `day` DATE)
  WITH ('connector' = 'jdbc', 'url' = '${warehouse}', 'table-name' = 'fact_sale', 'sink.buffer-flush.max-rows' = '5000');

INSERT INTO bronze SELECT * FROM sale;

INSERT INTO fact_sale
SELECT product_id, time_id, customer_id, promotion_id, store_id, store_sales, store_cost, unit_sales, `day` FROM enriched;

INSERT INTO silver
SELECT product_id, time_id, customer_id, promotion_id, store_id, store_sales, store_cost, unit_sales, `day`, product_name,
       product_category, product_department, store_city, store_country, sales_region
  FROM enriched;

CREATE TEMPORARY VIEW answer_revenue_daily (`day`, store_id, product_category, revenue, cost, units, sales) AS
SELECT `day`, store_id, product_category, SUM(store_sales), SUM(store_cost), SUM(unit_sales), COUNT(*)
  FROM enriched GROUP BY `day`, store_id, product_category;

CREATE TEMPORARY VIEW answer_top_customers (sales_region, `rank`, customer_id, revenue, sales) AS
SELECT sales_region, n, customer_id, revenue, sales
  FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY sales_region ORDER BY revenue DESC, customer_id) AS n
          FROM (SELECT sales_region, customer_id, SUM(store_sales) AS revenue, COUNT(*) AS sales
                  FROM enriched GROUP BY sales_region, customer_id))
 WHERE n <= 10;

CREATE TEMPORARY VIEW answer_store_revenue_7d (store_id, `day`, revenue_7d, sales_7d) AS
SELECT store_id, TIMESTAMPADD(DAY, n, `day`), SUM(revenue), SUM(sales)
  FROM (SELECT store_id, `day`, SUM(store_sales) AS revenue, COUNT(*) AS sales FROM enriched GROUP BY store_id, `day`)
  CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6)) AS later (n)
 GROUP BY store_id, TIMESTAMPADD(DAY, n, `day`);

CREATE TEMPORARY VIEW answer_customer_running_total (customer_id, `day`, day_revenue, running_total) AS
SELECT customer_id, `day`, revenue, SUM(revenue) OVER (PARTITION BY customer_id ORDER BY `day`)
  FROM (SELECT customer_id, `day`, SUM(store_sales) AS revenue FROM enriched GROUP BY customer_id, `day`);

CREATE TEMPORARY VIEW answer_lapsed_customers (customer_id, last_purchase, as_of) AS
SELECT customer_id, last_purchase, as_of
  FROM (SELECT c.customer_id, MAX(s.`day`) AS last_purchase
          FROM customer c LEFT JOIN enriched s ON s.customer_id = c.customer_id GROUP BY c.customer_id)
  CROSS JOIN (SELECT MAX(`day`) AS as_of FROM enriched)
 WHERE last_purchase IS NULL OR last_purchase < as_of - INTERVAL '6' MONTH;

CREATE TEMPORARY VIEW answer_top_products (`month`, `rank`, product_id, product_name, revenue, units) AS
SELECT `month`, n, product_id, product_name, revenue, units
  FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY revenue DESC, product_id) AS n
          FROM (SELECT FLOOR(`day` TO MONTH) AS `month`, product_id, product_name, SUM(store_sales) AS revenue,
                       SUM(unit_sales) AS units
                  FROM enriched WHERE FLOOR(`day` TO MONTH) = (SELECT FLOOR(MAX(`day`) TO MONTH) FROM enriched)
                 GROUP BY FLOOR(`day` TO MONTH), product_id, product_name))
 WHERE n <= 5;
