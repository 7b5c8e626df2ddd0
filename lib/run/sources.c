/* SPDX-License-Identifier: BSD-2-Clause */
/* sources - see sources.h */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "run/sources_own.h"

#define DAY_SECONDS 86400	/* a file that nobody wrote to for that long is not kept open, and is at its end */

static time_t
seconds(void)
{
	return (time_t)(clock_ms() / 1000);
}

static void
let_go(struct input *x)
{
	if (x->fd > 0)
		close(x->fd);
	free(x->path);
	free(x->as);
	free(x->log);
	*x = (struct input){ .fd = -1 };
}

/* How many may be kept: those of a round are open at the same time. */
static size_t
most_held(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == -1)
		return SPARE_FILES;
	if (l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
		(void)getrlimit(RLIMIT_NOFILE, &l);
	}
	return l.rlim_cur <= 2 * SPARE_FILES ? SPARE_FILES / 2 : (size_t)(l.rlim_cur - SPARE_FILES) / 2;
}

/* This round is done with it: closed, or kept for the next one. */
static void
release(struct sources *s, struct input *x)
{
	struct stat st;

	if (s->keep && s->held_max == 0)
		s->held_max = most_held();
	if (!s->keep || x->fd <= 0 || s->n_held == s->held_max ||
	    (x->gone && seconds() - x->since > SOURCES_PATIENCE) ||
	    fstat(x->fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_mtime + DAY_SECONDS < time(NULL)) {
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

void
sources_add(struct sources *s, const char *path, const char *as, int fd)
{
	struct input x = { .path = mem_str(path), .as = as == NULL ? NULL : mem_str(as), .fd = fd };
	struct stat st = { 0 };

	if (fd > 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		x.dev = st.st_dev;
		x.ino = st.st_ino;
		x.birth = spot_birth(fd);
		x.name = spot_name(path);
		/* links, or two operands: lines that are there once are read once */
		for (size_t i = 0; i < s->n; i++)
			if (same(&s->in[i], &st)) {
				let_go(&x);
				return;
			}
	}
	s->in = mem_array(s->in, s->n + 1, sizeof *s->in);
	s->in[s->n++] = x;
}

/* For the first time? */
static bool
is_news(struct sources *s, const char *what)
{
	bool fresh = false;

	if (s->told == NULL)
		s->told = map_new(0);
	(void)map_put(s->told, span_str(what), &fresh);
	return fresh;
}

static int
add(void *arg, const char *path, int fd)
{
	struct sources *s = arg;

	if (fd != -1)
		sources_add(s, path, NULL, fd);
	else if (!s->silent && is_news(s, path))
		err_warn("%s: no file, but a directory, a pipe or a device: it is passed over", path);
	return 0;
}

/* A pattern that finds nothing, and never has, may be misspelt. */
static void
tell_none(struct sources *s, const struct live *live)
{
	struct spot_known k;
	size_t i = 0;

	if (s->pattern != NULL && s->n == 0 && !s->silent && (live == NULL || !spot_next(live, &i, &k)) &&
	    is_news(s, s->pattern))
		err_warn("%s: no file matches", s->pattern);
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
	int rc;

	s->pattern = pattern;
	rc = tail_files(c, pattern, add, s);
	add_held(s);
	s->pattern_name = pattern == NULL || strpbrk(pattern, "*?[\\") != NULL ? 0 : spot_name(pattern);
	s->looked = false;
	s->n_sight = 0;
	if (!hold)
		tell_none(s, NULL);
	for (size_t i = 0; i < s->n; i++) {
		struct input *x = &s->in[i];

		x->tail = (struct tail){ .name = x->fd == 0 ? "<stdin>" : x->path, .fd = x->fd,
		    .hold = hold && x->fd > 0, .grows = hold && s->keep };
	}
	return rc;
}

/* Those that stand somewhere else by now. */
static int
look_aside(struct sources *s, const struct live *live)
{
	size_t n = s->n;
	int rc = aside_look(s, live);

	for (size_t i = n; i < s->n; i++)
		s->in[i].tail = (struct tail){ .name = s->in[i].path, .fd = s->in[i].fd, .hold = true,
		    .grows = s->keep };
	return rc;
}

/* Nothing comes of it any more, as far as one can tell. By its status: renaming and writing change that alike. */
static bool
is_over(const struct input *x)
{
	struct stat st;

	if (fstat(x->fd, &st) == -1 || (!x->spot.packed && (uint64_t)st.st_size > x->tail.offset))
		return false;
	if (x->gone)
		return seconds() - x->since > SOURCES_PATIENCE;
	return st.st_ctime + (x->as != NULL ? SOURCES_PATIENCE : DAY_SECONDS) < time(NULL);
}

/* Is there nothing to be told, or to be written down, of what comes and goes? */
static bool
is_silent(const struct sources *s)
{
	return s->silent || s->pattern == NULL;
}

/* Looked for by an inode that another file has by now? */
static bool
is_other(const struct input *x)
{
	return x->as != NULL && !x->spot.cut && (x->spot.from[0] == '\0' || x->spot.copy);
}

/* A compressed one is read from its beginning each time: not while it is what it was when it was read to its end. */
static bool
packed_done(struct sources *s, struct input *x)
{
	const uint64_t *size;
	struct stat st;

	if (!x->spot.packed || s->known_as != NULL || fstat(x->fd, &st) == -1)
		return false;
	x->size = (uint64_t)st.st_size;
	size = s->packed == NULL ? NULL : map_get(s->packed, span_str(x->spot.app));
	return size != NULL && *size == x->size;
}

static void
packed_read(struct sources *s, const struct input *x)
{
	if (!s->keep || !x->spot.packed || x->fd <= 0 || !x->tail.ended)
		return;
	if (s->packed == NULL)
		s->packed = map_new(sizeof x->size);
	*(uint64_t *)map_put(s->packed, span_str(x->spot.app), NULL) = x->size;
}

/* What to do with one whose position is known: keep it for this round? */
static bool
has_news(struct sources *s, struct input *x)
{
	if (x->fd == 0)
		return true;
	if (x->spot.cut && !s->cut_new) {
		err_warn("%s: it was cut: %llu bytes had been read that it does not hold any more; what came behind "
		    "them is lost (rotate by renaming; --cut new reads it from its beginning)", x->path,
		    (unsigned long long)x->spot.lost);
		s->cut++;
		let_go(x);
		return false;
	}
	if (is_other(x)) {
		let_go(x);
		return false;
	}
	if (!x->spot.done && !packed_done(s, x)) {
		x->since = x->gone ? seconds() : 0;	/* it grows: patience begins anew */
		return true;
	}
	if (x->spot.from[0] != '\0' && !x->spot.over && !is_silent(s) && is_over(x))
		return true;
	release(s, x);
	return false;
}

/* One that is gone, its position still what it was when that was told? */
static bool
still_lost(const struct input *x, const struct live *live)
{
	const struct app *a = live_app(live, x->spot.app);

	return a != NULL && a->to != NULL && strcmp(a->to, x->spot.from) == 0;
}

static int
find_one(struct sources *s, const struct live *live, struct input *x, bool first)
{
	int rc = spot_find(live, x->fd, x->as != NULL ? x->as : x->path, &x->spot);

	if (rc != 0 || !first || is_other(x))
		return rc;
	if (x->spot.copy && !x->spot.done && !s->silent)
		err_warn("%s: another file was read under this name, and its bytes were the same: it is taken for a "
		    "copy, and read on behind byte %llu", x->path, (unsigned long long)x->spot.offset);
	if (x->spot.from[0] != '\0') {
		s->sight = mem_array(s->sight, s->n_sight + 1, sizeof *s->sight);
		s->sight[s->n_sight].gone = false;
		memcpy(s->sight[s->n_sight++].app, x->spot.app, sizeof x->spot.app);
	} else if (x->as == NULL && !x->gone && !x->spot.done && !x->spot.packed && !is_silent(s)) {
		aside_missed(s, live, x);
	}
	return 0;
}

int
sources_find(struct sources *s, const struct table *t)
{
	bool first = !s->looked;
	size_t kept = 0;
	int rc = first ? look_aside(s, t->live) : 0;

	if (first && rc == 0)
		tell_none(s, t->live);
	s->looked = true;
	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		struct input *x = &s->in[i];

		if (x->fd > 0 && (rc = find_one(s, t->live, x, first)) != 0)
			break;
		x->tail.offset = x->spot.offset;
		x->tail.line = x->spot.line;
		if (x->fd == -1 ? !still_lost(x, t->live) : !has_news(s, x)) {
			let_go(x);
			continue;
		}
		if (kept < i) {
			s->in[kept] = *x;
			*x = (struct input){ .fd = -1 };
		}
		kept++;
	}
	if (rc != 0)
		return rc;
	s->n = kept;
	if (first)
		aside_tell(s);
	return 0;
}

int
sources_to(struct sources *s, struct input *x, char to[SPOT_BYTES], bool *moved)
{
	const struct tail *t = &x->tail;
	bool over = x->fd > 0 && t->ended && t->left == 0 && !t->torn && is_over(x), was = x->spot.over;

	if (x->fd == -1) {
		*moved = spot_over(x->spot.from, to);
		return 0;
	}
	*moved = t->offset != x->spot.offset || (over && !was && t->offset > 0);
	if (!*moved)
		return 0;
	x->spot.over = over;
	/* cut_new, else it would have been left alone: whoever cuts logs does not know how far they were read */
	if (x->spot.cut) {
		err_warn("%s: it was cut, and is read from its beginning: what had been written to it behind byte "
		    "%llu, if anything was, is lost", x->path, (unsigned long long)x->spot.lost);
		s->lost++;
	}
	return spot_to(&x->spot, x->fd, x->path, t->offset, t->line, to);
}

void
sources_torn(struct sources *s, const struct input *x)
{
	if (x->tail.torn && is_news(s, x->path))
		err_warn("%s: it ends in the middle of a frame: what is behind its last whole line is read when more "
		    "has come", x->path);
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
		if (s->in[i].fd != 0)
			app[n++] = s->in[i].spot.app;
	rc = fence_apps(&s->mine, t, app, n, epoch);
	for (size_t i = 0, k = 0; rc == 0 && i < s->n; i++)
		if (s->in[i].fd != 0)
			s->in[i].epoch = epoch[k++];
	free(app);
	free(epoch);
	return rc;
}

void
sources_close(struct sources *s)
{
	for (size_t i = 0; i < s->n; i++) {
		packed_read(s, &s->in[i]);
		release(s, &s->in[i]);
	}
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
	free(s->sight);
	s->sight = NULL;
	s->n_sight = 0;
	aside_forget(s);
	if (s->mine != NULL)
		map_free(s->mine);
	if (s->told != NULL)
		map_free(s->told);
	if (s->packed != NULL)
		map_free(s->packed);
	s->mine = s->told = s->packed = NULL;
}
