/* SPDX-License-Identifier: BSD-2-Clause */
/* kafka - see kafka.h */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "edge/kafka.h"
#include "edge/kafka_conf.h"
#include "edge/kafka_link.h"
#include "edge/kafka_wake.h"

#define CONNECT_SECONDS 30
#define ASK_MS 2000		/* one question; it is asked again */
#define BATCH 1024		/* messages that one call of the library hands out */
#define BATCHES_SAFE 0x02010000	/* the version from which its batches lose nothing in a group, see take() */
#define DEEP_BYTES MIB		/* taken until nothing was there: the library's queue may have been full */
#define WAKE_MS 100		/* between two questions because nothing is there */
#define GROW_MS 60000		/* between two looks for new partitions, or topic.metadata.refresh.interval.ms */
#define DOUBT_SECONDS 60	/* a topic that vanished may come back: a broker that starts learns them by and by */

struct kafka {
	struct kafka_link link;		/* first: the callbacks' opaque is either */
	struct kafka_conf conf;
	rd_kafka_t *rk;
	char *cluster;
	char **topic;
	size_t n_topics;
	struct kafka_part *part;
	size_t n;
	rd_kafka_queue_t *queue;	/* what consumer_poll reads */
	struct kafka_wake *wake;
	rd_kafka_message_t *msg;	/* handed out */
	rd_kafka_message_t *batch[BATCH];	/* [at, taken): will be */
	size_t at, taken;
	struct {			/* the library's queue, see wake_library() */
		size_t messages_max, bytes_max;		/* it is full */
		size_t there, most;	/* messages in it: when we had taken some; when some had come */
		size_t bytes, messages;	/* handed out since there was nothing */
		bool woken;		/* since some came */
		size_t part;		/* whose broker was woken last, */
		int64_t ms;		/* and when for want of messages */
	} q;
	const rd_kafka_topic_t *last_topic;	/* of the last message, */
	int32_t last_id;
	size_t last;			/* and which that was */
	time_t doubt;			/* since when a topic is not there; 0: all are */
	time_t asked;			/* the last look for it */
	rd_kafka_topic_partition_list_t *change;	/* what the group gives or takes */
	bool giving, closing;
	bool given;			/* the group gave something, if only nothing */
	int64_t grow_ms, looked_ms;	/* for new partitions: how often, when last */
	rd_kafka_resp_err_t outside;	/* why the group does not let us in, told; 0: it does, or has not answered */
	time_t since;			/* when that was */
};

static bool
stopped(const struct kafka *k)
{
	return k->conf.stop != NULL && *k->conf.stop != 0;
}

/* ---- callbacks: they run inside our own calls of the library ---- */

static void
on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list, void *opaque)
{
	struct kafka *k = opaque;

	k->given |= err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
	if (k->closing) {
		rd_kafka_error_destroy(err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS ?
		    rd_kafka_incremental_assign(rk, list) : rd_kafka_incremental_unassign(rk, list));
		return;
	}
	/* it is heeded before the next poll: there is one at a time */
	k->change = rd_kafka_topic_partition_list_copy(list);
	k->giving = err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
}

/* ---- opening ---- */

static int
split_topics(struct kafka *k)
{
	const char *p = k->conf.topics;

	while (*p != '\0') {
		size_t n = strcspn(p, ",");

		for (size_t i = 0; i < k->n_topics; i++)
			if (span_is(span_of(p, n), k->topic[i]))
				return err_usage("topic %s stands twice", k->topic[i]);
		if (n > 0) {
			k->topic = mem_array(k->topic, k->n_topics + 1, sizeof *k->topic);
			k->topic[k->n_topics++] = mem_dup(span_of(p, n));
		}
		p += n + (p[n] == ',');
	}
	return k->n_topics == 0 ? err_usage("no topic is given") : 0;
}

