/* SPDX-License-Identifier: BSD-2-Clause */
/* merge - see merge.h */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "cdc/cdc.h"
#include "cdc/merge.h"
#include "in/rec.h"

enum field { C_OP, C_DB, C_TABLE, C_KEY, C_TS, C_ORD, C_ROW, C_OLD, C_PARTIAL, C_FIELDS };
static const char *const field[C_FIELDS] = { "op", "db", "table", "key", "ts", "ord", "row", "old",
    "src.partial" };

/* of a crew's, which keeps two of each thread and two more till their turn: of smaller ones is read more from disk */
#define PIECES_BYTES (18 * MIB)

enum { OWN_FROM, OWN_TO, OWN_DELETED, OWN_ORD, OWN_NAMES };	/* what we write into rows */

struct merge {
	struct merge_conf conf;
	struct fold *fold;		/* of the first, which others share */
	struct zip *zip;		/* NULL but in the first */
	struct merge *first;		/* NULL: this is it */
	size_t n_more;			/* of the first: how many there are besides it */
	struct said *said;		/* while threads work: what the first change said; for who has the turn */
	/* columns of the changes; -1: there is none */
	int col[C_FIELDS], own[OWN_NAMES];
	int *row_key, *old_key;		/* [n_keys] of -k; none: the own key */
	struct span *path;		/* [n_keys] as -k has them */
	size_t n_keys;
	const struct batch *b;		/* the change at hand */
	size_t i;
	struct merge_notes notes;
	const char *why;
	struct said {
		struct buf table;	/* the one table: DB NUL TABLE */
		struct span *name;	/* of the own key */
		size_t n_names;
		bool named;
		struct arena names;
	} one;
	struct rec_hint *hint;		/* [one.n_names + 1] the own key's members as they stood last */
	bool truncated;
	struct buf key, key_before, row, scratch, scratch2;
	/* changes that are not in the fold yet; their keys stand in `keys`, the rows before a move in `moved` */
	struct fold_keyed *put;
	size_t n_put, cap_put;
	struct fold_hand hand;
	struct buf keys;
	struct arena moved;
	/* the base */
	struct pathset *paths;
	int *base_key;
	size_t n_base_keys;
	enum merge_base_how how;
	bool disorder;
	struct cursor {
		struct span key;	/* p NULL: at the end */
		const struct fold_change *v;
		size_t n;
	} cur;				/* the next key that has changes */
	bool begun;
	struct fold *rows_held;		/* HOLD: all rows of the base, as if they were changes */
	uint64_t n_rows;
	struct span *line;		/* STREAM: the rows of one key, in `rows` */
	size_t n_lines, cap_lines;
	struct zip_base *base;		/* one key's rows for zip */
	size_t cap_base;
	struct arena rows;
	struct buf last;		/* CHECK, STREAM: key of the row before */
	struct fold_change *truncate;
	size_t n_truncates, cap_truncates;
	/* the end in pieces: what there is to be noted of each */
	struct piece { struct zip_counts counts; uint64_t mixed; } *piece;
	size_t n_pieces;
};

struct merge *
merge_new(const struct merge_conf *conf)
{
	struct merge *m = mem_new(sizeof *m);

	m->conf = *conf;
	m->fold = fold_new(conf->zip.days, conf->based ? conf->budget / 2 : conf->budget);
	m->zip = zip_new(&conf->zip);
	return m;
}

/* ---- several threads ---- */

static void
said_free(struct said *s)
{
	buf_free(&s->table);
	arena_free(&s->names);
	free(s->name);
}

static void
said_copy(struct said *to, const struct said *from)
{
	said_free(to);
	*to = (struct said){ .n_names = from->n_names, .named = from->named };
	buf_span_add(&to->table, buf_span(&from->table));
	to->name = mem_array(NULL, from->n_names, sizeof *to->name);
	for (size_t i = 0; i < from->n_names; i++)
		to->name[i] = span_of(arena_dup(&to->names, from->name[i]), from->name[i].n);
}

/* Has a change said what the first one says for all? */
static bool
settled(const struct merge *m)
{
	return (m->conf.table != NULL || m->one.table.n > 0) && (m->n_keys > 0 || m->one.named);
}

