/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wh-alert - events in; SMS, mail, webhooks and programs out; spooled, never lost
 *
 * Path:   files or stdin -> run/alert -> edge/outbox (durable), edge/told -> edge/route -> gateway, mail server,
 *         webhook, program
 * Memory: one event.
 * What could not be delivered stays in the spool and is tried again by the next call, in a barrier job at the end of
 * each epoch: a receiver that is away stops nothing there.
 */
#include <stdlib.h>

#include "run/alert.h"
#include "run/state_path.h"

struct state {
	const char *config, *spool, *timeout, *dedupe;
	uint64_t tries;
	struct alert *alert;
};

#define AT(field) offsetof(struct state, field)
static const struct opt opts[] = {
	{ 0, "config", OPT_TEXT, AT(config), "FILE", "routes: SEVERITY sms|mail|webhook|exec WORD..." },
	{ 0, "dedupe", OPT_TEXT, AT(dedupe), "DUR", "tell the same alert once within it, then how often it came" },
	{ 0, "spool", OPT_TEXT, AT(spool), "DIR", "where events wait ($PIPEHOUSE_STATE/alert)" },
	{ 0, "timeout", OPT_TEXT, AT(timeout), "DUR", "longest time of one delivery (10s)" },
	{ 0, "tries", OPT_COUNT, AT(tries), "N", "tries of one delivery in a call (3)" },
	{ 0 }
};

/* A duration of the clock, within bounds, in ms. */
static int
take_ms(struct ctx *c, const char *text, const char *what, int64_t most_s, int64_t *ms)
{
	struct dur d;
	int rc;

	if (text == NULL)
		return 0;
	if ((rc = ctx_dur(c, text, what, &d)) != 0)
		return rc;
	if (d.us < 1000 || d.us > most_s * US_PER_SEC)
		return ctx_usage(c, "%s: from 1ms to %lldh", what, (long long)(most_s / 3600));
	*ms = d.us / 1000;
	return 0;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct alert_conf conf = { .config = st->config };
	struct buf spool = { 0 };
	int64_t timeout = 10000;
	int rc;

	if (st->config == NULL)
		return ctx_usage(c, "--config is needed");
	if ((rc = ctx_outside(c)) != 0)
		return rc;
	if ((rc = take_ms(c, st->timeout, "--timeout", 3600, &timeout)) != 0 ||
	    (rc = take_ms(c, st->dedupe, "--dedupe", 31 * 86400, &conf.window_ms)) != 0)
		return rc;
	st->tries = st->tries == 0 ? 3 : st->tries;
	if (st->spool != NULL)
		buf_str(&spool, st->spool);
	else if (ctx_in_job(c))		/* calls on one spool take turns, and a job's does not end */
		buf_fmt(&spool, "%s/alert", getenv("PIPEHOUSE_JOB"));
	else if (!state_path("alert", &spool))
		return ctx_usage(c, "where do events wait? --spool or PIPEHOUSE_ROOT");
	conf.spool = buf_cstr(&spool);
	conf.timeout_ms = (unsigned)timeout;
	rc = alert_open(c, &conf, &st->alert);
	buf_free(&spool);
	return rc;
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	bool any = false;
	int rc = 0;

	(void)c;
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		struct span severity = alert_severity(b->line[i]);

		if (severity.n == 0) {
			batch_reject(b, i, "severity: not ok, warn or fail");
			continue;
		}
		b->fate[i] = span_is(severity, "ok") ? F_DROP : F_USED;
		if (b->fate[i] == F_USED)
			rc = alert_put(st->alert, b->line[i]);
		any = any || b->fate[i] == F_USED;
	}
	/* all of them are safe; now at once, and what does not go is tried again at the end */
	return rc == 0 && any ? alert_round(st->alert, 1, false) : rc;
}

/* The end of an epoch; a replay tells its events again. */
static int
mark(struct ctx *c, void *arg, const struct mark *m)
{
	(void)c;
	(void)m;
	return alert_round(((struct state *)arg)->alert, 1, false);
}

static int
finish(struct ctx *c, void *arg, int status)
{
	struct state *st = arg;
	struct alert_counts n = { 0 };
	int rc = 0;

	if (st->alert != NULL && !ctx_stopped(c))
		rc = alert_round(st->alert, st->tries, true);
	if (st->alert != NULL)
		n = alert_counts(st->alert);
	if (rc == 0 && n.waiting > 0 && !ctx_in_job(c))
		rc = err_temp("%llu events wait to be delivered", (unsigned long long)n.waiting);
	ctx_note(c, "delivered", n.delivered);
	ctx_note(c, "suppressed", n.suppressed);
	alert_close(st->alert);
	return status == 0 ? rc : status;
}

static const struct command cmd = {
	.name = "wh-alert", .what = "events to SMS, mail, webhooks and programs, spooled",
	.synopsis = "--config FILE [--dedupe DUR] [--spool DIR] [FILE ...]",
	.opts = opts, .state_bytes = sizeof(struct state), .is = CMD_EFFECT | CMD_EPOCHS,
	.par = PAR_SERIAL, .set_up = set_up, .batch = batch, .mark = mark, .finish = finish,
};

int
main(int argc, char *argv[])
{
	return run_main(argc, argv, &cmd);
}