/* Partitions [from, n) of a topic. */
static void
add_parts(struct kafka *k, const char *topic, int from, int n, bool since)
{
	for (int i = from; i < n; i++) {
		k->part = mem_array(k->part, k->n + 1, sizeof *k->part);
		k->part[k->n++] = (struct kafka_part){ .topic = topic, .id = i, .ours = k->conf.group == NULL,
		    .fresh = k->conf.group == NULL, .since = since };
	}
}

/* How many of a topic are known. */
static int
known_parts(const struct kafka *k, const char *topic)
{
	int n = 0;

	for (size_t i = 0; i < k->n; i++)
		n += strcmp(k->part[i].topic, topic) == 0;
	return n;
}

/* What the cluster says of a topic: its number of partitions; -1 when it cannot say now; -2 and k->link.status. */
static int
ask_topic(struct kafka *k, const char *topic, int timeout_ms)
{
	rd_kafka_topic_t *t = rd_kafka_topic_new(k->rk, topic, NULL);
	const struct rd_kafka_metadata *md = NULL;
	rd_kafka_resp_err_t err = t == NULL ? rd_kafka_last_error() : rd_kafka_metadata(k->rk, 0, t, &md, timeout_ms);
	int n = -1;

	if (err == RD_KAFKA_RESP_ERR_NO_ERROR && md->topic_cnt == 1) {
		err = md->topics[0].err;
		kafka_link_alive(&k->link);
		if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
			n = md->topics[0].partition_cnt;
	}
	if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || err == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION ||
	    err == RD_KAFKA_RESP_ERR__INVALID_ARG) {
		k->link.status = err_remote("topic %s: %s", topic, rd_kafka_err2str(err));
		n = -2;
	} else if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || (err == 0 && n == 0)) {
		n = 0;
	}
	if (md != NULL)
		rd_kafka_metadata_destroy(md);
	if (t != NULL)
		rd_kafka_topic_destroy(t);
	return n;
}

/* Let the callbacks speak that wait for a poll; a message that comes with them waits its turn. */
static void
serve(struct kafka *k)
{
	rd_kafka_message_t *m;

	if (k->at == k->taken)
		k->at = k->taken = 0;
	if (k->change == NULL && k->taken < BATCH && (m = rd_kafka_consumer_poll(k->rk, 0)) != NULL)
		k->batch[k->taken++] = m;
}

static int
learn_topics(struct kafka *k)
{
	time_t end = kafka_link_now() + CONNECT_SECONDS;

	for (size_t i = 0; i < k->n_topics;) {
		int n = ask_topic(k, k->topic[i], ASK_MS);

		serve(k);
		if (k->link.status != 0)
			return k->link.status;
		if (n == 0)
			return err_remote("topic %s: there is no such topic", k->topic[i]);
		if (n > 0)
			add_parts(k, k->topic[i++], 0, n, false);
		else if (stopped(k))
			return err_temp("stopped by a signal");
		else if (kafka_link_now() >= end)
			return err_temp("%s: no broker tells about topic %s", k->conf.brokers, k->topic[i]);
	}
	return 0;
}

/* A setting of the library that is a number; `other` where it is none. */
static uint64_t
setting(const rd_kafka_conf_t *conf, const char *name, uint64_t other)
{
	char text[24] = "";
	size_t size = sizeof text;

	return rd_kafka_conf_get(conf, name, text, &size) == RD_KAFKA_CONF_OK ? strtoull(text, NULL, 10) : other;
}

static uint64_t
refresh_ms(const rd_kafka_conf_t *conf)
{
	uint64_t ms = setting(conf, "topic.metadata.refresh.interval.ms", 0);

	/* -1: the library does not look */
	return ms == 0 || ms > GROW_MS ? GROW_MS : ms;
}

