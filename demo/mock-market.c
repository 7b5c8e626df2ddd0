/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-market - merchants, activities, coupons and the codes' names
 *
 * All are read whole each night.  A few change: a merchant on the second day, a coupon's
 * counter every day.  Two have a zero date, which old MySQL servers took for "no end".
 */
#include "mock.h"

const char *const reasons[6] = { "", "质量问题", "商品描述不符", "缺货", "不想要了", "服务不好" };

static const struct { const char *code, *name, *parent; } dic[] = {
	{ "10", "订单状态", NULL }, { "1001", "未支付", "10" }, { "1002", "已支付", "10" },
	{ "1003", "已取消", "10" }, { "1004", "已完成", "10" }, { "1005", "退款中", "10" },
	{ "1006", "退款完成", "10" }, { "1010", "已发货", "10" },
	{ "11", "支付方式", NULL }, { "1101", "支付宝", "11" }, { "1102", "微信", "11" },
	{ "1103", "银联", "11" },
	{ "12", "评价", NULL }, { "1201", "好评", "12" }, { "1202", "中评", "12" },
	{ "1203", "差评", "12" }, { "1204", "自动", "12" },
	{ "13", "退货原因", NULL }, { "1301", "质量问题", "13" }, { "1302", "商品描述不符", "13" },
	{ "1303", "缺货", "13" }, { "1304", "不想要了", "13" }, { "1305", "服务不好", "13" },
	{ "14", "优惠券状态", NULL }, { "1401", "未使用", "14" }, { "1402", "使用中", "14" },
	{ "1403", "已使用", "14" },
	{ "15", "退款类型", NULL }, { "1501", "仅退款", "15" }, { "1502", "退货退款", "15" },
	{ "16", "支付状态", NULL }, { "1601", "支付中", "16" }, { "1602", "已支付", "16" },
	{ "1603", "支付失败", "16" },
	{ "17", "退款支付状态", NULL }, { "1701", "退款中", "17" }, { "1705", "已退款", "17" },
	{ "24", "来源", NULL }, { "2401", "用户查询", "24" }, { "2402", "商品推广", "24" },
};

static void
times(const struct shop *s, struct row *r, int64_t operated)
{
	cell_us(r, "create_time", day_ms(s->day0 - 450) * 1000);
	cell_us(r, "operate_time", operated);
}

static void
codes(struct shop *s, struct row *r)
{
	for (size_t i = 0; i < sizeof(dic) / sizeof(dic[0]); i++) {
		row_clear(r);
		cell_s(r, "dic_code", dic[i].code);
		cell_s(r, "dic_name", dic[i].name);
		cell_s(r, "parent_code", dic[i].parent);
		times(s, r, 0);
		tx_insert(s, T_DIC, r);
	}
}

static void
row_merchant(const struct shop *s, struct row *r, uint32_t id, int64_t day)
{
	bool changed = id == 4 && day > s->day0;

	row_clear(r);
	cell_u(r, "id", id);
	cell_fmt(r, "merchant_name", "%s%u号店", provinces[id].city, id);
	cell_u(r, "province_id", id);
	cell_u(r, "level", changed ? 3 : 1 + id % 3);
	cell_fmt(r, "contact", "店主%u", id);
	cell_fmt(r, "contact_tel", "1380000%04u", id * 37);
	cell_s(r, "status", "1");
	times(s, r, changed ? day_ms(s->day0 + 1) * 1000 + 1000 : 0);
}

static void
row_activity(const struct shop *s, struct row *r, uint32_t id)
{
	row_clear(r);
	cell_u(r, "id", id);
	cell_fmt(r, "activity_name", "第%u届 'shop' 节", id);
	cell_s(r, "activity_type", id % 2 == 0 ? "3101" : "3102");
	cell_s(r, "activity_desc", id == 2 ? "满减\n全场" : "折扣");
	cell_us(r, "start_time", day_ms(s->day0 - 30) * 1000);
	if (id == 4)
		cell_s(r, "end_time", "0000-00-00 00:00:00.000000");
	else
		cell_us(r, "end_time", day_ms(s->day0 + 300) * 1000);
	times(s, r, 0);
}

static void
activities(struct shop *s, struct row *r)
{
	uint64_t n = 0;

	for (uint32_t i = 1; i <= NACTIVITY; i++) {
		row_activity(s, r, i);
		tx_insert(s, T_ACTIVITY, r);
	}
	for (uint32_t i = 1; i <= NACTIVITY; i++) {
		row_clear(r);
		cell_u(r, "id", i);
		cell_u(r, "activity_id", i);
		cell_s(r, "activity_type", i % 2 == 0 ? "3101" : "3102");
		cell_money(r, "condition_amount", 0);
		cell_u(r, "condition_num", 1);
		cell_s(r, "benefit_amount", NULL);
		cell_money(r, "benefit_discount", 95);
		cell_u(r, "benefit_level", 1);
		times(s, r, 0);
		tx_insert(s, T_RULE, r);
	}
	for (uint32_t sku = 1; sku <= NSKU; sku += 3) {
		row_clear(r);
		cell_u(r, "id", ++n);
		cell_u(r, "activity_id", 1 + sku % NACTIVITY);
		cell_u(r, "sku_id", sku);
		times(s, r, 0);
		tx_insert(s, T_ACTIVITY_SKU, r);
	}
}

static void
row_coupon(const struct shop *s, struct row *r, uint32_t id, int64_t day)
{
	row_clear(r);
	cell_u(r, "id", id);
	cell_fmt(r, "coupon_name", "满100减10 (%u)", id);
	cell_s(r, "coupon_type", "3201");
	cell_money(r, "condition_amount", 10000);
	cell_s(r, "condition_num", NULL);
	cell_s(r, "activity_id", NULL);
	cell_money(r, "benefit_amount", 1000);
	cell_s(r, "benefit_discount", NULL);
	cell_s(r, "range_type", "3303");
	cell_u(r, "limit_num", 1000000);
	cell_u(r, "taken_count", id == 1 ? 100 + 10 * (uint64_t)(day - s->day0) : 50 * id);
	cell_us(r, "start_time", day_ms(s->day0 - 100) * 1000);
	cell_us(r, "end_time", day_ms(s->day0 + 400) * 1000);
	if (id == 3)
		cell_s(r, "expire_time", "0000-00-00 00:00:00.000000");
	else
		cell_us(r, "expire_time", day_ms(s->day0 + 430) * 1000);
	cell_s(r, "range_desc", "全场");
	times(s, r, 0);
}

void
market_day(struct shop *s, struct row *r)
{
	if (s->day == s->day0) {
		codes(s, r);
		for (uint32_t i = 1; i <= NMERCHANT; i++) {
			row_merchant(s, r, i, s->day);
			tx_insert(s, T_MERCHANT, r);
		}
		activities(s, r);
		for (uint32_t i = 1; i <= NCOUPON; i++) {
			row_coupon(s, r, i, s->day);
			tx_insert(s, T_COUPON, r);
		}
		return;
	}
	row_coupon(s, &s->before, 1, s->day - 1);
	row_coupon(s, r, 1, s->day);
	tx_update(s, T_COUPON, &s->before, r);
	if (s->day == s->day0 + 1) {
		row_merchant(s, &s->before, 4, s->day - 1);
		row_merchant(s, r, 4, s->day);
		tx_update(s, T_MERCHANT, &s->before, r);
	}
}
