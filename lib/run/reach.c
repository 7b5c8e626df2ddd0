/* SPDX-License-Identifier: BSD-2-Clause */
/* reach - see reach.h */
#include <stdlib.h>

#include "run/ctx.h"
#include "run/reach.h"
#include "store/fs.h"
#include "store/ref.h"
#include "store/table.h"

struct settle {
	struct ctx *c;
	const struct reach_conf *conf;
	char from[WHEN_DAY_BYTES], to[WHEN_DAY_BYTES];
	char **file;
	size_t n;
	struct reach *r;
};

static void
add(struct settle *s, char *operand)
{
	s->file = mem_array(s->file, s->n + 2, sizeof *s->file);
	s->file[s->n++] = operand;
	s->file[s->n] = NULL;
}

/* The days within, as one range: first and last that are there. */
static void
add_days(struct settle *s, const struct table *t)
{
	const char *first = NULL, *last = NULL;
	struct buf name = { 0 };
	struct day **day;
	size_t n;

	day = live_days(t->live, &n);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(day[i]->name, s->from) < 0 || strcmp(day[i]->name, s->to) > 0)
			continue;
		first = first == NULL ? day[i]->name : first;
		last = day[i]->name;
	}
	if (first != NULL) {
		buf_fmt(&name, "wh:%s@%s..%s", t->name, first, last);
		add(s, mem_str(buf_cstr(&name)));
	}
	buf_free(&name);
	free(day);
}

/* Where trace ids stand: where the spec says, else in the column of that name, if rows had it. */
static const char *
trace_of(const struct table *t)
{
	bool seen = t->meta.traced;

	for (size_t i = 0; !seen && i < t->live->n_columns; i++)
		seen = strcmp(t->live->column[i].name, META_TRACE) == 0;
	return seen ? t->meta.trace : NULL;
}

static void
know(struct settle *s, const struct table *t)
{
	const char *trace = trace_of(t);
	struct reach *r = s->r;

	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->table[i].name, t->name) == 0)
			return;
	r->table = mem_array(r->table, r->n + 1, sizeof *r->table);
	r->table[r->n++] = (struct reach_table){ mem_str(t->name), t->meta.kind,
	    t->meta.day == NULL ? NULL : mem_str(t->meta.day), trace == NULL ? NULL : mem_str(trace) };
}

static bool
limited(const struct settle *s)
{
	return s->conf->from != NULL || s->conf->to != NULL;
}

static int
one_operand(struct settle *s, char *operand)
{
	struct span name, days;
	struct table *t;
	const char *why;
	int rc;

	if (strncmp(operand, "wh:", 3) != 0) {
		add(s, operand);
		return 0;
	}
	if ((why = ref_split(span_str(operand), &name, &days)) != NULL)
		return ctx_usage(s->c, "'%s': %s", operand, why);
	if (days.n > 0 && limited(s))
		return ctx_usage(s->c, "--from and --to go with tables without days: '%s'", operand);
	if ((rc = table_open(name, PLACE_READ, LOG_HEAD, &t)) != 0)
		return rc;
	know(s, t);
	if (limited(s) && t->live->head > 0)
		add_days(s, t);
	else
		add(s, operand);
	table_close(t);
	return rc;
}

static int
all_tables(struct settle *s)
{
	struct fs_names l;
	int rc = table_list(&l);

	for (size_t i = 0; rc == 0 && i < l.n; i++) {
		struct buf name = { 0 };

		buf_fmt(&name, "wh:%s", l.v[i]);
		rc = one_operand(s, mem_str(buf_cstr(&name)));
		buf_free(&name);
	}
	fs_names_free(&l);
	return rc;
}

static int
limit(struct settle *s)
{
	int32_t from = 0, to = 0;
	int rc;

	memcpy(s->from, "0000-00-00", sizeof s->from);
	memcpy(s->to, "9999-99-99", sizeof s->to);
	if (s->conf->from != NULL) {
		if ((rc = ctx_day(s->c, s->conf->from, "--from", &from)) != 0)
			return rc;
		day_print(from, s->from);
	}
	if (s->conf->to != NULL) {
		if ((rc = ctx_day(s->c, s->conf->to, "--to", &to)) != 0)
			return rc;
		day_print(to, s->to);
	}
	return strcmp(s->from, s->to) <= 0 ? 0 : ctx_usage(s->c, "--from is after --to");
}

int
reach_settle(struct ctx *c, const struct reach_conf *conf, struct reach *r)
{
	struct settle s = { .c = c, .conf = conf, .r = r };
	int rc;

	*r = (struct reach){ .limited = limited(&s) };
	if ((rc = limit(&s)) != 0)
		return rc;
	if (c->n_files == 0 && !conf->all)
		return limited(&s) ? ctx_usage(c, "--from and --to need a table") : 0;
	if (c->n_files == 0)
		rc = all_tables(&s);
	for (size_t i = 0; rc == 0 && i < c->n_files; i++)
		rc = one_operand(&s, c->file[i]);
	if (rc == 0 && s.n == 0) {
		/* no day within: nothing to read, and standard input is not meant */
		add(&s, mem_str("/dev/null"));
	}
	if (rc == 0) {
		c->file = s.file;
		c->n_files = s.n;
	}
	return rc;
}

const struct reach_table *
reach_table(const struct reach *r, const char *source)
{
	struct span name, days;

	if (strncmp(source, "wh:", 3) != 0 || ref_split(span_str(source), &name, &days) != NULL)
		return NULL;
	for (size_t i = 0; i < r->n; i++)
		if (span_is(name, r->table[i].name))
			return &r->table[i];
	return NULL;
}
