/* SPDX-License-Identifier: BSD-2-Clause */
/* input - operands to blocks to batches, and the fate of every record (see run.h); what goes out: emit.c */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "run/crew.h"
#include "run/ctx.h"
#include "run/epoch.h"
#include "run/kept.h"
#include "store/pool.h"
#include "store/ref.h"

/* ---- bad records ---- */

static void
count_reason(struct ctx *c, const char *why)
{
	uint64_t *n;

	if (c->reasons == NULL)
		c->reasons = map_new(sizeof *n);
	/* reasons are constants of ours, but some carry a value: bound what a hostile input can make us keep */
	n = map_count(c->reasons) < 1000 ? map_put(c->reasons, span_str(why), NULL) :
	    map_put(c->reasons, span_str("other reasons"), NULL);
	++*n;
}

int
ctx_reject(struct ctx *c, struct where w, const char *why, struct span raw)
{
	bool tolerant = c->rejects != NULL || c->opt.on_error == 1;
	int rc = 0;

	c->total_rejects++;
	count_reason(c, why);
	if (!tolerant)
		return err_input("%s:%llu: %s", w.source, (unsigned long long)w.line, why);
	if (c->rejects != NULL)
		rc = reject_put(c->rejects, &(struct reject){ .source = w.source, .run = ctx_run_id(c),
		    .line = w.line, .offset = w.offset, .reason = why, .raw = raw });
	if (rc == 0 && c->has_max_rejects && c->total_rejects > c->max_rejects && !epoch_again(c->epoch))
		rc = err_input("%s:%llu: %s: more than %llu rejects", w.source, (unsigned long long)w.line, why,
		    (unsigned long long)c->max_rejects);
	return rc;
}

struct where
place_of(const struct feed *f, uint64_t number, uint64_t offset)
{
	if (f->place != NULL)
		return (struct where){ f->name, f->place[number - 1], f->place[number - 1] };
	return (struct where){ source_name(f->src), number, offset };
}

struct where
ctx_where(struct ctx *c, const struct batch *b, size_t i)
{
	const struct feed *f = c->feed;
	uint64_t offset = f->block == NULL ? 0 : f->offset + (uint64_t)(b->line[i].p - f->block);

	return place_of(f, f->line_number + i, offset);
}

uint64_t
ctx_offset(struct ctx *c)
{
	const struct feed *f = c->feed;
	const struct batch *b = f->batch;
	struct span last = b->line[b->n - 1];

	return f->offset + (uint64_t)(last.p + last.n - f->block);
}

/* ---- batches ---- */

/* A batch of a second input that threads may read: made here, taken at once or in its turn. */
static int
make(struct ctx *c, struct feed *f, const struct batch *b)
{
	struct yield *y = c->yield;
	int rc;

	if (y == NULL) {
		buf_clear(&f->made);
		rc = f->second->each(f->thread, c, b, &f->made);
		c->second_in += f->look ? 0 : b->n;
		return rc != 0 ? rc : f->second->take(f->second->arg, buf_span(&f->made), 0);
	}
	rc = f->second->each(f->thread, c, b, &y->out);
	y->whole = y->out.n;
	y->count.n.in += f->look ? 0 : b->n;
	return rc != 0 || y->whole < YIELD_BYTES_MAX ? rc : crew_full(c);
}

/* Give n records, numbered from `number`, to whoever reads this feed; `ahead`: what was made of them, or NULL. */
static int
deliver(struct ctx *c, struct feed *f, const struct span *line, const struct val *const *col,
    const struct fp *ahead, size_t n, uint64_t number)
{
	uint8_t fate[BATCH_RECORDS_MAX] MEM_UNFILLED;
	const char *why[BATCH_RECORDS_MAX] MEM_UNFILLED;
	struct batch b = { .n = n, .seq0 = f->seq, .line = line, .col = col, .fate = fate, .why = why,
		.ahead = ahead };
	const struct batch *was = f->batch;
	int rc;

	memset(fate, F_PASS, n);
	f->batch = &b;
	f->line_number = number;
	if (c->yield == NULL)
		f->seq += n;
	else
		b.seq0 += (uint64_t)(line[0].p - f->block);	/* no record is shorter than the place it takes */
	if (f->main) {
		c->emitted = 0;
		rc = f->cmd->batch(c, c->st, &b);
		if (rc == 0)
			emit_upto(c, &b, n);
		rc = rc == 0 ? c->broke : rc;
	} else if (f->second != NULL) {
		rc = make(c, f, &b);
	} else {
		rc = f->each(f->arg, &b);
		for (size_t i = 0; i < n && rc == 0; i++)
			if (fate[i] == F_REJECT && !f->look)
				rc = ctx_reject(c, ctx_where(c, &b, i), why[i], line[i]);
		c->second_in += f->look ? 0 : n;
	}
	f->batch = was;
	return rc;
}

