/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ingest - Kafka topics or growing logs to a table or the standard output, each record once
 *
 * Path:   files -> run/sources (from where the table's log knows them) -> run/tail -> run/dest -> store, with the
 *         files' new positions in the same commit; topics -> edge/kafka -> run/topics -> run/dest the same way
 * Memory: files: a block of input; topics: a commit's messages (64 MiB) and librdkafka's queue (128 MiB); both: 24
 *         open files of about 4 MiB each.
 */
#include <time.h>

#include "run/dest.h"
#include "run/run.h"
#include "run/sources.h"
#include "run/topics.h"

#define COMMIT_BYTES (64 * MIB)		/* of input, then it is committed */
#define EVERY_MS 10000			/* between commits of what goes on */

struct state {
	const char *pattern, *until, *every, *max_lag;	/* options */
	struct dest_conf to;
	struct topics_conf kafka;
	bool lag;
	int cut;
	uint64_t most;
	struct dest dest;
	struct sources from;
	struct topics *topics;
	bool more;			/* the round ended before its inputs did */
};

static const char *const cut_words[] = { "fail", "new", NULL };

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 'b', "brokers", OPT_TEXT, AT(kafka.brokers), "HOST[:PORT],...", "Kafka brokers to ask for the others" },
	{ 't', "topics", OPT_TEXT, AT(kafka.topics), "TOPIC,...", "with -b: the topics to read" },
	{ 'G', "group", OPT_TEXT, AT(kafka.group), "GROUP",
	    "share the partitions with others of this group (all are read)" },
	{ 'f', "files", OPT_TEXT, AT(pattern), "GLOB", "files that grow and rotate; go on until told to stop" },
	{ 'd', "dest", OPT_TEXT, AT(to.table), "TABLE", "append to TABLE, each record once (standard output)" },
	{ 0, "route", OPT_TEXT, AT(to.route), "FILE", "append to several tables, as the lines of FILE say" },
	{ 0, "job", OPT_TEXT, AT(to.job), "NAME", "with --route: the job whose log has the positions (FILE's name)" },
	{ 0, "partition-by", OPT_TEXT, AT(to.by), "EXPR",
	    "each row goes to the day of EXPR: PATH[:s|ms|us] or an expression (the table's day)" },
	{ 0, "meta", OPT_TEXT, AT(kafka.meta), "NAME", "{topic, partition, offset, key} goes into the record as NAME" },
	{ 0, "from", OPT_TEXT, AT(kafka.from), "POINT",
	    "where to begin what the table does not know: beginning, end, TIME, P:OFFSET,..." },
	{ 0, "until", OPT_TEXT, AT(until), "POINT", "stop there: end (of what is there now), TIME, P:OFFSET,..." },
	{ 0, "every", OPT_TEXT, AT(every), "DUR", "commit that often (10s)" },
	{ 0, "lag", OPT_FLAG, AT(lag), NULL, "read nothing: an event a partition, how far behind it is" },
	{ 0, "max-lag", OPT_TEXT, AT(max_lag), "N", "with --lag: more than N records behind is a fail" },
	{ 0, "lost-ok", OPT_FLAG, AT(kafka.lost_ok), NULL, "pass over records that the brokers have deleted unread" },
	{ 0, "properties", OPT_TEXT, AT(kafka.properties), "FILE",
	    "librdkafka's settings: TLS, SASL, passwords (mode 600)" },
	{ 0, "insecure", OPT_FLAG, AT(kafka.insecure), NULL, "no TLS to brokers of other machines" },
	{ 0, "cut", OPT_CHOICE, AT(cut), "fail|new",
	    "a file that lost bytes already read: fail, or read it anew", cut_words },
	{ 0 }
};

/* Does a table, or a job, remember how far it got? */
static bool
stored(const struct state *st)
{
	return st->to.table != NULL || st->to.route != NULL;
}

/* Which options belong together. */
static int
check_words(struct ctx *c, struct state *st)
{
	const char *const *files;
	const struct topics_conf *k = &st->kafka;
	bool kafka = k->brokers != NULL;

	if (kafka != (k->topics != NULL))
		return ctx_usage(c, "-b BROKERS and -t TOPIC,... go together");
	if ((st->pattern != NULL) + kafka + (ctx_files(c, &files) > 0) > 1)
		return ctx_usage(c, "-b, -f and FILE exclude each other");
	if (!kafka && (k->group != NULL || k->meta != NULL || k->from != NULL || k->properties != NULL || st->lag ||
	    k->lost_ok || k->insecure))
		return ctx_usage(c, "-G, --meta, --from, --lag, --lost-ok, --properties and --insecure need -b");
	if (!kafka && st->until != NULL && (strcmp(st->until, "end") != 0 || st->pattern == NULL))
		return ctx_usage(c, "--until: without -b only `end`, and only with -f");
	if (st->to.table != NULL && st->to.route != NULL)
		return ctx_usage(c, "-d and --route exclude each other");
	if (st->to.job != NULL && st->to.route == NULL)
		return ctx_usage(c, "--job goes with --route");
	if (st->to.route != NULL && ctx_run_dir(c) != NULL)
		return ctx_usage(c, "--route commits by itself: not in a run");
	if (!stored(st) && (st->lag || k->group != NULL))
		return ctx_usage(c, "%s needs -d: the table knows the offsets", st->lag ? "--lag" : "-G");
	if (!stored(st) && st->pattern != NULL && st->until == NULL)
		return ctx_usage(c, "-f without -d needs --until end");
	if (st->max_lag != NULL && (!st->lag || !opt_count(st->max_lag, &st->most)))
		return ctx_usage(c, "--max-lag: a number of records, with --lag");
	if (ctx_run_dir(c) != NULL && (kafka || st->pattern != NULL) && st->until == NULL && !st->lag)
		return ctx_usage(c, "in a run -f and -b need --until");
	return 0;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct topics_conf *k = &st->kafka;
	struct dur every;
	int rc;

	if ((rc = check_words(c, st)) != 0)
		return rc;
	k->every_ms = EVERY_MS;
	if (st->every != NULL) {
		if ((rc = ctx_dur(c, st->every, "--every", &every)) != 0)
			return rc;
		if (every.us < 1000)
			return ctx_usage(c, "--every: an exact duration of 1ms or more");
		k->every_ms = (uint64_t)every.us / 1000;
	}
	/* how far behind a table is, whatever its rows are made of */
	if (st->lag && st->to.by == NULL)
		st->to.by = "t";
	if ((rc = dest_open(&st->dest, c, &st->to)) != 0)
		return rc;
	k->until = st->until;
	k->bytes = COMMIT_BYTES;
	if (st->lag)
		k->group = NULL;
	return k->brokers == NULL ? 0 : topics_set_up(k, c, &st->dest, &st->topics);
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;

	(void)c;
	return st->topics != NULL ? topics_batch(st->topics, b) : dest_put(&st->dest, b, NULL);
}