struct merge *
merge_more(struct merge *first)
{
	struct merge *m = mem_new(sizeof *m);

	if (first->said == NULL) {
		first->said = mem_new(sizeof *first->said);
		said_copy(first->said, &first->one);
	}
	first->n_more++;
	m->first = first;
	m->conf = first->conf;
	m->fold = first->fold;
	m->said = first->said;
	memcpy(m->col, first->col, sizeof m->col);
	memcpy(m->own, first->own, sizeof m->own);
	m->row_key = first->row_key;
	m->old_key = first->old_key;
	m->n_keys = first->n_keys;
	said_copy(&m->one, &first->one);
	return m;
}

void
merge_join(struct merge *first, const struct merge *m)
{
	first->notes.later_days += m->notes.later_days;
	first->notes.ddl += m->notes.ddl;
	first->notes.other_tables += m->notes.other_tables;
	first->truncated = first->truncated || m->truncated;
	if (!settled(first))
		said_copy(&first->one, first->said);
}

bool
merge_disorder(const struct merge *m)
{
	return m->disorder;
}

bool
merge_truncated(const struct merge *m)
{
	return m->truncated;
}

void
merge_notes(const struct merge *m, struct merge_notes *n)
{
	const struct zip_counts *z = zip_counts(m->zip);

	*n = m->notes;
	n->late = z->late;
	n->same_day = z->same_day;
	n->incomplete = z->incomplete;
	n->mixed = fold_mixed(m->fold);
	for (size_t i = 0; i < m->n_pieces; i++) {
		const struct piece *p = &m->piece[i];

		n->late += p->counts.late;
		n->same_day += p->counts.same_day;
		n->incomplete += p->counts.incomplete;
		n->mixed += p->mixed;
	}
}

static void
free_first(struct merge *m)
{
	if (m->said != NULL)
		said_free(m->said);
	free(m->said);
	fold_free(m->fold);
	zip_free(m->zip);
	arena_free(&m->rows);
	if (m->paths != NULL)
		pathset_free(m->paths);
	free(m->row_key);
	free(m->old_key);
	free(m->path);
	free(m->base_key);
	if (m->rows_held != NULL)
		fold_free(m->rows_held);
	free(m->line);
	free(m->base);
	free(m->truncate);
	free(m->piece);
}

void
merge_free(struct merge *m)
{
	struct buf *all[] = { &m->key, &m->key_before, &m->row, &m->scratch, &m->scratch2, &m->last, &m->keys };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		buf_free(all[i]);
	said_free(&m->one);
	arena_free(&m->moved);
	fold_hand_free(&m->hand);
	free(m->hint);
	free(m->put);
	if (m->first == NULL)
		free_first(m);
	free(m);
}

/* ---- columns ---- */

struct asking {
	struct merge *m;
	merge_col *col;
	void *arg;
};

/* A path below `row` or `old`. */
static int
below(const struct asking *a, const char *parent, struct span path, const char *what)
{
	struct buf b = { 0 };
	int col;

	if (path.n == 0)
		return a->col(a->arg, path, what);	/* which says that a path is missing */
	if (path.p[0] == '$')
		path = span_from(path, 1);
	if (path.n > 0 && path.p[0] == '/')
		buf_byte(&b, '/');
	buf_str(&b, parent);
	if (path.n > 0 && memchr("/.[", path.p[0], 3) == NULL)
		buf_byte(&b, '.');
	buf_span_add(&b, path);
	col = a->col(a->arg, buf_span(&b), what);
	buf_free(&b);
	return col;
}

/* A path of -k: `name` is empty, or it was NAME=PATH, of which the path counts. */
static int
ask_key(void *arg, struct span name, struct span path)
{
	const struct asking *a = arg;
	struct merge *m = a->m;
	size_t n = m->n_keys++;

	(void)name;
	m->path = mem_array(m->path, n + 1, sizeof *m->path);
	m->row_key = mem_array(m->row_key, n + 1, sizeof *m->row_key);
	m->old_key = mem_array(m->old_key, n + 1, sizeof *m->old_key);
	m->path[n] = path;
	m->row_key[n] = below(a, "row", path, "-k");
	m->old_key[n] = m->row_key[n] == -1 ? -1 : below(a, "old", path, "-k");
	return m->old_key[n] == -1;
}

/* The i-th name that we write into rows as a path; false where this mode writes none. */
static bool
own_path(const struct merge *m, int i, struct buf *b)
{
	const struct zip_conf *z = &m->conf.zip;
	const struct span name[OWN_NAMES] = { z->from, z->to, z->deleted, z->ord };
	const bool used[OWN_NAMES] = { z->days, z->days, z->mark, z->ord.n > 0 };

	buf_clear(b);
	buf_json(b, name[i]);
	return used[i];
}

