/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * logs_job - files that grow as the source of a barrier job (see logs.h)
 *
 * What a job's plans say of files is made the state of a table that is nowhere, so that run/sources.h and store/spot.h
 * know files again here as they do for a table.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "in/rec.h"
#include "run/ctx.h"
#include "run/logs.h"
#include "store/fs.h"

#define PROBE_BYTES (1 << 20)	/* of a file of which no time is known, where there is more than an epoch takes */

/* ---- positions ---- */

static void
clear(struct log_at *a)
{
	free(a->app);
	free(a->name);
	free(a->spot);
}

static struct log_at *
find(struct logs *l, struct span app)
{
	for (size_t i = 0; i < l->n_at; i++)
		if (span_is(app, l->at[i].app))
			return &l->at[i];
	return NULL;
}

/* A file stands there now: last of all. */
static void
moved(struct logs *l, struct span app, struct span name, struct span spot)
{
	struct log_at a = { .app = mem_dup(app), .name = mem_dup(name), .spot = mem_dup(spot) }, *old = find(l, app);

	if (old != NULL) {
		clear(old);
		memmove(old, old + 1, (size_t)(l->at + l->n_at - (old + 1)) * sizeof *old);
		l->n_at--;
	}
	l->at = mem_array(l->at, l->n_at + 1, sizeof *l->at);
	l->at[l->n_at++] = a;
}

/* The entry of a file: its name, its spot; a NUL stands behind each. */
static bool
entry(struct val v, struct buf *name, struct buf *spot)
{
	struct span key;
	struct val x;
	struct rec r;

	if (v.tag != T_ARR)
		return false;
	rec_begin(&r, v.raw);
	buf_clear(name);
	buf_clear(spot);
	if (!rec_next(&r, &key, &x) || x.tag != T_STR)
		return false;
	buf_span_add(name, val_text(x, spot));
	buf_clear(spot);
	if (!rec_next(&r, &key, &x) || x.tag != T_STR)
		return false;
	buf_add(spot, x.raw.p + 1, x.raw.n - 2);
	(void)buf_cstr(name);
	(void)buf_cstr(spot);
	return spot->n < SPOT_BYTES && !rec_next(&r, &key, &x);
}

/* Positions of a plan, instead of all that was known. */
static int
take_up(struct logs *l, struct span pos)
{
	struct buf name = { 0 }, spot = { 0 };
	bool good = true;
	struct span key;
	struct val v;
	struct rec r;

	for (size_t i = 0; i < l->n_at; i++)
		clear(&l->at[i]);
	l->n_at = 0;
	if (pos.n > 0)
		for (rec_begin(&r, pos); good && rec_next(&r, &key, &v);)
			if ((good = entry(v, &name, &spot)))
				moved(l, key, buf_span(&name), buf_span(&spot));
	buf_free(&name);
	buf_free(&spot);
	return good ? 0 : err_input("the plans of this job are not of files");
}

static void
at(void *src, struct buf *out)
{
	const struct logs *l = src;

	buf_byte(out, '{');
	for (size_t i = 0; i < l->n_at; i++) {
		if (i > 0)
			buf_byte(out, ',');
		buf_json(out, span_str(l->at[i].app));
		buf_str(out, ":[");
		buf_json(out, span_str(l->at[i].name));
		buf_byte(out, ',');
		buf_json(out, span_str(l->at[i].spot));
		buf_byte(out, ']');
	}
	buf_byte(out, '}');
}

static int
seek(void *src, struct span pos)
{
	struct logs *l = src;

	gathered_forget(l->held);
	l->more = true;
	return take_up(l, pos);
}

/* ---- files ---- */

/* Something leads to these files. */
static void
mark_there(struct logs *l, const struct input *in, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		char inode[64];

		snprintf(inode, sizeof inode, "file/%" PRIu64 ":%" PRIu64, in[k].dev, in[k].ino);
		for (size_t i = 0; i < l->n_at; i++)
			if (strncmp(l->at[i].app, inode, strlen(inode)) == 0 &&
			    strchr("#", l->at[i].app[strlen(inode)]) != NULL)
				l->at[i].there = true;
	}
}

/* Open what there is, known by the positions; those without anything new are closed again. */
static int
open_all(struct logs *l, struct live *live)
{
	struct table known = { .live = live };
	int rc;

	for (size_t i = 0; i < l->n_at; i++) {
		struct span spot = span_of(l->at[i].spot, strlen(l->at[i].spot) + 1);

		live_put_app(live, l->at[i].app)->to = arena_dup(&live->mem, spot);
	}
	l->from.cut = 0;
	if ((rc = sources_open(&l->from, l->ctx, l->pattern, true)) != 0)
		return rc;
	for (size_t i = 0; i < l->n_at; i++)
		l->at[i].there = false;
	mark_there(l, l->from.in, l->from.n);
	return sources_find(&l->from, &known);
}

/* Files that rotation put aside hold what is older. */
static void
aside_first(struct sources *s)
{
	for (size_t i = 0, to = 0; i < s->n; i++) {
		struct input x = s->in[i];

		if (x.as == NULL && !x.gone)
			continue;
		memmove(s->in + to + 1, s->in + to, (i - to) * sizeof x);
		s->in[to++] = x;
	}
}

