/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * canal - Canal's flat JSON: several rows of one event a message, every value a string, types
 * beside them
 */
#include "cdc/change.h"
#include "in/rec.h"

static const char *
find_ord(struct cdc *c, uint64_t row, char *at)
{
	struct ord *o = &c->ord[CDC_CANAL];
	struct val gtid = member(c, M_GTID);
	const char *why = NULL;

	if (ord_beside(c, o, row, at, &why))
		return why;
	if (!ord_known(c, CDC_CANAL, &o))
		return cdc_over;
	if (gtid.tag == T_STR && gtid.raw.n > 2)
		return ord_gtid(o, inside(c, gtid), row, at);
	return ord_stream(o, row, at);
}

static const char *
convert(struct cdc *c, const struct columns *said, struct cells *cs)
{
	size_t hint = 0, hint_types = 0;

	for (size_t i = 0; i < cs->n; i++) {
		struct cell *x = &cs->v[i];
		const struct column *t = columns_find(said, x->key, &hint, &c->scratch);
		size_t from = cs->text.n;
		const char *why;

		/* the message's own types are those of its moment */
		if (t == NULL || t->kind == COL_ANY)
			t = columns_find(c->types, x->key, &hint_types, &c->scratch);
		if ((why = value_canal(&c->env, t, x->v, &cs->text)) != NULL)
			return why;
		cell_end(cs, x, from);
	}
	return NULL;
}

/* The database of a statement may stand in backquotes. */
static struct span
unquoted(struct cdc *c, struct span db)
{
	if (db.n < 4 || db.p[1] != '`' || db.p[db.n - 2] != '`')
		return db;
	buf_clear(&c->row);
	buf_byte(&c->row, '"');
	buf_add(&c->row, db.p + 2, db.n - 4);
	buf_byte(&c->row, '"');
	return buf_span(&c->row);
}

static enum cdc_what
statement(struct cdc *c, struct change *ch, bool truncate)
{
	const char *why;

	ch->op = truncate ? 't' : 'D';
	if ((why = find_ord(c, 0, ch->at)) != NULL)
		return bad(c, why);
	src_add(c, "sql", member(c, M_SQL));
	change_bare(c, ch);
	return CDC_CHANGES;
}

static enum cdc_what
rows(struct cdc *c, struct change *ch)
{
	struct val data = member(c, M_DATA), old = member(c, M_OLD),
	    types = member(c, M_MYSQL_TYPE), v, o;
	const struct columns *said = types.tag == T_OBJ ? known_canal(&c->canal, types.raw) : NULL;
	const char *why = NULL;
	struct rec r, ro = { 0 };
	struct span key;
	uint64_t n = 0;

	if (data.tag != T_ARR)
		return bad(c,
		    "a statement instead of rows: the source's binlog_format must be ROW");
	names_array(c, member(c, M_PK_NAMES));
	if (c->names.n == 0)
		names_types(c);
	if (old.tag == T_ARR)
		rec_begin(&ro, old.raw);
	rec_begin(&r, data.raw);
	for (; why == NULL && rec_next(&r, &key, &v); n++) {
		bool has_old = old.tag == T_ARR && rec_next(&ro, &key, &o) && o.tag == T_OBJ;

		if (v.tag != T_OBJ)
			return bad(c, "a row that is no object");
		cells_read(&c->data, v.raw);
		cells_read(&c->old, has_old ? o.raw : span_of("", 0));
		if ((why = find_ord(c, n, ch->at)) == NULL &&
		    (why = convert(c, said, &c->data)) == NULL &&
		    (why = convert(c, said, &c->old)) == NULL &&
		    (why = drift_row(c, CDC_CANAL, ch, said, &c->data)) == NULL &&
		    (why = drift_row(c, CDC_CANAL, ch, said, &c->old)) == NULL)
			why = change_row(c, ch);
	}
	if (why != NULL)
		return bad(c, why);
	return n == 0 ? CDC_MARK : CDC_CHANGES;
}

/* Begins and ends of transactions, signs of life, the text of a row statement. */
static bool
is_mark(struct span type)
{
	static const char *const mark[] = { "GTID", "XACOMMIT", "XAROLLBACK", "MHEARTBEAT", "QUERY" };

	for (size_t i = 0; i < sizeof mark / sizeof *mark; i++)
		if (span_is(type, mark[i]))
			return true;
	return false;
}

enum cdc_what
canal_take(struct cdc *c)
{
	struct val db = member(c, M_DATABASE), table = member(c, M_TABLE), gtid = member(c, M_GTID);
	struct change ch = { .table = table.raw };
	struct span type;
	uint64_t ms;

	if (member(c, M_DATA).tag != T_ARR && db.tag == T_STR)
		db.raw = unquoted(c, db.raw);
	ch.db = db.raw;
	if (!table_wanted(c, db, table))
		return CDC_OTHER;
	ch.has_ts = member_u64(c, M_ES, &ms) || member_u64(c, M_TS, &ms);
	ch.ts_ms = (int64_t)ms;
	if (gtid.tag == T_STR && gtid.raw.n > 2)
		ch.tx = gtid.raw;
	src_begin(c, "canal");
	src_add(c, "gtid", gtid);
	type = inside(c, member(c, M_TYPE));
	if (span_is(type, "INSERT"))
		ch.op = 'c';
	else if (span_is(type, "UPDATE"))
		ch.op = 'u';
	else if (span_is(type, "DELETE"))
		ch.op = 'd';
	else if (span_is(type, "TRUNCATE") || member(c, M_IS_DDL).tag == T_TRUE)
		return statement(c, &ch, span_is(type, "TRUNCATE"));
	else
		return is_mark(type) ? CDC_MARK : CDC_UNKNOWN;
	if (!ch.has_ts || ms > UINT64_C(99999999999999))
		return bad(c, "es is no time in milliseconds");
	return rows(c, &ch);
}
