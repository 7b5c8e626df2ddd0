/* SPDX-License-Identifier: BSD-2-Clause */
/* path_fuzz - any bytes as a path and as a list of paths: a reason, or a path that is equal to itself. */
#include <stdlib.h>

#include "in/path.h"
#include "in/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
each(void *arg, struct span name, struct span path)
{
	char err[300];
	int c = pathset_add(arg, path, err, sizeof err);

	if (c != -1 && name.n > 0 && name.p == NULL)
		abort();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { (const char *)data, size };
	struct pathset *ps = pathset_new();
	char *copy = malloc(size + 1);	/* exact: ASan sees one byte more */
	char err[300] = "";
	struct scan *s;
	int c;

	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	text.p = copy;
	c = pathset_add(ps, text, err, sizeof err);
	if (c == -1 ? err[0] == '\0' : c != 0 || pathset_add(ps, text, err, sizeof err) != 0 || ps->n != 1)
		abort();
	if (c == 0 && (ps->path[0].n == 0 || ps->path[0].n > PATH_SEGS_MAX || !span_eq(ps->path[0].text, text)))
		abort();
	if (c == 0)
		(void)path_last(&ps->path[0]);
	if (path_end(text) > size)
		abort();
	(void)pathlist_each(text, each, ps);
	s = scan_new(ps, NULL);
	scan_free(s);
	pathset_free(ps);
	free(copy);
	return 0;
}
