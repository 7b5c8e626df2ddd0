/* SPDX-License-Identifier: BSD-2-Clause */
/* lookup - see lookup.h */
#include <signal.h>
#include <stdlib.h>

#include "base/hash.h"
#include "op/pack.h"
#include "out/json.h"
#include "run/ctx.h"
#include "run/lookup.h"
#include "run/park.h"
#include "store/ref.h"

#define LOOK_US (1 * US_PER_SEC)	/* while records wait, unless --reload says otherwise */
#define BACK_OFF 6			/* after n failures one looks 2^n times less often, n at most this */

struct lookup {
	struct lookup_conf conf;
	struct dim dim;
	struct col_list key;
	int day, time;			/* columns, or -1 */
	enum unit day_unit, time_unit;
	int *old_col;			/* [dim.n_fields] of the name in the record */
	struct val *old;
	struct span *value;
	struct edit *edit;
	struct keys hashed;
	struct buf scratch, note, room;
	unsigned char *types;		/* [key.n] bits of tags met, 1 << enum tag */
	uint64_t matched, unmatched, waited, came;
	struct park *park;		/* NULL: nothing waits */
	int64_t clock;			/* that waits are measured by: the largest time met, or ours */
	int64_t next_look;		/* at DIM, by our clock */
	bool still;			/* threads share DIM: it is not read anew */
	bool job;			/* it is read when a line pins it */
	uint64_t commit;		/* then: its, once there is a table */
	uint64_t told;			/* the state that was loaded: bad rows of this commit were rejected */
	char **source;			/* names of inputs that records waited from */
	size_t n_sources;
	/* while records leave the park: where they go to */
	struct ctx *c;
	const struct batch *b;
	size_t i;
};

static volatile sig_atomic_t hung_up;

static void
on_hup(int sig)
{
	hung_up = sig;
}

/* ---- set-up ---- */

/* Of the table, and of the records that wait: where there may be some each has a half. */
static size_t
budget(struct ctx *c, const struct lookup *l)
{
	return l->conf.park_us > 0 ? ctx_budget(c) / 2 : ctx_budget(c);
}

static int
columns(struct ctx *c, struct lookup *l)
{
	const struct lookup_conf *k = &l->conf;
	int rc;

	l->day = l->time = -1;
	if ((rc = ctx_cols(c, k->keys, "-k", &l->key)) != 0)
		return rc;
	if (k->as_of != NULL && (rc = ctx_time(c, k->as_of, "--as-of", &l->day, &l->day_unit)) != 0)
		return rc;
	if (k->time != NULL && (rc = ctx_time(c, k->time, "-t", &l->time, &l->time_unit)) != 0)
		return rc;
	l->conf.dim.n_keys = l->key.n;
	l->conf.dim.budget = budget(c, l);
	if (k->dim.keys == NULL)
		l->conf.dim.keys = k->keys;
	if ((rc = dim_set_up(c, &l->dim, &l->conf.dim)) != 0)
		return rc;
	l->old_col = mem_array(NULL, l->dim.n_fields, sizeof *l->old_col);
	for (size_t f = 0; f < l->dim.n_fields; f++) {
		struct buf quoted = { 0 };

		buf_json(&quoted, l->dim.field[f].name);
		l->old_col[f] = ctx_col(c, buf_span(&quoted), "NEW");
		buf_free(&quoted);
		if (l->old_col[f] == -1)
			return EXIT_USAGE;
	}
	return 0;
}

static uint32_t
source_number(struct lookup *l, const char *name)
{
	for (size_t i = l->n_sources; i-- > 0;)
		if (strcmp(l->source[i], name) == 0)
			return (uint32_t)i;
	l->source = mem_array(l->source, l->n_sources + 1, sizeof *l->source);
	l->source[l->n_sources] = mem_str(name);
	return (uint32_t)l->n_sources++;
}

