-- Tables of a warehouse of sales, as a job would find them that is written in the SQL of an engine.
CREATE TABLE fact_sale (product_id INT NOT NULL, time_id INT NOT NULL, customer_id INT NOT NULL, promotion_id INT NOT NULL,
       store_id INT NOT NULL, store_sales DECIMAL(12, 4) NOT NULL, store_cost DECIMAL(12, 4) NOT NULL,
       unit_sales DECIMAL(12, 4) NOT NULL, day DATE NOT NULL);
CREATE TABLE revenue_daily (day DATE, store_id INT, product_category TEXT, revenue DECIMAL(38, 4), cost DECIMAL(38, 4),
       units DECIMAL(38, 4), sales BIGINT, PRIMARY KEY (day, store_id, product_category));
CREATE TABLE top_customers (sales_region TEXT, rank BIGINT, customer_id INT, revenue DECIMAL(38, 4), sales BIGINT,
       PRIMARY KEY (sales_region, rank));
CREATE TABLE store_revenue_7d (store_id INT, day DATE, revenue_7d DECIMAL(38, 4), sales_7d BIGINT, PRIMARY KEY (store_id, day));
CREATE TABLE customer_running_total (customer_id INT, day DATE, day_revenue DECIMAL(38, 4), running_total DECIMAL(38, 4),
       PRIMARY KEY (customer_id, day));
CREATE TABLE lapsed_customers (customer_id INT PRIMARY KEY, last_purchase DATE, as_of DATE);
CREATE TABLE top_products (month DATE, rank BIGINT, product_id INT, product_name TEXT, revenue DECIMAL(38, 4),
       units DECIMAL(38, 4), PRIMARY KEY (month, rank));
