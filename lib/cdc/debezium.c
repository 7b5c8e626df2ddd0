/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * debezium - Debezium's envelope, with its schema or without: whole rows before and after, values
 * by their schema
 */
#include "cdc/change.h"
#include "in/rec.h"

struct source {
	struct val connector, db, table, schema, snapshot, file, pos, row, gtid, server_id, ts_ms,
	    lsn, sequence;
};

static void
read_source(struct source *s, struct val v)
{
	const struct {
		const char *name;
		struct val *to;
	} member_of[] = {
		{ "connector", &s->connector }, { "db", &s->db }, { "table", &s->table },
		{ "schema", &s->schema },
		{ "snapshot", &s->snapshot }, { "file", &s->file }, { "pos", &s->pos },
		{ "row", &s->row }, { "gtid", &s->gtid },
		{ "server_id", &s->server_id }, { "ts_ms", &s->ts_ms }, { "lsn", &s->lsn },
		{ "sequence", &s->sequence },
	};
	struct span key;
	struct rec r;

	*s = (struct source){ 0 };
	if (v.tag != T_OBJ)
		return;
	rec_begin(&r, v.raw);
	while (rec_next(&r, &key, &v))
		for (size_t i = 0; i < sizeof member_of / sizeof member_of[0]; i++)
			if (span_is(key, member_of[i].name))
				*member_of[i].to = v;
}

/*
 * PostgreSQL's lsn runs back where transactions interleave; `sequence` is ["lsn of the last
 * commit","lsn"], and these two together do not.  Rows of one statement may share both: they are
 * counted.
 */
static const char *
ord_sequence(struct cdc *c, const struct source *s, char *at)
{
	struct ord *o;
	uint64_t commit = 0, lsn = 0, n;
	struct span text = inside(c, s->sequence), number = { NULL, 0 };
	size_t which = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] >= '0' && text.p[i] <= '9') {
			number = span_of(number.n == 0 ? text.p + i : number.p, number.n + 1);
			continue;
		}
		if (number.n > 0 && digits_u64(number, &n))
			*(which++ == 0 ? &commit : &lsn) = n;
		else if (text.p[i] == 'n')
			which++;			/* null: no commit was seen yet */
		number.n = 0;
	}
	if (!ord_known(c, CDC_DEBEZIUM, &o))
		return cdc_over;
	if (which < 2)
		return ord_stream(o, 0, at);
	return ord_postgres(o, commit, lsn, ord_same(o, text), at);
}

static const char *
find_ord(struct cdc *c, const struct source *s, bool snapshot, char *at)
{
	struct ord *o = &c->ord[CDC_DEBEZIUM];
	const char *why = NULL;
	uint64_t pos, row = 0;

	if (ord_beside(c, o, 0, at, &why))
		return why;
	if (s->file.tag == T_STR && s->file.raw.n > 2) {
		if (s->pos.tag != T_NUM || !digits_u64(s->pos.raw, &pos))
			return "source.pos is no number";
		if (s->row.tag == T_NUM && !digits_u64(s->row.raw, &row))
			return "source.row is no number";
		/* what a snapshot saw at a position comes before the changes from there on */
		return ord_binlog(o, inside(c, s->file), pos, snapshot ? 0 : row + 1,
		    span_is(s->server_id.raw, "0") ? span_of("", 0) : s->server_id.raw, at);
	}
	if (s->sequence.tag == T_STR)
		return ord_sequence(c, s, at);
	return ord_known(c, CDC_DEBEZIUM, &o) ? ord_stream(o, 0, at) : cdc_over;
}

/*
 * Values by the schema, where there is one, and by --types; what was not sent is left out and makes
 * the row partial.
 */
static const char *
convert(struct cdc *c, const struct columns *by_schema, struct cells *cs, struct change *ch,
    bool nulls_unsent)
{
	size_t hint = 0, hint_types = 0;

	for (size_t i = 0; i < cs->n; i++) {
		struct cell *x = &cs->v[i];
		size_t from = cs->text.n;
		const char *why;

		if (value_unavailable(x->v) || (nulls_unsent && x->v.tag == T_NULL)) {
			cell_skip(cs, x);
			ch->partial = ch->partial || cs == &c->data;
			continue;
		}
		why = value_debezium(&c->env, columns_find(by_schema, x->key, &hint, &c->scratch),
		    columns_find(c->types, x->key, &hint_types, &c->scratch), x->v, &cs->text);
		if (why != NULL)
			return why;
		cell_end(cs, x, from);
	}
	return NULL;
}

/* The record's key: {"id":1} or {"schema":…,"payload":{"id":1}}. */
static struct span
key_payload(struct val key)
{
	struct span name;
	struct val v, schema = { 0 }, payload = { 0 };
	size_t n = 0;
	struct rec r;

	if (key.tag != T_OBJ)
		return span_of("", 0);
	rec_begin(&r, key.raw);
	for (; rec_next(&r, &name, &v); n++) {
		if (span_is(name, "schema"))
			schema = v;
		else if (span_is(name, "payload"))
			payload = v;
	}
	if (n == 2 && schema.tag != T_ABSENT && payload.tag != T_ABSENT)
		return payload.tag == T_OBJ ? payload.raw : span_of("", 0);
	return key.raw;
}

