/* SPDX-License-Identifier: BSD-2-Clause */
/* kafka_out - see kafka_out.h */
#include "edge/kafka_out.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/map.h"
#include "edge/kafka_conf.h"
#include "edge/kafka_link.h"

#define CONNECT_SECONDS 30
#define ASK_MS 2000
#define POLL_MS 100
#define MESSAGE_BYTES_LEAST 1000	/* message.max.bytes can't be less */
#define SENT_CHUNK 1024		/* struct sent are made by so many */

/* A record under way. */
struct sent {
	struct sent *next;	/* of the free ones, or of the refused */
	struct kafka_place at;
	struct fp key;
	bool has_key;
	size_t topic;
	/* of a refused one, to be sent again: copies */
	struct buf value, key_text, id;
	int64_t ts_ms;
	const char *why;
};

struct kafka_out {
	struct kafka_link link;		/* first: the callbacks' opaque is either */
	struct kafka_out_conf conf;
	rd_kafka_t *rk;
	char **name;		/* [n_topics] */
	rd_kafka_topic_t **topic;	/* [n_topics] NULL: not opened yet */
	size_t n_topics;
	int32_t ask;			/* the broker that says what a topic takes; -1: the library finds one */
	struct sent *spare, *refused, **refused_end;
	struct map *newer;		/* keys that were confirmed behind the first refused one */
	uint64_t under_way, confirmed;
	bool alone;			/* one record is sent again by itself */
	const char *alone_why;		/* refused again */
	int status;
};

static bool
stopped(const struct kafka_out *k)
{
	return k->conf.link.stop != NULL && *k->conf.link.stop != 0;
}

static struct sent *
take_sent(struct kafka_out *k)
{
	struct sent *s = k->spare;

	if (s == NULL) {
		struct sent *v = mem_array(NULL, SENT_CHUNK, sizeof *v);

		memset(v, 0, SENT_CHUNK * sizeof *v);
		for (size_t i = 0; i < SENT_CHUNK; i++) {
			v[i].next = k->spare;
			k->spare = &v[i];
		}
		s = k->spare;
	}
	k->spare = s->next;
	s->next = NULL;
	return s;
}

static void
give_sent(struct kafka_out *k, struct sent *s)
{
	buf_free(&s->value);
	buf_free(&s->key_text);
	buf_free(&s->id);
	*s = (struct sent){ .next = k->spare };
	k->spare = s;
}

/* A broker's word about what it was sent, not about itself: the same again would get the same answer. */
static const char *
refusal(rd_kafka_resp_err_t err)
{
	switch (err) {
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
		return "larger than the topic takes";
	case RD_KAFKA_RESP_ERR_INVALID_MSG:
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
		return "the broker takes no such record: a compacted topic wants a key";
	case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
		return "its time is too far from the broker's clock";
	case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
		return "against a policy of the broker";
	default:
		return NULL;
	}
}

/* Keep a refused record until nothing is under way any more. */
static void
keep(struct kafka_out *k, struct sent *s, const rd_kafka_message_t *m, const char *why)
{
	rd_kafka_headers_t *h;
	const void *id;
	size_t n;

	s->why = why;
	buf_add(&s->value, m->payload, m->len);
	buf_add(&s->key_text, m->key, m->key_len);
	s->ts_ms = rd_kafka_message_timestamp(m, NULL);
	if (rd_kafka_message_headers(m, &h) == 0 && rd_kafka_header_get_last(h, "id", &id, &n) == 0)
		buf_add(&s->id, id, n);
	s->next = NULL;
	*k->refused_end = s;
	k->refused_end = &s->next;
}

static void
on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct kafka_out *k = opaque;
	struct sent *s = m->_private;
	const char *why = m->err == 0 ? NULL : refusal(m->err);

	(void)rk;
	k->under_way--;
	if (m->err == 0) {
		kafka_link_alive(&k->link);
		k->confirmed++;
		if (k->refused != NULL && s->has_key)
			map_put(k->newer, span_of((const char *)&s->key, sizeof s->key), NULL);
	} else if (why != NULL && k->alone) {
		k->alone_why = why;
	} else if (why != NULL) {
		keep(k, s, m, why);
		return;
	} else if (k->status == 0) {
		if (m->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
		    m->err == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
		    m->err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || m->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
			k->status = err_remote("topic %s: %s", k->name[s->topic], rd_kafka_err2str(m->err));
		else
			k->status = err_temp("topic %s: %s", k->name[s->topic], rd_kafka_err2str(m->err));
	}
	give_sent(k, s);
}

/* ---- opening ---- */

