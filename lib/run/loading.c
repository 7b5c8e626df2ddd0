/* SPDX-License-Identifier: BSD-2-Clause */
/* loading - see loading.h */
#include <stdlib.h>

#include "base/clock.h"
#include "edge/replay.h"
#include "in/rec.h"
#include "run/loading.h"

/* Of a change, in replay_line.at: 1 + where the value begins; 0: nowhere.  A truncate has neither row nor key. */
enum place { OP, ROW, KEY, VERSION_AT, TABLE, DB, COLUMNS, T_TABLE = ROW, T_DB = KEY };

#define LOOK_MS 60000	/* between two looks at a table that lacks nothing */

struct loading {
	struct ctx *c;
	struct target_conf conf;
	struct target *target;
	struct load *load;
	struct replay *rows;
	int col[COLUMNS];		/* the same as columns of the batch, -1: not asked for */
	char *version;			/* the column's name */
	const char *truncates_of;
	struct buf db, table;		/* scratch */
	uint64_t ddl;			/* changes of the table's shape: passed over */
	int64_t looked;			/* when the table was read last */
	bool changes, create, last;
	bool lacking;			/* a record had a member that is no column */
};

/* ---- what a record is ---- */

static struct val
value_at(struct span line, uint64_t at)
{
	const char *p = line.p + at - 1, *end = line.p + line.n;

	return at == 0 ? val_of(span_of("", 0)) : val_of(span_of(p, (size_t)(rec_value_end(p, end) - p)));
}

static const char *
put_members(struct target *t, enum target_for what, struct span object)
{
	const char *why = NULL;
	struct span key;
	struct rec r;
	struct val v;

	for (rec_begin(&r, object); why == NULL && rec_next(&r, &key, &v);)
		why = target_put(t, what, key, v);
	return why;
}

/* One of c, r, u, d, t; 0: something else, which no table knows. */
static char
op_of(struct val v)
{
	bool one = v.tag == T_STR && v.raw.n == 3 && memchr("crudt", v.raw.p[1], 5) != NULL;

	return one ? v.raw.p[1] : '\0';
}

/* A change of what the table is, not of what it holds. */
static bool
is_ddl(struct val v)
{
	return v.tag == T_STR && span_is(v.raw, "\"ddl\"");
}

/* Is `[DB.]T` that one? */
static bool
is_named(const char *whose, struct span db, struct span table)
{
	size_t n = strlen(whose);

	if (span_is(table, whose))
		return true;
	return n == db.n + 1 + table.n && whose[db.n] == '.' && memcmp(whose, db.p, db.n) == 0 &&
	    memcmp(whose + db.n + 1, table.p, table.n) == 0;
}

/*
 * All rows go.  Of another table a truncate looks the same but for its name, while a row of it would hardly fit: so it
 * is done only where the name says so.
 */
static const char *
change_all(struct loading *l, const struct replay_line *line, struct load_row *row)
{
	struct val table = value_at(line->text, line->at[T_TABLE]), db = value_at(line->text, line->at[T_DB]);
	struct span name = table.tag == T_STR ? val_text(table, &l->table) : span_str(""), in = span_str("");
	const char *why = NULL;

	if (db.tag == T_STR)
		in = val_text(db, &l->db);
	if (name.n == 0)
		return "the truncate does not say of which table";
	if (l->truncates_of == NULL ? !span_eq(name, target_name(l->target)) :
	    !is_named(l->truncates_of, in, name))
		return "a truncate of another table (--truncates-of)";
	target_begin(l->target);
	if (l->col[VERSION_AT] != -1)
		why = target_version(l->target, value_at(line->text, line->at[VERSION_AT]));
	return why == NULL ? target_all(l->target, row) : why;
}

static const char *
change_row(struct loading *l, const struct replay_line *line, struct load_row *row)
{
	struct val val_row = value_at(line->text, line->at[ROW]), key = value_at(line->text, line->at[KEY]);
	char op = op_of(value_at(line->text, line->at[OP]));
	bool away = op == 'd', mark = target_marks(l->target);
	const char *why = NULL;

	if (op == '\0')
		return "the op is none of c, u, d, r and t";
	if (op == 't')
		return change_all(l, line, row);
	if (!away && val_row.tag != T_OBJ)
		return "the change has no row";
	target_begin(l->target);
	if (l->col[VERSION_AT] != -1)
		why = target_version(l->target, value_at(line->text, line->at[VERSION_AT]));
	if (why == NULL && away && key.tag == T_OBJ && (!mark || val_row.tag != T_OBJ))
		why = put_members(l->target, TARGET_KEY, key.raw);
	if (why == NULL && val_row.tag == T_OBJ)
		why = put_members(l->target, !away ? TARGET_ROW : mark ? TARGET_MARK : TARGET_REST, val_row.raw);
	return why == NULL ? target_end(l->target, away, row) : why;
}

