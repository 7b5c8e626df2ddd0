/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wh-table - show what a table is, or say it
 *
 * Path:   the table's log -> spec lines -> stdout; FILE -> store/meta -> a commit of kind meta -> _table, its copy
 * Memory: the table's file list.
 */
#include <stdio.h>

#include "base/val.h"
#include "run/run.h"
#include "run/txn.h"
#include "store/fs.h"
#include "store/table.h"

#define SPEC_BYTES_MAX (1u << 20)

struct state { const char *name, *file; };

static const struct opt opts[] = { { 0 } };

static int
word(struct ctx *c, void *arg, const char *w)
{
	struct state *st = arg;

	if (st->name == NULL)
		st->name = w;
	else if (st->file == NULL)
		st->file = w;
	else
		return -ctx_usage(c, "'%s' is one too many", w);
	return 1;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;

	return st->name == NULL ? ctx_usage(c, "a table is required") : 0;
}

/* The spec, then what the rows had, as comments: the output is a spec again. */
static int
show(struct ctx *c, const struct table *t)
{
	struct sink *out = ctx_out(c);
	struct buf b = { 0 };
	int rc;

	if (t->live->head == 0) {
		err_warn("%s: no such table", t->name);
		return EXIT_NO;
	}
	rc = sink_add(out, span_str(t->live->meta));
	for (size_t i = 0; rc == 0 && i < t->live->n_columns; i++) {
		const struct column *col = &t->live->column[i];

		buf_clear(&b);
		buf_str(&b, "# seen ");
		buf_json(&b, span_str(col->name));
		for (unsigned k = T_NULL; k <= T_OBJ; k++)
			if ((col->types & 1u << k) != 0)
				buf_fmt(&b, " %s", val_tag_name((enum tag)k));
		rc = sink_line(out, buf_span(&b));
	}
	buf_free(&b);
	return rc;
}

static int
read_spec(const char *file, struct buf *text)
{
	bool found;
	int rc = fs_read(strcmp(file, "-") == 0 ? "/dev/stdin" : file, SPEC_BYTES_MAX, text, &found);

	if (rc == 0 && !found)
		rc = err_io("%s: no such file", file);
	/* a copy of it is made of whole lines */
	if (rc == 0 && text->n > 0 && text->p[text->n - 1] != '\n')
		buf_byte(text, '\n');
	return rc;
}

static int
work(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct buf text = { 0 };
	struct table *t = NULL;
	int rc = 0;

	if (st->file != NULL && ctx_run_dir(c) == NULL)
		rc = txn_redo();
	if (rc == 0)
		rc = table_open(span_str(st->name), st->file == NULL ? PLACE_READ : PLACE_WRITE, LOG_HEAD, &t);
	if (rc == 0 && st->file == NULL)
		rc = show(c, t);
	else if (rc == 0 && (rc = read_spec(st->file, &text)) == 0)
		rc = table_set(t, buf_span(&text), st->file);
	table_close(t);
	buf_free(&text);
	return rc;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = { .name = "wh-table", .what = "show what a table is, or say it",
	    .synopsis = "TABLE [FILE]", .opts = opts, .state_bytes = sizeof(struct state), .is = CMD_NO_INPUT,
	    .word = word, .set_up = set_up, .main = work };

	return run_main(argc, argv, &cmd);
}
