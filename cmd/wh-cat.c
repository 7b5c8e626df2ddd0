/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wh-cat - the rows of a table at one commit, in commit, file, line order
 *
 * Path:   store/ref -> pool files -> in/source, or store/merge for a keyed table's deltas -> stdout
 * Memory: one block of each file read at once: one, or at most 64 of a day where deltas are merged.
 */
#include "in/source.h"
#include "run/operand.h"
#include "store/merge.h"
#include "store/ref.h"

struct state {
	uint64_t days;			/* options */
	bool dt, missing_ok, follow;
	const char *operand;
	struct ctx *ctx;
	const char *day;		/* of the file being read */
	struct buf tail;		/* `,"dt":"DAY"}` */
	uint64_t rows;
};

static const struct opt opts[] = {
	{ 'n', "days", OPT_COUNT, offsetof(struct state, days), "N", "the N days that end at the operand's day" },
	{ 0, "dt", OPT_FLAG, offsetof(struct state, dt), NULL, "append the day to each row, as \"dt\"" },
	{ 0, "missing-ok", OPT_FLAG, offsetof(struct state, missing_ok), NULL,
	  "a day never committed has no rows, instead of ending with 1" },
	{ 0, "follow", OPT_FLAG, offsetof(struct state, follow), NULL, "go on with the commits that come" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	return operand_only(c, &((struct state *)arg)->operand, w);
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;

	st->ctx = c;
	if (st->operand == NULL)
		return ctx_usage(c, "a table is required");
	if (st->follow)
		return ctx_usage(c, "--follow is not built yet");
	return 0;
}

/* A row of the store is an object and nothing behind it. */
static int
put_row(void *arg, struct span row)
{
	struct state *st = arg;
	struct sink *out = ctx_out(st->ctx);
	size_t n = row.n, last;
	char *p;

	st->rows++;
	if (!st->dt)
		return sink_line(out, row);
	while (n > 0 && row.p[n - 1] != '}')
		n--;
	if (n == 0)
		return err_input("%s: a row that is no object", st->operand);
	n--;
	if ((p = sink_room(out, mem_add(n, st->tail.n))) == NULL)
		return EXIT_IO;
	memcpy(p, row.p, n);
	/* the only member has no comma before it */
	for (last = n; last > 0 && memchr(" \t", row.p[last - 1], 2) != NULL; last--)
		;
	if (last > 0 && row.p[last - 1] == '{') {
		memcpy(p + n, st->tail.p + 1, st->tail.n - 1);
		return sink_advance(out, n + st->tail.n - 1);
	}
	memcpy(p + n, st->tail.p, st->tail.n);
	return sink_advance(out, n + st->tail.n);
}

static int
put_block(struct state *st, const struct block *b)
{
	const char *p = b->p, *end = p + b->n;
	int rc = 0;

	if (!st->dt) {
		for (; p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
			st->rows++;
		return sink_add(ctx_out(st->ctx), span_of(b->p, b->n));
	}
	while (rc == 0 && p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		lf = lf == NULL ? end : lf;
		rc = put_row(st, span_of(p, (size_t)(lf - p)));
		p = lf + (lf < end);
	}
	return rc;
}

static int
put_file(struct state *st, const struct wh_file *f)
{
	struct source_conf conf = { .max_line = SIZE_MAX / 4 };
	uint64_t before = st->rows;
	struct source *src;
	struct block b;
	int rc;

	if ((rc = source_open(f->path, &conf, &src)) != 0)
		return rc;
	while (rc == 0 && (rc = source_block(src, &b)) == 0 && b.n > 0)
		rc = put_block(st, &b);
	source_close(src);
	if (rc == 0 && st->rows - before != f->rows)
		rc = err_input("%s: %llu rows, its commit says %llu", f->path,
		    (unsigned long long)(st->rows - before),
		    (unsigned long long)f->rows);
	return rc;
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct wh_want want = { .operand = span_str(st->operand), .days = st->days, .missing_ok = st->missing_ok };
	struct wh_files f;
	size_t i = 0, k;
	int rc;

	if ((rc = wh_open(&want, &f)) != 0)
		return rc;
	while (rc == 0 && i < f.n) {
		bool deltas = false;

		for (k = i; k < f.n && strcmp(f.file[k].day, f.file[i].day) == 0; k++)
			deltas = deltas || f.file[k].delta;
		buf_clear(&st->tail);
		buf_fmt(&st->tail, ",\"dt\":\"%s\"}\n", f.file[i].day);
		if (deltas)
			rc = merge_rows(&f, i, k, put_row, st);
		for (; rc == 0 && !deltas && i < k; i++)
			rc = put_file(st, &f.file[i]);
		i = k;
	}
	ctx_count_made(c, st->rows);
	ctx_note(c, "commit", f.number);
	wh_close(&f);
	buf_free(&st->tail);
	return rc;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "wh-cat", .what = "the rows of a table",
	    .synopsis = "[-n N] [--dt] [--missing-ok] [--follow] TABLE[@DAYS]", .opts = opts,
	    .state_bytes = sizeof(struct state), .is = CMD_NO_INPUT, .word = word, .set_up = set_up, .main = work };

	return run_main(argc, argv, &cmd);
}
