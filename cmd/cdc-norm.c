/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cdc-norm - any change feed to one row change a line, in one form, with an order that sorts
 *
 * Path:   stdin -> in/scan (members of the message) -> cdc (kind, types, key, ord) -> stdout
 * Memory: one message and its lines; the types of --types; at most 4,096 schemas that messages brought.
 * Threads take blocks in any order, as long as no message needs what came before it (cdc/cdc.h): most name their place.
 * A message is passed with other bytes; further rows of it are made.  What is no change is dropped and counted.
 * In a barrier job it knows nothing of what came before: order comes with the messages, types from --types.
 */
#include "cdc/cdc.h"
#include "run/feed_types.h"
#include "run/run.h"

struct state {
	const char *types_file, *table, *meta, *events_file, *unknown;
	int from, decimals, on_drift;
	bool minimal;
	uint64_t epoch;
	struct types *types;
	struct cdc *cdc;
	int map[CDC_FIELDS], meta_col;
	int unknown_out;		/* -1: none */
	struct feed_events events, *tell;	/* tell: the one of all threads */
	uint64_t dropped[CDC_BAD];
	struct cdc_counts counts;
};

static const char *const from_words[] = { "auto", "maxwell", "canal", "debezium", NULL };
static const char *const drift_words[] = { "said", "warn", "fail", "cast", NULL };
static const char *const decimal_words[] = { "ask", "string", "base64", NULL };

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 0, "from", OPT_CHOICE, AT(from), "auto|maxwell|canal|debezium",
	    "whose messages these are; others are bad", from_words },
	{ 0, "types", OPT_TEXT, AT(types_file), "FILE",
	    "columns' types, one {db,table,column,type,key} a line" },
	CDC_OPT_TABLE(AT(table)),
	{ 0, "meta", OPT_TEXT, AT(meta), "NAME",
	    "{topic,partition,offset,key} stands there; it gives the order" },
	{ 0, "epoch", OPT_COUNT, AT(epoch), "N",
	    "stands first in ord; raise it when the source's places begin anew" },
	{ 0, "minimal", OPT_FLAG, AT(minimal), NULL,
	    "rows of updates hold no more than key and changes" },
	{ 0, "on-drift", OPT_CHOICE, AT(on_drift), "said|warn|fail|cast",
	    "columns that change their type: tell what messages declare (default), or all; stop; make values fit",
	    drift_words },
	{ 0, "events", OPT_TEXT, AT(events_file), "FILE", "append an event for each new column and changed type" },
	{ 0, "unknown-to", OPT_TEXT, AT(unknown), "FILE", "messages of types not known when this was written" },
	{ 0, "decimals", OPT_CHOICE, AT(decimals), "ask|string|base64",
	    "how Debezium without schema writes decimals", decimal_words },
	{ 0 }
};

static int
set_up(struct ctx *c, void *arg)
{
	static const enum on_drift policy[] = { DRIFT_WARN, DRIFT_WARN, DRIFT_FAIL, DRIFT_CAST };
	struct state *st = arg;
	int rc;

	if (st->epoch > UINT64_C(9999999999))
		return ctx_usage(c, "--epoch: at most 10 digits");
	/* what a column is known as must not depend on where a job began anew */
	if (ctx_in_job(c) && st->types_file == NULL && policy[st->on_drift] != DRIFT_WARN)
		return ctx_usage(c, "--on-drift %s: in a barrier job it needs --types", drift_words[st->on_drift]);
	if (st->types_file != NULL && (rc = feed_types_read(c, st->types_file, &st->types)) != 0)
		return rc;
	for (int f = 0; f < CDC_FIELDS; f++)
		st->map[f] = ctx_col(c, span_str(cdc_field[f]), "a member");
	st->meta_col = -1;
	if (st->meta != NULL && (st->meta_col = ctx_col(c, span_str(st->meta), "--meta")) == -1)
		return EXIT_USAGE;
	if (st->unknown != NULL && (st->unknown_out = side_open(c, "--unknown-to", st->unknown)) == -1)
		return EXIT_IO;
	if ((rc = feed_events_open(&st->events, c, st->events_file, policy[st->on_drift])) != 0)
		return rc;
	st->tell = &st->events;
	st->cdc = cdc_new(&(struct cdc_conf){ .from = (enum cdc_from)st->from,
	    .minimal = st->minimal, .epoch = st->epoch, .on_drift = policy[st->on_drift], .values = st->on_drift > 0,
	    .decimals = (enum cdc_decimals)st->decimals, .table = st->table, .zone = ctx_zone(c),
	    .types = st->types, .placed = ctx_in_job(c) });
	cdc_listen(st->cdc, feed_events_drift, st->tell);
	return 0;
}

