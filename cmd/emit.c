/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * emit - records to topics of Kafka, every delivery confirmed
 *
 * Path:   files, tables or stdin -> run/topic_route (with --route) -> edge/kafka_out -> brokers
 * Memory: what is under way: 64 MiB and 100,000 records at most.
 * At least once: killed, and called again, all records go out again, with the same ids where the input is a table, and
 * in a barrier job.
 */
#include <stdlib.h>

#include "run/run.h"
#include "run/topic_route.h"

struct state {
	const char *brokers, *topic, *route_file, *key, *time, *id, *properties;
	bool insecure;
	struct ctx *c;
	struct kafka_out *out;
	struct topic_route route;
	const char *job;	/* its name, NULL: in no barrier job */
	uint64_t epoch;		/* that is coming in */
	int key_col, time_col;
	enum unit unit;
	const char *source;	/* of the last record: a copy that stays */
	struct buf scratch, scratch_time, id_text;
	uint64_t came, expected;
};

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 'b', "brokers", OPT_TEXT, AT(brokers), "BROKERS", "where Kafka is: HOST[:PORT],..." },
	{ 't', "topic", OPT_TEXT, AT(topic), "TOPIC", "the topic, which must be there" },
	{ 0, "route", OPT_TEXT, AT(route_file), "FILE", "several topics, as the lines of FILE say" },
	{ 'k', "key", OPT_TEXT, AT(key), "PATH", "the message's key: records of one key keep their order" },
	{ 0, "time", OPT_TEXT, AT(time), "PATH[:s|ms|us]", "the message's time (when it is sent)" },
	{ 0, "id", OPT_TEXT, AT(id), "NAME", "a header id of each message: NAME:1, NAME:2, ..." },
	{ 0, "properties", OPT_TEXT, AT(properties), "FILE", "settings of librdkafka: TLS, SASL; mode 0600" },
	{ 0, "insecure", OPT_FLAG, AT(insecure), NULL, "no TLS to another machine" },
	{ 0 }
};

/* A record that was taken is not to be had by the topic. */
static int
refused(void *arg, struct kafka_place at, const char *why, struct span value)
{
	struct state *st = arg;

	ctx_recount(st->c, 1, F_USED, F_REJECT);
	return ctx_reject(st->c, (struct where){ at.source, at.line, at.offset }, why, value);
}

/* Before a block of input: as often as a person may want it. */
static int
between(struct ctx *c, void *arg)
{
	struct state *st = arg;

	(void)c;
	return topic_route_again(&st->route, st->out);
}

/* The end of an epoch: all of it is confirmed. A replay gives its records the same ids and topics. */
static int
mark(struct ctx *c, void *arg, const struct mark *m)
{
	struct state *st = arg;
	int rc = kafka_out_flush(st->out);

	(void)c;
	st->epoch = m->id + 1;
	st->came = 0;
	return rc != 0 ? rc : topic_route_mark(&st->route, st->out, m);
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct kafka_out_conf conf = { .topic = &st->topic, .n_topics = st->topic != NULL, .refused = refused,
	    .arg = st };
	const char *job = ctx_in_job(c) ? getenv("PIPEHOUSE_JOB") : NULL;
	int rc;

	st->c = c;
	st->key_col = st->time_col = -1;
	if (st->brokers == NULL || (st->topic == NULL) == (st->route_file == NULL) ||
	    (st->topic != NULL && *st->topic == '\0'))
		return ctx_usage(c, "-b, and one of -t and --route, are needed");
	if (st->id != NULL && (*st->id == '\0' || strlen(st->id) > 200))
		return ctx_usage(c, "--id: from 1 to 200 bytes");
	if (job != NULL)
		st->job = st->id != NULL ? st->id : strrchr(job, '/') == NULL ? job : strrchr(job, '/') + 1;
	if (st->key != NULL && (st->key_col = ctx_col(c, span_str(st->key), "-k")) == -1)
		return EXIT_USAGE;
	if (st->time != NULL && (rc = ctx_time(c, st->time, "--time", &st->time_col, &st->unit)) != 0)
		return rc;
	if ((rc = ctx_outward(c, &st->expected)) != 0 || (rc = topic_route_open(&st->route, st->route_file, c)) != 0)
		return rc;
	conf.link = (struct kafka_conf){ .brokers = st->brokers, .properties = st->properties,
	    .insecure = st->insecure, .writes = true, .stop = ctx_stop(c) };
	return topic_route_connect(&st->route, &conf, &st->out);
}

