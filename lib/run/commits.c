/* SPDX-License-Identifier: BSD-2-Clause */
/* commits - see commits.h */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "run/commits.h"
#include "run/ctx.h"
#include "run/planned.h"
#include "store/follow.h"

#define LOOK_MS 20			/* between two looks for the next commit */
#define EPOCH_BYTES (16 << 20)	/* of files, which are compressed */
#define FOR_EVER UINT64_MAX

/* Behind commit n; or before all that the table held at n. */
struct place_in {
	uint64_t n;
	bool whole;
};

struct commits {
	struct commits_conf *conf;
	struct ctx *ctx;
	struct table *table;
	struct place_in at;
	uint64_t until;
	/* taken, and not out yet */
	struct follow_commit *held;
	size_t n_held, cap;
	uint64_t taken, rows, bytes;	/* commits, those without rows too; of the held ones */
	uint64_t *bad;			/* ordinals of rejected rows among them */
	size_t n_bad, cap_bad;
	/* the file that event times are taken from */
	const struct follow_commit *looked;
	const struct wh_file *file;
	size_t part;
	uint64_t seen, line;
	struct buf text;
};

/* ---- options ---- */

/* `word` or a number. */
static bool
number_or(const char *text, const char *word, uint64_t of_word, uint64_t *n)
{
	if (strcmp(text, word) == 0) {
		*n = of_word;
		return true;
	}
	return opt_count(text, n);
}

static int
check_words(struct commits_conf *f, struct ctx *c)
{
	const struct waters *w = &f->water;
	bool timed = w->late != NULL || w->idle != NULL || w->max_future != NULL;

	if (ctx_in_job(c) != (f->every != NULL))
		return ctx_usage(c, f->every != NULL ? "--barriers: only in a barrier job, which pipe-run starts" :
		    "--follow in a barrier job is its source: --barriers DUR is required");
	if (f->every == NULL && (f->event_time != NULL || f->pins != NULL || timed))
		return ctx_usage(c, "--event-time, --late, --idle, --max-future and --pin go with --barriers");
	if (timed && f->event_time == NULL)
		return ctx_usage(c, "--late, --idle and --max-future need --event-time");
	if (ctx_run_dir(c) != NULL)
		return ctx_usage(c, "--follow: in a run a table is read at one commit");
	return 0;
}

int
commits_set_up(struct commits_conf *f, struct ctx *c)
{
	struct span days;
	const char *why = ref_split(span_str(f->table), &f->name, &days);
	int rc = check_words(f, c);

	if (rc != 0)
		return rc;
	if (why != NULL || days.n > 0)
		return ctx_usage(c, "'%.200s': %s", f->table, why != NULL ? why :
		    "--follow takes a table without days");
	f->from_n = 0;
	if (f->from != NULL && strcmp(f->from, "now") != 0 && !number_or(f->from, "beginning", 0, &f->from_n))
		return ctx_usage(c, "--from: beginning, now or the number of a commit");
	f->until_n = FOR_EVER;
	if (f->until != NULL && !number_or(f->until, "end", 0, &f->until_n))
		return ctx_usage(c, "--until: end or the number of a commit");
	f->time = -1;
	if (f->every != NULL && (rc = planned_every(c, f->every, &f->every_ms)) != 0)
		return rc;
	if (f->event_time == NULL)
		return 0;
	rc = ctx_time(c, f->event_time, "--event-time", &f->time, &f->unit);
	return rc == 0 ? waters_set_up(&f->water, c) : rc;
}

/* ---- taking ---- */

static void
forget(struct commits *s)
{
	for (size_t i = 0; i < s->n_held; i++)
		follow_free(&s->held[i]);
	s->n_held = s->n_bad = 0;
	s->taken = s->rows = s->bytes = 0;
}

/* Where --from says; a beginning that is collected is what the table held there. */
static int
first_place(struct commits *s)
{
	const struct commits_conf *f = s->conf;
	uint64_t head = s->table->live->head, floor = 0;
	int rc = 0;

	s->at = (struct place_in){ .n = f->from_n };
	if (f->from != NULL && strcmp(f->from, "now") == 0)
		s->at.n = head;
	else if (f->from == NULL || strcmp(f->from, "beginning") == 0)
		rc = log_floor(&s->table->log, &floor);
	else if (s->at.n > head)
		return err_usage("%s: --from %" PRIu64 ": its newest commit is %" PRIu64, s->table->name, s->at.n,
		    head);
	if (floor > 0)
		s->at = (struct place_in){ .n = floor, .whole = true };
	return rc;
}

static bool
is_over(const struct commits *s)
{
	return !s->at.whole && s->at.n >= s->until;
}

