/* SPDX-License-Identifier: BSD-2-Clause */
/* topics - see topics.h */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "out/event.h"
#include "run/ctx.h"
#include "run/sources.h"
#include "run/topics_own.h"

#define PATIENCE_SECONDS 120	/* without any broker, where an end was asked for */
#define STDOUT_BYTES MIB	/* held before they go out */
#define PIECE_BYTES BLOCK_BYTES	/* of a partition, written as they come where that is done */
#define RUSH_BYTES (16 * MIB)	/* within RUSH_MS: there is much to be read */
#define RUSH_MS 1000
#define OPEN_MS 2000		/* a commit that has been begun waits no longer for more */
#define FENCED_MS 60000		/* who has a partition of ours in a group, and the group does not say so */

/* ---- set up ---- */

int
topics_set_up(const struct topics_conf *conf, struct ctx *c, struct dest *d, struct topics **out)
{
	struct topics *t = mem_new(sizeof *t);
	int rc;

	*out = t;
	t->conf = *conf;
	t->ctx = c;
	t->dest = d;
	t->meta_col = -1;
	if ((rc = point_parse(conf->from == NULL ? "beginning" : conf->from, "--from", ctx_zone(c), &t->from)) != 0 ||
	    (conf->until != NULL && (rc = point_parse(conf->until, "--until", ctx_zone(c), &t->until)) != 0))
		return rc;
	if (conf->until != NULL && t->until.kind == POINT_BEGINNING)
		return ctx_usage(c, "--until: end, a time, or PARTITION:OFFSET,...");
	if (conf->meta == NULL)
		return 0;
	if (conf->meta[strspn(conf->meta, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] != '\0' ||
	    *conf->meta == '\0')
		return ctx_usage(c, "--meta: a name of letters, digits and _, not '%s'", conf->meta);
	json_key(&t->key, span_str(conf->meta));
	t->meta_col = ctx_col(c, span_str(conf->meta), "--meta");
	return t->meta_col == -1 ? EXIT_USAGE : 0;
}

/* All partitions, or those that came since. */
static void
name_parts(struct topics *t)
{
	struct buf b = { 0 };
	size_t was = t->n;

	t->kp = kafka_parts(t->k, &t->n);
	t->part = mem_array(t->part, t->n + 1, sizeof *t->part);
	memset(&t->part[was], 0, (t->n + 1 - was) * sizeof *t->part);
	for (size_t i = was; i < t->n; i++) {
		struct stand *p = &t->part[i];

		buf_clear(&b);
		buf_fmt(&b, "%s/%d", t->kp[i].topic, (int)t->kp[i].id);
		p->name = mem_str(buf_cstr(&b));
		buf_clear(&b);
		buf_fmt(&b, "kafka/%s/%s", kafka_cluster(t->k), p->name);
		p->app = mem_str(buf_cstr(&b));
		p->got.name = p->name;
		p->end = p->last = INT64_MAX;
	}
	buf_free(&b);
}

int
topics_open(struct topics *t)
{
	const struct kafka_conf conf = { .brokers = t->conf.brokers, .topics = t->conf.topics, .group = t->conf.group,
	    .properties = t->conf.properties, .insecure = t->conf.insecure, .stop = &run_stop,
	    .patience = t->conf.until != NULL ? PATIENCE_SECONDS : 0 };
	int rc;

	mem_reuse();
	if ((rc = kafka_open(&conf, &t->k)) != 0)
		return rc;
	name_parts(t);
	return point_check(&t->from, "--from", t->kp, t->n) || point_check(&t->until, "--until", t->kp, t->n) ?
	    EXIT_USAGE : 0;
}

void
topics_close(struct topics *t)
{
	if (t == NULL)
		return;
	if (t->k != NULL) {
		ctx_note(t->ctx, "nulls", t->nulls);
		ctx_note(t->ctx, "empty", t->empty);
		ctx_note(t->ctx, "gaps", t->gaps);
		ctx_note(t->ctx, "lost", t->lost);
	}
	kafka_close(t->k);
	for (size_t i = 0; i < t->n; i++) {
		struct stand *p = &t->part[i];

		free(p->app);
		free(p->name);
		buf_free(&p->got.text);
		free(p->got.place);
		buf_free(&p->meta);
		free(p->meta_end);
	}
	free(t->part);
	free(t->order);
	free(t->water);
	point_free(&t->from);
	point_free(&t->until);
	buf_free(&t->key);
	buf_free(&t->lines);
	buf_free(&t->scratch);
	if (t->mine != NULL)
		map_free(t->mine);
	free(t);
}

/* ---- where to begin, where to end ---- */

/* One that we begin; not one that another writer took over before we had. */
static bool
begins(const struct topics *t, size_t i)
{
	return t->kp[i].fresh && t->part[i].fenced == 0;
}

/* The log's positions of partitions that we begin; -1 where it knows none. */
static int
log_positions(struct topics *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct app *a = t->dest->table == NULL ? NULL : live_app(t->dest->table->live, t->part[i].app);
		struct stand *p = &t->part[i];
		uint64_t at;

		if (!begins(t, i))
			continue;
		p->from[0] = '\0';
		p->next = -1;
		if (a == NULL || a->to == NULL)
			continue;
		if (!opt_count(a->to, &at) || at > INT64_MAX || strlen(a->to) >= sizeof p->from)
			return err_input("%s: source %s: '%s' is no offset", t->dest->name, p->app, a->to);
		snprintf(p->from, sizeof p->from, "%s", a->to);
		p->next = (int64_t)at;
	}
	return 0;
}

