/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * csv_fuzz - any bytes as CSV: every line is in exactly one row, and what csv_cell writes of a row is read as that row.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "edge/csv_in.h"
#include "edge/csv_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t next;			/* the line that the next row begins on, at the earliest */
	struct buf out;			/* good rows written again */
	struct buf cells;		/* all their cells, a byte of what they are and NULs between */
	bool again;
};

static int
row(void *arg, const struct csv_row *r)
{
	struct seen *s = arg;

	if (r->line < s->next && !s->again)
		abort();
	s->next = r->line + 1;
	for (size_t i = 0; i < r->n; i++) {
		const struct span *c = &r->cell[i];

		buf_byte(&s->cells, c->p == NULL ? 'n' : 's');
		buf_span_add(&s->cells, *c);
		buf_byte(&s->cells, '\0');
		if (i > 0)
			buf_byte(&s->out, ',');
		if (c->p != NULL)
			csv_cell(&s->out, *c, ',');
		if (c->p != NULL && csv_is_formula(*c) && csv_unguard(*c).n > c->n)
			abort();
	}
	buf_byte(&s->out, '\n');
	return 0;
}

static int
bad(void *arg, const struct csv_row *r, const char *why)
{
	struct seen *s = arg;

	if (why == NULL || *why == '\0' || r->line < s->next || s->again)
		abort();
	s->next = r->line + 1;
	return 0;
}

static int
blank(void *arg, const struct csv_row *r)
{
	struct seen *s = arg;

	/* a row of one cell with nothing in it is an empty line */
	if (s->again) {
		buf_byte(&s->cells, 'n');
		buf_byte(&s->cells, '\0');
	}
	s->next = r->line + 1;
	return 0;
}

/* Whole lines in two pieces, cut at the line end nearest to `cut`. */
static void
feed(struct seen *s, struct span text, size_t cut)
{
	const struct csv_to to = { row, bad, blank, s };
	struct csv_in *in = csv_in_new(',', 1000, &to);
	uint64_t lines = 0;

	while (cut < text.n && (cut == 0 || text.p[cut - 1] != '\n'))
		cut++;
	for (size_t i = 0; i < cut; i++)
		lines += text.p[i] == '\n';
	(void)csv_in_lines(in, span_of(text.p, cut), 1, 0);
	(void)csv_in_lines(in, span_from(text, cut), 1 + lines, cut);
	(void)csv_in_end(in);
	csv_in_free(in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen a = { 0 }, b = { .again = true };
	char *copy = malloc(size + 1);	/* exact: ASan sees one byte more */

	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	feed(&a, span_of(copy, size), size == 0 ? 0 : data[0] % size);
	/* a limit met the second time, by quotes that were not there, is no mistake */
	if (a.out.n < 900) {
		feed(&b, buf_span(&a.out), 0);
		if (!span_eq(buf_span(&a.cells), buf_span(&b.cells)))
			abort();
	}
	buf_free(&a.out);
	buf_free(&a.cells);
	buf_free(&b.out);
	buf_free(&b.cells);
	free(copy);
	return 0;
}
