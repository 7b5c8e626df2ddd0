/* SPDX-License-Identifier: BSD-2-Clause */
/* cdc - what kind of message it is, and what all producers share (see cdc.h, change.h) */
#include <stdlib.h>

#include "base/find.h"
#include "cdc/change.h"
#include "in/rec.h"
#include "in/scan.h"

const char *const cdc_field[CDC_FIELDS] = {
	[M_DATABASE] = "database", [M_TABLE] = "table", [M_TYPE] = "type", [M_TS] = "ts",
	[M_XID] = "xid",
	[M_XOFFSET] = "xoffset", [M_COMMIT] = "commit", [M_POSITION] = "position",
	[M_GTID] = "gtid",
	[M_SERVER_ID] = "server_id", [M_DATA] = "data", [M_OLD] = "old",
	[M_KEY_COLUMNS] = "primary_key_columns",
	[M_SQL] = "sql", [M_ES] = "es", [M_PK_NAMES] = "pkNames", [M_MYSQL_TYPE] = "mysqlType",
	[M_IS_DDL] = "isDdl",
	[M_SCHEMA] = "schema", [M_PAYLOAD] = "payload", [M_OP] = "op", [M_BEFORE] = "before",
	[M_AFTER] = "after",
	[M_SOURCE] = "source", [M_TS_MS] = "ts_ms", [M_TRANSACTION] = "transaction",
	[M_DDL] = "ddl",
	[M_DATABASE_NAME] = "databaseName", [M_STATUS] = "status", [M_KEY] = "key",
	[M_VALUE] = "value",
};

static struct cdc *
make(const struct cdc_conf *conf, struct ord *past, const struct cdc *first)
{
	struct cdc *c = mem_new(sizeof *c);

	c->conf = *conf;
	c->env.zone = conf->zone;
	c->env.decimals = conf->decimals;
	c->first = first;
	c->ord = c->past = past;
	c->drift = drift_new();
	c->all_drift = first == NULL ? c->drift : first->all_drift;
	for (int i = 0; i < PRODUCERS; i++)
		c->own[i].epoch = c->past[i].epoch = conf->epoch;
	return c;
}

struct cdc *
cdc_new(const struct cdc_conf *conf)
{
	return make(conf, mem_new(PRODUCERS * sizeof(struct ord)), NULL);
}

/* ---- several threads ---- */

const char cdc_over[] = "the work is over";
static const char unplaced[] = "in a barrier job a message needs a place of its own: ingest --meta, or positions";

struct cdc *
cdc_more(const struct cdc *first)
{
	return make(&first->conf, first->past, first);
}

void
cdc_block(struct cdc *c, int (*turn)(void *), void *arg)
{
	c->turn = turn;
	c->turn_arg = arg;
	c->ord = c->own;
	for (int i = 0; i < PRODUCERS; i++)
		ord_clear(&c->own[i]);
}

bool
cdc_turned(struct cdc *c)
{
	if (c->ord == c->past)
		return true;
	if (c->turn(c->turn_arg) != 0)
		return false;
	for (int i = 0; i < PRODUCERS; i++) {
		buf_clear(&c->part);
		ord_part(&c->own[i], &c->part);
		ord_join(&c->past[i], buf_span(&c->part));
	}
	c->ord = c->past;
	return true;
}

bool
ord_known(struct cdc *c, enum cdc_from from, struct ord **o)
{
	c->bound = true;
	if (c->conf.placed || !cdc_turned(c))
		return false;
	*o = &c->ord[from];
	return true;
}

#define LEFT_IS_KNOWN 'k'		/* the block had its turn: what it saw was added at once */
#define LEFT_PARTS 'p'

void
cdc_left(const struct cdc *c, struct buf *b)
{
	buf_byte(b, c->ord == c->past ? LEFT_IS_KNOWN : LEFT_PARTS);
	for (int i = 0; i < PRODUCERS && c->ord != c->past; i++) {
		size_t at = b->n, n;

		buf_add(b, (const char *)&at, sizeof at);
		ord_part(&c->own[i], b);
		n = b->n - at - sizeof n;
		memcpy(b->p + at, &n, sizeof n);
	}
}

