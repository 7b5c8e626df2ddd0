/* SPDX-License-Identifier: BSD-2-Clause */
/* repeats - see repeats.h */
#include <stdlib.h>

#include "op/fps.h"
#include "op/last.h"
#include "op/pack.h"
#include "run/keep.h"
#include "run/parts.h"
#include "run/repeats.h"
#include "run/reread.h"
#include "run/runs.h"

/* An entry: fingerprint, place (0: it has passed), then the words that are asked for. */
#define PLACE_BYTES 5
#define HEAD_BYTES (sizeof(struct fp) + PLACE_BYTES)
#define ENTRY_BYTES_MAX (HEAD_BYTES + 2 * sizeof(int64_t))
#define GROUP 32		/* entries that are looked for at once */
#define LOAD_STEP 1024		/* pairs loaded between two looks at the budget */

void
repeats_begin(struct repeats *r)
{
	r->again = reread_new(r->c);
	r->width = HEAD_BYTES + sizeof(int64_t) * (r->sift == NULL ? r->counts : r->sift->words);
}

/* ---- to the parts ---- */

static int
put_entry(struct repeats *r, const struct token *m, uint64_t place)
{
	char e[ENTRY_BYTES_MAX];

	/* read by this very process: its own byte order is fine, but a place has 40 bits of its 64 */
	for (size_t i = 0; i < PLACE_BYTES; i++)
		e[sizeof m->id + i] = (char)(unsigned char)(place >> 8 * i);
	memcpy(e, &m->id, sizeof m->id);
	memcpy(e + HEAD_BYTES, &m->us, sizeof m->us);
	memcpy(e + HEAD_BYTES + sizeof m->us, &m->wm, sizeof m->wm);
	return parts_put(r->parts, m->id.hi, e);
}

static uint64_t
get_entry(const struct repeats *r, const char *e, struct token *m)
{
	uint64_t place = 0;

	memcpy(&m->id, e, sizeof m->id);
	for (size_t i = 0; i < PLACE_BYTES; i++)
		place |= (uint64_t)(unsigned char)e[sizeof m->id + i] << 8 * i;
	m->us = m->wm = 0;
	memcpy(&m->us, e + HEAD_BYTES, r->width > HEAD_BYTES ? sizeof m->us : 0);
	memcpy(&m->wm, e + HEAD_BYTES + sizeof m->us, r->width > HEAD_BYTES + sizeof m->us ? sizeof m->wm : 0);
	return place;
}

static int
put_passed(void *arg, const struct token *m)
{
	return put_entry(arg, m, 0);
}

/* A pair of op/last.h. */
static int
put_picked(void *arg, struct span key, struct span val)
{
	struct repeats *r = arg;
	struct last_pair p;

	if (!last_unpack(val, &p))
		return err_input("a saved state is not one of this command");
	return put_entry(r, &(struct token){ .id = hash_fp(key), .us = (int64_t)p.count }, p.seq);
}

static int
keep_line(void *arg, uint32_t part, struct span line, uint64_t seq)
{
	struct repeats *r = arg;

	(void)part;
	return reread_keeps(r->again) ? reread_keep_line(r->again, seq, last_deferred(r->st, line).line) : 0;
}

/* From now on nothing is looked up. */
static int
begin_parts(struct repeats *r)
{
	const struct op *op = r->sift == NULL ? &last_op : r->sift->op;
	struct host host = { .self = r, .defer = keep_line };
	int rc;

	if (ctx_in_job(r->c))
		return err_io("what is known is larger than -S: in a barrier job it stays in memory");
	ctx_note(r->c, "state_bytes", op->bytes(r->st));
	r->parts = parts_new(r->width, ctx_budget(r->c) / 4);
	if (r->sift != NULL) {
		rc = r->sift->each(r->st, put_passed, r);
		r->sift->clear(r->st);
		return rc;
	}
	/* the places stay what they are; lines that no file has are kept in their order */
	rc = op->save(r->st, true, put_picked, r);
	return rc != 0 ? rc : op->flush(r->st, &host);
}

static int
relieve(struct repeats *r)
{
	size_t budget = ctx_budget(r->c);

	if (r->parts != NULL)
		return 0;
	if (r->sift == NULL)
		return last_op.bytes(r->st) <= budget / 4 * 3 ? 0 : begin_parts(r);
	if (r->sift->bytes_with(r->st, BATCH_RECORDS_MAX) <= budget)
		return 0;
	if (r->sift->trim != NULL) {
		uint64_t n = r->sift->trim(r->st);

		/* else it would be soon again */
		if (r->sift->bytes_with(r->st, n / 8 + BATCH_RECORDS_MAX) <= budget)
			return 0;
	}
	return begin_parts(r);
}

