/* SPDX-License-Identifier: BSD-2-Clause */
/* alert - see alert.h */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "edge/outbox.h"
#include "edge/route.h"
#include "edge/told.h"
#include "in/rec.h"
#include "in/scan.h"
#include "run/alert.h"

#define TEXT_CHARACTERS_MAX 300u
#define LOCK_WAIT_MS 60000u
#define FIRST_PAUSE_MS 500
#define LAST_PAUSE_MS 60000
#define SUMMARY "alert.suppressed"

enum { EVENT, SEVERITY, TENANT, TABLE, DT, NAME, VALUE, EXPECTED, TEXT, FIELDS };
static const char *const field_name[FIELDS] = {
	"event", "severity", "tenant", "table", "dt", "name", "value", "expected", "text"
};

/* A receiver that failed: when it is asked again. */
struct rest { int64_t until, pause; bool down; };

struct alert {
	struct ctx *c;
	struct alert_conf conf;
	struct routes routes;
	struct outbox *box;
	struct letter letter;
	struct rest *rest;		/* [routes.n] */
	struct alert_counts count;
	struct buf scratch, words, text;
};

int
alert_open(struct ctx *c, const struct alert_conf *conf, struct alert **out)
{
	struct alert *a = mem_new(sizeof *a);
	int rc;

	*out = a;
	a->c = c;
	a->conf = *conf;
	a->conf.config = a->conf.spool = NULL;	/* the caller's, and not needed any more */
	if ((rc = routes_read(conf->config, &a->routes)) != 0 || (rc = outbox_open(conf->spool, &a->box)) != 0)
		return rc;
	a->rest = mem_new(mem_mul(a->routes.n, sizeof *a->rest));
	return 0;
}

void
alert_close(struct alert *a)
{
	if (a == NULL)
		return;
	outbox_close(a->box);
	routes_free(&a->routes);
	free(a->rest);
	buf_free(&a->letter.text);
	buf_free(&a->scratch);
	buf_free(&a->words);
	buf_free(&a->text);
	free(a);
}

struct alert_counts
alert_counts(const struct alert *a)
{
	return a->count;
}

/* ---- what an event says ---- */

static void
fields(struct span event, struct val v[FIELDS])
{
	struct rec r;
	struct span key;
	struct val x;

	memset(v, 0, FIELDS * sizeof *v);
	for (rec_begin(&r, event); rec_next(&r, &key, &x);)
		for (int i = 0; i < FIELDS; i++)
			if (span_is(key, field_name[i]))
				v[i] = x;
}

static struct span
severity(const struct val *v)
{
	struct span s = v->tag == T_STR ? span_of(v->raw.p + 1, v->raw.n - 2) : v->raw;
	bool known = v->tag == T_STR && (span_is(s, "ok") || span_is(s, "warn") || span_is(s, "fail"));

	return span_of(s.p, known ? s.n : 0);
}

struct span
alert_severity(struct span line)
{
	struct val v[FIELDS];

	fields(line, v);
	return severity(&v[SEVERITY]);
}

/* What makes two alerts the same. */
static uint64_t
identity(struct alert *a, const struct val v[FIELDS])
{
	buf_clear(&a->words);
	for (int i = EVENT; i <= NAME; i++) {
		buf_span_add(&a->words, v[i].raw);
		buf_byte(&a->words, '\0');
	}
	return hash_fixed(buf_span(&a->words));
}

static void
say(struct alert *a, const char *before, struct val v)
{
	if (val_is_null(v))
		return;
	buf_str(&a->words, before);
	buf_span_add(&a->words, v.tag == T_STR ? val_text(v, &a->scratch) : v.raw);
}

/* `[FAIL] main ads.gmv 2026-11-20 rows: value 0 expected 1000..: text`, one line whatever the event holds. */
static struct span
make_text(struct alert *a, const struct val v[FIELDS])
{
	char masked[8 * TEXT_CHARACTERS_MAX];
	size_t n = 0, chars = 0;

	buf_clear(&a->words);
	buf_str(&a->words, span_is(severity(&v[SEVERITY]), "fail") ? "[FAIL]" : "[WARN]");
	for (int i = TENANT; i <= NAME; i++)
		say(a, " ", v[i]);
	say(a, ": value ", v[VALUE]);
	say(a, val_is_null(v[VALUE]) ? ": expected " : " expected ", v[EXPECTED]);
	say(a, ": ", v[TEXT]);
	err_mask(masked, sizeof masked, a->words.p, a->words.n);
	while (masked[n] != '\0' && (((unsigned char)masked[n] & 0xc0) == 0x80 || chars++ < TEXT_CHARACTERS_MAX))
		n++;
	buf_clear(&a->text);
	buf_add(&a->text, masked, n);
	return buf_span(&a->text);
}

/* ---- windows that are over ---- */

static void
raw_or_null(struct buf *b, const char *key, struct val v)
{
	buf_str(b, key);
	buf_span_add(b, val_is_null(v) ? span_str("null") : v.raw);
}