/* The next commit, if it is there: *got. */
static int
take(struct commits *s, bool *got)
{
	struct follow_commit c;
	int rc = s->at.whole ? follow_whole(s->table, s->at.n, &c) :
	    follow_read(s->table, s->at.n + 1, (enum follow_replaced)s->conf->replaced, &c);

	*got = rc == 0 && c.n != 0;
	if (!*got)
		return rc;
	s->at = (struct place_in){ .n = c.n };
	s->taken++;
	s->rows += c.rows;
	s->bytes += c.bytes;
	if (c.n_files == 0) {
		follow_free(&c);
		return 0;
	}
	if (s->n_held == s->cap) {
		s->cap = s->cap == 0 ? 16 : mem_mul(2, s->cap);
		s->held = mem_array(s->held, s->cap, sizeof *s->held);
	}
	s->held[s->n_held++] = c;
	return 0;
}

/* What is held goes out. */
static int
put(struct commits *s)
{
	struct rows_out *o = s->conf->out;
	int rc = 0;

	o->skip = s->bad;
	o->n_skip = s->n_bad;
	o->passed = 0;
	for (size_t i = 0; rc == 0 && i < s->n_held; i++) {
		const struct follow_commit *c = &s->held[i];

		for (size_t k = 0; rc == 0 && k < c->n_files; k++) {
			rows_out_at(o, c->file[k].day, c->n);
			rc = rows_out_file(o, &c->file[k], true);
		}
	}
	return rc;
}

/* ---- outside a barrier job ---- */

static void
on_signal(int sig)
{
	run_stop = sig;
}

/* A table that is followed is left between two commits. */
static void
catch_signals(bool pipe_too)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	if (pipe_too)
		sigaction(SIGPIPE, &sa, NULL);
}

/* Out with what is there, and wait; *gone: nobody reads it any more. */
static int
idle(struct commits *s, bool *gone)
{
	struct pollfd out = { .fd = STDOUT_FILENO };
	int rc = sink_flush(ctx_out(s->ctx));

	*gone = rc == 0 && run_stop == 0 && poll(&out, 1, LOOK_MS) == 1 && (out.revents & (POLLERR | POLLNVAL)) != 0;
	return rc;
}

static int
stream(struct commits *s)
{
	bool gone = false, got;
	int rc = first_place(s);

	while (rc == 0 && !gone && !is_over(s) && run_stop == 0) {
		if ((rc = take(s, &got)) != 0)
			break;
		if (!got) {
			rc = idle(s, &gone);
			continue;
		}
		rc = put(s);
		ctx_count_made(s->ctx, s->rows);
		forget(s);
	}
	ctx_note(s->ctx, "commit", s->at.whole ? 0 : s->at.n);
	return rc;
}

/* ---- as a source ---- */

static int
src_seek(void *src, struct span at)
{
	struct commits *s = src;
	struct buf text = { 0 };
	int n = 0, rc = 0;

	forget(s);
	if (at.n == 0)
		return first_place(s);
	buf_span_add(&text, at);
	s->at.whole = sscanf(buf_cstr(&text), "{\"whole\":%" SCNu64 "}%n", &s->at.n, &n) == 1 && (size_t)n == at.n;
	if (!s->at.whole && (sscanf(text.p, "{\"commit\":%" SCNu64 "}%n", &s->at.n, &n) != 1 || (size_t)n != at.n))
		rc = err_input("%s: '%.100s' is no position of a table", s->table->name, text.p);
	buf_free(&text);
	return rc;
}

static void
src_at(void *src, struct buf *out)
{
	const struct commits *s = src;

	buf_fmt(out, "{\"%s\":%" PRIu64 "}", s->at.whole ? "whole" : "commit", s->at.n);
}

static int
src_gather(void *src, int64_t due)
{
	struct commits *s = src;
	int64_t now, next;
	bool got;
	int rc;

	while (!is_over(s) && s->bytes < EPOCH_BYTES && s->taken < COMMITS_MAX) {
		if ((rc = take(s, &got)) != 0)
			return rc;
		if (got)
			continue;
		if (run_stop != 0 || (now = clock_ms()) >= due)
			break;
		next = now + LOOK_MS;
		planned_wait(next < due ? next : due);
	}
	return 0;
}

/* Row i of the batch has no place in the stream. */
static int
reject(struct commits *s, const struct batch *b, size_t i, const char *why)
{
	struct buf source = { 0 };
	int rc;

	buf_fmt(&source, "%s@%s:%" PRIu64, s->table->name, s->file->day, s->looked->n);
	rc = ctx_reject(s->ctx, (struct where){ buf_cstr(&source), s->line + i + 1, 0 }, why, b->line[i]);
	buf_free(&source);
	ctx_count_in(s->ctx, 1, F_REJECT);
	if (s->n_bad == s->cap_bad) {
		s->cap_bad = s->cap_bad == 0 ? 64 : mem_mul(2, s->cap_bad);
		s->bad = mem_array(s->bad, s->cap_bad, sizeof *s->bad);
	}
	s->bad[s->n_bad++] = s->seen + i;
	return rc;
}