int
repeats_load(void *repeats, struct span key, struct span val)
{
	struct repeats *r = repeats;
	struct token m;
	int rc;

	if (r->loaded++ % LOAD_STEP == 0 && (rc = relieve(r)) != 0)
		return rc;
	/* what is no token is the operator's clock */
	if (r->parts == NULL || !r->sift->token_of(r->st, key, val, &m))
		return r->sift->op->add(r->st, key, val);
	return put_entry(r, &m, 0);
}

/* ---- a batch ---- */

static int
put_batch(struct repeats *r, const struct batch *b, uint64_t place)
{
	int rc = 0;

	r->first = r->first == 0 ? place : r->first;
	r->end = place + b->n;
	if (r->sift != NULL)
		r->sift->read(r->st, b, r->token);
	else
		last_ids(r->st, b, r->token);
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		if (b->fate[i] != F_PASS)
			continue;
		if (r->sift == NULL)
			r->token[i].us = 1;
		rc = put_entry(r, &r->token[i], place + i);
		b->fate[i] = F_USED;
	}
	return rc != 0 ? rc : reread_keep(r->again, b);
}

int
repeats_batch(struct repeats *r, const struct batch *b, const struct host *host)
{
	struct batch placed = *b;
	uint64_t place = reread_batch(r->again, b);
	int rc;

	if ((rc = relieve(r)) != 0)
		return rc;
	if (r->parts != NULL)
		return put_batch(r, b, place);
	if (r->sift != NULL) {
		sift_batch(r->sift, r->st, b, r->token);
		return 0;
	}
	/* its positions are places; the file of this batch may have to be read again from here */
	placed.seq0 = place;
	r->first = r->first == 0 ? place : r->first;
	r->end = place + b->n;
	reread_mark(r->again, b);
	return last_op.batch(r->st, &placed, host);
}

/* ---- the end ---- */

struct round {
	struct repeats *r;
	uint64_t n, k;			/* rounds, and which this is */
	struct fps table;		/* without sift: fingerprint -> row */
	struct row { uint64_t place, count; } *row;
	size_t rows, cap;
};

static void
set_bit(struct repeats *r, uint64_t place)
{
	r->bits[(place - r->first) / 64] |= UINT64_C(1) << (place - r->first) % 64;
}

static void
pick(struct round *x, const struct token *m, uint64_t place)
{
	bool fresh;
	uint64_t *at = fps_put(&x->table, m->id, &fresh);
	struct row *w;

	if (fresh) {
		if (x->rows == x->cap) {
			x->cap = x->cap == 0 ? 1024 : mem_mul(x->cap, 2);
			x->row = mem_array(x->row, x->cap, sizeof *x->row);
		}
		*at = x->rows;
		x->row[x->rows++] = (struct row){ place, (uint64_t)m->us };
		return;
	}
	w = &x->row[*at];
	w->count += (uint64_t)m->us;
	if (x->r->last ? place > w->place : place < w->place)
		w->place = place;
}

/* Entries of a part: those of this round, in the order they came. */
static int
judge(void *arg, const char *e, size_t n)
{
	struct round *x = arg;
	struct repeats *r = x->r;
	struct token m[GROUP];
	uint64_t place[GROUP];

	for (size_t i = 0, k; i < n;) {
		for (k = 0; i < n && k < GROUP; i++, e += r->width) {
			place[k] = get_entry(r, e, &m[k]);
			if (parts_round(m[k].id.hi, x->n) != x->k)
				continue;
			if (r->sift != NULL)
				r->sift->prefetch(r->st, &m[k]);
			else
				fps_prefetch(&x->table, m[k].id);
			k++;
		}
		for (size_t j = 0; j < k; j++) {
			if (r->sift == NULL)
				pick(x, &m[j], place[j]);
			else if (place[j] == 0)
				r->sift->note(r->st, &m[j]);
			else if (r->sift->judge(r->st, &m[j]))
				set_bit(r, place[j]);
		}
	}
	return 0;
}

static int
by_place(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;

	return a->place < b->place ? -1 : a->place > b->place;
}