static int
watching(struct ctx *c, struct lookup *l)
{
	struct sigaction sa = { .sa_handler = on_hup, .sa_flags = SA_RESTART };

	if (!l->dim.steady && (l->conf.reload_us > 0 || l->conf.park_us > 0) && ctx_run_dir(c) == NULL)
		return ctx_usage(c, "--reload and --miss park need a DIM that can be read again: a file, a table");
	l->clock = INT64_MIN;
	if (!l->dim.steady)
		return 0;		/* in a run nothing new can come, so nothing waits */
	sigemptyset(&sa.sa_mask);
	sigaction(SIGHUP, &sa, NULL);
	if (l->conf.park_us > 0) {
		l->park = park_new(ctx_budget(c));
		l->conf.reload_us = l->conf.reload_us > 0 ? l->conf.reload_us : LOOK_US;
	}
	l->next_look = ctx_now_us(c) + l->conf.reload_us;
	return 0;
}

/* In a barrier job nothing of DIM is known before a line has said which it is. */
static int
in_job(struct ctx *c, struct lookup *l)
{
	if (strncmp(l->conf.dim.operand, "wh:", 3) != 0)
		return ctx_usage(c, "%s: in a barrier job DIM is a table, wh:TABLE: a file may change unseen",
		    l->conf.dim.operand);
	if (l->conf.reload_us > 0)
		return ctx_usage(c, "--reload: in a barrier job control lines say when DIM is read");
	l->job = true;
	l->clock = INT64_MIN;
	if (l->conf.park_us == 0 && c->rejects == NULL)
		return 0;
	l->park = park_new(ctx_budget(c));
	park_stays(l->park);
	park_note(l->park, (struct park_note){ l->clock, 0 });
	(void)source_number(l, "<stdin>");	/* the one that there is, for what was saved by another process too */
	return 0;
}

/* What a thread has for itself. */
static void
scratch(struct lookup *l)
{
	l->types = mem_new(l->key.n);
	l->old = mem_array(NULL, l->dim.n_fields, sizeof *l->old);
	l->value = mem_array(NULL, l->dim.n_fields, sizeof *l->value);
	l->edit = mem_array(NULL, l->dim.n_fields, sizeof *l->edit);
}

struct lookup *
lookup_new(struct ctx *c, const struct lookup_conf *conf, int *rc)
{
	struct lookup *l = mem_new(sizeof *l);

	l->conf = *conf;
	l->conf.dim.watch = conf->reload_us > 0 || conf->park_us > 0;
	if ((*rc = columns(c, l)) != 0 || (*rc = ctx_in_job(c) ? in_job(c, l) : watching(c, l)) != 0)
		return NULL;
	scratch(l);
	if (l->job)
		return l;
	if ((*rc = dim_read(c, &l->dim)) != 0)
		return NULL;
	l->hashed.seed = l->dim.table->seed;
	if (l->conf.dim.watch)
		ctx_serial(c);
	return l;
}

struct lookup *
lookup_thread(struct lookup *first)
{
	struct lookup *l = mem_new(sizeof *l);

	first->still = true;
	*l = *first;
	l->hashed.bytes = l->scratch = l->note = l->room = (struct buf){ 0 };
	l->matched = l->unmatched = 0;
	scratch(l);
	return l;
}

void
lookup_join(struct lookup *l, const struct lookup *thread)
{
	l->matched += thread->matched;
	l->unmatched += thread->unmatched;
	for (size_t k = 0; k < l->key.n; k++)
		l->types[k] |= thread->types[k];
}

/* ---- what a row adds ---- */

/* The values that stand under the names already; false: none does. */
static bool
gather(struct lookup *l, const struct batch *b, size_t i)
{
	bool stands = false;

	for (size_t k = 0; k < l->dim.n_fields; k++) {
		l->old[k] = b->col[l->old_col[k]][i];
		stands = stands || l->old[k].tag != T_ABSENT;
	}
	return stands;
}

/* What must be edited in a record that has l->old; row NULL: there is none. */
static size_t
edits(struct lookup *l, const struct span *row)
{
	size_t n = 0;

	dim_values(&l->dim, row, l->value);
	for (size_t k = 0; k < l->dim.n_fields; k++) {
		struct span v = l->value[k];

		if (l->conf.fill && (!val_is_null(l->old[k]) || v.n == 0 || span_is(v, "null")))
			continue;
		l->edit[n++] = (struct edit){ l->old[k], span_from(buf_span(&l->dim.field[k].key), 1), v, EDIT_SET };
	}
	return n;
}