/* Read all files from their spots; the rows go to one commit, with the new positions. */
static int
feed_all(struct ctx *c, struct state *st)
{
	/* a run has one commit: its positions are not in the log before it is published */
	bool rounds = stored(st) && ctx_run_dir(c) == NULL;
	uint64_t taken = 0;
	char to[SPOT_BYTES];
	int rc = 0;

	st->more = false;
	for (size_t i = 0; rc == 0 && i < st->from.n && !ctx_stopped(c); i++) {
		struct input *x = &st->from.in[i];
		uint64_t from = x->tail.offset;
		bool known = stored(st) && x->fd > 0;

		if (rounds && x->fd > 0) {
			st->more = taken >= COMMIT_BYTES;
			if (st->more)
				break;
			x->tail.most = COMMIT_BYTES - taken;
		}
		if ((rc = dest_source(&st->dest, known ? x->spot.app : NULL)) != 0 ||
		    (rc = tail_feed(c, &x->tail)) != 0)
			break;
		taken += x->tail.offset - from;
		st->more = !x->tail.ended;
		if (x->tail.left > 0 && (st->pattern == NULL || st->until != NULL))
			err_warn("%s:%llu: the last line is not whole: left for the next time", x->path,
			    (unsigned long long)x->tail.line + 1);
		if (known && x->tail.offset > from &&
		    (rc = spot_to(&x->spot, x->fd, x->path, x->tail.offset, x->tail.line, to)) == 0)
			dest_moved(&st->dest, x->spot.app, x->spot.from, to, x->epoch);
	}
	return rc;
}

/* One commit's worth. */
static int
round_once(struct ctx *c, struct state *st)
{
	struct sources *from = &st->from;
	struct table *t = st->dest.table;
	int rc;

	st->more = false;
	if ((rc = sources_open(from, c, st->pattern, t != NULL)) != 0 || t == NULL)
		return rc != 0 ? rc : dest_end(&st->dest, feed_all(c, st));
	/* found, fenced, and found again: behind the fence no position moves */
	if ((rc = dest_follow(&st->dest)) != 0 || (rc = sources_find(from, t)) != 0 || from->n == 0 ||
	    (rc = sources_fence(from, t)) != 0 || (rc = dest_fenced(&st->dest)) != 0 ||
	    (rc = sources_find(from, t)) != 0 || from->n == 0 || (rc = dest_begin(&st->dest)) != 0)
		return rc;
	return dest_end(&st->dest, feed_all(c, st));
}

static int
follow_files(struct ctx *c, struct state *st)
{
	bool on = st->pattern != NULL && st->until == NULL;
	time_t s = (time_t)(st->kafka.every_ms / 1000);
	long ns = (long)(st->kafka.every_ms % 1000) * 1000000;
	int rc;

	st->from.keep = on;
	st->from.cut_new = st->cut == 1;
	do {
		rc = round_once(c, st);
		sources_close(&st->from);
		if (rc == 0 && st->from.cut > 0)
			rc = EXIT_INPUT;	/* said; the others were read */
		if (rc == 0 && on && !st->more && !ctx_stopped(c))
			nanosleep(&(struct timespec){ s, ns }, NULL);
	} while (rc == 0 && (on || st->more) && !ctx_stopped(c));
	sources_free(&st->from);
	/* what was read is committed, the rest is where it was: for a log that goes on that is its end */
	return rc == 0 && ctx_stopped(c) && !on ? err_temp("stopped by a signal") : rc;
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc;

	if (st->topics == NULL)
		rc = follow_files(c, st);
	else if ((rc = topics_open(st->topics)) == 0)
		rc = st->lag ? topics_lag(st->topics, st->max_lag == NULL ? NULL : &st->most) : topics_work(st->topics);
	if (st->topics != NULL && st->until != NULL && rc == 0 && ctx_stopped(c))
		rc = err_temp("stopped by a signal");
	topics_close(st->topics);
	dest_close(&st->dest);
	return rc;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "ingest",
	    .what = "Kafka topics or growing logs to a table, each record once",
	    .synopsis = "(-b BROKERS -t TOPIC,... [-G GROUP] | -f GLOB | FILE ...) [-d TABLE | --route FILE]\n"
	    "       [--partition-by EXPR] [--meta NAME] [--from POINT] [--until POINT] [--every DUR] [--lag]",
	    .opts = opts, .state_bytes = sizeof(struct state), .is = CMD_NO_INPUT | CMD_EFFECT, .par = PAR_SERIAL,
	    .set_up = set_up, .batch = batch, .main = work };

	return run_main(argc, argv, &cmd);
}
