/* SPDX-License-Identifier: BSD-2-Clause */
/* pipe_view - see pipe_view.h */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/err.h"
#include "run/pipe_view.h"
#include "run/plan.h"
#include "store/fs.h"

#define TEXT_MAX (256 * 1024)

/* The digits at p as a number; *rest behind them. False: there are none, or too many. */
static bool
digits(const char *p, uint64_t *out, const char **rest)
{
	char *end;

	if (*p < '0' || *p > '9')
		return false;
	errno = 0;
	*out = strtoull(p, &end, 10);
	*rest = end;
	return errno == 0;
}

/* A small file of the job; nothing where it is not there, or went away. */
static int
text_of(const char *dir, const char *what, struct buf *out, struct stat *st)
{
	struct buf path = { 0 };
	bool found;
	int rc;

	buf_clear(out);
	buf_fmt(&path, "%s/%s", dir, what);
	if (st != NULL && stat(buf_cstr(&path), st) == -1)
		*st = (struct stat){ 0 };
	rc = fs_read(buf_cstr(&path), TEXT_MAX, out, &found);
	if (!found)
		buf_clear(out);
	while (out->n > 0 && out->p[out->n - 1] == '\n')
		out->n--;
	buf_free(&path);
	return rc;
}

static int
list(const char *dir, const char *what, struct fs_names *l)
{
	struct buf path = { 0 };
	int rc;

	buf_fmt(&path, "%s/%s", dir, what);
	rc = fs_list(buf_cstr(&path), l);
	buf_free(&path);
	return rc;
}

static int
read_sink(const char *dir, const char *name, struct pipe_sink *s)
{
	struct buf what = { 0 }, text = { 0 };
	const char *rest;
	struct stat st;
	int rc;

	*s = (struct pipe_sink){ .name = mem_str(name) };
	buf_fmt(&what, "ack/%s", name);
	rc = text_of(dir, buf_cstr(&what), &text, &st);
	if (rc == 0 && text.n > 0 && digits(buf_cstr(&text), &s->id, &rest))
		s->at_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	buf_free(&what);
	buf_free(&text);
	return rc;
}

static int
read_sinks(const char *dir, struct pipe_view *v)
{
	struct buf text = { 0 };
	int rc = text_of(dir, "sinks", &text, NULL);

	for (char *p = text.n == 0 ? NULL : (buf_cstr(&text), text.p), *lf; rc == 0 && p != NULL; p = lf) {
		if ((lf = strchr(p, '\n')) != NULL)
			*lf++ = '\0';
		v->sink = mem_array(v->sink, v->n_sinks + 1, sizeof *v->sink);
		rc = read_sink(dir, p, &v->sink[v->n_sinks++]);
	}
	buf_free(&text);
	return rc;
}

static int
read_begun(const char *dir, struct pipe_view *v)
{
	struct buf what = { 0 };
	struct fs_names l;
	int rc;

	buf_fmt(&what, "begun/%" PRIu64, v->run);
	if ((rc = list(dir, buf_cstr(&what), &l)) == 0)
		for (size_t i = 0; i < v->n_sinks; i++)
			for (size_t k = 0; k < l.n; k++)
				v->begun += strcmp(v->sink[i].name, l.v[k]) == 0;
	fs_names_free(&l);
	buf_free(&what);
	return rc;
}

static int
read_plan(const char *dir, struct pipe_view *v)
{
	struct fs_names l;
	const char *rest;
	uint64_t id;
	int rc = list(dir, "plan", &l);

	for (size_t i = 0; rc == 0 && i < l.n; i++)
		if (digits(l.v[i], &id, &rest) && *rest == '\0' && id > v->plan)
			v->plan = id;
	fs_names_free(&l);
	return rc;
}

int
pipe_view_watermark(const char *dir, struct pipe_view *v)
{
	uint64_t least = pipe_view_least(v);
	struct buf where = { 0 };
	struct plan p = { 0 };
	bool found = false;
	int rc = 0;

	v->has_wm = false;
	buf_fmt(&where, "%s/plan", dir);
	if (least > 0 && (rc = plan_read(buf_cstr(&where), least, &p, &found)) == 0 && found) {
		v->wm_ms = p.wm_ms;
		v->has_wm = p.wm_ms != INT64_MIN;
	}
	plan_clear(&p);
	buf_free(&where);
	return rc;
}

