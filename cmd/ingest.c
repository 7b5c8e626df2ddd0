/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ingest - Kafka topics or growing logs to a table or the standard output, each record once
 *
 * Path:   files -> run/logs (from where the table's log knows them) -> run/tail -> run/dest -> store, with the
 *         files' new positions in the same commit; topics -> edge/kafka -> run/topics -> run/dest the same way;
 *         --barriers: both -> run/gathered -> run/planned (a plan of each epoch) -> the standard output
 * Memory: files: a block of input; topics: a commit's messages (64 MiB), librdkafka's queue (48 MiB) and 4 frames
 *         that a thread compresses; both: 24 open files of about 4 MiB each; --barriers: of topics and
 *         compressed files an epoch's records (16 and 32 MiB), instead of the files.
 */
#include <stdlib.h>

#include "run/job_dir.h"
#include "run/logs.h"
#include "run/topics.h"

#define COMMIT_BYTES (64 * MIB)		/* of input, then it is committed */
#define BULK_BYTES (256 * MIB)		/* the same of topics whose messages are written as they come */
#define EVERY_MS 10000			/* between commits of what goes on */
#define FOLD_FILES 64			/* small ones of a day */

struct state {
	const char *until, *every, *max_lag, *barriers, *instance, *fold;	/* options */
	struct dest_conf to;
	struct topics_conf kafka;
	bool lag;
	int cut;
	uint64_t most;
	struct gathered held;
	struct planned_conf job;
	uint32_t i, n;			/* --instance */
	struct dest dest;
	struct logs logs;
	struct meter meter;
	struct topics *topics;
};

static const char *const cut_words[] = { "fail", "new", NULL };
static const char *const null_words[] = { "skip", "keep", "reject", NULL };

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 'b', "brokers", OPT_TEXT, AT(kafka.brokers), "HOST[:PORT],...", "Kafka brokers to ask for the others" },
	{ 't', "topics", OPT_TEXT, AT(kafka.topics), "TOPIC,...", "with -b: the topics to read" },
	{ 'G', "group", OPT_TEXT, AT(kafka.group), "GROUP",
	    "share the partitions with others of this group (all are read)" },
	{ 'f', "files", OPT_TEXT, AT(logs.pattern), "GLOB", "files that grow and rotate; go on until told to stop" },
	{ 'd', "dest", OPT_TEXT, AT(to.table), "TABLE", "append to TABLE, each record once (standard output)" },
	{ 0, "route", OPT_TEXT, AT(to.route), "FILE", "append to several tables, as the lines of FILE say" },
	{ 0, "job", OPT_TEXT, AT(to.job), "NAME", "with --route: the job whose log has the positions (FILE's name)" },
	{ 0, "partition-by", OPT_TEXT, AT(to.by), "EXPR",
	    "each row goes to the day of EXPR: PATH[:s|ms|us] or an expression (the table's day)" },
	{ 0, "meta", OPT_TEXT, AT(kafka.meta), "NAME", "{topic, partition, offset, key} goes into the record as NAME" },
	{ 0, "null", OPT_CHOICE, AT(kafka.nulls), "skip|keep|reject",
	    "a message without a value is counted; a record {}, with --meta; a reject", null_words },
	{ 0, "from", OPT_TEXT, AT(kafka.from), "POINT",
	    "where to begin what the table does not know: beginning, end, TIME, P:OFFSET,..." },
	{ 0, "until", OPT_TEXT, AT(until), "POINT", "stop there: end (of what is there now), TIME, P:OFFSET,..." },
	{ 0, "every", OPT_TEXT, AT(every), "DUR", "commit that often (10s)" },
	{ 0, "compact", OPT_TEXT, AT(fold), "N",
	    "put small files of a day together when there are more than N (64; 0: never)" },
	{ 0, "lag", OPT_FLAG, AT(lag), NULL, "read nothing: an event a partition, how far behind it is" },
	{ 0, "max-lag", OPT_TEXT, AT(max_lag), "N", "with --lag: more than N records behind is a fail" },
	{ 0, "metrics", OPT_TEXT, AT(meter.path), "FILE", "rate, lag and last commit, for Prometheus" },
	{ 0, "lost-ok", OPT_FLAG, AT(kafka.lost_ok), NULL, "pass over records that the brokers have deleted unread" },
	{ 0, "properties", OPT_TEXT, AT(kafka.properties), "FILE",
	    "librdkafka's settings: TLS, SASL, passwords (mode 600)" },
	{ 0, "insecure", OPT_FLAG, AT(kafka.insecure), NULL, "no TLS to brokers of other machines" },
	{ 0, "cut", OPT_CHOICE, AT(cut), "fail|new",
	    "a file that lost bytes already read: fail, or read it anew", cut_words },
	{ 0, "barriers", OPT_TEXT, AT(barriers), "DUR", "the source of a barrier job: an epoch each DUR" },
	{ 0, "event-time", OPT_TEXT, AT(held.event_time), "PATH[:s|ms|us]", "with --barriers: the time of a record" },
	{ 0, "late", OPT_TEXT, AT(held.water.late), "DUR", "with it: how far the watermark stays behind" },
	{ 0, "idle", OPT_TEXT, AT(held.water.idle), "DUR", "with it: who is silent so long does not hold it" },
	{ 0, "max-future", OPT_TEXT, AT(held.water.max_future), "DUR",
	    "with it: reject what is further ahead of the clock" },
	{ 0, "pin", OPT_TEXT, AT(job.pins), "TABLE,...", "with --barriers: tables and file:NAME that stages read" },
	{ 0, "instance", OPT_TEXT, AT(instance), "I/N", "with --barriers: only partitions p with p mod N = I" },
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
	if (st->logs.pattern != NULL && !kafka && ctx_files(c, &files) > 0)
		return ctx_usage(c, "-f is one pattern, and FILE not with it: quote the pattern, or the shell makes "
		    "files of it");
	if ((st->logs.pattern != NULL) + kafka + (ctx_files(c, &files) > 0) > 1)
		return ctx_usage(c, "-b, -f and FILE exclude each other");
	if (k->nulls == NULLS_KEEP && k->meta == NULL)
		return ctx_usage(c, "--null keep needs --meta: that is all there is of one");
	if (!kafka && (k->group != NULL || k->nulls != NULLS_SKIP || k->meta != NULL || k->from != NULL ||
	    k->properties != NULL || st->lag || k->lost_ok || k->insecure))
		return ctx_usage(c, "-G, --meta, --null, --from, --lag, --lost-ok, --properties and --insecure need "
		    "-b");
	if (!kafka && st->until != NULL && (strcmp(st->until, "end") != 0 || st->logs.pattern == NULL))
		return ctx_usage(c, "--until: without -b only `end`, and only with -f");
	if (st->to.table != NULL && st->to.route != NULL)
		return ctx_usage(c, "-d and --route exclude each other");
	if (st->to.job != NULL && st->to.route == NULL)
		return ctx_usage(c, "--job goes with --route");
	if (st->to.route != NULL && ctx_run_dir(c) != NULL)
		return ctx_usage(c, "--route commits by itself: not in a run");
	if (!stored(st) && (st->lag || k->group != NULL))
		return ctx_usage(c, "%s needs -d: the table knows the offsets", st->lag ? "--lag" : "-G");
	if (!stored(st) && st->logs.pattern != NULL && st->until == NULL && st->barriers == NULL)
		return ctx_usage(c, "-f without -d needs --until end");
	if (st->to.route != NULL && k->group != NULL)
		return ctx_usage(c, "-G: with -d only: the job of --route has one writer");
	if (st->meter.path != NULL && ((!stored(st) && st->barriers == NULL) || st->lag))
		return ctx_usage(c, "--metrics goes with -d, --route or --barriers, without --lag");
	if (st->max_lag != NULL && (!st->lag || !opt_count(st->max_lag, &st->most)))
		return ctx_usage(c, "--max-lag: a number of records, with --lag");
	if (ctx_run_dir(c) != NULL && (kafka || st->logs.pattern != NULL) && st->until == NULL && !st->lag)
		return ctx_usage(c, "in a run -f and -b need --until");
	return 0;
}

