/* SPDX-License-Identifier: BSD-2-Clause */
/* logs_at - how far a barrier job got in each of its files (see logs.h, logs_own.h) */
#include <stdlib.h>

#include "in/rec.h"
#include "run/logs_own.h"

static void
clear(struct log_at *a)
{
	free(a->app);
	free(a->name);
	free(a->spot);
	free(a->path);
}

void
logs_forget(struct logs *l)
{
	for (size_t i = 0; i < l->n_at; i++)
		clear(&l->at[i]);
	l->n_at = 0;
}

struct log_at *
logs_at(struct logs *l, struct span app)
{
	for (size_t i = 0; i < l->n_at; i++)
		if (span_is(app, l->at[i].app))
			return &l->at[i];
	return NULL;
}

static void
take_out(struct logs *l, struct log_at *a)
{
	clear(a);
	memmove(a, a + 1, (size_t)(l->at + l->n_at - (a + 1)) * sizeof *a);
	l->n_at--;
}

void
logs_moved(struct logs *l, struct span app, struct span name, struct span spot, struct span path)
{
	struct log_at a = { .app = mem_dup(app), .name = mem_dup(name), .spot = mem_dup(spot),
	    .path = mem_dup(path) }, *old = logs_at(l, app);

	if (old != NULL)
		take_out(l, old);
	l->at = mem_array(l->at, l->n_at + 1, sizeof *l->at);
	l->at[l->n_at++] = a;
}

/* ---- in plans: {"file/DEV:INO":[NAME, SPOT], ...}, and PATH where it is not the NAME ---- */

static bool
text(struct rec *r, struct buf *out, struct buf *scratch)
{
	struct span key;
	struct val x;

	buf_clear(out);
	if (!rec_next(r, &key, &x) || x.tag != T_STR)
		return false;
	buf_clear(scratch);
	buf_span_add(out, val_text(x, scratch));
	(void)buf_cstr(out);
	return true;
}

bool
logs_entry(struct val v, struct logs_entry *e)
{
	struct buf scratch = { 0 };
	struct span key;
	struct rec r;
	struct val x;
	bool good = v.tag == T_ARR;

	if (!good)
		return false;
	rec_begin(&r, v.raw);
	good = text(&r, &e->name, &scratch) && text(&r, &e->spot, &scratch) && e->spot.n < SPOT_BYTES;
	if (good && !text(&r, &e->path, &scratch)) {
		buf_span_add(&e->path, buf_span(&e->name));
		(void)buf_cstr(&e->path);
	}
	good = good && !rec_next(&r, &key, &x);
	buf_free(&scratch);
	return good;
}

void
logs_entry_free(struct logs_entry *e)
{
	buf_free(&e->name);
	buf_free(&e->spot);
	buf_free(&e->path);
}

int
logs_take_up(struct logs *l, struct span pos)
{
	struct logs_entry e = { 0 };
	bool good = true;
	struct span key;
	struct val v;
	struct rec r;

	logs_forget(l);
	if (pos.n > 0)
		for (rec_begin(&r, pos); good && rec_next(&r, &key, &v);)
			if ((good = logs_entry(v, &e)))
				logs_moved(l, key, buf_span(&e.name), buf_span(&e.spot), buf_span(&e.path));
	logs_entry_free(&e);
	return good ? 0 : err_input("the plans of this job are not of files");
}

void
logs_print(const struct logs *l, struct buf *out)
{
	buf_byte(out, '{');
	for (size_t i = 0; i < l->n_at; i++) {
		const struct log_at *a = &l->at[i];

		if (i > 0)
			buf_byte(out, ',');
		buf_json(out, span_str(a->app));
		buf_str(out, ":[");
		buf_json(out, span_str(a->name));
		buf_byte(out, ',');
		buf_json(out, span_str(a->spot));
		if (strcmp(a->name, a->path) != 0) {
			buf_byte(out, ',');
			buf_json(out, span_str(a->path));
		}
		buf_byte(out, ']');
	}
	buf_byte(out, '}');
}

/* ---- what becomes of them ---- */

void
logs_sighted(struct logs *l)
{
	char to[SPOT_BYTES];

	for (size_t i = 0; i < l->n_at; i++)
		l->at[i].gone = false;
	for (size_t i = 0; i < l->from.n_sight; i++) {
		struct log_at *a = logs_at(l, span_str(l->from.sight[i].app));

		if (a == NULL || !l->from.sight[i].gone)
			continue;
		a->gone = true;
		/* that is told once */
		if (spot_over(a->spot, to)) {
			free(a->spot);
			a->spot = mem_str(to);
		}
	}
}

static bool
has_log(const struct logs *l, const char *name)
{
	for (size_t i = 0; i < l->n_at; i++)
		if (strcmp(l->at[i].name, name) == 0)
			return true;
	return false;
}

void
logs_prune(struct logs *l)
{
	size_t gone = 0;

	for (size_t i = l->n_at; i-- > 0;) {
		char *name;

		if (!l->at[i].gone || ++gone <= LOGS_GONE_MAX)
			continue;
		name = mem_str(l->at[i].name);
		take_out(l, &l->at[i]);
		if (!has_log(l, name))
			waters_forget(&l->held->water, span_str(name));
		free(name);
	}
}