static int
trace_order(const void *a, const void *b)
{
	const struct pipe_trace *x = a, *y = b;

	if (x->hop != y->hop)
		return x->hop < y->hop ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void
add_trace(struct pipe_view *v, const char *name, struct buf *text)
{
	struct pipe_trace t = { .name = mem_str(name) };
	const char *rest, *minus = strchr(t.name, '-');

	if (minus == NULL || !digits(t.name, &t.hop, &rest) || !digits(buf_cstr(text), &t.id, &rest)) {
		free(t.name);		/* a temporary file of a writer, or not ours */
		return;
	}
	t.tool = span_str(minus + 1);
	if (rest[0] == ' ' && rest[1] == '[')
		t.hops = mem_str(rest + 1);
	v->trace = mem_array(v->trace, v->n_traces + 1, sizeof *v->trace);
	v->trace[v->n_traces++] = t;
}

static int
read_traces(const char *dir, struct pipe_view *v)
{
	struct buf what = { 0 }, text = { 0 };
	struct fs_names l;
	int rc;

	buf_fmt(&what, "seen/%" PRIu64, v->run);
	rc = list(dir, buf_cstr(&what), &l);
	for (size_t i = 0; i < l.n && rc == 0; i++) {
		buf_clear(&what);
		buf_fmt(&what, "seen/%" PRIu64 "/%s", v->run, l.v[i]);
		if ((rc = text_of(dir, buf_cstr(&what), &text, NULL)) == 0)
			add_trace(v, l.v[i], &text);
	}
	if (v->n_traces > 1)
		qsort(v->trace, v->n_traces, sizeof *v->trace, trace_order);
	fs_names_free(&l);
	buf_free(&what);
	buf_free(&text);
	return rc;
}

int
pipe_view_read(const char *dir, struct pipe_view *v)
{
	struct buf text = { 0 };
	const char *rest;
	int rc;

	pipe_view_free(v);
	rc = text_of(dir, "run", &text, NULL);
	if (rc == 0 && text.n > 0 && !digits(buf_cstr(&text), &v->run, &rest))
		rc = err_input("%s/run: a number is wanted", dir);
	if (rc == 0 && (rc = read_sinks(dir, v)) == 0 && (rc = read_begun(dir, v)) == 0 &&
	    (rc = read_plan(dir, v)) == 0)
		rc = read_traces(dir, v);
	buf_free(&text);
	return rc;
}

void
pipe_view_free(struct pipe_view *v)
{
	for (size_t i = 0; i < v->n_sinks; i++)
		free(v->sink[i].name);
	for (size_t i = 0; i < v->n_traces; i++) {
		free(v->trace[i].name);
		free(v->trace[i].hops);
	}
	free(v->sink);
	free(v->trace);
	*v = (struct pipe_view){ 0 };
}

uint64_t
pipe_view_least(const struct pipe_view *v)
{
	uint64_t least = v->n_sinks == 0 ? 0 : UINT64_MAX;

	for (size_t i = 0; i < v->n_sinks; i++)
		least = v->sink[i].id < least ? v->sink[i].id : least;
	return least;
}

int64_t
pipe_view_committed_ms(const struct pipe_view *v)
{
	int64_t last = 0;

	for (size_t i = 0; i < v->n_sinks; i++)
		last = v->sink[i].at_ms > last ? v->sink[i].at_ms : last;
	return last;
}

uint64_t
pipe_view_lag(const struct pipe_view *v)
{
	uint64_t least = pipe_view_least(v);

	return v->plan > least ? v->plan - least : 0;
}

static size_t
length(const struct pipe_trace *t)
{
	return t->hops == NULL ? 0 : strlen(t->hops);
}

const struct pipe_trace *
pipe_view_last(const struct pipe_view *v)
{
	const struct pipe_trace *best = NULL;

	/* the longest account is that of the stage furthest down; of equals the newest */
	for (size_t i = 0; i < v->n_traces; i++)
		if (best == NULL || v->trace[i].hop > best->hop ||
		    (v->trace[i].hop == best->hop && (v->trace[i].id > best->id ||
		    (v->trace[i].id == best->id && length(&v->trace[i]) > length(best)))))
			best = &v->trace[i];
	return best;
}
