-- The metrics database: one table for each ads table, a day of it at a time (docs/METRICS.md says what they mean).
CREATE TABLE IF NOT EXISTS ads_traffic (dt DATE NOT NULL, pv BIGINT NOT NULL, uv BIGINT NOT NULL, ip BIGINT NOT NULL,
  new_devices BIGINT NOT NULL, PRIMARY KEY (dt));
CREATE TABLE IF NOT EXISTS ads_visit (dt DATE NOT NULL, vv BIGINT NOT NULL, bounced BIGINT NOT NULL,
  bounce_rate DECIMAL(18,6), pages_per_visit DECIMAL(18,6), stay_per_visit DECIMAL(18,6), PRIMARY KEY (dt));
CREATE TABLE IF NOT EXISTS ads_active (dt DATE NOT NULL, dau BIGINT NOT NULL, wau BIGINT NOT NULL,
  wau_dau DECIMAL(18,6), mau BIGINT NOT NULL, dau_mau DECIMAL(18,6), yau BIGINT NOT NULL, PRIMARY KEY (dt));
CREATE TABLE IF NOT EXISTS ads_trade (dt DATE NOT NULL, orders BIGINT NOT NULL, buyers BIGINT NOT NULL,
  gmv DECIMAL(18,2) NOT NULL, paid_amount DECIMAL(18,2) NOT NULL, aov DECIMAL(18,6),
  refund_amount DECIMAL(18,2) NOT NULL, refund_rate DECIMAL(18,6) NOT NULL, PRIMARY KEY (dt));
CREATE TABLE IF NOT EXISTS ads_refund (dt DATE NOT NULL, refunds BIGINT NOT NULL, refund_buyers BIGINT NOT NULL,
  refunded_amount DECIMAL(18,2) NOT NULL, PRIMARY KEY (dt));
CREATE TABLE IF NOT EXISTS ads_margin (dt DATE NOT NULL, margin DECIMAL(18,2) NOT NULL, margin_rate DECIMAL(18,6),
  PRIMARY KEY (dt));
CREATE TABLE IF NOT EXISTS ads_channel_traffic (dt DATE NOT NULL,
  channel VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, pv BIGINT NOT NULL, uv BIGINT NOT NULL,
  vv BIGINT NOT NULL, PRIMARY KEY (dt, channel));
CREATE TABLE IF NOT EXISTS ads_page_traffic (dt DATE NOT NULL,
  page_id VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, pv BIGINT NOT NULL, uv BIGINT NOT NULL,
  stay DECIMAL(18,6), PRIMARY KEY (dt, page_id));
CREATE TABLE IF NOT EXISTS ads_entry_exit (dt DATE NOT NULL,
  page_id VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, entries BIGINT NOT NULL,
  exits BIGINT NOT NULL, PRIMARY KEY (dt, page_id));
CREATE TABLE IF NOT EXISTS ads_page_path (dt DATE NOT NULL,
  last_page_id VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  page_id VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, n BIGINT NOT NULL,
  PRIMARY KEY (dt, last_page_id, page_id));
CREATE TABLE IF NOT EXISTS ads_channel_cost (dt DATE NOT NULL,
  channel VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, visitors BIGINT NOT NULL,
  cost DECIMAL(18,2) NOT NULL, cost_per_visitor DECIMAL(18,6), PRIMARY KEY (dt, channel));
CREATE TABLE IF NOT EXISTS ads_cart (dt DATE NOT NULL, adds BIGINT NOT NULL, adders BIGINT NOT NULL,
  ordered BIGINT NOT NULL, cart_to_order DECIMAL(18,6), PRIMARY KEY (dt));
CREATE TABLE IF NOT EXISTS ads_pay (dt DATE NOT NULL, paid_orders BIGINT NOT NULL, payers BIGINT NOT NULL,
  cancelled BIGINT NOT NULL, pay_rate DECIMAL(18,6), PRIMARY KEY (dt));
CREATE TABLE IF NOT EXISTS ads_funnel_ordered (dt DATE NOT NULL, n INT NOT NULL, step VARCHAR(40),
  users BIGINT NOT NULL, rate DECIMAL(18,6), PRIMARY KEY (dt, n));
CREATE TABLE IF NOT EXISTS ads_funnel_unordered (dt DATE NOT NULL, n INT NOT NULL, step VARCHAR(40),
  users BIGINT NOT NULL, rate DECIMAL(18,6), PRIMARY KEY (dt, n));
CREATE TABLE IF NOT EXISTS ads_order_channel (dt DATE NOT NULL,
  channel VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, orders BIGINT NOT NULL,
  buyers BIGINT NOT NULL, amount DECIMAL(18,2) NOT NULL, PRIMARY KEY (dt, channel));
CREATE TABLE IF NOT EXISTS ads_order_steps (dt DATE NOT NULL,
  order_status VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, orders BIGINT NOT NULL,
  PRIMARY KEY (dt, order_status));
CREATE TABLE IF NOT EXISTS ads_sales (dt DATE NOT NULL, province_id BIGINT UNSIGNED NOT NULL,
  province_name VARCHAR(40), channel VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  orders BIGINT NOT NULL, amount DECIMAL(18,2) NOT NULL, PRIMARY KEY (dt, province_id, channel));
