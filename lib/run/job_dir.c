/* SPDX-License-Identifier: BSD-2-Clause */
/* job_dir - see job_dir.h */
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "run/job_dir.h"
#include "run/opt.h"
#include "run/pieces.h"
#include "run/state_path.h"
#include "store/fs.h"

#define TEXT_MAX (64 * 1024)
#define START_MS 60000		/* sinks have that long to begin */
#define LOOK_MS 5

bool
job_dir_is(void)
{
	const char *dir = getenv("PIPEHOUSE_JOB");

	return dir != NULL && *dir != '\0';
}

bool
job_dir_lax(void)
{
	const char *sync = getenv("PIPEHOUSE_SYNC");

	return job_dir_is() && sync != NULL && strcmp(sync, "process") == 0;
}

const char *
job_dir_path(const struct job_dir *j, const char *what, struct buf *b)
{
	buf_fmt(b, "%s/%s", j->path, what);
	return buf_cstr(b);
}

/* A small file of the job as text, without the line's end; *found false where there is none. */
static int
text_of(const struct job_dir *j, const char *what, struct buf *out, bool *found)
{
	struct buf path = { 0 };
	int rc = fs_read(job_dir_path(j, what, &path), TEXT_MAX, out, found);

	while (out->n > 0 && out->p[out->n - 1] == '\n')
		out->n--;
	buf_free(&path);
	return rc;
}

static int
put_text(const struct job_dir *j, const char *what, struct span text, bool durable)
{
	struct buf path = { 0 };
	int rc = fs_put(job_dir_path(j, what, &path), text, durable);

	buf_free(&path);
	return rc;
}

static struct job_dir *
make(const char *path)
{
	struct job_dir *j = mem_new(sizeof *j);
	const char *slash = strrchr(path, '/');

	j->path = mem_str(path);
	j->name = mem_str(slash == NULL ? path : slash + 1);
	j->lock = -1;
	return j;
}

/* Its sinks, one a line. */
static int
read_sinks(struct job_dir *j, bool *found)
{
	struct buf b = { 0 };
	int rc = text_of(j, "sinks", &b, found);

	for (size_t i = 0; rc == 0 && i < b.n;) {
		size_t n = 0;

		while (i + n < b.n && b.p[i + n] != '\n')
			n++;
		if (j->n_sinks == JOB_SINKS_MAX || n == 0)
			rc = err_input("%s/sinks: at most %d names, one a line", j->path, JOB_SINKS_MAX);
		else
			j->sink[j->n_sinks++] = mem_dup(span_of(b.p + i, n));
		i += n + 1;
	}
	buf_free(&b);
	return rc;
}

static int
read_nonce(struct job_dir *j, bool *found)
{
	struct buf b = { 0 };
	int rc = text_of(j, "nonce", &b, found);

	if (rc == 0 && *found && (b.n != MARK_NONCE || strspn(buf_cstr(&b), "0123456789abcdef") != MARK_NONCE))
		rc = err_input("%s/nonce: %d hex digits are wanted", j->path, MARK_NONCE);
	else if (rc == 0 && *found)
		memcpy(j->nonce, b.p, MARK_NONCE);
	buf_free(&b);
	return rc;
}

int
job_dir_open(struct job_dir **out)
{
	const char *dir = getenv("PIPEHOUSE_JOB"), *run = getenv("PIPEHOUSE_JOB_RUN");
	bool found = false;
	struct job_dir *j;
	int rc;

	*out = NULL;
	if (!job_dir_is())
		return 0;
	j = make(dir);
	if (run == NULL || !opt_count(run, &j->run) || dir[0] != '/')
		rc = err_usage("PIPEHOUSE_JOB is set by pipe-run alone, with PIPEHOUSE_JOB_RUN");
	else if ((rc = read_nonce(j, &found)) == 0 && found)
		rc = read_sinks(j, &found);
	if (rc == 0 && !found)
		rc = err_usage("%s: not the directory of a job that pipe-run has started", dir);
	if (rc != 0)
		job_dir_close(j);
	else
		*out = j;
	return rc;
}

/* ---- for pipe-run ---- */

static int
settle_nonce(struct job_dir *j)
{
	char text[NONCE_BYTES + 1];
	struct buf path = { 0 };
	bool found = false;
	mode_t mask;
	int rc = read_nonce(j, &found);

	if (rc != 0 || found)
		return rc;
	fs_nonce(j->nonce);
	memcpy(text, j->nonce, MARK_NONCE);
	text[MARK_NONCE] = '\n';
	/* whoever knows it can write control lines */
	mask = umask(0077);
	rc = fs_put(job_dir_path(j, "nonce", &path), span_of(text, MARK_NONCE + 1), true);
	umask(mask);
	buf_free(&path);
	return rc;
}