/* Add a row's fields (all null where there is no row) to record i. */
static int
add_fields(struct ctx *c, struct lookup *l, const struct batch *b, size_t i, const struct span *row)
{
	bool stands = gather(l, b, i);
	size_t n;

	if (!l->conf.fill && !stands) {
		dim_append(&l->dim, row, b->line[i], ctx_pass_begin(c, b, i));
		return ctx_pass_end(c);
	}
	if ((n = edits(l, row)) == 0)
		return 0;
	json_edit(ctx_pass_begin(c, b, i), b->line[i], l->edit, n);
	return ctx_pass_end(c);
}

/* ---- records that wait ---- */

static int
wait_for(struct ctx *c, struct lookup *l, const struct batch *b, size_t i, int32_t day)
{
	struct where w = ctx_where(c, b, i);
	struct parked r = { .until = l->clock + l->conf.park_us, .number = w.line, .offset = w.offset, .day = day,
	    .source = source_number(l, w.source), .key = keys_at(&l->hashed, i), .line = b->line[i] };

	(void)gather(l, b, i);
	buf_clear(&l->note);
	for (size_t k = 0; k < l->dim.n_fields; k++) {
		struct val v = l->old[k];

		pack_u64(&l->note, v.raw.n == 0 ? 0 : (uint64_t)(v.raw.p - b->line[i].p));
		pack_u64(&l->note, v.raw.n);
		pack_u64(&l->note, v.tag);
		pack_u64(&l->note, v.escaped);
	}
	r.note = buf_span(&l->note);
	b->fate[i] = F_USED;		/* until it leaves */
	l->waited++;
	return park_put(l->park, &r);
}

/* One that waited passes, before record i of the batch at hand. */
static int
leave(struct lookup *l, const struct parked *r, const struct span *row)
{
	struct buf *out = ctx_made_begin(l->c, l->b, l->i);
	struct unpack u = { r->note, true };
	bool stands = false;

	for (size_t k = 0; k < l->dim.n_fields; k++) {
		uint64_t at = unpack_u64(&u), n = unpack_u64(&u);

		l->old[k].tag = (uint8_t)unpack_u64(&u);
		l->old[k].escaped = (uint8_t)unpack_u64(&u);
		if (!u.ok || at > r->line.n || n > r->line.n - at)
			return err_input("a saved state is not one of this command");
		l->old[k].raw = span_of(r->line.p + at, n);
		stands = stands || l->old[k].tag != T_ABSENT;
	}
	if (l->conf.fill || stands)
		json_edit(out, r->line, l->edit, edits(l, row));
	else
		dim_append(&l->dim, row, r->line, out);
	if (l->job)
		return ctx_made_end(l->c);
	ctx_recount(l->c, 1, F_USED, F_PASS);
	return sink_line(ctx_out(l->c), buf_span(out));
}

static int
arrived(void *arg, const struct parked *r)
{
	struct lookup *l = arg;
	struct span row;
	int rc;

	rc = join_get(l->dim.table->join, hash_seeded(r->key, l->dim.table->seed), r->key, r->day, &l->room, &row);
	if (rc != 1)
		return rc == 0 ? PARK_STAY : -EXIT_IO;
	l->matched++;
	l->came++;
	rc = leave(l, r, &row);
	return rc == 0 ? PARK_GO : -rc;
}

static int
overdue(void *arg, const struct parked *r)
{
	struct lookup *l = arg;
	int rc;

	if (r->until > l->clock)
		return PARK_STAY;
	l->unmatched++;
	if (l->conf.reject) {
		if (!l->job)
			ctx_recount(l->c, 1, F_USED, F_REJECT);
		rc = ctx_reject(l->c, (struct where){ l->source[r->source], r->number, r->offset },
		    "no row of the dimension has this key, and none came", r->line);
	} else {
		rc = leave(l, r, NULL);
	}
	return rc == 0 ? PARK_GO : -rc;
}

static int
go(struct ctx *c, struct lookup *l, const struct batch *b, size_t i, int (*pass)(struct park *, park_judge *, void *),
    park_judge *judge)
{
	if (l->park == NULL || park_count(l->park) == 0)
		return 0;
	l->c = c;
	l->b = b;
	l->i = i;
	return pass(l->park, judge, l);
}

