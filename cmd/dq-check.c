/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dq-check - checks inside the pipe; rows pass untouched
 *
 * Path:   stdin -> in/scan -> run/check (expr, op/ids) -> stdout; broken rows to --tee-bad, events to --result
 * Memory: 24 bytes for each key of a unique() and for each row of a ref()'s table, within -S; else nothing grows.
 * A row that breaks a `fail` check ends the command with 1 when all rows have passed, or is dropped (--drop-bad).
 */
#include <stdlib.h>

#include "base/limits.h"
#include "out/event.h"
#include "run/check.h"

struct state {
	const char *spec, *tee, *result, *table, *dt;
	bool drop;
	struct opt_list words;		/* checks given as operands */
	struct checks checks;
	int tee_out, result_out;
	uint64_t rows, dropped;		/* judged, and of these dropped */
	bool failed;
};

static const struct opt opts[] = {
	{ 's', "spec", OPT_TEXT, offsetof(struct state, spec), "SPEC",
	    "a file of checks, one a line: [warn|fail] CHECK" },
	{ 0, "drop-bad", OPT_FLAG, offsetof(struct state, drop), NULL,
	    "drop rows that break a fail check; the rest goes on" },
	{ 0, "tee-bad", OPT_TEXT, offsetof(struct state, tee), "FILE", "copy rows that break any check to FILE" },
	{ 0, "result", OPT_TEXT, offsetof(struct state, result), "FILE", "write one event a check to FILE" },
	{ 0, "table", OPT_TEXT, offsetof(struct state, table), "NAME", "the table that events name" },
	{ 0, "dt", OPT_TEXT, offsetof(struct state, dt), "DAY", "the day that events name ($DT)" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	struct state *st = arg;

	(void)c;
	if (!check_is(span_str(w)))
		return 0;
	st->words.v = mem_array(st->words.v, st->words.n + 1, sizeof *st->words.v);
	st->words.v[st->words.n++] = w;
	return 1;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc;

	for (size_t i = 0; i < st->words.n; i++)
		if ((rc = check_add(c, &st->checks, span_str(st->words.v[i]), "check")) != 0)
			return rc;
	if (st->spec != NULL && (rc = check_spec(c, &st->checks, st->spec)) != 0)
		return rc;
	if (st->checks.n == 0)
		return ctx_usage(c, st->spec == NULL ? "a CHECK or -s SPEC is required" : "the spec holds no check");
	if (st->dt == NULL)
		st->dt = getenv("DT");
	if (st->tee != NULL && (st->tee_out = side_open(c, "--tee-bad", st->tee)) == -1)
		return EXIT_IO;
	if (st->result != NULL && (st->result_out = side_open(c, "--result", st->result)) == -1)
		return EXIT_IO;
	return 0;
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		bool broken = false, drop = false;

		for (size_t k = 0; k < st->checks.n; k++) {
			struct check *ck = &st->checks.v[k];

			/* a row that goes anyway must not make its successor a repeat */
			if (ck->kind == CHECK_ROWS || (drop && ck->kind == CHECK_UNIQUE) || check_row(ck, c, b, i))
				continue;
			broken = true;
			drop = drop || (st->drop && !ck->warn);
		}
		if (drop) {
			b->fate[i] = F_DROP;
			st->dropped++;
		}
		if (broken && st->tee != NULL)
			rc = ctx_side(c, st->tee_out, b->line[i]);
	}
	st->rows += b->n;
	if (checks_bytes(&st->checks) > ctx_budget(c))
		rc = err_io("the keys of unique() and ref() need more memory than -S lets them have (%zu MiB)",
		    ctx_budget(c) / MIB);
	return rc;
}

