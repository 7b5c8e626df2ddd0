/* SPDX-License-Identifier: BSD-2-Clause */
/* epochs - see epochs.h */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "store/epochs.h"
#include "store/job.h"
#include "store/publish.h"

/* A state that was followed so far is read anew: the old one still has the texts of files that are gone since. */
#define REOPEN_COMMITS 4096

int
epochs_open(const char *table, const char *job, struct epochs *e)
{
	int rc = job_name_check(job);

	*e = (struct epochs){ 0 };
	if (rc != 0 || (rc = table_open(span_str(table), PLACE_WRITE, LOG_HEAD, &e->table)) != 0)
		return rc;
	snprintf(e->app, sizeof e->app, "sink/%s", job);
	e->opened = e->table->live->head;
	e->meta = e->table->live->meta_commit;
	return 0;
}

void
epochs_close(struct epochs *e)
{
	table_close(e->table);
	e->table = NULL;
}

/* Whoever opened the table read what it was then. */
static int
changed(const struct epochs *e)
{
	return err_temp("%s: commit %" PRIu64 " changed what the table is: start again", e->table->name,
	    e->table->live->meta_commit);
}

/* Where the log says that this sink is: `ID`, and with a side file its length, `ID BYTES`. */
static int
position(struct epochs *e)
{
	const struct app *a = live_app(e->table->live, e->app);
	int n = 0, m = 0;

	e->done = e->side = 0;
	e->at[0] = '\0';
	if (a == NULL || a->to == NULL)
		return 0;
	snprintf(e->at, sizeof e->at, "%s", a->to);
	if (e->at[0] >= '1' && e->at[0] <= '9' && sscanf(e->at, "%" SCNu64 "%n %" SCNu64 "%n", &e->done, &n, &e->side,
	    &m) >= 1 && a->to[m > n ? m : n] == '\0')
		return 0;
	return err_input("%s: '%.60s' is no epoch of %s", e->table->name, a->to, e->app);
}

int
epochs_begin(struct epochs *e)
{
	const struct live *s = e->table->live;
	const char *app = e->app;
	int rc = publish_first(e->table);

	if (rc != 0)
		return rc;
	/* what a first writer says of it by itself is what was assumed */
	if (s->meta_commit != e->meta && (e->meta != 0 || !s->implicit))
		return changed(e);
	e->meta = s->meta_commit;
	if ((rc = publish_fence(e->table, &app, 1, &e->fence)) != 0 ||
	    (rc = pool_collect(e->table, &app, 1, e->fence)) != 0 ||
	    /* views of what a dead run committed last */
	    (rc = publish_after(e->table)) != 0)
		return rc;
	return position(e);
}

/* The newest state. */
static int
follow(struct epochs *e)
{
	struct table *t;
	int rc;

	if ((rc = table_follow(e->table)) != 0 || e->table->live->head - e->opened < REOPEN_COMMITS)
		return rc;
	if ((rc = table_open(span_str(e->table->name), PLACE_WRITE, LOG_HEAD, &t)) != 0)
		return rc;
	table_close(e->table);
	e->table = t;
	e->opened = t->live->head;
	return 0;
}

int
epochs_change(struct epochs *e, const char *who, struct change **c)
{
	const struct live *s;
	const struct app *a;
	int rc = follow(e);

	*c = NULL;
	if (rc != 0)
		return rc;
	s = e->table->live;
	a = live_app(s, e->app);
	if (a == NULL || a->fence != e->fence || s->star > e->fence)
		return err_temp("%s: %s was fenced by commit %" PRIu64 ": this run of it is over", e->table->name,
		    e->app, a != NULL && a->fence > s->star ? a->fence : s->star);
	if (s->meta_commit != e->meta)
		return changed(e);
	return change_begin(e->table, who, NULL, c);
}

int
epochs_commit(struct epochs *e, struct change *c, uint64_t id, uint64_t side, uint64_t *commit)
{
	char to[sizeof e->at];
	int rc;

	*commit = 0;
	if (id != e->done + 1) {
		change_abort(c);
		return err_input("%s: epoch %" PRIu64 " came behind %" PRIu64, e->table->name, id, e->done);
	}
	if (side > 0)
		snprintf(to, sizeof to, "%" PRIu64 " %" PRIu64, id, side);
	else
		snprintf(to, sizeof to, "%" PRIu64, id);
	change_source(c, e->app, e->at, to, e->fence);
	rc = change_end(c, commit);
	/* all that was trimmed from it is there already: not by us */
	if (rc == 0 && *commit == 0)
		rc = err_temp("%s: epoch %" PRIu64 " was committed by another run of %s", e->table->name, id, e->app);
	if (rc == 0) {
		e->done = id;
		e->side = side;
		memcpy(e->at, to, sizeof to);
	}
	return rc;
}
