/* SPDX-License-Identifier: BSD-2-Clause */
/* epoch - see epoch.h */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "in/rec.h"
#include "op/pack.h"
#include "run/ctx.h"
#include "run/epoch.h"
#include "run/job_dir.h"
#include "run/snaps.h"
#include "store/fs.h"

#define FORGET_EVERY 16		/* epochs between looks at what nobody needs any more */
#define FIRST_LOOK_MS 100	/* a wait for the first line is no longer deaf to a signal than that */
#define TELL_MS 200		/* between two words on how far it is, while there is more to read */

struct epoch {
	struct job_dir *job;
	struct buf sign;		/* what a state belongs to */
	struct snaps *snaps;		/* NULL: no state */
	bool opened, ended;
	bool untold;			/* a line that tell() has not heard of */
	int64_t told_ms;
	uint64_t id;			/* the last one that ended here */
	uint64_t done;			/* a sink: the last one committed */
	int64_t now_ms, wm_ms;
	struct flow_counts before;	/* when it ended */
	struct buf pins, hops, line, dir;
	struct buf first;		/* the `open` line, where it was taken before its time; with its LF */
	struct mark open;		/* what it says */
};

/* ---- what a state belongs to ---- */

static void
sign_option(struct buf *b, const struct opt *o, const char *st)
{
	const void *at = st + o->at;
	const struct opt_list *l = at;
	const char *text;

	pack_span(b, span_str(o->name));
	switch (o->kind) {
	case OPT_FLAG:
		pack_u64(b, *(const bool *)at);
		break;
	case OPT_TEXT:
		memcpy(&text, at, sizeof text);
		pack_span(b, span_str(text == NULL ? "" : text));
		break;
	case OPT_LIST:
		for (size_t i = 0; i < l->n; i++)
			pack_span(b, span_str(l->v[i]));
		break;
	case OPT_SIZE:
		pack_u64(b, *(const size_t *)at);
		break;
	case OPT_COUNT:
		pack_u64(b, *(const uint64_t *)at);
		break;
	case OPT_CHOICE:
		pack_i64(b, *(const int *)at);
		break;
	}
}

/* The command's own options and operands, and those of all that change what a record means. */
static void
sign(struct ctx *c, struct buf *b, int argc, char *const argv[])
{
	pack_span(b, span_str(c->cmd->name));
	for (const struct opt *o = c->cmd->opts; o != NULL && o->name != NULL; o++)
		sign_option(b, o, c->st);
	for (int i = 0; i < argc; i++)
		pack_span(b, span_str(argv[i]));
	pack_span(b, span_str(c->zone == NULL ? "" : zone_name(c->zone)));
	pack_i64(b, c->opt.key_as);
	for (size_t i = 0; i < c->opt.arg.n; i++)
		pack_span(b, span_str(c->opt.arg.v[i]));
}

int
epoch_begin(struct ctx *c, int argc, char *const argv[])
{
	struct epoch *e;
	struct job_dir *j;
	int rc;

	/* what reads no records is no stage, but where it says that it is the source */
	if ((c->cmd->is & (CMD_NO_INPUT | CMD_EPOCHS)) == CMD_NO_INPUT)
		return 0;
	if ((rc = job_dir_open(&j)) != 0 || j == NULL)
		return rc;
	if ((c->cmd->is & CMD_EPOCHS) == 0) {
		job_dir_close(j);
		return err_usage("it cannot stand in a barrier job: it would not keep what it knows through a crash");
	}
	e = mem_new(sizeof *e);
	e->job = j;
	e->wm_ms = INT64_MIN;
	sign(c, &e->sign, argc, argv);
	c->epoch = e;
	return 0;
}

int
epoch_ready(struct ctx *c)
{
	struct epoch *e = c->epoch;
	const char *name;
	int rc;

	if (e == NULL)
		return 0;
	if (c->opt.output != NULL)
		return err_usage("-o: in a barrier job the output is the next stage's input");
	if (c->n_files > 0 && (c->cmd->is & CMD_NO_INPUT) == 0)
		return err_usage("%s: in a barrier job the input is the stage before", c->file[0]);
	/* their count is how many lines its file has */
	if ((c->cmd->sink != NULL || (c->cmd->is & CMD_NO_INPUT) != 0) && c->has_max_rejects && c->rejects == NULL)
		return err_usage("--max-rejects: in a barrier job it takes --reject");
	if (c->cmd->sink == NULL)
		return 0;
	if ((name = c->cmd->sink->name(c->st)) == NULL)
		return err_usage("a sink of a barrier job has a name there: --job");
	if ((rc = c->cmd->sink->begin(c, c->st, &e->done)) != 0)
		return rc;
	/* who was ended between its commit and its word of it says it now */
	if (e->done > 0 && (rc = job_dir_ack(e->job, name, e->done)) != 0)
		return rc;
	return job_dir_begun(e->job, name, e->done);
}

