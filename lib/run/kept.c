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
}

int
kept_scan(struct kept *k, struct scan *scan, size_t n_cols, const struct block *blk)
{
	struct scanned got;

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
		for (size_t c = 0; c < n_cols; c++)
			memcpy(k->col[c] + k->n, got.col[c], got.n * sizeof **k->col);
		k->n += got.n;
		if (k->n_ends == k->cap_ends) {
			k->cap_ends = k->cap_ends == 0 ? 64 : mem_mul(k->cap_ends, 2);
			k->end = mem_array(k->end, k->cap_ends, sizeof *k->end);
		}
		k->end[k->n_ends++] = k->n;
	}
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
		rc = scanned_lines(c, f, ps, &(struct scanned){ .n = k->end[i] - at, .line = k->line + at,
		    .kind = k->kind + at, .why = k->why + at, .col = col }, &line);
	}
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
	*k = (struct kept){ 0 };
}
