/* SPDX-License-Identifier: BSD-2-Clause */
/* rollback - see rollback.h */
#include <inttypes.h>
#include <stdlib.h>

#include "base/err.h"
#include "store/change.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/history.h"
#include "store/rollback.h"

struct target {			/* a table, and what is taken back in it */
	struct table *t;
	struct change *change;
	uint64_t oldest;	/* the lowest commit whose files are restored */
	bool closed;
};

struct rollback {
	rollback_each *each;
	void *arg;
	struct rundir run;
	struct target *target;
	size_t n;
};

struct rollback *
rollback_new(rollback_each *each, void *arg)
{
	struct rollback *r = mem_new(sizeof *r);

	*r = (struct rollback){ .each = each, .arg = arg, .run.lock = -1 };
	return r;
}

void
rollback_free(struct rollback *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++) {
		if (!r->target[i].closed)
			change_abort(r->target[i].change);
		table_close(r->target[i].t);
	}
	if (r->run.dir != NULL && r->run.lock != -1)
		(void)rundir_drop(&r->run, "the rollback was not carried out");
	rundir_free(&r->run);
	free(r->target);
	free(r);
}

/* The table as a target: opened, and a change of it begun in the run. t becomes r's. */
static int
add_target(struct rollback *r, struct table *t, struct target **out)
{
	int rc = 0;

	r->target = mem_array(r->target, r->n + 1, sizeof *r->target);
	*out = &r->target[r->n];
	**out = (struct target){ .t = t, .oldest = UINT64_MAX };
	if (r->run.dir == NULL)
		rc = rundir_make(&t->place, "rollback", span_of(NULL, 0), &r->run);
	if (rc == 0)
		rc = change_begin(t, "wh-rollback", r->run.dir, &(*out)->change);
	if (rc != 0) {
		table_close(t);
		return rc;
	}
	change_whole((*out)->change);
	r->n++;
	return 0;
}

/* The table as it was, or NULL and 0 when that is not kept any more. */
static int
state_at(const struct table *t, uint64_t to, struct live **out)
{
	uint64_t floor;
	int rc;

	*out = NULL;
	if (to == 0) {
		*out = live_new();
		return 0;
	}
	if ((rc = log_floor(&t->log, &floor)) != 0)
		return rc;
	return to < floor ? 0 : log_read(&t->log, to, out);
}

static int
collected(const struct table *t, uint64_t to)
{
	err_warn("%s: commit %" PRIu64 " is not kept any more", t->name, to);
	return EXIT_NO;
}

static int
restore(struct rollback *r, struct target *x, const struct live *was, const char *day, uint64_t to)
{
	const struct day *d = live_day(was, day);
	int64_t rows = d == NULL ? -1 : 0;

	for (size_t i = 0; d != NULL && i < d->n; i++)
		rows += (int64_t)d->file[i].rows;
	change_restore(x->change, d, day, to);
	if (to < x->oldest)
		x->oldest = to;
	return r->each(r->arg, x->t->name, day, to, rows);
}

int
rollback_day(struct rollback *r, struct span table, const char *day, uint64_t to)
{
	struct live *was = NULL;
	struct target *x;
	struct table *t;
	struct day *d;
	int rc;

	if ((rc = table_open(table, PLACE_WRITE, LOG_HEAD, &t)) != 0)
		return rc;
	d = live_any_day(t->live, day);
	if (d == NULL || (to != ROLLBACK_BEFORE && to > t->live->head)) {
		if (d == NULL)
			err_warn("%s@%s: never committed", t->name, day);
		else
			err_warn("%s: there is no commit %" PRIu64, t->name, to);
		table_close(t);
		return EXIT_NO;
	}
	to = to == ROLLBACK_BEFORE ? d->changed - 1 : to;
	rc = state_at(t, to, &was);
	if (rc == 0 && was == NULL)
		rc = collected(t, to);
	if (rc != 0) {
		table_close(t);
		return rc;
	}
	if ((rc = add_target(r, t, &x)) == 0)
		rc = restore(r, x, was, day, to);
	live_free(was);
	return rc;
}

/* ---- a run ---- */

struct found {			/* what one table's log says of the run */
	const char *run;
	struct map *days;	/* number of the run's first commit of that day */
	json_t *txns;		/* its sources, as the records brought them */
	struct table *t;
	bool force, later;
};

static bool
is_run(const struct found *f, const json_t *c)
{
	return strcmp(commit_text(c, "run"), f->run) == 0;
}

/* A commit of somebody else to a day that the run had changed. */
static void
say_later(struct found *f, const char *day, const json_t *c)
{
	f->later = true;
	if (!f->force)
		err_warn("%s@%s: commit %" PRIu64 " of %s %s has changed it since", f->t->name, day,
		    commit_u64(c, "n"), *commit_text(c, "run") == '\0' ? commit_text(c, "app") : "run",
		    commit_text(c, "run"));
}