int
merge_columns(struct merge *m, const char *keys, merge_col *col, void *arg)
{
	struct asking a = { m, col, arg };
	struct buf name = { 0 };
	int rc = 0;

	for (int f = 0; f < C_FIELDS && rc == 0; f++) {
		m->col[f] = -1;
		if (f == C_TS ? m->conf.zip.days || m->conf.each != NULL : f == C_KEY ? keys == NULL :
		    f != C_OLD || keys != NULL)
			rc = (m->col[f] = col(arg, span_str(field[f]), "a member")) == -1;
	}
	if (rc == 0 && keys != NULL)
		rc = pathlist_each(span_str(keys), ask_key, &a);
	for (int i = 0; i < OWN_NAMES && rc == 0; i++) {
		m->own[i] = -1;
		if (own_path(m, i, &name))
			rc = (m->own[i] = below(&a, "row", buf_span(&name), "--ord")) == -1;
	}
	buf_free(&name);
	return rc == 0 ? 0 : -1;
}

const struct pathset *
merge_base_paths(struct merge *m)
{
	size_t n = m->n_keys > 0 ? m->n_keys : m->one.n_names;
	char err[128];
	struct buf b = { 0 };

	if (n == 0 || m->paths != NULL)
		return m->paths;
	m->paths = pathset_new();
	m->base_key = mem_array(NULL, n, sizeof *m->base_key);
	m->n_base_keys = n;
	for (size_t i = 0; i < n; i++) {
		buf_clear(&b);
		if (m->n_keys > 0)
			buf_span_add(&b, m->path[i]);
		else
			buf_json(&b, m->one.name[i]);
		m->base_key[i] = pathset_add(m->paths, buf_span(&b), err, sizeof err);
		assert(m->base_key[i] != -1);	/* a path that was taken before, or a quoted name */
	}
	for (int i = 0; i < OWN_NAMES; i++)
		if (own_path(m, i, &b))		/* asked for so that it cannot stand twice */
			(void)pathset_add(m->paths, buf_span(&b), err, sizeof err);
	buf_free(&b);
	return m->paths;
}

/* A column's value of the change at hand. */
static struct val
at(const struct merge *m, int col)
{
	return col == -1 ? (struct val){ 0 } : m->b->col[col][m->i];
}

/* ---- keys ---- */

static enum fate
reject(struct merge *m, const char *why)
{
	m->why = why;
	return F_REJECT;
}

static const char *
add_key(struct merge *m, struct val v, struct buf *b)
{
	if (val_is_null(v))
		return "a key column is null or absent";
	if (b->n > 0)
		buf_byte(b, ',');
	return val_key(v, m->conf.key_as, b);
}

static const char other_columns[] = "its key has other columns than the first change's";

/* The first own key says what the key's columns are. */
static void
name_columns(struct merge *m, struct span object)
{
	struct said *one = &m->one;
	struct span key;
	struct rec r;
	struct val v;

	for (rec_begin(&r, object); rec_next(&r, &key, &v); one->n_names++) {
		one->name = mem_array(one->name, one->n_names + 1, sizeof *one->name);
		buf_clear(&m->scratch);
		val_unescape(key, &m->scratch);
		one->name[one->n_names] = span_of(arena_dup(&one->names, buf_span(&m->scratch)), m->scratch.n);
	}
	one->named = one->n_names > 0;
}

static const char *
own_key(struct merge *m, struct val object, struct buf *b)
{
	const char *why = NULL;
	struct span name;
	size_t i = 0;
	struct rec r;
	struct val v;

	if (object.tag != T_OBJ)
		return "the change has no key: give -k";
	if (!m->one.named)
		name_columns(m, object.raw);
	if (!m->one.named)
		return "an empty key";
	if (m->hint == NULL)
		m->hint = mem_new(mem_mul(m->one.n_names + 1, sizeof *m->hint));
	for (rec_begin(&r, object.raw); rec_next_like(&r, &m->hint[i], &name, &v); i++) {
		if (i == m->one.n_names || !rec_key_is(name, m->one.name[i], &m->scratch))
			return other_columns;
		why = why == NULL ? add_key(m, v, b) : why;
	}
	if (i < m->one.n_names)
		return i == 0 ? "an empty key" : other_columns;
	return why;
}

