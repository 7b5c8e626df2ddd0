/* SPDX-License-Identifier: BSD-2-Clause */
/* sources - see sources.h */
#include <stdlib.h>
#include <unistd.h>

#include "run/sources.h"

static void
let_go(struct input *x)
{
	if (x->fd > 0)
		close(x->fd);
	free(x->path);
	*x = (struct input){ .fd = -1 };
}

static int
add(void *arg, const char *path, int fd)
{
	struct sources *s = arg;

	s->in = mem_array(s->in, s->n + 1, sizeof *s->in);
	s->in[s->n] = (struct input){ .path = mem_str(path), .fd = fd };
	s->in[s->n].tail = (struct tail){ .name = fd == 0 ? "<stdin>" : s->in[s->n].path, .fd = fd };
	s->n++;
	return 0;
}

int
sources_open(struct sources *s, struct ctx *c, const char *pattern, bool hold)
{
	int rc = tail_files(c, pattern, add, s);

	for (size_t i = 0; i < s->n; i++)
		s->in[i].tail.hold = hold && s->in[i].fd > 0;
	return rc;
}

int
sources_find(struct sources *s, const struct table *t)
{
	size_t kept = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		struct input *x = &s->in[i];

		if (x->fd > 0 && (rc = spot_find(t->live, x->fd, x->path, &x->spot)) != 0)
			break;
		if (x->fd > 0 && x->spot.done) {
			let_go(x);
			continue;
		}
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
still_ours(const struct sources *s, const struct table *t, struct input *x)
{
	const uint64_t *mine = s->mine == NULL ? NULL : map_get(s->mine, span_str(x->spot.app));
	const struct app *a = live_app(t->live, x->spot.app);

	if (mine == NULL || a == NULL || a->fence != *mine || t->live->star > *mine)
		return false;
	x->epoch = *mine;
	return true;
}

int
sources_fence(struct sources *s, struct table *t)
{
	const char **app = mem_array(NULL, s->n + 1, sizeof *app);
	struct input **of = mem_array(NULL, s->n + 1, sizeof *of);
	uint64_t epoch;
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < s->n; i++) {
		struct input *x = &s->in[i];

		if (x->fd <= 0 || still_ours(s, t, x))
			continue;
		of[n] = x;
		app[n++] = x->spot.app;
	}
	rc = spot_fence(t, app, n, &epoch);
	if (s->mine == NULL)
		s->mine = map_new(sizeof epoch);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		of[i]->epoch = epoch;
		*(uint64_t *)map_put(s->mine, span_str(app[i]), NULL) = epoch;
	}
	free(app);
	free(of);
	return rc;
}

void
sources_free(struct sources *s)
{
	sources_close(s);
	if (s->mine != NULL)
		map_free(s->mine);
	s->mine = NULL;
}

void
sources_close(struct sources *s)
{
	for (size_t i = 0; i < s->n; i++)
		let_go(&s->in[i]);
	free(s->in);
	s->in = NULL;
	s->n = 0;
}
