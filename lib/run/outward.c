/* SPDX-License-Identifier: BSD-2-Clause */
/* outward - what holds for commands whose rows leave the warehouse (see run.h) */
#include <stdlib.h>

#include "run/run.h"
#include "store/ref.h"

int
ctx_outside(const struct ctx *c)
{
	const char *overlay = getenv("PIPEHOUSE_OVERLAY");

	(void)c;
	if (overlay != NULL && *overlay != '\0')
		return err_usage("PIPEHOUSE_OVERLAY is set: nothing leaves the overlay");
	return 0;
}

int
ctx_outward(struct ctx *c, uint64_t *rows)
{
	const char *const *file;
	size_t n = ctx_files(c, &file);
	uint64_t more;
	int rc;

	*rows = 0;
	if ((rc = ctx_outside(c)) != 0)
		return rc;
	if (ctx_run_dir(c) == NULL)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (strncmp(file[i], "wh:", 3) != 0)
			return err_usage("%s: in a run the input is wh:TABLE@D", file[i]);
		if ((rc = ref_rows(file[i], &more)) != 0)
			return rc;
		*rows += more;
	}
	return n > 0 ? 0 : err_usage("in a run the input is wh:TABLE@D, not a pipe");
}

int
ctx_outward_end(struct ctx *c, uint64_t came, uint64_t rows)
{
	if (ctx_run_dir(c) == NULL || came == rows)
		return 0;
	return err_input("%llu rows came, the commit has %llu", (unsigned long long)came, (unsigned long long)rows);
}