static int
settle_sinks(struct job_dir *j, char *const *sink, size_t n)
{
	struct buf b = { 0 };
	bool found = false, same;
	int rc = read_sinks(j, &found);

	if (rc != 0)
		return rc;
	same = j->n_sinks == n;
	for (size_t i = 0; i < n && same && found; i++) {
		size_t k = 0;

		while (k < n && strcmp(j->sink[k], sink[i]) != 0)
			k++;
		same = k < n;
	}
	if (found)
		return same ? 0 : err_usage("%s: the job had other sinks before: a changed job is another one, with a "
		    "name of its own", j->name);
	if (n == 0 || n > JOB_SINKS_MAX)
		return err_usage("%s: from 1 to %d sinks, named by --job", j->name, JOB_SINKS_MAX);
	for (size_t i = 0; i < n; i++) {
		buf_fmt(&b, "%s\n", sink[i]);
		j->sink[j->n_sinks++] = mem_str(sink[i]);
	}
	rc = put_text(j, "sinks", buf_span(&b), true);
	buf_free(&b);
	return rc;
}

static int
next_run(struct job_dir *j)
{
	struct buf b = { 0 }, path = { 0 };
	bool found = false;
	int rc = text_of(j, "run", &b, &found);

	if (rc == 0 && found && !opt_count(buf_cstr(&b), &j->run))
		rc = err_input("%s/run: a number is wanted", j->path);
	if (rc == 0) {
		buf_clear(&b);
		buf_fmt(&b, "%llu\n", (unsigned long long)++j->run);
		rc = put_text(j, "run", buf_span(&b), true);
	}
	/* what older runs said there is nobody's business any more */
	if (rc == 0)
		rc = fs_remove_tree(job_dir_path(j, "begun", &path));
	buf_free(&b);
	buf_free(&path);
	return rc;
}

int
job_dir_make(const char *name, char *const *sink, size_t n_sinks, struct job_dir **out)
{
	static const char *const dirs[] = { "plan", "ack" };
	struct buf path = { 0 }, sub = { 0 };
	struct job_dir *j;
	int rc = 0;

	*out = NULL;
	if (!state_path(name, &path))
		return err_usage("PIPEHOUSE_STATE or PIPEHOUSE_ROOT says where a job's state lies");
	if (*buf_cstr(&path) != '/') {
		char *cwd = realpath(".", NULL);

		buf_fmt(&sub, "%s/%s", cwd == NULL ? "" : cwd, path.p);
		free(cwd);
		buf_clear(&path);
		buf_span_add(&path, buf_span(&sub));
	}
	j = make(buf_cstr(&path));
	buf_free(&path);
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs && rc == 0; i++) {
		buf_clear(&sub);
		rc = fs_dirs(job_dir_path(j, dirs[i], &sub));
	}
	buf_free(&sub);
	if (rc == 0 && (rc = pieces_lock(j->path, &j->lock)) == 0 && (rc = settle_nonce(j)) == 0 &&
	    (rc = settle_sinks(j, sink, n_sinks)) == 0)
		rc = next_run(j);
	if (rc != 0)
		job_dir_close(j);
	else
		*out = j;
	return rc;
}

void
job_dir_close(struct job_dir *j)
{
	if (j == NULL)
		return;
	if (j->lock != -1)
		close(j->lock);
	for (size_t i = 0; i < j->n_sinks; i++)
		free(j->sink[i]);
	free(j->path);
	free(j->name);
	free(j);
}

/* ---- where the sinks are ---- */

static void
begun_at(const struct job_dir *j, const char *sink, struct buf *b)
{
	buf_clear(b);
	buf_fmt(b, "begun/%llu%s%s", (unsigned long long)j->run, *sink == '\0' ? "" : "/", sink);
	(void)buf_cstr(b);
}

static int
put_number(const struct job_dir *j, const char *what, uint64_t id)
{
	struct buf b = { 0 };
	int rc;

	buf_fmt(&b, "%llu\n", (unsigned long long)id);
	rc = put_text(j, what, buf_span(&b), false);
	buf_free(&b);
	return rc;
}

static int
is_ours(const struct job_dir *j, const char *sink)
{
	for (size_t i = 0; i < j->n_sinks; i++)
		if (strcmp(j->sink[i], sink) == 0)
			return 0;
	return err_usage("--job %s: job %s has no sink of that name", sink, j->name);
}

