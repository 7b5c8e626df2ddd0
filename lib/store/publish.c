/* SPDX-License-Identifier: BSD-2-Clause */
/* publish - see publish.h */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/pool.h"
#include "store/publish.h"
#include "store/view.h"

#define SETTLE_TRIES 500		/* of 10 ms */

/* ---- validation ---- */

/* Take the files that belong to a source out of a record. */
static void
drop_files(json_t *c, const char *app)
{
	json_t *days = json_object_get(c, "days"), *d;
	const char *day;
	void *tmp;

	json_object_foreach_safe(days, tmp, day, d) {
		json_t *add = json_object_get(d, "add");

		for (size_t i = json_array_size(add); i-- > 0;)
			if (strcmp(commit_text(json_array_get(add, i), "app"), app) == 0 &&
			    json_object_get(json_array_get(add, i), "of") == NULL)
				json_array_remove(add, i);
		if (json_array_size(add) == 0 && json_array_size(json_object_get(d, "rm")) == 0 &&
		    strcmp(commit_text(d, "mode"), "replace") != 0)
			json_object_del(days, day);
	}
}

/*
 * A source that is not at `from`, or was fenced, is dropped from the record; *lost: it is not where we would
 * bring it.
 */
static void
check_sources(const struct live *s, json_t *c, unsigned how, bool *lost)
{
	json_t *txns = json_object_get(c, "txns");
	uint64_t star = (how & (PUBLISH_RUN | PUBLISH_CHECK)) == 0 ? s->star : 0;
	bool whole = json_is_true(json_object_get(c, "whole"));

	for (size_t i = json_array_size(txns); i-- > 0;) {
		const json_t *x = json_array_get(txns, i);
		const struct app *a = live_app(s, commit_text(x, "app"));
		const char *at = a == NULL || a->to == NULL ? "" : a->to;
		uint64_t epoch = commit_u64(x, "epoch");

		if ((whole || a == NULL || a->fence <= epoch) && star <= epoch &&
		    strcmp(at, commit_text(x, "from")) == 0)
			continue;
		*lost = *lost || whole || (how & PUBLISH_WHOLE) != 0 || strcmp(at, commit_text(x, "to")) != 0;
		drop_files(c, commit_text(x, "app"));
		json_array_remove(txns, i);
	}
}

/* Is what a replace would bring exactly what is live? */
static bool
same_content(const struct day *d, const json_t *add)
{
	const json_t *f;
	size_t i;

	if (d == NULL || !d->based || d->n != json_array_size(add))
		return false;
	json_array_foreach(add, i, f)
		if (d->file[i].delta != json_is_true(json_object_get(f, "delta")) ||
		    d->file[i].rows != commit_u64(f, "rows") ||
		    d->file[i].bytes != commit_u64(f, "bytes") ||
		    strcmp(d->file[i].xxh64, commit_text(f, "xxh64")) != 0)
			return false;
	return true;
}

static bool
is_live(const struct day *d, const char *file)
{
	for (size_t i = 0; d != NULL && i < d->n; i++)
		if (strcmp(d->file[i].name, file) == 0)
			return true;
	return false;
}

static int
conflict(const struct table *t, const char *day, uint64_t by)
{
	return err_temp("%s@%s: commit %" PRIu64 " changed it meanwhile", t->name, day, by);
}

/* A day that is replaced or dropped: *same when nothing would change. */
static int
check_replace(const struct table *t, const char *day, json_t *j, uint64_t base, unsigned how, bool *same)
{
	const struct day *d = live_any_day(t->live, day);
	bool drop = strcmp(commit_text(j, "mode"), "drop") == 0;
	json_t *rm = json_object_get(j, "rm");

	if (d != NULL && d->changed > base && (how & PUBLISH_RUN) == 0)
		return conflict(t, day, d->changed);
	*same = drop ? d == NULL || d->gone : same_content(d, json_object_get(j, "add"));
	json_array_clear(rm);
	for (size_t i = 0; d != NULL && i < d->n; i++)
		json_array_append_new(rm, json_string(d->file[i].name));
	return 0;
}