/* The library's handle; conf is used up. */
static int
create(struct kafka *k)
{
	rd_kafka_conf_t *conf;
	char why[300];
	int rc;

	if ((rc = kafka_settings(&k->conf, &conf, &k->link.debug)) != 0)
		return rc;
	k->link.brokers = k->conf.brokers;
	k->grow_ms = (int64_t)refresh_ms(conf);
	k->looked_ms = clock_ms();
	k->q.messages_max = (size_t)setting(conf, "queued.min.messages", SIZE_MAX);
	k->q.bytes_max = (size_t)setting(conf, "queued.max.messages.kbytes", SIZE_MAX / KIB) * KIB;
	kafka_link_set(&k->link, conf);
	if (k->conf.group != NULL)
		rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
	k->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
	if (k->rk == NULL) {
		rd_kafka_conf_destroy(conf);
		return err_usage("%s: %s", k->conf.properties == NULL ? k->conf.brokers : k->conf.properties, why);
	}
	rd_kafka_poll_set_consumer(k->rk);
	k->queue = rd_kafka_queue_get_consumer(k->rk);
	k->wake = kafka_wake_new(k->rk);
	return 0;
}

static int
subscribe(struct kafka *k)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)k->n_topics);
	rd_kafka_resp_err_t err;

	for (size_t i = 0; i < k->n_topics; i++)
		rd_kafka_topic_partition_list_add(list, k->topic[i], RD_KAFKA_PARTITION_UA);
	err = rd_kafka_subscribe(k->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return err == 0 ? 0 : err_temp("group %s: %s", k->conf.group, rd_kafka_err2str(err));
}

int
kafka_open(const struct kafka_conf *conf, struct kafka **out)
{
	struct kafka *k = mem_new(sizeof *k);
	char *id;
	int rc;

	k->conf = *conf;
	if ((rc = split_topics(k)) == 0)
		rc = create(k);
	if (rc == 0 && (rc = learn_topics(k)) == 0) {
		id = rd_kafka_clusterid(k->rk, ASK_MS);
		k->cluster = mem_str(id == NULL ? "" : id);
		if (id != NULL)
			rd_kafka_mem_free(k->rk, id);
		if (k->conf.group != NULL)
			rc = subscribe(k);
	}
	if (rc != 0) {
		kafka_close(k);
		k = NULL;
	}
	*out = k;
	return rc;
}

/* What was taken and not handed out is forgotten: it will be read again. */
static void
drop_batch(struct kafka *k)
{
	while (k->at < k->taken)
		rd_kafka_message_destroy(k->batch[k->at++]);
}

void
kafka_close(struct kafka *k)
{
	if (k == NULL)
		return;
	if (k->msg != NULL)
		rd_kafka_message_destroy(k->msg);
	drop_batch(k);
	kafka_wake_free(k->wake);
	if (k->queue != NULL)
		rd_kafka_queue_destroy(k->queue);
	if (k->change != NULL)
		rd_kafka_topic_partition_list_destroy(k->change);
	k->closing = true;
	if (k->rk != NULL && k->conf.group != NULL && !k->given && rd_kafka_version() < 0x02030000) {
		/* librdkafka before 2.3 aborts where a member goes that was given nothing: it says good-bye */
		rd_kafka_unsubscribe(k->rk);
		rd_kafka_message_t *m = rd_kafka_consumer_poll(k->rk, 200);

		if (m != NULL)
			rd_kafka_message_destroy(m);
	} else if (k->rk != NULL) {
		rd_kafka_consumer_close(k->rk);
		rd_kafka_destroy(k->rk);
	}
	for (size_t i = 0; i < k->n_topics; i++)
		free(k->topic[i]);
	free(k->topic);
	free(k->part);
	free(k->cluster);
	free(k);
}

const char *
kafka_cluster(const struct kafka *k)
{
	return k->cluster;
}

struct kafka_part *
kafka_parts(struct kafka *k, size_t *n)
{
	*n = k->n;
	return k->part;
}

int
kafka_status(const struct kafka *k)
{
	return k->link.status;
}

/* ---- where things stand ---- */

