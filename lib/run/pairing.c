/* SPDX-License-Identifier: BSD-2-Clause */
/* pairing - see pairing.h */
#include <stdlib.h>
#include <sys/stat.h>

#include "run/ctx.h"
#include "run/operand.h"
#include "run/pairing.h"
#include "run/sides.h"

/* ---- how far a file is out of order ---- */

struct measure {
	struct watermark water;		/* how far ahead is too far */
	const struct zone *zone;
	enum unit unit;
	int64_t newest, behind;		/* behind: at most, of any record */
};

/* Of the records of a batch. */
struct extent {
	int64_t newest, oldest, behind;
};

struct looker {
	const struct measure *m;
	struct buf scratch;
};

static void *
looker_new(void *arg)
{
	struct looker *l = mem_new(sizeof *l);

	l->m = arg;
	return l;
}

static void
looker_end(void *arg, void *thread)
{
	struct looker *l = thread;

	(void)arg;
	if (l != NULL)
		buf_free(&l->scratch);
	free(l);
}

static int
look(void *thread, const struct ctx *c, const struct batch *b, struct buf *made)
{
	struct looker *l = thread;
	const struct measure *m = l->m;
	struct extent e = { INT64_MIN, INT64_MAX, 0 };

	(void)c;
	for (size_t i = 0; i < b->n; i++) {
		int64_t us;

		if (when_val(b->col[0][i], m->unit, m->zone, &l->scratch, &us) != NULL ||
		    watermark_ahead(&m->water, us))
			continue;
		if (us < e.newest && e.newest - us > e.behind)
			e.behind = e.newest - us;
		e.newest = us > e.newest ? us : e.newest;
		e.oldest = us < e.oldest ? us : e.oldest;
	}
	buf_add(made, (const char *)&e, sizeof e);
	return 0;
}

static int
look_at(void *arg, struct span made, uint64_t line)
{
	struct measure *m = arg;

	(void)line;
	for (; made.n > 0; made = span_from(made, sizeof(struct extent))) {
		struct extent e;

		memcpy(&e, made.p, sizeof e);
		m->behind = e.behind > m->behind ? e.behind : m->behind;
		if (e.oldest < m->newest && m->newest - e.oldest > m->behind)
			m->behind = m->newest - e.oldest;
		m->newest = e.newest > m->newest ? e.newest : m->newest;
	}
	return 0;
}

static int
measure(struct pairing *p, int side)
{
	struct pair_side *f = &p->conf.side[side];
	struct measure m = { .zone = ctx_zone(p->c), .unit = f->unit, .newest = INT64_MIN };
	const struct second by = { &m, looker_new, looker_end, look, look_at };
	struct pathset *ps = pathset_new();
	char why[MESSAGE_BYTES_MAX];
	int rc = 0;

	watermark_init(&m.water, (struct dur){ 0 }, m.zone);
	if (!p->may_lead)
		watermark_future(&m.water, p->ahead, ctx_now_us(p->c));
	if (pathset_add(ps, ctx_paths(p->c)->path[f->time].text, why, sizeof why) == -1)
		rc = err_usage("%s", why);
	if (rc == 0)
		rc = input_look(p->c, p->operand[side], ps, &by);
	f->bounded = rc == 0;
	f->late = (struct dur){ .us = m.behind };
	pathset_free(ps);
	return rc;
}

/* Can all of the input be read twice?  Then it has an end. */
static bool
finite(const struct pairing *p)
{
	const char *const *file;
	size_t n = ctx_files(p->c, &file);
	struct stat sb;

	if (p->operand[0] != NULL)
		return operand_lasts(p->operand[0]) && operand_lasts(p->operand[1]);
	for (size_t i = 0; i < n; i++)
		if (!operand_lasts(file[i]))
			return false;
	return n > 0 || (fstat(0, &sb) == 0 && S_ISREG(sb.st_mode));
}

int
pairing_set_up(struct ctx *c, struct pairing *p)
{
	struct pair_conf *f = &p->conf;
	bool given = f->side[0].bounded;
	int rc;

	p->c = c;
	f->n_keys = p->names[0].n;
	f->as = ctx_key_as(c);
	f->zone = ctx_zone(c);
	p->endless = given && (ctx_in_job(c) || !finite(p));
	for (int i = 0; i < 2 && p->operand[0] != NULL && !given; i++) {
		if (!operand_lasts(p->operand[i]))
			continue;
		f->never_late = true;
		if ((rc = measure(p, i)) != 0)
			return rc;
	}
	f->ordered = p->operand[0] != NULL && p->may_lead && !p->may_idle;
	p->pair = pair_new(f);
	if (!p->may_lead && !given)	/* the same limit that they were measured with, or a later one */
		for (int i = 0; i < 2; i++)
			watermark_future(pair_watermark(p->pair, i), p->ahead, ctx_now_us(c));
	for (int i = 0; i < 2 && ctx_in_job(c); i++)
		watermark_told(pair_watermark(p->pair, i));
	p->spill = (struct spill){ .c = c, .op = &pair_op, .st = p->pair };
	return 0;
}

/* ---- records ---- */

/* What is over goes out, while all that there is is in memory. */
static int
advance(void *arg)
{
	struct pairing *p = arg;

	return p->spill.runs == NULL ? pair_advance(p->pair, ctx_host(p->c)) : 0;
}