/* The key by -k, and the one before where old values change it: *moved. */
static const char *
asked_keys(struct merge *m, bool *moved)
{
	const char *why = NULL;

	*moved = false;
	for (size_t i = 0; i < m->n_keys && why == NULL; i++) {
		struct val now = at(m, m->row_key[i]), old = at(m, m->old_key[i]);

		if ((why = add_key(m, now, &m->key)) == NULL)
			why = add_key(m, old.tag != T_ABSENT ? old : now, &m->key_before);
	}
	if (why == NULL)
		*moved = !span_eq(buf_span(&m->key), buf_span(&m->key_before));
	return why;
}

/* ---- changes ---- */

/* The row before an update: old values laid over the new. */
static struct span
row_before(struct merge *m, struct span row, struct span old)
{
	struct span key, name;
	struct rec r, o;
	struct val v, w;

	buf_clear(&m->row);
	rec_begin(&r, row);
	while (rec_next(&r, &key, &v)) {
		rec_begin(&o, old);
		while (rec_next(&o, &name, &w))
			if (span_eq(name, key))
				v = w;
		buf_str(&m->row, m->row.n == 0 ? "{\"" : ",\"");
		buf_span_add(&m->row, key);
		buf_str(&m->row, "\":");
		buf_span_add(&m->row, v.raw);
	}
	buf_byte(&m->row, '}');
	return buf_span(&m->row);
}

/* Changes of two tables under one key would be one row: --table must say which. */
static bool
one_table(struct merge *m, struct span db, struct span table)
{
	bool first = m->one.table.n == 0;

	if (m->conf.table != NULL)
		return true;
	if (first) {
		buf_span_add(&m->one.table, db);
		buf_byte(&m->one.table, '\0');
		buf_span_add(&m->one.table, table);
	}
	return m->one.table.n == db.n + 1 + table.n && memcmp(m->one.table.p, db.p, db.n) == 0 &&
	    memcmp(m->one.table.p + db.n + 1, table.p, table.n) == 0;
}

/* Its day; false when ts is none. */
static bool
day_of(const struct merge *m, struct val ts, int32_t *day)
{
	char text[WHEN_DAY_BYTES];
	int64_t us;

	if (ts.tag != T_NUM || when_val(ts, UNIT_MS, NULL, NULL, &us) != NULL)
		return false;
	when_day(us, m->conf.zone, text);
	return day_parse(span_str(text), day) == NULL;
}

/* A change for the fold, put there when the lines go. */
static void
add_change(struct merge *m, struct span key, const struct fold_change *c)
{
	if (m->n_put == m->cap_put) {
		m->cap_put = m->cap_put == 0 ? 2 * BATCH_RECORDS_MAX : mem_mul(m->cap_put, 2);
		m->put = mem_array(m->put, m->cap_put, sizeof *m->put);
	}
	m->put[m->n_put++] = (struct fold_keyed){ span_of(NULL, key.n), *c };
	buf_span_add(&m->keys, key);
}

static void
fold_changes(struct merge *m)
{
	const char *p = buf_span(&m->keys).p;

	for (size_t i = 0; i < m->n_put; p += m->put[i++].key.n)
		m->put[i].key.p = p;
	if (m->conf.each == NULL)
		fold_put_all(m->fold, &m->hand, m->put, m->n_put);
	for (size_t i = 0; i < m->n_put && m->conf.each != NULL; i++)
		m->conf.each(m->conf.arg, m->put[i].key, &m->put[i].change);
	m->n_put = 0;
	buf_clear(&m->keys);
	arena_reset(&m->moved);
}

/* The line of a delete that nobody sent: of the key that a change moved away from, with the row before it. */
static struct span
line_before(struct merge *m, struct span row, struct span ord)
{
	const struct { const char *key; int col; } as_sent[] = { { ",\"db\":", C_DB }, { ",\"table\":", C_TABLE },
	    { ",\"key\":null,\"ts\":", C_TS } };

	buf_clear(&m->scratch);
	buf_str(&m->scratch, "{\"op\":\"d\"");
	for (size_t i = 0; i < sizeof as_sent / sizeof *as_sent; i++) {
		struct val v = at(m, m->col[as_sent[i].col]);

		buf_str(&m->scratch, as_sent[i].key);
		buf_span_add(&m->scratch, v.tag == T_ABSENT ? span_str("null") : v.raw);
	}
	buf_str(&m->scratch, ",\"ord\":\"");
	buf_span_add(&m->scratch, ord);
	buf_str(&m->scratch, "\",\"row\":");
	buf_span_add(&m->scratch, row);
	buf_byte(&m->scratch, '}');
	return buf_span(&m->scratch);
}