/* Is all that a rewrite takes away still live, and in one piece? */
static bool
still_live(const struct day *d, const json_t *rm)
{
	size_t n = json_array_size(rm), at = 0;

	while (d != NULL && at < d->n && n > 0 && strcmp(d->file[at].name, json_string_value(json_array_get(rm,
	    0))) != 0)
		at++;
	if (d == NULL || n == 0 || at + n > d->n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(d->file[at + i].name, json_string_value(json_array_get(rm, i))) != 0)
			return false;
	return true;
}

static int
check_days(const struct table *t, json_t *c, unsigned how)
{
	json_t *days = json_object_get(c, "days"), *j;
	uint64_t base = commit_u64(c, "base");
	const char *day;
	void *tmp;
	int rc = 0;

	json_object_foreach_safe(days, tmp, day, j) {
		const struct day *d = live_day(t->live, day);
		const char *mode = commit_text(j, "mode");
		bool same = false;

		if (strcmp(mode, "replace") == 0 || strcmp(mode, "drop") == 0) {
			if ((rc = check_replace(t, day, j, base, how, &same)) != 0)
				return rc;
		} else if (strcmp(mode, "rewrite") == 0 && !still_live(d, json_object_get(j, "rm"))) {
			/* a run has said that it publishes, and this changes no row: the next one may do it */
			same = (how & PUBLISH_RUN) != 0;
			if (!same)
				return conflict(t, day, d == NULL ? 0 : d->touched);
		}
		if (same)
			json_object_del(days, day);
	}
	return 0;
}

/* Judge and trim a record against the state; *empty: nothing is left to commit. */
static int
validate(const struct table *t, json_t *c, unsigned how, bool *empty)
{
	const struct live *s = t->live;
	uint64_t base = commit_u64(c, "base");
	bool lost = false, had_sources = json_array_size(json_object_get(c, "txns")) > 0;
	/*
	 * first writers all began at 0; the meta record that one of them made says nothing the others did
	 * not assume
	 */
	bool first = base == 0 && s->implicit;
	int rc;

	*empty = false;
	if (strcmp(commit_text(c, "kind"), "meta") == 0) {
		if (s->head == base)
			return 0;
		return err_temp("%s: commit %" PRIu64 " came meanwhile", t->name, s->head);
	}
	if (s->meta_commit > base && !first && (how & PUBLISH_RUN) == 0)
		return err_temp("%s: commit %" PRIu64 " changed what the table is", t->name, s->meta_commit);
	if (s->star > commit_u64(c, "epoch") && (how & (PUBLISH_RUN | PUBLISH_CHECK)) == 0)
		return err_temp("%s: fenced by commit %" PRIu64, t->name, s->star);
	check_sources(s, c, how, &lost);
	if (lost && json_is_true(json_object_get(c, "whole")) && (how & PUBLISH_RUN) == 0)
		return err_temp("%s: a source has been read on meanwhile", t->name);
	if (lost && (how & PUBLISH_WHOLE) != 0)
		return err_temp("%s: another writer has taken over one of its sources", t->name);
	if ((rc = check_days(t, c, how)) != 0)
		return rc;
	*empty = json_object_size(json_object_get(c, "days")) == 0 &&
	    json_array_size(json_object_get(c, "txns")) == 0;
	if (*empty && had_sources && lost)
		return err_temp("%s: another writer has taken over this source", t->name);
	return 0;
}

int
publish_check(struct table *t, const json_t *record)
{
	json_t *c = json_deep_copy(record);
	bool empty;
	int rc = table_follow(t);

	if (rc == 0 && t->live->head > 0)
		rc = validate(t, c, PUBLISH_CHECK, &empty);
	json_decref(c);
	return rc;
}