/* What the point means for each partition that is ours, as offsets. */
int
topics_resolve(struct topics *t, const struct point *pt, int64_t *at)
{
	int rc = pt->kind == POINT_TIME ? kafka_times(t->k, pt->ms) : kafka_bounds(t->k);

	for (size_t i = 0; rc == 0 && i < t->n; i++)
		at[i] = point_offset(pt, &t->kp[i], pt == &t->from ? t->kp[i].low : t->kp[i].high);
	return rc;
}

/* A position that the log knows must still be there. */
int
topics_check(struct topics *t, size_t i)
{
	const struct kafka_part *k = &t->kp[i];
	struct stand *p = &t->part[i];

	if (p->next > k->high)
		return err_remote("%s: %s stands at offset %" PRId64 ", but it ends at %" PRId64 ": it was made anew",
		    p->name, t->dest->name == NULL ? "the job" : t->dest->name, p->next, k->high);
	if (p->next >= k->low)
		return 0;
	if (!t->conf.lost_ok)
		return err_remote("%s: offsets %" PRId64 " to %" PRId64 " are gone, retention was shorter than we were "
		    "away (--lost-ok goes on behind them)", p->name, p->next, k->low - 1);
	err_warn("%s: offsets %" PRId64 " to %" PRId64 " are gone and passed over", p->name, p->next, k->low - 1);
	t->lost += (uint64_t)(k->low - p->next);
	p->next = k->low;
	return 0;
}

int
topics_ends(struct topics *t, int64_t *at)
{
	int rc;

	if (t->conf.until == NULL)
		return 0;
	if ((rc = topics_resolve(t, &t->until, at)) != 0)
		return rc;
	for (size_t i = 0; i < t->n; i++) {
		struct stand *p = &t->part[i];

		if (t->kp[i].ours && !p->bound) {
			p->bound = true;
			p->last = at[i];
		}
		p->end = p->last;
	}
	return 0;
}

/*
 * Did it come to its topic when that was read already?  Then --from, which was long ago, does not mean it.  Of a group
 * another member may only just have begun with the others.
 */
static bool
came_since(const struct topics *t, size_t i)
{
	if (t->kp[i].since || t->conf.group != NULL || t->from.kind == POINT_OFFSETS)
		return t->kp[i].since;
	for (size_t k = 0; k < t->n; k++)
		if (t->part[k].from[0] != '\0' && strcmp(t->kp[k].topic, t->kp[i].topic) == 0)
			return true;
	return false;
}

static int
find_begins(struct topics *t, int64_t *at)
{
	bool some = false;
	int rc = log_positions(t);

	for (size_t i = 0; i < t->n; i++)
		some = some || (begins(t, i) && t->part[i].next == -1);
	if (rc == 0 && some)
		rc = topics_resolve(t, &t->from, at);
	else if (rc == 0)
		rc = kafka_bounds(t->k);
	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		struct stand *p = &t->part[i];

		if (!begins(t, i))
			continue;
		if (p->next != -1)
			rc = topics_check(t, i);
		else if (came_since(t, i))
			p->next = t->kp[i].low;
		else
			p->next = at[i] < t->kp[i].low ? t->kp[i].low : at[i] > t->kp[i].high ? t->kp[i].high : at[i];
	}
	return rc;
}

