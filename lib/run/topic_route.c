/* SPDX-License-Identifier: BSD-2-Clause */
/* topic_route - see topic_route.h */
#include "run/topic_route.h"

#include <stdlib.h>

#include "base/clock.h"

int
topic_route_open(struct topic_route *t, const char *file, struct ctx *c)
{
	struct buf bytes = { 0 };
	int rc;

	*t = (struct topic_route){ .ctx = c };
	if (file == NULL)
		return 0;
	if (!ctx_in_job(c))
		rc = route_open(file, c, &t->route);
	else if ((rc = obey_open(c, file, &t->obey, &bytes)) == 0)
		rc = route_open_bytes(file, buf_span(&bytes), c, &t->route);
	buf_free(&bytes);
	return rc == 0 && t->route->n_tables == 0 ? err_usage("%s: it leads to no topic", file) : rc;
}

/* The topics of a route, in the order of its tables. */
static int
find_topics(struct kafka_out *out, const struct route *r, size_t **topic)
{
	size_t *v = mem_array(NULL, r->n_tables + 1, sizeof *v);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->n_tables; i++)
		rc = kafka_out_topic(out, r->table[i].name, &v[i]);
	if (rc == 0)
		*topic = v;
	else
		free(v);
	return rc;
}

int
topic_route_connect(struct topic_route *t, struct kafka_out_conf *conf, struct kafka_out **out)
{
	const char **name;
	int rc;

	if (t->route == NULL)
		return kafka_out_open(conf, out);
	/* all of them at once: what each takes decides how large batches are */
	name = mem_array(NULL, t->route->n_tables, sizeof *name);
	for (size_t i = 0; i < t->route->n_tables; i++)
		name[i] = t->route->table[i].name;
	conf->topic = name;
	conf->n_topics = t->route->n_tables;
	if ((rc = kafka_out_open(conf, out)) == 0)
		rc = find_topics(*out, t->route, &t->topic);
	free(name);
	return rc;
}

const char *
topic_route_of(struct topic_route *t, const struct batch *b, size_t i, size_t *topic, int *key)
{
	const struct route_line *l;
	int k;

	*topic = 0;
	if (t->route == NULL)
		return NULL;
	if ((k = route_of(t->route, b, i)) == -1 || (l = &t->route->line[k])->to == ROUTE_NOWHERE)
		return "no route leads to a topic";
	*topic = l->to == ROUTE_ELSEWHERE ? ROUTE_AWAY : t->topic[l->to];
	if (l->key != -1)
		*key = l->key;
	return NULL;
}

/* From here on by `next`; topic: its topics. */
static void
take_over(struct topic_route *t, struct route *next, size_t *topic)
{
	free(t->topic);
	route_close(t->route);
	t->route = next;
	t->topic = topic;
}

int
topic_route_again(struct topic_route *t, struct kafka_out *out)
{
	size_t paths = ctx_paths(t->ctx)->n, *topic;
	int64_t second = clock_ms() / 1000;
	struct route *next;
	int rc;

	if (t->route == NULL || second == t->looked)
		return 0;
	t->looked = second;
	route_again(t->route, &next);
	route_rescan(t->ctx, paths);
	if (next == NULL)
		return 0;
	if ((rc = kafka_out_flush(out)) != 0 || find_topics(out, next, &topic) != 0)
		route_refuse(t->route, next);
	else
		take_over(t, next, topic);
	return rc;
}

/* Another version, at a control line: *followed, or the old one stays. */
static int
try_version(struct topic_route *t, struct kafka_out *out, struct span bytes, bool *followed)
{
	size_t paths = ctx_paths(t->ctx)->n, *topic;
	struct route *next;
	int rc;

	*followed = false;
	route_next(t->route, bytes, &next);
	route_rescan(t->ctx, paths);
	if (next == NULL)
		return 0;
	if ((rc = find_topics(out, next, &topic)) == 0) {
		take_over(t, next, topic);
		*followed = true;
	} else if (rc == EXIT_TEMP) {
		route_close(next);	/* nobody knows whether its topics are there */
	} else {
		route_refuse(t->route, next);
	}
	return rc == EXIT_TEMP ? rc : 0;
}

int
topic_route_mark(struct topic_route *t, struct kafka_out *out, const struct mark *m)
{
	struct buf bytes = { 0 };
	enum obey_what what;
	bool followed;
	int rc;

	if (t->obey == NULL)
		return 0;
	if ((rc = obey_look(t->ctx, t->obey, m, &what, &bytes)) == 0 && what != OBEY_SAME &&
	    (rc = try_version(t, out, buf_span(&bytes), &followed)) == 0) {
		if (!followed && what == OBEY_MUST)
			rc = err_remote("%s: epoch %llu went by this version, and cannot again", t->route->file,
			    (unsigned long long)m->id + 1);
		else
			rc = obey_settle(t->ctx, t->obey, followed);
	}
	buf_free(&bytes);
	return rc;
}

void
topic_route_close(struct topic_route *t)
{
	route_close(t->route);
	obey_free(t->obey);
	free(t->topic);
	*t = (struct topic_route){ 0 };
}
