/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cdc-norm - any change feed to one row change a line, in one form, with an order that sorts
 *
 * Path:   stdin -> in/scan (members of the message) -> cdc (kind, types, key, ord) -> stdout
 * Memory: one message and its lines; the types of --types; at most 4,096 schemas that messages brought.
 * Threads take blocks in any order, as long as no message needs what came before it (cdc/cdc.h): most name their place.
 * A message is passed with other bytes; further rows of it are made.  What is no change is dropped and counted.
 */
#include "cdc/cdc.h"
#include "run/run.h"

struct state {
	const char *types_file, *table, *meta;
	int from, decimals;
	bool minimal;
	uint64_t epoch;
	struct types *types;
	struct cdc *cdc;
	int map[CDC_FIELDS], meta_col;
	uint64_t dropped[CDC_BAD];
	struct buf text[4];		/* names of one line of --types */
};

static const char *const from_words[] = { "auto", "maxwell", "canal", "debezium", NULL };
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
	{ 0, "decimals", OPT_CHOICE, AT(decimals), "ask|string|base64",
	    "how Debezium without schema writes decimals", decimal_words },
	{ 0 }
};

enum { TYPES_DB, TYPES_TABLE, TYPES_COLUMN, TYPES_TYPE, TYPES_KEY };

/* Lines of --types. */
static int
add_types(void *arg, const struct batch *b)
{
	struct state *st = arg;

	for (size_t i = 0; i < b->n; i++) {
		struct val key = b->col[TYPES_KEY][i];
		struct span s[4];
		uint64_t place = 0;
		const char *why = NULL;

		for (int k = TYPES_DB; k <= TYPES_TYPE; k++) {
			struct val v = b->col[k][i];

			if (v.tag != T_STR && (k != TYPES_DB || !val_is_null(v)))
				why = "table, column and type must be texts";
			else
				s[k] = v.tag == T_STR ? val_text(v, &st->text[k]) : span_of("", 0);
		}
		if (!val_is_null(key) && (key.tag != T_NUM || key.raw.n > 2))
			why = "key is neither null nor a place from 1 to 64";
		for (size_t k = 0; why == NULL && key.tag == T_NUM && k < key.raw.n; k++) {
			if (key.raw.p[k] < '0' || key.raw.p[k] > '9')
				why = "key is neither null nor a place from 1 to 64";
			place = place * 10 + (uint64_t)(key.raw.p[k] - '0');
		}
		if (why == NULL)
			why = types_add(st->types, s[TYPES_DB], s[TYPES_TABLE], s[TYPES_COLUMN],
			    s[TYPES_TYPE], place);
		if (why != NULL)
			batch_reject(b, i, why);
	}
	return 0;
}

static int
read_types(struct ctx *c, struct state *st)
{
	static const char *const name[] = { "db", "table", "column", "type", "key" };
	struct pathset *ps = pathset_new();
	char err[MESSAGE_BYTES_MAX];
	int rc;

	for (size_t k = 0; k < sizeof name / sizeof name[0]; k++)
		pathset_add(ps, span_str(name[k]), err, sizeof err);
	st->types = types_new();
	rc = ctx_read(c, st->types_file, ps, add_types, st);
	pathset_free(ps);
	return rc;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc;

	if (st->epoch > UINT64_C(9999999999))
		return ctx_usage(c, "--epoch: at most 10 digits");
	if (st->types_file != NULL && (rc = read_types(c, st)) != 0)
		return rc;
	for (int f = 0; f < CDC_FIELDS; f++)
		st->map[f] = ctx_col(c, span_str(cdc_field[f]), "a member");
	st->meta_col = -1;
	if (st->meta != NULL && (st->meta_col = ctx_col(c, span_str(st->meta), "--meta")) == -1)
		return EXIT_USAGE;
	st->cdc = cdc_new(&(struct cdc_conf){ .from = (enum cdc_from)st->from,
	    .minimal = st->minimal, .epoch = st->epoch,
	    .decimals = (enum cdc_decimals)st->decimals, .table = st->table, .zone = ctx_zone(c),
	    .types = st->types });
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
		if (what == CDC_BAD) {
			batch_reject(b, i, cdc_why(st->cdc));
			continue;
		}
		if (what != CDC_CHANGES) {
			b->fate[i] = F_DROP;
			st->dropped[what]++;
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
	memset(st->text, 0, sizeof st->text);
	st->cdc = cdc_more(st->cdc);
	return 0;
}

static int
join(struct ctx *c, void *arg, void *thread_arg)
{
	struct state *st = arg, *of = thread_arg;

	(void)c;
	for (int i = 0; i < CDC_BAD; i++)
		st->dropped[i] += of->dropped[i];
	cdc_free(of->cdc);
	return 0;
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;
	uint64_t breaks = cdc_order_breaks(st->cdc);

	ctx_note(c, "marks", st->dropped[CDC_MARK]);
	ctx_note(c, "heartbeats", st->dropped[CDC_HEARTBEAT]);
	ctx_note(c, "tombstones", st->dropped[CDC_TOMBSTONE]);
	ctx_note(c, "other_tables", st->dropped[CDC_OTHER]);
	ctx_note(c, "unordered", cdc_unordered(st->cdc));
	ctx_note(c, "order_breaks", breaks);
	if (breaks > 0)
		err_warn("another source numbered the changes %llu times: their order may not "
		    "hold; give --meta, or --epoch from there on", (unsigned long long)breaks);
	return 0;
}

static const struct command cmd = {
	.name = "cdc-norm",
	    .what = "change feeds of Maxwell, Canal and Debezium to one row change a line",
	.synopsis =
	    "[--from auto|maxwell|canal|debezium] [--types FILE] [--table TABLE] [--meta NAME]\n"
	    "       [--epoch N] [--minimal] [--decimals ask|string|base64] [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .par = PAR_STATELESS, .is = CMD_NULLS,
	.set_up = set_up, .batch = batch, .thread = thread, .join = join, .past = past, .end = end,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