static int
turn(void *arg)
{
	return ctx_turn(arg);
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct buf *left = ctx_left(c);
	struct state *st = arg;
	int rc = 0;

	if (left != NULL && left->n == 0)
		cdc_block(st->cdc, turn, c);
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		struct val meta = { 0 };
		enum cdc_what what;
		size_t n;

		if (st->meta_col != -1)
			meta = b->col[st->meta_col][i];
		what = cdc_take(st->cdc, b, i, st->map, meta);
		if (what == CDC_BAD && cdc_stops(st->cdc))
			return EXIT_INPUT;		/* said when it was found */
		if (what == CDC_BAD) {
			batch_reject(b, i, cdc_why(st->cdc));
			continue;
		}
		if (what != CDC_CHANGES) {
			b->fate[i] = F_DROP;
			st->dropped[what]++;
			if (what == CDC_UNKNOWN && st->unknown != NULL)
				rc = ctx_side(c, st->unknown_out, b->line[i]);
			continue;
		}
		n = cdc_lines(st->cdc);
		for (size_t k = 0; k + 1 < n && rc == 0; k++) {
			buf_span_add(ctx_made_begin(c, b, i), cdc_line(st->cdc, k));
			rc = ctx_made_end(c);
		}
		if (rc == 0) {
			buf_span_add(ctx_pass_begin(c, b, i), cdc_line(st->cdc, n - 1));
			rc = ctx_pass_end(c);
		}
	}
	if (left == NULL && cdc_bound(st->cdc)) {
		ctx_serial(c);
	} else if (left != NULL) {
		buf_clear(left);
		cdc_left(st->cdc, left);
	}
	return rc;
}

static int
past(struct ctx *c, void *arg, struct span left)
{
	struct state *st = arg;

	(void)c;
	cdc_past(st->cdc, left);
	return 0;
}

static int
thread(struct ctx *c, void *arg, const void *first)
{
	struct state *st = arg;

	(void)c;
	*st = *(const struct state *)first;
	memset(st->dropped, 0, sizeof st->dropped);
	st->cdc = cdc_more(st->cdc);
	cdc_listen(st->cdc, feed_events_drift, st->tell);
	return 0;
}

static void
add_counts(struct state *st, const struct cdc_counts *n)
{
	st->counts.new_columns += n->new_columns;
	st->counts.type_changes += n->type_changes;
	st->counts.cast += n->cast;
}

static int
join(struct ctx *c, void *arg, void *thread_arg)
{
	struct state *st = arg, *of = thread_arg;

	(void)c;
	for (int i = 0; i < CDC_BAD; i++)
		st->dropped[i] += of->dropped[i];
	add_counts(st, cdc_counts(of->cdc));
	cdc_free(of->cdc);
	return 0;
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;
	uint64_t breaks = cdc_order_breaks(st->cdc), unordered = cdc_unordered(st->cdc);

	add_counts(st, cdc_counts(st->cdc));
	ctx_note(c, "marks", st->dropped[CDC_MARK]);
	ctx_note(c, "heartbeats", st->dropped[CDC_HEARTBEAT]);
	ctx_note(c, "tombstones", st->dropped[CDC_TOMBSTONE]);
	ctx_note(c, "other_tables", st->dropped[CDC_OTHER]);
	ctx_note(c, "unknown_types", st->dropped[CDC_UNKNOWN]);
	ctx_note(c, "unordered", unordered);
	ctx_note(c, "order_breaks", breaks);
	ctx_note(c, "new_columns", st->counts.new_columns);
	ctx_note(c, "type_changes", st->counts.type_changes);
	ctx_note(c, "cast", st->counts.cast);
	if (unordered > 0)
		feed_events_count(&st->events, "cdc.order", "unordered", unordered,
		    "changes that have no order but that of their arrival");
	if (breaks > 0)
		feed_events_count(&st->events, "cdc.order", "order_breaks", breaks,
		    "another source numbered the changes: their order may not hold");
	if (breaks > 0)
		err_warn("another source numbered the changes %llu times: their order may not "
		    "hold; give --meta, or --epoch from there on", (unsigned long long)breaks);
	if (st->dropped[CDC_UNKNOWN] > 0)
		err_warn("%llu messages of a type that is not known%s%s",
		    (unsigned long long)st->dropped[CDC_UNKNOWN], st->unknown == NULL ? "" : ": they are in ",
		    st->unknown == NULL ? "" : st->unknown);
	return 0;
}

static int
finish(struct ctx *c, void *arg, int status)
{
	struct state *st = arg;

	(void)c;
	return feed_events_close(&st->events, status);
}

static const struct command cmd = {
	.name = "cdc-norm",
	    .what = "change feeds of Maxwell, Canal and Debezium to one row change a line",
	.synopsis =
	    "[--from auto|maxwell|canal|debezium] [--types FILE] [--table TABLE] [--meta NAME]\n"
	    "       [--epoch N] [--on-drift said|warn|fail|cast] [--events FILE] [--unknown-to FILE] [--minimal]\n"
	    "       [--decimals ask|string|base64] [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .par = PAR_STATELESS, .is = CMD_NULLS | CMD_EPOCHS,
	.set_up = set_up, .batch = batch, .thread = thread, .join = join, .past = past, .end = end, .finish = finish,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
