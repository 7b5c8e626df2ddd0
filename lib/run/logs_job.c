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
#include "run/logs_own.h"
#include "store/fs.h"

#define EPOCH_BYTES (32 << 20)	/* about: lines stay in their files, and few epochs cost less than many */
#define PROBE_BYTES (1 << 20)	/* of a file of which no time is known, where there is more than an epoch takes */

static void
at(void *src, struct buf *out)
{
	logs_print(src, out);
}

static int
seek(void *src, struct span pos)
{
	struct logs *l = src;

	gathered_forget(l->held);
	l->more = true;
	return logs_take_up(l, pos);
}

/* ---- files ---- */

/* The name of the log that a file is of: it is looked for beside it. */
static const char *
known_as(const void *arg, const char *app)
{
	const struct log_at *a = logs_at((struct logs *)(uintptr_t)arg, span_str(app));

	return a == NULL ? NULL : a->name;
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
	l->from.known_as = known_as;
	l->from.arg = l;
	if ((rc = sources_open(&l->from, l->ctx, l->pattern, true)) != 0 ||
	    (rc = sources_find(&l->from, &known)) != 0)
		return rc;
	logs_name(l);
	return 0;
}

static off_t
packed_size(const struct input *x)
{
	struct stat st;

	return !x->spot.packed || fstat(x->fd, &st) == -1 ? -1 : st.st_size;
}

/* A compressed file is read from its beginning each time: not while it is what it was when it was read to its end. */
static bool
packed_done(struct logs *l, const struct input *x)
{
	struct log_at *a = x->spot.packed ? logs_at(l, span_str(x->spot.app)) : NULL;

	return a != NULL && a->packed == packed_size(x);
}

/* ---- time ---- */

/* More than an epoch takes? */
static bool
is_backlog(const struct sources *s)
{
	uint64_t bytes = 0;
	struct stat st;

	for (size_t i = 0; i < s->n; i++)
		if (fstat(s->in[i].fd, &st) == 0 && (uint64_t)st.st_size > s->in[i].tail.offset)
			bytes += (uint64_t)st.st_size - s->in[i].tail.offset;
	return bytes > EPOCH_BYTES;
}

