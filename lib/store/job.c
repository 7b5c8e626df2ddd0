/* SPDX-License-Identifier: BSD-2-Clause */
/* job - see job.h */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/job.h"
#include "store/pool.h"
#include "store/publish.h"

#define TRIES 5		/* of a table that others commit to, or change, at the same time */

int
job_name_check(const char *name)
{
	if (*name != '\0' && strlen(name) <= NAME_BYTES_MAX &&
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0')
		return 0;
	return err_usage("job '%s': at most %d of a-z, 0-9 and _", name, NAME_BYTES_MAX);
}

int
job_open(const char *name, struct job **out)
{
	struct job *j = mem_new(sizeof *j);
	struct table *t = mem_new(sizeof *t);
	struct buf b = { 0 };
	int rc = job_name_check(name);

	*out = NULL;
	j->log = t;
	if (rc == 0 && (rc = place_get(&t->place)) == 0) {
		snprintf(j->app, sizeof j->app, "job/%s", name);
		t->name = mem_str(j->app);
		buf_fmt(&b, "%s/_jobs", t->place.write);
		table_lies(t, fs_under(buf_cstr(&b), name));
		if ((rc = log_read(&t->log, LOG_HEAD, &t->live)) == 0)
			rc = meta_parse(span_str(t->live->meta), t->name, &t->meta);
	}
	buf_free(&b);
	if (rc != 0)
		job_close(j);
	else
		*out = j;
	return rc;
}

void
job_close(struct job *j)
{
	if (j == NULL)
		return;
	table_close(j->log);
	free(j);
}

int
job_names(const struct place *p, struct fs_names *out)
{
	char *dir = fs_under(p->write, "_jobs");
	int rc = fs_list(dir, out);

	free(dir);
	return rc;
}

bool
job_owns(const struct fs_names *jobs, const char *file)
{
	char app[80];

	for (size_t i = 0; i < jobs->n; i++)
		if (snprintf(app, sizeof app, "job/%s", jobs->v[i]) < (int)sizeof app &&
		    pool_orphan(file, app, UINT64_MAX))
			return true;
	return false;
}

/* The record of the table's own log. */
static json_t *
for_table(const struct job *j, const struct table *t, const json_t *prepared, const char *from, const char *to)
{
	static const char *const member[] = { "days", "schema", "counts", "route" };
	json_t *c = commit_new("data", "ingest", t->live->head), *v;

	for (size_t i = 0; i < sizeof member / sizeof *member; i++)
		if ((v = json_object_get(prepared, member[i])) != NULL)
			json_object_set_new(c, member[i], json_deep_copy(v));
	json_object_set_new(c, "txns", json_pack("[{s:s,s:s,s:s,s:I}]", "app", j->app, "from", from, "to", to, "epoch",
	    (json_int_t)t->live->head));
	return c;
}

/* Bring what record n of the job has for a table into it, where it is not there yet. */
static int
enter(const struct job *j, uint64_t n, const char *name, const json_t *prepared)
{
	struct table *t;
	char to[24];
	int rc = table_open(span_str(name), PLACE_WRITE, LOG_HEAD, &t);

	if (rc != 0)
		return rc;
	snprintf(to, sizeof to, "%" PRIu64, n);
	for (int i = 0; i < TRIES; i++) {
		const struct app *a = live_app(t->live, j->app);
		const char *from = a == NULL || a->to == NULL ? "" : a->to;
		json_t *c;

		if (strtoull(from, NULL, 10) >= n)
			break;
		c = for_table(j, t, prepared, from, to);
		rc = publish(t, c, 0, NULL);
		json_decref(c);
		/* others may have changed what the table is, or this may be another's work by now: look again */
		if (rc == 0 || rc != EXIT_TEMP || (rc = table_follow(t)) != 0)
			break;
	}
	if (rc == 0) {
		const struct app *a = live_app(t->live, j->app);

		if (a == NULL || a->to == NULL || strtoull(a->to, NULL, 10) < n)
			rc = err_temp("%s: record %" PRIu64 " of %s did not get in", name, n, j->app);
		else
			rc = publish_after(t);	/* views: whoever put it in may not have got to them */
	}
	table_close(t);
	return rc;
}

static int
enter_all(struct job *j, uint64_t n, const json_t *record)
{
	json_t *tables = json_object_get(record, "tables"), *prepared;
	const char *name;
	int rc = 0;

	json_object_foreach(tables, name, prepared)
		if (rc == 0)
			rc = enter(j, n, name, prepared);
	if (rc == 0)
		j->done = n;
	return rc;
}

int
job_redo(struct job *j, const char *const *table, size_t n)
{
	json_t *record = NULL;
	uint64_t at = j->log->live->head;
	int rc = 0;

	for (; rc == 0 && at > j->done && record == NULL; at--) {
		if ((rc = log_record(&j->log->log, at, &record)) != 0 || record == NULL)
			break;
		if (strcmp(commit_text(record, "kind"), "data") != 0) {
			json_decref(record);
			record = NULL;
		}
	}
	if (rc == 0 && record != NULL)
		rc = enter_all(j, at + 1, record);
	json_decref(record);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const char *app = j->app;
		struct table *t;

		if ((rc = table_open(span_str(table[i]), PLACE_WRITE, LOG_HEAD, &t)) != 0)
			break;
		/* every writer but us is fenced, and we have written nothing yet: unlisted means abandoned */
		rc = pool_collect(t, &app, 1, UINT64_MAX);
		table_close(t);
	}
	return rc;
}

int
job_publish(struct job *j, json_t *record, json_t *tables)
{
	uint64_t n;
	int rc;

	json_object_set_new(record, "tables", tables);
	if ((rc = publish(j->log, record, PUBLISH_WHOLE, &n)) != 0)
		return rc;
	return n == 0 ? 0 : enter_all(j, n, record);
}
