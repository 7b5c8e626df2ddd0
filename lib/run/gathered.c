/* SPDX-License-Identifier: BSD-2-Clause */
/* gathered - see gathered.h */
#include "run/gathered.h"

#include "out/sink.h"

int
gathered_set_up(struct gathered *h, struct ctx *c)
{
	int rc;

	h->ctx = c;
	h->col = -1;
	gathered_forget(h);
	if (h->event_time == NULL)
		return h->water.late == NULL && h->water.idle == NULL && h->water.max_future == NULL ? 0 :
		    ctx_usage(c, "--late, --idle and --max-future need --event-time");
	if ((rc = ctx_time(c, h->event_time, "--event-time", &h->col, &h->unit)) != 0)
		return rc;
	return waters_set_up(&h->water, c);
}

struct waters *
gathered_water(struct gathered *h)
{
	return h->event_time == NULL ? NULL : &h->water;
}

/* NULL, or why the record is none of the epoch. */
static const char *
judge(struct gathered *h, struct val v)
{
	const char *why;
	int64_t us;

	if (val_is_null(v))
		return "no time: the value is null or absent";
	if ((why = when_val(v, h->unit, h->water.zone, &h->scratch, &us)) != NULL)
		return why;
	if (waters_ahead(&h->water, us))
		return WATERMARK_AHEAD;
	waters_take(&h->water, h->part, us);
	return NULL;
}

/* Lines that stand one behind the other, as one piece. */
static void
add(struct gathered *h, struct span piece)
{
	size_t from = h->text.n;

	if (piece.p == NULL)
		return;
	buf_span_add(&h->text, piece);
	buf_byte(&h->text, '\n');
	XXH64_update(&h->sum, h->text.p + from, h->text.n - from);
}

int
gathered_put(struct gathered *h, const struct batch *b, const struct span *line)
{
	struct span piece = { NULL, 0 };

	line = line == NULL ? b->line : line;
	for (size_t i = 0; i < b->n; i++) {
		const char *why = h->col == -1 ? NULL : judge(h, b->col[h->col][i]);

		if (why != NULL) {
			b->fate[i] = F_REJECT;
			b->why[i] = why;
			continue;
		}
		b->fate[i] = F_DROP;
		h->n++;
		/* in the block they came in there is nothing but an LF between the two */
		if (line == b->line && piece.p != NULL && line[i].p == piece.p + piece.n + 1) {
			piece.n += 1 + line[i].n;
			continue;
		}
		add(h, piece);
		piece = line[i];
	}
	add(h, piece);
	return 0;
}

void
gathered_sum(const struct gathered *h, struct planned_epoch *e)
{
	e->n = h->n;
	e->xxh64 = XXH64_digest(&h->sum);
}

int
gathered_emit(struct gathered *h)
{
	int rc = sink_add(ctx_out(h->ctx), buf_span(&h->text));

	ctx_recount(h->ctx, h->n, F_DROP, F_PASS);
	gathered_forget(h);
	return rc;
}

void
gathered_forget(struct gathered *h)
{
	buf_clear(&h->text);
	XXH64_reset(&h->sum, 0);
	h->n = 0;
}

void
gathered_free(struct gathered *h)
{
	buf_free(&h->text);
	buf_free(&h->scratch);
	waters_free(&h->water);
}
