/* SPDX-License-Identifier: BSD-2-Clause */
/* extract - see extract.h */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "edge/mysql_select.h"
#include "expr/expr.h"
#include "out/json.h"
#include "run/extract.h"
#include "run/extract_log.h"
#include "run/hwm.h"

struct part {
	struct db_tab *tab;
	struct select sel;
	struct span *key;		/* "name": of each cell */
	struct buf name;		/* DB.TABLE */
	size_t n_key, *key_col;		/* 0: it cannot be read in pieces */
};

struct extract {
	struct ctx *c;
	struct extract_conf conf;
	struct db *db;			/* the first connection */
	struct sql_arg *arg;
	struct part *part;
	size_t n_parts;
	struct hwm *mark;
	struct buf low, high;		/* bounds of since */
	struct extract_log *log;
	/* shared by the threads */
	pthread_mutex_t lock;
	size_t next;			/* part that nobody has taken */
	int rc;				/* of the first that failed */
	uint64_t rows;			/* since `began`: what --rate is about */
	uint64_t zeros;			/* zero dates that were seen */
	struct timespec began;
};

/* A row as a record, or why it is none: then bad is its cell, or all of it. */
struct made { const char *why; struct span bad; uint64_t zeros; struct buf reason; };

struct reader { struct extract *x; struct db *db; pthread_t thread; bool runs; };

/* ---- set-up ---- */

static int
part_open(struct extract *x, struct part *p, const char *name)
{
	struct expr_env env = ctx_env(x->c, NULL);
	int rc = db_table(x->db, span_str(name), &p->tab);

	if (rc != 0)
		return rc;
	if (p->tab->n == 0)
		return err_remote("%s: there is no such table, or it may not be read", name);
	p->sel = (struct select){ .db = x->db, .tab = p->tab, .columns = x->conf.columns, .where = x->conf.where,
	    .since = x->conf.since, .arg = x->arg, .n_args = env.n_args };
	if ((rc = select_columns(&p->sel)) != 0)
		return rc;
	p->key = mem_array(NULL, p->sel.n, sizeof *p->key);
	for (size_t i = 0; i < p->sel.n; i++) {
		struct buf b = { 0 };

		json_key(&b, p->tab->col[p->sel.col[i]].name);
		p->key[i] = buf_span(&b);
	}
	buf_fmt(&p->name, "%.*s.%.*s", (int)p->tab->db.n, p->tab->db.p, (int)p->tab->name.n, p->tab->name.p);
	p->key_col = mem_array(NULL, p->tab->n, sizeof *p->key_col);
	p->n_key = x->conf.to == NULL ? 0 : select_key(&p->sel, p->key_col);
	p->sel.keyset = p->n_key > 0 && x->conf.chunk > 0;
	return 0;
}

/* A bound or the last key of a piece may be a zero date: MySQL 8 compares with none where it would not store it. */
static unsigned
session_flags(const struct extract_conf *conf)
{
	return DB_ZERO_DATES | (conf->insecure ? DB_INSECURE : 0u);
}

int
extract_open(struct ctx *c, const struct extract_conf *conf, struct extract **out)
{
	struct expr_env env = ctx_env(c, NULL);
	struct extract *x = mem_new(sizeof *x);
	int rc;

	*out = x;
	x->c = c;
	x->conf = *conf;
	(void)pthread_mutex_init(&x->lock, NULL);
	if ((rc = db_open(conf->options, session_flags(conf), &x->db)) != 0)
		return rc;
	x->arg = mem_array(NULL, env.n_args, sizeof *x->arg);
	for (size_t i = 0; i < env.n_args; i++)
		x->arg[i] = (struct sql_arg){ env.arg[i].name, env.arg[i].value };
	x->part = mem_array(NULL, conf->table.n, sizeof *x->part);
	memset(x->part, 0, conf->table.n * sizeof *x->part);
	for (size_t i = 0; i < conf->table.n && rc == 0; i++) {
		x->n_parts++;
		rc = part_open(x, &x->part[i], conf->table.v[i]);
		for (size_t k = 0; k < i && rc == 0; k++)
			if (span_eq(buf_span(&x->part[k].name), buf_span(&x->part[i].name)))
				rc = ctx_usage(c, "--table: %s stands twice", buf_cstr(&x->part[i].name));
	}
	return rc;
}

