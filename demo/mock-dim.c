/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-dim - places and products
 *
 * Products come from the seed; places are the 34 provinces.  After the first
 * day a few products change every day and one is new, so that a full extract
 * differs from the day before; on the second day one product is deleted that
 * orders refer to.
 */
#include <stdio.h>
#include <stdlib.h>

#include "mock.h"

const struct province provinces[NPROVINCE + 1] = {
	{ "", "", 0, 0, "" },
	{ "北京", "北京市", 1, 11, "CN-BJ" },
	{ "天津", "天津市", 1, 12, "CN-TJ" },
	{ "山西", "太原市", 1, 14, "CN-SX" },
	{ "内蒙古", "呼和浩特市", 1, 15, "CN-NM" },
	{ "河北", "石家庄市", 1, 13, "CN-HE" },
	{ "上海", "上海市", 2, 31, "CN-SH" },
	{ "江苏", "南京市", 2, 32, "CN-JS" },
	{ "浙江", "杭州市", 2, 33, "CN-ZJ" },
	{ "安徽", "合肥市", 2, 34, "CN-AH" },
	{ "福建", "福州市", 2, 35, "CN-FJ" },
	{ "江西", "南昌市", 2, 36, "CN-JX" },
	{ "山东", "济南市", 2, 37, "CN-SD" },
	{ "重庆", "重庆市", 6, 50, "CN-CQ" },
	{ "台湾", "台北市", 2, 71, "CN-TW" },
	{ "黑龙江", "哈尔滨市", 3, 23, "CN-HL" },
	{ "吉林", "长春市", 3, 22, "CN-JL" },
	{ "辽宁", "沈阳市", 3, 21, "CN-LN" },
	{ "陕西", "西安市", 7, 61, "CN-SN" },
	{ "甘肃", "兰州市", 7, 62, "CN-GS" },
	{ "青海", "西宁市", 7, 63, "CN-QH" },
	{ "宁夏", "银川市", 7, 64, "CN-NX" },
	{ "新疆", "乌鲁木齐市", 7, 65, "CN-XJ" },
	{ "河南", "郑州市", 4, 41, "CN-HA" },
	{ "湖北", "武汉市", 4, 42, "CN-HB" },
	{ "湖南", "长沙市", 4, 43, "CN-HN" },
	{ "广东", "广州市", 5, 44, "CN-GD" },
	{ "广西", "南宁市", 5, 45, "CN-GX" },
	{ "海南", "海口市", 5, 46, "CN-HI" },
	{ "香港", "香港", 5, 81, "CN-HK" },
	{ "澳门", "澳门", 5, 82, "CN-MO" },
	{ "四川", "成都市", 6, 51, "CN-SC" },
	{ "贵州", "贵阳市", 6, 52, "CN-GZ" },
	{ "云南", "昆明市", 6, 53, "CN-YN" },
	{ "西藏", "拉萨市", 6, 54, "CN-XZ" },
};

const char *const regions[NREGION + 1] = { "", "华北", "华东", "东北", "华中", "华南", "西南", "西北" };

const char *const order_channels[NCHANNEL] = {
	"app", "gift", "h5", "live", "mini_program", "wechat_official"
};

static const char *const brands[] = { "青山", "Nordlys", "海棠", "O'Hara", "朝露", "Vega", "松间",
    "Tidal", "麦田", "Quill" };
static const char *const class1[NC1] = { "图书", "数码", "家电", "服饰", "食品", "美妆", "家居",
    "母婴", "运动", "玩具" };
static const char *const things[] = { "杯", "灯", "包", "鞋", "茶", "笔", "椅", "毯", "壶", "表" };

uint32_t
dim_sku(struct shop *s)
{
	for (;;) {
		uint32_t a = rnd(&s->rng, s->nsku), b = rnd(&s->rng, s->nsku);
		uint32_t sku = (a < b ? a : b) + 1;

		if (!s->sku[sku].gone)
			return sku;
	}
}

static uint32_t
sku_class3(const struct shop *s, uint32_t sku)
{
	return s->sku[sku].spu % NC3 + 1;
}

void
cell_sku_name(const struct shop *s, struct row *r, uint32_t id)
{
	uint32_t spu = s->sku[id].spu;

	cell_fmt(r, "sku_name", "%s %s %u号", brands[spu % NTM % 10], things[spu % 10], id);
}

static void
row_sku(const struct shop *s, struct row *r, uint32_t id)
{
	const struct sku *k = &s->sku[id];

	row_clear(r);
	cell_u(r, "id", id);
	cell_u(r, "spu_id", k->spu);
	cell_money(r, "price", k->price);
	cell_money(r, "cost_price", k->cost);
	cell_sku_name(s, r, id);
	if (id == 7)			/* a text that would break lines and columns */
		cell_s(r, "sku_desc", "第一行\t有制表符\n第二行 'quoted' \\N \"双引号\"");
	else
		cell_fmt(r, "sku_desc", "%s，编号 %u", things[id % 10], id);
	cell_money(r, "weight", 10 + id * 37 % 500);
	cell_u(r, "tm_id", k->spu % NTM + 1);
	cell_u(r, "category3_id", sku_class3(s, id));
	cell_u(r, "merchant_id", id % NMERCHANT + 1);
	cell_s(r, "sku_default_img", id % 9 == 0 ? NULL : "https://img.example/sku.jpg");
	cell_u(r, "is_sale", k->sale);
	cell_fmt(r, "sku_attr", "{\"size\": \"%s\", \"w\": %u.50}",
	    id % 2 == 0 ? "L" : "M", id % 7);
	cell_us(r, "create_time", k->created != 0 ? k->created :
	    day_ms(s->day0 - 400 + id % 300) * 1000 + id);
	cell_us(r, "operate_time", k->operated);
}

