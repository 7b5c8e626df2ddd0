/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * topics_job - topics as the source of a barrier job (see topics.h)
 *
 * An epoch is a range of offsets in each partition.  A position that a plan knows is the broker's again, or an error;
 * partitions that came to a topic since begin at their beginning.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "in/rec.h"
#include "run/ctx.h"
#include "run/topics_own.h"

#define STOP_MS 10000		/* a signal waits no longer than that for the epoch at hand */

/* ---- positions ---- */

/* What a plan says of a partition; false: nothing. */
static bool
position(struct span at, const char *name, struct buf *scratch, int64_t *offset)
{
	struct span key;
	struct val v;
	struct rec r;

	if (at.n == 0)
		return false;
	for (rec_begin(&r, at); rec_next(&r, &key, &v);) {
		uint64_t n;

		if (!rec_key_is(key, span_str(name), scratch))
			continue;
		buf_clear(scratch);
		buf_span_add(scratch, v.raw);
		if (!opt_count(buf_cstr(scratch), &n) || n > INT64_MAX)
			return false;
		*offset = (int64_t)n;
		return true;
	}
	return false;
}

static void
at(void *src, struct buf *out)
{
	const struct topics *t = src;
	bool some = false;

	buf_byte(out, '{');
	for (size_t k = 0; k < t->n; k++) {
		size_t i = t->order[k];

		if (!t->kp[i].ours)
			continue;
		if (some)
			buf_byte(out, ',');
		some = true;
		buf_json(out, span_str(t->part[i].name));
		buf_byte(out, ':');
		buf_i64(out, t->part[i].next);
	}
	buf_byte(out, '}');
}

/* Nothing was read. */
static void
forget(struct topics *t)
{
	for (size_t i = 0; i < t->n; i++) {
		buf_clear(&t->part[i].got.text);
		t->part[i].got.n = 0;
		buf_clear(&t->part[i].meta);
	}
	t->bytes = t->fresh = 0;
	gathered_forget(t->held);
}

/* Read what is ours and not done, each from its next. */
static int
start(struct topics *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct stand *p = &t->part[i];

		p->done = t->kp[i].ours && p->next >= p->end;
		t->kp[i].next = p->next;
		t->kp[i].on = t->kp[i].ours && !p->done;
	}
	return kafka_start(t->k);
}

static int
begin_at(struct topics *t, size_t i, struct span pos, const int64_t *from)
{
	const struct kafka_part *k = &t->kp[i];
	struct stand *p = &t->part[i];

	if (pos.n > 0) {
		if (position(pos, p->name, &t->scratch, &p->next))
			return topics_check(t, i);
		p->next = k->low;
	} else {
		p->next = from[i] < k->low ? k->low : from[i] > k->high ? k->high : from[i];
	}
	return 0;
}

static int
seek(void *src, struct span pos)
{
	struct topics *t = src;
	int64_t *from = mem_array(NULL, t->n + 1, sizeof *from);
	int rc = pos.n == 0 ? topics_resolve(t, &t->from, from) : kafka_bounds(t->k);

	forget(t);
	for (size_t i = 0; rc == 0 && i < t->n; i++)
		if (t->kp[i].ours)
			rc = begin_at(t, i, pos, from);
	if (rc == 0)
		rc = topics_ends(t, from);
	free(from);
	for (size_t i = 0; i < t->n; i++)
		t->part[i].end = t->part[i].last;
	return rc != 0 ? rc : start(t);
}

/* ---- reading ---- */

/* The topics have got partitions: said. Which are read is settled when a run begins. */
static int
grown(void)
{
	return err_temp("the next run reads all partitions");
}

static int
gather(void *src, int64_t due)
{
	struct topics *t = src;
	int rc = 0;

	while (rc == 0 && !run_stop && !topics_all_done(t) && t->bytes < PLANNED_BYTES) {
		int64_t left = due - clock_ms();
		struct kafka_message m;
		enum kafka_got got = kafka_next(t->k, left <= 0 ? 0 : left < POLL_MS ? (int)left : POLL_MS, &m);

		if (got == KAFKA_MESSAGE)
			rc = topics_take(t, &m);
		else if (got == KAFKA_END)
			topics_reached(t, &m);
		else if (got == KAFKA_FAILED)
			rc = kafka_status(t->k);
		else if (got == KAFKA_GIVEN)
			rc = grown();
		else if (left <= 0)
			break;
	}
	return rc;
}

/* What was read goes through the batch function, partition by partition. */
static int
drain(struct topics *t)
{
	int rc = 0;

	for (size_t k = 0; rc == 0 && k < t->n; k++) {
		struct stand *p = &t->part[t->order[k]];

		if (p->got.n == 0)
			continue;
		t->now = p;
		t->held->part = t->water[t->order[k]];
		rc = tail_messages(t->ctx, &p->got);
		buf_clear(&p->meta);
	}
	t->bytes = t->fresh = 0;
	return rc;
}

static int
judge(void *src, int64_t now_ms, struct planned_epoch *e)
{
	struct topics *t = src;
	int rc = drain(t);

	(void)now_ms;
	gathered_sum(t->held, e);
	e->over = t->conf.until != NULL && topics_all_done(t);
	return rc;
}