void
cdc_past(struct cdc *first, struct span left)
{
	if (left.n == 0 || left.p[0] == LEFT_IS_KNOWN)
		return;
	left = span_from(left, 1);
	for (int i = 0; i < PRODUCERS; i++) {
		size_t n;

		memcpy(&n, left.p, sizeof n);
		ord_join(&first->past[i], span_of(left.p + sizeof n, n));
		left = span_from(left, sizeof n + n);
	}
}

bool
cdc_bound(const struct cdc *c)
{
	return c->bound;
}

void
cdc_listen(struct cdc *c, void (*announce)(void *, const struct cdc_drift *), void *arg)
{
	c->announce = announce;
	c->announce_arg = arg;
}

const struct cdc_counts *
cdc_counts(const struct cdc *c)
{
	return &c->counts;
}

bool
cdc_stops(const struct cdc *c)
{
	return c->stop;
}

enum cdc_what
bad(struct cdc *c, const char *why)
{
	c->why = why == cdc_over && c->conf.placed ? unplaced : why;
	return CDC_BAD;
}

const char *
cdc_why(const struct cdc *c)
{
	return c->why;
}

size_t
cdc_lines(const struct cdc *c)
{
	return c->lines;
}

struct span
cdc_line(const struct cdc *c, size_t k)
{
	size_t from = k == 0 ? 0 : c->end[k - 1];

	return span_of(c->out.p + from, c->end[k] - from);
}

uint64_t
cdc_order_breaks(const struct cdc *c)
{
	uint64_t n = 0;

	for (int i = 0; i < PRODUCERS; i++)
		n += c->past[i].breaks;
	return n;
}

uint64_t
cdc_unordered(const struct cdc *c)
{
	uint64_t n = 0;

	for (int i = 0; i < PRODUCERS; i++)
		n += c->past[i].unordered;
	return n;
}

/* ---- reading ---- */

const char *
message_inner(struct cdc *c, struct span object)
{
	struct message *m = &c->msg;
	struct span key;
	struct rec r;
	struct val v;

	m->inner = true;
	memset(m->v, 0, sizeof m->v);
	rec_begin(&r, object);
	while (rec_next(&r, &key, &v)) {
		for (int f = 0; f < CDC_FIELDS; f++) {
			if (!span_is(key, cdc_field[f]))
				continue;
			if (m->v[f].tag != T_ABSENT)
				return "a member of the message stands twice";
			m->v[f] = v;
			break;
		}
	}
	return NULL;
}

struct span
inside(struct cdc *c, struct val v)
{
	return v.tag == T_STR ? val_text(v, &c->scratch) : span_of("", 0);
}

bool
member_u64(const struct cdc *c, enum cdc_member m, uint64_t *n)
{
	struct val v = member(c, m);

	return v.tag == T_NUM && digits_u64(v.raw, n);
}

static void
cells_begin(struct cells *cs, struct span object, struct rec *r)
{
	cells_whole(cs, object);
	buf_clear(&cs->text);
	*r = (struct rec){ 0 };
	if (object.n > 0)
		rec_begin(r, object);
}

/* The next column; NULL: there is none. */
static struct cell *
cells_next(struct cells *cs, struct rec *r)
{
	struct cell *x;

	if (cs->n == cs->cap) {
		size_t cap = cs->cap == 0 ? 64 : mem_mul(cs->cap, 2);

		cs->v = mem_array(cs->v, cap, sizeof *cs->v);
		cs->hint = mem_array(cs->hint, cap, sizeof *cs->hint);
		memset(cs->hint + cs->cap, 0, (cap - cs->cap) * sizeof *cs->hint);
		cs->cap = cap;
	}
	x = &cs->v[cs->n];
	if (!rec_next_like(r, &cs->hint[cs->n], &x->key, &x->v))
		return NULL;
	x->from = x->to = 0;
	x->skip = false;
	cs->n++;
	return x;
}