/* How many of our topics are among those of the cluster, from the first on; *missing: the first that is not. */
static bool
all_there(const struct kafka_out *k, const struct rd_kafka_metadata *md, const char **missing)
{
	for (size_t t = 0; t < k->n_topics; t++) {
		bool there = false;

		for (int i = 0; i < md->topic_cnt && !there; i++)
			there = strcmp(md->topics[i].topic, k->name[t]) == 0 && md->topics[i].partition_cnt > 0;
		*missing = k->name[t];
		if (!there)
			return false;
	}
	return true;
}

/* Whom to ask for what only one of them need say: the controller, unless it is none that answers. */
static int32_t
whom_to_ask(struct kafka_out *k, const struct rd_kafka_metadata *md)
{
	int32_t controller = rd_kafka_controllerid(k->rk, 0);

	for (int i = 0; i < md->broker_cnt; i++)
		if (md->brokers[i].id == controller)
			return controller;
	return md->broker_cnt > 0 ? md->brokers[0].id : -1;
}

/*
 * Does the cluster have the topics?  Asked for by its name one would be made where brokers make topics.  1; 0 and which
 * is missing; -1: nobody could say now.
 */
static int
ask_topics(struct kafka_out *k, const char **missing)
{
	const struct rd_kafka_metadata *md = NULL;
	int there = -1;

	if (rd_kafka_metadata(k->rk, 1, NULL, &md, ASK_MS) == 0) {
		kafka_link_alive(&k->link);
		there = all_there(k, md, missing);
		k->ask = whom_to_ask(k, md);
	}
	if (md != NULL)
		rd_kafka_metadata_destroy(md);
	return there;
}

static int
find_topics(struct kafka_out *k)
{
	time_t end = kafka_link_now() + CONNECT_SECONDS;
	const char *missing;
	int there;

	while ((there = ask_topics(k, &missing)) != 1) {
		rd_kafka_poll(k->rk, 0);
		if (k->link.status != 0)
			return k->link.status;
		if (there == 0)
			return err_remote("topic %s: there is no such topic", missing);
		if (stopped(k))
			return err_temp("stopped by a signal");
		if (kafka_link_now() >= end)
			return err_temp("%s: no broker tells about topic %s", k->conf.link.brokers,
			    k->name[k->n_topics - 1]);
	}
	for (size_t i = 0; i < k->n_topics; i++) {
		if (k->topic[i] == NULL && (k->topic[i] = rd_kafka_topic_new(k->rk, k->name[i], NULL)) == NULL)
			return err_remote("topic %s: %s", k->name[i], rd_kafka_err2str(rd_kafka_last_error()));
	}
	return 0;
}

static size_t
add_topic(struct kafka_out *k, const char *name)
{
	k->name = mem_array(k->name, k->n_topics + 1, sizeof *k->name);
	k->topic = mem_array(k->topic, k->n_topics + 1, sizeof *k->topic);
	k->name[k->n_topics] = mem_str(name);
	k->topic[k->n_topics] = NULL;
	return k->n_topics++;
}

int
kafka_out_topic(struct kafka_out *k, const char *name, size_t *which)
{
	int rc;

	for (*which = 0; *which < k->n_topics; ++*which)
		if (strcmp(k->name[*which], name) == 0)
			return 0;
	*which = add_topic(k, name);
	if ((rc = find_topics(k)) != 0)
		free(k->name[--k->n_topics]);
	return rc;
}

/* most: the largest record, batch: the largest batch; 0: as the settings say. */
static int
create(struct kafka_out *k, size_t most, size_t batch)
{
	const struct {
		const char *name;
		size_t v;
	} limit[] = { { "message.max.bytes", most }, { "batch.size", batch } };
	rd_kafka_conf_t *conf;
	char why[300], bytes[24];
	int rc;

	if ((rc = kafka_settings(&k->conf.link, &conf, &k->link.debug)) != 0)
		return rc;
	for (size_t i = 0; i < 2; i++) {
		snprintf(bytes, sizeof bytes, "%zu", limit[i].v);
		if (limit[i].v > 0 && rd_kafka_conf_set(conf, limit[i].name, bytes, why, sizeof why) != 0) {
			rd_kafka_conf_destroy(conf);
			return err_usage("%s=%s: %s", limit[i].name, bytes, why);
		}
	}
	k->link.brokers = k->conf.link.brokers;
	kafka_link_set(&k->link, conf);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
	k->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	if (k->rk != NULL)
		return 0;
	rd_kafka_conf_destroy(conf);
	return err_usage("%s: %s", k->conf.link.properties == NULL ? k->conf.link.brokers : k->conf.link.properties,
	    why);
}

