/* SPDX-License-Identifier: BSD-2-Clause */
/* planned - see planned.h */
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/ctx.h"
#include "run/epoch.h"
#include "run/heads.h"
#include "run/job_dir.h"
#include "run/meter.h"
#include "run/pieces.h"
#include "run/plan.h"
#include "run/planned.h"
#include "run/waters.h"
#include "store/fs.h"

#define LOOK_MS 100		/* a wait is no longer deaf to a signal than that */
#define ACK_MS_MAX 16		/* between two looks for the sinks */

/* A plan, and what its texts stand in when it is made here. */
struct slot {
	struct plan plan;
	struct buf from, to, pins, water;
};

struct planned {
	struct planned_conf conf;
	struct job_dir *job;
	char *dir;			/* of the plans */
	int lock;			/* of JOB/source: no other process plans */
	struct job_start start;
	struct slot slot[2], *last, *next;	/* of the epoch that ended; of the one at hand */
	struct heads heads;
	int64_t due;
	bool sought;			/* the source stands behind the last epoch */
	uint64_t side, rejected;	/* length of the reject file, when so many had been rejected */
	uint64_t forgotten, acked;
	struct buf line, hops, pins;	/* pins: of the `open` line */
};

void
planned_wait(int64_t until)
{
	for (int64_t left; run_stop == 0 && (left = until - clock_ms()) > 0;)
		(void)poll(NULL, 0, left < LOOK_MS ? (int)left : LOOK_MS);
}

int
planned_every(struct ctx *c, const char *text, uint64_t *ms)
{
	struct dur every;
	int rc = ctx_dur(c, text, "--barriers", &every);

	if (rc != 0)
		return rc;
	if (every.us < 1000)
		return ctx_usage(c, "--barriers: an exact duration of 1ms or more");
	if (!job_dir_is())
		return ctx_usage(c, "--barriers: only in a job that pipe-run starts");
	if (c->opt.output != NULL)
		return ctx_usage(c, "-o: in a barrier job the output is the next stage's input");
	*ms = (uint64_t)every.us / 1000;
	return 0;
}

/* ---- opening ---- */

/* Who to tell to stop, or to look at tables again: this process, which from here on listens. */
static int
say_who(const struct planned *p)
{
	struct buf path = { 0 }, pid = { 0 };
	int rc;

	buf_fmt(&pid, "%ld\n", (long)getpid());
	rc = fs_put(job_dir_path(p->job, "source.pid", &path), buf_span(&pid), false);
	buf_free(&path);
	buf_free(&pid);
	return rc;
}

int
planned_open(const struct planned_conf *conf, struct planned **out)
{
	struct planned *p = mem_new(sizeof *p);
	struct buf dir = { 0 };
	int rc;

	*out = NULL;
	p->conf = *conf;
	p->last = &p->slot[0];
	p->next = &p->slot[1];
	p->lock = -1;
	p->heads.looked = INT64_MIN;
	if (job_dir_lax() && conf->ctx->rejects != NULL)
		sink_lax(conf->ctx->rejects);
	if ((rc = job_dir_open(&p->job)) == 0 && p->job == NULL)
		rc = err_usage("this is no barrier job: pipe-run starts one");
	if (rc == 0) {
		p->dir = mem_str(job_dir_path(p->job, "plan", &dir));
		buf_clear(&dir);
		if ((rc = fs_dirs(job_dir_path(p->job, "source", &dir))) == 0 &&
		    (rc = pieces_lock(dir.p, &p->lock)) == 0)
			rc = fs_dirs(p->dir);
	}
	if (rc == 0 && (rc = heads_open(&p->heads, p->job->path, conf->pins)) == 0 && (rc = say_who(p)) == 0)
		rc = job_dir_starts(p->job, &run_stop, &p->start);
	p->acked = p->start.least;
	if (rc == 0 && conf->meter != NULL) {
		meter_begin(conf->meter, conf->ctx, p->job->name);
		conf->meter->lags = conf->lags;
		conf->meter->src = conf->src;
	}
	buf_free(&dir);
	if (rc != 0)
		planned_close(p);
	else
		*out = p;
	return rc;
}