/* ---- the log ---- */

/*
 * A table first written without `_table`: its first commit says `append`.  Whoever loses this race has what he needs.
 */
static int
first_meta(struct table *t)
{
	json_t *c = commit_new("meta", "wh-put", 0);
	enum link how;
	int rc;

	/* in an overlay: what the table is that it hides */
	json_object_set_new(c, "meta", json_string(*t->live->meta == '\0' ? "kind append\n" : t->live->meta));
	json_object_set_new(c, "implicit", json_true());
	rc = log_link(&t->log, 1, c, &how);
	json_decref(c);
	return rc == 0 ? table_follow(t) : rc;
}

/* FLOOR moved over the number while we linked it: was it folded into the checkpoint before that? */
static int
settle_void(const struct table *t, const char *nonce, uint64_t tried, uint64_t *number)
{
	struct live *s;
	bool known = true;
	int rc, tries = 0;

	/* 75 here would have the whole of it done again, also where it stands: a collector in the way is waited for */
	while ((rc = log_read(&t->log, LOG_HEAD, &s)) == EXIT_TEMP && ++tries < SETTLE_TRIES)
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	if (rc == 0) {
		*number = live_recent(s, nonce);
		known = *number != 0 || s->head < tried + RECENT;
		live_free(s);
	}
	if (rc == EXIT_TEMP || !known)
		return err_io("%s: whether commit %" PRIu64 " entered is not known: see wh-ls -v", t->name, tried);
	return rc;
}

/* Link under the next free number, judged anew after each lost race. */
static int
enter(struct table *t, json_t *c, unsigned flags, uint64_t *number)
{
	uint64_t n, floor;
	enum link how;
	bool empty;
	int rc;

	*number = 0;
	do {
		if ((rc = validate(t, c, flags, &empty)) != 0 || empty)
			return rc;
		n = t->live->head + 1;
		if ((rc = log_floor(&t->log, &floor)) == 0 && floor >= n)
			rc = err_temp("%s: the log was collected past commit %" PRIu64, t->name, n);
		if (rc != 0)
			return rc;
		rc = log_link(&t->log, n, c, &how);
		if (how == LINK_DONE)
			*number = n;
		if (rc != 0)
			return rc;
		if (how == LINK_VOID && (rc = settle_void(t, commit_text(c, "nonce"), n, number)) != 0)
			return rc;
		if ((rc = table_follow(t)) != 0)
			return rc;
	} while (*number == 0);
	return 0;
}

static int
make_dirs(struct table *t)
{
	/* the names above are durable before the first record is: whoever finds a record finds them too */
	return t->live->head > 0 ? 0 : fs_dirs(t->log_dir);
}

int
publish_first(struct table *t)
{
	int rc = make_dirs(t);

	if (rc == 0)
		rc = table_follow(t);
	return rc == 0 && t->live->head == 0 ? first_meta(t) : rc;
}

int
publish(struct table *t, json_t *c, unsigned how, uint64_t *number)
{
	uint64_t n = 0;
	int rc;

	if ((rc = make_dirs(t)) != 0 || (rc = table_follow(t)) != 0)
		return rc;
	if ((how & PUBLISH_RUN) != 0)
		rc = log_find(&t->log, commit_u64(c, "base"), t->live->head, commit_text(c, "nonce"), &n);
	/* its record may be collected by now, but not forgotten */
	if (rc == 0 && n == 0 && (how & PUBLISH_RUN) != 0)
		n = live_recent(t->live, commit_text(c, "nonce"));
	if (rc == 0 && n == 0 && t->live->head == 0 && strcmp(commit_text(c, "kind"), "meta") != 0)
		rc = first_meta(t);
	if (rc == 0 && n == 0)
		rc = enter(t, c, how, &n);
	if (rc == 0)
		rc = publish_after(t);
	if (n > 0 && rc == EXIT_TEMP) {
		/* it stands, and who tries again after 75 would enter it twice: the next one makes the view */
		err_warn("%s: commit %" PRIu64 " stands; its view is behind", t->name, n);
		rc = 0;
	}
	if (number != NULL)
		*number = n;
	return rc;
}

