/* SPDX-License-Identifier: BSD-2-Clause */
/* logs_order - which files are one log, put aside piece by piece, and which is read first (see logs_own.h) */
#include <stdlib.h>

#include "run/logs_own.h"

/* ---- one log ---- */

/* Is this what rotation makes of that name: `NAME.1`, `NAME-20261120`, `NAME.2.gz`? */
static bool
is_turn(const char *name, const char *path)
{
	size_t n = strlen(name), digits;

	if (strncmp(path, name, n) != 0 || path[n] == '\0' || strchr("._-", path[n]) == NULL ||
	    path[n + 1] < '0' || path[n + 1] > '9')
		return false;
	path += n + 1;
	digits = strspn(path, "0123456789-_.:T");
	path += digits;
	/* the dot before the suffix went with the digits */
	return *path == '\0' || (path[-1] == '.' && (strcmp(path, "gz") == 0 || strcmp(path, "zst") == 0));
}

/* The shorter of what is known and a name that the path is a turn of. */
static const char *
nearer(const char *best, const char *name, const char *path)
{
	return is_turn(name, path) && (best == NULL || strlen(name) < strlen(best)) ? name : best;
}

/* Of a file that is new. */
static const char *
log_of(const struct logs *l, const char *path)
{
	const char *best = l->pattern == NULL ? NULL : nearer(NULL, l->pattern, path);

	for (size_t i = 0; i < l->from.n; i++)
		best = nearer(best, l->from.in[i].path, path);
	for (size_t i = 0; i < l->n_at; i++)
		best = nearer(best, l->at[i].name, path);
	return best == NULL ? path : best;
}

void
logs_name(struct logs *l)
{
	for (size_t i = 0; i < l->from.n; i++) {
		struct input *x = &l->from.in[i];
		const struct log_at *a = logs_at(l, span_str(x->spot.app));

		free(x->log);
		x->log = mem_str(a != NULL ? a->name : x->as != NULL ? x->as : log_of(l, x->path));
	}
}

struct waters_part *
logs_part(struct logs *l, const struct input *x)
{
	size_t i = waters_part(&l->held->water, span_str(x->log));

	return &l->held->water.part[i];		/* a new one has moved them all */
}

/* ---- which first ---- */

static bool
is_aside(const struct input *x)
{
	return x->gone || x->as != NULL || strcmp(x->path, x->log) != 0;
}

static bool
before(struct logs *l, bool timed, const struct input *a, const struct input *b)
{
	int64_t newest_a = timed ? logs_part(l, a)->newest_us : 0, newest_b = timed ? logs_part(l, b)->newest_us : 0;

	if (newest_a != newest_b)
		return newest_a < newest_b;
	if (is_aside(a) != is_aside(b))
		return is_aside(a);
	return is_aside(a) && a->birth < b->birth;
}

void
logs_sort(struct logs *l, bool timed)
{
	struct sources *s = &l->from;

	for (size_t i = 1; i < s->n; i++) {
		struct input x = s->in[i];
		size_t to = i;

		for (; to > 0 && before(l, timed, &x, &s->in[to - 1]); to--)
			s->in[to] = s->in[to - 1];
		s->in[to] = x;
	}
}

bool
logs_waits(const struct logs *l, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!l->from.in[k].tail.ended && strcmp(l->from.in[k].log, l->from.in[i].log) == 0)
			return true;
	return false;
}
