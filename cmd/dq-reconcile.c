/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dq-reconcile - do two sides hold the same records? counts and sums by bucket, then the records that differ
 *
 * Path:   A, B -> in/scan -> run/check_sides (hashes of 2^16 parts, then cdc/spill of those that differ) -> stdout
 * Memory: 4 MiB, a quarter of -S, and 100 bytes for each value of --by; none for records that are equal.
 * Two readings of A and B; one where a side is a pipe, which then waits in a temporary file.
 */
#include "run/check.h"
#include "run/check_sides.h"

struct state {
	const char *keys, *sums, *fields, *by, *tolerate, *result, *table, *dt;
	const char *flushed;
	struct opt_list lacks, extra;
	const char *side[2];
	char day[WHEN_DAY_BYTES];
	struct sides *sides;
	int result_out;
};

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 'k', "key", OPT_TEXT, AT(keys), "KEYS", "what makes a record one: [NAME=]PATH, ..." },
	{ 0, "sum", OPT_TEXT, AT(sums), "PATHS", "numbers: summed by bucket, compared in each record" },
	{ 0, "fields", OPT_TEXT, AT(fields), "PATHS", "other values that must be equal in each record" },
	{ 0, "by", OPT_TEXT, AT(by), "PATH", "counts and sums for each of its values too" },
	{ 0, "tolerate", OPT_TEXT, AT(tolerate), "N|P%", "how far apart B may be; what it hides is listed (0)" },
	{ 0, "lacks", OPT_LIST, AT(lacks), "NAME=FILE", "a reason: records of A's that B lacks: late, rejected" },
	{ 0, "extra", OPT_LIST, AT(extra), "NAME=FILE", "a reason: records that B has besides: repeats" },
	{ 0, "flushed", OPT_TEXT, AT(flushed), "NAME=VALUE", "a reason: greater values are not yet in B" },
	{ 0, "result", OPT_TEXT, AT(result), "FILE", "write one event for all and one a bucket to FILE" },
	{ 0, "table", OPT_TEXT, AT(table), "NAME", "the table that events name" },
	{ 0, "dt", OPT_TEXT, AT(dt), "DAY", "the day that events name ($DT)" },
	{ 0 }
};

static int
word(struct ctx *c, void *arg, const char *w)
{
	struct state *st = arg;

	if (st->side[1] != NULL)
		return -ctx_usage(c, "'%s' is one too many", w);
	st->side[st->side[0] != NULL] = w;
	return 1;
}

static int
tolerance(struct ctx *c, const char *text, struct sides_conf *conf)
{
	struct span s = span_str(text == NULL ? "0" : text);
	const char *why;

	conf->percent = s.n > 0 && s.p[s.n - 1] == '%';
	s.n -= conf->percent;
	if ((why = dec_parse(s, &conf->tolerance)) != NULL || conf->tolerance.neg)
		return ctx_usage(c, "--tolerate: '%s': %s", text, why != NULL ? why : "not below 0");
	return 0;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct sides_conf conf = { .keys = st->keys, .sums = st->sums, .fields = st->fields, .by = st->by,
	    .lacks = st->lacks, .extra = st->extra, .flushed = st->flushed };
	int32_t day;
	int rc;

	if (st->keys == NULL)
		return ctx_usage(c, "-k is required");
	if (st->side[1] == NULL)
		return ctx_usage(c, "A and B are required");
	if (strcmp(st->side[0], "-") == 0 && strcmp(st->side[1], "-") == 0)
		return ctx_usage(c, "A and B cannot both be the standard input");
	if ((rc = ctx_dt(c, &st->dt, st->day, &day)) != 0 || (rc = tolerance(c, st->tolerate, &conf)) != 0 ||
	    (rc = sides_new(c, &conf, &st->sides)) != 0)
		return rc;
	if (st->result != NULL && (st->result_out = side_open(c, "--result", st->result)) == -1)
		return EXIT_IO;
	return 0;
}

/* An event: its rows are those of A, its value those of B. */
static void
event_of(struct ctx *c, const struct state *st, const struct sides_verdict *v, struct buf *out)
{
	struct event e = { .event = "dq.reconcile", .severity = v->severity, .table = st->table, .dt = st->dt,
	    .run = ctx_run_id(c), .counted = true, .rows = v->rows[0], .bad = v->strays };
	struct buf name = { 0 }, value = { 0 }, expected = { 0 };

	buf_fmt(&name, "reconcile %s %s", st->side[0], st->side[1]);
	if (v->by.n > 0)
		buf_fmt(&name, " %s=%.*s", st->by, (int)(v->by.n < 200 ? v->by.n : 200), v->by.p);
	buf_u64(&value, v->rows[1]);
	buf_u64(&expected, v->rows[0]);
	e.name = buf_span(&name);
	e.value = buf_span(&value);
	e.expected = buf_span(&expected);
	e.text = buf_span(&v->text);
	event_json(out, &e);
	buf_free(&name);
	buf_free(&value);
	buf_free(&expected);
}

/* All verdicts: events, messages, the answer. */
static int
judge(struct ctx *c, struct state *st)
{
	static const char *const words[] = { "equal", "equal within the tolerance", "apart" };
	struct sides_verdict v = { 0 };
	struct buf line = { 0 }, all = { 0 };
	uint64_t failed = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && sides_judge(st->sides, i, &v); i++) {
		failed += v.severity == EVENT_FAIL;
		if (i == 0 && v.severity != EVENT_OK)
			err_warn("%s and %s are %s: %.*s", st->side[0], st->side[1],
			    v.severity == EVENT_WARN && v.explained > 0 ? "equal but for what is explained" :
			    words[v.severity], (int)v.text.n, v.text.p);
		if (i == 0) {
			ctx_note(c, "strays", v.strays);
			ctx_note(c, "near", v.near);
			ctx_note(c, "explained", v.explained);
		}
		buf_clear(&line);
		event_of(c, st, &v, &line);
		buf_span_add(&all, buf_span(&line));
		buf_byte(&all, '\n');
		if (st->result != NULL)
			rc = ctx_side(c, st->result_out, buf_span(&line));
	}
	if (rc == 0)
		rc = checks_tell_run(c, buf_span(&all));
	sides_verdict_free(&v);
	buf_free(&line);
	buf_free(&all);
	return rc != 0 ? rc : failed > 0 ? EXIT_NO : 0;
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc;

	if ((rc = sides_count(st->sides, st->side[0], st->side[1])) != 0 || (rc = sides_tell_buckets(st->sides)) != 0 ||
	    (rc = sides_tell_records(st->sides)) != 0)
		return rc;
	return judge(c, st);
}

static int
finish(struct ctx *c, void *arg, int status)
{
	struct state *st = arg;

	(void)c;
	sides_free(st->sides);
	return status;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "dq-reconcile", .what = "do two sides hold the same records?",
	    .synopsis = "-k KEYS [--sum PATHS] [--fields PATHS] [--by PATH] [--tolerate N|P%]"
	    " [--lacks NAME=FILE] [--extra NAME=FILE] [--flushed NAME=VALUE] [--result FILE]"
	    " [--table NAME] [--dt DAY] A B",
	    .opts = opts, .state_bytes = sizeof(struct state), .is = CMD_NO_INPUT | CMD_PLACES, .word = word,
	    .set_up = set_up, .main = work, .finish = finish };

	return run_main(argc, argv, &cmd);
}
