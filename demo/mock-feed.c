/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-feed - rows to SQL and to a change feed in Maxwell's form
 *
 * A row is rendered once into cells; an update is the difference of two
 * renderings.  SQL is written as things happen; a feed line waits for the end
 * of its transaction, because only the last carries "commit".
 *
 * What happens after 23:57 is told in the next day's feed (the last day's
 * excepted, so that the whole feed gives the final state).  Every day's binlog
 * is a new file, so positions order by (file, offset, xoffset or commit).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "mock.h"

#define CUT_US	(DAY_US - 180000000LL)		/* 23:57 */
#define INSERT_ROWS_MAX 500

/* FED tables are in the change feed; of ASIDE ones only the end of the day is seen, so their rows may wait. */
enum { FED = 1, ASIDE = 2 };

static const struct {
	const char	*name;
	int		 how;
} tables[NTABLE] = {
	[T_REGION] = { "base_region", 0 },
	[T_PROVINCE] = { "base_province", 0 },
	[T_DIC] = { "base_dic", 0 },
	[T_TM] = { "base_trademark", 0 },
	[T_C1] = { "base_category1", 0 },
	[T_C2] = { "base_category2", 0 },
	[T_C3] = { "base_category3", 0 },
	[T_SPU] = { "spu_info", 0 },
	[T_SKU] = { "sku_info", 0 },
	[T_MERCHANT] = { "merchant_info", 0 },
	[T_ACTIVITY] = { "activity_info", 0 },
	[T_RULE] = { "activity_rule", 0 },
	[T_ACTIVITY_SKU] = { "activity_sku", 0 },
	[T_COUPON] = { "coupon_info", 0 },
	[T_USE] = { "coupon_use", FED },
	[T_USER] = { "user_info", FED },
	[T_CART] = { "cart_info", ASIDE },
	[T_FAVOR] = { "favor_info", ASIDE },
	[T_COMMENT] = { "comment_info", ASIDE },
	[T_ORDER] = { "order_info", FED },
	[T_DETAIL] = { "order_detail", FED },
	[T_DETAIL_ACTIVITY] = { "order_detail_activity", ASIDE },
	[T_DETAIL_COUPON] = { "order_detail_coupon", ASIDE },
	[T_STEP] = { "order_status_log", ASIDE },
	[T_PAY] = { "payment_info", FED },
	[T_REFUND] = { "order_refund_info", FED },
	[T_REFUND_PAY] = { "refund_payment", FED },
	[T_WARE] = { "ware_sku", FED },
};

/* ---- rows ---- */

void
row_clear(struct row *r)
{
	r->n = 0;
	r->text.n = 0;
}

static void
cell_begin(struct row *r, const char *name, char type)
{
	r->c[r->n] = (struct cell){ name, type, r->text.n, 0 };
}

static void
cell_end(struct row *r)
{
	r->c[r->n].len = r->text.n - r->c[r->n].off;
	r->n++;
}

void
cell_u(struct row *r, const char *name, uint64_t v)
{
	cell_begin(r, name, 'n');
	put_u(&r->text, v);
	cell_end(r);
}

void
cell_money(struct row *r, const char *name, int64_t cents)
{
	cell_begin(r, name, 'n');
	put_money(&r->text, cents);
	cell_end(r);
}

void
cell_us(struct row *r, const char *name, int64_t us)
{
	cell_begin(r, name, us == 0 ? '0' : 's');
	if (us != 0)
		put_us(&r->text, us);
	cell_end(r);
}

void
cell_trace(struct row *r, const char *name, uint64_t trace)
{
	cell_begin(r, name, 's');
	put_hex(&r->text, trace);
	cell_end(r);
}

void
cell_s(struct row *r, const char *name, const char *text)
{
	cell_begin(r, name, text == NULL ? '0' : 's');
	if (text != NULL)
		STR(&r->text, text);
	cell_end(r);
}

void
cell_fmt(struct row *r, const char *name, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cell_s(r, name, text);
}

