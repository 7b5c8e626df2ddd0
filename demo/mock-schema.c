/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-schema - the 27 tables of the business database as SQL
 *
 * At least the columns of the public gmall schema.  BIGINT UNSIGNED, DECIMAL(16,2), DATETIME(6),
 * utf8mb4 TEXT, TINYINT, JSON and, in rows, zero dates are all among them.
 */
#include "mock.h"

#define ID	"  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,\n"
#define UINT	" BIGINT UNSIGNED"
#define MONEY	" DECIMAL(16,2)"
#define MADE	"  create_time DATETIME(6) NOT NULL"
#define TIMES	MADE ",\n  operate_time DATETIME(6)"
/* what an incremental extract goes by: never null, indexed */
#define TOUCHED	MADE ",\n  operate_time DATETIME(6) NOT NULL,\n  KEY (operate_time)"
#define END	"\n) DEFAULT CHARSET=utf8mb4;\n"

static const char *const places[] = {
	"SET NAMES utf8mb4;\n",
	"CREATE TABLE base_region (\n" ID "  region_name VARCHAR(20)" END,
	"CREATE TABLE base_province (\n" ID "  name VARCHAR(20),\n  region_id" UINT ",\n"
	"  area_code VARCHAR(20),\n  iso_code VARCHAR(20),\n  iso_3166_2 VARCHAR(20)" END,
	"CREATE TABLE base_dic (\n  dic_code VARCHAR(10) NOT NULL PRIMARY KEY,\n  dic_name VARCHAR(100),\n"
	"  parent_code VARCHAR(10),\n" TIMES END,
};

static const char *const products[] = {
	"CREATE TABLE base_trademark (\n" ID "  tm_name VARCHAR(100),\n  logo_url VARCHAR(200)" END,
	"CREATE TABLE base_category1 (\n" ID "  name VARCHAR(200)" END,
	"CREATE TABLE base_category2 (\n" ID "  name VARCHAR(200),\n  category1_id" UINT END,
	"CREATE TABLE base_category3 (\n" ID "  name VARCHAR(200),\n  category2_id" UINT END,
	"CREATE TABLE spu_info (\n" ID "  spu_name VARCHAR(200),\n  description TEXT,\n"
	"  category3_id" UINT ",\n  tm_id" UINT END,
	"CREATE TABLE sku_info (\n" ID "  spu_id" UINT ",\n  price" MONEY ",\n  cost_price" MONEY ",\n"
	"  sku_name VARCHAR(200),\n  sku_desc VARCHAR(2000),\n  weight" MONEY ",\n  tm_id" UINT ",\n"
	"  category3_id" UINT ",\n  merchant_id" UINT ",\n  sku_default_img VARCHAR(300),\n"
	"  is_sale TINYINT NOT NULL DEFAULT 1,\n  sku_attr JSON,\n" TIMES END,
	"CREATE TABLE merchant_info (\n" ID "  merchant_name VARCHAR(200),\n  province_id INT UNSIGNED,\n"
	"  level TINYINT NOT NULL DEFAULT 1,\n  contact VARCHAR(50),\n  contact_tel VARCHAR(20),\n"
	"  status VARCHAR(10),\n" TIMES END,
};

static const char *const marketing[] = {
	"CREATE TABLE activity_info (\n" ID "  activity_name VARCHAR(200),\n  activity_type VARCHAR(10),\n"
	"  activity_desc TEXT,\n  start_time DATETIME(6),\n  end_time DATETIME(6),\n" TIMES END,
	"CREATE TABLE activity_rule (\n" ID "  activity_id" UINT ",\n  activity_type VARCHAR(20),\n"
	"  condition_amount" MONEY ",\n  condition_num BIGINT,\n  benefit_amount" MONEY ",\n"
	"  benefit_discount DECIMAL(10,2),\n  benefit_level BIGINT,\n" TIMES END,
	"CREATE TABLE activity_sku (\n" ID "  activity_id" UINT ",\n  sku_id" UINT ",\n" TIMES END,
	"CREATE TABLE coupon_info (\n" ID "  coupon_name VARCHAR(100),\n  coupon_type VARCHAR(10),\n"
	"  condition_amount" MONEY ",\n  condition_num BIGINT,\n  activity_id" UINT ",\n"
	"  benefit_amount" MONEY ",\n  benefit_discount DECIMAL(10,2),\n  range_type VARCHAR(10),\n"
	"  limit_num INT NOT NULL DEFAULT 0,\n  taken_count INT NOT NULL DEFAULT 0,\n"
	"  start_time DATETIME(6),\n  end_time DATETIME(6),\n  expire_time DATETIME(6),\n"
	"  range_desc VARCHAR(500),\n" TIMES END,
	"CREATE TABLE coupon_use (\n" ID "  coupon_id" UINT ",\n  user_id" UINT ",\n  order_id" UINT ",\n"
	"  coupon_status VARCHAR(10),\n  get_type VARCHAR(10),\n  get_time DATETIME(6),\n"
	"  using_time DATETIME(6),\n  used_time DATETIME(6),\n  expire_time DATETIME(6),\n" TIMES END,
};

