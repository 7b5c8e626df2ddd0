/* SPDX-License-Identifier: BSD-2-Clause */
/* row - see row.h */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "op/key.h"
#include "op/row.h"

void
row_init(struct row *r, size_t cells)
{
	*r = (struct row){ .cap = cells };
	r->end = mem_array(NULL, cells, sizeof *r->end);
	r->cell = mem_array(NULL, cells, sizeof *r->cell);
	r->part = mem_array(NULL, cells, sizeof *r->part);
}

void
row_begin(struct row *r)
{
	buf_clear(&r->bytes);
	r->n = 0;
}

void
row_time(struct row *r, const struct window_conf *conf, int64_t us)
{
	when_print(us, conf->style, conf->zone, &r->bytes);
	r->end[r->n++] = r->bytes.n;
}

bool
row_group(struct row *r, struct span key, size_t n)
{
	if (!key_split(key, r->part, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		buf_span_add(&r->bytes, r->part[i]);
		r->end[r->n++] = r->bytes.n;
	}
	return true;
}

const char *
row_aggs(struct row *r, struct agg_set *set, void *cell)
{
	for (size_t k = 0; k < set->n; k++) {
		const char *why = agg_print(set, k, cell, &r->bytes);

		if (why != NULL)
			return why;
		r->end[r->n++] = r->bytes.n;
	}
	return NULL;
}

int
row_later(struct row *r, const struct host *host, uint64_t seq)
{
	size_t from = 0, at = r->bytes.n;

	/* the cells one after the other, each behind its length: written behind what they were made from */
	for (size_t i = 0; i < r->n; i++) {
		size_t n = r->end[i] - from;

		pack_u64(&r->bytes, n);
		(void)buf_room(&r->bytes, n);
		buf_add(&r->bytes, r->bytes.p + from, n);
		from = r->end[i];
	}
	return host->defer(host->self, 0, span_from(buf_span(&r->bytes), at), seq);
}

int
row_again(struct row *r, struct span line, const struct host *host)
{
	struct unpack u = { line, true };

	for (size_t i = 0; i < r->cap; i++)
		r->cell[i] = val_of(unpack_span(&u));
	if (!unpack_done(&u))
		return err_input("a row that waited on disk is not as it was");
	return host->row(host->self, 0, r->cell, r->cap);
}

int
row_end(struct row *r, const struct host *host)
{
	size_t from = 0;

	for (size_t i = 0; i < r->n; i++) {
		r->cell[i] = val_of(span_of(r->bytes.p + from, r->end[i] - from));
		from = r->end[i];
	}
	return host->row(host->self, 0, r->cell, r->n);
}

void
row_free(struct row *r)
{
	buf_free(&r->bytes);
	free(r->end);
	free(r->cell);
	free(r->part);
}

int
row_error(struct span key, const char *why)
{
	return err_input("group %.*s: %s", (int)(key.n < 100 ? key.n : 100), key.p, why);
}