int
extract_schema(struct extract *x)
{
	int rc = 0;

	for (size_t k = 0; k < x->n_parts; k++)
		for (size_t i = 0; i < x->part[k].sel.n && rc == 0; i++) {
			const struct db_tab *tab = x->part[k].tab;
			const struct db_col *col = &tab->col[x->part[k].sel.col[i]];
			struct buf *b = ctx_made_begin(x->c, NULL, 0);

			buf_str(b, "{\"db\":");
			buf_json(b, tab->db);
			buf_str(b, ",\"table\":");
			buf_json(b, tab->name);
			buf_str(b, ",\"column\":");
			buf_json(b, col->name);
			buf_str(b, ",\"type\":");
			buf_json(b, col->type);
			buf_str(b, ",\"key\":");
			if (col->key == 0)
				buf_str(b, "null");
			else
				buf_u64(b, col->key);
			buf_byte(b, '}');
			ctx_count_in(x->c, 1, F_USED);
			rc = ctx_made_end(x->c);
		}
	return rc;
}

/* ---- rows ---- */

/* --rate: sleep until so many rows may have been read. */
static void
pace(struct extract *x)
{
	struct timespec due;
	uint64_t ns;

	if (x->conf.rate == 0)
		return;
	pthread_mutex_lock(&x->lock);
	if (x->rows++ == 0)
		clock_gettime(CLOCK_MONOTONIC, &x->began);
	due = x->began;
	ns = (uint64_t)due.tv_nsec + (x->rows % x->conf.rate) * UINT64_C(1000000000) / x->conf.rate;
	due.tv_sec += (time_t)(x->rows / x->conf.rate + ns / UINT64_C(1000000000));
	due.tv_nsec = (long)(ns % UINT64_C(1000000000));
	pthread_mutex_unlock(&x->lock);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
		;
}

/* A zero date, as it was asked for. True: it is printed, as null. */
static bool
zero_date(const struct extract *x, const struct db_col *c, struct made *m, struct buf *b)
{
	m->zeros++;
	if (x->conf.zero_dates == ZERO_REJECT && m->reason.n == 0) {
		buf_span_add(&m->reason, c->name);
		buf_str(&m->reason, ": a zero date");
	}
	if (x->conf.zero_dates == ZERO_NULL)
		buf_str(b, "null");
	return x->conf.zero_dates == ZERO_NULL;
}

/* Append it to b, which was empty. */
static void
print_row(const struct extract *x, const struct part *p, const struct span *cell, struct buf *b, struct made *m)
{
	m->why = NULL;
	m->zeros = 0;
	buf_clear(&m->reason);
	buf_byte(b, '{');
	for (size_t i = 0; i < p->sel.n && m->why == NULL; i++) {
		const struct db_col *c = &p->tab->col[p->sel.col[i]];

		if (i > 0)
			buf_byte(b, ',');
		buf_span_add(b, p->key[i]);
		if (cell[i].p == NULL)
			buf_str(b, "null");
		else if (cell_is_zero_date(c, cell[i]) && zero_date(x, c, m, b))
			continue;
		else if ((m->why = cell_json(c, cell[i], ctx_zone(x->c), b)) != NULL)
			m->bad = cell[i];
	}
	buf_byte(b, '}');
	if (m->why == NULL && m->reason.n > 0) {
		m->why = buf_cstr(&m->reason);
		m->bad = buf_span(b);
	}
}

/* Bytes that are no UTF-8 make a row bad, and where it was asked for, a zero date. */
static int
reject_row(struct extract *x, const struct part *p, uint64_t n, const struct made *m)
{
	ctx_count_in(x->c, 1, F_REJECT);
	return ctx_reject(x->c, (struct where){ p->name.p, n, 0 }, m->why, m->bad);
}

static int
row_out(struct extract *x, const struct part *p, const struct span *cell, uint64_t n, struct made *m)
{
	print_row(x, p, cell, ctx_made_begin(x->c, NULL, 0), m);
	x->zeros += m->zeros;
	if (m->why != NULL)
		return reject_row(x, p, n, m);
	ctx_count_in(x->c, 1, F_USED);
	return ctx_made_end(x->c);
}

/* --from and --until make a part that is the same at every run; without --from it begins at the mark. */
static int
bounds(struct extract *x, struct part *p)
{
	const struct zone *z = ctx_zone(x->c);
	struct buf what = { 0 };
	const char *why = NULL, *whose = "--from";
	int rc = 0;

	if (x->conf.from != NULL) {
		why = select_bound(&p->sel, x->conf.from, z, &x->low);
	} else {
		buf_fmt(&what, "%s %s", buf_cstr(&p->name), x->conf.since);
		rc = hwm_open(x->conf.mark, buf_cstr(&what), &x->mark);
		whose = "--overlap";
		if (rc == 0 && hwm_value(x->mark) != NULL && x->conf.overlap != NULL)
			why = select_back(&p->sel, hwm_value(x->mark), x->conf.overlap, z, &x->low);
		else if (rc == 0 && hwm_value(x->mark) != NULL)
			buf_str(&x->low, hwm_value(x->mark));
		buf_free(&what);
	}
	if (why == NULL && rc == 0 && x->conf.until != NULL) {
		whose = "--until";
		why = select_bound(&p->sel, x->conf.until, z, &x->high);
	} else if (why == NULL && rc == 0) {
		rc = select_until(&p->sel, x->conf.lag, z, &x->high);
	}
	if (why != NULL)
		return ctx_usage(x->c, "%s: %s", whose, why);
	if (rc == 0)
		rc = select_nulls(&p->sel);
	p->sel.from = x->low.n == 0 ? NULL : buf_cstr(&x->low);
	p->sel.until = x->high.n == 0 ? NULL : buf_cstr(&x->high);
	return rc;
}

