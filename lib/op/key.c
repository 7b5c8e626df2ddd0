/* SPDX-License-Identifier: BSD-2-Clause */
/* key - see key.h */
#include "op/key.h"

/* As buf_span_add; most keys are so short that a call of memcpy costs more. */
static void
add_short(struct buf *b, struct span s)
{
	uint64_t head, tail;
	char *p;

	if (s.n < sizeof head || s.n > 2 * sizeof head) {
		buf_span_add(b, s);
		return;
	}
	p = b->cap - b->n >= s.n ? b->p + b->n : buf_room(b, s.n);
	memcpy(&head, s.p, sizeof head);
	memcpy(&tail, s.p + s.n - sizeof tail, sizeof tail);
	memcpy(p, &head, sizeof head);
	memcpy(p + s.n - sizeof tail, &tail, sizeof tail);
	b->n += s.n;
}

const char *
key_of(const struct batch *b, size_t i, const int *col, size_t n, enum key_as as, struct buf *out, bool *none)
{
	size_t from = out->n;

	*none = false;
	for (size_t c = 0; c < n; c++) {
		const struct val *v = &b->col[col[c]][i];
		const char *why;

		*none = *none || val_is_null(*v);
		if (c > 0)
			buf_byte(out, ',');
		if (v->tag == T_STR && !v->escaped) {	/* it is its own form */
			add_short(out, v->raw);
			continue;
		}
		if ((why = val_key(*v, as, out)) != NULL) {
			out->n = from;
			return why;
		}
	}
	return NULL;
}

void
keys_batch(struct keys *k, const struct batch *b, const int *col, size_t n, enum key_as as, enum keys_null null)
{
	const char *why;
	bool none;

	buf_clear(&k->bytes);
	for (size_t i = 0; i < b->n; i++) {
		k->at[i] = k->bytes.n;
		k->none[i] = true;
		if (b->fate[i] != F_PASS)
			continue;
		if ((why = key_of(b, i, col, n, as, &k->bytes, &none)) != NULL) {
			batch_reject(b, i, why);
		} else if (none && null != KEYS_NULL_IS) {
			k->bytes.n = k->at[i];
			if (null == KEYS_NULL_REJECT)
				batch_reject(b, i, "null key");
		} else
			k->none[i] = false;
	}
	k->at[b->n] = k->bytes.n;
	for (size_t i = 0; i < b->n; i++)
		if (!k->none[i])
			k->hash[i] = k->seed == 0 ? hash_mem(keys_at(k, i)) : hash_seeded(keys_at(k, i), k->seed);
}

bool
key_split(struct span key, struct span *value, size_t n)
{
	size_t at = 0;

	for (size_t c = 0; c < n; c++) {
		size_t from = at;

		if (at < key.n && key.p[at] == '"') {
			for (at++; at < key.n && key.p[at] != '"'; at++)
				at += key.p[at] == '\\';
			at++;
		} else
			while (at < key.n && key.p[at] != ',')
				at++;
		if (at > key.n || at == from || (at < key.n && key.p[at] != ',') || (at == key.n && c + 1 < n))
			return false;
		value[c] = span_of(key.p + from, at - from);
		at++;
	}
	return n == 0 ? key.n == 0 : at == key.n + 1;
}

void
keys_free(struct keys *k)
{
	buf_free(&k->bytes);
}