static int
end_round(struct round *x)
{
	struct repeats *r = x->r;
	char key[8], val[8];
	int rc = 0;

	if (r->sift != NULL) {
		if (r->keep != NULL)
			rc = r->sift->op->save(r->st, true, keep_put, r->keep);
		r->sift->clear(r->st);
		return rc;
	}
	if (r->counts && x->rows > 0)
		qsort(x->row, x->rows, sizeof *x->row, by_place);
	for (size_t i = 0; i < x->rows && rc == 0; i++) {
		if (!r->counts) {
			set_bit(r, x->row[i].place);
			continue;
		}
		pack_order(key, (int64_t)x->row[i].place);
		pack_order(val, (int64_t)x->row[i].count);
		rc = runs_put(r->by_place, span_of(key, sizeof key), span_of(val, sizeof val));
	}
	if (r->counts)
		runs_cut(r->by_place);
	fps_free(&x->table);
	free(x->row);
	x->row = NULL;
	x->rows = x->cap = 0;
	return rc;
}

/* Bytes that an entry takes while its part is judged: a slot at 80 %, and a row. */
static uint64_t
fit(const struct repeats *r)
{
	size_t each = r->sift == NULL ? 2 * sizeof(struct row) + 30 : r->sift->words == 0 ? 20 : 30;
	size_t budget = ctx_budget(r->c) / 4 * 3, bits = r->bits == NULL ? 0 : (r->end - r->first) / 8;
	uint64_t n = (bits < budget / 2 ? budget - bits : budget / 2) / each;

	return n == 0 ? 1 : n;
}

static int
resolve(struct repeats *r)
{
	int rc = 0;

	if (r->counts)
		r->by_place = runs_new(ctx_budget(r->c) / 4);
	else
		r->bits = mem_new(mem_mul((r->end - r->first) / 64 + 1, sizeof *r->bits));
	for (size_t i = 0; i < PARTS && rc == 0; i++) {
		struct round x = { .r = r, .n = parts_rounds(r->parts, i, fit(r)) };

		for (; x.k < x.n && rc == 0; x.k++) {
			uint64_t room = parts_count(r->parts, i) / x.n;

			if (r->sift != NULL)
				r->sift->reserve(r->st, room);
			else
				fps_reserve(&x.table, room);
			rc = parts_each(r->parts, i, judge, &x);
			rc = rc == 0 ? end_round(&x) : rc;
		}
	}
	return rc;
}

static int
write_counted(void *arg, struct span key, struct span val, const struct host *host)
{
	struct repeats *r = arg;
	struct buf digits = { 0 };
	struct span line;
	int rc = reread_line(r->again, (uint64_t)unpack_order(key.p), &line);

	if (rc == 0) {
		struct val cell[2];

		buf_u64(&digits, (uint64_t)unpack_order(val.p));
		cell[0] = val_make(T_OBJ, line);
		cell[1] = val_make(T_NUM, buf_span(&digits));
		rc = host->row(host->self, 0, cell, 2);
	}
	buf_free(&digits);
	return rc;
}

struct writing {
	struct repeats *r;
	const struct host *host;
};

static int
write_one(void *arg, struct span key, struct span val)
{
	struct writing *w = arg;

	return write_counted(w->r, key, val, w->host);
}

static int
write_all(struct repeats *r, const struct host *host)
{
	struct span line;
	int rc = 0;

	if (r->counts)
		return runs_merge(r->by_place, write_one, &(struct writing){ r, host });
	for (uint64_t at = 0; at <= (r->end - r->first) / 64 && rc == 0; at++)
		for (uint64_t word = r->bits[at]; word != 0 && rc == 0; word &= word - 1)
			if ((rc = reread_line(r->again, r->first + 64 * at + (uint64_t)__builtin_ctzll(word),
			    &line)) == 0)
				rc = host->raw(host->self, 0, line);
	return rc;
}

int
repeats_end(struct repeats *r, const struct host *host)
{
	const struct op *op = r->sift == NULL ? &last_op : r->sift->op;
	int rc = 0;

	if (r->parts == NULL) {
		ctx_note(r->c, "state_bytes", op->bytes(r->st));
		rc = op->close(r->st, INT64_MAX, host);
	} else {
		ctx_note(r->c, "spilled_bytes", parts_bytes(r->parts) + reread_bytes(r->again));
		if (r->end == 0)
			r->first = r->end = 1;		/* a state that did not fit, and no record */
		rc = resolve(r);
		r->saved = true;
		parts_free(r->parts);
		rc = rc == 0 ? write_all(r, host) : rc;
		runs_free(r->by_place);
		free(r->bits);
	}
	reread_free(r->again);
	return rc;
}

int
repeats_save(struct repeats *r)
{
	return r->saved ? 0 : r->sift->op->save(r->st, true, keep_put, r->keep);
}
