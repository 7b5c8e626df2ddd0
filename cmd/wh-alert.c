/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wh-alert - events in; SMS, webhooks and programs out; spooled, never lost
 *
 * Path:   files or stdin -> edge/outbox (durable) -> edge/route -> SMS gateway, webhook, program
 * Memory: one event.
 * What could not be delivered stays in the spool and is tried again by the next call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "edge/outbox.h"
#include "edge/route.h"
#include "in/rec.h"
#include "in/scan.h"
#include "run/run.h"
#include "run/state_path.h"

#define TEXT_CHARACTERS_MAX 300u
#define LOCK_WAIT_MS 60000u
#define FIRST_PAUSE_MS 500u

enum { SEVERITY, TENANT, TABLE, DT, NAME, VALUE, EXPECTED, TEXT, FIELDS };
static const char *const field_name[FIELDS] = { "severity", "tenant", "table", "dt", "name",
    "value",
    "expected", "text" };

struct state {
	const char *config, *spool, *timeout;
	uint64_t tries;
	struct routes routes;
	struct outbox *box;
	struct letter letter;
	unsigned timeout_ms;
	bool *down;		/* this receiver failed in this round */
	bool ending;		/* the last round, whose failures are told */
	struct buf scratch, words, text;
	uint64_t delivered, waiting;
};

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 0, "config", OPT_TEXT, AT(config), "FILE", "routes: SEVERITY sms|webhook|exec WORD..." },
	{ 0, "spool", OPT_TEXT, AT(spool), "DIR", "where events wait ($PIPEHOUSE_STATE/alert)" },
	{ 0, "timeout", OPT_TEXT, AT(timeout), "DUR", "longest time of one delivery (10s)" },
	{ 0, "tries", OPT_COUNT, AT(tries), "N", "tries of one delivery in a call (3)" },
	{ 0 }
};

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

/* A severity without its quotes; empty when it is none. */
static struct span
severity(const struct val *v)
{
	struct span s = v->tag == T_STR ? span_of(v->raw.p + 1, v->raw.n - 2) : v->raw;
	bool known = v->tag == T_STR && (span_is(s, "ok") || span_is(s, "warn") ||
	    span_is(s, "fail"));

	return span_of(s.p, known ? s.n : 0);
}

static void
say(struct state *st, const char *before, struct val v)
{
	if (val_is_null(v))
		return;
	buf_str(&st->words, before);
	buf_span_add(&st->words, v.tag == T_STR ? val_text(v, &st->scratch) : v.raw);
}

/*
 * `[FAIL] main ads.gmv 2026-11-20 rows: value 0 expected 1000..: text`, one line whatever the event
 * holds.
 */
static struct span
make_text(struct state *st, const struct val v[FIELDS])
{
	char masked[8 * TEXT_CHARACTERS_MAX];
	size_t n = 0, chars = 0;

	buf_clear(&st->words);
	buf_str(&st->words, span_is(severity(&v[SEVERITY]), "fail") ? "[FAIL]" : "[WARN]");
	for (int i = TENANT; i <= NAME; i++)
		say(st, " ", v[i]);
	say(st, ": value ", v[VALUE]);
	say(st, val_is_null(v[VALUE]) ? ": expected " : " expected ", v[EXPECTED]);
	say(st, ": ", v[TEXT]);
	err_mask(masked, sizeof masked, st->words.p, st->words.n);
	while (masked[n] != '\0' && (((unsigned char)masked[n] & 0xc0) == 0x80 ||
	    chars++ < TEXT_CHARACTERS_MAX))
		n++;
	buf_clear(&st->text);
	buf_add(&st->text, masked, n);
	return buf_span(&st->text);
}

/* One receiver, some tries; pauses double. */
static bool
deliver(struct ctx *c, struct state *st, const struct route *r, const struct notice *n,
    uint64_t tries)
{
	uint64_t ms = FIRST_PAUSE_MS;
	char why[200];

	for (uint64_t t = 1; ; t++, ms = ms < 60000 ? 2 * ms : ms) {
		struct timespec pause = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000L };

		if (route_send(r, n, st->timeout_ms, why, sizeof why))
			return true;
		if (t >= tries || ctx_stopped(c)) {
			if (st->ending)
				err_warn("%s: %s: it waits", r->name, why);
			return false;
		}
		nanosleep(&pause, NULL);
	}
}