void
cells_read(struct cells *cs, struct span object)
{
	struct rec r;

	cells_begin(cs, object, &r);
	while (cells_next(cs, &r) != NULL)
		;
}

static struct cell *
cells_named(struct cdc *c, struct cells *cs, struct span name)
{
	for (size_t i = 0; i < cs->n; i++)
		if (rec_key_is(cs->v[i].key, name, &c->scratch))
			return &cs->v[i];
	return NULL;
}

void
cells_key(struct cdc *c, struct cells *cs, struct span object)
{
	size_t missing = c->names.n;
	const struct cell *x;
	struct rec r;

	cells_begin(cs, object, &r);
	while (missing > 0 && (x = cells_next(cs, &r)) != NULL)
		for (size_t i = 0; i < c->names.n; i++)		/* a column that stands twice is the first of them */
			missing -= rec_key_is(x->key, c->names.v[i], &c->scratch) &&
			    cells_named(c, cs, c->names.v[i]) == x;
	cs->part = missing == 0;
}

void
cell_end(struct cells *cs, struct cell *x, size_t from)
{
	if (span_eq(span_of(cs->text.p + from, cs->text.n - from), x->v.raw)) {
		cs->text.n = from;
		return;
	}
	x->from = from;
	x->to = cs->text.n;
	cs->touched = true;
}

static struct span
cell_value(const struct cells *cs, const struct cell *x)
{
	return x->from == x->to ? x->v.raw : span_of(cs->text.p + x->from, x->to - x->from);
}

bool
cdc_table_is(const char *asked, struct span db, struct span table)
{
	struct span want;

	if (asked == NULL)
		return true;
	want = span_str(asked);
	if (span_eq(want, table))
		return true;
	return want.n == db.n + 1 + table.n && want.p[db.n] == '.' &&
	    span_eq(span_of(want.p, db.n), db) &&
	    span_eq(span_from(want, db.n + 1), table);
}

bool
table_wanted(struct cdc *c, struct val db, struct val table)
{
	struct span d, t;

	/* two texts at once: the second may need the scratch */
	buf_clear(&c->inner_key);
	buf_span_add(&c->inner_key, inside(c, db));
	d = buf_span(&c->inner_key);
	t = inside(c, table);
	c->types = c->conf.types == NULL ? NULL : types_find(c->conf.types, d, t);
	return cdc_table_is(c->conf.table, d, t);
}

/* ---- the key's columns ---- */

void
names_clear(struct cdc *c)
{
	c->names.n = 0;
	buf_clear(&c->names.text);
}

/* Offsets while the text may still move; names_done makes spans of them. */
static void
names_add(struct names *k, struct span raw_key)
{
	size_t from = k->text.n;

	if (k->n == k->cap) {
		k->cap = k->cap == 0 ? 8 : mem_mul(k->cap, 2);
		k->v = mem_array(k->v, k->cap, sizeof *k->v);
	}
	val_unescape(raw_key, &k->text);
	k->v[k->n++] = span_of(NULL, k->text.n - from);
}

static void
names_done(struct names *k)
{
	const char *p = k->text.p;

	for (size_t i = 0; i < k->n; p += k->v[i++].n)
		k->v[i].p = p;
}

void
names_array(struct cdc *c, struct val array)
{
	struct span key;
	struct rec r;
	struct val v;

	if (array.tag != T_ARR)
		return;
	rec_begin(&r, array.raw);
	while (rec_next(&r, &key, &v))
		if (v.tag == T_STR)
			names_add(&c->names, span_of(v.raw.p + 1, v.raw.n - 2));
	names_done(&c->names);
}

void
names_object(struct cdc *c, struct span object)
{
	struct span key;
	struct rec r;
	struct val v;

	rec_begin(&r, object);
	while (rec_next(&r, &key, &v))
		names_add(&c->names, key);
	names_done(&c->names);
}

void
names_types(struct cdc *c)
{
	for (size_t i = 0; c->types != NULL && i < c->types->n_key; i++) {
		struct span name = c->types->key[i]->name;

		/*
		 * names of --types are unescaped already; a backslash in one would be undone again
		 */
		if (memchr(name.p, '\\', name.n) == NULL)
			names_add(&c->names, name);
	}
	names_done(&c->names);
}

