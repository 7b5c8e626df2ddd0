/* SPDX-License-Identifier: BSD-2-Clause */
/* sift - see sift.h */
#include "op/key.h"
#include "op/sift.h"

#define DIGITS_MAX 18
#define AHEAD 16		/* records looked for before the one that is judged: what memory has in flight */

void
sift_batch(const struct sift *sift, void *st, const struct batch *b, struct token *m)
{
	sift->read(st, b, m);
	for (size_t i = 0; i < b->n + AHEAD; i++) {
		if (i < b->n && b->fate[i] == F_PASS)
			sift->prefetch(st, &m[i]);
		if (i >= AHEAD && b->fate[i - AHEAD] == F_PASS && !sift->judge(st, &m[i - AHEAD]))
			b->fate[i - AHEAD] = F_DROP;
	}
}

/* Are these bytes the canonical form as they stand?  Most keys are: texts without escapes, ids. */
static bool
canonical(struct val v, enum key_as as)
{
	const char *p = v.raw.p;
	size_t n = v.raw.n;

	if (v.tag == T_STR)
		return !v.escaped;
	if (v.tag != T_NUM || as != KEY_EXACT || n > DIGITS_MAX || (p[0] == '-' && p[1] == '0'))
		return false;
	for (size_t i = p[0] == '-'; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return true;
}

const char *
sift_id(const struct batch *b, size_t i, const int *col, size_t n, enum key_as as, struct buf *scratch, struct fp *id,
    bool *none)
{
	const char *why;

	*none = false;
	if (n == 1 && canonical(b->col[col[0]][i], as)) {
		*id = hash_fp(b->col[col[0]][i].raw);
		return NULL;
	}
	buf_clear(scratch);
	why = key_of(b, i, col, n, as, scratch, none);
	if (why == NULL && !*none)
		*id = hash_fp(buf_span(scratch));
	return why;
}

void
sift_ahead(const struct batch *b, const int *col, size_t n, enum key_as as, struct buf *scratch, struct fp *out)
{
	for (size_t i = 0; i < b->n; i++) {
		bool none;

		if (b->fate[i] == F_PASS && (sift_id(b, i, col, n, as, scratch, &out[i], &none) != NULL || none))
			out[i] = (struct fp){ 0, 0 };
	}
}

void
sift_ids(const struct batch *b, const int *col, size_t n, enum key_as as, struct buf *scratch, struct token *m)
{
	for (size_t i = 0; i < b->n; i++) {
		const char *why;
		bool none;

		if (b->fate[i] != F_PASS)
			continue;
		if (b->ahead != NULL && (b->ahead[i].lo | b->ahead[i].hi) != 0) {
			m[i].id = b->ahead[i];
			continue;
		}
		why = sift_id(b, i, col, n, as, scratch, &m[i].id, &none);
		if (why != NULL || none)
			batch_reject(b, i, why != NULL ? why : "null key");
	}
}
