/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_rows - the records of a batch against all checks, and what was found taken in, in the order of the input (see
 * check.h)
 *
 * A batch may be looked at by any thread.  What it finds of each check is written down, a struct found and what belongs
 * to it; only whoever takes that in changes the checks.
 */
#include <stdlib.h>

#include "run/check_own.h"

/* Rows of a batch; n of each check follow. */
struct found_head {
	uint64_t rows, dropped, line;
};

/* Behind it: the reason, n_ids struct fp, as many uint16_t: which row each is of. */
struct found {
	uint64_t bad, errors;		/* rows that break it; those of them that it cannot judge */
	uint64_t first;			/* the number of the first of them in the batch */
	uint64_t nulls, ahead;
	int64_t newest;
	struct decsum sum;
	uint32_t n_why, n_ids;
};

struct look {
	struct checks *cs;
	struct ctx *c;
	struct expr_state *xs;
	const struct batch *b;
	enum key_as as;
};

/* ---- finding ---- */

static void
bad(const struct look *l, const struct check *k, struct found *f, size_t i)
{
	if (f->bad++ == 0)
		f->first = i;
	if (check_by_row(k))
		l->cs->mark[i] |= CHECK_BROKEN | (l->cs->drop && !k->warn ? CHECK_DROP : 0);
}

static void
cannot(const struct look *l, struct check *k, struct found *f, size_t i, const char *why)
{
	if (f->errors++ == 0) {
		buf_clear(&k->why_now);
		buf_str(&k->why_now, why);
	}
	bad(l, k, f, i);
}

static bool
dropped(const struct look *l, size_t i)
{
	return (l->cs->mark[i] & CHECK_DROP) != 0;
}

/* True and NULL are odd, false and an error are even. */
static void
find_expr(const struct look *l, struct check *k, struct found *f)
{
	struct checks *cs = l->cs;
	size_t holds = 0;

	expr_tests(l->xs, k->expr, l->b, cs->is, cs->why);
	for (size_t i = 0; i < l->b->n; i++)
		holds += (unsigned)cs->is[i] & 1;
	if (holds == l->b->n)
		return;
	for (size_t i = 0; i < l->b->n; i++) {
		if (cs->is[i] == -2)
			cannot(l, k, f, i, cs->why[i]);
		else if (cs->is[i] == 0)
			bad(l, k, f, i);
	}
}

static void
find_schema(const struct look *l, struct check *k, struct found *f)
{
	for (size_t i = 0; i < l->b->n; i++) {
		const char *why = schema_row(k->schema, l->b->line[i]);

		if (why == NULL)
			continue;
		if (f->bad == 0) {
			buf_clear(&k->why_now);
			buf_str(&k->why_now, why);
		}
		bad(l, k, f, i);
	}
}

/* The fingerprint of a row's key; false where it has none or cannot have one. */
static bool
key_id(const struct look *l, struct check *k, struct found *f, size_t i, struct fp *id)
{
	bool none;
	const char *why = sift_id(l->b, i, k->cols.col, k->cols.n, l->as, &k->key, id, &none);

	if (why != NULL)
		cannot(l, k, f, i, why);
	return why == NULL && !none;
}

static void
find_keys(const struct look *l, struct check *k, struct found *f)
{
	bool unique = k->kind == CHECK_UNIQUE;

	for (size_t i = 0; i < l->b->n; i++) {
		struct fp id;

		/* a row that goes anyway must not make its successor a repeat */
		if ((k->kind != CHECK_REF && dropped(l, i)) || !key_id(l, k, f, i, &id))
			continue;
		if (unique && l->cs->at_once) {
			if (!seen_sift.judge(k->seen, &(struct token){ .id = id }))
				bad(l, k, f, i);
		} else if (k->kind == CHECK_REF) {
			if (!seen_has(k->seen, id))
				bad(l, k, f, i);
		} else {
			k->id[f->n_ids] = id;
			k->row[f->n_ids++] = (uint16_t)i;
		}
	}
}

static void
find_time(const struct look *l, struct check *k, struct found *f)
{
	const struct val *v = l->b->col[k->col];
	const char *why;
	int64_t us;

	for (size_t i = 0; i < l->b->n; i++) {
		if (dropped(l, i) || val_is_null(v[i]))
			continue;
		if ((why = when_val(v[i], k->unit, k->zone, &k->key, &us)) != NULL)
			cannot(l, k, f, i, why);
		else if (us > k->clock)
			f->ahead++;
		else if (us > f->newest)
			f->newest = us;
	}
}