CREATE TABLE IF NOT EXISTS ads_hot_sku (dt DATE NOT NULL, `rank` INT NOT NULL, sku_id BIGINT UNSIGNED NOT NULL,
  amount DECIMAL(18,2) NOT NULL, items BIGINT NOT NULL, orders BIGINT NOT NULL, refund_orders BIGINT NOT NULL,
  refund_amount DECIMAL(18,2) NOT NULL, PRIMARY KEY (dt, `rank`));
CREATE TABLE IF NOT EXISTS ads_product_counts (dt DATE NOT NULL, skus BIGINT NOT NULL, spus BIGINT NOT NULL,
  brands BIGINT NOT NULL, categories BIGINT NOT NULL, on_sale BIGINT NOT NULL, new_skus BIGINT NOT NULL,
  PRIMARY KEY (dt));
CREATE TABLE IF NOT EXISTS ads_brand_sales (dt DATE NOT NULL, tm_id BIGINT UNSIGNED NOT NULL, tm_name VARCHAR(100),
  orders BIGINT NOT NULL, items BIGINT NOT NULL, buyers BIGINT NOT NULL, amount DECIMAL(18,2) NOT NULL,
  refund_orders BIGINT NOT NULL, refund_amount DECIMAL(18,2) NOT NULL, refund_rate DECIMAL(18,6),
  PRIMARY KEY (dt, tm_id));
CREATE TABLE IF NOT EXISTS ads_merchant_sales (dt DATE NOT NULL, merchant_id BIGINT UNSIGNED NOT NULL,
  orders BIGINT NOT NULL, items BIGINT NOT NULL, buyers BIGINT NOT NULL, amount DECIMAL(18,2) NOT NULL,
  PRIMARY KEY (dt, merchant_id));
CREATE TABLE IF NOT EXISTS ads_favourites (dt DATE NOT NULL, added BIGINT NOT NULL, users BIGINT NOT NULL,
  cancelled BIGINT NOT NULL, PRIMARY KEY (dt));
CREATE TABLE IF NOT EXISTS ads_comments (dt DATE NOT NULL,
  appraise VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, comments BIGINT NOT NULL,
  rate DECIMAL(18,6), PRIMARY KEY (dt, appraise));
CREATE TABLE IF NOT EXISTS ads_coupons (dt DATE NOT NULL, coupon_id BIGINT UNSIGNED NOT NULL, taken BIGINT NOT NULL,
  used BIGINT NOT NULL, reduced_amount DECIMAL(18,2) NOT NULL, PRIMARY KEY (dt, coupon_id));
CREATE TABLE IF NOT EXISTS ads_activities (dt DATE NOT NULL, activity_id BIGINT UNSIGNED NOT NULL,
  orders BIGINT NOT NULL, amount DECIMAL(18,2) NOT NULL, reduced_amount DECIMAL(18,2) NOT NULL,
  subsidy_rate DECIMAL(18,6), PRIMARY KEY (dt, activity_id));
CREATE TABLE IF NOT EXISTS ads_ad (dt DATE NOT NULL, ad_id BIGINT UNSIGNED NOT NULL, shown BIGINT NOT NULL,
  clicked BIGINT NOT NULL, reach BIGINT NOT NULL, ctr DECIMAL(18,6), cost DECIMAL(18,2), cpc DECIMAL(18,6),
  cpm DECIMAL(18,6), bought BIGINT NOT NULL, conversion DECIMAL(18,6), PRIMARY KEY (dt, ad_id));
CREATE TABLE IF NOT EXISTS ads_refund_reasons (dt DATE NOT NULL,
  reason VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, reason_name VARCHAR(100),
  refunds BIGINT NOT NULL, amount DECIMAL(18,2) NOT NULL, complaint INT NOT NULL, PRIMARY KEY (dt, reason));
CREATE TABLE IF NOT EXISTS ads_risk (dt DATE NOT NULL, burst_buyers BIGINT NOT NULL,
  unequal_payments BIGINT NOT NULL, unequal_amount DECIMAL(18,2) NOT NULL, paid_twice BIGINT NOT NULL,
  PRIMARY KEY (dt));
CREATE TABLE IF NOT EXISTS ads_region_share (dt DATE NOT NULL, region_id BIGINT UNSIGNED NOT NULL,
  region_name VARCHAR(40), amount DECIMAL(18,2) NOT NULL, share DECIMAL(18,6), `rank` INT NOT NULL,
  rank_change BIGINT, PRIMARY KEY (dt, region_id));
CREATE TABLE IF NOT EXISTS ads_new_users (dt DATE NOT NULL,
  source VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, users BIGINT NOT NULL,
  PRIMARY KEY (dt, source));
CREATE TABLE IF NOT EXISTS ads_members (dt DATE NOT NULL,
  user_level VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, users BIGINT NOT NULL,
  PRIMARY KEY (dt, user_level));
CREATE TABLE IF NOT EXISTS ads_returning (dt DATE NOT NULL, returning_devices BIGINT NOT NULL, PRIMARY KEY (dt));
CREATE TABLE IF NOT EXISTS ads_retention (dt DATE NOT NULL, day INT NOT NULL, users BIGINT NOT NULL,
  kept BIGINT NOT NULL, rate DECIMAL(18,6), PRIMARY KEY (dt, day));
CREATE TABLE IF NOT EXISTS ads_repeat (dt DATE NOT NULL, buyers_30d BIGINT NOT NULL,
  repeat_buyers_30d BIGINT NOT NULL, repeat_rate_30d DECIMAL(18,6), PRIMARY KEY (dt));
