/* SPDX-License-Identifier: BSD-2-Clause */
/* sources - see sources.h */
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "run/sources.h"

#define HELD_SECONDS 3600	/* a file that nobody wrote to for that long is not kept open */

static time_t
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void
let_go(struct input *x)
{
	if (x->fd > 0)
		close(x->fd);
	free(x->path);
	free(x->as);
	*x = (struct input){ .fd = -1 };
}

/* This round is done with it: closed, or kept for the next one. */
static void
release(struct sources *s, struct input *x)
{
	struct stat st;

	if (!s->keep || x->fd <= 0 || s->n_held == SOURCES_HELD_MAX ||
	    (x->gone && seconds() - x->since > SOURCES_PATIENCE) ||
	    fstat(x->fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_mtime + HELD_SECONDS < time(NULL)) {
		let_go(x);
		return;
	}
	s->held = mem_array(s->held, s->n_held + 1, sizeof *s->held);
	s->held[s->n_held++] = *x;
	*x = (struct input){ .fd = -1 };
}

static bool
same(const struct input *x, const struct stat *st)
{
	return x->fd > 0 && x->dev == st->st_dev && x->ino == st->st_ino;
}

static int
add_as(struct sources *s, const char *path, const char *as, int fd)
{
	struct input x = { .path = mem_str(path), .as = as == NULL ? NULL : mem_str(as), .fd = fd };
	struct stat st = { 0 };

	if (fd > 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		x.dev = st.st_dev;
		x.ino = st.st_ino;
		/* links, or two operands: lines that are there once are read once */
		for (size_t i = 0; i < s->n; i++)
			if (same(&s->in[i], &st)) {
				let_go(&x);
				return 0;
			}
	}
	s->in = mem_array(s->in, s->n + 1, sizeof *s->in);
	s->in[s->n++] = x;
	return 0;
}

static int
add(void *arg, const char *path, int fd)
{
	return add_as(arg, path, NULL, fd);
}

/* Those of the round before that no name led to this time. */
static void
add_held(struct sources *s)
{
	for (size_t h = 0; h < s->n_held; h++) {
		struct input *x = &s->held[h];
		bool found = false;

		for (size_t i = 0; !found && i < s->n; i++)
			found = s->in[i].fd > 0 && s->in[i].dev == x->dev && s->in[i].ino == x->ino;
		if (found) {
			let_go(x);
			continue;
		}
		if (!x->gone)
			x->since = seconds();
		x->gone = true;
		s->in = mem_array(s->in, s->n + 1, sizeof *s->in);
		s->in[s->n++] = *x;
	}
	s->n_held = 0;
}

int
sources_open(struct sources *s, struct ctx *c, const char *pattern, bool hold)
{
	int rc = tail_files(c, pattern, add, s);

	add_held(s);
	s->looked = false;
	for (size_t i = 0; i < s->n; i++) {
		struct input *x = &s->in[i];

		x->tail = (struct tail){ .name = x->fd == 0 ? "<stdin>" : x->path, .fd = x->fd,
		    .hold = hold && x->fd > 0 };
	}
	return rc;
}

struct behind {
	struct sources *s;
	const char *as;
};

static int
add_behind(void *arg, const char *path, int fd)
{
	struct behind *b = arg;
	size_t n = b->s->n;
	int rc = add_as(b->s, path, b->as, fd);

	if (b->s->n > n)
		b->s->in[n].tail = (struct tail){ .name = b->s->in[n].path, .fd = fd, .hold = true };
	return rc;
}

/* Rotated logs beside those that are there. */
static int
rotated(struct sources *s, const struct table *t)
{
	size_t n = s->looked ? 0 : s->n;
	int rc = 0;

	s->looked = true;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct input *x = &s->in[i];
		char *as;

		if (x->fd <= 0 || x->as != NULL || x->gone || x->ino == 0)
			continue;
		as = mem_str(x->path);
		rc = spot_behind(t->live, as, x->fd, add_behind, &(struct behind){ s, as });
		free(as);
	}
	return rc;
}