bool
epoch_is(const struct epoch *e, struct span line)
{
	return mark_is(line, e->job->nonce);
}

/* ---- state ---- */

/* A snapshot's head: how far this stage was, and how long its files were. */
static int
pack_head(struct ctx *c, struct buf *b)
{
	uint64_t size = 0;
	int rc = 0;

	pack_u64(b, c->main_feed.seq);
	pack_u64(b, c->n_sides);
	for (size_t i = 1; i < c->n_sides && rc == 0; i++) {
		rc = sink_settle(c->side[i].sink, &size);
		pack_u64(b, size);
	}
	size = 0;
	if (rc == 0 && c->rejects != NULL)
		rc = sink_settle(c->rejects, &size);
	pack_u64(b, size);
	/* --max-rejects is of the job's life */
	pack_u64(b, c->total_rejects);
	pack_u64(b, c->past_in + c->count.in);
	return rc;
}

/* To the lengths that follow there; NULL: to nothing. */
static int
cut_sides(struct ctx *c, struct unpack *u)
{
	uint64_t size;
	int rc = 0;

	for (size_t i = 1; i < c->n_sides && rc == 0; i++)
		rc = sink_cut(c->side[i].sink, u == NULL ? 0 : unpack_u64(u));
	size = u == NULL ? 0 : unpack_u64(u);
	return rc == 0 && c->rejects != NULL ? sink_cut(c->rejects, size) : rc;
}

static int
unpack_head(struct ctx *c, struct span head)
{
	struct unpack u = { head, true };
	uint64_t n;
	int rc;

	c->main_feed.seq = unpack_u64(&u);
	n = unpack_u64(&u);
	rc = n == c->n_sides ? cut_sides(c, &u) : 0;
	if (rc == 0 && u.s.n > 0) {
		c->total_rejects = unpack_u64(&u);
		c->past_in = unpack_u64(&u);
	}
	return rc == 0 && (!u.ok || n != c->n_sides) ? err_input("%s: not a state of this stage", c->epoch->dir.p) : rc;
}

struct put_arg {
	struct epoch *e;
	char which;
};

static int
put_piece(void *arg, struct span key, struct span val)
{
	struct put_arg *a = arg;

	return snaps_put(a->e->snaps, a->which, key, val);
}

static int
put_bulk(void *arg, struct span bytes)
{
	struct put_arg *a = arg;

	return snaps_bulk(a->e->snaps, a->which, bytes);
}

static const struct op *
op_at(struct ctx *c, int i, void **st)
{
	return c->cmd->op == NULL ? NULL : c->cmd->op(c->st, i, st);
}

/* Of a stage that has nothing else; else 0. */
static uint64_t
bulk_size(struct ctx *c)
{
	const struct op *op;
	uint64_t n = 0;
	void *st;

	for (int i = 0; (op = op_at(c, i, &st)) != NULL; i++) {
		if (op->bulk == NULL)
			return 0;
		n += op->bulk->size(st);
	}
	return n;
}

static int
save(struct ctx *c, uint64_t id)
{
	struct epoch *e = c->epoch;
	struct buf head = { 0 };
	const struct op *op;
	uint64_t settled;
	void *st;
	int rc = pack_head(c, &head);

	if (rc == 0)
		rc = snaps_begin(e->snaps, id, buf_span(&head), bulk_size(c));
	for (int i = 0; rc == 0 && (op = op_at(c, i, &st)) != NULL; i++) {
		struct put_arg to = { e, (char)i };

		rc = op->bulk != NULL ? op->bulk->save(st, snaps_whole(e->snaps), put_bulk, &to) :
		    op->save(st, snaps_whole(e->snaps), put_piece, &to);
	}
	if (rc == 0)
		rc = snaps_commit(e->snaps);
	if (rc == 0 && id % FORGET_EVERY == 0 && (rc = job_dir_settled(e->job, &settled)) == 0)
		rc = snaps_forget(e->snaps, settled);
	buf_free(&head);
	return rc;
}

