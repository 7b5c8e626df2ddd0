/* SPDX-License-Identifier: BSD-2-Clause */
/* yield - see yield.h */
#include <stdlib.h>

#include "run/ctx.h"
#include "run/yield.h"

#define PASS_COPIED 4096	/* lines of fewer bytes stand in out: a copy costs less than a piece of its own */

void
yield_pass(struct yield *p, struct span lines)
{
	struct passing *last = p->n_passing == 0 ? NULL : &p->passing[p->n_passing - 1];

	p->out.n = p->whole;
	if (last != NULL && last->at == p->whole && last->lines.p + last->lines.n == lines.p) {
		last->lines.n += lines.n;
		return;
	}
	if (lines.n < PASS_COPIED) {
		buf_span_add(&p->out, lines);
		p->whole = p->out.n;
		return;
	}
	if (p->n_passing == p->cap_passing) {
		p->cap_passing = p->cap_passing == 0 ? 16 : mem_mul(p->cap_passing, 2);
		p->passing = mem_array(p->passing, p->cap_passing, sizeof *p->passing);
	}
	p->passing[p->n_passing++] = (struct passing){ p->whole, lines };
}

void
yield_bad(struct yield *p, const char *why, struct span raw, uint64_t line, uint64_t offset)
{
	if (p->n_bad == p->cap_bad) {
		p->cap_bad = p->cap_bad == 0 ? 16 : mem_mul(p->cap_bad, 2);
		p->bad = mem_array(p->bad, p->cap_bad, sizeof *p->bad);
	}
	/* the text of a reason may end with its batch */
	p->bad[p->n_bad++] = (struct bad_line){ { p->whole, p->n_passing }, p->count, line, offset,
	    arena_dup(&p->text, span_of(why, strlen(why) + 1)), raw };
}

struct buf *
yield_side(struct yield *p, int out)
{
	size_t n = (size_t)out + 1;

	if (n > p->n_sides) {
		p->side = mem_array(p->side, n, sizeof *p->side);
		memset(p->side + p->n_sides, 0, (n - p->n_sides) * sizeof *p->side);
		p->n_sides = n;
	}
	return &p->side[out];
}

static void
count(struct ctx *c, const struct tally *was, const struct tally *more)
{
	const struct flow_counts *a = &was->n, *b = &more->n;

	/* the bytes are counted elsewhere */
	c->count.in = a->in + b->in;
	c->count.passed = a->passed + b->passed;
	c->count.dropped = a->dropped + b->dropped;
	c->count.used = a->used + b->used;
	c->count.rejected = a->rejected + b->rejected;
	c->count.made = a->made + b->made;
	c->blank = was->blank + more->blank;
	if (more->nulls > 0)
		ctx_note(c, "nulls", c->nulls = was->nulls + more->nulls);
}

static void
clear(struct yield *p)
{
	buf_clear(&p->out);
	p->whole = p->n_passing = p->n_bad = 0;
	for (size_t i = 0; i < p->n_sides; i++)
		buf_clear(&p->side[i]);
	arena_reset(&p->text);
	p->count = (struct tally){ 0 };
}

/* What stands before `to` and did not go out yet. */
static int
put_upto(struct sink *out, const struct yield *p, struct upto *from, struct upto to)
{
	int rc = 0;

	for (; from->passing < to.passing && rc == 0; from->passing++) {
		const struct passing *x = &p->passing[from->passing];

		rc = sink_add(out, span_of(p->out.p + from->out, x->at - from->out));
		from->out = x->at;
		if (rc == 0)
			rc = sink_add(out, x->lines);
	}
	if (rc == 0 && to.out > from->out)
		rc = sink_add(out, span_of(p->out.p + from->out, to.out - from->out));
	from->out = to.out;
	return rc;
}

int
yield_commit(struct ctx *c, struct feed *f, struct yield *p, uint64_t line)
{
	const struct tally was = { c->count, c->blank, c->nulls };
	struct sink *out = c->side[0].sink;
	struct upto from = { 0 };
	int rc = 0;

	for (size_t i = 0; i < p->n_bad && rc == 0; i++) {
		const struct bad_line *b = &p->bad[i];

		rc = put_upto(out, p, &from, b->out);
		count(c, &was, &b->upto);
		if (rc == 0)
			rc = ctx_reject(c, place_of(f, line + b->line, b->offset), b->why, b->raw);
	}
	if (rc == 0)
		rc = put_upto(out, p, &from, (struct upto){ p->whole, p->n_passing });
	for (size_t i = 1; i < p->n_sides && rc == 0; i++)
		rc = sink_add(c->side[i].sink, buf_span(&p->side[i]));
	if (rc == 0)
		count(c, &was, &p->count);
	clear(p);
	return rc;
}

int
yield_take(struct ctx *c, struct feed *f, struct yield *p, uint64_t line)
{
	const struct second *by = f->second;
	size_t from = 0;
	int rc = 0;

	for (size_t i = 0; i < p->n_bad && rc == 0; i++) {
		const struct bad_line *b = &p->bad[i];

		rc = by->take(by->arg, span_of(p->out.p + from, b->out.out - from), line);
		from = b->out.out;
		if (rc == 0)
			rc = ctx_reject(c, place_of(f, line + b->line, b->offset), b->why, b->raw);
	}
	if (rc == 0)
		rc = by->take(by->arg, span_of(p->out.p + from, p->whole - from), line);
	c->second_in += p->count.n.in;
	clear(p);
	return rc;
}

void
yield_free(struct yield *p)
{
	buf_free(&p->out);
	for (size_t i = 0; i < p->n_sides; i++)
		buf_free(&p->side[i]);
	free(p->side);
	free(p->bad);
	free(p->passing);
	arena_free(&p->text);
	buf_free(&p->left);
	*p = (struct yield){ 0 };
}
