-- The tables that the jobs fill, and the views that add them up; runs on MySQL 5.7 and later.
-- `loaded` is the clock of the server when the row came; seen in the time zone of the warehouse, what it is behind the record is delay.
CREATE TABLE IF NOT EXISTS rt_orders_5m (window_start DATETIME NOT NULL, window_end DATETIME NOT NULL,
  province_id INT NOT NULL, city VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, orders BIGINT NOT NULL,
  amount DECIMAL(18,2) NOT NULL, loaded TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (window_end, province_id, city));
CREATE TABLE IF NOT EXISTS rt_top_cities (window_start DATETIME NOT NULL, window_end DATETIME NOT NULL,
  province_id INT NOT NULL, `rank` INT NOT NULL, city VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  orders BIGINT NOT NULL, amount DECIMAL(18,2) NOT NULL, PRIMARY KEY (window_end, province_id, `rank`));
CREATE TABLE IF NOT EXISTS rt_ad_clicks (window_start DATETIME NOT NULL, window_end DATETIME NOT NULL, ad_id INT NOT NULL,
  clicks BIGINT NOT NULL, loaded TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3), PRIMARY KEY (window_end, ad_id));
CREATE TABLE IF NOT EXISTS rt_ad_clicks_clean (window_start DATETIME NOT NULL, window_end DATETIME NOT NULL,
  ad_id INT NOT NULL, clicks BIGINT NOT NULL, PRIMARY KEY (window_end, ad_id));
CREATE TABLE IF NOT EXISTS rt_ad_province (window_start DATETIME NOT NULL, window_end DATETIME NOT NULL,
  province_id INT NOT NULL, ad_id INT NOT NULL, clicks BIGINT NOT NULL, PRIMARY KEY (window_end, province_id, ad_id));
CREATE TABLE IF NOT EXISTS rt_burst (kind VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  who VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, window_end DATETIME NOT NULL, orders BIGINT NOT NULL,
  loaded TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3), PRIMARY KEY (kind, who, window_end));
CREATE TABLE IF NOT EXISTS rt_unequal (payment_id BIGINT UNSIGNED NOT NULL PRIMARY KEY, order_id BIGINT UNSIGNED NOT NULL,
  paid DECIMAL(18,2) NOT NULL, at DATETIME(6) NOT NULL, loaded TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3));
CREATE TABLE IF NOT EXISTS rt_paid_twice (payment_id BIGINT UNSIGNED NOT NULL, first_payment_id BIGINT UNSIGNED NOT NULL,
  order_id BIGINT UNSIGNED NOT NULL, at DATETIME(6) NOT NULL, loaded TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (payment_id, first_payment_id));
CREATE TABLE IF NOT EXISTS rt_channel_visits (window_start DATETIME NOT NULL, window_end DATETIME NOT NULL,
  ch VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, visits BIGINT NOT NULL, pages BIGINT NOT NULL,
  stay_ms BIGINT, favours BIGINT NOT NULL, PRIMARY KEY (window_end, ch));
CREATE TABLE IF NOT EXISTS rt_channel_firsts (window_start DATETIME NOT NULL, window_end DATETIME NOT NULL,
  ch VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, buyers BIGINT NOT NULL, amount DECIMAL(18,2) NOT NULL,
  PRIMARY KEY (window_end, ch));
CREATE TABLE IF NOT EXISTS rt_click_browse (window_start DATETIME NOT NULL, window_end DATETIME NOT NULL, ad_id INT NOT NULL,
  pairs BIGINT NOT NULL, PRIMARY KEY (window_end, ad_id));
CREATE TABLE IF NOT EXISTS rt_coupons (window_start DATETIME NOT NULL, window_end DATETIME NOT NULL, coupon_id INT NOT NULL,
  taken BIGINT NOT NULL, used BIGINT NOT NULL, limit_num BIGINT, taken_before BIGINT, PRIMARY KEY (window_end, coupon_id));
CREATE TABLE IF NOT EXISTS rt_stock (sku_id BIGINT NOT NULL, at DATETIME NOT NULL, stock INT NOT NULL,
  loaded TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3), PRIMARY KEY (sku_id, at));
CREATE TABLE IF NOT EXISTS rt_totals (window_start DATETIME NOT NULL, window_end DATETIME NOT NULL PRIMARY KEY,
  orders BIGINT NOT NULL, gmv DECIMAL(18,2), paid DECIMAL(18,2), pv BIGINT NOT NULL, uv BIGINT NOT NULL,
  loaded TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3));
CREATE TABLE IF NOT EXISTS rt_orders (order_id BIGINT UNSIGNED NOT NULL PRIMARY KEY, at DATETIME(6) NOT NULL,
  user_id BIGINT UNSIGNED, amount DECIMAL(18,2), province_id INT, channel VARCHAR(30), user_level VARCHAR(20),
  user_source VARCHAR(20), province_name VARCHAR(40), loaded TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3), KEY (at));

CREATE OR REPLACE VIEW rt_ad_trend AS SELECT ad_id, window_start, clicks FROM rt_ad_clicks
  WHERE window_end > (SELECT MAX(window_end) FROM rt_ad_clicks) - INTERVAL 1 HOUR;
CREATE OR REPLACE VIEW rt_ad_province_day AS SELECT DATE(window_start) AS dt, province_id, ad_id, SUM(clicks) AS clicks
  FROM rt_ad_province GROUP BY DATE(window_start), province_id, ad_id;
CREATE OR REPLACE VIEW rt_hot_ads AS SELECT a.dt, a.province_id, a.ad_id, a.clicks, 1 + COUNT(b.ad_id) AS place
  FROM rt_ad_province_day a LEFT JOIN rt_ad_province_day b ON b.dt = a.dt AND b.province_id = a.province_id
  AND b.clicks > a.clicks GROUP BY a.dt, a.province_id, a.ad_id, a.clicks;
CREATE OR REPLACE VIEW rt_channels AS SELECT v.window_start, v.ch, v.visits, v.pages, v.stay_ms, v.favours,
  COALESCE(f.buyers, 0) AS first_buyers, COALESCE(f.amount, 0) AS first_amount
  FROM rt_channel_visits v LEFT JOIN rt_channel_firsts f ON f.window_end = v.window_end AND f.ch = v.ch;
CREATE OR REPLACE VIEW rt_coupons_left AS SELECT coupon_id, SUM(taken) AS taken, SUM(used) AS used,
  MAX(limit_num) - MAX(taken_before) - SUM(taken) AS coupons_left FROM rt_coupons GROUP BY coupon_id;
CREATE OR REPLACE VIEW rt_totals_day AS SELECT DATE(window_start) AS dt, SUM(orders) AS orders, SUM(gmv) AS gmv,
  SUM(paid) AS paid, SUM(pv) AS pv, SUM(uv) AS uv FROM rt_totals GROUP BY DATE(window_start);
CREATE OR REPLACE VIEW rt_delay AS SELECT DATE_FORMAT(at, '%Y-%m-%d %H:%i') AS minute, COUNT(*) AS orders,
  AVG(TIMESTAMPDIFF(MICROSECOND, at, loaded)) / 1000 AS mean_ms, MAX(TIMESTAMPDIFF(MICROSECOND, at, loaded)) / 1000 AS most_ms
  FROM rt_orders GROUP BY DATE_FORMAT(at, '%Y-%m-%d %H:%i');
