/* SPDX-License-Identifier: BSD-2-Clause */
/* dest - see dest.h */
#include "run/ctx.h"
#include "run/dest.h"
#include "run/txn.h"
#include "store/publish.h"

int
dest_open(struct dest *d, struct ctx *c, const char *table, const char *by)
{
	const struct meta *m;
	int rc;

	*d = (struct dest){ .ctx = c, .name = table };
	if (table == NULL)
		return by == NULL ? 0 : ctx_usage(c, "--partition-by needs -d");
	if (ctx_run_dir(c) == NULL && (rc = txn_redo()) != 0)
		return rc;
	if ((rc = table_open(span_str(table), PLACE_WRITE, LOG_HEAD, &d->table)) != 0)
		return rc;
	m = &d->table->meta;
	if (m->kind == KIND_UPSERT)
		return ctx_usage(c, "%s is keyed: ingest appends; use wh-put --partition-by", table);
	if (by == NULL && (by = m->day) == NULL)
		return ctx_usage(c, "--partition-by is required: table %s says no day", table);
	return partition_set_up(c, by, m->tz == NULL ? NULL : zone_open(m->tz), &d->part);
}

int
dest_follow(struct dest *d)
{
	int rc = table_follow(d->table);

	return rc != 0 ? rc : publish_after(d->table);
}

int
dest_begin(struct dest *d)
{
	int rc;

	if (d->table == NULL || (rc = change_begin(d->table, "ingest", ctx_run_dir(d->ctx), &d->change)) != 0)
		return d->table == NULL ? 0 : rc;
	d->rows = rows_new(&(struct rows_conf){ .t = d->table, .c = d->change, .budget = ctx_budget(d->ctx) });
	return 0;
}

int
dest_source(struct dest *d, const char *app)
{
	return d->rows == NULL ? 0 : rows_app(d->rows, app);
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

	if (d->table == NULL)
		return to_stdout(d, b, line);
	if (line == NULL)
		line = b->line;
	for (size_t i = 0; rc == 0 && i < b->n; i++) {
		char day[WHEN_DAY_BYTES];
		struct row row = { 0 };
		const char *why;
		bool timed;
		int64_t ms;

		if ((why = partition_day(&d->part, b, i, day, &ms, &timed)) != NULL ||
		    (why = rows_look(d->rows, line[i])) != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		row.ms = timed ? &ms : NULL;
		b->fate[i] = F_USED;
		rc = rows_put(d->rows, day, line[i], &row);
	}
	return rc;
}

void
dest_moved(struct dest *d, const char *app, const char *from, const char *to, uint64_t epoch)
{
	if (d->change != NULL)
		change_source(d->change, app, from, to, epoch);
}

int
dest_end(struct dest *d, int rc)
{
	uint64_t commit = 0;

	if (rc == 0)
		rc = ctx_rejects_ok(d->ctx);
	if (d->change == NULL)
		return rc;
	if (rc == 0)
		rc = rows_end(d->rows);
	else
		rows_free(d->rows);
	d->rows = NULL;
	if (rc == 0)
		rc = change_end(d->change, &commit);
	else
		change_abort(d->change);
	d->change = NULL;
	if (rc == 0 && commit > 0)
		d->commit = commit;
	return rc;
}

void
dest_close(struct dest *d)
{
	if (d->ctx != NULL)
		ctx_note(d->ctx, "commit", d->commit);
	partition_free(&d->part);
	if (d->table != NULL)
		table_close(d->table);
	d->table = NULL;
}
