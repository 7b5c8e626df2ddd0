/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shard - N copies of a filter beside each other, each record to the copy that its key is for
 *
 * Path:   files or stdin -> in/scan -> op/key -> run/children: pipes to N processes and back -> whole lines -> stdout
 * Memory: at most -S / 4 for what waits for slow copies, and what --ordered holds; the copies have their own.
 * The hash has a fixed seed: a key goes to the same copy in each run, as long as N is the same.  In a barrier job the
 * copies are stages that answer each control line; with --stateless they know of none and live for an epoch.
 */
#include "op/key.h"
#include "out/event.h"
#include "run/children.h"
#include "run/sides.h"

#define HOT_SLOTS 64			/* a power of two */
#define HOT_RECORDS_MIN 1000		/* before that nothing is hot */
#define HOT_KEY_BYTES 200
#define PIECE_RECORDS 256		/* of an epoch without keys, to each copy by turns */

struct slot {				/* the key that most records of its slot have, if most have one */
	uint64_t hash, votes, seen;	/* seen: since it stands here */
	struct buf key;
};

struct state {
	uint64_t n;
	const char *keys, *result, *stalled;
	bool stateless, ordered;
	struct col_list key;
	struct keys hashed;
	struct children *children;
	uint64_t *records;		/* [n] */
	uint64_t turn;			/* in a barrier job the records of this epoch */
	int result_out;
	struct slot slot[HOT_SLOTS];
};

static const struct opt opts[] = {
	{ 'n', "copies", OPT_COUNT, offsetof(struct state, n), "N", "how many copies of COMMAND" },
	{ 'k', "key", OPT_TEXT, offsetof(struct state, keys), "PATHS",
	    "records with the same key go to the same copy" },
	{ 0, "stateless", OPT_FLAG, offsetof(struct state, stateless), NULL, "any record may go to any copy" },
	{ 0, "ordered", OPT_FLAG, offsetof(struct state, ordered), NULL,
	    "all lines of the first copy, then of the second, ..." },
	{ 0, "result", OPT_TEXT, offsetof(struct state, result), "FILE",
	    "write an event to FILE where one key has too many records" },
	{ 0, "stalled", OPT_TEXT, offsetof(struct state, stalled), "DUR",
	    "in a barrier job: how long a control line may be away while nothing moves (50s)" },
	{ 0 }
};

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	char *const *command = ctx_command(c);
	struct buf name = { 0 };
	int rc = 0;

	if (st->n == 0 || st->n > CHILDREN_MAX)
		return ctx_usage(c, "-n is required, from 1 to %d", CHILDREN_MAX);
	if (command[0] == NULL)
		return ctx_usage(c, "-- COMMAND is required");
	for (char *const *w = command; ctx_in_job(c) && *w != NULL; w++)
		if (strcmp(*w, "--job") == 0)
			return ctx_usage(c, "a sink of the job cannot be copied: each would shut out the others");
	if ((st->keys != NULL) == st->stateless)
		return ctx_usage(c, "-k or --stateless is required, not both");
	if (st->keys != NULL && (rc = ctx_cols(c, st->keys, "-k", &st->key)) != 0)
		return rc;
	if (st->result != NULL && (st->result_out = side_open(c, "--result", st->result)) == -1)
		return EXIT_USAGE;
	st->records = mem_new(mem_mul(st->n, sizeof *st->records));
	st->children = children_new(c, st->n, st->ordered);
	if (st->stateless)
		children_anew(st->children);
	rc = children_stalled(st->children, st->stalled);
	for (size_t i = 0; i < st->n && rc == 0; i++) {
		buf_clear(&name);
		buf_fmt(&name, "copy %zu of %zu: %.100s", i + 1, (size_t)st->n, command[0]);
		rc = children_start(st->children, i, command, buf_cstr(&name));
	}
	buf_free(&name);
	return rc == 0 ? children_run(st->children) : rc;
}

/* ---- which key is hot: Boyer and Moore's majority vote, one for each part of the keys ---- */

static void
vote(struct state *st, uint64_t hash, struct span key)
{
	struct slot *s = &st->slot[hash & (HOT_SLOTS - 1)];

	if (s->hash == hash && s->votes > 0) {
		s->votes++;
		s->seen++;
	} else if (s->votes > 0) {
		s->votes--;
	} else {
		s->hash = hash;
		s->votes = s->seen = 1;
		buf_clear(&s->key);
		buf_add(&s->key, key.p, key.n < HOT_KEY_BYTES ? key.n : HOT_KEY_BYTES);
	}
}

