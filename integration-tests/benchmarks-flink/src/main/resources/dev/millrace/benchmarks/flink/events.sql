-- Events judged as the contract of ShopEvent judges them, then counts and revenue by action and minute.
-- outcome: 0 good, 1 invalid, 2 late. ${events} is replaced.
-- A time that is not spelled as programs spell it.
CREATE MACRO spelled(text) AS CASE
  WHEN regexp_full_match(text, '\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)')
   AND epoch_us(try_cast(text AS TIMESTAMPTZ)) % 1000 = 0
  THEN epoch_ms(try_cast(text AS TIMESTAMPTZ)) END;

WITH line AS (
  -- One column: what delimits columns occurs in no JSON. Lines that are no UTF-8 go to reject_errors.
  SELECT line
    FROM read_csv('${events}', columns = {line: 'VARCHAR'}, auto_detect = false, header = false, delim = E'\x01', quote = '',
         escape = '', new_line = '\n', max_line_size = 4194304, strict_mode = false, nullstr = E'\x02', store_rejects = true)),
parsed AS (
  -- Each field as the JSON it is, so that its type is known: strings have their quotes. DuckDB reads a comma before the end.
  SELECT line, CASE WHEN read THEN json_keys(line) END AS keys,
         CASE WHEN read THEN json_transform(line, '{"event_id": "JSON", "user_id": "JSON", "session_id": "JSON",
              "action": "JSON", "product_id": "JSON", "price": "JSON", "quantity": "JSON", "url": "JSON", "referrer": "JSON",
              "user_agent": "JSON", "event_time": "JSON", "arrived_at": "JSON"}') END AS e
    FROM (SELECT line, strlen(line) <= 1048576 AND json_valid(line) AND ltrim(line) LIKE '{%' AND line NOT LIKE '%,}'
                 AND NOT contains(line, '\u0000') AS read
            FROM line)),
typed AS (
  SELECT line, e, keys,
         CASE WHEN e.action IN ('"view"', '"search"', '"cart"', '"checkout"', '"purchase"') THEN substring(e.action, 2, strlen(e.action) - 2)
              WHEN e.action LIKE '"%' AND (e.action ->> '$') IN ('view', 'search', 'cart', 'checkout', 'purchase') THEN (e.action ->> '$')
          END AS action,
         CASE WHEN e.product_id NOT LIKE '"%' AND e.product_id NOT LIKE '%.%' THEN try_cast(CAST(e.product_id AS VARCHAR) AS INTEGER) END AS product,
         CASE WHEN e.price NOT LIKE '"%' THEN try_cast(CAST(e.price AS VARCHAR) AS DECIMAL(38, 18)) END AS price,
         CASE WHEN e.quantity NOT LIKE '"%' AND e.quantity NOT LIKE '%.%' THEN try_cast(CAST(e.quantity AS VARCHAR) AS INTEGER) END AS quantity,
         CASE WHEN e.event_time LIKE '"____-__-__T__:__:__.___Z"' THEN epoch_ms(try_cast(substring(e.event_time, 2, 24) AS TIMESTAMP))
              WHEN e.event_time LIKE '"%' THEN spelled(e.event_time ->> '$')
              WHEN e.event_time NOT LIKE '"%' AND e.event_time NOT LIKE '%.%' THEN try_cast(CAST(e.event_time AS VARCHAR) AS BIGINT)
          END AS happened,
         CASE WHEN e.arrived_at LIKE '"____-__-__T__:__:__.___Z"' THEN epoch_ms(try_cast(substring(e.arrived_at, 2, 24) AS TIMESTAMP))
              WHEN e.arrived_at LIKE '"%' THEN spelled(e.arrived_at ->> '$')
              WHEN e.arrived_at NOT LIKE '"%' AND e.arrived_at NOT LIKE '%.%' THEN try_cast(CAST(e.arrived_at AS VARCHAR) AS BIGINT)
          END AS arrived
    FROM parsed),
judged AS (
  SELECT action, happened,
         CASE WHEN action = 'purchase' AND price IS NOT NULL THEN CAST(price AS DECIMAL(18, 4)) * coalesce(quantity, 1) ELSE 0 END AS revenue,
         CASE WHEN coalesce(
                action IS NOT NULL AND happened IS NOT NULL
                -- What is no longer with its escapes is no longer without them.
                AND e.event_id LIKE '"%' AND CASE WHEN strlen(e.event_id) <= 42 THEN true ELSE length(e.event_id ->> '$') <= 40 END
                AND e.user_id LIKE '"%' AND CASE WHEN strlen(e.user_id) <= 66 THEN true ELSE length(e.user_id ->> '$') <= 64 END
                AND e.session_id LIKE '"%' AND CASE WHEN strlen(e.session_id) <= 42 THEN true ELSE length(e.session_id ->> '$') <= 40 END
                AND e.url LIKE '"%' AND CASE WHEN strlen(e.url) <= 2050 THEN true ELSE length(e.url ->> '$') <= 2048 END
                AND (e.referrer IS NULL OR (e.referrer LIKE '"%'
                     AND CASE WHEN strlen(e.referrer) <= 2050 THEN true ELSE length(e.referrer ->> '$') <= 2048 END))
                AND (e.user_agent IS NULL OR (e.user_agent LIKE '"%'
                     AND CASE WHEN strlen(e.user_agent) <= 1026 THEN true ELSE length(e.user_agent ->> '$') <= 1024 END))
                AND (e.product_id IS NULL OR product >= 1)
                AND (e.quantity IS NULL OR quantity BETWEEN 1 AND 10000)
                AND (e.price IS NULL OR (price >= 0 AND price < 100000000 AND price = round(price, 4)))
                -- DuckDB reads 1e-999999 as nothing.
                AND CASE WHEN price = 0 THEN NOT regexp_matches(line, '"price"\s*:\s*[0-9.]+[eE]-') ELSE true END
                AND (e.arrived_at IS NULL OR arrived IS NOT NULL)
                -- As many keys as fields that are not null: no key twice, none that is unknown. Else both are looked at, and DuckDB does
                -- not tell how deep a value is: one with so many opening brackets is taken for too deep.
                AND CASE WHEN len(keys) = 6 + (e.product_id IS NOT NULL)::INT + (e.price IS NOT NULL)::INT + (e.quantity IS NOT NULL)::INT
                          + (e.referrer IS NOT NULL)::INT + (e.user_agent IS NOT NULL)::INT + (e.arrived_at IS NOT NULL)::INT THEN true
                         ELSE len(keys) <= 256 AND len(keys) = list_unique(keys)
                          AND strlen(line) - strlen(replace(replace(line, '[', ''), '{', '')) <= 32 END, false)
              THEN CASE WHEN coalesce(arrived - happened > 600000 OR happened - arrived > 60000, false) THEN 2 ELSE 0 END
              ELSE 1 END AS outcome
    FROM typed)
SELECT outcome, action, minute, count(*) AS events, sum(revenue) AS revenue
  FROM (SELECT outcome, revenue, CASE WHEN outcome = 0 THEN action END AS action,
               CASE WHEN outcome = 0 THEN happened // 60000 * 60000 END AS minute
          FROM judged)
 GROUP BY ALL