static bool
cell_same(const struct row *a, const struct row *b, size_t i)
{
	const struct cell *x = &a->c[i], *y = &b->c[i];

	return x->type == y->type && x->len == y->len &&
	    memcmp(a->text.p + x->off, b->text.p + y->off, x->len) == 0;
}

static void
cell_sql(struct buf *b, const struct row *r, size_t i)
{
	const struct cell *c = &r->c[i];

	if (c->type == '0')
		LIT(b, "NULL");
	else if (c->type == 'n')
		put(b, r->text.p + c->off, c->len);
	else
		put_sql(b, r->text.p + c->off, c->len);
}

/* The row as a JSON object; with `unlike`, only what differs from it. */
static void
row_json(struct buf *b, const struct row *r, const struct row *unlike)
{
	const char *sep = "{";

	for (size_t i = 0; i < r->n; i++) {
		const struct cell *c = &r->c[i];

		if (unlike != NULL && cell_same(r, unlike, i))
			continue;
		STR(b, sep);
		LIT(b, "\"");
		STR(b, c->name);
		LIT(b, "\":");
		if (c->type == '0')
			LIT(b, "null");
		else if (c->type == 'n')
			put(b, r->text.p + c->off, c->len);
		else
			put_json(b, r->text.p + c->off, c->len);
		sep = ",";
	}
	LIT(b, "}");
}

/* ---- SQL ---- */

static void
sql_close(struct shop *s)
{
	if (s->sql_open >= 0)
		LIT(&s->sql, ";\n");
	s->sql_open = -1;
	s->sql_rows = 0;
}

static void
put_values(struct buf *b, enum table t, const struct row *r, bool first)
{
	if (first) {
		put_fmt(b, "INSERT INTO %s (", tables[t].name);
		for (size_t i = 0; i < r->n; i++)
			put_fmt(b, "%s%s", i == 0 ? "" : ",", r->c[i].name);
		LIT(b, ") VALUES\n");
	} else
		LIT(b, ",\n");
	for (size_t i = 0; i < r->n; i++) {
		STR(b, i == 0 ? "(" : ",");
		cell_sql(b, r, i);
	}
	LIT(b, ")");
}

static void
sql_insert(struct shop *s, enum table t, const struct row *r)
{
	struct buf *aside = &s->side[t];

	if (tables[t].how == ASIDE) {
		if (s->side_rows[t] == INSERT_ROWS_MAX) {
			LIT(aside, ";\n");
			s->side_rows[t] = 0;
		}
		put_values(aside, t, r, s->side_rows[t]++ == 0);
		return;
	}
	if (s->sql_open != (int)t || s->sql_rows == INSERT_ROWS_MAX)
		sql_close(s);
	put_values(&s->sql, t, r, s->sql_rows++ == 0);
	s->sql_open = (int)t;
}

void
sql_file(struct shop *s)
{
	char path[4096];
	struct buf head = { 0 };

	sql_close(s);
	for (int t = 0; t < NTABLE; t++) {
		if (s->side_rows[t] > 0)
			LIT(&s->side[t], ";\n");
		put(&s->sql, s->side[t].p, s->side[t].n);
		s->side[t].n = 0;
		s->side_rows[t] = 0;
	}
	/* the zero date below is legal here and in old MySQL, not in its strict mode */
	LIT(&head, "SET NAMES utf8mb4;\nSET sql_mode = 'STRICT_TRANS_TABLES';\n"
	    "START TRANSACTION;\n");
	LIT(&s->sql, "COMMIT;\n");
	file_path(path, sizeof(path), s->dir, "mysql/", s->day, ".sql");
	file_write(path, "w", &head);
	file_write(path, "a", &s->sql);
	s->sql.n = 0;
	free(head.p);
}

/* ---- transactions ---- */

int64_t
feed_night(const struct shop *s, int64_t us)
{
	int64_t day = day_of_ms(us / 1000);

	return day + (day < s->last && us - day_ms(day) * 1000 >= CUT_US);
}

void
tx_begin(struct shop *s, int64_t us)
{
	if (s->pos_day != s->day)
		s->pos = 4;
	s->pos_day = s->day;
	s->tx_us = us;
	s->ntx = 0;
	s->tail.n = 0;
	s->xid += 3;
	s->pos += 120;
}

