/* SPDX-License-Identifier: BSD-2-Clause */
/* fold - see fold.h */
#include <stdlib.h>

#include "base/limits.h"
#include "run/ctx.h"
#include "run/fold.h"
#include "store/compact.h"

#define STEP 16

/* Files of a day of more than a 16th of a step's half, and at most its half: two of them fit into one of that step. */
static size_t
of_step(const struct day *d, uint64_t step)
{
	size_t n = 0;

	for (size_t i = 0; d != NULL && i < d->n; i++) {
		uint64_t twice = 2 * d->file[i].bytes;

		n += twice <= step && (twice > step / STEP || step == MIB / 2);
	}
	return n;
}

static int
fold_day(struct fold *f, struct table *t, const char *day)
{
	struct buf said = { 0 }, *held = err_hold(&said);
	int rc = 0;

	/* 512 KiB, 8 MiB, 128 MiB */
	for (uint64_t step = MIB / 2; rc == 0 && step <= FOLD_BYTES; step *= STEP) {
		size_t left = of_step(live_day(t->live, day), step);

		/* as many as there were: others may add to the day as fast as this takes away */
		while (rc == 0 && left > f->most && !run_stop) {
			struct compact_did did = { 0 };
			size_t less;

			rc = compact_day(t, day, NULL, &(struct compact_conf){ .target = step }, &did);
			if (rc != 0 || did.files == 0)
				break;
			f->files += did.files;
			less = did.files - did.made;
			left -= less < left ? less : left;
		}
	}
	err_hold(held);
	/* another member of the group was first: nothing was asked for, and nothing is amiss */
	if (rc != EXIT_TEMP)
		err_release(&said);
	buf_free(&said);
	return rc == EXIT_TEMP ? 0 : rc;
}

int
fold_small(struct fold *f, struct table *t)
{
	uint64_t head = t->live->head;
	struct day **day;
	char **name;
	size_t n, some = 0;
	int rc = 0;

	if (f->most == 0 || t->meta.kind == KIND_UPSERT)
		return 0;
	day = live_days(t->live, &n);
	name = mem_array(NULL, n + 1, sizeof *name);
	/* copied: the state moves on with each commit */
	for (size_t i = 0; i < n; i++)
		if (day[i]->touched > f->seen && day[i]->n > f->most)
			name[some++] = mem_str(day[i]->name);
	free(day);
	for (size_t i = 0; i < some; i++) {
		if (rc == 0)
			rc = fold_day(f, t, name[i]);
		free(name[i]);
	}
	free(name);
	f->seen = head;
	return rc;
}