/* An answer to a question about a partition: 0 to ask again, else a status (EXIT_DONE is never one). */
static int
judge(struct kafka *k, const struct kafka_part *p, rd_kafka_resp_err_t err, time_t end)
{
	serve(k);
	if (k->link.status != 0)
		return k->link.status;
	if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
		return err_remote("topic %s: %s", p->topic, rd_kafka_err2str(err));
	if (stopped(k))
		return err_temp("stopped by a signal");
	return kafka_link_now() < end ? 0 : err_temp("%s/%d: %s", p->topic, (int)p->id, rd_kafka_err2str(err));
}

int
kafka_bounds(struct kafka *k)
{
	time_t end = kafka_link_now() + CONNECT_SECONDS;
	int rc;

	for (size_t i = 0; i < k->n;) {
		struct kafka_part *p = &k->part[i];
		rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;

		if (p->ours)
			err = rd_kafka_query_watermark_offsets(k->rk, p->topic, p->id, &p->low, &p->high, ASK_MS);
		if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
			i++;
		else if ((rc = judge(k, p, err, end)) != 0)
			return rc;
	}
	return 0;
}

int64_t
kafka_high(const struct kafka *k, size_t part)
{
	int64_t low, high;

	if (rd_kafka_get_watermark_offsets(k->rk, k->part[part].topic, k->part[part].id, &low, &high) !=
	    RD_KAFKA_RESP_ERR_NO_ERROR || high < 0)
		return -1;
	return high;
}

int
kafka_times(struct kafka *k, int64_t ms)
{
	time_t end = kafka_link_now() + CONNECT_SECONDS;
	int rc = kafka_bounds(k);

	for (size_t i = 0; rc == 0 && i < k->n;) {
		struct kafka_part *p = &k->part[i];
		rd_kafka_topic_partition_list_t *list;
		rd_kafka_resp_err_t err;

		/* of one that is being read, next is not ours to move */
		if (!p->ours || (k->conf.group != NULL && !p->fresh)) {
			i++;
			continue;
		}
		list = rd_kafka_topic_partition_list_new(1);
		rd_kafka_topic_partition_list_add(list, p->topic, p->id)->offset = ms;
		err = rd_kafka_offsets_for_times(k->rk, list, ASK_MS);
		if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
			err = list->elems[0].err;
		if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
			p->next = list->elems[0].offset < 0 ? p->high : list->elems[0].offset;
			i++;
		} else {
			rc = judge(k, p, err, end);
		}
		rd_kafka_topic_partition_list_destroy(list);
	}
	return rc;
}

/*
 * Those that are ours and on, all or the fresh ones, where next says.  The group takes back what it gave, so there none
 * is left out for being off.
 */
static rd_kafka_topic_partition_list_t *
list_of(const struct kafka *k, bool all)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)k->n);

	for (size_t i = 0; i < k->n; i++) {
		const struct kafka_part *p = &k->part[i];

		if (p->ours && (p->on || k->conf.group != NULL) && (all || p->fresh))
			rd_kafka_topic_partition_list_add(list, p->topic, p->id)->offset = p->next;
	}
	return list;
}

