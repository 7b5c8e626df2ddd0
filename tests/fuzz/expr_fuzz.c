/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expr_fuzz - an expression over a record, both hostile
 *
 * Input: EXPRESSION LF RECORD.  What compiles must run to an answer or a reason, the same again
 * with a used state, and print as valid JSON; a call must split into parts that lie inside it.
 */
#include <stdint.h>
#include <stdlib.h>

#include "expr/call.h"
#include "expr/expr.h"
#include "in/scan.h"

#define MUST(cond) do { if (!(cond)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A batch of this record alone has the same answer. */
static void
same_as_batch(struct expr_state *st, const struct expr *e, const struct scanned *got, size_t n, size_t i, int t,
    const char *why)
{
	const struct val *col[PATHS_MAX];
	const char *again = NULL;
	int8_t is;

	for (size_t k = 0; k < n; k++)
		col[k] = got->col[k] + i;
	expr_tests(st, e, &(struct batch){ .n = 1, .line = got->line + i, .col = col }, &is, &again);
	MUST(is == t && (t != -2 || strcmp(why, again) == 0));
}

static void
run(const struct expr *e, const struct pathset *ps, struct span json)
{
	struct scan *scan = scan_new(ps, &(struct scan_conf){ .kernel = KERNEL_PLAIN });
	char *block = calloc(1, json.n + 1 + BLOCK_PAD_BYTES);
	struct expr_state *st = expr_state_new();
	struct buf one = { 0 }, two = { 0 };
	struct scanned got;
	struct xval x;
	const char *why, *again;
	size_t at;
	int t;

	MUST(block != NULL);
	if (json.n > 0)
		memcpy(block, json.p, json.n);
	scan_block(scan, block, json.n);
	while (scan_next(scan, &got)) {
		struct batch b = { .n = got.n, .line = got.line, .col = got.col };

		for (size_t i = 0; i < got.n; i++) {
			if (got.kind[i] != LINE_RECORD)
				continue;
			buf_clear(&one);
			buf_clear(&two);
			if ((why = expr_eval(st, e, &b, i, &x)) == NULL)
				expr_print(&x, &one);
			t = expr_test(st, e, &b, i, &again);
			MUST((t == -2) == (again != NULL) && (why == NULL || t == -2));
			same_as_batch(st, e, &got, ps->n, i, t, again);
			if ((again = expr_eval(st, e, &b, i, &x)) == NULL)
				expr_print(&x, &two);
			MUST(why == again && span_eq(buf_span(&one), buf_span(&two)));
			if (why == NULL)
				MUST(scan_value(buf_span(&one), NULL, &at) == NULL);
		}
	}
	buf_free(&one);
	buf_free(&two);
	expr_state_free(st);
	scan_free(scan);
	free(block);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct expr_arg arg = { { "a", 1 }, { "12.5", 4 } };
	struct span all = { (const char *)data, size };
	const char *lf = size == 0 ? NULL : memchr(data, '\n', size);
	size_t n = lf == NULL ? size : (size_t)(lf - all.p);
	struct pathset *ps = pathset_new();
	struct expr_env env = { ps, zone_open("Europe/Berlin"), &arg, 1 };
	struct expr *e;
	struct call c;
	char err[128];

	if (expr_compile(span_of(all.p, n), &env, &e, err, sizeof err) == 0)
		run(e, ps, span_from(all, n + 1));
	else
		MUST(e == NULL && *err != '\0');
	expr_free(e);
	pathset_free(ps);
	if (call_parse(span_of(all.p, n), &c, err, sizeof err) == 0) {
		for (size_t i = 0; i < c.n; i++)
			MUST(c.arg[i].n == 0 ||
			    (c.arg[i].p >= all.p && c.arg[i].p + c.arg[i].n <= all.p + n));
		call_free(&c);
	}
	return 0;
}
