/* SPDX-License-Identifier: BSD-2-Clause */
/* spill_join - see spill_join.h */
#include "run/runs.h"
#include "run/spill_join.h"

void *
spill_fork(struct ctx *c, struct spill *s)
{
	*s = (struct spill){ .c = c, .op = s->op, .st = s->op->fresh(s->st) };
	return s->st;
}

static int
add(void *arg, struct span key, struct span val)
{
	struct spill *s = arg;
	int rc = s->op->add(s->st, key, val);

	/* parts of large sets are gathered before they go: for a while they are there twice and more */
	return rc != 0 ? rc : spill_keep_to(s, spill_room(s) / 3);
}

int
spill_join(struct spill *s, struct spill *other)
{
	int rc = 0;

	/* in memory, and together still in it */
	if (s->op->join != NULL && s->runs == NULL && other->runs == NULL &&
	    s->op->bytes(s->st) + other->op->bytes(other->st) <= spill_room(s)) {
		rc = s->op->join(s->st, other->st);
	} else if (other->runs == NULL) {
		rc = other->op->save(other->st, true, add, s);
	} else {
		if (s->runs == NULL)
			s->runs = runs_new(ctx_budget(s->c) / 4);
		rc = other->op->shed(other->st, SIZE_MAX, runs_put, other->runs);
		if (rc == 0)
			rc = runs_take(s->runs, other->runs);
		runs_free(other->runs);
		other->runs = NULL;
	}
	other->op->free(other->st);
	other->st = NULL;
	return rc;
}