void
planned_close(struct planned *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < 2; i++) {
		plan_clear(&p->slot[i].plan);
		buf_free(&p->slot[i].from);
		buf_free(&p->slot[i].to);
		buf_free(&p->slot[i].pins);
		buf_free(&p->slot[i].water);
	}
	heads_close(&p->heads);
	if (p->lock != -1)
		close(p->lock);
	job_dir_close(p->job);
	free(p->dir);
	buf_free(&p->line);
	buf_free(&p->hops);
	buf_free(&p->pins);
	free(p);
}

/* ---- what goes out ---- */

/* The line that says where we are, in the hands of the kernel when this returns. */
static int
say(struct planned *p, enum mark_kind kind, const struct plan *a, const struct mark_hop *mine)
{
	struct sink *out = ctx_out(p->conf.ctx);
	struct mark m = { .id = a->id, .run = p->job->run, .kind = kind, .n = mine->pass + mine->made,
	    .now_ms = a->now_ms, .wm_ms = a->wm_ms, .from = a->from, .to = a->to, .pins = a->pins };
	int rc;

	buf_clear(&p->hops);
	mark_hop(&p->hops, mine);
	m.hops = buf_span(&p->hops);
	if (kind == MARK_OPEN) {
		buf_clear(&p->pins);
		heads_open_pins(&p->heads, a->pins, &p->pins);
		m.pins = buf_span(&p->pins);
	}
	buf_clear(&p->line);
	mark_print(&p->line, p->job->nonce, &m);
	if ((rc = sink_add(out, buf_span(&p->line))) == 0)
		rc = sink_flush(out);
	return rc;
}

/* ---- plans ---- */

/* Rejects are on the disk before the plan that says how long their file is. */
static int
settle_side(struct planned *p, bool at_once)
{
	struct ctx *c = p->conf.ctx;
	int rc = 0;

	if (at_once || c->total_rejects != p->rejected)
		rc = ctx_rejects_size(c, &p->side);
	p->rejected = c->total_rejects;
	return rc;
}

/* What was judged, as a plan; `from` stands already. */
static int
write_plan(struct planned *p, uint64_t id, int64_t now, const struct planned_epoch *e)
{
	struct slot *s = p->next;
	struct waters *w = p->conf.water;
	int rc;

	if ((rc = settle_side(p, false)) != 0 || (rc = heads_look(&p->heads, false, clock_ms())) != 0)
		return rc;
	buf_clear(&s->to);
	p->conf.ops->at(p->conf.src, &s->to);
	buf_clear(&s->pins);
	heads_print(&p->heads, &s->pins);
	buf_clear(&s->water);
	s->plan.wm_ms = w == NULL ? INT64_MIN : waters_settle(w);
	if (w != NULL)
		waters_save(w, &s->water);
	s->plan.id = id;
	s->plan.n = e->n;
	s->plan.sum = e->sum;
	s->plan.xxh64 = false;
	s->plan.now_ms = now;
	s->plan.side = p->side;
	s->plan.from = buf_span(&s->from);
	s->plan.to = buf_span(&s->to);
	s->plan.pins = buf_span(&s->pins);
	s->plan.water = buf_span(&s->water);
	s->plan.sign = span_str(p->conf.sign == NULL ? "" : p->conf.sign);
	return plan_write(p->dir, &s->plan);
}

static void
step(struct planned *p)
{
	struct slot *s = p->last;

	p->last = p->next;
	p->next = s;
}

/* Take up what holds behind an epoch. */
static int
take_up(struct planned *p, const struct plan *a)
{
	if (p->conf.water != NULL && !waters_load(p->conf.water, a->water, a->wm_ms))
		return err_input("%s/%" PRIu64 ": what it says of the watermark cannot be read", p->dir, a->id);
	return 0;
}

/* The very first start: where it begins, and what holds for the first epoch, is settled once. */
static int
settle_first(struct planned *p)
{
	struct planned_epoch none = { 0 };
	int64_t now = clock_real_ms();
	int rc;

	if ((rc = p->conf.ops->seek(p->conf.src, span_of("", 0))) != 0 || (rc = settle_side(p, true)) != 0 ||
	    (rc = ctx_rejects_cut(p->conf.ctx, p->side)) != 0)
		return rc;
	p->sought = true;
	buf_clear(&p->next->from);
	if (p->conf.water != NULL)
		waters_now(p->conf.water, now);
	if ((rc = write_plan(p, 0, now, &none)) == 0)
		step(p);
	return rc;
}