static bool
names_file(const json_t *record, const char *day, const char *file)
{
	const json_t *add = json_object_get(json_object_get(json_object_get(record, "days"), day), "add"), *f;
	size_t i;

	json_array_foreach(add, i, f)
		if (strcmp(commit_text(f, "file"), file) == 0)
			return true;
	return false;
}

void
publish_sweep(const struct table *t, const json_t *all, const json_t *published)
{
	struct buf path = { 0 };
	json_t *days = json_deep_copy(all), *d, *f;
	const char *day;
	size_t i;

	json_object_foreach(days, day, d)
		json_array_foreach(json_object_get(d, "add"), i, f) {
			const char *file = commit_text(f, "file");

			if (json_object_get(f, "of") == NULL && !names_file(published, day, file) &&
			    !is_live(live_day(t->live, day), file))
				(void)pool_remove(table_pool_path(t, day, file, &path));
		}
	json_decref(days);
	buf_free(&path);
}

int
publish_fence(struct table *t, const char *const *app, size_t n, uint64_t *epoch)
{
	json_t *c, *apps = json_array();
	enum link how = LINK_TAKEN;
	int rc;

	if ((rc = table_follow(t)) != 0)
		return rc;
	c = commit_new("fence", n == 1 ? app[0] : "", t->live->head);
	for (size_t i = 0; n > 1 && i < n; i++)
		json_array_append_new(apps, json_string(app[i]));
	json_object_set_new(c, "apps", apps);
	/* a fence that a collector's FLOOR made void is published again: two of them do no harm */
	while (rc == 0 && how != LINK_DONE) {
		*epoch = t->live->head + 1;
		if ((rc = log_link(&t->log, *epoch, c, &how)) == 0)
			rc = table_follow(t);
	}
	json_decref(c);
	return rc;
}

/* ---- what follows from a commit ---- */

int
publish_meta_copy(struct table *t)
{
	struct buf path = { 0 }, was = { 0 };
	bool found;
	int rc;

	buf_fmt(&path, "%s/_table", t->dir);
	rc = fs_read(buf_cstr(&path), COMMIT_BYTES_MAX, &was, &found);
	if (rc == 0 && (!found || !span_is(buf_span(&was), t->live->meta)))
		rc = fs_put(path.p, span_str(t->live->meta), true);
	buf_free(&path);
	buf_free(&was);
	return rc;
}

int
publish_after(struct table *t)
{
	struct log_hint h;
	struct day **day;
	uint64_t upto = t->live->head, checkpoint;
	bool behind = false;
	size_t n;
	int rc = 0;

	if (upto == 0 || (rc = log_hint(&t->log, &h)) != 0 || (h.head == upto && h.viewed == upto))
		return rc;
	checkpoint = h.checkpoint;
	if (t->live->meta_commit > h.viewed)
		rc = publish_meta_copy(t);
	day = live_all_days(t->live, &n);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (day[i]->touched <= h.viewed || (rc = view_make(t, day[i]->name)) != EXIT_TEMP)
			continue;
		/* it has said so; who commits next makes it */
		behind = true;
		rc = 0;
	}
	free(day);
	if (rc == 0 && upto / CHECKPOINT_EVERY > checkpoint / CHECKPOINT_EVERY) {
		/* making views may have read on: the state is whole at its own head */
		checkpoint = t->live->head;
		rc = log_checkpoint(&t->log, t->live);
	}
	if (rc == 0)
		rc = log_hint_put(&t->log, (struct log_hint){ t->live->head, checkpoint, behind ? h.viewed : upto });
	return rc;
}