static int
add_piece(void *arg, char part, struct span key, struct span val)
{
	struct ctx *c = arg;
	const struct op *op;
	void *st;

	if ((op = op_at(c, (unsigned char)part, &st)) == NULL)
		return err_input("%s: not a state of this stage", c->epoch->dir.p);
	return op->add(st, key, val);
}

static int
add_bulk(void *arg, char part, struct span bytes)
{
	struct ctx *c = arg;
	const struct op *op;
	void *st;

	if ((op = op_at(c, (unsigned char)part, &st)) == NULL || op->bulk == NULL)
		return err_input("%s: not a state of this stage", c->epoch->dir.p);
	return op->bulk->add(st, bytes);
}

static int
load(struct ctx *c, uint64_t id)
{
	struct epoch *e = c->epoch;
	struct buf head = { 0 };
	void *st;
	int rc;

	if (op_at(c, 0, &st) == NULL && c->n_sides == 1 && c->rejects == NULL && !c->has_max_rejects &&
	    !c->has_max_percent)
		return 0;
	for (size_t i = 1; job_dir_lax() && i < c->n_sides; i++)
		sink_lax(c->side[i].sink);
	if (job_dir_lax() && c->rejects != NULL)
		sink_lax(c->rejects);
	if ((rc = snaps_open(buf_cstr(&e->dir), buf_span(&e->sign), &e->snaps)) == 0)
		rc = snaps_load(e->snaps, id, &head, &(struct snaps_to){ add_piece, add_bulk, c });
	if (rc == 0)
		rc = id == 0 ? cut_sides(c, NULL) : unpack_head(c, buf_span(&head));
	buf_free(&head);
	return rc;
}

/* ---- the line ---- */

struct mark_hop
epoch_account(const struct ctx *c, const struct flow_counts *was)
{
	const struct flow_counts *n = &c->count;

	return (struct mark_hop){ .tool = span_str(c->cmd->name), .in = n->in - was->in,
	    .pass = n->passed - was->passed, .drop = n->dropped - was->dropped, .used = n->used - was->used,
	    .rej = n->rejected - was->rejected, .made = n->made - was->made };
}

/* Where this stage stands: JOB/HOP-TOOL, or below shard and fan-out JOB/HOP.I.BRANCH-TOOL. */
static void
settle_place(struct ctx *c, struct span hops)
{
	const char *branch = getenv("PIPEHOUSE_BRANCH");
	struct buf *b = &c->epoch->dir;

	buf_clear(b);
	buf_fmt(b, "%s/", c->epoch->job->path);
	mark_place(b, hops);
	buf_fmt(b, "%s%s-%s", branch == NULL ? "" : ".", branch == NULL ? "" : branch, c->cmd->name);
	(void)buf_cstr(b);
}

/* What came with the line, and behind it this stage's account. */
static struct mark_hop
add_hop(struct ctx *c, const struct mark *m)
{
	struct epoch *e = c->epoch;
	struct mark_hop mine = epoch_account(c, &e->before);

	buf_clear(&e->hops);
	buf_span_add(&e->hops, m->hops);
	mark_hop(&e->hops, &mine);
	return mine;
}

/*
 * JOB/seen/RUN/HOP-TOOL: the epoch and the accounts up to here, for people, and for whoever looks for the stage at
 * which control lines are lost.  What is behind a run of lines that come at once is told before anything is waited for:
 * the last ones before all stands still are those that matter.
 */
static int
tell(struct epoch *e, bool first)
{
	struct buf b = { 0 }, text = { 0 };
	int rc = 0;

	e->untold = false;
	e->told_ms = clock_ms();
	buf_fmt(&b, "%s/seen/%" PRIu64, e->job->path, e->job->run);
	if (first)
		rc = fs_dirs(buf_cstr(&b));
	buf_str(&b, strrchr(buf_cstr(&e->dir), '/'));
	buf_fmt(&text, "%" PRIu64 " ", e->id);
	buf_span_add(&text, buf_span(&e->hops));
	buf_byte(&text, '\n');
	if (rc == 0)
		rc = fs_put(buf_cstr(&b), buf_span(&text), false);
	buf_free(&b);
	buf_free(&text);
	return rc;
}