static enum fate
put_change(struct merge *m, struct fold_change *c)
{
	struct val row = at(m, m->col[C_ROW]);
	bool moved = false;
	const char *why;

	if (row.tag != T_OBJ)
		return reject(m, "a change without its row");
	for (int i = 0; i < OWN_NAMES; i++)
		if (at(m, m->own[i]).tag != T_ABSENT)
			return reject(m,
			    "the row has a column of a name that is written here");
	c->row = row.raw;
	c->partial = at(m, m->col[C_PARTIAL]).tag == T_TRUE && (c->op != 'd' || m->conf.zip.mark);
	buf_clear(&m->key);
	buf_clear(&m->key_before);
	if (m->n_keys == 0)
		why = own_key(m, at(m, m->col[C_KEY]), &m->key);
	else
		why = asked_keys(m, &moved);
	if (why == NULL && m->conf.each != NULL && c->partial)
		why = "it holds only some columns, and rows before it are not known here";
	if (why != NULL)
		return reject(m, why);
	if (m->conf.each != NULL)
		c->row = m->b->line[m->i];
	if (moved && c->op == 'u') {
		struct fold_change before = *c;

		before.op = 'd';
		before.row = row_before(m, row.raw, at(m, m->col[C_OLD]).raw);
		if (m->conf.each != NULL)
			before.row = line_before(m, before.row, c->ord);
		before.row.p = arena_dup(&m->moved, before.row);
		add_change(m, buf_span(&m->key_before), &before);
	}
	add_change(m, buf_span(&m->key), c);
	return F_USED;
}

static enum fate
take(struct merge *m, uint64_t seq)
{
	struct val op = at(m, m->col[C_OP]), in_db = at(m, m->col[C_DB]),
	    in_table = at(m, m->col[C_TABLE]);
	struct val ord = at(m, m->col[C_ORD]);
	struct fold_change c = { .seq = seq };
	struct span db = { "", 0 }, table = { "", 0 };

	if (op.tag != T_STR || in_table.tag == T_ABSENT)
		return reject(m, "no change record: op or table is missing");
	if (in_db.tag == T_STR)
		db = val_text(in_db, &m->scratch);
	if (in_table.tag == T_STR)
		table = val_text(in_table, &m->scratch2);
	if (!cdc_table_is(m->conf.table, db, table)) {
		m->notes.other_tables++;
		return F_DROP;
	}
	if (span_is(op.raw, "\"ddl\"")) {
		m->notes.ddl++;
		return F_DROP;
	}
	if (op.raw.n != 3 || memchr("cudrt", op.raw.p[1], 5) == NULL)
		return reject(m, "op is none of c, u, d, r, t, ddl");
	c.op = op.raw.p[1];
	if (!one_table(m, db, table))
		return reject(m, "a change of a second table: give --table");
	if (ord.tag != T_STR || ord.escaped)
		return reject(m, "ord is no string, or has an escape in it");
	c.ord = span_of(ord.raw.p + 1, ord.raw.n - 2);
	if (m->conf.zip.days) {
		if (!day_of(m, at(m, m->col[C_TS]), &c.day))
			return reject(m, "ts is no time in milliseconds");
		if (c.day > m->conf.date) {
			m->notes.later_days++;
			return F_DROP;
		}
	}
	if (c.op == 't' && m->conf.each != NULL) {
		c.row = m->b->line[m->i];
		add_change(m, span_of("", 0), &c);
		return F_USED;
	}
	if (c.op == 't') {
		fold_truncate(m->fold, &c);
		m->truncated = true;
		return F_USED;
	}
	return put_change(m, &c);
}

int
merge_batch(struct merge *m, const struct batch *b, int (*turn)(void *), void *arg)
{
	bool ask = turn != NULL && !settled(m);
	int rc;

	if (ask) {
		if ((rc = turn(arg)) != 0)
			return rc;
		said_copy(&m->one, m->said);
	}
	m->b = b;
	for (m->i = 0; m->i < b->n; m->i++) {
		enum fate f = take(m, b->seq0 + m->i);

		if (f == F_REJECT)
			batch_reject(b, m->i, m->why);
		else
			b->fate[m->i] = (uint8_t)f;
	}
	if (ask)
		said_copy(m->said, &m->one);
	if (m->conf.each != NULL)
		fold_changes(m);
	return 0;
}