/* ---- between batches ---- */

/* Has DIM changed? Then who waited for a row of it goes first. */
static int
refresh(struct ctx *c, struct lookup *l, const struct batch *b, bool force)
{
	bool fresh;
	int rc = dim_refresh(c, &l->dim, force, &fresh);

	if (rc != 0 || !fresh)
		return rc;
	l->hashed.seed = l->dim.table->seed;
	return go(c, l, b, 0, park_each, arrived);
}

static int
look(struct ctx *c, struct lookup *l, const struct batch *b)
{
	bool force = hung_up != 0;
	int64_t now;
	int rc;

	if (!force && l->conf.reload_us == 0)
		return 0;
	now = ctx_now_us(c);
	if (l->dim.steady && (force || now >= l->next_look)) {
		hung_up = 0;
		if ((rc = refresh(c, l, b, force)) != 0)
			return rc;
		l->next_look = now + (l->conf.reload_us << (l->dim.failed < BACK_OFF ? l->dim.failed : BACK_OFF));
	}
	if (l->park == NULL || l->time != -1)
		return 0;
	l->clock = now;
	return go(c, l, b, 0, park_first, overdue);
}

int
lookup_mark(struct ctx *c, struct lookup *l, const struct mark *m)
{
	int rc;

	if (l->park == NULL)
		return 0;
	if (m->kind == MARK_OPEN) {
		park_settle(l->park);
		l->clock = park_noted(l->park).clock;
		l->told = park_noted(l->park).commit;
		return 0;
	}
	if (l->time == -1)
		l->clock = m->now_ms * 1000;
	rc = go(c, l, NULL, 0, park_first, overdue);
	park_note(l->park, (struct park_note){ l->clock, l->commit });
	return rc;
}

/* DIM as it is now; what is bad in it was said already, if that was in an epoch that is done. */
static int
read_pinned(struct ctx *c, struct lookup *l)
{
	struct sink *rejects = c->rejects;
	int on_error = c->opt.on_error, rc;

	if (l->commit == l->told) {
		c->rejects = NULL;
		c->opt.on_error = 1;
	}
	rc = dim_again(c, &l->dim);
	c->rejects = rejects;
	c->opt.on_error = on_error;
	l->told = 0;
	return rc;
}

int
lookup_pin(struct ctx *c, struct lookup *l, const char *name, uint64_t commit)
{
	struct span table, days;
	int rc;

	if (ref_split(span_str(l->conf.dim.operand), &table, &days) != NULL || !span_is(table, name) ||
	    (l->dim.table != NULL && commit == l->commit))
		return 0;
	ref_pin(name, commit);
	l->commit = commit;
	if ((rc = read_pinned(c, l)) != 0)
		return rc;
	l->hashed.seed = l->dim.table->seed;
	return go(c, l, NULL, 0, park_each, arrived);
}

const struct op *
lookup_op(struct lookup *l, void **op_state)
{
	*op_state = l->park;
	return l->job && l->park != NULL ? &park_op : NULL;
}

/* Before a batch of a barrier job. */
static int
pinned(struct ctx *c, struct lookup *l)
{
	if (l->dim.table == NULL)
		return err_usage("%s: the job's source pins no commit of it: it must stand in PIPEHOUSE_PINS, which"
		    " pipe-run sets, or in ingest --pin", l->conf.dim.operand);
	if (l->time == -1)
		l->clock = ctx_now_us(c);
	return 0;
}

int
lookup_idle(struct ctx *c, struct lookup *l)
{
	return l->still ? 0 : look(c, l, NULL);
}

/* ---- a batch ---- */

/* Day and time of record i. NULL or a reason; *none: it has no day, so no row. */
static const char *
times(struct ctx *c, struct lookup *l, const struct batch *b, size_t i, int32_t *day, bool *none, bool *timed)
{
	const char *why = NULL;
	int64_t us;

	if (l->day != -1) {
		struct val at = b->col[l->day][i];

		if (val_is_null(at))
			*none = true;
		else if ((why = when_val_day(at, l->day_unit, ctx_zone(c), &l->scratch, day)) != NULL)
			return why;
	}
	if (l->time != -1 && (*timed = !val_is_null(b->col[l->time][i]))) {
		if ((why = when_val(b->col[l->time][i], l->time_unit, ctx_zone(c), &l->scratch, &us)) != NULL)
			return why;
		l->clock = us > l->clock ? us : l->clock;
	}
	return NULL;
}