static int
row_end(struct db *db, int got)
{
	return got != -1 ? 0 : db_last(db) == DB_AGAIN ? EXIT_TEMP : EXIT_REMOTE;
}

static int
one_table(struct extract *x)
{
	struct part *p = &x->part[0];
	struct span *cell = mem_array(NULL, p->tab->n, sizeof *cell);
	struct made made = { 0 };
	uint64_t n = 0;
	int got = 0, rc;

	/* the bounds first: what is written between the two must lie behind the end, not before it and unseen */
	if ((rc = x->conf.since == NULL ? 0 : bounds(x, p)) == 0 && (rc = select_snapshot(&p->sel)) == 0)
		rc = select_begin(&p->sel);
	while (rc == 0 && (got = db_row(x->db, cell)) == 1) {
		pace(x);
		rc = row_out(x, p, cell, ++n, &made);
	}
	free(cell);
	buf_free(&made.reason);
	return rc != 0 ? rc : row_end(x->db, got);
}

/* ---- files ---- */

/* The rows of a piece into its file; *n of them, *last where the table ends with it; after: its last key. */
static int
piece_rows(struct extract *x, const struct part *p, struct select *sel, struct sink *out, struct piece *now)
{
	struct span *cell = mem_array(NULL, 2 * p->tab->n, sizeof *cell);
	struct made made = { 0 };
	struct buf line = { 0 };
	uint64_t seen = 0;
	int got = 0, rc = select_begin(sel);

	while (rc == 0 && (got = db_row(sel->db, cell)) == 1) {
		pace(x);
		buf_clear(&line);
		seen++;
		print_row(x, p, cell, &line, &made);
		if (made.why == NULL) {
			rc = sink_line(out, buf_span(&line));
			now->rows++;
		}
		pthread_mutex_lock(&x->lock);
		x->zeros += made.zeros;
		if (made.why != NULL)
			rc = reject_row(x, p, seen, &made);
		else
			ctx_count_in(x->c, 1, F_USED);
		pthread_mutex_unlock(&x->lock);
		if (p->sel.keyset && seen == sel->limit)
			piece_key(now, cell + p->sel.n, p->n_key);
	}
	now->last = sel->limit == 0 || seen < sel->limit;
	free(cell);
	buf_free(&line);
	buf_free(&made.reason);
	return rc != 0 ? rc : row_end(sel->db, got);
}

/* One piece: its file, whole, then its line. */
static int
piece(struct extract *x, const struct part *p, struct select *sel, struct piece *now)
{
	struct buf path = { 0 };
	struct sink *out;
	int rc;

	buf_fmt(&path, "%s/%s/%06" PRIu64 ".ndjson.zst", x->conf.to, p->name.p, now->number);
	if ((rc = sink_open(buf_cstr(&path), &out)) == 0) {
		rc = piece_rows(x, p, sel, out, now);
		if (rc == 0)
			rc = sink_close(out);
		else
			sink_abort(out);
	}
	buf_free(&path);
	if (rc != 0)
		return rc;
	pthread_mutex_lock(&x->lock);
	rc = extract_log_piece(x->log, p->name.p, now);
	pthread_mutex_unlock(&x->lock);
	return rc;
}

static int
table_files(struct extract *x, struct part *p, struct db *db)
{
	struct piece now = { 0 };
	struct select sel = p->sel;
	int rc = extract_log_table(x->log, p->name.p, p->n_key, &now);

	sel.db = db;
	sel.limit = p->sel.keyset ? x->conf.chunk : 0;
	while (rc == 0 && !now.last) {
		bool stop;

		sel.after = now.n_key > 0 ? now.key : NULL;
		now.number++;
		now.rows = 0;
		rc = piece(x, p, &sel, &now);
		pthread_mutex_lock(&x->lock);
		stop = x->rc != 0;
		pthread_mutex_unlock(&x->lock);
		if (stop)
			break;
	}
	piece_free(&now);
	return rc;
}