static void
find_values(const struct look *l, struct check *k, struct found *f)
{
	for (size_t i = 0; i < l->b->n; i++) {
		const char *why;
		struct xval v;
		struct dec d;

		if (dropped(l, i))
			continue;
		why = expr_eval(l->xs, k->expr, l->b, i, &v);
		if (why == NULL && v.tag == X_NULL)
			f->nulls++;
		else if (why == NULL && k->metric == METRIC_SUM && (why = xval_num(&v, &d)) == NULL)
			decsum_add(&f->sum, &d);
		if (why != NULL)
			cannot(l, k, f, i, why);
	}
}

static void
find(const struct look *l, struct check *k, struct found *f)
{
	switch (k->kind) {
	case CHECK_EXPR: find_expr(l, k, f); break;
	case CHECK_UNIQUE:
	case CHECK_REF: find_keys(l, k, f); break;
	case CHECK_SCHEMA: find_schema(l, k, f); break;
	case CHECK_FRESH: find_time(l, k, f); break;
	case CHECK_CHANGE:
		if (k->metric == METRIC_DISTINCT)
			find_keys(l, k, f);
		else if (k->metric != METRIC_ROWS)
			find_values(l, k, f);
		break;
	case CHECK_ROWS: break;
	}
}

static void
write_down(const struct check *k, struct found *f, struct buf *out)
{
	f->n_why = f->bad == 0 ? 0 : (uint32_t)k->why_now.n;
	buf_add(out, (const char *)f, sizeof *f);
	buf_add(out, k->why_now.p, f->n_why);
	buf_add(out, (const char *)k->id, f->n_ids * sizeof *k->id);
	buf_add(out, (const char *)k->row, f->n_ids * sizeof *k->row);
}

const uint8_t *
checks_look(struct checks *cs, struct ctx *c, const struct batch *b, struct buf *out)
{
	struct look l = { cs, c, ctx_expr_state(c), b, ctx_key_as(c) };
	struct found_head head = { .rows = b->n, .line = ctx_where(c, b, 0).line };
	size_t at = out->n;

	memset(cs->mark, 0, b->n);
	buf_add(out, (const char *)&head, sizeof head);
	/* those of the whole are about the rows that go on: which those are must be known first */
	for (int whole = 0; whole < 2; whole++) {
		for (size_t i = 0; i < cs->n; i++) {
			struct check *k = &cs->v[i];
			struct found f = { .newest = INT64_MIN };

			if (check_by_row(k) == (whole != 0))
				continue;
			buf_clear(&k->why_now);
			find(&l, k, &f);
			write_down(k, &f, out);
		}
		for (size_t i = 0; cs->drop && whole == 0 && i < b->n; i++)
			head.dropped += dropped(&l, i);
	}
	memcpy(out->p + at, &head, sizeof head);
	return cs->mark;
}

/* ---- taking in ---- */

#define AHEAD 16	/* ids whose slots are fetched before they are asked for */

static void
take(void *to, struct span *from, size_t n)
{
	memcpy(to, from->p, n);
	*from = span_from(*from, n);
}

/* Of keys in the order of their rows, the i-th and its row. */
static struct fp
id_at(struct span ids, size_t i)
{
	struct fp id;

	memcpy(&id, ids.p + i * sizeof id, sizeof id);
	return id;
}

static uint16_t
row_at(const char *rows, size_t i)
{
	uint16_t row;

	memcpy(&row, rows + i * sizeof row, sizeof row);
	return row;
}

/* How many were there before, and the first such row. */
static uint64_t
take_ids(struct check *k, struct span ids, const char *rows, uint64_t *first)
{
	size_t n = ids.n / sizeof(struct fp);
	uint64_t repeats = 0;

	for (size_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			seen_sift.prefetch(k->seen, &(struct token){ .id = id_at(ids, i + AHEAD) });
		if (seen_sift.judge(k->seen, &(struct token){ .id = id_at(ids, i) }))
			k->distinct++;
		else if (k->kind == CHECK_UNIQUE && repeats++ == 0)
			*first = row_at(rows, i);
	}
	return repeats;
}

/* The same where they wait on disk: nothing is known of them yet. */
static int
put_ids(struct check *k, struct span ids, const char *rows, uint64_t place)
{
	int rc = 0;

	for (size_t i = 0; i < ids.n / sizeof(struct fp) && rc == 0; i++)
		rc = check_put(k, id_at(ids, i), place + row_at(rows, i));
	return rc;
}