/* The source of a barrier job: what goes with it, what does not. */
static int
check_job(struct ctx *c, struct state *st)
{
	const char *slash = st->instance == NULL ? NULL : strchr(st->instance, '/');
	bool more = st->held.event_time != NULL || st->job.pins != NULL || st->instance != NULL;
	uint64_t i = 0, n = 1;

	if (st->barriers == NULL && (more || job_dir_is()))
		return ctx_usage(c, more ? "--event-time, --pin and --instance go with --barriers" :
		    "in a barrier job: --barriers");
	if (st->barriers == NULL)
		return 0;
	if (stored(st) || st->every != NULL || (st->kafka.brokers == NULL && st->logs.pattern == NULL))
		return ctx_usage(c, "--barriers: from -b or -f to the standard output, without -d, --route, --every");
	if (st->instance != NULL && (slash == NULL || st->kafka.brokers == NULL || !opt_count(slash + 1, &n) ||
	    strspn(st->instance, "0123456789") != (size_t)(slash - st->instance) || n == 0 || n > INT32_MAX ||
	    (i = strtoull(st->instance, NULL, 10)) >= n))
		return ctx_usage(c, "--instance: I/N with I from 0 to N - 1, with -b");
	st->i = (uint32_t)i;
	st->n = (uint32_t)n;
	st->job.ctx = c;
	return planned_every(c, st->barriers, &st->job.every_ms);
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct topics_conf *k = &st->kafka;
	struct dur every;
	int rc;

	if ((rc = check_job(c, st)) != 0 || (rc = check_words(c, st)) != 0 || (rc = gathered_set_up(&st->held, c)) != 0)
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
	st->to.fold = FOLD_FILES;
	if (st->fold != NULL && (!stored(st) || !opt_count(st->fold, &st->to.fold) || st->to.fold == 1))
		return ctx_usage(c, "--compact: a number of files, 2 or more or 0, with -d or --route");
	if ((rc = dest_open(&st->dest, c, &st->to)) != 0)
		return rc;
	st->dest.apart = k->brokers != NULL;
	if (stored(st))
		meter_begin(&st->meter, c, st->dest.name);
	k->meter = &st->meter;
	k->until = st->until;
	k->bytes = COMMIT_BYTES;
	k->bulk_bytes = BULK_BYTES;
	st->logs = (struct logs){ .ctx = c, .dest = &st->dest, .pattern = st->logs.pattern, .until = st->until != NULL,
	    .cut_new = st->cut == 1, .every_ms = k->every_ms, .bytes = COMMIT_BYTES,
	    .meter = &st->meter };
	if (st->lag)
		k->group = NULL;
	return k->brokers == NULL ? 0 : topics_set_up(k, c, &st->dest, &st->topics);
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;

	(void)c;
	return st->topics != NULL ? topics_batch(st->topics, b) : logs_batch(&st->logs, b);
}