/* The line goes on, with what this stage wrote and its account. */
static int
pass_on(struct ctx *c, const struct mark *m)
{
	struct epoch *e = c->epoch;
	struct mark_hop mine = add_hop(c, m);
	struct mark next = *m;
	int rc;

	next.n = mine.pass + mine.made;
	next.hops = buf_span(&e->hops);
	buf_clear(&e->line);
	mark_print(&e->line, e->job->nonce, &next);
	if ((rc = sink_add(c->side[0].sink, buf_span(&e->line))) == 0)
		rc = sink_flush(c->side[0].sink);
	return rc;
}

static int
take_pins(struct ctx *c, struct span pins)
{
	struct epoch *e = c->epoch;
	struct buf name = { 0 };
	struct rec r;
	struct span key;
	struct val v;
	int rc = 0;

	if (c->cmd->pin == NULL || span_eq(pins, buf_span(&e->pins)))
		return 0;
	buf_clear(&e->pins);
	buf_span_add(&e->pins, pins);
	for (rec_begin(&r, buf_span(&e->pins)); rc == 0 && rec_next(&r, &key, &v);) {
		buf_clear(&name);
		buf_span_add(&name, key);
		if (v.tag == T_NUM)
			rc = c->cmd->pin(c, c->st, buf_cstr(&name), strtoull(v.raw.p, NULL, 10));
	}
	buf_free(&name);
	return rc;
}

/* A sink at the end of epoch m->id. */
static int
sink_mark(struct ctx *c, const struct mark *m)
{
	const struct sink_ops *s = c->cmd->sink;
	struct epoch *e = c->epoch;
	struct span at;
	const char *why;
	int rc;

	if (m->id > e->done + 1)
		return err_input("epoch %" PRIu64 " came, %" PRIu64 " is committed", m->id, e->done);
	if (m->id <= e->done)
		return s->drop(c, c->st);
	if ((why = mark_hops_agree(m->hops, &at)) != NULL)
		return err_input("epoch %" PRIu64 ", %.*s: %s", m->id, (int)at.n, at.p, why);
	if ((rc = s->commit(c, c->st, m)) != 0)
		return rc;
	e->done = m->id;
	return job_dir_ack(e->job, s->name(c->st), e->done);
}

static int
open_line(struct ctx *c, const struct mark *m)
{
	struct epoch *e = c->epoch;
	int rc = 0;

	if (e->opened || m->kind != MARK_OPEN)
		return err_input(e->opened ? "a second `open` line" : "a control line before the `open` line");
	if (m->run != e->job->run)
		return err_temp("the `open` line is of run %" PRIu64 ", this is run %" PRIu64, m->run, e->job->run);
	e->opened = true;
	e->id = m->id;
	settle_place(c, m->hops);
	if (c->cmd->sink != NULL) {
		if (m->id > e->done)
			rc = err_input("the source goes on behind epoch %" PRIu64 ", %" PRIu64 " is committed", m->id,
			    e->done);
	} else {
		rc = load(c, m->id);
	}
	if (rc == 0 && c->cmd->mark != NULL)
		rc = c->cmd->mark(c, c->st, m);
	return rc;
}

static int
epoch_ends(struct ctx *c, const struct mark *m)
{
	struct epoch *e = c->epoch;
	int rc = 0;

	if (m->id != e->id + 1)
		return err_input("epoch %" PRIu64 " came behind epoch %" PRIu64, m->id, e->id);
	e->id = m->id;
	e->ended = m->kind == MARK_END;
	if (c->cmd->sink != NULL) {
		/* it came: who waits for a server's commit is not who lets no line through */
		buf_clear(&e->hops);
		buf_span_add(&e->hops, m->hops);
		return (rc = tell(e, false)) != 0 ? rc : sink_mark(c, m);
	}
	if (c->cmd->mark != NULL)
		rc = c->cmd->mark(c, c->st, m);
	if (rc == 0)
		rc = ctx_rejects_ok(c);
	return rc == 0 && e->snaps != NULL ? save(c, m->id) : rc;
}