/* Read the partitions of the list from now on: without a group no others. 0, EXIT_TEMP; the list is used up. */
static int
assign(struct kafka *k, rd_kafka_topic_partition_list_t *list)
{
	rd_kafka_error_t *e = NULL;
	rd_kafka_resp_err_t err = 0;
	int rc = 0;

	if (k->conf.group == NULL)
		err = rd_kafka_assign(k->rk, list);
	else
		e = rd_kafka_incremental_assign(k->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	if (err != 0 || e != NULL)
		rc = err_temp("%s: %s", k->conf.brokers, e != NULL ? rd_kafka_error_string(e) : rd_kafka_err2str(err));
	rd_kafka_error_destroy(e);
	for (size_t i = 0; i < k->n; i++) {
		k->part[i].ended = k->part[i].ended && !k->part[i].fresh;
		k->part[i].fresh = false;
		if (k->conf.group != NULL && k->part[i].ours && !k->part[i].on)
			kafka_stop(k, i);
	}
	return rc;
}

int
kafka_start(struct kafka *k)
{
	if (k->conf.group == NULL) {
		drop_batch(k);
		for (size_t i = 0; i < k->n; i++)
			k->part[i].fresh = k->part[i].ours;
	}
	return assign(k, list_of(k, k->conf.group == NULL));
}

/* Everything once more from where we are: what the library has is not to be trusted. */
static int
start_anew(struct kafka *k)
{
	rd_kafka_topic_partition_list_t *list;

	if (k->conf.group == NULL)
		return kafka_start(k);
	drop_batch(k);
	list = list_of(k, true);
	rd_kafka_error_destroy(rd_kafka_incremental_unassign(k->rk, list));
	return assign(k, list);
}

void
kafka_stop(struct kafka *k, size_t part)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

	k->part[part].on = false;
	rd_kafka_topic_partition_list_add(list, k->part[part].topic, k->part[part].id);
	/* speed only: what still comes of it is passed over */
	(void)rd_kafka_pause_partitions(k->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
}

/* ---- groups ---- */

void
kafka_tell(struct kafka *k, const int64_t *next)
{
	rd_kafka_topic_partition_list_t *list;

	if (k->conf.group == NULL)
		return;
	list = rd_kafka_topic_partition_list_new((int)k->n);
	for (size_t i = 0; i < k->n; i++)
		if (k->part[i].ours && !k->part[i].fresh && next[i] >= 0)
			rd_kafka_topic_partition_list_add(list, k->part[i].topic, k->part[i].id)->offset = next[i];
	if (list->cnt > 0)
		(void)rd_kafka_commit(k->rk, list, 1);
	rd_kafka_topic_partition_list_destroy(list);
}

/* What the group said in a poll; false: nothing. */
static bool
group_change(struct kafka *k, enum kafka_got *got)
{
	bool lost;

	if (k->change == NULL)
		return false;
	*got = k->giving ? KAFKA_GIVEN : KAFKA_TAKEN;
	if (k->outside != 0 && k->giving) {
		err_warn("group %s: it has let us in", k->conf.group);
		k->outside = 0;
	}
	lost = !k->giving && rd_kafka_assignment_lost(k->rk) != 0;
	for (int i = 0; k->giving && i < k->change->cnt; i++) {
		const rd_kafka_topic_partition_t *g = &k->change->elems[i];

		for (size_t at = 0; at < k->n_topics; at++)
			if (strcmp(k->topic[at], g->topic) == 0)
				add_parts(k, k->topic[at], known_parts(k, g->topic), g->partition + 1, true);
	}
	for (size_t i = 0; i < k->n; i++) {
		struct kafka_part *p = &k->part[i];
		bool named = rd_kafka_topic_partition_list_find(k->change, p->topic, p->id) != NULL;

		p->leaving = named && !k->giving;
		p->lost = p->leaving && lost;
		if (named && k->giving)
			p->ours = p->fresh = true;
	}
	rd_kafka_topic_partition_list_destroy(k->change);
	k->change = NULL;
	return true;
}

/* ---- messages ---- */

static bool
find_part(struct kafka *k, const rd_kafka_message_t *m, size_t *part)
{
	const char *topic;

	if (m->rkt == NULL)
		return false;
	if (m->rkt != k->last_topic || m->partition != k->last_id) {
		topic = rd_kafka_topic_name(m->rkt);
		for (k->last = 0; k->last < k->n; k->last++)
			if (k->part[k->last].id == m->partition && strcmp(k->part[k->last].topic, topic) == 0)
				break;
		k->last_topic = m->rkt;
		k->last_id = m->partition;
	}
	*part = k->last;
	return k->last < k->n;
}

void
kafka_give_up(struct kafka *k)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)k->n);
	size_t n = k->at, part;

	for (size_t i = 0; i < k->n; i++) {
		struct kafka_part *p = &k->part[i];

		if (!p->leaving)
			continue;
		rd_kafka_topic_partition_list_add(list, p->topic, p->id);
		p->ours = p->on = p->fresh = p->leaving = false;
	}
	rd_kafka_error_destroy(rd_kafka_incremental_unassign(k->rk, list));
	rd_kafka_topic_partition_list_destroy(list);
	/* when one comes back it begins elsewhere */
	for (size_t i = k->at; i < k->taken; i++) {
		if (find_part(k, k->batch[i], &part) && !k->part[part].ours)
			rd_kafka_message_destroy(k->batch[i]);
		else
			k->batch[n++] = k->batch[i];
	}
	k->taken = n;
}