static int
read_topics(struct ctx *c, struct state *st)
{
	int rc = topics_open(st->topics);

	if (rc == 0 && st->barriers != NULL)
		return topics_job(st->topics, &st->held, st->job, st->i, st->n);
	if (rc == 0)
		rc = st->lag ? topics_lag(st->topics, st->max_lag == NULL ? NULL : &st->most) : topics_work(st->topics);
	return st->until != NULL && rc == 0 && ctx_stopped(c) ? err_temp("stopped by a signal") : rc;
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc;

	if (st->topics != NULL)
		rc = read_topics(c, st);
	else
		rc = st->barriers != NULL ? logs_job(&st->logs, &st->held, st->job) : logs_work(&st->logs);
	topics_close(st->topics);
	logs_free(&st->logs);
	gathered_free(&st->held);
	dest_close(&st->dest);
	meter_free(&st->meter);
	return rc;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "ingest",
	    .what = "Kafka topics or growing logs to a table, each record once",
	    .synopsis = "(-b BROKERS -t TOPIC,... [-G GROUP] | -f GLOB | FILE ...) [-d TABLE | --route FILE]\n"
	    "       [--partition-by EXPR] [--meta NAME] [--null skip|keep|reject] [--from POINT] [--until POINT]\n"
	    "       [--every DUR] [--compact N] [--lag] [--metrics FILE]\n"
	    "       [--barriers DUR [--event-time PATH] [--pin TABLE,...] [--instance I/N]]",
	    .opts = opts, .state_bytes = sizeof(struct state), .is = CMD_NO_INPUT | CMD_EFFECT, .par = PAR_SERIAL,
	    .set_up = set_up, .batch = batch, .main = work };

	return run_main(argc, argv, &cmd);
}