static const char *
plain_row(struct loading *l, struct span line, struct load_row *row)
{
	const char *why;

	target_begin(l->target);
	why = put_members(l->target, TARGET_ROW, line);
	return why == NULL ? target_end(l->target, false, row) : why;
}

/* ---- what the loader asks ---- */

static void
rewind_rows(void *arg)
{
	replay_rewind(((struct loading *)arg)->rows);
}

static int
next_row(void *arg, struct load_row *row, int *status)
{
	struct loading *l = arg;
	struct replay_line line;
	int got = replay_next(l->rows, &row->id);

	*status = got == -1 ? EXIT_IO : 0;
	if (got == 1) {
		replay_line(l->rows, row->id, &line);
		row->why = l->changes ? change_row(l, &line, row) : plain_row(l, line.text, row);
	}
	return got;
}

static int
reject_row(void *arg, struct span id, const char *why)
{
	struct loading *l = arg;
	struct replay_line line;

	replay_line(l->rows, id, &line);
	ctx_recount(l->c, 1, F_USED, F_REJECT);
	return ctx_reject(l->c, (struct where){ line.source, line.number, line.offset }, why, line.text);
}

static bool
is_stopped(void *arg)
{
	return ctx_stopped(((struct loading *)arg)->c);
}

static int
agree(void *arg)
{
	struct loading *l = arg;

	return l->last ? ctx_rejects_ok(l->c) : 0;
}

static void
make_loader(struct loading *l)
{
	struct load_conf conf = { .rewind = rewind_rows, .next = next_row, .reject = reject_row,
	    .stopped = is_stopped, .agree = agree, .arg = l };

	load_free(l->load);
	target_loader(l->target, &conf);
	l->load = load_new(&conf);
}

/* ---- from set_up on ---- */

/* The members beside the op: where its last segment stands in the path, `name` instead. */
static int
beside(struct loading *l, const char *op, const char *name, int *col)
{
	const char *last = strrchr(op, *op == '/' ? '/' : '.');
	struct buf path = { 0 };

	if (last != NULL)
		buf_add(&path, op, (size_t)(last + 1 - op));
	buf_str(&path, name);
	*col = ctx_col(l->c, buf_span(&path), "--op");
	buf_free(&path);
	return *col == -1 ? EXIT_USAGE : 0;
}

static int
ask_columns(struct loading *l, const struct loading_conf *conf, struct target_conf *t)
{
	const char *eq = conf->version == NULL ? NULL : strchr(conf->version, '=');
	int rc;

	for (size_t i = 0; i < COLUMNS; i++)
		l->col[i] = -1;
	l->truncates_of = conf->truncates_of;
	if (conf->version != NULL)
		l->version = mem_dup(span_of(conf->version, strcspn(conf->version, "=")));
	t->version = l->version;
	t->version_apart = eq != NULL;
	if (conf->op == NULL) {
		if (eq != NULL)
			return ctx_usage(l->c, "--version-by: COLUMN=PATH is of a change: --op");
		if (conf->truncates_of != NULL)
			return ctx_usage(l->c, "--truncates-of: there are none without --op");
		return t->soft_delete == NULL ? 0 : ctx_usage(l->c, "--soft-delete: nothing is deleted without --op");
	}
	if ((l->col[OP] = ctx_col(l->c, span_str(conf->op), "--op")) == -1)
		return EXIT_USAGE;
	if ((rc = beside(l, conf->op, "row", &l->col[ROW])) != 0 ||
	    (rc = beside(l, conf->op, "key", &l->col[KEY])) != 0 ||
	    (rc = beside(l, conf->op, "table", &l->col[TABLE])) != 0 ||
	    (rc = beside(l, conf->op, "db", &l->col[DB])) != 0)
		return rc;
	if (eq != NULL && (l->col[VERSION_AT] = ctx_col(l->c, span_str(eq + 1), "--version-by")) == -1)
		return EXIT_USAGE;
	return 0;
}

int
loading_open(struct ctx *c, const struct loading_conf *conf, struct loading **out)
{
	struct loading *l = mem_new(sizeof *l);
	struct target_conf t = conf->target;
	int rc;

	*out = l;
	l->c = c;
	l->changes = t.removes = conf->op != NULL;
	l->create = conf->create;
	t.db = conf->db;
	t.zone = ctx_zone(c);
	l->rows = replay_new(conf->budget);
	rc = ask_columns(l, conf, &t);
	l->conf = t;
	if (rc != 0 || (rc = target_open(&t, &l->target)) != 0)
		return rc;
	if (!target_there(l->target) && !conf->create)
		return err_usage("%s: there is no such table (--create makes it)", t.table);
	make_loader(l);
	l->looked = clock_ms();
	return 0;
}