int
job_dir_begun(const struct job_dir *j, const char *sink, uint64_t id)
{
	struct buf what = { 0 }, path = { 0 };
	int rc = is_ours(j, sink);

	begun_at(j, "", &what);
	if (rc == 0)
		rc = fs_dirs(job_dir_path(j, what.p, &path));
	begun_at(j, sink, &what);
	if (rc == 0)
		rc = put_number(j, what.p, id);
	buf_free(&what);
	buf_free(&path);
	return rc;
}

/* The number that a file of the job holds; *found false: none, or half written by something else. */
static int
number_in(const struct job_dir *j, const char *what, uint64_t *id, bool *found)
{
	struct buf b = { 0 };
	int rc = text_of(j, what, &b, found);

	if (rc == 0 && *found && !opt_count(buf_cstr(&b), id))
		rc = err_input("%s/%s: a number is wanted", j->path, what);
	buf_free(&b);
	return rc;
}

/* Look at all sinks once; *missing: one that has not begun, or NULL. */
static int
look(const struct job_dir *j, struct job_start *at, const char **missing)
{
	struct buf what = { 0 };
	int rc = 0;

	at->least = UINT64_MAX;
	at->most = 0;
	*missing = NULL;
	for (size_t i = 0; i < j->n_sinks && rc == 0; i++) {
		uint64_t id = 0;
		bool found;

		begun_at(j, j->sink[i], &what);
		rc = number_in(j, what.p, &id, &found);
		*missing = found ? *missing : j->sink[i];
		at->least = id < at->least ? id : at->least;
		at->most = id > at->most ? id : at->most;
	}
	buf_free(&what);
	return rc;
}

/* The last start: from where, and how far the first sink was; *found false before the first one. */
static int
last_start(const struct job_dir *j, uint64_t *from, uint64_t *most, bool *found)
{
	struct buf b = { 0 };
	char *gap;
	int rc = text_of(j, "start", &b, found);

	*from = *most = 0;
	if (rc == 0 && *found) {
		gap = strchr(buf_cstr(&b), ' ');
		if (gap != NULL)
			*gap = '\0';
		if (gap == NULL || !opt_count(b.p, from) || !opt_count(gap + 1, most))
			rc = err_input("%s/start: two numbers are wanted", j->path);
	}
	buf_free(&b);
	return rc;
}

/* See job_dir.h, where a run goes on. */
static int
settle_start(const struct job_dir *j, struct job_start *at)
{
	uint64_t from, most;
	struct buf b = { 0 };
	bool found;
	int rc = last_start(j, &from, &most, &found);

	at->from = at->least;
	at->until = at->most;
	if (rc == 0 && found && at->least >= from && at->least <= most) {
		at->from = from;
		at->until = at->most > most ? at->most : most;
	}
	if (rc == 0 && (!found || from != at->from || most != at->until)) {
		buf_fmt(&b, "%llu %llu\n", (unsigned long long)at->from, (unsigned long long)at->until);
		rc = put_text(j, "start", buf_span(&b), true);
	}
	buf_free(&b);
	return rc;
}

int
job_dir_starts(const struct job_dir *j, volatile const sig_atomic_t *stop, struct job_start *at)
{
	const char *missing = NULL;
	int rc;

	for (int ms = 0; (rc = look(j, at, &missing)) == 0 && missing != NULL; ms += LOOK_MS) {
		if (*stop != 0)
			return err_temp("stopped by signal %d", (int)*stop);
		if (ms >= START_MS)
			return err_temp("sink %s of job %s has not begun within %d s", missing, j->name,
			    START_MS / 1000);
		nanosleep(&(struct timespec){ 0, LOOK_MS * 1000000L }, NULL);
	}
	return rc != 0 ? rc : settle_start(j, at);
}

int
job_dir_ack(const struct job_dir *j, const char *sink, uint64_t id)
{
	struct buf what = { 0 };
	int rc;

	buf_fmt(&what, "ack/%s", sink);
	rc = put_number(j, buf_cstr(&what), id);
	buf_free(&what);
	return rc;
}

int
job_dir_acked(const struct job_dir *j, uint64_t *least)
{
	struct buf what = { 0 };
	int rc = 0;

	*least = UINT64_MAX;
	for (size_t i = 0; i < j->n_sinks && rc == 0; i++) {
		uint64_t id = 0;
		bool found;

		buf_clear(&what);
		buf_fmt(&what, "ack/%s", j->sink[i]);
		rc = number_in(j, buf_cstr(&what), &id, &found);
		*least = id < *least ? id : *least;
	}
	buf_free(&what);
	return rc;
}

int
job_dir_settled(const struct job_dir *j, uint64_t *id)
{
	uint64_t from, most;
	bool found;
	int rc = job_dir_acked(j, id);

	if (rc == 0 && (rc = last_start(j, &from, &most, &found)) == 0 && found && *id <= most)
		*id = from;
	return rc;
}
