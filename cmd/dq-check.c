/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dq-check - checks inside the pipe; rows pass untouched
 *
 * Path:   stdin -> in/scan -> run/check (expr) -> stdout; broken rows to --tee-bad, events to --result; with -j in
 *         each thread, what was found to the first one (op/ids), in the order of the input
 * Memory: 21 to 27 bytes for each key of a unique() or distinct() and for each row of a ref()'s table, within -S;
 *         keys past it wait in partitions on disk, unless a row's fate hangs on them; else nothing grows.
 * A row that breaks a `fail` check ends the command with 1 when all rows have passed, or is dropped (--drop-bad).
 */
#include "out/event.h"
#include "run/check.h"
#include "run/operand.h"

struct state {
	const char *spec, *tee, *result, *table, *dt, *history, *now;
	struct opt_list words;		/* checks given as operands */
	struct checks checks;
	char day[WHEN_DAY_BYTES];	/* that of --dt */
	int tee_out, result_out;
	bool drop, failed;
	struct buf found;		/* in a batch */
};

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 's', "spec", OPT_TEXT, AT(spec), "SPEC", "a file of checks, one a line: [warn|fail] CHECK" },
	{ 0, "drop-bad", OPT_FLAG, AT(drop), NULL, "drop rows that break a fail check; the rest goes on" },
	{ 0, "tee-bad", OPT_TEXT, AT(tee), "FILE", "copy rows that break any check to FILE" },
	{ 0, "history", OPT_TEXT, AT(history), "DIR", "where change() finds what was, and results are added" },
	{ 0, "result", OPT_TEXT, AT(result), "FILE", "write one event a check to FILE" },
	{ 0, "table", OPT_TEXT, AT(table), "NAME", "the table that events, schema() and history are about" },
	{ 0, "dt", OPT_TEXT, AT(dt), "DAY", "the day that events, fresh() and history are about ($DT)" },
	{ 0, "now", OPT_TEXT, AT(now), "TIME", "what fresh() takes for now (the end of the day, else the clock)" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	(void)c;
	return check_is(span_str(w)) ? operand_add(&((struct state *)arg)->words, w) : 0;
}

/* What fresh() takes for now: as said, else the end of the day, else the clock. */
static int
settle_clock(struct ctx *c, struct state *st, int32_t day)
{
	const char *why;

	if (st->now != NULL) {
		why = when_parse(span_str(st->now), UNIT_GUESS, ctx_zone(c), &st->checks.clock);
		return why == NULL ? 0 : ctx_usage(c, "--now: '%s': %s", st->now, why);
	}
	if (st->dt != NULL) {
		st->checks.clock = zone_instant(ctx_zone(c), (day + INT64_C(1)) * 86400) * US_PER_SEC;
		return 0;
	}
	st->checks.clock = ctx_now_us(c);
	return 0;
}

/* The day, the clock, the history: what checks are compiled against. */
static int
settle(struct ctx *c, struct state *st)
{
	int32_t day = 0;
	int rc = ctx_dt(c, &st->dt, st->day, &day);

	if (rc != 0 || (rc = settle_clock(c, st, day)) != 0 || st->history == NULL)
		return rc;
	if (st->table == NULL || st->dt == NULL)
		return ctx_usage(c, "--history needs --table and --dt");
	return past_open(c, st->history, st->table, day, &st->checks.past);
}

/* A barrier job has no end at which a whole could be judged, and its stages look at no table: a row at a time. */
static int
may_stream(struct ctx *c, const struct state *st)
{
	if (st->history != NULL || st->result != NULL || st->now != NULL)
		return ctx_usage(c, "--history, --result and --now are of checks of the whole: not in a barrier job");
	for (size_t k = 0; k < st->checks.n; k++) {
		const struct check *x = &st->checks.v[k];

		if (x->kind != CHECK_EXPR)
			return ctx_usage(c, "%.*s: in a barrier job only what a row shows by itself is checked",
			    (int)x->text.n, x->text.p);
		if (!x->warn && !st->drop)
			return ctx_usage(c, "%.*s: in a barrier job rows that break it are dropped, --drop-bad, or it"
			    " is a warn", (int)x->text.n, x->text.p);
	}
	return 0;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc;

	st->checks.table = st->table;
	st->checks.drop = st->drop;
	st->checks.at_once = st->drop || st->tee != NULL;
	if ((rc = settle(c, st)) != 0)
		return rc;
	for (size_t i = 0; i < st->words.n; i++)
		if ((rc = check_add(c, &st->checks, span_str(st->words.v[i]), "check")) != 0)
			return rc;
	if (st->spec != NULL && (rc = check_spec(c, &st->checks, st->spec)) != 0)
		return rc;
	if (st->checks.n == 0)
		return ctx_usage(c, st->spec == NULL ? "a CHECK or -s SPEC is required" : "the spec holds no check");
	if (ctx_in_job(c) && (rc = may_stream(c, st)) != 0)
		return rc;
	if (st->checks.past != NULL && (rc = past_read(c, st->checks.past)) != 0)
		return rc;
	checks_begin(&st->checks, ctx_budget(c));
	if (checks_in_order(&st->checks))
		ctx_serial(c);
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
	struct buf *out = ctx_left(c);
	const uint8_t *mark = checks_look(&st->checks, c, b, out == NULL ? &st->found : out);
	int rc = 0;

	for (size_t i = 0; i < b->n && st->checks.at_once && rc == 0; i++) {
		if ((mark[i] & CHECK_DROP) != 0)
			b->fate[i] = F_DROP;
		if ((mark[i] & CHECK_BROKEN) != 0 && st->tee != NULL)
			rc = ctx_side(c, st->tee_out, b->line[i]);
	}
	if (rc != 0 || out != NULL)
		return rc;
	rc = checks_take(&st->checks, c, buf_span(&st->found), 0);
	buf_clear(&st->found);
	return rc;
}