/* For a table that is to be made: what columns there are. */
static void
see(struct loading *l, const struct batch *b, size_t i)
{
	struct span object = b->line[i], key;
	struct rec r;
	struct val v;

	char op = l->changes ? op_of(b->col[l->col[OP]][i]) : 'c';

	if (op == '\0' || op == 't')
		return;
	if (l->col[VERSION_AT] != -1)
		target_see(l->target, span_str(l->version), b->col[l->col[VERSION_AT]][i]);
	if (l->changes)
		object = b->col[l->col[ROW]][i].tag == T_OBJ ? b->col[l->col[ROW]][i].raw : span_str("{}");
	for (rec_begin(&r, object); rec_next(&r, &key, &v);)
		target_see(l->target, key, v);
}

static void
place(const struct loading *l, const struct batch *b, size_t i, int from, struct replay_line *line, int to)
{
	const struct val *v = l->col[from] == -1 ? NULL : &b->col[l->col[from]][i];

	line->at[to] = v == NULL || v->tag == T_ABSENT ? 0 : (uint64_t)(v->raw.p - line->text.p) + 1;
}

/* Where a change has what. True: it is a truncate. */
static bool
places(const struct loading *l, const struct batch *b, size_t i, struct replay_line *line)
{
	bool all = op_of(b->col[l->col[OP]][i]) == 't';

	for (int k = 0; k < REPLAY_PLACES; k++)
		place(l, b, i, k, line, k);
	if (all) {
		place(l, b, i, TABLE, line, T_TABLE);
		place(l, b, i, DB, line, T_DB);
	}
	return all;
}

/*
 * No table is changed by a statement that came with the data: who may write rows need not be who may alter tables, the
 * one here is often not the one there, and a statement that commits by itself would break an epoch in two.  It is
 * counted; the first is told, for the records behind it may not fit any more.
 */
static void
pass_over(struct loading *l, const struct batch *b, size_t i)
{
	struct where w;

	b->fate[i] = F_DROP;
	if (l->ddl++ > 0)
		return;
	w = ctx_where(l->c, b, i);
	err_warn("%s:%llu: a ddl: it is not applied, only counted, as are those that follow", w.source,
	    (unsigned long long)w.line);
}

int
loading_add(struct loading *l, const struct batch *b)
{
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		struct where w = ctx_where(l->c, b, i);
		struct replay_line line = { b->line[i], w.source, w.line, w.offset, { 0 } };

		if (l->changes && is_ddl(b->col[l->col[OP]][i])) {
			pass_over(l, b, i);
			continue;
		}
		b->fate[i] = F_USED;
		if (!target_there(l->target))
			see(l, b, i);
		/* a table that is not made yet has no rows to lose */
		if (l->changes && places(l, b, i, &line) && !target_there(l->target) && replay_count(l->rows) == 0)
			continue;
		rc = replay_add(l->rows, &line);
	}
	return rc;
}

/*
 * The table as it is now, between two transactions.  One that is gone, and a server that is, are for the next
 * transaction to find: it knows how to wait for one.
 */
static int
look_again(struct loading *l)
{
	struct target *now;
	struct buf said = { 0 }, *held = err_hold(&said);
	int rc = target_open(&l->conf, &now);

	err_hold(held);
	l->looked = clock_ms();
	if (rc == 0 && target_there(now)) {
		struct target *old = l->target;

		l->target = now;
		make_loader(l);
		now = old;
	} else if (rc == EXIT_TEMP) {
		rc = 0;
	} else {
		err_release(&said);
	}
	target_close(now);
	buf_free(&said);
	return rc;
}

int
loading_table(struct loading *l)
{
	int rc;

	if (replay_count(l->rows) == 0)		/* no value, no type */
		return 0;
	if (target_there(l->target)) {
		l->lacking = l->lacking || target_lacks(l->target);
		return l->lacking || clock_ms() - l->looked >= LOOK_MS ? look_again(l) : 0;
	}
	if ((rc = target_create(l->target)) == 0)
		make_loader(l);
	return rc;
}

struct load *
loading_load(struct loading *l)
{
	return l->load;
}

struct target *
loading_target(struct loading *l)
{
	return l->target;
}

struct replay *
loading_rows(struct loading *l)
{
	return l->rows;
}

uint64_t
loading_ddl(const struct loading *l)
{
	return l->ddl;
}

void
loading_last(struct loading *l)
{
	l->last = true;
}

void
loading_clear(struct loading *l)
{
	replay_clear(l->rows);
}

void
loading_free(struct loading *l)
{
	if (l == NULL)
		return;
	load_free(l->load);
	target_close(l->target);
	replay_free(l->rows);
	free(l->version);
	buf_free(&l->db);
	buf_free(&l->table);
	free(l);
}