/* The offset is not there. The library may think so for a moment when it could not ask: we ask too. */
static enum kafka_got
out_of_range(struct kafka *k, size_t part)
{
	struct kafka_part *p = &k->part[part];

	if ((k->link.status = kafka_bounds(k)) != 0)
		return KAFKA_FAILED;
	k->doubt = k->doubt == 0 ? kafka_link_now() : k->doubt;
	if (p->next >= p->low && p->next <= p->high && kafka_link_now() - k->doubt < DOUBT_SECONDS) {
		k->link.status = start_anew(k);
		return k->link.status == 0 ? KAFKA_NONE : KAFKA_FAILED;
	}
	k->link.status = err_remote("%s/%d: offset %lld is not there (it holds %lld to %lld)", p->topic, (int)p->id,
	    (long long)p->next, (long long)p->low, (long long)p->high);
	return KAFKA_FAILED;
}

/* The library asks to join again and again; why that is in vain is told once. */
static void
not_let_in(struct kafka *k, rd_kafka_resp_err_t err, const char *why)
{
	if (k->outside == err)
		return;
	k->since = k->outside == 0 ? kafka_link_now() : k->since;
	k->outside = err;
	err_warn("group %s: %s: waiting", k->conf.group, why);
}

static enum kafka_got
trouble(struct kafka *k, const rd_kafka_message_t *m)
{
	size_t part = 0;
	bool known = find_part(k, m, &part);

	switch (m->err) {
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		if (known)
			return out_of_range(k, part);
		break;
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
		if (k->doubt == 0)
			k->doubt = k->asked = kafka_link_now();
		return KAFKA_NONE;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		k->link.status = err_remote("%s", rd_kafka_message_errstr(m));
		return KAFKA_FAILED;
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		if (k->conf.group == NULL)
			return KAFKA_NONE;	/* we use none */
		k->link.status = err_remote("group %s: %s", k->conf.group, rd_kafka_err2str(m->err));
		return KAFKA_FAILED;
	case RD_KAFKA_RESP_ERR__BAD_MSG:
		k->link.status = err_input("%s/%d:%lld: %s", known ? k->part[part].topic : "?", (int)m->partition,
		    (long long)m->offset, rd_kafka_message_errstr(m));
		return KAFKA_FAILED;
	case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
		/* the group took all we have, and says so next; then we join it again */
		err_warn("group %s: a commit took too long: others have our partitions", k->conf.group);
		return KAFKA_NONE;
	case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
		not_let_in(k, m->err, "it has members that share partitions out in another way, which is not "
		    "cooperative, and lets nobody else in until they are gone");
		return KAFKA_NONE;
	case RD_KAFKA_RESP_ERR_GROUP_MAX_SIZE_REACHED:
		not_let_in(k, m->err, rd_kafka_err2str(m->err));
		return KAFKA_NONE;
	case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
	case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
		k->link.status = err_remote("group %s: %s", k->conf.group, rd_kafka_message_errstr(m));
		return KAFKA_FAILED;
	default:
		break;
	}
	if (rd_kafka_fatal_error(k->rk, NULL, 0) != 0) {
		k->link.status = err_temp("%s", rd_kafka_message_errstr(m));
		return KAFKA_FAILED;
	}
	return KAFKA_NONE;	/* the library tries again by itself */
}