/* The envelope up to the row: what Maxwell calls the primary key, then data. */
static void
put_key(struct buf *b, const struct row *r)
{
	LIT(b, ",\"primary_key\":[");
	put(b, r->text.p + r->c[0].off, r->c[0].len);
	LIT(b, "],\"primary_key_columns\":[\"id\"],\"data\":");
}

static void
tx_change(struct shop *s, enum table t, const char *type, const struct row *data,
    const struct row *old)
{
	struct change *c = &s->tx[s->ntx];
	const struct cell *id = &data->c[0];

	if (tables[t].how != FED)
		return;
	*c = (struct change){ .table = t, .type = type, .off = s->tail.n, .told = s->tell };
	s->tell.what = TOLD_NOTHING;
	c->zipper = t == T_USER && id->len == 1 && data->text.p[id->off] == '3';
	put_key(&s->tail, data);
	row_json(&s->tail, data, NULL);
	if (old != NULL) {
		LIT(&s->tail, ",\"old\":");
		row_json(&s->tail, old, data);
	}
	c->len = s->tail.n - c->off;
	/* rows of one statement share its position, as the rows of one binlog event do */
	if (s->ntx > 0 && c[-1].table == t && c[-1].type == type)
		c->pos = c[-1].pos;
	else
		c->pos = s->pos;
	s->pos += 60 + c->len / 2;
	s->ntx++;
}

static void
boot_row(struct shop *s, const char *type, int64_t us, const struct row *r)
{
	struct buf *b = &s->boot;

	put_fmt(b, "{\"database\":\"gmall\",\"table\":\"user_info\","
	    "\"type\":\"bootstrap-%s\",\"ts\":", type);
	put_u(b, (uint64_t)us / 1000000);
	if (r != NULL) {
		put_key(b, r);
		row_json(b, r, NULL);
	} else
		put_fmt(b, ",\"primary_key\":[%s],\"primary_key_columns\":[%s],\"data\":{}",
		    *type == 's' ? "null" : "", *type == 's' ? "\"id\"" : "");
	LIT(b, "}\n");
	s->boot_rows++;
}

void
tx_insert(struct shop *s, enum table t, const struct row *r)
{
	bool history = t == T_USER && s->tx_us <= day_ms(s->day0) * 1000;

	sql_insert(s, t, r);
	if (!history) {
		tx_change(s, t, "insert", r, NULL);
		return;
	}
	if (s->boot_rows == 0)
		boot_row(s, "start", s->tx_us, NULL);
	boot_row(s, "insert", s->tx_us, r);
}

void
tx_update(struct shop *s, enum table t, const struct row *before, const struct row *after)
{
	const char *sep = " SET ";

	sql_close(s);
	put_fmt(&s->sql, "UPDATE %s", tables[t].name);
	for (size_t i = 0; i < after->n; i++) {
		if (cell_same(before, after, i))
			continue;
		put_fmt(&s->sql, "%s%s=", sep, after->c[i].name);
		cell_sql(&s->sql, after, i);
		sep = ", ";
	}
	LIT(&s->sql, " WHERE id=");
	cell_sql(&s->sql, before, 0);
	LIT(&s->sql, ";\n");
	tx_change(s, t, "update", after, before);
}

void
tx_delete(struct shop *s, enum table t, const struct row *r)
{
	sql_close(s);
	put_fmt(&s->sql, "DELETE FROM %s WHERE id=", tables[t].name);
	cell_sql(&s->sql, r, 0);
	LIT(&s->sql, ";\n");
	tx_change(s, t, "delete", r, NULL);
}

