/* SPDX-License-Identifier: BSD-2-Clause */
/* put - see put.h */
#include "run/put.h"
#include "store/merge.h"

int
put_set_up(struct put *p, struct ctx *c, const struct meta *m)
{
	const struct zone *zone = m->tz == NULL ? NULL : zone_open(m->tz);
	const char *by = p->dt != NULL || p->by == NULL ? m->day : p->by;
	int rc = 0;

	p->part = (struct partition){ .col = -1 };
	p->deleted = -1;
	if (p->dt == NULL && by == NULL)
		return ctx_usage(c, "dt=DAY or --partition-by is required: table %s says no day", p->table);
	p->timed = by != NULL;
	if (by != NULL)
		rc = partition_set_up(c, by, zone, &p->part);
	p->keyed = m->kind == KIND_UPSERT;
	if (rc == 0 && p->keyed && (rc = ctx_cols(c, m->key, "key", &p->keys)) == 0 &&
	    (p->order = ctx_col(c, span_str(m->order), "order")) == -1)
		rc = EXIT_USAGE;
	if (rc == 0 && m->deleted != NULL && (p->deleted = ctx_col(c, span_str(m->deleted), "deleted")) == -1)
		rc = EXIT_USAGE;
	return rc;
}

/* Key and order of record i, canonical. NULL or a reason. */
static const char *
key_of(struct put *p, const struct batch *b, size_t i, struct row *row)
{
	const char *why;

	buf_clear(&p->key);
	for (size_t k = 0; k < p->keys.n; k++) {
		struct val v = b->col[p->keys.col[k]][i];

		if (val_is_null(v))
			return "the key is null";
		if (k > 0)
			buf_byte(&p->key, ',');
		if ((why = val_key(v, KEY_EXACT, &p->key)) != NULL)
			return why;
	}
	if ((why = merge_order(b->col[p->order][i], &p->order_text)) != NULL)
		return why;
	if (p->deleted != -1 && (why = merge_dead(b->col[p->deleted][i], &row->dead)) != NULL)
		return why;
	row->key = buf_span(&p->key);
	row->order = buf_span(&p->order_text);
	return NULL;
}

int
put_batch(struct put *p, struct rows *rows, const struct batch *b)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < b->n; i++) {
		char day[WHEN_DAY_BYTES];
		struct row row = { 0 };
		const char *why = NULL;
		bool timed = false;
		int64_t ms;

		if (p->timed)
			why = partition_day(&p->part, b, i, day, &ms, &timed);
		if (p->dt != NULL)
			why = NULL;	/* there its time is only for the record of the commit */
		if (why == NULL && p->keyed)
			why = key_of(p, b, i, &row);
		if (why == NULL)
			why = rows_look(rows, b->line[i]);
		if (why != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		row.ms = timed ? &ms : NULL;
		b->fate[i] = F_USED;
		rc = rows_put(rows, p->dt != NULL ? p->dt : day, b->line[i], &row);
	}
	return rc;
}

void
put_free(struct put *p)
{
	partition_free(&p->part);
	buf_free(&p->key);
	buf_free(&p->order_text);
}