static int
past(struct ctx *c, void *arg, struct span found)
{
	return checks_take(&((struct state *)arg)->checks, c, found, ctx_left_line(c));
}

static int
thread(struct ctx *c, void *arg, const void *arg_first)
{
	const struct state *first = arg_first;
	struct state *st = arg;

	(void)c;
	*st = *first;
	st->found = (struct buf){ 0 };
	checks_fork(&st->checks, &first->checks);
	return 0;
}

static int
join(struct ctx *c, void *arg, void *from)
{
	(void)c;
	checks_join(&((struct state *)arg)->checks, &((struct state *)from)->checks);
	return 0;
}

/* One check's event and line of history; its message on stderr where it did not hold. */
static void
judge(struct ctx *c, struct state *st, const struct check *k, struct verdict *v, struct buf *events)
{
	struct event e = { .event = "dq.check", .table = st->table, .dt = st->dt, .run = ctx_run_id(c), .name = k->text,
	    .counted = true, .rows = st->checks.rows, .bad = k->bad };

	check_judge(&st->checks, k, v);
	if (v->severity != EVENT_OK)
		err_warn("%s %.*s: %.*s", severity_name(v->severity), (int)k->text.n, k->text.p, (int)v->text.n,
		    v->text.p);
	st->failed = st->failed || v->severity == EVENT_FAIL;
	e.severity = v->severity;
	e.text = buf_span(&v->text);
	e.value = buf_span(&v->value);
	e.expected = buf_span(&v->expected);
	event_json(events, &e);
	buf_byte(events, '\n');
	if (st->checks.past != NULL)
		past_line(st->checks.past, &(struct past_result){ k->text, e.value, check_metric_name(k), v->severity,
		    st->checks.rows, k->bad, e.run });
}

/* How many rows there were is kept whether a check asks or not: one that is added later has something to compare. */
static void
keep_rows(struct ctx *c, struct state *st, struct buf *scratch)
{
	buf_clear(scratch);
	buf_u64(scratch, st->checks.rows - st->checks.dropped);
	past_line(st->checks.past, &(struct past_result){ span_str("rows"), buf_span(scratch), "rows", EVENT_OK,
	    st->checks.rows, 0, ctx_run_id(c) });
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct buf events = { 0 };
	struct verdict v = { 0 };
	int rc = checks_settle(&st->checks);

	for (size_t k = 0; k < st->checks.n && rc == 0; k++)
		judge(c, st, &st->checks.v[k], &v, &events);
	if (st->checks.past != NULL && rc == 0)
		keep_rows(c, st, &v.value);
	if (st->result != NULL && rc == 0)
		rc = ctx_side(c, st->result_out, span_of(events.p, events.n - 1));
	if (rc == 0)
		rc = checks_tell_run(c, buf_span(&events));
	if (rc == 0 && st->checks.past != NULL)
		rc = past_write(st->checks.past);
	past_close(st->checks.past);
	buf_free(&events);
	verdict_free(&v);
	return rc != 0 ? rc : st->failed ? EXIT_NO : 0;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = {
		.name = "dq-check", .what = "checks inside the pipe; rows pass untouched", .opts = opts,
		.synopsis = "[-s SPEC] [--drop-bad] [--tee-bad FILE] [--history DIR] [--result FILE] [--table NAME]"
		    " [--dt DAY] [--now TIME] [CHECK ...] [FILE ...]",
		.state_bytes = sizeof(struct state), .is = CMD_EPOCHS | CMD_GATHER, .par = PAR_STATELESS,
		.word = word, .set_up = set_up, .batch = batch, .past = past, .thread = thread, .join = join,
		.end = end
	};

	return run_main(argc, argv, &cmd);
}