int
merge_let_go(struct merge *m)
{
	if (m == NULL || m->n_put == 0)
		return 0;
	fold_changes(m);
	return fold_settle(m->fold);
}

/* ---- the base, and out ---- */

/* The next key that has changes. */
static int
advance(struct merge *m)
{
	return fold_next(m->fold, &m->cur.key, &m->cur.v, &m->cur.n);
}

int
merge_base_begin(struct merge *m, enum merge_base_how how)
{
	int rc;

	m->how = how;
	buf_clear(&m->last);
	m->n_lines = 0;
	if (how == BASE_HOLD && m->rows_held == NULL)
		m->rows_held = fold_new(false, m->conf.budget / 2);
	if (how == BASE_CHECK || m->begun || m->n_pieces > 0)
		return 0;
	m->begun = true;
	m->n_truncates = fold_truncates(m->fold, &m->truncate, &m->cap_truncates);
	rc = fold_begin(m->fold, 1 + m->n_more);
	return rc != 0 ? rc : advance(m);
}

/* A row of the base with the places of what is ours in it. */
static struct zip_base
base_of(struct merge *m, struct span line)
{
	const struct zip_conf *z = &m->conf.zip;
	struct zip_base b = { .line = line };
	struct span key;
	struct rec r;
	struct val v;

	rec_begin(&r, line);
	while (rec_next(&r, &key, &v)) {
		if (z->days && rec_key_is(key, z->from, &m->scratch))
			b.from = v;
		else if (z->days && rec_key_is(key, z->to, &m->scratch))
			b.to = v;
		else if (z->mark && rec_key_is(key, z->deleted, &m->scratch))
			b.deleted = v;
		else if (z->ord.n > 0 && rec_key_is(key, z->ord, &m->scratch))
			b.ord = v;
	}
	return b;
}

/* One key: its rows before (lines), its changes (c). What nobody touched is written as it came. */
static int
write_key(struct merge *m, struct span key, const struct span *line, size_t n_lines,
    const struct fold_change *c, size_t n)
{
	const char *why;
	int rc = 0;

	if (n == 0 && m->n_truncates == 0) {
		for (size_t i = 0; i < n_lines && rc == 0; i++)
			rc = m->conf.zip.put(m->conf.zip.arg, line[i]);
		return rc;
	}
	if (n_lines > m->cap_base) {
		m->cap_base = mem_mul(n_lines, 2);
		m->base = mem_array(m->base, m->cap_base, sizeof *m->base);
	}
	for (size_t i = 0; i < n_lines; i++)
		m->base[i] = base_of(m, line[i]);
	rc = zip_key(m->zip, m->base, n_lines, c, n, m->truncate, m->n_truncates, &why);
	if (rc == -1)
		rc = err_input("key %.*s: %s", (int)(key.n < 80 ? key.n : 80), key.p, why);
	return rc;
}

/* Rows of one key in the base; before them the keys that only changes have. */
static int
write_rows(struct merge *m, struct span key, const struct span *line, size_t n)
{
	int rc = 0;

	while (rc == 0 && m->cur.key.p != NULL && span_cmp(m->cur.key, key) < 0)
		if ((rc = write_key(m, m->cur.key, NULL, 0, m->cur.v, m->cur.n)) == 0)
			rc = advance(m);
	if (rc != 0)
		return rc;
	if (m->cur.key.p == NULL || !span_eq(m->cur.key, key))
		return write_key(m, key, line, n, NULL, 0);
	rc = write_key(m, key, line, n, m->cur.v, m->cur.n);
	return rc != 0 ? rc : advance(m);
}

static void
add_line(struct merge *m, struct span line)
{
	if (m->n_lines == m->cap_lines) {
		m->cap_lines = m->cap_lines == 0 ? 64 : mem_mul(m->cap_lines, 2);
		m->line = mem_array(m->line, m->cap_lines, sizeof *m->line);
	}
	m->line[m->n_lines++] = line;
}

/* The lines collected under the key `last`. */
static int
flush_lines(struct merge *m)
{
	int rc = m->n_lines == 0 ? 0 : write_rows(m, buf_span(&m->last), m->line, m->n_lines);

	m->n_lines = 0;
	arena_reset(&m->rows);
	return rc;
}