/* A log that is not read to its end is not idle; of another one it is told when it was last written to. */
static void
told_time(struct logs *l, const struct input *x)
{
	struct waters_part *p = logs_part(l, x);
	int64_t wrote_ms = INT64_MAX;
	struct stat st;

	if (!x->tail.ended)
		p->fresh = true;
	else if (fstat(x->fd, &st) == 0)
		wrote_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	/* the last of its files counts */
	if (wrote_ms > p->wrote_ms)
		p->wrote_ms = wrote_ms;
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

/* Read on in one file; path is what rejects name it. */
static int
feed(struct logs *l, struct input *x, const char *path)
{
	off_t size = packed_size(x);	/* now: what is written from here on is more of it */
	char to[SPOT_BYTES] = "";
	struct log_at *a;
	bool moved = false;
	int rc;

	l->held->part = waters_part(&l->held->water, span_str(x->log));
	x->tail.name = path;
	/* what may be cut any time is not read twice */
	if (!l->cut_new && !x->spot.packed && x->fd > 0)
		gathered_file(l->held, x->fd);
	rc = x->tail.ended ? 0 : tail_feed(l->ctx, &x->tail);
	x->tail.name = x->path;
	if (rc == 0)
		rc = sources_to(&l->from, x, to, &moved);
	gathered_file_end(l->held, path, to);
	if (rc != 0)
		return rc;
	if (moved)
		logs_moved(l, span_str(x->spot.app), span_str(x->log), span_str(to), span_str(path));
	if (size != -1 && x->tail.ended && (a = logs_at(l, span_str(x->spot.app))) != NULL)
		a->packed = size;
	sources_torn(&l->from, x);
	return 0;
}

/* The files of an epoch, each as far as it can be read now. */
static int
read_all(struct logs *l, bool timed)
{
	bool probe = timed && is_backlog(&l->from);
	uint64_t taken = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < l->from.n && !run_stop; i++) {
		struct input *x = &l->from.in[i];
		uint64_t from = x->tail.offset;

		x->tail.ended = packed_done(l, x);
		if (taken < EPOCH_BYTES && !logs_waits(l, i)) {
			x->tail.most = EPOCH_BYTES - taken;
			/* where does it stand? the next epoch reads whoever is behind */
			if (probe && logs_part(l, x)->newest_us == WATERMARK_NONE && x->tail.most > PROBE_BYTES)
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
	return rc;
}

static int
judge(void *src, int64_t now_ms, struct planned_epoch *e)
{
	struct logs *l = src;
	struct live *live = live_new();
	bool timed = l->held->event_time != NULL;
	int rc;

	(void)now_ms;
	l->from.silent = false;
	if ((rc = open_all(l, live)) == 0 && l->from.cut > 0)
		rc = EXIT_INPUT;	/* said */
	l->more = false;
	if (rc == 0) {
		logs_sighted(l);
		logs_sort(l, timed);
		rc = read_all(l, timed);
		logs_measure(l);
	}
	sources_close(&l->from);
	live_free(live);
	logs_prune(l);
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
add_aside(struct logs *l, const struct live *live, struct span app, const char *path, const char *name)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
	struct input x = { .fd = fd };
	struct stat st;

	if (fd == -1)
		return false;
	/* by the name that it had then: it is what it is known by from here on */
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || spot_find(live, fd, name, &x.spot) != 0 ||
	    !span_is(app, x.spot.app)) {
		close(fd);
		return false;
	}
	x.dev = st.st_dev;
	x.ino = st.st_ino;
	x.birth = x.spot.birth;
	x.path = mem_str(path);
	x.as = mem_str(name);
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
		found = add_aside(l, live, app, buf_cstr(&path), name);
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
feed_again(struct logs *l, const struct live *live, struct span app, const struct logs_entry *e, bool *gone)
{
	struct input *x = input_of(&l->from, app);
	int rc;

	if (x == NULL && (x = find_aside(l, live, app, e->name.p)) == NULL) {
		*gone = true;
		return 0;
	}
	free(x->log);
	x->log = mem_str(e->name.p);
	x->tail.end = strtoull(e->spot.p, NULL, 10);
	rc = feed(l, x, e->path.p);
	*gone = rc == 0 && x->tail.offset != x->tail.end;
	return rc;
}

/* Was nothing read of it in that epoch? Its end was seen, perhaps. */
static bool
stands(const struct log_at *a, const char *spot)
{
	return a != NULL && strtoull(a->spot, NULL, 10) == strtoull(spot, NULL, 10);
}

static int
replay(void *src, struct span from, struct span to, int64_t now_ms, struct planned_epoch *e)
{
	struct logs_entry entry = { 0 };
	struct logs *l = src;
	struct live *live = live_new();
	struct span key;
	struct val v;
	struct rec r;
	int rc;

	(void)now_ms;
	l->from.silent = true;		/* what is gone was told, or will be behind the last plan */
	gathered_forget(l->held);
	gathered_again(l->held, e);
	if ((rc = logs_take_up(l, from)) == 0)
		rc = open_all(l, live);
	for (rec_begin(&r, to); rc == 0 && !e->gone && rec_next(&r, &key, &v);) {
		if (!logs_entry(v, &entry))
			rc = err_input("the plans of this job are not of files");
		else if (!stands(logs_at(l, key), entry.spot.p))
			rc = feed_again(l, live, key, &entry, &e->gone);
	}
	sources_close(&l->from);
	live_free(live);
	logs_entry_free(&entry);
	gathered_sum(l->held, e);
	return rc != 0 ? rc : logs_take_up(l, to);
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
	conf.meter = l->meter;
	conf.lags = logs_lags;
	conf.water = gathered_water(h);
	conf.sign = buf_cstr(&sign);
	if ((rc = planned_open(&conf, &p)) == 0)
		rc = planned_work(p);
	logs_note(l);
	planned_close(p);
	buf_free(&sign);
	return rc;
}
