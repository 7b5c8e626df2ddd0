/* SPDX-License-Identifier: BSD-2-Clause */
/* dest - see dest.h */
#include <stdlib.h>

#include "in/rec.h"
#include "out/json.h"
#include "run/ctx.h"
#include "run/dest.h"
#include "run/txn.h"
#include "store/commit.h"
#include "store/publish.h"

#define UNROUTED_WORD "_word"

/* x->table is open already, or NULL. */
static int
open_target(struct dest *d, const char *name, const char *by, struct target *x)
{
	const struct meta *m;
	int rc = x->table != NULL ? 0 : table_open(span_str(name), PLACE_WRITE, LOG_HEAD, &x->table);

	if (rc != 0)
		return rc;
	m = &x->table->meta;
	if (m->kind == KIND_UPSERT && d->job == NULL)
		return ctx_usage(d->ctx, "%s is keyed: ingest appends; use wh-put --partition-by", name);
	if (m->kind == KIND_UPSERT)
		return err_usage("%s is keyed: ingest appends", name);
	if (by == NULL)
		by = m->day;
	x->by = by != NULL;
	if (by == NULL && !x->today && d->job == NULL)
		return ctx_usage(d->ctx, "--partition-by is required: table %s says no day", name);
	if (by == NULL && !x->today)
		return err_usage("--partition-by is required: table %s says no day", name);
	if (by == NULL) {
		x->part = (struct partition){ .col = -1, .zone = m->tz == NULL ? ctx_zone(d->ctx) : zone_open(m->tz) };
		return 0;
	}
	return partition_set_up(d->ctx, by, m->tz == NULL ? NULL : zone_open(m->tz), &x->part);
}

/* A job is called like its file of routes, without what stands before it and behind the first dot. */
static char *
job_name(const struct dest_conf *conf)
{
	const char *slash;

	if (conf->job != NULL)
		return mem_str(conf->job);
	slash = strrchr(conf->route, '/');
	slash = slash == NULL ? conf->route : slash + 1;
	return mem_dup(span_of(slash, strcspn(slash, ".")));
}

/* The table among those that are open; NULL. */
static struct table *
open_already(const struct dest *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->target[i].table != NULL && strcmp(d->target[i].table->name, name) == 0)
			return d->target[i].table;
	return NULL;
}

/* Targets: those of a route, and where its records do not all have a line, the table of the others. */
struct targets {
	struct target *v;
	size_t n;
	int unrouted;
};

/* Forget them, but for tables that d has too. */
static void
targets_free(const struct dest *d, struct targets *t)
{
	for (size_t i = 0; i < t->n; i++) {
		partition_free(&t->v[i].part);
		if (t->v[i].table != NULL && open_already(d, t->v[i].table->name) != t->v[i].table)
			table_close(t->v[i].table);
	}
	free(t->v);
	*t = (struct targets){ 0 };
}

static int
open_targets(struct dest *d, const struct route *r, struct targets *t)
{
	int rc = 0;

	*t = (struct targets){ .v = mem_array(NULL, r->n_tables + 1, sizeof *t->v), .unrouted = -1 };
	for (size_t i = 0; rc == 0 && i < r->n_tables; i++) {
		const struct route_table *x = &r->table[i];

		t->v[t->n] = (struct target){ .part = { .col = -1 }, .table = open_already(d, x->name) };
		rc = open_target(d, x->name, x->day != NULL ? x->day : d->by, &t->v[t->n++]);
		if (rc == 0 && !r->all && strcmp(x->name, UNROUTED) == 0)
			t->unrouted = (int)i;
	}
	if (rc == 0 && !r->all && t->unrouted == -1) {
		t->unrouted = (int)t->n;
		t->v[t->n] = (struct target){ .part = { .col = -1 }, .today = true };
		t->v[t->n].table = open_already(d, UNROUTED);
		rc = open_target(d, UNROUTED, d->by, &t->v[t->n++]);
	}
	if (t->unrouted != -1)
		t->v[t->unrouted].today = true;
	return rc;
}

