/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * emit - the output of the current batch, in the order of the input (see run.h)
 *
 * A command's own ctx writes to its outputs at once; that of a thread collects what it writes in its yield.  Once a bad
 * record has ended the work (`broke`), nothing behind it goes out or is counted any more.
 */
#include <assert.h>

#include "run/crew.h"
#include "run/ctx.h"

static struct flow_counts *
counts(struct ctx *c)
{
	return c->yield == NULL ? &c->count : &c->yield->count.n;
}

/* Where a record is made. */
static struct buf *
begin(struct ctx *c)
{
	if (c->yield == NULL) {
		buf_clear(&c->line);
		return &c->line;
	}
	c->yield->out.n = c->yield->whole;	/* what was begun and not ended is forgotten */
	return &c->yield->out;
}

static int
put_line(struct ctx *c, int out, struct span line)
{
	struct buf *b;

	if (c->yield == NULL)
		return sink_line(c->side[out].sink, line);
	b = out == 0 ? begin(c) : yield_side(c->yield, out);
	buf_span_add(b, line);
	buf_byte(b, '\n');
	if (out == 0)
		c->yield->whole = b->n;
	return 0;
}

/* Passing lines i..j of the block, one behind the other in it. */
static void
put_piece(struct ctx *c, const struct batch *b, size_t i, size_t j)
{
	const char *from = b->line[i].p, *end = b->line[j].p + b->line[j].n;
	/* behind the last one there is an LF, or a CR before it, or the end of the input */
	struct span most = *end == '\n' ? span_of(from, (size_t)(end + 1 - from)) :
	    span_of(from, (size_t)(b->line[j].p - from));

	if (c->yield == NULL)
		sink_add(c->side[0].sink, most);
	else
		yield_pass(c->yield, most);
	if (*end != '\n')
		put_line(c, 0, b->line[j]);
}

int
bad_record(struct ctx *c, struct where w, const char *why, struct span raw)
{
	int rc;

	if (c->yield == NULL)
		return ctx_reject(c, w, why, raw);
	yield_bad(c->yield, why, raw, w.line, w.offset);
	/* it will end the work when its turn comes; what to say then is not this thread's business */
	rc = c->rejects == NULL && c->opt.on_error == 0 ? EXIT_INPUT : 0;
	return rc;
}

void
emit_upto(struct ctx *c, const struct batch *b, size_t i)
{
	struct flow_counts *n = counts(c);
	size_t k = c->emitted, j;

	while (k < i && c->broke == 0) {
		for (j = k + 1; b->fate[k] == F_PASS && j < i && b->fate[j] == F_PASS &&
		    b->line[j].p == b->line[j - 1].p + b->line[j - 1].n + 1; j++)
			;
		while (b->fate[k] == F_DROP && j < i && b->fate[j] == F_DROP)
			j++;
		n->in += j - k;
		if (b->fate[k] == F_PASS) {
			n->passed += j - k;
			put_piece(c, b, k, j - 1);
		} else if (b->fate[k] == F_DROP) {
			n->dropped += j - k;
		} else if (b->fate[k] == F_USED) {
			n->used++;
		} else {
			n->rejected++;
			c->broke = bad_record(c, ctx_where(c, b, k), b->why[k], b->line[k]);
		}
		k = j;
	}
	if (k > c->emitted)
		c->emitted = k;
}

static int
end(struct ctx *c)
{
	struct buf *b;

	if (c->broke != 0)
		return c->broke;
	if (c->yield == NULL)
		return sink_line(c->side[0].sink, buf_span(&c->line));
	b = &c->yield->out;
	buf_byte(b, '\n');
	c->yield->whole = b->n;
	return b->n < YIELD_BYTES_MAX ? 0 : crew_full(c);
}

struct buf *
ctx_pass_begin(struct ctx *c, const struct batch *b, size_t i)
{
	assert(i >= c->emitted || c->broke != 0);
	if (i > c->emitted)
		emit_upto(c, b, i);
	if (c->broke == 0) {
		c->emitted = i + 1;
		counts(c)->in++;
		counts(c)->passed++;
	}
	return begin(c);
}

int
ctx_pass_end(struct ctx *c)
{
	return end(c);
}

struct buf *
ctx_made_begin(struct ctx *c, const struct batch *b, size_t i)
{
	if (b != NULL)
		emit_upto(c, b, i);
	return begin(c);
}

int
ctx_made_end(struct ctx *c)
{
	counts(c)->made += c->broke == 0;
	return end(c);
}

int
ctx_side(struct ctx *c, int out, struct span line)
{
	return put_line(c, out, line);
}

static int
host_row(void *self, int out, const struct val *cell, size_t n)
{
	struct ctx *c = self;
	struct side *s = &c->side[out];

	assert(n == s->n_keys);
	buf_clear(&c->line);
	json_open(&c->line);
	for (size_t i = 0; i < n; i++)
		json_member(&c->line, s->key[i], cell[i].raw);
	json_shut(&c->line);
	if (out == 0)
		counts(c)->made++;
	return put_line(c, out, buf_span(&c->line));
}

static int
host_raw(void *self, int out, struct span line)
{
	struct ctx *c = self;

	if (out == 0)
		counts(c)->made++;
	return put_line(c, out, line);
}

static int
host_pieces(void *self, int out, const struct span *piece, size_t n)
{
	struct ctx *c = self;

	if (out == 0)
		c->count.made++;
	return sink_pieces(c->side[out].sink, piece, n);
}

const struct host *
ctx_host(struct ctx *c)
{
	c->host = (struct host){ c, host_row, host_raw, NULL, c->yield == NULL ? host_pieces : NULL };
	return &c->host;
}

struct buf *
ctx_left(struct ctx *c)
{
	return c->yield == NULL ? NULL : &c->yield->left;
}

uint64_t
ctx_left_line(struct ctx *c)
{
	return c->feed->line_number;
}

int
ctx_turn(struct ctx *c)
{
	return c->yield == NULL ? 0 : crew_full(c);
}