/* Positions of files that nothing leads to any more are kept for the last few. */
static void
prune(struct logs *l)
{
	size_t gone = 0;

	/* what is still open comes again in the next round */
	mark_there(l, l->from.held, l->from.n_held);
	for (size_t i = l->n_at; i-- > 0;) {
		struct log_at *a = &l->at[i];

		if (a->there || ++gone <= LOGS_GONE_MAX)
			continue;
		waters_forget(&l->held->water, span_str(a->app));
		clear(a);
		memmove(a, a + 1, (size_t)(l->at + l->n_at - (a + 1)) * sizeof *a);
		l->n_at--;
	}
}

/* A compressed file is read from its beginning each time: not while it is what it was at its end. */
static bool
packed_done(struct logs *l, const struct input *x, bool now)
{
	struct log_at *a = x->spot.packed ? find(l, span_str(x->spot.app)) : NULL;
	struct stat st;

	if (a == NULL || fstat(x->fd, &st) == -1)
		return false;
	if (now)
		a->packed = st.st_size;
	return a->packed == st.st_size;
}

/* ---- time ---- */

static struct waters_part *
part_of(struct logs *l, const struct input *x)
{
	size_t i = waters_part(&l->held->water, span_str(x->spot.app));

	return &l->held->water.part[i];		/* a new one has moved them all */
}

/*
 * Which files an epoch reads first where it cannot have all: the one whose time is furthest behind, for time has come
 * no further than there.  Those of which nothing is known come before all.
 */
static void
behind_first(struct logs *l)
{
	struct sources *s = &l->from;

	for (size_t i = 1; i < s->n; i++) {
		struct input x = s->in[i];
		int64_t newest = part_of(l, &x)->newest_us;
		size_t to = i;

		for (; to > 0 && part_of(l, &s->in[to - 1])->newest_us > newest; to--)
			s->in[to] = s->in[to - 1];
		s->in[to] = x;
	}
}

/* More than an epoch takes? */
static bool
is_backlog(const struct sources *s)
{
	uint64_t bytes = 0;
	struct stat st;

	for (size_t i = 0; i < s->n; i++)
		if (fstat(s->in[i].fd, &st) == 0 && (uint64_t)st.st_size > s->in[i].tail.offset)
			bytes += (uint64_t)st.st_size - s->in[i].tail.offset;
	return bytes > PLANNED_BYTES;
}

/* One that is not read to its end is not idle; of another one it is told when it was last written to. */
static void
told_time(struct logs *l, const struct input *x)
{
	struct waters_part *p = part_of(l, x);
	struct stat st;

	if (!x->tail.ended)
		p->fresh = true;
	else if (fstat(x->fd, &st) == 0)
		p->wrote_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

/* ---- epochs ---- */

static int
gather(void *src, int64_t due)
{
	struct logs *l = src;

	/* nothing is waited for: what is there then is read then */
	if (!l->more && !l->until)
		planned_wait(due);
	return 0;
}

/* Read on in one file. */
static int
feed(struct logs *l, struct input *x, const char *name)
{
	uint64_t from = x->tail.offset;
	char to[SPOT_BYTES];
	int rc;

	l->held->part = waters_part(&l->held->water, span_str(x->spot.app));
	if ((rc = tail_feed(l->ctx, &x->tail)) != 0)
		return rc;
	if (x->tail.offset > from) {
		if ((rc = spot_to(&x->spot, x->fd, x->path, x->tail.offset, x->tail.line, to)) != 0)
			return rc;
		moved(l, span_str(x->spot.app), span_str(name), span_str(to));
		l->at[l->n_at - 1].there = true;
	}
	if (x->tail.ended)
		(void)packed_done(l, x, true);
	return 0;
}

static int
judge(void *src, int64_t now_ms, struct planned_epoch *e)
{
	struct logs *l = src;
	struct live *live = live_new();
	uint64_t taken = 0;
	bool timed = l->held->event_time != NULL, probe = false;
	int rc = open_all(l, live);

	(void)now_ms;
	if (rc == 0 && l->from.cut > 0)
		rc = EXIT_INPUT;	/* said */
	aside_first(&l->from);
	if (rc == 0 && timed) {
		behind_first(l);
		probe = is_backlog(&l->from);
	}
	l->more = false;
	for (size_t i = 0; rc == 0 && i < l->from.n && !run_stop; i++) {
		struct input *x = &l->from.in[i];
		uint64_t from = x->tail.offset;

		if (packed_done(l, x, false))
			continue;
		if (taken < PLANNED_BYTES) {
			x->tail.most = PLANNED_BYTES - taken;
			/* where does it stand? the next epoch reads whoever is behind */
			if (probe && part_of(l, x)->newest_us == WATERMARK_NONE && x->tail.most > PROBE_BYTES)
				x->tail.most = PROBE_BYTES;
			rc = feed(l, x, x->path);
			taken += x->tail.offset - from;
		}
		if (timed)
			told_time(l, x);
		l->more = l->more || !x->tail.ended;
		if (x->tail.left > 0 && l->until)
			err_warn("%s:%" PRIu64 ": the last line is not whole: left for the next time", x->path,
			    x->tail.line + 1);
	}
	sources_close(&l->from);
	live_free(live);
	prune(l);
	gathered_sum(l->held, e);
	e->over = l->until && !l->more;
	return rc;
}

static struct input *
input_of(struct sources *s, struct span app)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->in[i].fd > 0 && span_is(app, s->in[i].spot.app))
			return &s->in[i];
	return NULL;
}