/* Nothing came: is that because nobody is there, or a topic is gone? */
static enum kafka_got
idle(struct kafka *k)
{
	time_t t = kafka_link_now();

	if (k->link.status != 0)
		return KAFKA_FAILED;
	if (k->link.down != 0 && k->conf.patience > 0 && t - k->link.down >= k->conf.patience) {
		k->link.status = err_temp("%s: no broker answers for %u s", k->conf.brokers, k->conf.patience);
		return KAFKA_FAILED;
	}
	if (k->outside != 0 && k->conf.patience > 0 && t - k->since >= k->conf.patience) {
		k->link.status = err_temp("group %s: it does not let us in", k->conf.group);
		return KAFKA_FAILED;
	}
	if (k->doubt == 0 || t == k->asked)
		return KAFKA_NONE;
	k->asked = t;
	for (size_t i = 0; i < k->n_topics; i++) {
		int n = ask_topic(k, k->topic[i], ASK_MS);

		if (n == 0 && t - k->doubt >= DOUBT_SECONDS)
			k->link.status = err_remote("topic %s: it is gone", k->topic[i]);
		if (k->link.status != 0)
			return KAFKA_FAILED;
		if (n <= 0)
			return KAFKA_NONE;
	}
	k->doubt = 0;
	k->link.status = start_anew(k);
	return k->link.status == 0 ? KAFKA_NONE : KAFKA_FAILED;
}

/*
 * Once its queue was full the library sleeps for up to a second before it fetches again, however soon there is room
 * (fetch.queue.backoff.ms came with 2.2).  Any question to a broker ends that sleep.
 */
static void
wake_one(struct kafka *k)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct kafka_part *p = &k->part[k->q.part = (k->q.part + 1) % k->n];

		if (p->ours && p->on && !p->ended) {
			kafka_wake_ask(k->wake, p->topic, p->id);
			return;
		}
	}
}

/*
 * Do the brokers have more than the library has fetched, as far as they have told?  Else its next question is on its
 * way already and waits there for news, and ours would wait behind it.
 */
static bool
more_to_fetch(const struct kafka *k, size_t there)
{
	uint64_t left = 0;

	for (size_t i = 0; i < k->n; i++) {
		const struct kafka_part *p = &k->part[i];
		int64_t high = p->ours && p->on ? kafka_high(k, i) : -1;

		left += high > p->next ? (uint64_t)(high - p->next) : 0;
	}
	return left > there + (k->taken - k->at);
}

/* Is there room again in a queue that was full?  How many bytes it has nobody tells: as what came of it. */
static void
wake_library(struct kafka *k, size_t took)
{
	size_t there = rd_kafka_queue_length(k->queue), each = k->q.messages == 0 ? 0 : k->q.bytes / k->q.messages;

	if (there + took > k->q.there) {
		k->q.most = there;
		k->q.woken = false;
	}
	k->q.there = there;
	if (k->q.woken || (k->q.most < k->q.messages_max && k->q.most * each < k->q.bytes_max / 8 * 7) ||
	    there >= k->q.messages_max / 4 * 3 || there * each >= k->q.bytes_max / 4 * 3)
		return;
	k->q.woken = true;
	if (more_to_fetch(k, there))
		wake_one(k);
}

/* Nothing is there, but there was much. */
static void
wake_idle(struct kafka *k)
{
	int64_t now = clock_ms();

	if (k->q.bytes >= DEEP_BYTES && now - k->q.ms >= WAKE_MS) {
		k->q.ms = now;
		wake_one(k);
	}
	k->q.bytes = k->q.messages = 0;
}

/*
 * The next message or NULL.  A call a message costs locks and looks at the clock; a batch is not waited for, since the
 * library would wait until it is full.
 *
 * When the group changes, the library pauses all partitions, also those that stay, and resumes behind the last message
 * that it has counted as handed out.  Before 2.1.0 (its pull request 4208) a batch that a pause came into lost what it
 * held of them, counted: such messages were never seen again.  So there a member takes one by one.
 */