/* ---- ord and src ---- */

bool
ord_beside(struct cdc *c, struct ord *o, uint64_t row, char *at, const char **why)
{
	uint64_t partition, offset;

	if (c->offset.tag != T_NUM)
		return false;
	if (!digits_u64(c->offset.raw, &offset))
		*why = "an offset that is no count";
	else if (!digits_u64(c->partition.raw, &partition))
		*why = "an offset without its partition";
	else
		*why = ord_kafka(o, partition, offset, row, at);
	return true;
}

void
src_begin(struct cdc *c, const char *from)
{
	buf_clear(&c->src);
	buf_str(&c->src, "\"from\":\"");
	buf_str(&c->src, from);
	buf_byte(&c->src, '"');
	src_add(c, "topic", c->topic);
	src_add(c, "partition", c->partition);
	src_add(c, "offset", c->offset);
}

void
src_add(struct cdc *c, const char *name, struct val v)
{
	if (v.tag <= T_NULL || (v.tag == T_STR && v.raw.n == 2))
		return;
	buf_str(&c->src, ",\"");
	buf_str(&c->src, name);
	buf_str(&c->src, "\":");
	buf_span_add(&c->src, v.raw);
}

/* ---- printing ---- */

/* Behind the bytes of a literal, of a span: room for them was made. */
#define PUT(p, literal) ((char *)memcpy(p, literal, sizeof (literal) - 1) + sizeof (literal) - 1)

static char *
put(char *p, struct span s)
{
	return s.n == 0 ? p : (char *)memcpy(p, s.p, s.n) + s.n;
}

#define I64_DIGITS 20
#define NAMES_BYTES 160			/* more than all the names below, the digits of ts and ord's K */

static char *
put_i64(char *p, int64_t v)
{
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	char digit[I64_DIGITS];
	size_t n = 0;

	do
		digit[I64_DIGITS - ++n] = (char)('0' + u % 10);
	while ((u /= 10) > 0);
	if (v < 0)
		*p++ = '-';
	return put(p, span_of(digit + I64_DIGITS - n, n));
}

/* One line; what is empty is left out, but for key, which is null then. */
static void
print(struct cdc *c, const struct change *ch, char op, char k, bool with_old)
{
	struct span at = span_str(ch->at), src = buf_span(&c->src);
	struct buf *b = &c->out;
	char *p = buf_room(b, NAMES_BYTES + ch->db.n + ch->table.n + ch->key.n + ch->old_key.n + at.n + ch->tx.n +
	    ch->row.n + ch->old.n + src.n);

	if (c->lines == c->end_cap) {
		c->end_cap = c->end_cap == 0 ? 64 : mem_mul(c->end_cap, 2);
		c->end = mem_array(c->end, c->end_cap, sizeof *c->end);
	}
	p = PUT(p, "{\"op\":\"");
	if (op == 'D')
		p = PUT(p, "ddl");
	else
		*p++ = op;
	p = PUT(p, "\",\"db\":");
	p = ch->db.n == 0 ? PUT(p, "null") : put(p, ch->db);
	p = PUT(p, ",\"table\":");
	p = ch->table.n <= 2 ? PUT(p, "null") : put(p, ch->table);
	p = PUT(p, ",\"key\":");
	p = ch->key.n == 0 ? PUT(p, "null") : put(p, ch->key);
	if (with_old && ch->old_key.n > 0)
		p = put(PUT(p, ",\"old_key\":"), ch->old_key);
	p = PUT(p, ",\"ts\":");
	p = ch->has_ts ? put_i64(p, ch->ts_ms) : PUT(p, "null");
	p = put(PUT(p, ",\"ord\":\""), at);
	*p++ = '.';
	*p++ = k;
	*p++ = '"';
	if (ch->tx.n > 0)
		p = put(PUT(p, ",\"tx\":"), ch->tx);
	if (ch->row.n > 0)
		p = put(PUT(p, ",\"row\":"), ch->row);
	if (with_old && ch->old.n > 0)
		p = put(PUT(p, ",\"old\":"), ch->old);
	p = put(PUT(p, ",\"src\":{"), src);
	p = ch->partial ? PUT(p, ",\"partial\":true}}") : PUT(p, "}}");
	b->n = (size_t)(p - b->p);
	c->end[c->lines++] = b->n;
}