/* The columns of user_info as Maxwell lists them. */
static void
put_definition(struct buf *b, bool vip)
{
	static const char *const text[] = { "login_name", "nick_name", "passwd", "name", "phone_num",
	    "email", "head_img", "user_level" };

	LIT(b, "{\"database\":\"gmall\",\"charset\":\"utf8mb4\",\"table\":\"user_info\",\"columns\":["
	    "{\"type\":\"bigint\",\"name\":\"id\",\"signed\":false}");
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		put_fmt(b, ",{\"type\":\"varchar\",\"name\":\"%s\",\"charset\":\"utf8mb4\"}", text[i]);
	LIT(b, ",{\"type\":\"date\",\"name\":\"birthday\"},"
	    "{\"type\":\"varchar\",\"name\":\"gender\",\"charset\":\"utf8mb4\"},"
	    "{\"type\":\"varchar\",\"name\":\"source\",\"charset\":\"utf8mb4\"},"
	    "{\"type\":\"datetime\",\"name\":\"create_time\",\"column-length\":6},"
	    "{\"type\":\"datetime\",\"name\":\"operate_time\",\"column-length\":6},"
	    "{\"type\":\"varchar\",\"name\":\"status\",\"charset\":\"utf8mb4\"}");
	if (vip)
		LIT(b, ",{\"type\":\"tinyint\",\"name\":\"vip\",\"signed\":true}");
	LIT(b, "],\"primary-key\":[\"id\"]}");
}

/* No row of an old user comes through the feed for this; its ts has milliseconds, as Maxwell writes it. */
void
tx_alter_user(struct shop *s)
{
	static const char sql[] = "ALTER TABLE user_info ADD COLUMN vip TINYINT NOT NULL DEFAULT 0";
	struct feed *f = &s->feed[0];
	struct buf *b = &f->text;
	size_t off = b->n;

	sql_close(s);
	put_fmt(&s->sql, "COMMIT;\n%s;\nSTART TRANSACTION;\n", sql);
	LIT(b, "{\"type\":\"table-alter\",\"database\":\"gmall\",\"table\":\"user_info\",\"old\":");
	put_definition(b, false);
	LIT(b, ",\"def\":");
	put_definition(b, true);
	LIT(b, ",\"ts\":");
	put_u(b, (uint64_t)s->tx_us / 1000);
	put_fmt(b, ",\"sql\":\"%s\",\"position\":\"bin.%06lld:%llu\"}\n", sql,
	    (long long)(s->pos_day - s->day0 + 1), (unsigned long long)s->pos);
	s->pos += 300;
	f->m = more(f->m, f->n, &f->cap, sizeof(*f->m));
	f->m[f->n++] = (struct message){ .off = off, .len = b->n - off, .fixed = true, .us = s->tx_us };
	s->vip = true;
}

void
tx_end(struct shop *s)
{
	bool late = feed_night(s, s->tx_us) > s->day;
	struct feed *f = &s->feed[late];
	struct buf *b = &f->text;

	for (size_t i = 0; i < s->ntx; i++) {
		const struct change *c = &s->tx[i];
		size_t off = b->n;

		put_fmt(b, "{\"database\":\"gmall\",\"table\":\"%s\",\"type\":\"%s\",\"ts\":",
		    tables[c->table].name, c->type);
		put_u(b, (uint64_t)s->tx_us / 1000000);
		LIT(b, ",\"xid\":");
		put_u(b, s->xid);
		if (i + 1 < s->ntx) {
			LIT(b, ",\"xoffset\":");
			put_u(b, i);
		} else
			LIT(b, ",\"commit\":true");
		put_fmt(b, ",\"position\":\"bin.%06lld:%llu\"",
		    (long long)(s->pos_day - s->day0 + 1), (unsigned long long)c->pos);
		put(b, s->tail.p + c->off, c->len);
		LIT(b, "}\n");
		f->m = more(f->m, f->n, &f->cap, sizeof(*f->m));
		f->m[f->n++] = (struct message){ .off = off, .len = b->n - off, .zipper = c->zipper,
		    .us = s->tx_us, .told = c->told };
		f->late += late;
	}
	s->ntx = 0;
}

/* ---- the night's file ---- */

struct counts {
	uint64_t lines, broken, null_message, duplicate, disorder, ddl;
};