/* One bad line: counted in, judged by the policy. */
static int
bad_line(struct ctx *c, struct feed *f, const char *why, struct span raw, uint64_t number, uint64_t offset)
{
	struct flow_counts *n = c->yield == NULL ? &c->count : &c->yield->count.n;

	if (f->look)
		return 0;
	n->in += f->main;
	if (f->main && (c->cmd->is & CMD_NULLS) != 0 && span_is(raw, "null")) {
		n->dropped++;
		if (c->yield == NULL)
			ctx_note(c, "nulls", ++c->nulls);
		else
			c->yield->count.nulls++;
		return 0;
	}
	n->rejected += f->main;
	return bad_record(c, place_of(f, number, offset), why, raw);
}

/* One byte tells nearly all records from a control line: this stands in the way of each. */
static inline bool
is_control(const struct epoch *e, struct span line)
{
	return line.n > 2 && line.p[2] == '$' && epoch_is(e, line);
}

/* The first from i on that is not one to be delivered: bad, blank, or a control line. */
static size_t
run_end(const struct epoch *e, const struct scanned *got, size_t i)
{
	if (e == NULL)
		while (i < got->n && got->kind[i] == LINE_RECORD)
			i++;
	else
		while (i < got->n && got->kind[i] == LINE_RECORD && !is_control(e, got->line[i]))
			i++;
	return i;
}

/*
 * Runs of records between bad and blank lines go out as batches of their own, so that order is kept; in a barrier job
 * those between control lines, which are known by how they begin, whatever the scanner thinks of them.
 */
int
scanned_lines(struct ctx *c, struct feed *f, const struct pathset *ps, const struct scanned *got, uint64_t *number)
{
	uint64_t *blank = c->yield == NULL ? &c->blank : &c->yield->count.blank;
	const struct epoch *e = f->main ? c->epoch : NULL;
	const struct val *col[PATHS_MAX] MEM_UNFILLED;
	size_t i = 0;
	int rc = 0;

	while (i < got->n && rc == 0) {
		size_t a = i;

		if ((i = run_end(e, got, a)) > a) {
			for (size_t k = 0; k < ps->n; k++)
				col[k] = got->col[k] + a;
			rc = deliver(c, f, got->line + a, col,
			    f->ahead == NULL ? NULL : f->ahead + a, i - a, *number + a);
		}
		if (rc != 0 || i == got->n)
			break;
		if (e != NULL && is_control(e, got->line[i]))
			rc = epoch_line(c, got->line[i]);
		else if (got->kind[i] == LINE_BLANK)
			*blank += f->main;
		else
			rc = bad_line(c, f, got->why[i], got->line[i], *number + i,
			    f->offset + (uint64_t)(got->line[i].p - f->block));
		i++;
	}
	*number += got->n;
	return rc;
}

/* CMD_LINES: every line as it stands; blank ones too. */
static int
plain_lines(struct ctx *c, struct feed *f, const struct block *blk, uint64_t *number)
{
	struct span line[BATCH_RECORDS_MAX];
	const char *p = blk->p, *end = p + blk->n;
	int rc = 0;

	while (p < end && rc == 0) {
		size_t n = 0;

		while (p < end && n < BATCH_RECORDS_MAX) {
			const char *lf = memchr(p, '\n', (size_t)(end - p));

			lf = lf == NULL ? end : lf;
			line[n++] = span_of(p, (size_t)(lf - p));
			p = lf + (lf < end);
		}
		rc = deliver(c, f, line, NULL, NULL, n, *number);
		*number += n;
	}
	return rc;
}

/* Tell the command how long nothing has come, until something does. */
static int
wait_idle(struct ctx *c, struct source *src)
{
	int64_t from = clock_ms();
	int rc = 0;

	while (rc == 0 && !run_stop && !source_ready(src, IDLE_FLUSH_MS)) {
		rc = c->cmd->idle(c, c->st, clock_ms() - from);
		if (rc == 0)
			rc = sink_flush(c->side[0].sink);
	}
	return rc;
}

int
block_lines(struct ctx *c, struct feed *f, const struct pathset *ps, const struct block *blk, uint64_t *number)
{
	struct scanned got;
	int rc = 0;

	*number = blk->line0;
	f->offset = blk->offset;
	f->block = blk->p;
	if (blk->long_line > 0)
		return bad_line(c, f, "line longer than the limit (--max-line)", span_of(blk->p, blk->n), (*number)++,
		    blk->offset);
	if (f->main && (c->cmd->is & CMD_LINES) != 0)
		return plain_lines(c, f, blk, number);
	scan_block(f->scan, blk->p, blk->n);
	while (rc == 0 && scan_next(f->scan, &got))
		rc = scanned_lines(c, f, ps, &got, number);
	return rc == 0 && f->main && c->cmd->let_go != NULL ? c->cmd->let_go(c, c->st) : rc;
}

