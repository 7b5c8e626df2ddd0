/* SPDX-License-Identifier: BSD-2-Clause */
/* kept - see kept.h */
#include <stdlib.h>

#include "run/ctx.h"
#include "run/kept.h"

static void
grow(struct kept *k, size_t n)
{
	if (n <= k->cap)
		return;
	k->cap = n < 4096 ? 4096 : mem_mul(n, 2);
	k->line = mem_array(k->line, k->cap, sizeof *k->line);
	k->kind = mem_array(k->kind, k->cap, sizeof *k->kind);
	k->why = mem_array(k->why, k->cap, sizeof *k->why);
	for (size_t c = 0; c < k->n_cols; c++)
		k->col[c] = mem_array(k->col[c], k->cap, sizeof **k->col);
	if (k->has_ahead)
		k->ahead = mem_array(k->ahead, k->cap, sizeof *k->ahead);
}

/* While the lines are in this core's caches. */
static void
make_ahead(struct kept *k, const struct ahead *a, const struct scanned *got)
{
	uint8_t fate[BATCH_RECORDS_MAX] MEM_UNFILLED;
	struct batch b = { .n = got->n, .line = got->line, .col = (const struct val *const *)got->col, .fate = fate };

	for (size_t i = 0; i < got->n; i++)
		fate[i] = got->kind[i] == LINE_RECORD ? F_PASS : F_REJECT;
	a->make(a->arg, &b, &k->scratch, k->ahead + k->n);
}

int
kept_scan(struct kept *k, const struct ahead *a, struct scan *scan, size_t n_cols, const struct block *blk)
{
	struct scanned got;

	k->has_ahead = a != NULL && a->make != NULL;

	if (k->col == NULL) {
		k->n_cols = n_cols;
		k->col = mem_new(mem_mul(mem_add(n_cols, 1), sizeof *k->col));
	}
	k->n = k->n_ends = 0;
	scan_block(scan, blk->p, blk->n);
	while (scan_next(scan, &got)) {
		grow(k, k->n + got.n);
		memcpy(k->line + k->n, got.line, got.n * sizeof *k->line);
		memcpy(k->kind + k->n, got.kind, got.n * sizeof *k->kind);
		memcpy(k->why + k->n, got.why, got.n * sizeof *k->why);
		for (size_t i = 0; i < n_cols; i++)
			memcpy(k->col[i] + k->n, got.col[i], got.n * sizeof **k->col);
		if (k->has_ahead)
			make_ahead(k, a, &got);
		k->n += got.n;
		if (k->n_ends == k->cap_ends) {
			k->cap_ends = k->cap_ends == 0 ? 64 : mem_mul(k->cap_ends, 2);
			k->end = mem_array(k->end, k->cap_ends, sizeof *k->end);
		}
		k->end[k->n_ends++] = k->n;
	}
	buf_clear(&k->made);
	if (k->has_ahead && a->end != NULL)
		a->end(a->arg, false, &k->made);
	return 0;
}

int
kept_deliver(const struct kept *k, struct ctx *c, struct feed *f, const struct pathset *ps, uint64_t line,
    uint64_t *next)
{
	const struct val *col[PATHS_MAX];
	size_t at = 0;
	int rc = 0;

	for (size_t i = 0; i < k->n_ends && rc == 0; at = k->end[i++]) {
		for (size_t x = 0; x < k->n_cols; x++)
			col[x] = k->col[x] + at;
		f->ahead = k->has_ahead ? k->ahead + at : NULL;
		rc = scanned_lines(c, f, ps, &(struct scanned){ .n = k->end[i] - at, .line = k->line + at,
		    .kind = k->kind + at, .why = k->why + at, .col = col }, &line);
	}
	f->ahead = NULL;
	*next = line;
	return rc == 0 && f->main && c->cmd->let_go != NULL ? c->cmd->let_go(c, c->st) : rc;
}

void
kept_free(struct kept *k)
{
	free(k->line);
	free(k->kind);
	free(k->why);
	for (size_t c = 0; c < k->n_cols; c++)
		free(k->col[c]);
	free(k->col);
	free(k->end);
	free(k->ahead);
	buf_free(&k->scratch);
	buf_free(&k->made);
	*k = (struct kept){ 0 };
}