static int
open_route(struct dest *d, const struct dest_conf *conf)
{
	char *name = job_name(conf);
	struct buf key = { 0 };
	struct targets t;
	int rc = job_open(name, &d->job);

	free(name);
	if (rc == 0)
		rc = route_open(conf->route, d->ctx, &d->route);
	if (rc != 0)
		return rc;
	d->by = conf->by;
	d->table = d->job->log;
	d->name = d->table->name;
	json_key(&key, span_str(UNROUTED_WORD));
	d->word_key = buf_span(&key);
	if ((d->word_col = ctx_col(d->ctx, span_str(UNROUTED_WORD), "--route")) == -1)
		return EXIT_USAGE;
	rc = open_targets(d, d->route, &t);
	d->target = t.v;
	d->n = t.n;
	d->unrouted = t.unrouted;
	return rc;
}

/* What dead writers of ours left in a table that is new here: we are behind the fence, and have written nothing yet. */
static int
collect_new(struct dest *d, const struct targets *t)
{
	const char **name = mem_array(NULL, t->n, sizeof *name);
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < t->n; i++)
		if (open_already(d, t->v[i].table->name) == NULL)
			name[n++] = t->v[i].table->name;
	rc = n == 0 ? 0 : job_redo(d->job, name, n);
	free(name);
	return rc;
}

/* Between commits: by what the file says now, if it says something else that can be followed. */
static int
follow_route(struct dest *d)
{
	size_t paths = ctx_paths(d->ctx)->n;
	struct route *next;
	struct targets t, old;
	int rc = 0;

	route_again(d->route, &next);
	if (next != NULL && open_targets(d, next, &t) != 0) {
		targets_free(d, &t);
		route_refuse(d->route, next);
		next = NULL;
	}
	if (next != NULL && (rc = collect_new(d, &t)) != 0) {
		targets_free(d, &t);
		route_close(next);
		return rc;
	}
	if (next != NULL) {
		old = (struct targets){ .v = d->target, .n = d->n };
		route_close(d->route);
		d->route = next;
		d->target = t.v;
		d->n = t.n;
		d->unrouted = t.unrouted;
		targets_free(d, &old);
	}
	route_rescan(d->ctx, paths);
	return rc;
}

int
dest_open(struct dest *d, struct ctx *c, const struct dest_conf *conf)
{
	int rc = 0;

	*d = (struct dest){ .ctx = c, .name = conf->table, .unrouted = -1, .fold = conf->fold };
	if (conf->table == NULL && conf->route == NULL)
		return conf->by == NULL ? 0 : ctx_usage(c, "--partition-by needs -d or --route");
	if (ctx_run_dir(c) == NULL && (rc = txn_redo()) != 0)
		return rc;
	if (conf->route != NULL)
		return open_route(d, conf);
	d->target = mem_array(NULL, 1, sizeof *d->target);
	d->target[0] = (struct target){ .part = { .col = -1 } };
	d->n = 1;
	rc = open_target(d, conf->table, conf->by, &d->target[0]);
	d->table = d->target[0].table;
	return rc;
}

int
dest_follow(struct dest *d)
{
	int rc = table_follow(d->table);

	if (rc == 0 && d->job != NULL)
		rc = job_redo(d->job, NULL, 0);
	return rc != 0 ? rc : publish_after(d->table);
}

int
dest_fenced(struct dest *d)
{
	const char **name;
	int rc;

	if (d->job == NULL)
		return 0;
	name = mem_array(NULL, d->n, sizeof *name);
	for (size_t i = 0; i < d->n; i++)
		name[i] = d->target[i].table->name;
	rc = job_redo(d->job, name, d->n);
	free(name);
	return rc;
}

int
dest_begin(struct dest *d)
{
	const char *run = ctx_run_dir(d->ctx), *app = d->job == NULL ? NULL : d->job->app;
	int rc = 0;

	if (d->job != NULL) {
		if ((rc = follow_route(d)) != 0)
			return rc;
		d->record = commit_new("data", "ingest", d->table->live->head);
	}
	for (size_t i = 0; rc == 0 && i < d->n; i++) {
		struct target *x = &d->target[i];

		if (d->job != NULL && (rc = table_follow(x->table)) != 0)
			break;
		if ((rc = change_begin(x->table, "ingest", run, &x->change)) == 0)
			x->rows = rows_new(&(struct rows_conf){ .t = x->table, .c = x->change, .app = app,
			    .budget = ctx_budget(d->ctx), .apart = d->apart });
	}
	return rc != 0 ? dest_end(d, rc) : 0;
}

int
dest_source(struct dest *d, const char *app)
{
	return d->job != NULL || d->n == 0 ? 0 : rows_app(d->target[0].rows, app);
}