void
change_bare(struct cdc *c, struct change *ch)
{
	ch->key = ch->old_key = ch->row = ch->old = span_of("", 0);
	ch->partial = false;
	print(c, ch, ch->op, '1', false);
}

static void
add_cell(struct buf *b, const struct cells *cs, const struct cell *x)
{
	buf_byte(b, b->n == 0 ? '{' : ',');
	buf_byte(b, '"');
	buf_span_add(b, x->key);
	buf_str(b, "\":");
	buf_span_add(b, cell_value(cs, x));
}

/* All cells that are not left out, as an object. */
static struct span
cells_print(const struct cells *cs, struct buf *b)
{
	if (!cs->touched)
		return cs->raw;
	buf_clear(b);
	for (size_t i = 0; i < cs->n; i++)
		if (!cs->v[i].skip)
			add_cell(b, cs, &cs->v[i]);
	buf_str(b, b->n == 0 ? "{}" : "}");
	return buf_span(b);
}

/* The cell of the same raw key; *hint as in columns_find. */
static struct cell *
cells_find(struct cells *cs, struct span key, size_t *hint)
{
	for (size_t k = 0; k < cs->n; k++) {
		size_t i = *hint + k < cs->n ? *hint + k : *hint + k - cs->n;

		if (span_eq(cs->v[i].key, key)) {
			*hint = i + 1 < cs->n ? i + 1 : 0;
			return &cs->v[i];
		}
	}
	return NULL;
}

/*
 * Does no column of this object have that name and value? Then neither stands after the other anywhere in it.  False
 * where they do: it may be in a text or an inner object.
 */
static bool
surely_lacks(const struct cells *cs, const struct cell *x)
{
	const char *p = cs->raw.p, *end = p + cs->raw.n;
	struct span value = x->v.raw;
	struct find f;

	find_init(&f, span_of(x->key.p - 1, x->key.n + 2));
	for (; (p = find_next(&f, p, end)) != NULL; p++) {
		const char *q = p + x->key.n + 2;

		while (q < end && ((unsigned char)*q <= ' ' || *q == ':'))
			q++;
		if ((size_t)(end - q) >= value.n && memcmp(q, value.p, value.n) == 0)
			return false;
	}
	return true;
}

/*
 * Old values that equal the new ones are no change: Debezium sends whole rows, Canal what changed
 * in any row of the event.
 */
static void
old_reduce(struct cdc *c)
{
	size_t hint = 0, lacked = 0;

	while (c->data.part && lacked < c->old.n && surely_lacks(&c->data, &c->old.v[lacked]))
		lacked++;
	if (lacked == c->old.n)
		return;
	if (c->data.part)
		cells_read(&c->data, c->data.raw);
	for (size_t i = 0; i < c->old.n; i++) {
		struct cell *x = &c->old.v[i], *y = cells_find(&c->data, x->key, &hint);

		if (y != NULL && !x->skip &&
		    span_eq(cell_value(&c->old, x), cell_value(&c->data, y)))
			cell_skip(&c->old, x);
	}
}

/* The key of the row and, where old values touch it, the key before. NULL or a reason. */
static const char *
keys_print(struct cdc *c, struct change *ch)
{
	bool moved = false;

	buf_clear(&c->key);
	buf_clear(&c->old_key);
	ch->key = ch->old_key = span_of("", 0);
	if (c->names.n == 0)
		return NULL;
	for (size_t i = 0; i < c->names.n; i++) {
		struct cell *x = cells_named(c, &c->data, c->names.v[i]);
		struct cell *o = cells_named(c, &c->old, c->names.v[i]);

		if (x == NULL || x->skip)
			return "the row lacks a column of its key";
		add_cell(&c->key, &c->data, x);
		moved = moved || (o != NULL && !o->skip);
		if (o != NULL && !o->skip)
			add_cell(&c->old_key, &c->old, o);
		else
			add_cell(&c->old_key, &c->data, x);
	}
	buf_byte(&c->key, '}');
	buf_byte(&c->old_key, '}');
	ch->key = buf_span(&c->key);
	if (moved && ch->op == 'u')
		ch->old_key = buf_span(&c->old_key);
	return NULL;
}