/* Is the file that has this inode's name the one that the plan means? Then it is one of l->from. */
static bool
add_aside(struct logs *l, const struct live *live, struct span app, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
	struct input x = { .fd = fd };
	struct stat st;

	if (fd == -1)
		return false;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || spot_find(live, fd, path, &x.spot) != 0 ||
	    !span_is(app, x.spot.app)) {
		close(fd);
		return false;
	}
	x.dev = st.st_dev;
	x.ino = st.st_ino;
	x.path = mem_str(path);
	x.tail = (struct tail){ .fd = fd, .offset = x.spot.offset, .line = x.spot.line, .hold = true };
	l->from.in = mem_array(l->from.in, l->from.n + 1, sizeof x);
	l->from.in[l->from.n++] = x;
	return true;
}

/* A log that came and was renamed to where nothing leads, all since the plan before: beside its old name. */
static struct input *
find_aside(struct logs *l, const struct live *live, struct span app, const char *name)
{
	struct buf path = { 0 };
	char *dir = fs_parent(name), *text = mem_dup(app);
	uint64_t dev = 0, ino = 0;
	DIR *d = sscanf(text, "file/%" SCNu64 ":%" SCNu64, &dev, &ino) == 2 ? opendir(dir) : NULL;
	struct dirent *e;
	bool found = false;

	while (d != NULL && !found && (e = readdir(d)) != NULL) {
		if (e->d_ino != ino)
			continue;
		buf_clear(&path);
		if (strchr(name, '/') != NULL)
			buf_fmt(&path, "%s/", dir);
		buf_str(&path, e->d_name);
		found = add_aside(l, live, app, buf_cstr(&path));
	}
	if (d != NULL)
		closedir(d);
	buf_free(&path);
	free(dir);
	free(text);
	return found ? &l->from.in[l->from.n - 1] : NULL;
}

/* One file up to where the plan says. */
static int
feed_again(struct logs *l, const struct live *live, struct span app, const char *name, const char *spot, bool *gone)
{
	struct input *x = input_of(&l->from, app);
	int rc;

	if (x == NULL && (x = find_aside(l, live, app, name)) == NULL) {
		*gone = true;
		return 0;
	}
	x->tail.end = strtoull(spot, NULL, 10);
	/* rejects name it as they did */
	x->tail.name = name;
	rc = feed(l, x, name);
	*gone = rc == 0 && x->tail.offset != x->tail.end;
	x->tail.name = x->path;
	return rc;
}

static int
replay(void *src, struct span from, struct span to, int64_t now_ms, struct planned_epoch *e)
{
	struct buf name = { 0 }, spot = { 0 };
	struct logs *l = src;
	struct live *live = live_new();
	struct span key;
	struct val v;
	struct rec r;
	int rc;

	(void)now_ms;
	gathered_forget(l->held);
	if ((rc = take_up(l, from)) == 0)
		rc = open_all(l, live);
	for (rec_begin(&r, to); rc == 0 && !e->gone && rec_next(&r, &key, &v);) {
		const struct log_at *a = find(l, key);

		if (!entry(v, &name, &spot))
			rc = err_input("the plans of this job are not of files");
		else if (a == NULL || strcmp(a->spot, spot.p) != 0)
			rc = feed_again(l, live, key, name.p, spot.p, &e->gone);
	}
	sources_close(&l->from);
	live_free(live);
	buf_free(&name);
	buf_free(&spot);
	gathered_sum(l->held, e);
	return rc != 0 ? rc : take_up(l, to);
}

static int
emit(void *src)
{
	struct logs *l = src;

	return gathered_emit(l->held);
}

int
logs_job(struct logs *l, struct gathered *h, struct planned_conf conf)
{
	static const struct planned_ops ops = { seek, at, gather, judge, replay, emit };
	struct planned *p = NULL;
	struct buf sign = { 0 };
	int rc;

	if (h->event_time != NULL && h->water.idle == NULL)
		return ctx_usage(l->ctx, "-f with --event-time needs --idle: a log that was rotated away is "
		    "silent for ever");
	l->held = h;
	l->from.keep = !l->until;
	l->from.cut_new = l->cut_new;
	buf_fmt(&sign, "-f %s", l->pattern);
	conf.ops = &ops;
	conf.src = l;
	conf.water = gathered_water(h);
	conf.sign = buf_cstr(&sign);
	if ((rc = planned_open(&conf, &p)) == 0)
		rc = planned_work(p);
	planned_close(p);
	buf_free(&sign);
	return rc;
}