static int
one(struct ctx *c, struct lookup *l, const struct batch *b, size_t i)
{
	bool none = l->hashed.none[i], timed = true;
	enum lookup_type type = l->conf.type;
	const char *why = NULL;
	struct span row;
	int32_t day = 0;
	int found = 0, rc;

	if ((l->day != -1 || l->time != -1) && (why = times(c, l, b, i, &day, &none, &timed)) != NULL) {
		batch_reject(b, i, why);
		return 0;
	}
	if (l->time != -1 && (rc = go(c, l, b, i, park_first, overdue)) != 0)
		return rc;
	for (size_t k = 0; k < l->key.n && l->matched == 0; k++)
		l->types[k] |= (unsigned char)(1u << b->col[l->key.col[k]][i].tag);
	if (!none)
		found = join_get(l->dim.table->join, l->hashed.hash[i], keys_at(&l->hashed, i), day, &l->room, &row);
	if (found == -1)
		return EXIT_IO;
	if (!found && !none && timed && l->park != NULL && l->conf.park_us > 0)
		return wait_for(c, l, b, i, day);
	l->matched += found == 1;
	l->unmatched += found == 0;
	if (type == LOOKUP_ANTI ? found : !found && type != LOOKUP_LEFT)
		b->fate[i] = F_DROP;
	else if (!found && l->conf.reject)
		batch_reject(b, i, none ? "a null key, which has no row in the dimension" :
		    "no row of the dimension has this key");
	else if (type < LOOKUP_SEMI)
		return add_fields(c, l, b, i, found ? &row : NULL);
	return 0;
}

int
lookup_batch(struct ctx *c, struct lookup *l, const struct batch *b)
{
	const struct join *j;
	int rc = l->job ? pinned(c, l) : l->still ? 0 : look(c, l, b);

	if (rc != 0)
		return rc;
	j = l->dim.table->join;
	keys_batch(&l->hashed, b, l->key.col, l->key.n, ctx_key_as(c), KEYS_NULL_NONE);
	for (size_t i = 0; i < b->n && i < JOIN_SLOT_AHEAD; i++)
		if (!l->hashed.none[i])
			join_prefetch(j, l->hashed.hash[i]);
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		size_t slot = i + JOIN_SLOT_AHEAD, row = i + JOIN_ROW_AHEAD;

		if (slot < b->n && !l->hashed.none[slot])
			join_prefetch(j, l->hashed.hash[slot]);
		if (row < b->n && !l->hashed.none[row])
			join_prefetch_row(j, l->hashed.hash[row]);
		if (b->fate[i] == F_PASS)
			rc = one(c, l, b, i);
	}
	return rc;
}

int
lookup_end(struct ctx *c, struct lookup *l)
{
	int rc = l->park == NULL ? 0 : refresh(c, l, NULL, false);

	if (rc == 0) {
		l->clock = INT64_MAX;
		rc = go(c, l, NULL, 0, park_first, overdue);
	}
	ctx_note(c, "matched", l->matched);
	ctx_note(c, "unmatched", l->unmatched);
	ctx_note(c, "dim_rows", join_count(l->dim.table->join));
	ctx_note(c, "state_bytes", join_bytes(l->dim.table->join));
	if (join_spilled(l->dim.table->join) > 0)
		ctx_note(c, "dim_spilled_bytes", join_spilled(l->dim.table->join));
	if (l->dim.conf.share)
		ctx_note(c, "dim_shared", l->dim.table->map != NULL);
	if (l->dim.loads > 1)
		ctx_note(c, "dim_loads", l->dim.loads);
	if (l->park != NULL) {
		ctx_note(c, "parked", l->waited);
		ctx_note(c, "parked_came", l->came);
		ctx_note(c, "parked_most", park_most(l->park));
		ctx_note(c, "spilled_bytes", park_spilled(l->park));
	}
	if (l->matched == 0)
		dim_warn_types(&l->dim, l->key.name, l->types);
	return rc;
}