int
epoch_line(struct ctx *c, struct span line)
{
	struct epoch *e = c->epoch;
	uint64_t came = c->count.in - e->before.in;
	bool first = !e->opened;
	struct mark m;
	const char *why = mark_parse(line, &m);
	int rc;

	if (why == NULL && e->ended)
		why = "something came behind the end";
	if (why != NULL)
		return err_input("%s", why);
	if (came != m.n)
		return err_input("epoch %" PRIu64 ": %" PRIu64 " records came, the stage before wrote %" PRIu64, m.id,
		    came, m.n);
	rc = first ? open_line(c, &m) : epoch_ends(c, &m);
	if (rc == 0 && c->cmd->relay != NULL)
		rc = c->cmd->relay(c, c->st, &m);
	if (rc == 0 && c->cmd->sink == NULL)
		rc = pass_on(c, &m);
	else if (rc == 0)
		(void)add_hop(c, &m);
	if (rc != 0)
		return rc;
	e->before = c->count;
	e->now_ms = m.now_ms;
	e->wm_ms = m.wm_ms;
	e->untold = true;
	if ((first || e->ended || clock_ms() - e->told_ms >= TELL_MS) && (rc = tell(e, first)) != 0)
		return rc;
	return take_pins(c, m.pins);
}

/* ---- the first line, before anything is set up ---- */

/* A line of the input, byte by byte: what stands behind it is to be read in its time. */
static int
take_line(struct ctx *c, struct buf *b)
{
	size_t most = c->opt.max_line != 0 ? c->opt.max_line : LINE_BYTES_MAX;
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t n = 0;

	while (run_stop == 0 && b->n < most && (b->n == 0 || b->p[b->n - 1] != '\n')) {
		if (poll(&in, 1, FIRST_LOOK_MS) == 0)
			continue;
		n = read(STDIN_FILENO, buf_room(b, 1), 1);
		if (n == -1 && errno != EINTR)
			return err_io("<stdin>: %s", strerror(errno));
		if (n == 0)
			return err_temp("the input ended before the `open` line");
		b->n += n == 1;
	}
	return run_stop != 0 ? err_temp("stopped by signal %d", (int)run_stop) : 0;
}

int
epoch_first(struct ctx *c, struct span *pins)
{
	struct epoch *e = c->epoch;
	struct span line;
	int rc = e->first.n > 0 ? 0 : take_line(c, &e->first);

	if (rc != 0)
		return rc;
	line = span_of(e->first.p, e->first.n - 1);
	if (!mark_is(line, e->job->nonce) || mark_parse(line, &e->open) != NULL || e->open.kind != MARK_OPEN)
		return err_input("the input does not begin with the `open` line of this job");
	settle_place(c, e->open.hops);
	*pins = e->open.pins;
	return 0;
}

uint64_t
epoch_first_id(const struct epoch *e)
{
	return e->open.id;
}

struct span
epoch_held(const struct epoch *e)
{
	return buf_span(&e->first);
}

const char *
epoch_job(const struct epoch *e)
{
	return e->job->path;
}

const char *
epoch_place(const struct epoch *e)
{
	return e->dir.p;
}

int
epoch_settled(const struct epoch *e, uint64_t *id)
{
	return job_dir_settled(e->job, id);
}

int
epoch_waits(struct ctx *c)
{
	return c->epoch->untold ? tell(c->epoch, false) : 0;
}

bool
epoch_ended(const struct epoch *e)
{
	return e->ended;
}

int
epoch_over(struct ctx *c)
{
	struct epoch *e = c->epoch;
	int rc = 0;

	if (e->ended)
		return 0;
	if (c->cmd->sink != NULL)
		rc = c->cmd->sink->drop(c, c->st);
	if (rc == 0 && !e->opened)
		return c->count.in > 0 ? err_input("records came, and no control line: the source of a barrier job is "
		    "`ingest --barriers` or `wh-cat --follow --barriers`") :
		    err_temp("the input ended before its first control line");
	return rc != 0 ? rc : err_temp("the input ended inside an epoch, behind epoch %" PRIu64, e->id);
}

int64_t
epoch_now_ms(const struct epoch *e)
{
	return e->now_ms;
}

int64_t
epoch_wm_ms(const struct epoch *e)
{
	return e->wm_ms;
}

const char *
epoch_nonce(const struct epoch *e)
{
	return e->job->nonce;
}

bool
epoch_again(const struct epoch *e)
{
	return e != NULL && e->id < e->done;
}

void
epoch_free(struct epoch *e)
{
	if (e == NULL)
		return;
	snaps_close(e->snaps);
	job_dir_close(e->job);
	buf_free(&e->sign);
	buf_free(&e->pins);
	buf_free(&e->hops);
	buf_free(&e->line);
	buf_free(&e->dir);
	buf_free(&e->first);
	free(e);
}