/* A key is hot when its copy has twice its share of the records, and the key alone has more than that share. */
static int
tell_hot(struct ctx *c, struct state *st)
{
	const struct slot *hot = &st->slot[0];
	uint64_t all = 0, most = 0;
	struct event e = { .event = "shard.hot", .severity = EVENT_WARN, .run = ctx_run_id(c), .counted = true };
	struct buf text = { 0 }, value = { 0 }, line = { 0 };
	int rc = 0;

	for (size_t i = 0; i < st->n; i++) {
		all += st->records[i];
		most = st->records[i] > most ? st->records[i] : most;
	}
	for (size_t i = 1; i < HOT_SLOTS; i++)
		hot = st->slot[i].seen > hot->seen ? &st->slot[i] : hot;
	ctx_note(c, "copies", st->n);
	ctx_note(c, "largest", most);
	ctx_note(c, "hot_records", hot->seen);
	if (st->n > 1 && all >= HOT_RECORDS_MIN && most > 2 * (all / st->n) && hot->seen > all / st->n) {
		buf_fmt(&text, "%llu of %llu records have the key ", (unsigned long long)hot->seen,
		    (unsigned long long)all);
		buf_span_add(&text, buf_span(&hot->key));
		buf_fmt(&text, ": the largest of %llu copies has %llu", (unsigned long long)st->n,
		    (unsigned long long)most);
		err_warn("%s", buf_cstr(&text));
		buf_u64(&value, hot->seen);
		e.name = buf_span(&hot->key);
		e.value = buf_span(&value);
		e.rows = all;
		e.bad = most;
		e.text = buf_span(&text);
		event_json(&line, &e);
		if (st->result != NULL)
			rc = ctx_side(c, st->result_out, buf_span(&line));
	}
	buf_free(&text);
	buf_free(&value);
	buf_free(&line);
	return rc;
}

/* ---- records ---- */

/* The copy for the next records of any key: by turns, and with --ordered whatever waits for it. */
static size_t
any_copy(struct state *st)
{
	size_t best = (size_t)(st->turn++ % st->n), least;

	if (st->ordered)
		return best;
	least = children_waiting(st->children, best);
	for (size_t i = 0; i < st->n && least > 0; i++) {
		size_t n = children_waiting(st->children, i);

		if (n < least) {
			least = n;
			best = i;
		}
	}
	return best;
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	bool repeatable = st->stateless && ctx_in_job(c);
	size_t to = st->stateless && !repeatable ? any_copy(st) : 0;

	if (!st->stateless)
		keys_batch(&st->hashed, b, st->key.col, st->key.n, ctx_key_as(c), KEYS_NULL_IS);
	for (size_t i = 0; i < b->n; i++) {
		if (b->fate[i] != F_PASS)
			continue;
		if (!st->stateless) {
			struct span key = keys_at(&st->hashed, i);
			uint64_t hash = hash_fixed(key);

			to = (size_t)((hash >> 32) * st->n >> 32);
			vote(st, hash, key);
		} else if (repeatable) {
			to = (size_t)(st->turn++ / PIECE_RECORDS % st->n);
		}
		st->records[to]++;
		b->fate[i] = children_put(st->children, to, b->line[i]) ? F_USED : F_DROP;
	}
	return children_turn(st->children);
}

static int
relay(struct ctx *c, void *arg, const struct mark *m)
{
	struct state *st = arg;

	(void)c;
	st->turn = 0;
	return children_mark(st->children, m);
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;
	uint64_t unread;
	int rc = children_end(st->children, sides_one(c), &unread), r;

	ctx_recount(c, unread, F_USED, F_DROP);
	r = tell_hot(c, st);
	return rc != 0 ? rc : r;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "shard", .what = "copies of a filter, records routed by key",
	    .synopsis = "-n N (-k PATHS | --stateless) [--ordered] [--result FILE] [--stalled DUR] [FILE ...] "
	    "-- COMMAND [ARG ...]", .opts = opts, .state_bytes = sizeof(struct state), .is = CMD_COMMAND | CMD_EPOCHS,
	    .par = PAR_SERIAL, .set_up = set_up, .batch = batch, .relay = relay, .main = work };

	return run_main(argc, argv, &cmd);
}
