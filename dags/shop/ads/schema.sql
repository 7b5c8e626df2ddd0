-- The metrics database: one table for each ads table, a day of it at a time.
CREATE TABLE IF NOT EXISTS ads_traffic (dt DATE NOT NULL PRIMARY KEY, pv BIGINT NOT NULL, uv BIGINT NOT NULL, ip BIGINT NOT NULL, new_devices BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS ads_visit (dt DATE NOT NULL PRIMARY KEY, vv BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS ads_trade (dt DATE NOT NULL PRIMARY KEY, orders BIGINT NOT NULL, buyers BIGINT NOT NULL, gmv DECIMAL(18,2) NOT NULL,
  paid_amount DECIMAL(18,2) NOT NULL, refund_amount DECIMAL(18,2) NOT NULL, refund_rate DECIMAL(12,6) NOT NULL);
CREATE TABLE IF NOT EXISTS ads_hot_sku (dt DATE NOT NULL, `rank` INT NOT NULL, sku_id BIGINT UNSIGNED NOT NULL, amount DECIMAL(18,2) NOT NULL, items BIGINT NOT NULL,
  orders BIGINT NOT NULL, refund_orders BIGINT NOT NULL, refund_amount DECIMAL(18,2) NOT NULL, PRIMARY KEY (dt, `rank`));
CREATE TABLE IF NOT EXISTS ads_sales (dt DATE NOT NULL, province_id BIGINT UNSIGNED NOT NULL, province_name VARCHAR(40) NOT NULL, channel VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  orders BIGINT NOT NULL, amount DECIMAL(18,2) NOT NULL, PRIMARY KEY (dt, province_id, channel));
