/* SPDX-License-Identifier: BSD-2-Clause */
/* children_mark - the control lines of a barrier job through children (see children.h) */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/clock.h"
#include "run/children_own.h"

#define LOOKS 4			/* nothing has moved at so many looks one after the other: --stalled is over */

/* ---- the thread ---- */

static bool
is_blank(const char *p, const char *lf)
{
	while (p < lf && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	return p == lf;
}

/* The control line of a child that was asked for one. */
static void
answer(struct children *ch, struct child *x, struct span line)
{
	bool asked;

	if (x->sink)
		return;
	(void)pthread_mutex_lock(&ch->lock);
	asked = ch->asked != ch->done && !x->answered && !ch->anew;
	if (asked) {
		buf_clear(&x->answer);
		buf_span_add(&x->answer, line);
		x->made = x->lines;
		x->answered = x->spoke = true;
		if (x->mute)
			(void)pthread_cond_broadcast(&ch->room);
	}
	(void)pthread_mutex_unlock(&ch->lock);
	x->lines = 0;
	if (!asked && ch->rc == 0)
		children_failed(ch, err_input("%s: a control line came that nobody had asked for", x->name));
}

/* Blank lines are no records: who reads the output counts none either. */
void
children_take(struct children *ch, struct child *x, struct span lines)
{
	const char *from = lines.p, *end = lines.p + lines.n, *lf;
	uint64_t had = ch->lines;

	for (const char *p = from; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (ch->nonce != NULL && mark_is(span_of(p, (size_t)(lf - p)), ch->nonce)) {
			children_give(ch, x, span_of(from, (size_t)(p - from)));
			answer(ch, x, span_of(p, (size_t)(lf - p)));
			from = lf + 1;
		} else if (!is_blank(p, lf)) {
			x->lines++;
			ch->lines++;
		}
	}
	if ((x->sink || x->mute) && ch->lines != had && ch->rc == 0)
		children_failed(ch, err_input("%s: it is a sink, and wrote a record", x->name));
	children_give(ch, x, span_of(from, (size_t)(end - from)));
}

void
children_over(struct children *ch, struct child *x)
{
	bool owes;

	(void)pthread_mutex_lock(&ch->lock);
	if (ch->anew)
		x->answered = true;
	owes = ch->asked != ch->done && !x->answered && !x->sink && (!x->mute || x->spoke);
	(void)pthread_mutex_unlock(&ch->lock);
	if (owes && ch->rc == 0)
		children_failed(ch, err_input("%s: it ended, and its control line did not come back", x->name));
}

bool
children_through(const struct children *ch, const struct child *x)
{
	return ch->nonce == NULL ? x->over : x->answered || x->sink ||
	    (x->mute && x->ended && !x->spoke);
}

bool
children_round_ends(struct children *ch)
{
	bool more = false;

	(void)pthread_mutex_lock(&ch->lock);
	if (ch->asked != ch->done && ch->rc == 0) {
		ch->done = ch->asked;
		ch->between = true;
		ch->deaf = true;
		ch->dirty = false;	/* the caller writes the line, and flushes */
		ch->current = 0;
		more = !ch->last;
		for (size_t i = 0; i < ch->n; i++) {
			ch->v[i].answered = false;
			if (ch->anew && more)
				atomic_store(&ch->v[i].shut, false);
		}
		(void)pthread_cond_broadcast(&ch->room);
	}
	(void)pthread_mutex_unlock(&ch->lock);
	return more;
}

void
children_tell_stalled(struct children *ch)
{
	for (size_t i = 0; i < ch->n; i++) {
		const struct child *x = &ch->v[i];

		if (children_through(ch, x) || (x->mute && x->spoke && !x->ended))
			continue;
		children_failed(ch, err_input("%s: %s, and nothing moved for %" PRId64 " ms", x->name,
		    ch->anew ? "its input ended, it did not" : "its control line did not come back",
		    ch->stalled_ms));
		return;
	}
}

/* ---- the caller ---- */

/* The account that child x is given: the one so far, and that of all that came here only this went to it. */
static void
begin_hops(struct children *ch, const struct child *x, const struct mark *m)
{
	struct mark_hop h = { .tool = span_str(MARK_BRANCH), .in = m->n, .pass = x->given, .drop = m->n - x->given };

	buf_clear(&ch->hops);
	buf_span_add(&ch->hops, m->hops);
	mark_hop(&ch->hops, &h);
}

/*
 * Under the lock: have all mute ones answered that will?  One that has answered before and closes its output has ended:
 * how, is known when it is waited for, and until then no sink may commit what it may not have.
 */
static bool
mutes_answered(const struct children *ch)
{
	for (size_t i = 0; i < ch->n; i++)
		if (ch->v[i].mute && !ch->v[i].answered && (!ch->v[i].closed || ch->v[i].spoke))
			return false;
	return true;
}

/*
 * Under the lock: until the mute ones have answered, or all have and all is out; who does not move for too long is
 * named by the thread.
 */
static void
await(struct children *ch, bool mutes)
{
	unsigned long moved = atomic_load(&ch->moves);
	const int64_t look_ms = ch->stalled_ms / LOOKS + 1;
	struct timespec till = clock_after(CLOCK_MONOTONIC, look_ms);
	int looks = 0;

	while (ch->rc == 0 && ch->done != ch->asked && !(mutes && mutes_answered(ch))) {
		if (pthread_cond_timedwait(&ch->room, &ch->lock, &till) != ETIMEDOUT)
			continue;
		looks = moved == atomic_load(&ch->moves) ? looks + 1 : 0;
		moved = atomic_load(&ch->moves);
		till = clock_after(CLOCK_MONOTONIC, look_ms);
		ch->stalled = looks >= LOOKS;
		if (ch->stalled)
			(void)eventfd_write(ch->wake, 1);
	}
}

/* Is that the line that it was given, but for its own account?  NULL, or why not. */
static const char *
unlike(const struct mark *m, const struct mark *a, struct span hops)
{
	if (a->id != m->id || a->run != m->run || a->kind != m->kind || a->now_ms != m->now_ms ||
	    a->wm_ms != m->wm_ms || !span_eq(a->from, m->from) || !span_eq(a->to, m->to) || !span_eq(a->pins, m->pins))
		return "another control line came back than it was given";
	if (a->hops.n < hops.n || memcmp(a->hops.p, hops.p, hops.n - 1) != 0)
		return "the account of the stages before it did not come back";
	return NULL;
}

/* What a child answered: its line, an account that agrees from what it was sent to what it wrote, and as many came. */
static int
check(struct children *ch, struct child *x, const struct mark *m)
{
	size_t mine = m->hops.n > 2 ? m->hops.n - 1 : 0;	/* where its own account begins */
	struct span at = { "", 0 }, rest;
	struct mark_hop h = { 0 };
	struct mark a;
	const char *why = mark_parse(buf_span(&x->answer), &a);

	begin_hops(ch, x, m);
	if (why == NULL)
		why = unlike(m, &a, buf_span(&ch->hops));
	if (why == NULL) {
		rest = span_from(a.hops, mine);
		why = mark_hops_agree(rest, &at);
		while (mark_hop_next(&rest, &h))
			;
	}
	if (why != NULL)
		return err_input("%s: epoch %" PRIu64 "%s%.*s: %s", x->name, m->id, at.n == 0 ? "" : ", ", (int)at.n,
		    at.p, why);
	if (a.n != x->made || a.n != h.pass + h.made)
		return err_input("%s: epoch %" PRIu64 ": %" PRIu64 " records came of it, its control line says %" PRIu64
		    ", its account %" PRIu64, x->name, m->id, x->made, a.n, h.pass + h.made);
	return 0;
}

/* The line for the sinks of the job, or for all others. */
static void
put_mark(struct children *ch, const struct mark *m, bool sinks)
{
	struct mark to = *m;

	for (size_t i = 0; i < ch->n && !ch->anew; i++) {
		struct child *x = &ch->v[i];

		if (x->sink != sinks)
			continue;
		begin_hops(ch, x, m);
		to.n = x->given;
		to.hops = buf_span(&ch->hops);
		mark_print(&x->fill, ch->nonce, &to);
		buf_clear(&x->answer);
	}
}

/* The line to all; what a sink commits nobody sends again: sinks hear of it when the mute ones have seen to it. */
static int
round_of_all(struct children *ch, const struct mark *m)
{
	int rc;

	put_mark(ch, m, false);
	(void)pthread_mutex_lock(&ch->lock);
	ch->last = m->kind == MARK_END;
	ch->asked++;
	(void)children_hand_over(ch);
	await(ch, true);
	if (ch->rc == 0) {
		put_mark(ch, m, true);
		(void)children_hand_over(ch);
		ch->between = ch->done == ch->asked;
	}
	await(ch, false);
	rc = ch->rc;
	(void)pthread_mutex_unlock(&ch->lock);
	return rc;
}

int
children_mark(struct children *ch, const struct mark *m)
{
	int rc;

	if (ch->anew && m->kind == MARK_OPEN)
		return 0;
	rc = round_of_all(ch, m);
	for (size_t i = 0; i < ch->n && rc == 0 && !ch->anew; i++)
		if (!ch->v[i].sink && (!ch->v[i].mute || ch->v[i].answer.n > 0))
			rc = check(ch, &ch->v[i], m);
	for (size_t i = 0; i < ch->n; i++)
		ch->v[i].given = 0;
	if (rc != 0)
		return rc;
	ctx_count_made(ch->c, ch->lines);
	ch->lines = 0;
	if (ch->anew) {
		ctx_recount(ch->c, ch->discarded, F_USED, F_DROP);
		ch->discarded = 0;
	}
	return 0;
}