/* Some neighbours change places: any few, and two changes of one user for sure. */
static void
feed_disorder(struct shop *s, struct feed *f, struct counts *k)
{
	size_t want = f->n / 100 + 3, first = f->n;

	for (size_t i = 0; i < f->n; i++) {
		struct message m = f->m[i];

		if (!m.zipper)
			continue;
		if (first < f->n) {
			f->m[i] = f->m[first];
			f->m[first] = m;
			k->disorder += 2;
			break;
		}
		first = i;
	}
	for (size_t j = 0; j < want && f->n > 8; j++) {
		size_t a = rnd(&s->rng, (uint32_t)f->n - 4), b = a + 1 + rnd(&s->rng, 3);
		struct message m = f->m[a];

		if (m.zipper || f->m[b].zipper || m.fixed || f->m[b].fixed)
			continue;
		f->m[a] = f->m[b];
		f->m[b] = m;
		k->disorder += 2;
	}
}

static void
feed_lines(struct shop *s, struct feed *f, struct buf *out, struct counts *k)
{
	size_t replay_at = f->n / 2 + rnd(&s->rng, (uint32_t)f->n / 3 + 1);
	size_t replay = 5 + rnd(&s->rng, 16);
	size_t broken[2] = { f->n / 5, f->n / 5 * 4 };

	if (replay > f->n / 2)
		replay = f->n / 2;

	for (size_t i = 0; i < f->n; i++) {
		const struct message *m = &f->m[i];

		if (i == broken[0] || i == broken[1]) {	/* torn, and sent again whole */
			put(out, f->text.p + m->off, m->len / 3 + i % 7);
			LIT(out, "\n");
			k->broken++;
		}
		if (i == f->n / 3) {
			LIT(out, "null\n");
			k->null_message++;
		}
		put(out, f->text.p + m->off, m->len);
		k->ddl += m->fixed;
		for (size_t j = i - replay; i == replay_at && j < i; ) {
			m = &f->m[++j];
			put(out, f->text.p + m->off, m->len);
			k->duplicate++;
		}
	}
	k->lines = f->n + k->broken + k->null_message + k->duplicate;
}

/* A restart at midnight sends the last few changes again, first thing next day. */
static void
feed_head(struct shop *s, const struct feed *f)
{
	s->head.n = 0;
	for (size_t i = f->n > 5 ? f->n - 5 : 0; i < f->n; i++)
		put(&s->head, f->text.p + f->m[i].off, f->m[i].len);
}

void
feed_boot(struct shop *s, struct buf *out)
{
	if (s->boot_rows > 0 && s->day == s->day0)
		boot_row(s, "complete", day_ms(s->day0) * 1000, NULL);
	put(out, s->boot.p, s->boot.n);
	s->boot.n = 0;
}

void
feed_file(struct shop *s, struct buf *rejects)
{
	struct feed *f = &s->feed[0], done = *f;
	struct counts k = { 0 };
	struct buf out = { 0 };
	char path[4096];

	feed_boot(s, &out);
	put(&out, s->head.p, s->head.n);
	for (size_t i = 0; i < s->head.n; i++)
		k.duplicate += s->head.p[i] == '\n';
	feed_disorder(s, f, &k);
	feed_lines(s, f, &out, &k);
	file_path(path, sizeof(path), s->dir, "cdc/", s->day, ".ndjson");
	file_write(path, "w", &out);
	LIT(rejects, "{\"file\":\"cdc/");
	put_day(rejects, s->day, "-");
	put_fmt(rejects, ".ndjson\",\"lines\":%llu,\"bootstrap\":%llu,\"broken\":%llu,"
	    "\"null_message\":%llu,\"duplicate\":%llu,\"ddl\":%llu,\"changes\":%llu,\"late\":%llu,"
	    "\"out_of_order\":%llu}\n", (unsigned long long)(k.lines + s->boot_rows),
	    (unsigned long long)s->boot_rows, (unsigned long long)k.broken,
	    (unsigned long long)k.null_message, (unsigned long long)k.duplicate,
	    (unsigned long long)k.ddl, (unsigned long long)(f->n - k.ddl), (unsigned long long)f->late,
	    (unsigned long long)k.disorder);
	feed_head(s, f);
	s->boot_rows = 0;
	s->feed[0] = s->feed[1];
	done.n = done.text.n = 0;
	done.late = 0;
	s->feed[1] = done;
	free(out.p);
}
