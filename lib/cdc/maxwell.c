/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maxwell - Maxwell's JSON: one row a message, times in seconds (DDL: milliseconds), old values of
 * what changed
 */
#include "cdc/change.h"

/*
 * With positions: (file, offset, row of the transaction; the last row has `commit` instead of a
 * number).  A position is that of the rows event, which all its rows share.  Without: the place in
 * the stream, which is safe only as it was written.
 */
static const char *
find_ord(struct cdc *c, struct change *ch, bool boot)
{
	struct ord *o = &c->ord[CDC_MAXWELL];
	struct span place;
	const char *why = NULL, *colon;
	uint64_t pos, row;

	if (ord_beside(c, o, 0, ch->at, &why))
		return why;
	if (boot) {
		if (!ord_known(c, CDC_MAXWELL, &o))
			return cdc_over;
		ord_boot(o, buf_span(&c->inner_key), ch->at);
		ch->k = '2';
		return NULL;
	}
	if (member(c, M_POSITION).tag != T_STR)
		return ord_known(c, CDC_MAXWELL, &o) ? ord_stream(o, 0, ch->at) : cdc_over;
	place = inside(c, member(c, M_POSITION));
	colon = memchr(place.p, ':', place.n);
	if (colon == NULL || !digits_u64(span_from(place, (size_t)(colon - place.p) + 1), &pos))
		return "a position that is not FILE:OFFSET";
	if (member(c, M_COMMIT).tag == T_TRUE)
		row = ORD_LAST;
	else if (!member_u64(c, M_XOFFSET, &row)) {
		if (!ord_known(c, CDC_MAXWELL, &o))
			return cdc_over;
		row = ord_same(o, place);
	}
	return ord_binlog(o, span_of(place.p, (size_t)(colon - place.p)), pos, row, member(c, M_SERVER_ID).raw, ch->at);
}

static const char *
convert(struct cdc *c, struct cells *cs)
{
	size_t hint = 0;

	for (size_t i = 0; c->types != NULL && i < cs->n; i++) {
		struct cell *x = &cs->v[i];
		size_t from = cs->text.n;
		const char *why = value_maxwell(&c->env,
		    columns_find(c->types, x->key, &hint, &c->scratch), x->v, &cs->text);

		if (why != NULL)
			return why;
		cell_end(cs, x, from);
	}
	return NULL;
}

static bool
begins(struct span s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && memcmp(s.p, with, n) == 0;
}

/* The table's two names as one, for the bootstraps under way. */
static void
table_name(struct cdc *c)
{
	buf_clear(&c->inner_key);
	buf_span_add(&c->inner_key, member(c, M_DATABASE).raw);
	buf_span_add(&c->inner_key, member(c, M_TABLE).raw);
}

static enum cdc_what
ddl(struct cdc *c, struct change *ch)
{
	const char *why;
	uint64_t ms;

	ch->op = 'D';
	ch->has_ts = member_u64(c, M_TS, &ms);
	ch->ts_ms = (int64_t)ms;
	if ((why = find_ord(c, ch, false)) != NULL)
		return bad(c, why);
	src_add(c, "sql", member(c, M_SQL));
	change_bare(c, ch);
	return CDC_CHANGES;
}

static enum cdc_what
row(struct cdc *c, struct change *ch)
{
	struct val data = member(c, M_DATA), old = member(c, M_OLD);
	const char *why;
	uint64_t s;

	if (data.tag != T_OBJ)
		return bad(c, "a row change without data");
	if (!member_u64(c, M_TS, &s) || s > UINT64_C(99999999999))
		return bad(c, "ts is no time in seconds");
	ch->has_ts = true;
	ch->ts_ms = (int64_t)s * 1000;
	ch->partial = c->conf.minimal && ch->op != 'c' && ch->op != 'r';
	if ((why = find_ord(c, ch, ch->op == 'r')) != NULL)
		return bad(c, why);
	if (member(c, M_XID).tag == T_NUM)
		ch->tx = member(c, M_XID).raw;
	names_array(c, member(c, M_KEY_COLUMNS));
	if (c->names.n == 0)
		names_types(c);
	if (c->names.n == 0 && c->types == NULL && !drift_values(c)) {
		cells_whole(&c->data, data.raw);
		cells_whole(&c->old, old.tag == T_OBJ ? old.raw : span_of("", 0));
	} else {
		(c->types == NULL && !drift_values(c) ? cells_key(c, &c->data, data.raw) :
		    cells_read(&c->data, data.raw));
		cells_read(&c->old, old.tag == T_OBJ ? old.raw : span_of("", 0));
	}
	if ((why = convert(c, &c->data)) != NULL || (why = convert(c, &c->old)) != NULL ||
	    (why = drift_row(c, CDC_MAXWELL, ch, NULL, &c->data)) != NULL ||
	    (why = drift_row(c, CDC_MAXWELL, ch, NULL, &c->old)) != NULL ||
	    (why = change_row(c, ch)) != NULL)
		return bad(c, why);
	return CDC_CHANGES;
}

enum cdc_what
maxwell_take(struct cdc *c)
{
	struct val db = member(c, M_DATABASE), table = member(c, M_TABLE);
	struct change ch = { .db = db.raw, .table = table.raw };
	struct span type;
	struct ord *o;

	if (!table_wanted(c, db, table)) {
		/* its place is still one that a bootstrap may begin behind */
		if (c->offset.tag == T_ABSENT && member(c, M_POSITION).tag == T_STR)
			(void)find_ord(c, &ch, false);
		return CDC_OTHER;
	}
	src_begin(c, "maxwell");
	src_add(c, "position", member(c, M_POSITION));
	src_add(c, "gtid", member(c, M_GTID));
	src_add(c, "server_id", member(c, M_SERVER_ID));
	table_name(c);
	type = inside(c, member(c, M_TYPE));
	if (span_is(type, "insert"))
		ch.op = 'c';
	else if (span_is(type, "update"))
		ch.op = 'u';
	else if (span_is(type, "delete"))
		ch.op = 'd';
	else if (span_is(type, "bootstrap-insert"))
		ch.op = 'r';
	else if (span_is(type, "bootstrap-start") || span_is(type, "bootstrap-complete")) {
		if (span_is(type, "bootstrap-start") && ord_known(c, CDC_MAXWELL, &o))
			ord_boot_begin(o, buf_span(&c->inner_key));
		return CDC_MARK;
	} else if (begins(type, "table-") || begins(type, "database-"))
		return ddl(c, &ch);
	else
		return CDC_UNKNOWN;
	return row(c, &ch);
}