static enum cdc_what
bare(struct cdc *c, const struct source *s, struct change *ch)
{
	const char *why;

	if ((why = find_ord(c, s, false, ch->at)) != NULL)
		return bad(c, why);
	src_add(c, "sql", member(c, M_DDL));
	change_bare(c, ch);
	return CDC_CHANGES;
}

static enum cdc_what
row(struct cdc *c, const struct source *s, struct change *ch, struct val schema, struct span key)
{
	struct val before = member(c, M_BEFORE), after = member(c, M_AFTER),
	    now = ch->op == 'd' ? before : after;
	const struct columns *by = schema.tag == T_OBJ ? known_debezium(&c->debezium, schema.raw) :
	    NULL;
	bool postgres = span_is(s->connector.raw, "\"postgresql\"");
	const char *why;

	if (key.n > 0)
		names_object(c, key);
	if (c->names.n == 0)
		names_types(c);
	if (now.tag != T_OBJ && ch->op == 'd' && key.n > 0) {
		now = val_make(T_OBJ, key);		/* no identity but the key was kept */
		ch->partial = true;
	}
	if (now.tag != T_OBJ)
		return bad(c, ch->op == 'd' ? "a delete without its row" :
		    "a change without its row");
	if ((why = find_ord(c, s, ch->op == 'r', ch->at)) != NULL)
		return bad(c, why);
	c->env.mysql = span_is(s->connector.raw, "\"mysql\"") ||
	    span_is(s->connector.raw, "\"mariadb\"");
	cells_read(&c->data, now.raw);
	cells_read(&c->old, ch->op == 'u' && before.tag == T_OBJ ? before.raw : span_of("", 0));
	/*
	 * PostgreSQL sends nulls for all but the key, unless the table has another replica identity
	 */
	if ((why = convert(c, by, &c->data, ch, postgres && ch->op == 'd')) != NULL ||
	    (why = convert(c, by, &c->old, ch, postgres)) != NULL ||
	    (why = drift_row(c, CDC_DEBEZIUM, ch, by, &c->data)) != NULL ||
	    (why = drift_row(c, CDC_DEBEZIUM, ch, by, &c->old)) != NULL ||
	    (why = change_row(c, ch)) != NULL)
		return bad(c, why);
	return CDC_CHANGES;
}

enum cdc_what
debezium_take(struct cdc *c, struct val schema, struct val key)
{
	struct val op = member(c, M_OP), transaction = member(c, M_TRANSACTION);
	struct change ch = { 0 };
	struct source s;
	uint64_t ms = 0;

	read_source(&s, member(c, M_SOURCE));
	if (member(c, M_DATABASE_NAME).tag == T_STR)
		s.db = member(c, M_DATABASE_NAME);
	ch.db = s.db.raw;
	ch.table = s.table.raw;
	if (op.tag == T_STR && s.table.tag != T_STR)
		return span_is(op.raw, "\"m\"") ? CDC_MARK :
		    bad(c, "a change without source.table");
	/* the key's text stands in inner_key, which table_wanted uses: take it first */
	buf_clear(&c->old_row);
	buf_span_add(&c->old_row, key_payload(key));
	if (!table_wanted(c, s.db, s.table))
		return CDC_OTHER;
	ch.has_ts = s.ts_ms.tag == T_NUM && digits_u64(s.ts_ms.raw, &ms) &&
	    ms <= UINT64_C(99999999999999);
	ch.ts_ms = (int64_t)ms;
	if (transaction.tag == T_OBJ) {
		struct span name;
		struct rec r;
		struct val v;

		rec_begin(&r, transaction.raw);
		while (rec_next(&r, &name, &v))
			if (span_is(name, "id"))
				ch.tx = v.raw;
	}
	src_begin(c, "debezium");
	src_add(c, "connector", s.connector);
	src_add(c, "schema", s.schema);
	if (!span_is(s.snapshot.raw, "\"false\"") && s.snapshot.tag != T_FALSE)
		src_add(c, "snapshot", s.snapshot);
	src_add(c, "file", s.file);
	src_add(c, "pos", s.file.tag == T_STR ? s.pos : s.lsn);
	src_add(c, "gtid", s.gtid);
	src_add(c, "server_id", s.server_id);
	ch.op = op.tag == T_STR && op.raw.n == 3 ? op.raw.p[1] : 'D';
	if (op.tag == T_ABSENT || ch.op == 't')
		return bare(c, &s, &ch);
	if (ch.op == 'm')
		return CDC_MARK;
	if (op.raw.n != 3 || strchr("cudr", ch.op) == NULL)
		return CDC_UNKNOWN;
	if (!ch.has_ts)
		return bad(c, "source.ts_ms is no time in milliseconds");
	return row(c, &s, &ch, schema, buf_span(&c->old_row));
}