/* Ours, and read behind our fence: what the group gave us since is not, until begin_reading. */
static bool
begun(const struct topics *t, size_t i)
{
	return t->kp[i].ours && !t->kp[i].fresh;
}

/* Whoever read these partitions before us commits nothing more of them: those that we begin, or all of ours. */
static int
fence(struct topics *t, bool all)
{
	const char **app = mem_array(NULL, t->n + 1, sizeof *app);
	uint64_t *epoch = mem_array(NULL, t->n + 1, sizeof *epoch);
	size_t n = 0, k = 0;
	int rc;

	for (size_t i = 0; i < t->n; i++)
		if (all ? begun(t, i) : begins(t, i))
			app[n++] = t->part[i].app;
	rc = n == 0 ? 0 : fence_apps(&t->mine, t->dest->table, app, n, epoch);
	for (size_t i = 0; rc == 0 && i < t->n; i++)
		if (all ? begun(t, i) : begins(t, i))
			t->part[i].epoch = epoch[k++];
	free(app);
	free(epoch);
	return rc;
}

/* What was taken of a partition is not ours to write: who has it now reads it again. */
static void
lose(struct topics *t, size_t i)
{
	buf_clear(&t->part[i].got.text);
	t->part[i].got.n = 0;
	buf_clear(&t->part[i].meta);
	t->kp[i].ours = t->kp[i].lost = false;
}

/* In a group somebody was given the partition, and we could not hear of it yet: it is for the group to say so. */
static void
note_taken(struct topics *t, size_t i)
{
	err_warn("%s: another writer of %s has taken over: what was read since its last commit is left to it",
	    t->part[i].name, t->dest->name);
	t->part[i].fenced = clock_ms();
	t->fenced = true;
}

/*
 * Positions alone were committed, or rc says why not: were we fenced meanwhile?  By a collector, who fences everybody:
 * then once more, *again.  In a group by who was given a partition: that one is left to him, and once more without it
 * where nothing got in.  0 then, else rc.
 */
static int
fenced_meanwhile(struct topics *t, int rc, bool *again)
{
	const struct live *live = t->dest->table->live;
	bool some = false;

	if ((rc != 0 && rc != EXIT_TEMP) || dest_follow(t->dest) != 0)
		return rc;
	for (size_t i = 0; i < t->n; i++) {
		const struct app *a = live_app(live, t->part[i].app);

		if (!begins(t, i))
			continue;
		if (a != NULL && a->fence > t->part[i].epoch) {
			if (t->conf.group == NULL)
				return rc;
			note_taken(t, i);
			some = true;
		}
		some = some || live->star > t->part[i].epoch;
	}
	*again = rc != 0 && some;
	return some ? 0 : rc;
}

/* Commit positions alone: where `end` or a time was is settled once, however often we are killed. */
static int
settle_begin(struct topics *t, bool *again)
{
	struct buf said = { 0 }, *held;
	char to[24];
	bool some = false;
	int rc;

	for (size_t i = 0; i < t->n; i++)
		some = some || (begins(t, i) && t->part[i].from[0] == '\0');
	if (!some || t->from.kind == POINT_BEGINNING || ctx_run_dir(t->ctx) != NULL)
		return 0;
	if ((rc = dest_begin(t->dest)) != 0)
		return rc;
	for (size_t i = 0; i < t->n; i++) {
		if (!begins(t, i) || t->part[i].from[0] != '\0')
			continue;
		snprintf(to, sizeof to, "%" PRId64, t->part[i].next);
		dest_moved(t->dest, t->part[i].app, "", to, t->part[i].epoch);
	}
	held = err_hold(&said);
	rc = dest_end(t->dest, 0);
	err_hold(held);
	if ((rc = fenced_meanwhile(t, rc, again)) != 0)
		err_release(&said);
	buf_free(&said);
	return rc != 0 || *again ? rc : log_positions(t);
}

/* Behind our fence no position moves but by us: found, fenced, found again; then the broker is asked. */
static int
fence_and_settle(struct topics *t, int64_t *at)
{
	bool again;
	int rc = 0;

	do {
		again = false;
		if (t->dest->table != NULL && (rc = dest_follow(t->dest)) == 0 && (rc = fence(t, false)) == 0)
			rc = dest_fenced(t->dest);
		if (rc == 0 && (rc = find_begins(t, at)) == 0 && t->dest->table != NULL)
			rc = settle_begin(t, &again);
	} while (rc == 0 && again);
	return rc;
}