/* A partition's piece of a planned epoch; false: it is not there any more. */
static bool
piece(struct topics *t, size_t i, struct span from, struct span to)
{
	const struct kafka_part *k = &t->kp[i];
	struct stand *p = &t->part[i];

	if (!position(from, p->name, &t->scratch, &p->next) || !position(to, p->name, &t->scratch, &p->end)) {
		/* it came to the topic later */
		p->next = p->end = k->low;
		return true;
	}
	return p->next >= p->end || (p->next >= k->low && p->end <= k->high);
}

/* Up to where each partition ends. */
static int
read_pieces(struct topics *t)
{
	int64_t stopped = 0;
	int rc = start(t);

	while (rc == 0 && !topics_all_done(t)) {
		struct kafka_message m = { 0 };
		enum kafka_got got = kafka_next(t->k, POLL_MS, &m);
		struct stand *p = &t->part[m.part];

		if (got == KAFKA_MESSAGE) {
			rc = topics_take(t, &m);
		} else if (got == KAFKA_END && !p->done && m.offset >= p->end) {
			/* the rest is marks of transactions, or was compacted away */
			p->next = p->end;
			p->done = true;
		} else if (got == KAFKA_FAILED) {
			rc = kafka_status(t->k);
		} else if (got == KAFKA_GIVEN) {
			rc = grown();
		}
		if (run_stop != 0 && stopped == 0)
			stopped = clock_ms();
		if (rc == 0 && stopped != 0 && clock_ms() - stopped > STOP_MS)
			rc = err_temp("stopped by signal %d", (int)run_stop);
	}
	return rc;
}

static int
replay(void *src, struct span from, struct span to, int64_t now_ms, struct planned_epoch *e)
{
	struct topics *t = src;
	int rc = kafka_bounds(t->k);

	(void)now_ms;
	forget(t);
	gathered_again(t->held, e);
	for (size_t i = 0; rc == 0 && i < t->n; i++)
		if (t->kp[i].ours && !piece(t, i, from, to))
			e->gone = true;
	if (rc != 0 || e->gone)
		return rc;
	if ((rc = read_pieces(t)) == 0)
		rc = drain(t);
	gathered_sum(t->held, e);
	return rc;
}

static int
emit(void *src)
{
	struct topics *t = src;

	return gathered_emit(t->held);
}

/* ---- the job ---- */

static bool
before(const struct kafka_part *a, const struct kafka_part *b)
{
	int c = strcmp(a->topic, b->topic);

	return c != 0 ? c < 0 : a->id < b->id;
}

/* Which partitions are ours, their order, their places in the watermark. */
static int
share_out(struct topics *t, uint32_t i, uint32_t n)
{
	bool some = false;

	t->order = mem_array(NULL, t->n + 1, sizeof *t->order);
	t->water = mem_array(NULL, t->n + 1, sizeof *t->water);
	for (size_t k = 0; k < t->n; k++) {
		size_t to = k;

		for (; to > 0 && before(&t->kp[k], &t->kp[t->order[to - 1]]); to--)
			t->order[to] = t->order[to - 1];
		t->order[to] = k;
		t->kp[k].ours = (uint32_t)t->kp[k].id % n == i;
		some = some || t->kp[k].ours;
		t->water[k] = t->kp[k].ours ? waters_part(&t->held->water, span_str(t->part[k].name)) : 0;
	}
	return some ? 0 : err_usage("--instance %" PRIu32 "/%" PRIu32 ": no partition is this one's", i, n);
}

/* What positions are of: another one is another job. */
static void
sign(const struct topics *t, uint32_t i, uint32_t n, struct buf *b)
{
	const char *last = NULL;

	buf_str(b, "-t ");
	for (size_t k = 0; k < t->n; k++) {
		const char *topic = t->kp[t->order[k]].topic;

		if (last != NULL && strcmp(last, topic) == 0)
			continue;
		buf_fmt(b, "%s%s", last == NULL ? "" : ",", topic);
		last = topic;
	}
	if (n > 1)
		buf_fmt(b, " --instance %" PRIu32 "/%" PRIu32, i, n);
	if (t->conf.meta != NULL)
		buf_fmt(b, " --meta %s", t->conf.meta);
	if (t->conf.nulls != NULLS_SKIP)
		buf_str(b, t->conf.nulls == NULLS_KEEP ? " --null keep" : " --null reject");
	(void)buf_cstr(b);
}

int
topics_job(struct topics *t, struct gathered *h, struct planned_conf conf, uint32_t i, uint32_t n)
{
	static const struct planned_ops ops = { seek, at, gather, judge, replay, emit };
	struct planned *p = NULL;
	struct buf text = { 0 };
	int rc;

	t->held = h;
	if ((rc = share_out(t, i, n)) != 0)
		return rc;
	sign(t, i, n, &text);
	conf.ops = &ops;
	conf.src = t;
	conf.meter = t->conf.meter;
	conf.lags = topics_lags;
	conf.water = gathered_water(h);
	conf.sign = text.p;
	if ((rc = planned_open(&conf, &p)) == 0)
		rc = planned_work(p);
	planned_close(p);
	buf_free(&text);
	return rc;
}