/* "1000..", "..5", "7": what rows() asks for. */
static void
print_bounds(const struct check *k, struct buf *b)
{
	buf_byte(b, '"');
	if (k->has_lo)
		dec_print_canonical(&k->lo, b);
	if (!k->has_lo || !k->has_hi || dec_cmp(&k->lo, &k->hi) != 0) {
		buf_str(b, "..");
		if (k->has_hi)
			dec_print_canonical(&k->hi, b);
	}
	buf_byte(b, '"');
}

/* One check's event; its message on stderr where it did not hold. */
static void
judge(struct ctx *c, struct state *st, struct check *k, struct buf *events)
{
	struct event e = { .event = "dq.check", .table = st->table, .dt = st->dt, .run = ctx_run_id(c), .name = k->text,
	    .counted = true, .rows = st->rows, .bad = k->bad };
	struct buf text = { 0 }, value = { 0 }, expected = { 0 };
	uint64_t n = st->rows - st->dropped;
	bool row_check = k->kind != CHECK_ROWS, holds = row_check ? k->bad == 0 : check_rows(k, n);

	e.severity = holds ? EVENT_OK : k->warn ? EVENT_WARN : EVENT_FAIL;
	if (row_check) {
		buf_u64(&value, k->bad);
		buf_str(&expected, "0");
		buf_fmt(&text, "%llu of %llu rows", (unsigned long long)k->bad, (unsigned long long)st->rows);
	} else {
		buf_u64(&value, n);
		print_bounds(k, &expected);
		buf_fmt(&text, "%llu rows, expected %.*s", (unsigned long long)n, (int)expected.n - 2, expected.p + 1);
	}
	if (k->bad > 0)
		buf_fmt(&text, ", first at %s", buf_cstr(&k->first));
	if (k->errors > 0)
		buf_fmt(&text, "; %llu could not be judged: %.100s", (unsigned long long)k->errors,
		    buf_cstr(&k->why));
	if (e.severity == EVENT_FAIL && row_check && st->drop) {
		/* what broke it is not among what goes on: known, counted, but no reason to stop the night */
		e.severity = EVENT_WARN;
		buf_str(&text, "; dropped");
	}
	if (!holds)
		err_warn("%s %.*s: %s", severity_name(e.severity), (int)k->text.n, k->text.p, buf_cstr(&text));
	st->failed = st->failed || e.severity == EVENT_FAIL;
	e.text = buf_span(&text);
	e.value = buf_span(&value);
	e.expected = buf_span(&expected);
	event_json(events, &e);
	buf_byte(events, '\n');
	buf_free(&text);
	buf_free(&value);
	buf_free(&expected);
}

/* In a run its runner passes the events on; it reads them here. */
static int
tell_run(struct ctx *c, struct span events)
{
	struct buf path = { 0 };
	struct sink *s;
	int rc;

	if (ctx_run_dir(c) == NULL)
		return 0;
	buf_fmt(&path, "%s/events.ndjson", ctx_run_dir(c));
	if ((rc = sink_append(buf_cstr(&path), &s)) == 0) {
		sink_add(s, events);
		rc = sink_close(s);
	}
	buf_free(&path);
	return rc;
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct buf events = { 0 };
	int rc = 0;

	for (size_t k = 0; k < st->checks.n; k++)
		judge(c, st, &st->checks.v[k], &events);
	if (st->result != NULL)
		rc = ctx_side(c, st->result_out, span_of(events.p, events.n - 1));
	if (rc == 0)
		rc = tell_run(c, buf_span(&events));
	buf_free(&events);
	return rc != 0 ? rc : st->failed ? EXIT_NO : 0;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = {
		.name = "dq-check", .what = "checks inside the pipe; rows pass untouched", .opts = opts,
		.synopsis = "[-s SPEC] [--drop-bad] [--tee-bad FILE] [--result FILE] [--table NAME] [--dt DAY]"
		    " [CHECK ...] [FILE ...]",
		.state_bytes = sizeof(struct state), .par = PAR_SERIAL,
		.word = word, .set_up = set_up, .batch = batch, .end = end
	};

	return run_main(argc, argv, &cmd);
}
