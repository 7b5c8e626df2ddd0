/* SPDX-License-Identifier: BSD-2-Clause */
/* asked - see asked.h */
#include "base/limits.h"
#include "run/asked.h"
#include "store/index.h"

/* Where the time of a record stands whose table does not say. */
static const char *const times[] = { "ts", "operate_time", "create_time", "window_start" };

#define TIMES (sizeof times / sizeof *times)
_Static_assert(TIMES + 1 == ASKED_TIMES, "what the table says, then the usual ones");

/* The column of a path that is known to be one. */
static int
column(struct pathset *ps, struct span path)
{
	char err[MESSAGE_BYTES_MAX];

	return pathset_add(ps, path, err, sizeof err);
}

static bool
has_path(struct pathset *ps, const char *path)
{
	size_t n = ps->n;

	return column(ps, span_str(path)) != -1 && ps->n == n;
}

static int
set_up_time(struct ctx *c, const struct asked *a, struct asked_one *o, const struct reach_table *t)
{
	const char *text = a->conf.time != NULL ? a->conf.time : t == NULL ? NULL : t->day;
	int col, rc;

	o->time[0] = -1;
	if (text != NULL) {
		if ((rc = ctx_time(c, text, a->conf.time != NULL ? "-t" : t->name, &col, &o->unit)) != 0)
			return rc;
		o->time[0] = column(o->ask.paths, ctx_paths(c)->path[col].text);
	}
	for (size_t k = 0; k < TIMES; k++)
		o->time[k + 1] = a->conf.time == NULL ? column(o->ask.paths, span_str(times[k])) : -1;
	return 0;
}

static int
set_up_one(struct ctx *c, const struct asked *a, struct asked_one *o, const struct reach_table *t)
{
	const char *trace = t == NULL || a->conf.anywhere ? NULL : t->trace;

	o->ask.no = (size_t)(o - a->one);
	o->ask.index = index_paths(trace);
	o->ask.paths = a->conf.path != NULL || trace == NULL ? pathset_new() : index_paths(trace);
	if (a->conf.path != NULL) {
		(void)column(o->ask.paths, span_str(a->conf.path));
		if (o->ask.index != NULL && !has_path(o->ask.index, a->conf.path))
			o->ask.index = NULL;
	}
	o->ask.ids = o->ask.paths->n;
	return a->conf.timeline ? set_up_time(c, a, o, t) : 0;
}

int
asked_set_up(struct ctx *c, const struct asked_conf *conf, const struct reach *r, struct asked *a)
{
	int rc = 0;

	*a = (struct asked){ *conf, r, NULL, r->n + 1 };
	a->one = mem_new(mem_mul(a->n, sizeof *a->one));
	for (size_t i = 0; rc == 0 && i < a->n; i++)
		rc = set_up_one(c, a, &a->one[i], i == 0 ? NULL : &r->table[i - 1]);
	return rc;
}

const struct ask *
asked_of(const struct asked *a, const char *operand)
{
	const struct reach_table *t = reach_table(a->reach, operand);

	return &a->one[t == NULL ? 0 : 1 + (size_t)(t - a->reach->table)].ask;
}

struct val
asked_time(struct asked *a, const struct ask *ask, struct span line, enum unit *unit)
{
	struct asked_one *o = &a->one[ask->no];
	struct val v = { 0 };

	if (o->trace == NULL)
		o->trace = trace_new(a->conf.id, &o->ask);
	(void)trace_holds(o->trace, line);
	*unit = o->unit;
	for (size_t k = 0; k < ASKED_TIMES && val_is_null(v); k++) {
		if (o->time[k] == -1)
			continue;
		v = trace_value(o->trace, o->time[k]);
		*unit = k == 0 ? o->unit : UNIT_GUESS;
	}
	return v;
}
