/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_fuzz - any bytes as a block of lines: every kernel must say what the plain parser says
 *
 * The first byte chooses options and where the block is cut in two.  Spans handed out must be JSON values themselves, and
 * rec must walk them.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "in/rec.h"
#include "in/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const asked[] = { "a", "a.b", "b[0]", "b[1].a", "c", "/d/0", "d.a", "\"e\\n\"" };
#define COLUMNS (sizeof asked / sizeof asked[0])

static void
check(const struct val *v)
{
	size_t at;
	struct span key;
	struct rec r;
	struct val in;

	if (v->tag == T_ABSENT)
		return;
	if (scan_value(v->raw, NULL, &at) != NULL || val_of(v->raw).tag != v->tag ||
	    (v->tag == T_STR && val_of(v->raw).escaped != v->escaped))
		abort();
	if (v->tag < T_ARR)
		return;
	rec_begin(&r, v->raw);
	while (rec_next(&r, &key, &in))
		if (scan_value(in.raw, NULL, &at) != NULL || in.raw.p < v->raw.p ||
		    in.raw.p + in.raw.n > v->raw.p + v->raw.n)
			abort();
}

static void
part(struct scan *s, struct span in, struct buf *out)
{
	char *p = malloc(in.n + BLOCK_PAD_BYTES);
	struct scanned g;

	if (p == NULL)
		abort();
	memcpy(p, in.p, in.n);
	memset(p + in.n, '{', BLOCK_PAD_BYTES);
	scan_block(s, p, in.n);
	while (scan_next(s, &g))
		for (size_t i = 0; i < g.n; i++) {
			buf_fmt(out, "%u %zu %u %s", g.kind[i], g.line[i].n, g.at[i], g.kind[i] == LINE_BAD ? g.why[i] : "");
			for (size_t c = 0; c < COLUMNS; c++) {
				check(&g.col[c][i]);
				buf_fmt(out, " %u:%zu+%zu", g.col[c][i].tag,
				    g.col[c][i].tag == T_ABSENT ? 0 : (size_t)(g.col[c][i].raw.p - g.line[i].p),
				    g.col[c][i].raw.n);
			}
			buf_byte(out, '\n');
		}
	free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct scan *scans[KERNELS][8];
	static struct pathset *ps;
	struct scan_conf conf = { 0 };
	struct buf first = { 0 }, got = { 0 };
	struct span in;
	const char *lf;
	size_t cut;
	char err[200];

	if (ps == NULL) {
		ps = pathset_new();
		for (size_t c = 0; c < COLUMNS; c++)
			if (pathset_add(ps, span_str(asked[c]), err, sizeof err) != (int)c)
				abort();
	}
	if (size < 2)
		return 0;
	conf.any = data[0] & 1;
	conf.max_depth = data[0] & 2 ? 3 : 0;
	conf.max_keys = data[0] & 4 ? 3 : 0;
	in = span_of((const char *)data + 1, size - 1);
	cut = in.n * (data[0] >> 3) / 32;
	lf = memchr(in.p + cut, '\n', in.n - cut);
	cut = lf == NULL ? in.n : (size_t)(lf + 1 - in.p);
	for (enum kernel k = KERNEL_PLAIN; k < KERNELS; k++) {
		struct buf *out = k == KERNEL_PLAIN ? &first : &got;
		struct scan **s = &scans[k][data[0] & 7];	/* kept: shapes of earlier inputs must do no harm */

		conf.kernel = k;
		if (*s == NULL)
			*s = scan_new(ps, &conf);
		buf_clear(out);
		part(*s, span_of(in.p, cut), out);
		part(*s, span_from(in, cut), out);
		if (k != KERNEL_PLAIN && !span_eq(buf_span(&first), buf_span(&got)))
			abort();
	}
	buf_free(&first);
	buf_free(&got);
	return 0;
}