/* The row before: old values laid over it. */
static struct span
old_row(struct cdc *c)
{
	size_t hint = 0;

	if (c->data.part)
		cells_read(&c->data, c->data.raw);
	buf_clear(&c->old_row);
	for (size_t i = 0; i < c->data.n; i++) {
		struct cell *x = &c->data.v[i], *o = cells_find(&c->old, x->key, &hint);

		if (o != NULL && !o->skip)
			add_cell(&c->old_row, &c->old, o);
		else if (!x->skip)
			add_cell(&c->old_row, &c->data, x);
	}
	buf_str(&c->old_row, c->old_row.n == 0 ? "{}" : "}");
	return buf_span(&c->old_row);
}

const char *
change_row(struct cdc *c, struct change *ch)
{
	const char *why;
	bool any = c->old.n == 0 && c->old.raw.n > 2;	/* taken whole */

	old_reduce(c);
	if ((why = keys_print(c, ch)) != NULL)
		return why;
	for (size_t i = 0; i < c->old.n && !any; i++)
		any = !c->old.v[i].skip;
	ch->row = cells_print(&c->data, &c->row);
	ch->old = any && ch->op == 'u' ? cells_print(&c->old, &c->changed) : span_of("", 0);
	if (ch->old_key.n > 0) {
		struct change before = *ch;

		before.key = ch->old_key;
		before.row = old_row(c);
		print(c, &before, 'd', '0', false);
		print(c, ch, 'c', '1', true);
		return NULL;
	}
	print(c, ch, ch->op, ch->k != 0 ? ch->k : '1', true);
	return NULL;
}

/* ---- what it is ---- */

static void
read_meta(struct cdc *c, struct val meta)
{
	const struct val none = { 0 };
	struct span key;
	struct rec r;
	struct val v;

	c->topic = c->partition = c->offset = c->meta_key = none;
	if (meta.tag != T_OBJ)
		return;
	rec_begin(&r, meta.raw);
	while (rec_next(&r, &key, &v)) {
		if (span_is(key, "topic"))
			c->topic = v;
		else if (span_is(key, "partition"))
			c->partition = v;
		else if (span_is(key, "offset"))
			c->offset = v;
		else if (span_is(key, "key"))
			c->meta_key = v;
	}
}

/* Debezium's record key as ingest --meta has it: an object, or its text in a string. */
static struct val
record_key(struct cdc *c, struct val key)
{
	struct span text;
	size_t at;

	if (key.tag != T_STR)
		return key;
	text = inside(c, key);
	buf_clear(&c->inner_key);
	buf_span_add(&c->inner_key, text);
	text = buf_span(&c->inner_key);
	if (text.n == 0 || text.p[0] != '{' || scan_value(text, NULL, &at) != NULL)
		return (struct val){ 0 };
	return val_make(T_OBJ, text);
}

/* Not one member that any producer has. */
static bool
nothing_known(const struct cdc *c)
{
	for (int f = 0; f < CDC_FIELDS; f++)
		if (member(c, (enum cdc_member)f).tag != T_ABSENT)
			return false;
	return true;
}

static const char nothing[] = "no message of Maxwell, Canal or Debezium";

static bool
allowed(const struct cdc *c, enum cdc_from from)
{
	return c->conf.from == CDC_AUTO || c->conf.from == from;
}

/* A record without a message: {} or nothing but what came beside it. */
static bool
empty_record(struct span line, struct val meta)
{
	struct span key;
	size_t n = 0;
	struct rec r;
	struct val v;

	rec_begin(&r, line);
	while (n < 2 && rec_next(&r, &key, &v))
		n++;
	return n == (meta.tag != T_ABSENT);
}