static void
sku_new(struct shop *s)
{
	struct sku *k = &s->sku[++s->nsku];
	int64_t u = rnd(&s->rng, 10000);

	/* most are cheap: 7 to 211 yuan, 75 on average; the margin, reductions taken off, is about 10 % */
	k->price = 690 + u * u / 4900;
	k->cost = k->price * (85 + rnd(&s->rng, 9)) / 100;
	k->spu = (s->nsku - 1) % NSPU + 1;
	k->sale = true;
}

static void
dim_places(struct shop *s, struct row *r)
{
	for (unsigned i = 1; i <= NREGION; i++) {
		row_clear(r);
		cell_u(r, "id", i);
		cell_s(r, "region_name", regions[i]);
		tx_insert(s, T_REGION, r);
	}
	for (unsigned i = 1; i <= NPROVINCE; i++) {
		const struct province *p = &provinces[i];

		row_clear(r);
		cell_u(r, "id", i);
		cell_s(r, "name", p->name);
		cell_u(r, "region_id", (uint64_t)p->region);
		cell_fmt(r, "area_code", "%d0000", p->area);
		cell_fmt(r, "iso_code", "CN-%d", p->area);
		cell_s(r, "iso_3166_2", p->iso);
		tx_insert(s, T_PROVINCE, r);
	}
}

void
tm_name(char *name, size_t size, unsigned i)
{
	snprintf(name, size, "%s%s", brands[(i - 1) % 10], i > 10 ? i > 20 ? " Pro" : " Plus" : "");
}

static void
row_tm(struct row *r, unsigned i, const char *suffix)
{
	char name[64];

	tm_name(name, sizeof(name), i);
	row_clear(r);
	cell_u(r, "id", i);
	cell_s(r, "tm_name", name);
	cell_fmt(r, "logo_url", "/static/logo-%u%s.png", i, suffix);
}

static void
dim_classes(struct shop *s, struct row *r)
{
	static const struct {
		enum table	 table;
		unsigned	 n, parents;
		const char	*parent;
	} level[] = {
		{ T_C1, NC1, 0, NULL },
		{ T_C2, NC2, NC1, "category1_id" },
		{ T_C3, NC3, NC2, "category2_id" },
	};

	for (unsigned l = 0; l < 3; l++)
		for (unsigned i = 1; i <= level[l].n; i++) {
			row_clear(r);
			cell_u(r, "id", i);
			if (l == 0)
				cell_s(r, "name", class1[i - 1]);
			else
				cell_fmt(r, "name", "%s%u-%u", class1[(i - 1) % NC1], l + 1, i);
			if (l > 0)
				cell_u(r, level[l].parent, (i - 1) % level[l].parents + 1);
			tx_insert(s, level[l].table, r);
		}
	for (unsigned i = 1; i <= NTM; i++) {
		row_tm(r, i, "");
		tx_insert(s, T_TM, r);
	}
	for (unsigned i = 1; i <= NSPU; i++) {
		row_clear(r);
		cell_u(r, "id", i);
		cell_fmt(r, "spu_name", "%s%s系列", brands[i % NTM % 10], things[i % 10]);
		cell_s(r, "description", i == 3 ? "多行\n描述" : NULL);
		cell_u(r, "category3_id", i % NC3 + 1);
		cell_u(r, "tm_id", i % NTM + 1);
		tx_insert(s, T_SPU, r);
	}
}

void
dim_init(struct shop *s)
{
	size_t n = NSKU + (size_t)s->days + 1;

	if ((s->sku = calloc(n, sizeof(*s->sku))) == NULL)
		die("memory");
	while (s->nsku < NSKU)
		sku_new(s);
}

void
dim_day(struct shop *s)
{
	int64_t us = day_ms(s->day) * 1000;
	struct row *r = &s->after;

	tx_begin(s, us);
	if (s->day == s->day0) {
		dim_places(s, r);
		dim_classes(s, r);
		market_day(s, r);
		for (uint32_t i = 1; i <= s->nsku; i++) {
			row_sku(s, r, i);
			tx_insert(s, T_SKU, r);
		}
		tx_end(s);
		return;
	}
	market_day(s, r);
	if (s->day == s->day0 + 1) {
		row_sku(s, r, GONE_SKU);
		tx_delete(s, T_SKU, r);
		s->sku[GONE_SKU].gone = true;
	}
	sku_new(s);
	s->sku[s->nsku].created = us + 5 * 60000000LL;
	row_sku(s, r, s->nsku);
	tx_insert(s, T_SKU, r);
	for (int i = 0; i < 5; i++) {
		uint32_t id = rnd(&s->rng, NSKU - 1) + 1;
		struct sku *k = &s->sku[id];

		row_sku(s, &s->before, id);
		k->operated = us + 3600000000LL * (i + 1);
		if (i == 4)
			k->sale = !k->sale;
		else
			k->price += k->price / 20 + 1;
		row_sku(s, r, id);
		tx_update(s, T_SKU, &s->before, r);
	}
	if (s->day == s->day0 + 1) {
		row_tm(&s->before, 2, "");
		row_tm(r, 2, "-new");
		tx_update(s, T_TM, &s->before, r);
	}
	tx_end(s);
}