/*
 * In a group this is done for the partitions that it just gave us; the others are read on.  One that was taken over by
 * now is begun too, for the library must have it until the group takes it, but not read.
 */
static int
begin_reading(struct topics *t)
{
	int64_t *at = mem_array(NULL, t->n + 1, sizeof *at);
	int rc = fence_and_settle(t, at);

	if (rc == 0)
		rc = topics_ends(t, at);
	free(at);
	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		struct stand *p = &t->part[i];

		if (!t->kp[i].fresh)
			continue;
		p->done = p->next >= p->end;
		t->kp[i].next = p->next;
		t->kp[i].on = !p->done && p->fenced == 0;
	}
	if (rc == 0)
		rc = kafka_start(t->k);
	for (size_t i = 0; rc == 0 && i < t->n; i++)
		if (t->part[i].fenced != 0)
			lose(t, i);
	return rc;
}

/* ---- messages ---- */

static struct span
trimmed(struct span v)
{
	while (v.n > 0 && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t' || v.p[v.n - 1] == '\r' || v.p[v.n - 1] == '\n'))
		v.n--;
	return v;
}

static int
bad_message(struct topics *t, size_t i, int64_t offset, const char *why, struct span raw)
{
	struct where w = { t->part[i].name, (uint64_t)offset, (uint64_t)offset };

	ctx_count_in(t->ctx, 1, F_REJECT);
	return ctx_reject(t->ctx, w, why, raw);
}

/* A message of text becomes a line; one that is printed over several lines becomes one, if it is JSON. */
static int
keep(struct topics *t, size_t i, const struct kafka_message *m)
{
	const struct common *o = &t->ctx->opt;
	struct span v = trimmed(m->value);
	struct stand *p = &t->part[i];
	const char *lf, *why;
	size_t at;
	char *to;

	if (v.n == 0) {
		*(m->value.p == NULL ? &t->nulls : &t->empty) += 1;
		if (m->value.p == NULL && t->conf.nulls == NULLS_REJECT)
			return bad_message(t, i, m->offset, "null value", span_str(""));
	}
	if (m->value.p == NULL && t->conf.nulls == NULLS_KEEP)
		v = span_str("{}");
	if (v.n == 0) {
		ctx_count_in(t->ctx, 1, F_DROP);
		return 0;
	}
	if (v.n > (o->max_line > 0 ? o->max_line : LINE_BYTES_MAX))
		return bad_message(t, i, m->offset, "line longer than the limit (--max-line)", v);
	lf = memchr(v.p, '\n', v.n);
	if (lf != NULL) {
		struct scan_conf conf = { .max_string = o->max_string, .max_depth = o->max_depth,
		    .max_keys = o->max_keys };

		if ((why = scan_value(v, &conf, &at)) != NULL)
			return bad_message(t, i, m->offset, why, v);
	}
	to = messages_add(&p->got, (uint64_t)m->offset, v.n);
	memcpy(to, v.p, v.n);
	/* in valid JSON line ends stand only between tokens */
	for (size_t k = 0; lf != NULL && k < v.n; k++)
		if (to[k] == '\n' || to[k] == '\r')
			to[k] = ' ';
	to[v.n] = '\n';
	t->bytes += v.n + 1 + sizeof *p->got.place;
	topics_meta_keep(t, i, m);
	return 0;
}

static void
part_done(struct topics *t, size_t i)
{
	t->part[i].done = true;
	/* a job comes back to it: what it does not want now is passed over */
	if (t->held == NULL)
		kafka_stop(t->k, i);
}

int
topics_take(struct topics *t, const struct kafka_message *m)
{
	struct stand *p = &t->part[m->part];
	int rc;

	if (p->done)
		return 0;
	if (m->offset >= p->end) {
		p->next = p->end;
		part_done(t, m->part);
		return 0;
	}
	t->gaps += (uint64_t)(m->offset - p->next);
	if ((rc = keep(t, m->part, m)) != 0)
		return rc;
	t->fresh++;
	p->next = m->offset + 1;
	if (p->next >= p->end)
		part_done(t, m->part);
	return 0;
}

/* Nothing stands behind that offset now; before it are at most marks of transactions. */
void
topics_reached(struct topics *t, const struct kafka_message *m)
{
	struct stand *p = &t->part[m->part];

	if (p->done)
		return;
	if (m->offset > p->next)
		t->gaps += (uint64_t)(m->offset - p->next);
	p->next = m->offset > p->next ? m->offset : p->next;
	if (p->bound && (p->next >= p->end || t->until.kind == POINT_END)) {
		p->next = p->next < p->end ? p->next : p->end;
		part_done(t, m->part);
	}
}

bool
topics_all_done(const struct topics *t)
{
	bool some = false;

	/* what another writer has taken is not done because it is not ours: the group has yet to say whose it is */
	if (t->fenced)
		return false;
	for (size_t i = 0; i < t->n; i++) {
		if (t->kp[i].ours && (t->kp[i].fresh || !t->part[i].done))
			return false;
		some = some || t->kp[i].ours;
	}
	return some || (t->given && t->conf.until != NULL);
}

/* ---- groups ---- */

/*
 * Somebody fenced us.  In a group that is who was given the partition while we slept, before we could hear of it: the
 * others are ours, and what the group says next counts.  0 then, else EXIT_TEMP.
 */
static int
taken_over(struct topics *t, size_t i)
{
	if (t->conf.group == NULL)
		return err_temp("%s: another writer of %s has taken over", t->part[i].name, t->dest->name);
	note_taken(t, i);
	lose(t, i);
	return 0;
}

/* The group said whose is what: that settles it.  Where it does not, who is it that has a partition of ours? */
static int
fences_told(struct topics *t, bool change)
{
	bool still = false;
	int rc = 0;

	for (size_t i = 0; t->fenced && i < t->n; i++) {
		struct stand *p = &t->part[i];

		if (p->fenced != 0 && change && (t->kp[i].leaving || t->kp[i].fresh))
			p->fenced = 0;
		if (rc == 0 && p->fenced != 0 && clock_ms() - p->fenced > FENCED_MS)
			rc = err_temp("%s: another writer of %s has taken over, and group %s does not know", p->name,
			    t->dest->name, t->conf.group);
		still = still || p->fenced != 0;
	}
	t->fenced = still;
	return rc;
}

/* ---- where we stand in the log ---- */

/* Is it not where the log says it stands, as far as we know? */
static bool
has_moved(const struct topics *t, size_t i)
{
	const struct stand *p = &t->part[i];
	char to[24];

	snprintf(to, sizeof to, "%" PRId64, p->next);
	return begun(t, i) && strcmp(p->from, to) != 0 && (p->next > 0 || p->from[0] != '\0');
}

/* Did all positions get in? A fence may have dropped some from the commit. */
static int
still_ours(struct topics *t)
{
	int rc;

	for (size_t i = 0; i < t->n; i++) {
		const struct app *a = live_app(t->dest->table->live, t->part[i].app);
		struct stand *p = &t->part[i];
		char to[24];

		snprintf(to, sizeof to, "%" PRId64, p->next);
		if (!has_moved(t, i))
			continue;
		if (a == NULL || a->to == NULL || strcmp(a->to, to) != 0) {
			if ((rc = taken_over(t, i)) != 0)
				return rc;
			continue;
		}
		snprintf(p->from, sizeof p->from, "%s", to);
	}
	return 0;
}

static void
tell_positions(struct topics *t)
{
	char to[24];

	for (size_t i = 0; i < t->n; i++) {
		const struct stand *p = &t->part[i];

		snprintf(to, sizeof to, "%" PRId64, p->next);
		if (has_moved(t, i))
			dest_moved(t->dest, p->app, p->from, to, p->epoch);
	}
}

static bool
moved(const struct topics *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->part[i].next > 0 && has_moved(t, i))
			return true;
	return false;
}