void
dest_turn(struct dest *d, const char *app)
{
	rows_turn(d->target[0].rows, app);
}

bool
dest_crowded(const struct dest *d)
{
	return rows_crowded(d->target[0].rows);
}

static int
to_stdout(struct dest *d, const struct batch *b, const struct span *line)
{
	int rc = 0;

	/* untouched lines pass by themselves */
	for (size_t i = 0; line != NULL && rc == 0 && i < b->n; i++) {
		buf_span_add(ctx_pass_begin(d->ctx, b, i), line[i]);
		rc = ctx_pass_end(d->ctx);
	}
	return rc;
}

/* The member of a line that key, `"name":`, names; absent where there is none. */
static struct val
member_of(struct span line, struct span key)
{
	struct span name = span_of(key.p + 1, key.n - 3), k;
	struct rec r;
	struct val v;

	rec_begin(&r, line);
	while (rec_next(&r, &k, &v))
		if (span_eq(k, name))
			return v;
	return (struct val){ 0 };
}

/* Where record i goes, or ROUTE_…; *line: what is written of it, with its word where that is kept. */
static int
place(struct dest *d, const struct batch *b, size_t i, struct span *line)
{
	int k = d->route == NULL ? 0 : route_of(d->route, b, i), col = d->word_col;
	const struct route_line *l = d->route == NULL || k == -1 ? NULL : &d->route->line[k];
	struct span key = d->word_key;
	struct edit e;

	if (d->route == NULL)
		return 0;
	if (l != NULL && l->to < 0)
		return l->to;
	if (l != NULL) {
		key = l->as;
		col = l->as_col;
	}
	if (key.n > 0) {
		buf_clear(&d->text);
		route_word(d->route, b, i, &d->text);
		e = (struct edit){ .old = b->col[col][i], .key = key, .kind = EDIT_SET, .value = buf_span(&d->text) };
		buf_clear(&d->lines);
		/* it may have got members already (--meta), and then the old word is not where it was */
		if (line->p != b->line[i].p && !val_is_null(e.old))
			e.old = member_of(*line, key);
		json_edit(&d->lines, *line, &e, 1);
		*line = buf_span(&d->lines);
	}
	return l == NULL ? d->unrouted : l->to;
}

/* The day of record i; what has no line always has one. */
static const char *
day_of(struct dest *d, struct target *x, const struct batch *b, size_t i, char day[WHEN_DAY_BYTES], int64_t *ms,
    bool *timed)
{
	const char *why = "no day";

	*timed = false;
	if (x->by && (why = partition_day(&x->part, b, i, day, ms, timed)) == NULL)
		return NULL;
	if (!x->today)
		return why;
	when_day(ctx_now_us(d->ctx), x->part.zone, day);
	*timed = false;
	return NULL;
}

/* rows_look: of a line that is written as it came the scanner knows the members. */
static const char *
look(struct dest *d, struct rows *r, const struct batch *b, size_t i, struct span text)
{
	size_t n = text.p == b->line[i].p && text.n == b->line[i].n ?
	    scan_members(d->ctx->main_feed.scan, &b->line[i], d->member, DEST_MEMBERS_MAX) : SIZE_MAX;

	return n == SIZE_MAX ? rows_look(r, text) : rows_look_members(r, text, d->member, n);
}