/* What to do with one whose position is known: keep it for this round? */
static bool
has_news(struct sources *s, struct input *x)
{
	if (x->fd <= 0)
		return true;
	if (x->spot.cut && !s->cut_new) {
		err_warn("%s: it was cut: %llu bytes had been read that it does not hold any more; what came behind "
		    "them is lost (rotate by renaming; --cut new reads it from its beginning)", x->path,
		    (unsigned long long)x->spot.lost);
		s->cut++;
		let_go(x);
		return false;
	}
	if (!x->spot.done) {
		x->since = x->gone ? seconds() : 0;	/* it grows: patience begins anew */
		return true;
	}
	release(s, x);
	return false;
}

int
sources_find(struct sources *s, const struct table *t)
{
	size_t kept = 0;
	int rc = rotated(s, t);

	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		struct input *x = &s->in[i];

		if (x->fd > 0 && (rc = spot_find(t->live, x->fd, x->as != NULL ? x->as : x->path, &x->spot)) != 0)
			break;
		if (!has_news(s, x))
			continue;
		x->tail.offset = x->spot.offset;
		x->tail.line = x->spot.line;
		if (kept < i) {
			s->in[kept] = *x;
			*x = (struct input){ .fd = -1 };
		}
		kept++;
	}
	if (rc == 0)
		s->n = kept;
	return rc;
}

/* The epoch that an earlier round of ours got for a source, if nobody has come since. */
static bool
still_ours(const struct map *mine, const struct table *t, const char *app, uint64_t *epoch)
{
	const uint64_t *m = mine == NULL ? NULL : map_get(mine, span_str(app));
	const struct app *a = live_app(t->live, app);

	if (m == NULL || a == NULL || a->fence != *m || t->live->star > *m)
		return false;
	*epoch = *m;
	return true;
}

int
fence_apps(struct map **mine, struct table *t, const char *const *app, size_t n, uint64_t *epoch)
{
	const char **lack = mem_array(NULL, n + 1, sizeof *lack);
	size_t *of = mem_array(NULL, n + 1, sizeof *of), m = 0;
	uint64_t got;
	int rc;

	for (size_t i = 0; i < n; i++) {
		if (still_ours(*mine, t, app[i], &epoch[i]))
			continue;
		of[m] = i;
		lack[m++] = app[i];
	}
	rc = spot_fence(t, lack, m, &got);
	if (*mine == NULL)
		*mine = map_new(sizeof got);
	for (size_t i = 0; rc == 0 && i < m; i++) {
		epoch[of[i]] = got;
		*(uint64_t *)map_put(*mine, span_str(lack[i]), NULL) = got;
	}
	free(lack);
	free(of);
	return rc;
}

int
sources_fence(struct sources *s, struct table *t)
{
	const char **app = mem_array(NULL, s->n + 1, sizeof *app);
	uint64_t *epoch = mem_array(NULL, s->n + 1, sizeof *epoch);
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < s->n; i++)
		if (s->in[i].fd > 0)
			app[n++] = s->in[i].spot.app;
	rc = fence_apps(&s->mine, t, app, n, epoch);
	for (size_t i = 0, k = 0; rc == 0 && i < s->n; i++)
		if (s->in[i].fd > 0)
			s->in[i].epoch = epoch[k++];
	free(app);
	free(epoch);
	return rc;
}

void
sources_close(struct sources *s)
{
	for (size_t i = 0; i < s->n; i++)
		release(s, &s->in[i]);
	free(s->in);
	s->in = NULL;
	s->n = 0;
}

void
sources_free(struct sources *s)
{
	s->keep = false;
	sources_close(s);
	for (size_t i = 0; i < s->n_held; i++)
		let_go(&s->held[i]);
	free(s->held);
	s->held = NULL;
	s->n_held = 0;
	if (s->mine != NULL)
		map_free(s->mine);
	s->mine = NULL;
}