/* HOLD: a row is kept like a change that hides no other, in the order they came. */
static int
hold(struct merge *m, struct span line)
{
	char ord[24];

	snprintf(ord, sizeof ord, "%020llu", (unsigned long long)++m->n_rows);
	fold_put(m->rows_held, buf_span(&m->key), &(struct fold_change){ .op = 'b', .partial = true,
	    .seq = m->n_rows, .ord = span_str(ord), .row = line });
	return fold_settle(m->rows_held);
}

/* One row. 0, a status, or -1 with m->why. */
static int
base_row(struct merge *m, struct span line)
{
	int order, rc = 0;

	if (m->how == BASE_PASS)
		return m->conf.zip.put(m->conf.zip.arg, line);
	buf_clear(&m->key);
	for (size_t i = 0; i < m->n_base_keys; i++)
		if ((m->why = add_key(m, at(m, m->base_key[i]), &m->key)) != NULL)
			return -1;
	if (m->how == BASE_HOLD)
		return hold(m, line);
	order = m->last.n == 0 ? 1 : span_cmp(buf_span(&m->key), buf_span(&m->last));
	if (order < 0) {
		m->why = "the base is not in key order any more: it changed while it was read";
		return -1;
	}
	if (order > 0) {
		if (m->how == BASE_STREAM && (rc = flush_lines(m)) != 0)
			return rc;
		buf_clear(&m->last);
		buf_span_add(&m->last, buf_span(&m->key));
	}
	if (m->how == BASE_STREAM)
		add_line(m, span_of(arena_dup(&m->rows, line), line.n));
	return 0;
}

int
merge_base_batch(struct merge *m, const struct batch *b)
{
	m->b = b;
	for (m->i = 0; m->i < b->n; m->i++) {
		int rc = base_row(m, b->line[m->i]);

		if (rc == -1 && m->how != BASE_CHECK)
			batch_reject(b, m->i, m->why);
		else if (rc != 0) {
			m->disorder = true;
			return rc;
		}
	}
	return 0;
}

/* HOLD: all rows in key order. */
static int
write_held(struct merge *m)
{
	const struct fold_change *v;
	struct span key;
	size_t n;
	int rc = fold_begin(m->rows_held, 1 + m->n_more);

	while (rc == 0 && (rc = fold_next(m->rows_held, &key, &v, &n)) == 0 && key.p != NULL) {
		m->n_lines = 0;
		for (size_t i = 0; i < n; i++)
			add_line(m, v[i].row);
		rc = write_rows(m, key, m->line, n);
	}
	return rc;
}

int
merge_end(struct merge *m)
{
	int rc = m->how == BASE_HOLD ? write_held(m) : flush_lines(m);

	while (rc == 0 && m->cur.key.p != NULL)
		if ((rc = write_key(m, m->cur.key, NULL, 0, m->cur.v, m->cur.n)) == 0)
			rc = advance(m);
	return rc;
}

/* ---- the end in pieces ---- */

size_t
merge_pieces(struct merge *m)
{
	size_t threads = 1 + m->n_more, n;

	if (m->n_pieces > 0 || m->conf.based || threads == 1 ||
	    (n = fold_split(m->fold, threads, PIECES_BYTES / (2 * threads + 2))) < 2)
		return 0;
	m->n_truncates = fold_truncates(m->fold, &m->truncate, &m->cap_truncates);
	m->piece = mem_new(mem_mul(n, sizeof *m->piece));
	return m->n_pieces = n;
}

int
merge_piece(struct merge *m, size_t i, int (*put)(void *arg, struct span line), void *arg)
{
	struct fold_reader *r = fold_range(m->fold, i);
	struct zip_conf conf = m->conf.zip;
	const struct fold_change *v;
	struct span key;
	struct zip *z;
	const char *why;		/* of a base */
	size_t n;
	int rc = 0;

	conf.put = put;
	conf.arg = arg;
	z = zip_new(&conf);
	while (rc == 0 && (rc = fold_reader_next(r, &key, &v, &n)) == 0 && key.p != NULL)
		rc = zip_key(z, NULL, 0, v, n, m->truncate, m->n_truncates, &why);
	m->piece[i] = (struct piece){ *zip_counts(z), fold_reader_mixed(r) };
	zip_free(z);
	fold_reader_done(r);
	return rc;
}