/* Event times of a batch of one file. */
static int
look_batch(void *arg, const struct batch *b)
{
	struct commits *s = arg;
	const struct commits_conf *f = s->conf;
	struct waters *w = &s->conf->water;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < b->n; i++) {
		struct val v = b->col[f->time][i];
		const char *why = val_is_null(v) ? "no event time: the value is null or absent" : NULL;
		int64_t us = 0;

		if (why == NULL)
			why = when_val(v, f->unit, w->zone, &s->text, &us);
		if (why == NULL && waters_ahead(w, us))
			why = WATERMARK_AHEAD;
		if (why != NULL)
			rc = reject(s, b, i, why);
		else
			waters_take(w, s->part, us);
	}
	s->seen += b->n;
	s->line += b->n;
	return rc;
}

static int
look(struct commits *s)
{
	int rc = 0;

	s->part = waters_part(&s->conf->water, span_str(s->table->name));
	s->seen = 0;
	for (size_t i = 0; rc == 0 && i < s->n_held; i++) {
		s->looked = &s->held[i];
		for (size_t k = 0; rc == 0 && k < s->looked->n_files; k++) {
			s->file = &s->looked->file[k];
			s->line = 0;
			rc = ctx_look(s->ctx, s->file->path, ctx_paths(s->ctx), look_batch, s);
			if (rc == 0 && s->line != s->file->rows)
				rc = err_input("%s: %" PRIu64 " rows, its commit says %" PRIu64, s->file->path, s->line,
				    s->file->rows);
		}
	}
	return rc;
}

/* What is held, as an epoch. */
static int
settle(struct commits *s, struct planned_epoch *e)
{
	int rc = s->conf->time == -1 ? 0 : look(s);

	buf_clear(&s->text);
	for (size_t i = 0; i < s->n_held; i++) {
		const struct follow_commit *c = &s->held[i];

		for (size_t k = 0; k < c->n_files; k++)
			buf_fmt(&s->text, "%" PRIu64 " %s %s\n", c->n, c->file[k].day, c->file[k].xxh64);
	}
	e->n = s->rows - s->n_bad;
	e->sum = hash_fixed(buf_span(&s->text));
	e->over = is_over(s);
	return rc;
}

static int
src_judge(void *src, int64_t now_ms, struct planned_epoch *e)
{
	(void)now_ms;	/* in the watermark already */
	return settle(src, e);
}

static int
src_replay(void *src, struct span from, struct span to, int64_t now_ms, struct planned_epoch *e)
{
	struct commits *s = src;
	struct place_in end;
	bool got = true;
	int rc;

	(void)now_ms;
	if ((rc = src_seek(s, to)) != 0)
		return rc;
	end = s->at;
	if ((rc = src_seek(s, from)) != 0)
		return rc;
	while (rc == 0 && got && (s->at.whole != end.whole || (!end.whole && s->at.n < end.n)))
		rc = take(s, &got);
	/* fewer commits than there were: the table is another one, or was set back */
	e->gone = !got || s->at.n != end.n;
	return rc == 0 && !e->gone ? settle(s, e) : rc;
}

static int
src_emit(void *src)
{
	struct commits *s = src;
	int rc = put(s);

	ctx_count_in(s->ctx, s->rows - s->n_bad, F_PASS);
	forget(s);
	return rc;
}

static int
be_source(struct commits *s)
{
	static const struct planned_ops ops = { src_seek, src_at, src_gather, src_judge, src_replay, src_emit };
	struct commits_conf *f = s->conf;
	struct buf sign = { 0 };
	struct planned_conf conf = { .ctx = s->ctx, .ops = &ops, .src = s, .every_ms = f->every_ms, .pins = f->pins,
	    .water = f->time == -1 ? NULL : &f->water };
	struct planned *p;
	int rc;

	buf_fmt(&sign, "wh:%s", s->table->name);
	conf.sign = buf_cstr(&sign);
	if ((rc = planned_open(&conf, &p)) == 0)
		rc = planned_work(p);
	planned_close(p);
	buf_free(&sign);
	return rc;
}

int
commits_work(struct commits_conf *f, struct ctx *c)
{
	struct commits s = { .conf = f, .ctx = c, .until = f->until_n };
	int rc = follow_open(f->name, &s.table);

	if (rc != 0)
		return rc;
	if (s.table->live->head == 0 && !f->missing_ok) {
		err_warn("%s: never committed", s.table->name);
		rc = EXIT_NO;
	}
	if (f->until != NULL && strcmp(f->until, "end") == 0)
		s.until = s.table->live->head;
	if (s.table->meta.tz != NULL)
		f->water.zone = zone_open(s.table->meta.tz);
	catch_signals(f->every != NULL);
	if (rc == 0)
		rc = f->every != NULL ? be_source(&s) : stream(&s);
	forget(&s);
	free(s.held);
	free(s.bad);
	buf_free(&s.text);
	table_close(s.table);
	return rc;
}