int
dest_put(struct dest *d, const struct batch *b, const struct span *line)
{
	int rc = 0;

	if (d->n == 0)
		return to_stdout(d, b, line);
	if (line == NULL)
		line = b->line;
	for (size_t i = 0; rc == 0 && i < b->n; i++) {
		struct span text = line[i];
		int to = place(d, b, i, &text);
		struct target *x = &d->target[to < 0 ? 0 : to];
		char day[WHEN_DAY_BYTES];
		struct row row = { 0 };
		const char *why;
		bool timed;
		int64_t ms;

		if (to == ROUTE_ELSEWHERE) {
			b->fate[i] = F_DROP;
			continue;
		}
		if (to < 0) {
			batch_reject(b, i, "no route leads to a table");
			continue;
		}
		if ((why = day_of(d, x, b, i, day, &ms, &timed)) != NULL ||
		    (why = look(d, x->rows, b, i, text)) != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		row.ms = timed ? &ms : NULL;
		b->fate[i] = F_USED;
		d->n_unrouted += to == d->unrouted;
		rc = rows_put(x->rows, day, text, &row);
	}
	return rc;
}

void
dest_moved(struct dest *d, const char *app, const char *from, const char *to, uint64_t epoch)
{
	json_t *txns;

	if (d->job == NULL) {
		if (d->n > 0)
			change_source(d->target[0].change, app, from, to, epoch);
		return;
	}
	if ((txns = json_object_get(d->record, "txns")) == NULL) {
		txns = json_array();
		json_object_set_new(d->record, "txns", txns);
	}
	json_array_append_new(txns, json_pack("{s:s,s:s,s:s,s:I}", "app", app, "from", from, "to", to, "epoch",
	    (json_int_t)epoch));
}

/* The tables' files are made durable, then the job's record links them all. */
static int
end_route(struct dest *d, int rc)
{
	json_t *tables = json_object(), *prepared;

	for (size_t i = 0; i < d->n; i++) {
		struct target *x = &d->target[i];

		if (rc != 0)
			change_abort(x->change);
		else if ((rc = change_prepare(x->change, &prepared)) == 0 && prepared != NULL) {
			json_object_set_new(prepared, "route", json_string(d->route->version));
			json_object_set_new(tables, x->table->name, prepared);
		}
		x->change = NULL;
	}
	if (rc == 0 && json_object_get(d->record, "txns") != NULL) {
		json_object_set_new(d->record, "route", json_string(d->route->version));
		if (strcmp(d->said, d->route->version) != 0)
			json_object_set_new(d->record, "routes", json_stringn(d->route->bytes.p, d->route->bytes.n));
		rc = job_publish(d->job, d->record, tables);
		if (rc == 0) {
			d->commit = d->table->live->head;
			memcpy(d->said, d->route->version, sizeof d->said);
		}
	} else {
		json_decref(tables);
	}
	json_decref(d->record);
	d->record = NULL;
	return rc;
}

/* What is rejected is in its file before the rows beside it are committed: never nowhere. */
static int
rejects_first(struct dest *d)
{
	uint64_t size;

	if (d->n == 0 || d->rejected == d->ctx->total_rejects)
		return 0;
	d->rejected = d->ctx->total_rejects;
	return ctx_rejects_size(d->ctx, &size);
}

/* What small commits leave: a few large files instead of many. In a run nothing is there yet. */
static int
fold_tables(struct dest *d)
{
	int rc = 0;

	if (d->fold == 0 || ctx_run_dir(d->ctx) != NULL)
		return 0;
	for (size_t i = 0; rc == 0 && i < d->n && !run_stop; i++) {
		struct target *x = &d->target[i];
		uint64_t before = x->fold.files;

		x->fold.most = d->fold;
		if (d->job == NULL || (rc = table_follow(x->table)) == 0)
			rc = fold_small(&x->fold, x->table);
		d->folded += x->fold.files - before;
	}
	return rc;
}

int
dest_end(struct dest *d, int rc)
{
	uint64_t commit = 0;

	if (rc == 0 && (rc = ctx_rejects_ok(d->ctx)) == 0)
		rc = rejects_first(d);
	for (size_t i = 0; i < d->n; i++) {
		struct target *x = &d->target[i];

		if (rc == 0)
			rc = rows_end(x->rows);
		else
			rows_free(x->rows);
		x->rows = NULL;
	}
	if (d->job != NULL)
		return (rc = end_route(d, rc)) != 0 ? rc : fold_tables(d);
	if (d->n == 0)
		return rc;
	if (rc == 0)
		rc = change_end(d->target[0].change, &commit);
	else
		change_abort(d->target[0].change);
	d->target[0].change = NULL;
	if (rc == 0 && commit > 0)
		d->commit = commit;
	return rc == 0 && commit > 0 ? fold_tables(d) : rc;
}

void
dest_close(struct dest *d)
{
	if (d->ctx != NULL)
		ctx_note(d->ctx, "commit", d->commit);
	if (d->folded > 0)
		ctx_note(d->ctx, "folded", d->folded);
	if (d->ctx != NULL && d->job != NULL)
		ctx_note(d->ctx, "unrouted", d->n_unrouted);
	for (size_t i = 0; i < d->n; i++) {
		partition_free(&d->target[i].part);
		table_close(d->target[i].table);
	}
	free(d->target);
	buf_free(&d->text);
	buf_free(&d->lines);
	route_close(d->route);
	job_close(d->job);
	*d = (struct dest){ 0 };
}