static rd_kafka_message_t *
take(struct kafka *k, int timeout_ms)
{
	size_t most = k->conf.group != NULL && rd_kafka_version() < BATCHES_SAFE ? 1 : BATCH;
	ssize_t n;

	if (k->at == k->taken) {
		n = rd_kafka_consume_batch_queue(k->queue, 0, k->batch, most);
		k->at = 0;
		k->taken = n > 0 ? (size_t)n : 0;
		if (most > 1)
			wake_library(k, k->taken);
	}
	if (k->change != NULL)
		return NULL;
	if (k->at < k->taken)
		return k->batch[k->at++];
	wake_idle(k);
	if ((k->batch[0] = rd_kafka_consumer_poll(k->rk, timeout_ms)) == NULL)
		return NULL;
	k->at = k->change == NULL;
	k->taken = 1;
	return k->at == 1 ? k->batch[0] : NULL;
}

/*
 * Have topics got partitions since?  In a group the library sees to that; where an end was asked for, it stands.  False
 * too where the cluster refuses to say: k->link.status.
 */
static bool
grown(struct kafka *k)
{
	int64_t now = clock_ms();
	size_t was = k->n;

	if (now - k->looked_ms < k->grow_ms || k->conf.group != NULL || k->conf.patience > 0 || k->link.down != 0 ||
	    k->doubt != 0)
		return false;
	k->looked_ms = now;
	for (size_t i = 0; i < k->n_topics; i++) {
		int had = known_parts(k, k->topic[i]), n = ask_topic(k, k->topic[i], ASK_MS);

		if (n == -2)
			return false;
		if (n > had)
			err_warn("topic %s: it has %d partitions now, not %d", k->topic[i], n, had);
		add_parts(k, k->topic[i], had, n, true);
	}
	return k->n > was;
}

enum kafka_got
kafka_next(struct kafka *k, int timeout_ms, struct kafka_message *m)
{
	enum kafka_got got;
	rd_kafka_message_t *r;
	struct kafka_part *p;

	if (k->msg != NULL)
		rd_kafka_message_destroy(k->msg);
	k->msg = NULL;
	if (k->at == k->taken && grown(k))
		return KAFKA_GIVEN;
	if (k->link.status != 0)
		return KAFKA_FAILED;
	k->msg = r = take(k, timeout_ms);
	/* what was taken waits: of a partition that will not be ours any more it is passed over */
	if (group_change(k, &got))
		return k->link.status == 0 ? got : KAFKA_FAILED;
	if (r == NULL || k->link.status != 0)
		return idle(k);
	if (r->err != RD_KAFKA_RESP_ERR_NO_ERROR && r->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
		return trouble(k, r);
	kafka_link_alive(&k->link);
	if (!find_part(k, r, &m->part) || !(p = &k->part[m->part])->ours || !p->on)
		return KAFKA_NONE;
	m->offset = r->offset;
	if (r->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
		k->doubt = 0;
		p->ended = true;
		return KAFKA_END;
	}
	if (r->offset < p->next)
		return KAFKA_NONE;	/* told twice after a reconnection */
	k->doubt = 0;
	k->q.bytes += r->len;
	k->q.messages++;
	p->ended = false;
	p->next = r->offset + 1;
	m->value = span_of(r->payload, r->len);
	m->key = span_of(r->key, r->key_len);
	return KAFKA_MESSAGE;
}

bool
kafka_waiting(const struct kafka *k)
{
	return k->at < k->taken;
}

bool
kafka_header(const struct kafka *k, size_t i, struct span *name, struct span *value)
{
	rd_kafka_headers_t *h;
	const char *text;
	const void *p;
	size_t n;

	if (k->msg == NULL || rd_kafka_message_headers(k->msg, &h) != RD_KAFKA_RESP_ERR_NO_ERROR ||
	    rd_kafka_header_get_all(h, i, &text, &p, &n) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return false;
	*name = span_str(text);
	*value = span_of(p, n);
	return true;
}