static enum cdc_what
take_debezium(struct cdc *c, struct val schema, struct val key)
{
	if (!allowed(c, CDC_DEBEZIUM))
		return bad(c, "a message of Debezium where --from names another");
	if (member(c, M_OP).tag == T_STR || member(c, M_DDL).tag != T_ABSENT)
		return debezium_take(c, schema, record_key(c, key));
	if (member(c, M_STATUS).tag == T_STR)
		return CDC_MARK;
	return member(c, M_TS_MS).tag == T_NUM ? CDC_HEARTBEAT : bad(c, nothing);
}

enum cdc_what
cdc_take(struct cdc *c, const struct batch *b, size_t i, const int map[CDC_FIELDS], struct val meta)
{
	struct val key = { 0 }, schema = { 0 }, v, type;
	const char *why;

	c->msg.b = b;
	c->msg.i = i;
	c->msg.map = map;
	c->msg.inner = false;
	c->lines = 0;
	buf_clear(&c->out);
	names_clear(c);
	read_meta(c, meta);
	key = c->meta_key;
	v = member(c, M_VALUE);
	if (v.tag != T_ABSENT && member(c, M_KEY).tag != T_ABSENT &&
	    member(c, M_TYPE).tag == T_ABSENT &&
	    member(c, M_OP).tag == T_ABSENT) {
		if (v.tag == T_NULL)
			return CDC_TOMBSTONE;
		if (v.tag != T_OBJ)
			return bad(c, "a value that is no object");
		key = member(c, M_KEY);
		if ((why = message_inner(c, v.raw)) != NULL)
			return bad(c, why);
	}
	type = member(c, M_TYPE);
	v = member(c, M_PAYLOAD);
	if (v.tag == T_NULL)
		return CDC_TOMBSTONE;
	if (v.tag == T_OBJ) {
		schema = member(c, M_SCHEMA);
		if ((why = message_inner(c, v.raw)) != NULL)
			return bad(c, why);
		return take_debezium(c, schema, key);
	}
	if (type.tag == T_STR && (member(c, M_IS_DDL).tag != T_ABSENT ||
	    member(c, M_ES).tag != T_ABSENT))
		return allowed(c, CDC_CANAL) ? canal_take(c) :
		    bad(c, "a message of Canal where --from names another");
	if (type.tag == T_STR && member(c, M_DATABASE).tag != T_ABSENT)
		return allowed(c, CDC_MAXWELL) ? maxwell_take(c) :
		    bad(c, "a message of Maxwell where --from names another");
	if (member(c, M_OP).tag == T_STR || member(c, M_DDL).tag != T_ABSENT ||
	    (type.tag == T_ABSENT && member(c, M_STATUS).tag == T_STR) ||
	    (member(c, M_TS_MS).tag == T_NUM && member(c, M_SOURCE).tag == T_ABSENT &&
	    type.tag == T_ABSENT))
		return take_debezium(c, schema, key);
	if (nothing_known(c) && empty_record(b->line[i], meta))
		return CDC_TOMBSTONE;
	return bad(c, nothing);
}

static void
cells_free(struct cells *cs)
{
	free(cs->v);
	free(cs->hint);
	buf_free(&cs->text);
}

void
cdc_free(struct cdc *c)
{
	struct buf *all[] = { &c->key, &c->old_key, &c->row, &c->old_row, &c->changed, &c->src,
	    &c->out, &c->scratch,
	    &c->inner_key, &c->names.text, &c->env.text, &c->env.bytes, &c->part };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		buf_free(all[i]);
	for (int i = 0; i < PRODUCERS; i++) {
		ord_free(&c->own[i]);
		if (c->first == NULL)
			ord_free(&c->past[i]);
	}
	if (c->first == NULL)
		free(c->past);
	cells_free(&c->data);
	cells_free(&c->old);
	drift_free(c->drift);
	known_free(&c->canal);
	known_free(&c->debezium);
	free(c->names.v);
	free(c->end);
	free(c);
}
