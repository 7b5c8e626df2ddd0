/* SPDX-License-Identifier: BSD-2-Clause */
/* dest - see dest.h */
#include <stdlib.h>

#include "run/ctx.h"
#include "run/dest.h"
#include "run/txn.h"
#include "store/commit.h"
#include "store/publish.h"

static int
open_target(struct dest *d, const char *name, const char *by, struct target *x)
{
	const struct meta *m;
	int rc = table_open(span_str(name), PLACE_WRITE, LOG_HEAD, &x->table);

	if (rc != 0)
		return rc;
	m = &x->table->meta;
	if (m->kind == KIND_UPSERT)
		return ctx_usage(d->ctx, "%s is keyed: ingest appends; use wh-put --partition-by", name);
	if (by == NULL && (by = m->day) == NULL)
		return ctx_usage(d->ctx, "--partition-by is required: table %s says no day", name);
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

static int
open_route(struct dest *d, const struct dest_conf *conf)
{
	char *name = job_name(conf);
	int rc = job_open(name, &d->job);

	free(name);
	if (rc == 0)
		rc = route_open(conf->route, d->ctx, &d->route);
	if (rc != 0)
		return rc;
	d->table = d->job->log;
	d->name = d->table->name;
	d->target = mem_array(NULL, d->route->n_tables, sizeof *d->target);
	for (size_t i = 0; rc == 0 && i < d->route->n_tables; i++) {
		const struct route_table *t = &d->route->table[i];

		d->target[d->n] = (struct target){ .part = { .col = -1 } };
		rc = open_target(d, t->name, t->day != NULL ? t->day : conf->by, &d->target[d->n++]);
	}
	return rc;
}

int
dest_open(struct dest *d, struct ctx *c, const struct dest_conf *conf)
{
	int rc = 0;

	*d = (struct dest){ .ctx = c, .name = conf->table };
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

	if (d->job != NULL)
		d->record = commit_new("data", "ingest", d->table->live->head);
	for (size_t i = 0; rc == 0 && i < d->n; i++) {
		struct target *x = &d->target[i];

		if (d->job != NULL && (rc = table_follow(x->table)) != 0)
			break;
		if ((rc = change_begin(x->table, "ingest", run, &x->change)) == 0)
			x->rows = rows_new(&(struct rows_conf){ .t = x->table, .c = x->change, .app = app,
			    .budget = ctx_budget(d->ctx) });
	}
	return rc != 0 ? dest_end(d, rc) : 0;
}

int
dest_source(struct dest *d, const char *app)
{
	return d->job != NULL || d->n == 0 ? 0 : rows_app(d->target[0].rows, app);
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

int
dest_put(struct dest *d, const struct batch *b, const struct span *line)
{
	int rc = 0;

	if (d->n == 0)
		return to_stdout(d, b, line);
	if (line == NULL)
		line = b->line;
	for (size_t i = 0; rc == 0 && i < b->n; i++) {
		int to = d->route == NULL ? 0 : route_of(d->route, b, i);
		struct target *x = &d->target[to < 0 ? 0 : to];
		char day[WHEN_DAY_BYTES];
		struct row row = { 0 };
		const char *why;
		bool timed;
		int64_t ms;

		if (to < 0) {
			batch_reject(b, i, "no route leads to a table");
			continue;
		}
		if ((why = partition_day(&x->part, b, i, day, &ms, &timed)) != NULL ||
		    (why = rows_look(x->rows, line[i])) != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		row.ms = timed ? &ms : NULL;
		b->fate[i] = F_USED;
		rc = rows_put(x->rows, day, line[i], &row);
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
		else if ((rc = change_prepare(x->change, &prepared)) == 0 && prepared != NULL)
			json_object_set_new(tables, x->table->name, prepared);
		x->change = NULL;
	}
	if (rc == 0 && json_object_get(d->record, "txns") != NULL) {
		rc = job_publish(d->job, d->record, tables);
		if (rc == 0)
			d->commit = d->table->live->head;
	} else {
		json_decref(tables);
	}
	json_decref(d->record);
	d->record = NULL;
	return rc;
}

int
dest_end(struct dest *d, int rc)
{
	uint64_t commit = 0;

	if (rc == 0)
		rc = ctx_rejects_ok(d->ctx);
	for (size_t i = 0; i < d->n; i++) {
		struct target *x = &d->target[i];

		if (rc == 0)
			rc = rows_end(x->rows);
		else
			rows_free(x->rows);
		x->rows = NULL;
	}
	if (d->job != NULL)
		return end_route(d, rc);
	if (d->n == 0)
		return rc;
	if (rc == 0)
		rc = change_end(d->target[0].change, &commit);
	else
		change_abort(d->target[0].change);
	d->target[0].change = NULL;
	if (rc == 0 && commit > 0)
		d->commit = commit;
	return rc;
}

void
dest_close(struct dest *d)
{
	if (d->ctx != NULL)
		ctx_note(d->ctx, "commit", d->commit);
	for (size_t i = 0; i < d->n; i++) {
		partition_free(&d->target[i].part);
		table_close(d->target[i].table);
	}
	free(d->target);
	route_close(d->route);
	job_close(d->job);
	*d = (struct dest){ 0 };
}