static const char *const users[] = {
	"CREATE TABLE user_info (\n" ID "  login_name VARCHAR(200),\n  nick_name VARCHAR(200),\n"
	"  passwd VARCHAR(200),\n  name VARCHAR(200),\n  phone_num VARCHAR(200),\n"
	"  email VARCHAR(200),\n  head_img VARCHAR(200),\n  user_level VARCHAR(20),\n"
	"  birthday DATE,\n  gender VARCHAR(1),\n  source VARCHAR(20),\n" TIMES ",\n"
	"  status VARCHAR(20)" END,
	"CREATE TABLE cart_info (\n" ID "  user_id" UINT ",\n  sku_id" UINT ",\n  cart_price" MONEY ",\n"
	"  sku_num INT,\n  img_url VARCHAR(200),\n  sku_name VARCHAR(200),\n"
	"  is_checked TINYINT NOT NULL DEFAULT 1,\n  is_ordered TINYINT NOT NULL DEFAULT 0,\n"
	"  order_time DATETIME(6),\n  source_type VARCHAR(20),\n  source_id" UINT ",\n" TOUCHED END,
	"CREATE TABLE favor_info (\n" ID "  user_id" UINT ",\n  sku_id" UINT ",\n  spu_id" UINT ",\n"
	"  is_cancel TINYINT NOT NULL DEFAULT 0,\n  cancel_time DATETIME(6),\n" TOUCHED END,
	"CREATE TABLE comment_info (\n  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,\n"
	"  user_id" UINT ",\n  nick_name VARCHAR(200),\n  head_img VARCHAR(200),\n  sku_id" UINT ",\n"
	"  spu_id" UINT ",\n  order_id" UINT ",\n  appraise VARCHAR(10),\n  comment_txt TEXT,\n" TIMES END,
};

static const char *const trade[] = {
	"CREATE TABLE order_info (\n" ID "  consignee VARCHAR(100),\n  consignee_tel VARCHAR(20),\n"
	"  total_amount" MONEY ",\n  order_status VARCHAR(20),\n  user_id" UINT ",\n"
	"  payment_way VARCHAR(20),\n  delivery_address VARCHAR(1000),\n  order_comment TEXT,\n"
	"  out_trade_no VARCHAR(50),\n  trade_body VARCHAR(200),\n  channel VARCHAR(30),\n"
	"  province_id INT UNSIGNED,\n  city VARCHAR(100),\n  merchant_id" UINT ",\n"
	"  maintainer_id" UINT ",\n  signer_id" UINT ",\n  process_status VARCHAR(20),\n"
	"  tracking_no VARCHAR(100),\n  parent_order_id" UINT ",\n  img_url VARCHAR(200),\n"
	"  activity_reduce_amount" MONEY ",\n  coupon_reduce_amount" MONEY ",\n"
	"  original_total_amount" MONEY ",\n  freight_fee" MONEY ",\n  freight_fee_reduce" MONEY ",\n"
	"  trace_id CHAR(32),\n" TIMES ",\n  expire_time DATETIME(6),\n  refundable_time DATETIME(6)" END,
	"CREATE TABLE order_detail (\n" ID "  order_id" UINT ",\n  sku_id" UINT ",\n"
	"  sku_name VARCHAR(200),\n  img_url VARCHAR(200),\n  order_price" MONEY ",\n"
	"  sku_num BIGINT,\n  source_type VARCHAR(20),\n  source_id" UINT ",\n"
	"  split_total_amount" MONEY ",\n  split_activity_amount" MONEY ",\n"
	"  split_coupon_amount" MONEY ",\n  merchant_id" UINT ",\n  maintainer_id" UINT ",\n"
	"  signer_id" UINT ",\n" TIMES END,
	"CREATE TABLE order_detail_activity (\n  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,\n"
	"  order_id" UINT ",\n  order_detail_id" UINT ",\n  activity_id" UINT ",\n"
	"  activity_rule_id" UINT ",\n  sku_id" UINT ",\n" TIMES END,
	"CREATE TABLE order_detail_coupon (\n  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,\n"
	"  order_id" UINT ",\n  order_detail_id" UINT ",\n  coupon_id" UINT ",\n"
	"  coupon_use_id" UINT ",\n  sku_id" UINT ",\n" TIMES END,
	"CREATE TABLE order_status_log (\n  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,\n"
	"  order_id" UINT ",\n  order_status VARCHAR(11),\n  operate_time DATETIME(6) NOT NULL" END,
	"CREATE TABLE payment_info (\n" ID "  out_trade_no VARCHAR(50),\n  order_id" UINT ",\n"
	"  user_id" UINT ",\n  payment_type VARCHAR(20),\n  trade_no VARCHAR(50),\n"
	"  total_amount" MONEY ",\n  subject VARCHAR(200),\n  payment_status VARCHAR(20),\n"
	"  trace_id CHAR(32),\n  callback_time DATETIME(6),\n  callback_content TEXT,\n" TIMES END,
	"CREATE TABLE order_refund_info (\n" ID "  user_id" UINT ",\n  order_id" UINT ",\n"
	"  sku_id" UINT ",\n  refund_type VARCHAR(20),\n  refund_num BIGINT,\n  refund_amount" MONEY ",\n"
	"  refund_reason_type VARCHAR(200),\n  refund_reason_txt VARCHAR(200),\n"
	"  refund_status VARCHAR(20),\n  trace_id CHAR(32),\n" TIMES END,
	"CREATE TABLE refund_payment (\n" ID "  out_trade_no VARCHAR(50),\n  order_id" UINT ",\n"
	"  sku_id" UINT ",\n  payment_type VARCHAR(20),\n  trade_no VARCHAR(50),\n  total_amount" MONEY ",\n"
	"  subject VARCHAR(200),\n  refund_status VARCHAR(30),\n  trace_id CHAR(32),\n"
	"  callback_time DATETIME(6),\n  callback_content TEXT,\n" TIMES END,
};

#define ALL(b, list) \
	for (size_t i = 0; i < sizeof(list) / sizeof((list)[0]); i++) \
		STR((b), (list)[i])

void
dim_schema(struct buf *b)
{
	ALL(b, places);
	ALL(b, products);
	ALL(b, marketing);
	ALL(b, users);
	ALL(b, trade);
}