/* The number behind a name, of what the cluster says of the topic; 0: it is not there. */
static size_t
entry(rd_kafka_event_t *e, const char *name)
{
	const rd_kafka_ConfigResource_t **res;
	const rd_kafka_ConfigEntry_t **v;
	size_t n = 0, m = 0;

	res = rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(e), &n);
	if (n != 1 || rd_kafka_ConfigResource_error(res[0]) != 0)
		return 0;
	v = rd_kafka_ConfigResource_configs(res[0], &m);
	for (size_t i = 0; i < m; i++)
		if (strcmp(rd_kafka_ConfigEntry_name(v[i]), name) == 0 && rd_kafka_ConfigEntry_value(v[i]) != NULL)
			return strtoul(rd_kafka_ConfigEntry_value(v[i]), NULL, 10);
	return 0;
}

/*
 * The largest batch that a topic takes, 0 where we may not know: brokers refuse a larger one whole, whatever its
 * records are, so none must be made.
 */
static size_t
ask_limit(struct kafka_out *k, const char *name)
{
	rd_kafka_ConfigResource_t *topic = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
	rd_kafka_queue_t *q = rd_kafka_queue_new(k->rk);
	rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(k->rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
	rd_kafka_event_t *e;
	char why[300];
	size_t limit = 0;

	(void)rd_kafka_AdminOptions_set_request_timeout(o, ASK_MS, why, sizeof why);
	if (k->ask != -1)
		(void)rd_kafka_AdminOptions_set_broker(o, k->ask, why, sizeof why);
	rd_kafka_DescribeConfigs(k->rk, &topic, 1, o, q);
	e = rd_kafka_queue_poll(q, 2 * ASK_MS);
	if (e != NULL && rd_kafka_event_error(e) == 0)
		limit = entry(e, "max.message.bytes");
	if (e != NULL)
		rd_kafka_event_destroy(e);
	rd_kafka_AdminOptions_destroy(o);
	rd_kafka_queue_destroy(q);
	rd_kafka_ConfigResource_destroy(topic);
	return limit;
}

static void
destroy(struct kafka_out *k)
{
	for (size_t i = 0; i < k->n_topics; i++) {
		if (k->topic[i] != NULL)
			rd_kafka_topic_destroy(k->topic[i]);
		k->topic[i] = NULL;
	}
	if (k->rk != NULL)
		rd_kafka_destroy(k->rk);
	k->rk = NULL;
}

/*
 * The library is told its limits when it is made: where a topic takes less, it is made again.  Records may be as large
 * as the topic that takes most of all allows, a batch no larger than the one that takes least.
 */
static int
fit_topics(struct kafka_out *k)
{
	char now[24];
	size_t n = sizeof now, set, most = 0, least;
	int rc;

	if (rd_kafka_conf_get(rd_kafka_conf(k->rk), "message.max.bytes", now, &n) != 0)
		return 0;
	least = set = strtoul(now, NULL, 10);
	for (size_t i = 0; i < k->n_topics; i++) {
		size_t limit = ask_limit(k, k->name[i]);

		limit = limit < MESSAGE_BYTES_LEAST || limit > set ? set : limit;
		most = limit > most ? limit : most;
		least = limit < least ? limit : least;
	}
	if (least == set)
		return 0;
	destroy(k);
	if ((rc = create(k, most, least)) == 0)
		rc = find_topics(k);
	return rc;
}

int
kafka_out_open(const struct kafka_out_conf *conf, struct kafka_out **out)
{
	struct kafka_out *k = mem_new(sizeof *k);
	int rc;

	k->conf = *conf;
	k->refused_end = &k->refused;
	k->newer = map_new(1);
	for (size_t i = 0; i < conf->n_topics; i++)
		add_topic(k, conf->topic[i]);
	if ((rc = create(k, 0, 0)) == 0 && (rc = find_topics(k)) == 0)
		rc = fit_topics(k);
	if (rc != 0) {
		kafka_out_close(k);
		k = NULL;
	}
	*out = k;
	return rc;
}

void
kafka_out_close(struct kafka_out *k)
{
	if (k == NULL)
		return;
	if (k->rk != NULL) {
		rd_kafka_purge(k->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_flush(k->rk, POLL_MS);
	}
	destroy(k);
	for (size_t i = 0; i < k->n_topics; i++)
		free(k->name[i]);
	free(k->name);
	free(k->topic);
	map_free(k->newer);
	free(k);		/* the struct sent go with the process: there is one producer in it */
}

/* ---- sending ---- */

/* 0, or what ended the work. */
static int
serve(struct kafka_out *k, int ms)
{
	rd_kafka_poll(k->rk, ms);
	if (k->status == 0)
		k->status = k->link.status;
	if (k->status == 0 && stopped(k))
		k->status = err_temp("stopped by a signal: %llu records are confirmed",
		    (unsigned long long)k->confirmed);
	return k->status;
}

static int
wait_all(struct kafka_out *k)
{
	int rc = 0;

	while (rc == 0 && k->under_way > 0) {
		/* nothing more is coming: no batch need linger for it */
		(void)rd_kafka_flush(k->rk, POLL_MS);
		rc = serve(k, 0);
	}
	return rc;
}

/* To the library; s is gone where it is refused at once. 0 or a status. */
static int
hand_over(struct kafka_out *k, struct sent *s, const struct kafka_record *r)
{
	rd_kafka_resp_err_t err;
	int rc = 0;

	do {
		rd_kafka_vu_t vu[7] = {
			{ .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = k->topic[r->topic] },
			{ .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { (void *)(uintptr_t)r->value.p, r->value.n } },
			{ .vtype = RD_KAFKA_VTYPE_KEY,
			    .u.mem = { r->has_key ? (void *)(uintptr_t)r->key.p : NULL, r->key.n } },
			{ .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
			{ .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = s },
			{ .vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = r->ts_ms },
			{ .vtype = RD_KAFKA_VTYPE_HEADER, .u.header = { "id", r->id.p, (ssize_t)r->id.n } },
		};
		rd_kafka_error_t *e = rd_kafka_produceva(k->rk, vu, r->id.n > 0 ? 7 : 6);

		err = e == NULL ? 0 : rd_kafka_error_code(e);
		rd_kafka_error_destroy(e);
		if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
			rc = serve(k, POLL_MS);
	} while (rc == 0 && err == RD_KAFKA_RESP_ERR__QUEUE_FULL);
	if (rc == 0 && err == 0) {
		k->under_way++;
		return 0;
	}
	give_sent(k, s);
	if (rc == 0 && err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
		return k->conf.refused(k->conf.arg, r->at, "larger than message.max.bytes", r->value);
	return rc != 0 ? rc : err_temp("topic %s: %s", k->name[r->topic], rd_kafka_err2str(err));
}

/* A refused record once more, by itself. */
static int
send_alone(struct kafka_out *k, const struct sent *s)
{
	struct kafka_record r = { .value = buf_span(&s->value), .key = buf_span(&s->key_text), .id = buf_span(&s->id),
	    .has_key = s->has_key, .topic = s->topic, .ts_ms = s->ts_ms < 0 ? 0 : s->ts_ms, .at = s->at };
	struct sent *again = take_sent(k);
	int rc;

	again->at = s->at;
	again->topic = s->topic;
	k->alone_why = NULL;
	k->alone = true;
	if ((rc = hand_over(k, again, &r)) == 0)
		rc = wait_all(k);
	k->alone = false;
	if (rc == 0 && k->alone_why != NULL)
		rc = k->conf.refused(k->conf.arg, s->at, k->alone_why, r.value);
	return rc;
}

/* What was refused with its batch, in the order of sending, when nothing else is under way. */
static int
settle_refused(struct kafka_out *k)
{
	struct sent *s;
	int rc = wait_all(k);

	while (rc == 0 && (s = k->refused) != NULL) {
		k->refused = s->next;
		if (s->has_key && map_get(k->newer, span_of((const char *)&s->key, sizeof s->key)) != NULL)
			rc = k->conf.refused(k->conf.arg, s->at,
			    "refused with others, and a newer record of its key was sent", buf_span(&s->value));
		else
			rc = send_alone(k, s);
		give_sent(k, s);
	}
	if (k->refused == NULL) {
		k->refused_end = &k->refused;
		map_clear(k->newer);
	}
	return rc;
}

int
kafka_out_put(struct kafka_out *k, const struct kafka_record *r)
{
	struct sent *s;
	int rc = serve(k, 0);

	if (rc == 0 && k->refused != NULL)
		rc = settle_refused(k);
	if (rc != 0)
		return rc;
	s = take_sent(k);
	s->at = r->at;
	s->topic = r->topic;
	s->has_key = r->has_key;
	if (r->has_key) {
		s->key = hash_fp(r->key);
		s->key.lo += r->topic;		/* one key in two topics is two */
	}
	return hand_over(k, s, r);
}

int
kafka_out_flush(struct kafka_out *k)
{
	int rc = wait_all(k);

	return rc == 0 && k->refused != NULL ? settle_refused(k) : rc;
}

uint64_t
kafka_out_confirmed(const struct kafka_out *k)
{
	return k->confirmed;
}
