/* SPDX-License-Identifier: BSD-2-Clause */
/* check_spill - keys of unique() and distinct() that outgrow memory: sorted runs on disk, counted at the end */
#include <stdlib.h>

#include "base/limits.h"
#include "cdc/spill.h"
#include "run/check_own.h"

#define FP_BYTES 16

/* Big-endian, so that byte order is numeric order. */
static void
put_fp(char out[FP_BYTES], struct fp id)
{
	for (int i = 0; i < 8; i++) {
		out[i] = (char)(unsigned char)(id.hi >> (56 - 8 * i));
		out[8 + i] = (char)(unsigned char)(id.lo >> (56 - 8 * i));
	}
}

/* All keys in memory become one run. */
static int
shed(struct check *k)
{
	struct fp *id = ids_sorted(&k->seen);
	uint64_t n = ids_count(&k->seen);
	char key[FP_BYTES];
	int rc = 0;

	if (k->spill == NULL)
		k->spill = spill_new();
	for (uint64_t i = 0; i < n && rc == 0; i++) {
		put_fp(key, id[i]);
		rc = spill_put(k->spill, span_of(key, sizeof key), span_of("", 0));
	}
	free(id);
	k->spilled += n;
	ids_free(&k->seen);
	return rc != 0 ? rc : spill_end(k->spill);
}

static bool
can_wait(const struct checks *cs, const struct check *k)
{
	/* a row that is dropped or copied for being a repeat must be known for one at once */
	return (k->kind == CHECK_UNIQUE && !cs->at_once) || (k->kind == CHECK_CHANGE && k->metric == METRIC_DISTINCT);
}

int
checks_fit(struct checks *cs, size_t budget)
{
	while (checks_bytes(cs) > budget / 2) {
		struct check *most = NULL;
		int rc;

		for (size_t i = 0; i < cs->n; i++) {
			struct check *k = &cs->v[i];

			if (can_wait(cs, k) && (most == NULL || ids_bytes(&k->seen) > ids_bytes(&most->seen)))
				most = k;
		}
		if (most == NULL || ids_bytes(&most->seen) < budget / 8) {
			if (checks_bytes(cs) <= budget)
				return 0;
			return err_io("the keys of unique() and ref() need more memory than -S lets them have"
			    " (%zu MiB)", budget / MIB);
		}
		if ((rc = shed(most)) != 0)
			return rc;
	}
	return 0;
}

int
checks_settle(struct checks *cs)
{
	for (size_t i = 0; i < cs->n; i++) {
		struct check *k = &cs->v[i];
		struct span key;
		int rc;

		k->distinct = ids_count(&k->seen);
		if (k->spill == NULL)
			continue;
		k->distinct = 0;
		if ((rc = shed(k)) != 0)
			return rc;
		for (rc = spill_begin(k->spill); rc == 0 && spill_key(k->spill, &key); rc = spill_step(k->spill))
			k->distinct++;
		if (rc != 0)
			return rc;
		/* what was new to a run, but not to the runs before it */
		if (k->kind == CHECK_UNIQUE)
			k->bad += k->spilled - k->distinct;
		spill_free(k->spill);
		k->spill = NULL;
	}
	return 0;
}