/* By which files of configuration what comes is made. */
static int
settle_files(struct planned *p)
{
	struct confs_at at = { .from = p->last->plan.id, .pins = p->last->plan.pins,
	    .sure = p->start.until <= p->start.from, .again = getenv("PIPEHOUSE_JOB_AGAIN") != NULL };
	uint64_t least;
	size_t n;
	int rc = plan_range(p->dir, &least, &at.planned, &n);

	return rc != 0 ? rc : heads_settle(&p->heads, &at);
}

static int
begin(struct planned *p)
{
	const struct mark_hop none = { .tool = span_str(p->conf.ctx->cmd->name) };
	const char *sign = p->conf.sign == NULL ? "" : p->conf.sign;
	struct plan *a = &p->next->plan;
	uint64_t least, most;
	bool found = false;
	size_t n;
	int rc = plan_range(p->dir, &least, &most, &n);

	if (rc == 0 && n == 0 && p->start.most == 0) {
		rc = settle_first(p);
	} else if (rc == 0 && (rc = plan_read(p->dir, p->start.from, a, &found)) == 0) {
		if (!found)
			return err_input("%s/%" PRIu64 ": the sinks stand there, and that plan is not there", p->dir,
			    p->start.from);
		if (!span_is(a->sign, sign))
			return err_input("this job reads %.*s, not %s: a changed job has a name of its own",
			    (int)a->sign.n, a->sign.p, sign);
		p->side = a->side;
		step(p);
		if ((rc = ctx_rejects_cut(p->conf.ctx, p->side)) == 0)
			rc = take_up(p, a);
	}
	if (rc == 0)
		rc = settle_files(p);
	p->due = clock_ms() + (int64_t)p->conf.every_ms;
	return rc != 0 ? rc : say(p, MARK_OPEN, &p->last->plan, &none);
}

/* ---- epochs ---- */

/* Does somebody read what we write? */
static bool
is_read(void)
{
	struct pollfd out = { .fd = 1 };

	return poll(&out, 1, 0) != 1 || (out.revents & POLLERR) == 0;
}

/* The slowest sink is there: what they said when they began is as good. */
static int
look_at_sinks(struct planned *p, uint64_t *acked, bool last)
{
	int rc = job_dir_acked(p->job, acked);

	if (*acked < p->start.least)
		*acked = p->start.least;
	if (rc == 0 && *acked > p->acked) {
		meter_commit(p->conf.meter);
		p->acked = *acked;
	}
	meter_look(p->conf.meter, last);
	return rc;
}

/* Until the slowest sink is near enough, or a signal. */
static int
wait_for_sinks(struct planned *p, uint64_t id)
{
	uint64_t acked, settled;
	int64_t pause = 1;
	int rc;

	while ((rc = look_at_sinks(p, &acked, false)) == 0) {
		if (id <= acked || id - acked <= PLANNED_AHEAD || run_stop != 0)
			break;
		if (!is_read())
			return err_io("stdout: nobody reads it any more");
		planned_wait(clock_ms() + pause);
		pause = pause * 2 > ACK_MS_MAX ? ACK_MS_MAX : pause * 2;
	}
	settled = acked > p->start.until ? acked : p->start.from;
	if (rc == 0 && settled > p->forgotten) {
		p->forgotten = settled;
		if ((rc = plan_forget(p->dir, settled)) == 0)
			rc = heads_forget(&p->heads, p->dir, settled);
	}
	return rc;
}

/* An epoch that no sink has, and that cannot be had again: as if it had never been planned. */
static int
plan_anew(struct planned *p, const struct flow_counts *was, uint64_t id)
{
	const struct plan *a = &p->last->plan;
	struct ctx *c = p->conf.ctx;
	int rc;

	err_warn("epoch %" PRIu64 ": the source is not what it was when this was planned; no sink has it: it is "
	    "planned anew", id);
	c->count = *was;
	if ((rc = settle_side(p, true)) != 0 || (rc = ctx_rejects_cut(c, a->side)) != 0 ||
	    (rc = plan_discard(p->dir, id)) != 0)
		return rc;
	p->side = a->side;
	p->sought = false;
	return take_up(p, a);
}

