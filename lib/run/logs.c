/* SPDX-License-Identifier: BSD-2-Clause */
/* logs - see logs.h; as the source of a barrier job: logs_job.c */
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "run/ctx.h"
#include "run/logs_own.h"

/* Read all files from their spots; the rows go to one commit, with the new positions. */
static int
feed_all(struct logs *l)
{
	struct ctx *c = l->ctx;
	/* a run has one commit: its positions are not in the log before it is published */
	bool stored = l->dest->table != NULL, rounds = stored && ctx_run_dir(c) == NULL;
	uint64_t taken = 0;
	char to[SPOT_BYTES];
	int rc = 0;

	l->more = false;
	for (size_t i = 0; rc == 0 && i < l->from.n && !ctx_stopped(c); i++) {
		struct input *x = &l->from.in[i];
		uint64_t from = x->tail.offset;
		bool known = stored && x->fd != 0, moved = false;

		if (rounds && x->fd > 0) {
			l->more = taken >= l->bytes;
			if (l->more)
				break;
			x->tail.most = l->bytes - taken;
		}
		if (x->fd != -1 && ((rc = dest_source(l->dest, known ? x->spot.app : NULL)) != 0 ||
		    (rc = tail_feed(c, &x->tail)) != 0))
			break;
		taken += x->tail.offset - from;
		l->more = x->fd != -1 && !x->tail.ended;
		sources_torn(&l->from, x);
		if (x->tail.left > 0 && (l->pattern == NULL || l->until))
			err_warn("%s:%llu: the last line is not whole: left for the next time", x->path,
			    (unsigned long long)x->tail.line + 1);
		if (known && (l->pattern != NULL || x->tail.offset > from) &&
		    (rc = sources_to(&l->from, x, to, &moved)) == 0 && moved)
			dest_moved(l->dest, x->spot.app, x->spot.from, to, x->epoch);
	}
	return rc;
}

void
logs_measure(struct logs *l)
{
	struct stat st;

	l->behind = 0;
	for (size_t i = 0; i < l->from.n; i++) {
		const struct input *x = &l->from.in[i];

		if (x->fd > 0 && !x->spot.packed && fstat(x->fd, &st) == 0 && (uint64_t)st.st_size > x->tail.offset)
			l->behind += (uint64_t)st.st_size - x->tail.offset;
	}
}

void
logs_lags(void *src, struct meter *m)
{
	const struct logs *l = src;

	m->logs = true;
	m->files_lost = l->from.lost;
	m->files_missed = l->from.missed;
	meter_lag(m, l->pattern == NULL ? "files" : l->pattern, l->behind);
}

/* One commit's worth. */
static int
round_once(struct logs *l)
{
	struct sources *from = &l->from;
	struct table *t = l->dest->table;
	int rc;

	l->more = false;
	if ((rc = sources_open(from, l->ctx, l->pattern, t != NULL)) != 0 || t == NULL)
		return rc != 0 ? rc : dest_end(l->dest, feed_all(l));
	/* found, fenced, and found again: behind the fence no position moves */
	if ((rc = dest_follow(l->dest)) != 0 || (rc = sources_find(from, t)) != 0 || from->n == 0 ||
	    (rc = sources_fence(from, t)) != 0 || (rc = dest_fenced(l->dest)) != 0 ||
	    (rc = sources_find(from, t)) != 0 || from->n == 0 || (rc = dest_begin(l->dest)) != 0)
		return rc;
	return dest_end(l->dest, feed_all(l));
}

void
logs_note(struct logs *l)
{
	ctx_note(l->ctx, "files_lost", l->from.lost);
	ctx_note(l->ctx, "files_missed", l->from.missed);
}

int
logs_work(struct logs *l)
{
	bool on = l->pattern != NULL && !l->until;
	time_t s = (time_t)(l->every_ms / 1000);
	long ns = (long)(l->every_ms % 1000) * 1000000;
	int rc;

	if (l->meter != NULL) {
		l->meter->lags = logs_lags;
		l->meter->src = l;
	}
	l->from.keep = on;
	l->from.cut_new = l->cut_new;
	do {
		uint64_t was = l->dest->commit;

		rc = round_once(l);
		if (rc == 0 && l->dest->commit != was)
			meter_commit(l->meter);
		logs_measure(l);
		meter_look(l->meter, ctx_stopped(l->ctx) || (!on && !l->more));
		sources_close(&l->from);
		if (rc == 0 && l->from.cut > 0)
			rc = EXIT_INPUT;	/* said; the others were read */
		if (rc == 0 && on && !l->more && !ctx_stopped(l->ctx))
			nanosleep(&(struct timespec){ s, ns }, NULL);
	} while (rc == 0 && (on || l->more) && !ctx_stopped(l->ctx));
	logs_note(l);
	/* what was read is committed, the rest is where it was: for a log that goes on that is its end */
	return rc == 0 && ctx_stopped(l->ctx) && !on ? err_temp("stopped by a signal") : rc;
}

int
logs_batch(struct logs *l, const struct batch *b)
{
	return l->held != NULL ? gathered_put(l->held, b, NULL) : dest_put(l->dest, b, NULL);
}

void
logs_free(struct logs *l)
{
	sources_free(&l->from);
	logs_forget(l);
	free(l->at);
	l->at = NULL;
}