/* A collector fences everybody: our fence is renewed, unless it was somebody who came after us that fenced us. */
static int
renew_fence(struct topics *t)
{
	const struct live *live = t->dest->table->live;
	bool old = false;
	int rc;

	for (size_t i = 0; i < t->n; i++) {
		const struct app *a = live_app(live, t->part[i].app);

		if (!begun(t, i))
			continue;
		if (a != NULL && a->fence > t->part[i].epoch) {
			if ((rc = taken_over(t, i)) != 0)
				return rc;
			continue;
		}
		old = old || live->star > t->part[i].epoch;
	}
	return old ? fence(t, true) : 0;
}

/* ---- pieces ---- */

/* Rows of one partition go through the batch function. */
static int
drain_part(struct topics *t, struct stand *p)
{
	int rc;

	t->now = p;
	rc = tail_messages(t->ctx, &p->got);
	buf_clear(&p->meta);
	return rc;
}

/*
 * May what comes be written before all of the commit is here?  Not in a group, which may take a partition away with all
 * that was read of it, and not by a route, where partitions share files.
 */
static bool
may_open(const struct topics *t)
{
	return t->dest->table != NULL && t->dest->job == NULL && t->conf.group == NULL && !t->crowded;
}

/* Is there so much to be read that it is worth while?  A commit that is begun is in the way of a collector. */
static bool
is_bulk(struct topics *t)
{
	if (!t->bulk && t->bytes >= RUSH_BYTES)
		t->bulk = t->due > 0 && clock_ms() < t->due - (int64_t)t->conf.every_ms + RUSH_MS;
	return t->bulk;
}

