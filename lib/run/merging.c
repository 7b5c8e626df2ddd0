/* SPDX-License-Identifier: BSD-2-Clause */
/* merging - see merging.h */
#include <sys/stat.h>

#include "op/newest.h"
#include "run/merging.h"
#include "store/ref.h"

bool
merging_lasts(const char *operand)
{
	struct stat s;

	return strncmp(operand, "wh:", 3) == 0 ||
	    (strcmp(operand, "-") != 0 && stat(operand, &s) == 0 && S_ISREG(s.st_mode));
}

int
merging_absent(const char *base)
{
	struct wh_want want = { .operand = span_str(base), .missing_ok = true };
	struct wh_files files;
	int rc;

	if (strncmp(base, "wh:", 3) != 0)
		return 0;
	if ((rc = wh_open(&want, &files)) != 0)
		return -rc;
	rc = files.n == 0;
	wh_close(&files);
	return rc;
}

void
merging_notes(struct ctx *c, const struct merge *m)
{
	struct merge_notes n;

	merge_notes(m, &n);
	ctx_note(c, "later_days", n.later_days);
	ctx_note(c, "ddl", n.ddl);
	ctx_note(c, "other_tables", n.other_tables);
	ctx_note(c, "late", n.late);
	ctx_note(c, "same_day", n.same_day);
	ctx_note(c, "incomplete", n.incomplete);
	ctx_note(c, "mixed_order", n.mixed);
	if (n.same_day > 0)
		err_warn("%llu changes are of a day that a row of the base began at, and were "
		    "taken for newer; --ord would know",
		    (unsigned long long)n.same_day);
	if (n.incomplete > 0)
		err_warn("%llu rows hold only the columns that were sent: the row before them is "
		    "not known",
		    (unsigned long long)n.incomplete);
	if (n.mixed > 0)
		err_warn("%llu keys have changes whose orders cannot be compared with each other",
		    (unsigned long long)n.mixed);
}

/* ---- in a barrier job ---- */

static void
one_change(void *arg, struct span key, const struct fold_change *f)
{
	(void)newest_put(((struct merging *)arg)->newest, key, f->ord, f->row);
}

int
merging_stream(struct ctx *c, const struct merge_conf *given, const char *keys, merge_col *col, struct merging *s)
{
	struct merge_conf conf = *given;

	conf.each = one_change;
	conf.arg = s;
	s->c = c;
	s->newest = newest_new();
	s->merge = merge_new(&conf);
	return merge_columns(s->merge, keys, col, c) == 0 ? 0 : EXIT_USAGE;
}

int
merging_batch(struct merging *s, const struct batch *b)
{
	size_t bytes = newest_op.bytes(s->newest);

	if (bytes > ctx_budget(s->c))
		return err_io("the state is %zu MiB, larger than -S: in a barrier job it stays in memory", bytes / MIB);
	return merge_batch(s->merge, b, NULL, NULL);
}

int
merging_mark(struct merging *s, const struct mark *m)
{
	return m->kind == MARK_OPEN ? 0 : newest_op.close(s->newest, INT64_MAX, ctx_host(s->c));
}