int
input_kept(struct ctx *c, struct feed *f, const struct pathset *ps, const struct block *blk, const struct kept *k)
{
	uint64_t next;
	int rc;

	f->offset = blk->offset;
	f->block = blk->p;
	rc = kept_deliver(k, c, f, ps, blk->line0, &next);
	c->count.bytes_in += blk->n;
	stats_progress(c, false);
	return rc;
}

int
input_block(struct ctx *c, struct feed *f, const struct pathset *ps, const struct block *blk)
{
	uint64_t number;
	int rc = 0;

	if (f->main && c->cmd->between != NULL && c->epoch == NULL && (rc = c->cmd->between(c, c->st)) != 0)
		return rc;
	f->offset = blk->offset;
	f->block = blk->p;
	if (f->main && c->cmd->bytes != NULL) {
		rc = c->cmd->bytes(c, c->st, blk);
	} else {
		rc = block_lines(c, f, ps, blk, &number);
		f->lines = number - blk->line0;
		if (rc == 0 && f->src != NULL && blk->long_line == 0)
			source_counted(f->src, f->lines);
	}
	if (f->main && !f->waited && rc == 0 && f->src != NULL &&
	    (c->opt.line_buffered || !source_ready(f->src, IDLE_FLUSH_MS)))
		rc = sink_flush(c->side[0].sink);
	if (f->main && !f->waited && rc == 0 && f->src != NULL && c->cmd->idle != NULL &&
	    c->epoch == NULL)
		rc = wait_idle(c, f->src);
	if (f->main)
		c->count.bytes_in = c->count.bytes_in + blk->n;
	stats_progress(c, false);
	return rc;
}

/*
 * A stage of a barrier job waits for input, and looks whether its output is still read.  Where the reader is gone it
 * would see that when it writes; but its input may not go on before a sink has committed, and that may be who is gone.
 * Behind an `end` line nothing more is written: who reads that is gone when he has it, often before the source is.
 */
static int
await_input(struct ctx *c, struct source *src)
{
	struct pollfd pfd[] = { { .fd = 0, .events = POLLIN }, { .fd = epoch_ended(c->epoch) ? -1 : 1 } };
	int rc;

	while (!run_stop && !source_ready(src, 0)) {
		if ((rc = epoch_waits(c)) != 0)
			return rc;
		(void)poll(pfd, 2, -1);
		if ((pfd[1].revents & POLLERR) != 0)
			(void)raise(SIGPIPE);	/* as the write would: who ignores it learns it there */
		if (pfd[1].revents != 0)
			break;
	}
	return 0;
}

static int
feed_source(struct ctx *c, struct feed *f, const struct pathset *ps)
{
	struct feed *was = c->feed;
	struct block blk;
	int rc = 0;

	c->feed = f;
	while (rc == 0 && !run_stop) {
		if (f->threads > 1 && f->blocks >= CREW_FROM_BLOCKS) {
			if (f->crew == NULL)
				rc = crew_start(c, f, ps);
			c->feed = was;
			return rc != 0 ? rc : crew_feed(f, f->src);
		}
		if (f->main && c->epoch != NULL && (rc = await_input(c, f->src)) != 0)
			break;
		if ((rc = source_block(f->src, &blk)) != 0 || (blk.n == 0 && blk.long_line == 0))
			break;
		f->blocks++;
		rc = input_block(c, f, ps, &blk);
	}
	if (rc == 0 && !run_stop && f->main && c->cmd->bytes != NULL)
		rc = c->cmd->bytes(c, c->st, &blk);
	c->feed = was;
	return rc;
}

size_t
block_asked(void)
{
	const char *s = getenv("PIPEHOUSE_BLOCK");

	return s == NULL ? 0 : strtoul(s, NULL, 10);
}

/*
 * What one thread has scanned and another must look at stays in the L2: there, blocks of files are no larger.
 */
static struct source_conf
source_limits(struct ctx *c, const struct feed *f)
{
	size_t block = block_asked();
	bool large = block == 0 && !(f->main && crew_in_order(c));

	return (struct source_conf){ .max_line = c->opt.max_line, .threads = f->threads < 1 ? 1 : f->threads,
	    .block = block, .file_block = large ? FILE_BLOCK_BYTES : 0,
	    .first = f->main && c->epoch != NULL ? epoch_held(c->epoch) : (struct span){ "", 0 } };
}

struct scan_conf
scan_limits(const struct ctx *c)
{
	return (struct scan_conf){ .max_string = c->opt.max_string, .max_depth = c->opt.max_depth,
	    .max_keys = c->opt.max_keys, .gather = (c->cmd->is & CMD_GATHER) != 0 };
}