/* A connection's work: one table behind the other, until none is left or one failed. */
static void *
read_tables(void *arg)
{
	struct reader *r = arg;
	struct extract *x = r->x;

	pthread_mutex_lock(&x->lock);
	while (x->rc == 0 && x->next < x->n_parts) {
		struct part *p = &x->part[x->next++];
		int rc;

		pthread_mutex_unlock(&x->lock);
		rc = table_files(x, p, r->db);
		pthread_mutex_lock(&x->lock);
		if (x->rc == 0)
			x->rc = rc;
	}
	pthread_mutex_unlock(&x->lock);
	return NULL;
}

/* One snapshot for all connections: nobody writes while they open theirs. */
static int
snapshots(struct extract *x, struct reader *r, size_t n)
{
	struct select s = { 0 };
	int rc = n == 1 ? 0 : db_query(x->db, "snapshot", span_str("FLUSH TABLES WITH READ LOCK"));

	/* the first one last: its transaction would let go of the lock */
	for (size_t i = n; i-- > 1 && rc == 0;) {
		s.db = r[i].db;
		rc = select_snapshot(&s);
	}
	s.db = x->db;
	if (rc == 0)
		rc = select_snapshot(&s);
	return rc != 0 || n == 1 ? rc : db_query(x->db, "snapshot", span_str("UNLOCK TABLES"));
}

/* What a manifest is of. */
static void
sign(const struct extract *x, struct buf *b)
{
	for (size_t i = 0; i < x->n_parts; i++)
		buf_fmt(b, "%s %s", i == 0 ? "tables" : ",", x->part[i].name.p);
	buf_fmt(b, "; columns %s; where %s", x->conf.columns == NULL ? "all" : x->conf.columns,
	    x->conf.where == NULL ? "all" : x->conf.where);
	for (size_t i = 0; x->conf.where != NULL && i < x->part[0].sel.n_args; i++)
		buf_fmt(b, "; %.*s=%.*s", (int)x->arg[i].name.n, x->arg[i].name.p, (int)x->arg[i].value.n,
		    x->arg[i].value.p);
	if (x->conf.zero_dates != ZERO_KEEP)
		buf_fmt(b, "; zero dates %s", x->conf.zero_dates == ZERO_NULL ? "null" : "reject");
}

static int
files(struct extract *x)
{
	size_t n = x->conf.connections < x->n_parts ? (size_t)x->conf.connections : x->n_parts;
	struct reader *r = mem_array(NULL, n, sizeof *r);
	struct buf what = { 0 };
	size_t left = 0;
	int rc;

	sign(x, &what);
	memset(r, 0, n * sizeof *r);
	rc = extract_log_open(x->conf.to, buf_cstr(&what), &x->log);
	for (size_t i = 0; i < n; i++) {
		r[i].x = x;
		r[i].db = x->db;
		if (rc == 0 && i > 0)
			rc = db_open(x->conf.options, session_flags(&x->conf), &r[i].db);
	}
	for (size_t i = 0; i < x->n_parts && rc == 0; i++) {
		rc = extract_log_dir(x->log, x->part[i].name.p);
		left += !extract_log_whole(x->log, x->part[i].name.p);
	}
	if (left == 0)
		x->next = x->n_parts;
	else if (rc == 0 && (rc = snapshots(x, r, n)) == 0)
		rc = extract_log_snapshot(x->log);
	for (size_t i = 1; i < n && rc == 0; i++)
		r[i].runs = pthread_create(&r[i].thread, NULL, read_tables, &r[i]) == 0;
	if (rc == 0)
		(void)read_tables(&r[0]);
	for (size_t i = 1; i < n; i++) {
		if (r[i].runs)
			(void)pthread_join(r[i].thread, NULL);
		if (r[i].db != x->db)
			db_close(r[i].db);
	}
	free(r);
	buf_free(&what);
	return rc != 0 ? rc : x->rc;
}

int
extract_rows(struct extract *x)
{
	int rc = x->conf.to == NULL ? one_table(x) : files(x);

	ctx_note(x->c, "zero_dates", x->zeros);
	return rc == 0 ? ctx_rejects_ok(x->c) : rc;
}

int
extract_close(struct extract *x, int status)
{
	if (x == NULL)
		return status;
	/* a clock that was set back does not set the mark back, nor does an overlap */
	if (status == 0 && x->mark != NULL && x->part[0].sel.until != NULL && (hwm_value(x->mark) == NULL ||
	    select_before(&x->part[0].sel, hwm_value(x->mark), x->part[0].sel.until)))
		status = hwm_save(x->mark, x->part[0].sel.until);
	extract_log_close(x->log);
	for (size_t i = 0; i < x->n_parts; i++)
		db_table_free(x->part[i].tab);
	db_close(x->db);
	return status;
}