/* The epoch of a plan that is there. *again: it is to be planned anew. */
static int
replay(struct planned *p, const struct flow_counts *was, struct planned_epoch *e, bool *again)
{
	struct plan *a = &p->next->plan;
	int rc;

	p->sought = false;
	e->xxh64 = a->xxh64;
	if (p->conf.water != NULL)
		waters_now(p->conf.water, a->now_ms);
	if ((rc = p->conf.ops->replay(p->conf.src, a->from, a->to, a->now_ms, e)) != 0)
		return rc;
	e->over = false;
	*again = e->gone || e->n != a->n || e->sum != a->sum;
	if (*again && a->id <= p->start.most)
		return err_input("source changed: epoch %" PRIu64 " is committed, and %s", a->id, e->gone ?
		    "what it was made of is not there any more" : "what it was made of is not what it was");
	if (*again)
		return plan_anew(p, was, a->id);
	/* what the plan says holds, to the bit */
	return (rc = settle_side(p, false)) != 0 ? rc : take_up(p, a);
}

static int
gather(struct planned *p, uint64_t id, struct planned_epoch *e)
{
	const struct planned_ops *o = p->conf.ops;
	const struct plan *was = &p->last->plan;
	int64_t now;
	int rc = 0;

	if (!p->sought && (rc = o->seek(p->conf.src, was->to)) != 0)
		return rc;
	p->sought = true;
	buf_clear(&p->next->from);
	o->at(p->conf.src, &p->next->from);
	if ((rc = o->gather(p->conf.src, p->due)) != 0)
		return rc;
	/* a clock that was set back stands still */
	now = clock_real_ms();
	now = now < was->now_ms ? was->now_ms : now;
	if (p->conf.water != NULL)
		waters_now(p->conf.water, now);
	if ((rc = o->judge(p->conf.src, now, e)) != 0)
		return rc;
	/* from tick to tick; behind a long epoch at once, and from there */
	p->due += (int64_t)p->conf.every_ms;
	if (p->due < clock_ms())
		p->due = clock_ms();
	return write_plan(p, id, now, e);
}

static int
epoch(struct planned *p, bool *over)
{
	struct flow_counts was = p->conf.ctx->count;
	uint64_t id = p->last->plan.id + 1;
	struct planned_epoch e = { 0 };
	bool found, again = false;
	struct mark_hop mine;
	int rc;

	if ((rc = wait_for_sinks(p, id)) != 0 || (rc = plan_read(p->dir, id, &p->next->plan, &found)) != 0)
		return rc;
	/* sync=process, and the machine went down: another epoch of that number would be another history */
	if (!found && id <= p->start.most)
		return err_input("%s/%" PRIu64 ": a sink has committed that epoch, and its plan is not there", p->dir,
		    id);
	if (found && (rc = replay(p, &was, &e, &again)) != 0)
		return rc;
	if (found && !again)
		heads_take(&p->heads, p->next->plan.pins);
	if (!found || again) {
		e = (struct planned_epoch){ 0 };
		rc = gather(p, id, &e);
	}
	if (rc != 0 || (rc = p->conf.ops->emit(p->conf.src)) != 0)
		return rc;
	mine = epoch_account(p->conf.ctx, &was);
	if (mine.pass + mine.made != e.n)
		return err_input("epoch %" PRIu64 ": %" PRIu64 " records came out, %" PRIu64 " were planned", id,
		    mine.pass + mine.made, e.n);
	step(p);
	*over = e.over || run_stop != 0;
	return say(p, *over ? MARK_END : MARK_EPOCH, &p->last->plan, &mine);
}

int
planned_work(struct planned *p)
{
	uint64_t acked;
	bool over = false;
	int rc = begin(p);

	while (rc == 0 && !over)
		rc = epoch(p, &over);
	/* the end is out: what a monitor hears of it changes nothing */
	if (rc == 0)
		(void)look_at_sinks(p, &acked, true);
	return rc;
}