static int
relieve(struct pairing *p)
{
	struct pair_told t;

	if (pair_op.bytes(p->pair) > ctx_budget(p->c))
		pair_settle(p->pair);
	if (!p->endless)
		return spill_relieve(&p->spill);
	if (pair_op.bytes(p->pair) <= ctx_budget(p->c))
		return 0;
	pair_tell(p->pair, &t);
	return err_io("%llu records wait for others and take more than the memory budget, -S",
	    (unsigned long long)t.records);
}

int
pairing_batch(struct pairing *p, const struct batch *b)
{
	int rc = relieve(p);

	if (rc != 0)
		return rc;
	if (!p->may_lead && !p->conf.never_late)
		watermark_future(pair_watermark(p->pair, p->side), p->ahead, ctx_now_us(p->c));
	b = columns_batch(&p->columns, ctx_expr_state(p->c), b, ctx_paths(p->c)->n);
	rc = pair_feed(p->pair, p->side, b, ctx_host(p->c));
	return rc == 0 && p->operand[0] == NULL ? advance(p) : rc;	/* two: behind each block */
}

/* ---- what does not come ---- */

int
pairing_idle(struct pairing *p, int64_t ms)
{
	if (!p->may_idle)
		return 0;
	watermark_idle(pair_watermark(p->pair, 0), ms * 1000, p->idle_us);
	return advance(p);
}

int
pairing_mark(struct pairing *p, const struct mark *m)
{
	watermark_raise(pair_watermark(p->pair, 0), m->wm_ms);	/* that of both: they are one stream */
	return m->kind == MARK_OPEN ? 0 : advance(p);
}

/* A side that is silent runs with the clock, and is never behind the other one. */
static int
silent(void *arg, int side, int64_t ms)
{
	struct pairing *p = arg;
	struct watermark *w = pair_watermark(p->pair, side);

	if (!p->may_idle || ms * 1000 < p->idle_us)
		return 0;
	watermark_idle(w, ms * 1000, p->idle_us);
	watermark_raise(w, pair_watermark(p->pair, !side)->ms);
	return 0;
}

/* ---- all of it ---- */

static void
turn(void *arg, int side)
{
	((struct pairing *)arg)->side = side;
}

static int64_t
at(void *arg, int side)
{
	return pair_watermark(((struct pairing *)arg)->pair, side)->newest_us;
}

static int
ended(void *arg, int side)
{
	pair_ended(((struct pairing *)arg)->pair, side);
	return 0;
}

static void
lend(void *arg, struct lent *l)
{
	pair_lend(((struct pairing *)arg)->pair, l);
}

static struct lent *
idle(void *arg)
{
	return lent_get(pair_idle(((struct pairing *)arg)->pair));
}

static void
left_ahead(const void *arg, const struct batch *b, struct buf *scratch, struct fp *out)
{
	pair_ahead(((const struct pairing *)arg)->pair, 0, b, scratch, out);
}

static void
right_ahead(const void *arg, const struct batch *b, struct buf *scratch, struct fp *out)
{
	pair_ahead(((const struct pairing *)arg)->pair, 1, b, scratch, out);
}

static void
left_end(const void *arg, bool last, struct buf *to)
{
	pair_ordered(((const struct pairing *)arg)->pair, 0, last, to);
}

static void
right_end(const void *arg, bool last, struct buf *to)
{
	pair_ordered(((const struct pairing *)arg)->pair, 1, last, to);
}

static void
made(void *arg, int side, struct span what)
{
	pair_take_order(((struct pairing *)arg)->pair, side, what);
}

/* Nothing met: say so where a column of the keys has numbers on one side and texts on the other. */
static void
warn_types(const struct pairing *p)
{
	const unsigned num = 1u << T_NUM, str = 1u << T_STR;

	for (size_t k = 0; k < p->conf.n_keys; k++) {
		unsigned l = pair_tags(p->pair, 0, k) & (num | str), r = pair_tags(p->pair, 1, k) & (num | str);
		struct span name = p->names[0].name[k];

		if (l != 0 && r != 0 && (l & r) == 0)
			err_warn("nothing matched: the key %.*s is a %s on the left and a %s on the right"
			    " (--key-as text)", (int)name.n, name.p, l == num ? "number" : "string",
			    r == num ? "number" : "string");
	}
}

int
pairing_work(struct pairing *p)
{
	const struct ahead ahead[2] = { { left_ahead, p, left_end }, { right_ahead, p, right_end } };
	struct sides s = { .operand = { p->operand[0], p->operand[1] }, .arg = p, .ahead = ahead, .turn = turn,
	    .lend = lend, .idle = idle, .made = made, .at = at, .ended = ended, .after = advance,
	    .silent = p->may_idle ? silent : NULL };
	struct pair_told t;
	int rc = p->operand[0] != NULL ? sides_read(p->c, &s) : sides_one(p->c);

	if (rc == 0 && !ctx_in_job(p->c))
		rc = spill_close(&p->spill, ctx_host(p->c));
	pair_tell(p->pair, &t);
	ctx_note(p->c, "late", t.late);
	ctx_note(p->c, "no_key", t.no_key);
	ctx_note(p->c, "peak_records", t.peak_records);
	ctx_note(p->c, "peak_state_bytes", t.peak_bytes);
	if (rc == 0 && !t.met && !ctx_in_job(p->c))
		warn_types(p);
	return rc;
}
