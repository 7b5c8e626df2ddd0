/* SPDX-License-Identifier: BSD-2-Clause */
/* feed_types - see feed_types.h */
#include "run/feed_types.h"

#include "out/event.h"
#include "run/conf.h"

/* ---- --types ---- */

enum { TYPES_DB, TYPES_TABLE, TYPES_COLUMN, TYPES_TYPE, TYPES_KEY };

struct reading {
	struct types *types;
	struct buf text[4];		/* names of one line */
};

static const char *
place_in_key(struct val key, uint64_t *place)
{
	static const char why[] = "key is neither null nor a place from 1 to 64";

	*place = 0;
	if (val_is_null(key))
		return NULL;
	if (key.tag != T_NUM || key.raw.n > 2)
		return why;
	for (size_t k = 0; k < key.raw.n; k++) {
		if (key.raw.p[k] < '0' || key.raw.p[k] > '9')
			return why;
		*place = *place * 10 + (uint64_t)(key.raw.p[k] - '0');
	}
	return NULL;
}

static int
add_types(void *arg, const struct batch *b)
{
	struct reading *r = arg;

	for (size_t i = 0; i < b->n; i++) {
		struct span s[4];
		uint64_t place;
		const char *why = place_in_key(b->col[TYPES_KEY][i], &place);

		for (int k = TYPES_DB; k <= TYPES_TYPE; k++) {
			struct val v = b->col[k][i];

			if (v.tag != T_STR && (k != TYPES_DB || !val_is_null(v)))
				why = "table, column and type must be texts";
			else
				s[k] = v.tag == T_STR ? val_text(v, &r->text[k]) : span_of("", 0);
		}
		if (why == NULL)
			why = types_add(r->types, s[TYPES_DB], s[TYPES_TABLE], s[TYPES_COLUMN], s[TYPES_TYPE], place);
		if (why != NULL)
			batch_reject(b, i, why);
	}
	return 0;
}

int
feed_types_read(struct ctx *c, const char *operand, struct types **out)
{
	static const char *const name[] = { "db", "table", "column", "type", "key" };
	struct reading r = { .types = types_new() };
	struct pathset *ps = pathset_new();
	char err[MESSAGE_BYTES_MAX];
	struct buf path = { 0 };
	int rc;

	for (size_t k = 0; k < sizeof name / sizeof name[0]; k++)
		pathset_add(ps, span_str(name[k]), err, sizeof err);
	if ((rc = conf_path(c, operand, &path)) == 0)
		rc = ctx_read(c, path.p, ps, add_types, &r);
	buf_free(&path);
	pathset_free(ps);
	for (size_t k = 0; k < 4; k++)
		buf_free(&r.text[k]);
	*out = r.types;
	return rc;
}

/* ---- --events ---- */

int
feed_events_open(struct feed_events *e, struct ctx *c, const char *path, enum on_drift policy)
{
	*e = (struct feed_events){ .run = ctx_run_id(c), .policy = policy };
	if (path == NULL)
		return 0;
	if (strcmp(path, "-") == 0)
		return ctx_usage(c, "--events: a side output cannot be the standard output");
	return sink_append(path, &e->sink);
}

static void
put(struct feed_events *e, const struct event *ev)
{
	struct buf line = { 0 };

	if (e->sink == NULL)
		return;
	event_json(&line, ev);
	/* an error stays with the sink until it is closed */
	if (sink_line(e->sink, buf_span(&line)) == 0)
		(void)sink_flush(e->sink);
	buf_free(&line);
}

/* A JSON string's inside, without its escapes. */
static void
add_name(struct buf *b, struct span json)
{
	if (json.n >= 2 && json.p[0] == '"')
		val_unescape(span_of(json.p + 1, json.n - 2), b);
}

void
feed_events_drift(void *arg, const struct cdc_drift *d)
{
	struct feed_events *e = arg;
	struct buf table = { 0 }, column = { 0 }, text = { 0 }, was = { 0 }, is = { 0 };
	struct event ev = { .event = d->was.n == 0 ? "cdc.column" : "cdc.drift", .run = e->run };

	add_name(&table, d->db);
	if (table.n > 0)
		buf_byte(&table, '.');
	add_name(&table, d->table);
	val_unescape(d->column, &column);
	buf_json(&is, d->is);
	if (d->was.n > 0)
		buf_json(&was, d->was);
	buf_fmt(&text, "%s: ", buf_cstr(&table));
	buf_span_add(&text, buf_span(&column));
	if (d->was.n == 0)
		buf_str(&text, " is a new column: ");
	else
		buf_fmt(&text, " was %.*s, now is ", (int)d->was.n, d->was.p);
	buf_span_add(&text, d->is);
	ev.severity = d->was.n == 0 ? EVENT_OK : e->policy == DRIFT_FAIL ? EVENT_FAIL : EVENT_WARN;
	ev.table = buf_cstr(&table);
	ev.name = buf_span(&column);
	ev.value = buf_span(&is);
	ev.expected = buf_span(&was);
	ev.text = buf_span(&text);
	put(e, &ev);
	if (d->was.n > 0 && e->policy != DRIFT_FAIL)
		err_warn("%s", buf_cstr(&text));
	else if (d->was.n > 0)
		(void)err_input("%s", buf_cstr(&text));
	buf_free(&table);
	buf_free(&column);
	buf_free(&text);
	buf_free(&was);
	buf_free(&is);
}

void
feed_events_count(struct feed_events *e, const char *event, const char *name, uint64_t n, const char *text)
{
	struct buf value = { 0 };

	buf_u64(&value, n);
	put(e, &(struct event){ .event = event, .severity = EVENT_WARN, .run = e->run, .name = span_str(name),
	    .value = buf_span(&value), .text = span_str(text) });
	buf_free(&value);
}

int
feed_events_close(struct feed_events *e, int rc)
{
	int r = e->sink == NULL ? 0 : sink_close(e->sink);

	e->sink = NULL;
	return rc != 0 ? rc : r;
}