/* A commit begins to be written. */
static int
open_commit(struct topics *t)
{
	int rc;

	if (t->opened)
		return 0;
	if (t->dest->table != NULL && ctx_run_dir(t->ctx) == NULL &&
	    ((rc = dest_follow(t->dest)) != 0 || (rc = renew_fence(t)) != 0))
		return rc;
	rc = dest_begin(t->dest);
	t->opened = rc == 0;
	return rc;
}

/* What is held of a partition is written while it is in the cache, and while the next comes. */
static int
write_piece(struct topics *t, size_t i)
{
	struct stand *p = &t->part[i];
	int rc;

	if (p->got.text.n < PIECE_BYTES || !may_open(t) || (!t->opened && !is_bulk(t)))
		return 0;
	if (!t->pieces && t->due > clock_ms() + OPEN_MS)
		t->due = clock_ms() + OPEN_MS;
	if ((rc = open_commit(t)) == 0) {
		size_t size = p->got.text.n + p->got.n * sizeof *p->got.place;

		t->pieces = true;
		t->bytes -= size;
		t->written += size;
		dest_turn(t->dest, p->app);
		rc = drain_part(t, p);
		t->crowded = dest_crowded(t->dest);
	}
	t->broken = rc != 0;
	return rc;
}

/* ---- gathering ---- */

/* So many bytes are a commit. */
static bool
is_full(const struct topics *t)
{
	if (t->dest->table == NULL)
		return t->bytes >= STDOUT_BYTES;
	return t->bytes >= t->conf.bytes || t->bytes + t->written >= t->conf.bulk_bytes;
}

/* Hold messages until a commit is due, the end is reached, the group changes, or a signal comes. */
static int
gather(struct topics *t)
{
	bool look = true;
	int rc = 0;

	while (rc == 0 && t->event == KAFKA_NONE && !is_full(t)) {
		struct kafka_message m;
		enum kafka_got got;

		/* of messages that came together only the last is a reason to look up */
		if (look && (run_stop || topics_all_done(t) || (t->due > 0 && clock_ms() >= t->due) ||
		    (rc = fences_told(t, false)) != 0))
			break;
		got = kafka_next(t->k, POLL_MS, &m);
		look = got != KAFKA_MESSAGE || !kafka_waiting(t->k);
		if (got == KAFKA_MESSAGE) {
			if ((rc = topics_take(t, &m)) == 0)
				rc = write_piece(t, m.part);
			look = look || t->part[m.part].done;
		} else if (got == KAFKA_END) {
			topics_reached(t, &m);
		} else if (got == KAFKA_FAILED) {
			rc = kafka_status(t->k);
		} else if (got != KAFKA_NONE) {
			t->event = got;
			name_parts(t);
		} else if (t->dest->table == NULL && t->fresh > 0) {
			break;		/* nobody waits for output longer than the input idles */
		}
		if (t->due == 0 && t->fresh > 0)
			t->due = clock_ms() + (int64_t)t->conf.every_ms;
	}
	t->bulk = is_full(t) && t->bulk;
	return rc;
}

