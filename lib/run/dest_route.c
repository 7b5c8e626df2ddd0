/* SPDX-License-Identifier: BSD-2-Clause */
/* dest_route - see dest_route.h */
#include <stdlib.h>

#include "base/decimal.h"
#include "run/ctx.h"
#include "run/dest_route.h"

#define SEEN_MAX 65536		/* words remembered; one more and all are forgotten */

static const char default_by[] =
    "coalesce(database, db, source.db, payload.source.db) || '.' || "
    "coalesce(\"table\", source.\"table\", payload.source.\"table\")";

static size_t
table_of(struct route *r, struct span name, const char *day)
{
	for (size_t i = 0; i < r->n_tables; i++)
		if (span_is(name, r->table[i].name))
			return i;
	r->table = mem_array(r->table, r->n_tables + 1, sizeof *r->table);
	r->table[r->n_tables] = (struct route_table){ .name = name.p, .day = day };
	return r->n_tables++;
}

static int
read_line(struct route *r, const struct spec_line *l, const char *file)
{
	struct span w = l->word[0], day;
	struct route_line line = { .word = w };

	if (l->n == 2 && span_is(w, "by"))
		return r->by != NULL ? err_usage("%s:%zu: a second `by`", file, l->number) :
		    ctx_expr(r->ctx, l->word[1], "by", &r->by);
	if (l->n < 2 || l->n > 3 || (l->n == 3 && !spec_get(l, 2, "day", &day)))
		return err_usage("%s:%zu: not WORD TABLE [day=EXPR], nor by EXPR", file, l->number);
	if (w.n > 0 && w.p[w.n - 1] == '*') {
		line.prefix = true;
		line.word.n--;
	}
	line.table = table_of(r, l->word[1], l->n == 3 ? day.p : NULL);
	r->line = mem_array(r->line, r->n_lines + 1, sizeof *r->line);
	r->line[r->n_lines++] = line;
	return 0;
}

int
route_open(const char *file, struct ctx *c, struct route **out)
{
	struct route *r = mem_new(sizeof *r);
	int rc;

	*out = r;
	r->ctx = c;
	r->seen = map_new(sizeof(int));
	if ((rc = spec_read(file, SPEC_WORDS, &r->spec)) != 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < r->spec->n; i++)
		rc = read_line(r, &r->spec->line[i], file);
	if (rc == 0 && r->n_lines == 0)
		rc = err_usage("%s: it leads to no table", file);
	if (rc == 0 && r->by == NULL)
		rc = ctx_expr(c, span_str(default_by), "by", &r->by);
	return rc;
}

/* What the record is called; false: nothing. */
static bool
word_of(struct route *r, const struct batch *b, size_t i, struct span *word)
{
	struct xval x;
	struct dec d;

	if (expr_eval(ctx_expr_state(r->ctx), r->by, b, i, &x) != NULL)
		return false;
	if (x.tag == X_NUM && xval_num(&x, &d) == NULL) {
		buf_clear(&r->text);
		dec_print_canonical(&d, &r->text);
		*word = buf_span(&r->text);
		return true;
	}
	*word = x.tag == X_STR ? x.str : span_of("", 0);
	return x.tag == X_STR;
}

static int
first_match(const struct route *r, bool known, struct span word)
{
	for (size_t i = 0; i < r->n_lines; i++) {
		const struct route_line *l = &r->line[i];

		if (l->prefix ? l->word.n == 0 || (known && word.n >= l->word.n &&
		    memcmp(word.p, l->word.p, l->word.n) == 0) : known && span_eq(word, l->word))
			return (int)l->table;
	}
	return -1;
}

int
route_of(struct route *r, const struct batch *b, size_t i)
{
	struct span word;
	bool known = word_of(r, b, i, &word), fresh;
	int *to;

	if (!known)
		return first_match(r, false, word);
	if (map_count(r->seen) >= SEEN_MAX)
		map_clear(r->seen);
	to = map_put(r->seen, word, &fresh);
	if (fresh)
		*to = first_match(r, true, word);
	return *to;
}

void
route_close(struct route *r)
{
	if (r == NULL)
		return;
	free(r->line);
	free(r->table);
	map_free(r->seen);
	buf_free(&r->text);
	if (r->spec != NULL)
		spec_free(r->spec);
	free(r);
}