/* A key as a consumer expects it: a string's own bytes; a number, true, false as they stand. */
static const char *
take_key(struct state *st, int col, const struct batch *b, size_t i, struct kafka_record *r)
{
	struct val v = { 0 };

	if (col != -1)
		v = b->col[col][i];
	if (val_is_null(v))
		return NULL;
	if (v.tag == T_ARR || v.tag == T_OBJ)
		return "the key is an array or an object";
	r->has_key = true;
	r->key = v.tag == T_STR ? val_text(v, &st->scratch) : v.raw;
	return NULL;
}

static const char *
take_time(struct state *st, struct val v, struct kafka_record *r)
{
	const char *why;
	int64_t us;

	if ((why = when_val(v, st->unit, ctx_zone(st->c), &st->scratch_time, &us)) != NULL)
		return why;
	r->ts_ms = us / 1000;
	return r->ts_ms > 0 ? NULL : "a message has no time before 1970";
}

/* The same each time: a row of a table by its place, any other by its number where a name is given. */
static void
make_id(struct state *st, struct where w, struct kafka_record *r)
{
	buf_clear(&st->id_text);
	if (st->job != NULL)
		buf_fmt(&st->id_text, "%s:%llu:%llu", st->job, (unsigned long long)st->epoch,
		    (unsigned long long)st->came);
	else if (st->id != NULL)
		buf_fmt(&st->id_text, "%s:%llu", st->id, (unsigned long long)st->came);
	else if (strncmp(w.source, "wh:", 3) == 0)
		buf_fmt(&st->id_text, "%s:%llu", w.source + 3, (unsigned long long)w.line);
	r->id = buf_span(&st->id_text);
}

/* The topic and the key of record i. */
static const char *
take_place(struct state *st, const struct batch *b, size_t i, struct kafka_record *r)
{
	int key = st->key_col;
	const char *why = topic_route_of(&st->route, b, i, &r->topic, &key);

	return why != NULL || r->topic == ROUTE_AWAY ? why : take_key(st, key, b, i, r);
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		struct where w = ctx_where(c, b, i);
		struct kafka_record r = { .value = b->line[i] };
		const char *why;

		st->came++;
		if (st->source == NULL || strcmp(st->source, w.source) != 0)
			st->source = mem_str(w.source);		/* one an operand, until the process ends */
		r.at = (struct kafka_place){ st->source, w.line, w.offset };
		why = take_place(st, b, i, &r);
		if (why == NULL && st->time_col != -1)
			why = take_time(st, b->col[st->time_col][i], &r);
		if (why != NULL) {
			b->fate[i] = F_REJECT;
			b->why[i] = why;
			continue;
		}
		if (r.topic == ROUTE_AWAY) {
			b->fate[i] = F_DROP;
			continue;
		}
		make_id(st, w, &r);
		b->fate[i] = F_USED;
		rc = kafka_out_put(st->out, &r);
	}
	return rc;
}

/* Nothing comes: what is confirmed, or refused, is told meanwhile. */
static int
idle(struct ctx *c, void *arg, int64_t silent_ms)
{
	struct state *st = arg;

	(void)c;
	(void)silent_ms;
	return kafka_out_flush(st->out);
}

static int
end(struct ctx *c, void *arg)
{
	struct state *st = arg;
	int rc = ctx_outward_end(c, st->came, st->expected);

	return rc != 0 ? rc : kafka_out_flush(st->out);
}

static int
finish(struct ctx *c, void *arg, int status)
{
	struct state *st = arg;

	/* a bad record ends the work, and what came before it is sent */
	if (st->out != NULL && status == EXIT_INPUT)
		(void)kafka_out_flush(st->out);
	if (st->out != NULL)
		ctx_note(c, "confirmed", kafka_out_confirmed(st->out));
	kafka_out_close(st->out);
	topic_route_close(&st->route);
	buf_free(&st->scratch);
	buf_free(&st->scratch_time);
	buf_free(&st->id_text);
	return status;
}

static const struct command cmd = {
	.name = "emit", .what = "records to Kafka topics, every delivery confirmed",
	.synopsis =
	    "-b BROKERS (-t TOPIC | --route FILE) [-k PATH] [--time PATH[:s|ms|us]] [--id NAME]\n"
	    "       [--properties FILE] [--insecure] [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_EFFECT | CMD_TABLES | CMD_EPOCHS,
	.par = PAR_SERIAL, .set_up = set_up, .batch = batch, .between = between, .idle = idle, .mark = mark, .end = end,
	.finish = finish,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