static int
look(void *arg, json_t *c)
{
	json_t *days = json_object_get(c, "days"), *d;
	struct found *f = arg;
	bool ours = is_run(f, c), fresh;
	const char *day;

	json_object_foreach(days, day, d) {
		if (strcmp(commit_text(d, "mode"), "rewrite") == 0)
			continue;
		if (ours) {
			uint64_t *first = map_put(f->days, span_str(day), &fresh);

			if (fresh)
				*first = commit_u64(c, "n");
		} else if (map_get(f->days, span_str(day)) != NULL) {
			say_later(f, day, c);
		}
	}
	if (ours)
		json_array_extend(f->txns, json_object_get(c, "txns"));
	return 0;
}

/* Set the run's sources back, the last one first; where one is elsewhere by now, that is a later change too. */
static void
set_back(struct found *f, struct change *change)
{
	for (size_t i = json_array_size(f->txns); i-- > 0;) {
		const json_t *x = json_array_get(f->txns, i);
		const char *app = commit_text(x, "app"), *from = commit_text(x, "from"), *to = commit_text(x, "to");
		const struct app *a = live_app(f->t->live, app);
		size_t first = i;

		/* several commits of one source: from where the first began to where the last ended, once */
		for (size_t k = i + 1; k < json_array_size(f->txns); k++)
			if (strcmp(commit_text(json_array_get(f->txns, k), "app"), app) == 0)
				first = SIZE_MAX;
		if (first == SIZE_MAX)
			continue;
		for (size_t k = 0; k < i; k++)
			if (strcmp(commit_text(json_array_get(f->txns, k), "app"), app) == 0) {
				from = commit_text(json_array_get(f->txns, k), "from");
				break;
			}
		if (a != NULL && a->to != NULL && strcmp(a->to, to) == 0) {
			change_source(change, app, to, from, change_base(change));
			continue;
		}
		f->later = true;
		if (!f->force)
			err_warn("%s: source %s has been read on since (commit %" PRIu64 ")", f->t->name, app,
			    a == NULL ? 0 : a->commit);
	}
}

static int
restore_days(struct rollback *r, struct target *x, const struct found *f)
{
	struct map_entry *e = map_sorted(f->days);
	struct live *was = NULL;
	uint64_t at = UINT64_MAX;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < map_count(f->days); i++) {
		uint64_t to = *(uint64_t *)e[i].cell - 1;
		char day[DAY_BYTES];

		if (to != at) {
			live_free(was);
			rc = state_at(x->t, at = to, &was);
			if (rc == 0 && was == NULL)
				rc = collected(x->t, to);
		}
		if (rc == 0 && day_good(e[i].key, day))
			rc = restore(r, x, was, day, to);
	}
	live_free(was);
	free(e);
	return rc;
}

/* One table; *any when the run has committed to it. */
static int
run_table(struct rollback *r, const char *name, const char *run, bool force, bool *any, bool *later)
{
	struct found f = { .run = run, .force = force };
	struct target *x = NULL;
	int rc;

	if ((rc = table_open(span_str(name), PLACE_WRITE, LOG_HEAD, &f.t)) != 0)
		return rc;
	f.days = map_new(sizeof(uint64_t));
	f.txns = json_array();
	rc = history_each(f.t, look, &f);
	if (rc != 0 || (map_count(f.days) == 0 && json_array_size(f.txns) == 0)) {
		table_close(f.t);
	} else {
		*any = true;
		if ((rc = add_target(r, f.t, &x)) == 0) {
			set_back(&f, x->change);
			rc = restore_days(r, x, &f);
		}
	}
	*later = *later || f.later;
	map_free(f.days);
	json_decref(f.txns);
	return rc;
}

int
rollback_run(struct rollback *r, const char *run, bool force)
{
	bool any = false, later = false;
	struct fs_names l;
	int rc = table_list(&l);

	for (size_t i = 0; rc == 0 && i < l.n; i++)
		rc = run_table(r, l.v[i], run, force, &any, &later);
	fs_names_free(&l);
	if (rc == 0 && !any) {
		err_warn("no table has a commit of run %s", run);
		rc = EXIT_NO;
	}
	return rc == 0 && later && !force ? EXIT_NO : rc;
}

/* ---- the end ---- */

/*
 * The staged record names the files by now, so a collector that has not moved FLOOR yet will leave them alone; one
 * that has, has it over what we want.
 */
static int
still_kept(const struct target *x)
{
	uint64_t floor;
	int rc = log_floor(&x->t->log, &floor);

	return rc == 0 && x->oldest != 0 && x->oldest < floor ? collected(x->t, x->oldest) : rc;
}

int
rollback_end(struct rollback *r, struct buf *commits)
{
	json_t *about = json_pack("{s:s}", "label", "rollback");
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->n; i++) {
		struct target *x = &r->target[i];

		x->closed = true;
		if ((rc = change_end(x->change, NULL)) == 0)
			rc = still_kept(x);
	}
	if (rc == 0 && r->n > 0 && (rc = rundir_publish(&r->run, about, commits)) == 0)
		rundir_free(&r->run);
	json_decref(about);
	return rc;
}