int
topics_batch(struct topics *t, const struct batch *b)
{
	struct span made[BATCH_RECORDS_MAX], *line = t->meta_col == -1 ? NULL : made;

	if (line != NULL)
		topics_meta_add(t, b, line);
	return t->held != NULL ? gathered_put(t->held, b, line) : dest_put(t->dest, b, line);
}

/* What is held goes through the batch function. */
static int
drain(struct topics *t)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		struct stand *p = &t->part[i];

		if (p->got.n == 0)
			continue;
		if (t->pieces)
			dest_turn(t->dest, p->app);
		else
			rc = dest_source(t->dest, p->app);
		if (rc == 0)
			rc = drain_part(t, p);
	}
	if (rc == 0 && t->pieces)
		rc = dest_source(t->dest, NULL);
	t->pieces = false;
	t->bytes = t->written = 0;
	t->due = 0;
	if (rc == 0 && t->dest->table == NULL)
		rc = sink_flush(ctx_out(t->ctx));
	return rc;
}

/* ---- the commit ---- */

/*
 * A commit failed for the time being.  In a group that is no failure where nothing in it was ours any more: then others
 * were given all that it held while it was under way, and we go on as in still_ours, which sees what is left of others.
 */
static int
all_taken(struct topics *t, int rc)
{
	bool some = false;

	if (rc != EXIT_TEMP || t->conf.group == NULL || ctx_run_dir(t->ctx) != NULL || dest_follow(t->dest) != 0)
		return rc;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < t->n; i++) {
			const struct app *a = live_app(t->dest->table->live, t->part[i].app);

			if (!has_moved(t, i))
				continue;
			if (a == NULL || a->fence <= t->part[i].epoch)
				return rc;
			some = true;
			if (pass == 1)
				(void)taken_over(t, i);
		}
	return some ? 0 : rc;
}

/* A collector fenced us while a commit was written, and it was refused: once more from where the log says we stand. */
static int
read_again(struct topics *t)
{
	t->again = true;
	t->bytes = t->written = t->fresh = 0;
	t->due = 0;
	for (size_t i = 0; i < t->n; i++) {
		buf_clear(&t->part[i].got.text);
		t->part[i].got.n = 0;
		buf_clear(&t->part[i].meta);
		t->kp[i].fresh = t->kp[i].ours;
	}
	return begin_reading(t);
}

/* Was it a collector alone who fenced us? */
static bool
by_collector(const struct topics *t)
{
	const struct live *live = t->dest->table->live;
	bool all = false;

	for (size_t i = 0; i < t->n; i++) {
		const struct app *a = live_app(live, t->part[i].app);

		if (begun(t, i) && a != NULL && a->fence > t->part[i].epoch)
			return false;
		all = all || (begun(t, i) && live->star > t->part[i].epoch);
	}
	return all;
}

/*
 * What dest_end says.  Where it was a collector who fenced us since this commit began that is no failure: *gone, and
 * nothing got in.  In a group that is not ours alone to say, and a job settles it by its own log.
 */
static int
end_commit(struct topics *t, bool alone, int rc, bool *gone)
{
	struct buf said = { 0 }, *held = alone ? err_hold(&said) : NULL;
	int r = dest_end(t->dest, rc);

	t->opened = false;
	if (!alone)
		return r;
	err_hold(held);
	*gone = rc == 0 && r == EXIT_TEMP && dest_follow(t->dest) == 0 && by_collector(t);
	if (!*gone)
		err_release(&said);
	buf_free(&said);
	return *gone ? 0 : r;
}

/* One commit: what was gathered; in a run all of it, for that has one commit. */
static int
commit(struct topics *t)
{
	bool run = ctx_run_dir(t->ctx) != NULL, gone = false;
	bool alone = !run && t->dest->table != NULL && t->dest->job == NULL && t->conf.group == NULL;
	int rc;

	if ((rc = open_commit(t)) != 0)
		return rc;
	rc = drain(t);
	while (rc == 0 && run && !run_stop && !topics_all_done(t))
		if ((rc = gather(t)) == 0)
			rc = drain(t);
	if (rc == 0 && run && run_stop)
		rc = err_temp("stopped by a signal");
	if (rc == 0)
		tell_positions(t);
	rc = end_commit(t, alone, rc, &gone);
	if (gone)
		return read_again(t);
	if (rc == 0)
		meter_commit(t->conf.meter);
	t->fresh = 0;
	if (rc != 0)
		return all_taken(t, rc);
	return t->dest->table != NULL && !run ? still_ours(t) : 0;
}