/* What was found in a batch whose first row is at that line and, if there are places, place. */
static int
take_found(struct check *k, struct ctx *c, struct span *told, uint64_t line, uint64_t place)
{
	struct span why, ids;
	struct found f;
	uint64_t first = UINT64_MAX, repeats = 0;
	int rc = 0;

	take(&f, told, sizeof f);
	why = span_of(told->p, f.n_why);
	*told = span_from(*told, why.n);
	ids = span_of(told->p, f.n_ids * sizeof(struct fp));
	*told = span_from(*told, ids.n);
	if (k->parts != NULL)
		rc = put_ids(k, ids, told->p, place);
	else
		repeats = take_ids(k, ids, told->p, &first);
	*told = span_from(*told, f.n_ids * sizeof(uint16_t));
	if (f.bad > 0 && f.first < first)
		first = f.first;
	if (k->bad == 0 && first != UINT64_MAX) {
		buf_fmt(&k->first, "%s:%llu", ctx_source(c), (unsigned long long)(line + first));
		k->first_at = place + first;
	}
	if (k->why.n == 0)
		buf_span_add(&k->why, why);
	k->bad += f.bad + repeats;
	k->errors += f.errors;
	k->nulls += f.nulls;
	k->ahead += f.ahead;
	k->newest = f.newest > k->newest ? f.newest : k->newest;
	decsum_join(&k->sum, &f.sum);
	return rc;
}

int
checks_take(struct checks *cs, struct ctx *c, struct span told, uint64_t line)
{
	int rc = 0;

	while (told.n > 0 && rc == 0) {
		struct found_head head;
		uint64_t place;

		if ((rc = checks_fit(cs, cs->budget)) != 0)
			return rc;
		take(&head, &told, sizeof head);
		place = checks_place(cs, ctx_source(c), line + head.line);
		for (int whole = 0; whole < 2 && rc == 0; whole++)
			for (size_t i = 0; i < cs->n && rc == 0; i++)
				if (check_by_row(&cs->v[i]) == (whole == 0))
					rc = take_found(&cs->v[i], c, &told, line + head.line, place);
		cs->rows += head.rows;
		cs->dropped += head.dropped;
	}
	return rc;
}

/* ---- threads ---- */

/* What a thread writes while it looks. */
static void
own(struct checks *cs)
{
	cs->mark = mem_array(NULL, BATCH_RECORDS_MAX, sizeof *cs->mark);
	cs->is = mem_array(NULL, BATCH_RECORDS_MAX, sizeof *cs->is);
	cs->why = mem_array(NULL, BATCH_RECORDS_MAX, sizeof *cs->why);
	for (size_t i = 0; i < cs->n; i++) {
		struct check *k = &cs->v[i];

		k->key = k->why_now = (struct buf){ 0 };
		k->id = NULL;
		k->row = NULL;
		if (k->kind != CHECK_UNIQUE && (k->kind != CHECK_CHANGE || k->metric != METRIC_DISTINCT))
			continue;
		k->id = mem_array(NULL, BATCH_RECORDS_MAX, sizeof *k->id);
		k->row = mem_array(NULL, BATCH_RECORDS_MAX, sizeof *k->row);
	}
}

void
checks_begin(struct checks *cs, size_t budget)
{
	cs->budget = budget;
	own(cs);
}

bool
checks_in_order(const struct checks *cs)
{
	bool unique = false;

	for (size_t i = 0; i < cs->n; i++)
		unique = unique || cs->v[i].kind == CHECK_UNIQUE;
	return cs->at_once && unique;
}

void
checks_fork(struct checks *cs, const struct checks *from)
{
	*cs = *from;
	cs->v = mem_array(NULL, from->n, sizeof *cs->v);
	memcpy(cs->v, from->v, from->n * sizeof *cs->v);
	own(cs);
	for (size_t i = 0; i < cs->n; i++)
		cs->v[i].schema = schema_fork(from->v[i].schema);
}

void
checks_join(struct checks *cs, struct checks *from)
{
	for (size_t i = 0; i < from->n; i++) {
		struct check *k = &from->v[i];

		schema_join(cs->v[i].schema, k->schema);
		buf_free(&k->key);
		buf_free(&k->why_now);
		free(k->id);
		free(k->row);
	}
	free(from->v);
	free(from->mark);
	free(from->is);
	free(from->why);
}