/* The event that says how many were held back, under an id that a crash does not change. */
static int
summary(void *arg, uint64_t alert, uint64_t n, int64_t since, struct span last)
{
	struct alert *a = arg;
	struct buf b = { 0 }, text = { 0 }, at = { 0 };
	struct val v[FIELDS];
	char id[48];
	int rc;

	if (scan_value(last, &(struct scan_conf){ 0 }, &(size_t){ 0 }) != NULL)
		return 0;	/* not what we wrote: nothing can be said of it */
	fields(last, v);
	buf_fmt(&text, "%" PRIu64 " more were held back since ", n);
	when_print(since * 1000, WHEN_RFC3339, ctx_zone(a->c), &at);
	buf_add(&text, at.p + 1, at.n - 2);	/* without its quotes */
	buf_str(&text, "; the last one: ");
	if (!val_is_null(v[TEXT]))
		buf_span_add(&text, v[TEXT].tag == T_STR ? val_text(v[TEXT], &a->scratch) : v[TEXT].raw);
	buf_str(&b, "{\"event\":\"" SUMMARY "\"");
	raw_or_null(&b, ",\"severity\":", v[SEVERITY]);
	raw_or_null(&b, ",\"tenant\":", v[TENANT]);
	raw_or_null(&b, ",\"table\":", v[TABLE]);
	raw_or_null(&b, ",\"dt\":", v[DT]);
	raw_or_null(&b, ",\"name\":", v[NAME]);
	buf_fmt(&b, ",\"value\":%" PRIu64 ",\"expected\":null,\"rows\":null,\"bad\":null,\"text\":", n);
	buf_json(&b, buf_span(&text));
	buf_fmt(&b, ",\"run\":null,\"ts\":%" PRId64 "}", clock_real_ms());
	snprintf(id, sizeof id, "%015" PRId64 "-held-%016" PRIx64, since, alert);
	rc = outbox_put_as(a->box, id, buf_span(&b));
	buf_free(&b);
	buf_free(&text);
	buf_free(&at);
	return rc;
}

/* ---- delivering ---- */

int
alert_put(struct alert *a, struct span line)
{
	return outbox_put(a->box, line);
}

/* One receiver, some tries; pauses double. */
static bool
deliver(struct alert *a, size_t i, const struct notice *n, uint64_t tries, bool last)
{
	const struct route *r = &a->routes.v[i];
	struct rest *rest = &a->rest[i];
	char why[200];

	for (uint64_t t = 1; ; t++) {
		if (route_send(r, n, a->conf.timeout_ms, why, sizeof why)) {
			*rest = (struct rest){ 0 };
			return true;
		}
		rest->pause = rest->pause == 0 ? FIRST_PAUSE_MS : rest->pause < LAST_PAUSE_MS / 2 ? 2 * rest->pause :
		    LAST_PAUSE_MS;
		rest->until = clock_ms() + rest->pause;
		if (t >= tries || ctx_stopped(a->c)) {
			if (last)
				err_warn("%s: %s: it waits", r->name, why);
			return false;
		}
		nanosleep(&(struct timespec){ rest->pause / 1000, rest->pause % 1000 * 1000000 }, NULL);
	}
}

/* Is it told already, within the window? Then it is counted, and gone. */
static int
hold_back(struct alert *a, const struct val v[FIELDS], int64_t now, bool *held)
{
	bool tell = true;
	int rc = 0;

	if (a->conf.window_ms > 0 && !span_is(v[EVENT].raw, "\"" SUMMARY "\""))
		rc = told_ask(a->box, identity(a, v), a->letter.id, a->letter.event, now, a->conf.window_ms, &tell);
	*held = !tell;
	if (rc != 0 || tell)
		return rc;
	a->count.suppressed++;
	return outbox_drop(a->box, &a->letter);
}

static int
one_letter(struct alert *a, uint64_t tries, bool last, int64_t now)
{
	struct letter *l = &a->letter;
	struct val v[FIELDS];
	struct notice n = { .id = l->id };
	bool all = true, held;
	int rc;

	if (scan_value(l->event, &(struct scan_conf){ 0 }, &(size_t){ 0 }) != NULL)
		return err_input("spool: %s is damaged", l->id);
	fields(l->event, v);
	if ((rc = hold_back(a, v, now, &held)) != 0 || held)
		return rc;
	n.text = make_text(a, v);
	for (size_t i = 0; i < a->routes.n && rc == 0; i++) {
		struct rest *rest = &a->rest[i];
		bool took = false;

		if (!route_wants(&a->routes.v[i], severity(&v[SEVERITY])) || letter_done(l, a->routes.v[i].id))
			continue;
		n.json = l->event;
		/* a receiver that is down is not asked for each event anew */
		if (!rest->down && (last || clock_ms() >= rest->until))
			took = deliver(a, i, &n, tries, last);
		rest->down = !took;
		all = all && took;
		rc = took ? letter_note(a->box, l, a->routes.v[i].id) : 0;
		a->count.delivered += took && rc == 0;
	}
	a->count.waiting += !all;
	return rc == 0 && all ? outbox_drop(a->box, l) : rc;
}

int
alert_round(struct alert *a, uint64_t tries, bool last)
{
	int64_t now;
	size_t n = 0;
	bool there;
	int rc;

	if (a->rest == NULL)	/* it was not opened well */
		return 0;
	for (size_t i = 0; i < a->routes.n; i++)
		a->rest[i].down = false;
	a->count.waiting = 0;
	rc = outbox_lock(a->box, LOCK_WAIT_MS);
	now = clock_real_ms();
	if (rc == 0)
		rc = told_due(a->box, now, summary, a);
	if (rc == 0)
		rc = outbox_list(a->box, &n);
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = outbox_get(a->box, i, &a->letter, &there);
		if (rc == 0 && there)
			rc = one_letter(a, tries, last, now);
	}
	outbox_unlock(a->box);
	return rc;
}
