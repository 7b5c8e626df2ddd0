/* SPDX-License-Identifier: BSD-2-Clause */
/* gathered - see gathered.h */
#include "run/gathered.h"

#include "base/digits.h"
#include "out/sink.h"

#define TEXT_BYTES_MIN ((size_t)256 * 1024)

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

/*
 * Nearly all: every time is a number of as many digits, and none is ahead.  Then only the newest of them counts.
 * False: they are to be judged one by one, and none was taken.
 */
static bool
judge_alike(struct gathered *h, const struct val *v, size_t n)
{
	size_t digits = v[0].raw.n;
	uint64_t newest = 0, ten = 1, cut;
	bool good = true;
	int64_t us;

	if (digits < 9 || digits > 16)
		return false;
	/* as eights: the first, and of the last those that are not among the first */
	cut = (UINT64_C(1) << 4 * (16 - digits) << 4 * (16 - digits)) - 1;
	for (size_t i = 8; i < digits; i++)
		ten *= 10;
	for (size_t i = 0; i < n; i++) {
		uint64_t x, y;

		if (v[i].tag != T_NUM || v[i].raw.n != digits)
			return false;
		x = digits_load(v[i].raw.p);
		y = digits_load(v[i].raw.p + digits - 8);
		good = good && digits_are(x) && digits_are(y);
		x = digits_of(x) * ten + digits_of((y & ~cut) | (DIGITS_ZEROS & cut));
		newest = x > newest ? x : newest;
	}
	if (!good || when_count((int64_t)newest, h->unit, &us) != NULL || waters_ahead(&h->water, us))
		return false;
	waters_take(&h->water, h->part, us);
	return true;
}

static char *
room(struct gathered *h, size_t more)
{
	size_t need = mem_add(h->n_text, more), cap = h->cap == 0 ? TEXT_BYTES_MIN : h->cap;
	char *was = h->text;

	if (need > h->cap) {
		while (cap < need)
			cap = mem_mul(cap, 2);
		h->text = mem_table(cap);
		if (h->n_text > 0)
			memcpy(h->text, was, h->n_text);
		mem_table_free(was, h->cap);
		h->cap = cap;
	}
	return h->text + h->n_text;
}

/* Lines that stand one behind the other, as one piece. */
static void
add(struct gathered *h, struct span piece)
{
	char *p;

	if (piece.p == NULL)
		return;
	p = room(h, mem_add(piece.n, 1));
	memcpy(p, piece.p, piece.n);
	p[piece.n] = '\n';
	XXH64_update(&h->sum, p, piece.n + 1);
	h->n_text += piece.n + 1;
}

/* Do they stand one behind the other, with nothing but an LF between two, as in the block they came in? */
static bool
in_a_row(const struct span *line, size_t n)
{
	size_t bytes = n - 1;

	for (size_t i = 0; i < n; i++)
		bytes += line[i].n;
	return line[0].p + bytes == line[n - 1].p + line[n - 1].n;
}

int
gathered_put(struct gathered *h, const struct batch *b, const struct span *line)
{
	bool alike = h->col == -1 || judge_alike(h, b->col[h->col], b->n), apart = line != NULL;
	const struct span *last = &b->line[b->n - 1];
	struct span piece = { NULL, 0 };

	memset(b->fate, F_DROP, b->n);
	line = apart ? line : b->line;
	if (alike && !apart && in_a_row(line, b->n)) {
		h->n += b->n;
		add(h, span_of(line->p, (size_t)(last->p - line->p) + last->n));
		return 0;
	}
	for (size_t i = 0; i < b->n; i++) {
		const char *why = alike ? NULL : judge(h, b->col[h->col][i]);

		if (why != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		h->n++;
		if (piece.p != NULL && !apart && line[i].p == piece.p + piece.n + 1) {
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
	int rc = sink_add(ctx_out(h->ctx), span_of(h->text, h->n_text));

	ctx_recount(h->ctx, h->n, F_DROP, F_PASS);
	gathered_forget(h);
	return rc;
}

void
gathered_forget(struct gathered *h)
{
	h->n_text = 0;
	XXH64_reset(&h->sum, 0);
	h->n = 0;
}

void
gathered_free(struct gathered *h)
{
	mem_table_free(h->text, h->cap);
	h->text = NULL;
	h->cap = 0;
	buf_free(&h->scratch);
	waters_free(&h->water);
}