struct read_arg {
	struct ctx *c;
	struct feed *f;
	const struct pathset *ps;
	const char *operand;
};

static int
read_one(void *arg, const char *day, const char *path)
{
	struct read_arg *a = arg;
	struct source_conf sc = source_limits(a->c, a->f);
	struct buf name = { 0 }, said = { 0 };
	int rc, fd, r;

	err_hold(&said);
	if (day == NULL) {
		rc = source_open(path, &sc, &a->f->src);
	} else if ((rc = pool_open(path, &fd)) == 0) {
		/* a row is known by its table and day; the name of its file is the store's business */
		buf_fmt(&name, "%.*s@%s", (int)strcspn(a->operand, "@"), a->operand, day);
		rc = source_fd(fd, buf_cstr(&name), &sc, &a->f->src);
		buf_free(&name);
	}
	err_hold(NULL);
	/* what is said of it comes behind what the inputs before it still have to say */
	if (rc != 0 && (r = crew_drain(a->f)) != 0)
		rc = r;
	else
		err_release(&said);
	buf_free(&said);
	if (rc != 0)
		return rc;
	rc = feed_source(a->c, a->f, a->ps);
	if (a->f->crew != NULL)
		return rc;		/* the crew closes it */
	source_close(a->f->src);
	a->f->src = NULL;
	return rc;
}

/* A file, `-`, or where that is meant a table. */
static int
read_operand(struct read_arg *a, bool tables)
{
	int rc;

	if (tables && strncmp(a->operand, "wh:", 3) == 0) {
		if ((rc = crew_drain(a->f)) != 0)
			return rc;
		return ref_files(a->operand, read_one, a);
	}
	return read_one(a, NULL, a->operand);
}

int
ctx_rejects_ok(struct ctx *c)
{
	uint64_t in = c->past_in + c->count.in;

	if (!c->has_max_percent || c->total_rejects * 100 <= c->max_percent * in)
		return 0;
	return err_input("%llu of %llu records rejected: more than %llu%%", (unsigned long long)c->total_rejects,
	    (unsigned long long)in, (unsigned long long)c->max_percent);
}

int
input_all(struct ctx *c)
{
	struct scan_conf kc = scan_limits(c);
	struct feed *f = &c->main_feed;
	struct read_arg a = { c, f, c->paths, "-" };
	int rc = 0;

	f->cmd = c->cmd;
	f->main = true;
	if ((c->cmd->is & CMD_LINES) == 0)
		f->scan = scan_new(c->paths, &kc);
	for (size_t i = 0; rc == 0 && i < (c->n_files == 0 ? 1 : c->n_files); i++) {
		if (i < c->n_files)
			a.operand = c->file[i];
		rc = read_operand(&a, (c->cmd->is & CMD_TABLES) != 0);
	}
	rc = crew_end(f, rc);
	if (f->scan != NULL)
		scan_free(f->scan);
	f->scan = NULL;
	if (rc == 0 && c->epoch != NULL && !run_stop)
		rc = epoch_over(c);
	return rc != 0 ? rc : ctx_rejects_ok(c);
}

static int
read_second(struct ctx *c, const char *operand, const struct pathset *ps, struct feed *f)
{
	struct scan_conf kc = scan_limits(c);
	struct read_arg a = { c, f, ps, operand };
	int rc;

	f->scan = scan_new(ps, &kc);
	f->threads = crew_size_second(c, operand);
	if (f->second != NULL)
		f->thread = f->second->thread(f->second->arg);
	rc = crew_end(f, read_operand(&a, true));
	if (f->second != NULL)
		f->second->thread_end(f->second->arg, f->thread);
	buf_free(&f->made);
	scan_free(f->scan);
	return rc;
}

int
ctx_read(struct ctx *c, const char *operand, const struct pathset *ps,
    int (*each)(void *arg, const struct batch *), void *arg)
{
	return read_second(c, operand, ps, &(struct feed){ .each = each, .arg = arg });
}

int
second_reject(struct ctx *c, uint64_t number, struct span line, const char *why)
{
	const struct feed *f = c->feed;
	uint64_t offset = f->block == NULL ? 0 : f->offset + (uint64_t)(line.p - f->block);

	return ctx_reject(c, place_of(f, number, offset), why, line);
}

int
input_second(struct ctx *c, const char *operand, const struct pathset *ps, const struct second *by)
{
	return read_second(c, operand, ps, &(struct feed){ .second = by });
}

int
input_look(struct ctx *c, const char *operand, const struct pathset *ps, const struct second *by)
{
	return read_second(c, operand, ps, &(struct feed){ .second = by, .look = true });
}

int
ctx_look(struct ctx *c, const char *operand, const struct pathset *ps,
    int (*each)(void *arg, const struct batch *), void *arg)
{
	return read_second(c, operand, ps, &(struct feed){ .each = each, .arg = arg, .look = true });
}