/* What is committed, for lag tools. */
static void
tell_group(struct topics *t)
{
	int64_t *next = mem_array(NULL, t->n + 1, sizeof *next);

	for (size_t i = 0; i < t->n; i++)
		next[i] = t->part[i].next;
	kafka_tell(t->k, next);
	free(next);
}

/* The group took these without asking, for it had not heard of us: who has them now reads what we had taken. */
static void
drop_lost(struct topics *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->kp[i].lost)
			lose(t, i);
}

void
topics_lags(void *src, struct meter *m)
{
	const struct topics *t = src;

	for (size_t i = 0; i < t->n; i++) {
		int64_t high = t->kp[i].ours ? kafka_high(t->k, i) : -1, next = t->part[i].next;

		if (high >= 0 && next >= 0)
			meter_lag(m, t->part[i].name, high > next ? (uint64_t)(high - next) : 0);
	}
}

int
topics_work(struct topics *t)
{
	bool run = ctx_run_dir(t->ctx) != NULL;
	int rc = t->conf.group == NULL ? begin_reading(t) : 0, r;

	if (t->conf.meter != NULL) {
		t->conf.meter->lags = topics_lags;
		t->conf.meter->src = t;
	}
	while (rc == 0) {
		bool over;

		rc = gather(t);
		drop_lost(t);
		over = rc != 0 || run_stop || topics_all_done(t);
		/* what was read before a broker failed is good; what stands before a bad message, not */
		if ((rc == 0 || rc == EXIT_TEMP || rc == EXIT_REMOTE) && !t->broken &&
		    (t->fresh > 0 || (over && moved(t)) || (over && run)) && (r = commit(t)) != 0)
			rc = r;
		/* the end is not reached by losing what was to be read */
		over = over && (rc != 0 || run_stop || !(t->fenced || t->again));
		t->again = false;
		if (rc == 0 && !run)
			tell_group(t);
		meter_look(t->conf.meter, over);
		if (rc == 0 && t->event != KAFKA_NONE)
			rc = fences_told(t, true);
		if (rc == 0 && t->event == KAFKA_TAKEN)
			kafka_give_up(t->k);
		if (rc == 0 && t->event == KAFKA_GIVEN) {
			t->given = true;
			rc = begin_reading(t);
		}
		t->event = KAFKA_NONE;
		if (over)
			break;
	}
	/* rows of what is not to be committed */
	return t->opened ? dest_end(t->dest, rc == 0 ? EXIT_TEMP : rc) : rc;
}

/* ---- how far behind ---- */

int
topics_lag(struct topics *t, const uint64_t *most)
{
	int64_t *at = mem_array(NULL, t->n + 1, sizeof *at);
	struct buf value = { 0 }, expected = { 0 }, text = { 0 };
	bool bad = false;
	int rc = dest_follow(t->dest);

	if (rc == 0 && (rc = log_positions(t)) == 0)
		rc = topics_resolve(t, &t->from, at);
	if (most != NULL)
		buf_fmt(&expected, "%" PRIu64, *most);
	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		const struct kafka_part *k = &t->kp[i];
		int64_t next = t->part[i].next != -1 ? t->part[i].next : at[i];
		int64_t lag = k->high > next ? k->high - next : 0;
		struct event e = { .event = "ingest.lag", .table = t->dest->name, .name = span_str(t->part[i].name) };

		e.severity = next < k->low || (most != NULL && (uint64_t)lag > *most) ? EVENT_FAIL : EVENT_OK;
		buf_clear(&value);
		buf_i64(&value, lag);
		buf_clear(&text);
		buf_fmt(&text, "%s: %" PRId64 " behind, at %" PRId64 " of %" PRId64, t->part[i].name, lag, next,
		    k->high);
		if (next < k->low)
			buf_fmt(&text, "; %" PRId64 " are gone", k->low - next);
		e.value = buf_span(&value);
		e.expected = buf_span(&expected);
		e.text = buf_span(&text);
		event_json(ctx_made_begin(t->ctx, NULL, 0), &e);
		rc = ctx_made_end(t->ctx);
		bad = bad || e.severity == EVENT_FAIL;
	}
	free(at);
	buf_free(&value);
	buf_free(&expected);
	buf_free(&text);
	return rc != 0 ? rc : bad ? EXIT_NO : 0;
}