static int
one_letter(struct ctx *c, struct state *st, uint64_t tries)
{
	struct letter *l = &st->letter;
	struct val v[FIELDS];
	struct notice n = { .id = l->id };
	bool all = true;
	int rc = 0;

	if (scan_value(l->event, &(struct scan_conf){ 0 }, &(size_t){ 0 }) != NULL)
		return err_input("spool: %s is damaged", l->id);
	fields(l->event, v);
	n.text = make_text(st, v);
	for (size_t i = 0; i < st->routes.n && rc == 0; i++) {
		const struct route *r = &st->routes.v[i];

		if (!route_wants(r, severity(&v[SEVERITY])) || letter_done(l, r->id))
			continue;
		n.json = l->event;
		/* a receiver that is down is not asked for each event anew */
		st->down[i] = st->down[i] || !deliver(c, st, r, &n, tries);
		all = all && !st->down[i];
		rc = st->down[i] ? 0 : letter_note(st->box, l, r->id);
		st->delivered += !st->down[i] && rc == 0;
	}
	st->waiting += !all;
	return rc == 0 && all ? outbox_drop(st->box, l) : rc;
}

/* Everything that waits, oldest first. */
static int
deliver_all(struct ctx *c, struct state *st, uint64_t tries)
{
	size_t n = 0;
	bool there;
	int rc;

	memset(st->down, 0, st->routes.n);
	st->waiting = 0;
	if ((rc = outbox_lock(st->box, LOCK_WAIT_MS)) == 0)
		rc = outbox_list(st->box, &n);
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = outbox_get(st->box, i, &st->letter, &there);
		if (rc == 0 && there)
			rc = one_letter(c, st, tries);
	}
	outbox_unlock(st->box);
	return rc;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct buf spool = { 0 };
	struct dur d = { .us = 10 * US_PER_SEC };
	int rc;

	if (st->config == NULL)
		return ctx_usage(c, "--config is needed");
	if (st->timeout != NULL && (rc = ctx_dur(c, st->timeout, "--timeout", &d)) != 0)
		return rc;
	if (d.us < 1000 || d.us > 3600 * US_PER_SEC)
		return ctx_usage(c, "--timeout: from 1ms to 1h");
	st->timeout_ms = (unsigned)(d.us / 1000);
	st->tries = st->tries == 0 ? 3 : st->tries;
	if (st->spool != NULL)
		buf_str(&spool, st->spool);
	else if (!state_path("alert", &spool))
		return ctx_usage(c, "where do events wait? --spool or PIPEHOUSE_ROOT");
	if ((rc = routes_read(st->config, &st->routes)) == 0 &&
	    (rc = outbox_open(buf_cstr(&spool), &st->box)) == 0)
		st->down = mem_new(st->routes.n + 1);
	buf_free(&spool);
	return rc;
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	struct val v[FIELDS];
	bool any = false;
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		fields(b->line[i], v);
		b->fate[i] = span_is(severity(&v[SEVERITY]), "ok") ? F_DROP : F_USED;
		if (severity(&v[SEVERITY]).n == 0)
			batch_reject(b, i, "severity: not ok, warn or fail");
		if (b->fate[i] == F_USED)
			rc = outbox_put(st->box, b->line[i]);
		any = any || b->fate[i] == F_USED;
	}
	/* all of them are safe; now at once, and what does not go is tried again at the end */
	return rc == 0 && any ? deliver_all(c, st, 1) : rc;
}

static int
finish(struct ctx *c, void *arg, int status)
{
	struct state *st = arg;
	int rc = 0;

	st->ending = true;
	if (st->down != NULL && !ctx_stopped(c))
		rc = deliver_all(c, st, st->tries);
	if (rc == 0 && st->waiting > 0)
		rc = err_temp("%llu events wait to be delivered", (unsigned long long)st->waiting);
	ctx_note(c, "delivered", st->delivered);
	outbox_close(st->box);
	routes_free(&st->routes);
	return status == 0 ? rc : status;
}

static const struct command cmd = {
	.name = "wh-alert", .what = "events to SMS, webhooks and programs, spooled",
	.synopsis = "--config FILE [--spool DIR] [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_EFFECT, .par = PAR_SERIAL,
	.set_up = set_up, .batch = batch, .finish = finish,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
