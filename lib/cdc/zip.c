/* SPDX-License-Identifier: BSD-2-Clause */
/* zip - see zip.h */
#include <stdlib.h>

#include "base/when.h"
#include "cdc/ord.h"
#include "cdc/zip.h"
#include "in/rec.h"

struct event {
	int32_t day;			/* it holds from here on */
	bool absent, deleted, skip;
	const struct zip_base *base;	/* a row before, unchanged; NULL for a change or a gap */
	struct span row, ord;
	const struct fold_change *change;
	int32_t last;			/* base: its last day as written */
};

struct zip {
	struct zip_conf conf;
	struct zip_counts counts;
	struct event *ev;
	size_t n, cap;
	struct arena mem;		/* of one key */
	struct buf line, text;
};

struct span
zip_twice(const struct zip_conf *c)
{
	const struct span name[] = { c->from, c->to, c->deleted, c->ord };
	const bool used[] = { c->days, c->days, c->mark, c->ord.n > 0 };

	for (size_t i = 0; i < sizeof used / sizeof *used; i++)
		for (size_t k = 0; k < i; k++)
			if (used[i] && used[k] && span_eq(name[i], name[k]))
				return name[i];
	return span_of(NULL, 0);
}

struct zip *
zip_new(const struct zip_conf *conf)
{
	struct zip *z = mem_new(sizeof *z);

	z->conf = *conf;
	return z;
}

const struct zip_counts *
zip_counts(const struct zip *z)
{
	return &z->counts;
}

void
zip_free(struct zip *z)
{
	free(z->ev);
	arena_free(&z->mem);
	buf_free(&z->line);
	buf_free(&z->text);
	free(z);
}

static struct event *
insert(struct zip *z, size_t at)
{
	if (z->n == z->cap) {
		z->cap = z->cap == 0 ? 64 : mem_mul(z->cap, 2);
		z->ev = mem_array(z->ev, z->cap, sizeof *z->ev);
	}
	memmove(z->ev + at + 1, z->ev + at, (z->n - at) * sizeof *z->ev);
	z->n++;
	z->ev[at] = (struct event){ 0 };
	return &z->ev[at];
}

/* ---- rows before ---- */

static bool
own_name(const struct zip *z, struct span key, struct buf *scratch)
{
	const struct zip_conf *c = &z->conf;

	return (c->days && (rec_key_is(key, c->from, scratch) ||
	    rec_key_is(key, c->to, scratch))) ||
	    (c->mark && rec_key_is(key, c->deleted, scratch)) ||
	    (c->ord.n > 0 && rec_key_is(key, c->ord, scratch));
}

/* Append `"key":value`. */
static void
add_member(struct buf *b, struct span key, struct span value)
{
	buf_byte(b, b->n == 0 ? '{' : ',');
	buf_byte(b, '"');
	buf_span_add(b, key);
	buf_str(b, "\":");
	buf_span_add(b, value);
}

static struct span
keep_text(struct zip *z)
{
	buf_str(&z->text, z->text.n == 0 ? "{}" : "}");
	return span_of(arena_dup(&z->mem, buf_span(&z->text)), z->text.n);
}

/* The row inside a row before: without the members that are ours. */
static struct span
stripped(struct zip *z, struct span line)
{
	struct buf scratch = { 0 };
	struct span key;
	struct rec r;
	struct val v;

	buf_clear(&z->text);
	rec_begin(&r, line);
	while (rec_next(&r, &key, &v))
		if (!own_name(z, key, &scratch))
			add_member(&z->text, key, v.raw);
	buf_free(&scratch);
	return keep_text(z);
}

/* A patch's columns laid over a row; its own new ones behind. */
static struct span
overlaid(struct zip *z, struct span row, struct span patch)
{
	struct span key, name;
	struct rec r, p;
	struct val v, m;

	buf_clear(&z->text);
	rec_begin(&r, row);
	while (rec_next(&r, &key, &v)) {
		rec_begin(&p, patch);
		while (rec_next(&p, &name, &m))
			if (span_eq(name, key))
				v = m;
		add_member(&z->text, key, v.raw);
	}
	rec_begin(&p, patch);
	while (rec_next(&p, &name, &m)) {
		bool there = false;

		rec_begin(&r, row);
		while (!there && rec_next(&r, &key, &v))
			there = span_eq(name, key);
		if (!there)
			add_member(&z->text, name, m.raw);
	}
	return keep_text(z);
}

static const char *
base_event(struct zip *z, const struct zip_base *b)
{
	int32_t first = 0, last = ZIP_OPEN;
	struct event *e;
	size_t at;

	if (z->conf.days && (b->from.tag != T_STR || b->to.tag != T_STR ||
	    day_parse(span_of(b->from.raw.p + 1, b->from.raw.n - 2), &first) != NULL ||
	    day_parse(span_of(b->to.raw.p + 1, b->to.raw.n - 2), &last) != NULL || first > last))
		return "the base's row does not hold from a first to a last day";
	for (at = z->n; at > 0 && z->ev[at - 1].day > first; at--)
		;
	e = insert(z, at);
	e->day = first;
	e->last = last;
	e->base = b;
	e->deleted = z->conf.mark && b->deleted.tag == T_TRUE;
	if (z->conf.ord.n > 0 && b->ord.tag == T_STR)
		e->ord = span_of(b->ord.raw.p + 1, b->ord.raw.n - 2);
	return NULL;
}

/* Rows before in order; where one ends before the next begins there was nothing. */
static const char *
base_events(struct zip *z, const struct zip_base *b, size_t n)
{
	const char *why;

	for (size_t i = 0; i < n; i++)
		if ((why = base_event(z, &b[i])) != NULL)
			return why;
	for (size_t i = 0; i < z->n; i++) {
		int32_t last = z->ev[i].last;

		if (z->ev[i].base == NULL)
			continue;
		if (i + 1 < z->n && z->ev[i + 1].day <= last)
			return z->conf.days ? "two rows of one key in the base hold on one day" :
			    "a key stands twice in the base";
		if (last < ZIP_OPEN && (i + 1 == z->n || z->ev[i + 1].day > last + 1)) {
			struct event *gap = insert(z, i + 1);

			gap->day = last + 1;
			gap->absent = true;
		}
	}
	return NULL;
}

/* ---- changes among them ---- */

/* A bootstrap's row whose place is not known comes after all that stood here before. */
static bool
placeless(struct span ord)
{
	return ord.n > ORD_EPOCH_DIGITS && ord.p[ORD_EPOCH_DIGITS] == 'a';
}

/*
 * Put a change where it belongs, not before `from`; returns the place behind it, or `from` when it
 * is known already.
 */
static size_t
place(struct zip *z, const struct fold_change *c, size_t from)
{
	bool by_ord = z->conf.ord.n > 0 && !placeless(c->ord);
	size_t at = from;
	struct event *e;
	int32_t day = c->day;

	for (; at < z->n; at++) {
		const struct event *x = &z->ev[at];
		int order = by_ord && x->ord.n > 0 ? span_cmp(x->ord, c->ord) : x->day <= day ? -1 :
		    1;

		if (order == 0)
			/* the very change that this row came from */
			return at + 1;
		if (order > 0)
			break;
	}
	z->counts.late += at < z->n;
	if (at > 0 && z->ev[at - 1].day > day)
		day = z->ev[at - 1].day;
	if (at < z->n && z->ev[at].day < day)
		day = z->ev[at].day;
	e = insert(z, at);
	e->day = day;
	e->change = c;
	e->ord = c->ord;
	return at + 1;
}

/* Changes and truncates in one order. */
static void
place_all(struct zip *z, const struct fold_change *c, size_t n, const struct fold_change *t,
    size_t n_t)
{
	size_t i = 0, k = 0, from = 0;

	while (i < n || k < n_t) {
		bool truncate = i == n;

		if (i < n && k < n_t) {
			int order = span_cmp(t[k].ord, c[i].ord);

			truncate = order < 0 || (order == 0 && t[k].seq < c[i].seq);
		}
		from = place(z, truncate ? &t[k] : &c[i], from);
		i += !truncate;
		k += truncate;
	}
}

/* The content of the event before, as a row without our members. */
static struct span
content(struct zip *z, const struct event *e)
{
	return e->base != NULL ? stripped(z, e->base->line) : e->row;
}

/*
 * The row before began on this very day and has no ord, or ended the day before: which was first
 * that day is not known. Taken for the newer, and counted where that matters.
 */
static bool
unsure(const struct zip *z, const struct event *e, const struct event *was)
{
	return z->conf.days && was != NULL && was->change == NULL && was->day == e->day &&
	    was->ord.n == 0;
}

static void
apply_end(struct zip *z, struct event *e, const struct event *was, bool there)
{
	const struct fold_change *c = e->change;
	/* deleted counts: its row is the last one there was */
	bool known = was != NULL && !was->absent;

	e->deleted = z->conf.mark;
	e->absent = !z->conf.mark;
	e->skip = !there && (c->op == 't' || !z->conf.mark);
	if (e->skip)
		return;
	z->counts.same_day += unsure(z, e, was) && there;
	if (!z->conf.mark)
		return;
	if (c->op == 't')
		e->row = content(z, was);
	else if (c->partial && known)
		e->row = overlaid(z, content(z, was), c->row);
	else if (c->partial)
		z->counts.incomplete++;
}

/* What a change makes of what was there: row, deleted, absent, or nothing at all (skip). */
static void
apply(struct zip *z, struct event *e, const struct event *was)
{
	const struct fold_change *c = e->change;
	bool there = was != NULL && !was->absent && !was->deleted, same;

	e->row = c->row;
	if (c->op == 't' || c->op == 'd') {
		apply_end(z, e, was, there);
		return;
	}
	if (c->partial && there)
		e->row = overlaid(z, content(z, was), c->row);
	else if (c->partial)
		z->counts.incomplete++;
	if (c->op != 'r' && !unsure(z, e, was))
		return;
	same = there && span_eq(content(z, was), e->row);
	z->counts.same_day += unsure(z, e, was) && !same;
	/* a bootstrap says what is, not that it changed */
	e->skip = c->op == 'r' && same;
}

/* A row before of the same day stands behind it: it never shows. */
static bool
hidden(const struct zip *z, size_t i)
{
	for (size_t k = i + 1; k < z->n && z->ev[k].day == z->ev[i].day; k++)
		if (z->ev[k].base != NULL)
			return true;
	return false;
}

static void
apply_all(struct zip *z)
{
	const struct event *was = NULL;

	for (size_t i = 0; i < z->n; i++) {
		struct event *e = &z->ev[i];

		if (e->change != NULL && hidden(z, i))
			e->skip = true;
		else if (e->change != NULL)
			apply(z, e, was);
		if (!e->skip)
			was = e;
	}
}

/* ---- rows after ---- */

static void
add_day(struct buf *b, int32_t days)
{
	char day[WHEN_DAY_BYTES];

	day_print(days, day);
	buf_byte(b, '"');
	buf_str(b, day);
	buf_byte(b, '"');
}

static void
add_own(struct buf *b, struct span name, bool *first)
{
	if (!*first)
		buf_byte(b, ',');
	*first = false;
	buf_json(b, name);
	buf_byte(b, ':');
}

static int
write_base(struct zip *z, const struct event *e, int32_t last)
{
	const struct zip_base *r = e->base;
	size_t at;

	if (last == e->last)
		return z->conf.put(z->conf.arg, r->line);
	at = (size_t)(r->to.raw.p - r->line.p);
	buf_clear(&z->line);
	buf_add(&z->line, r->line.p, at);
	add_day(&z->line, last);
	buf_span_add(&z->line, span_from(r->line, at + r->to.raw.n));
	return z->conf.put(z->conf.arg, buf_span(&z->line));
}

static int
write_row(struct zip *z, const struct event *e, int32_t last)
{
	const struct zip_conf *c = &z->conf;
	struct buf *b = &z->line;
	bool first = true;
	struct span key;
	struct rec r;
	struct val v;

	if (!c->days && !e->deleted && c->ord.n == 0)
		return c->put(c->arg, e->row);
	rec_begin(&r, e->row);
	first = !rec_next(&r, &key, &v);
	buf_clear(b);
	buf_add(b, e->row.p, e->row.n - 1);		/* a row ends in its bracket */
	if (c->days) {
		add_own(b, c->from, &first);
		add_day(b, e->day);
		add_own(b, c->to, &first);
		add_day(b, last);
	}
	if (e->deleted) {
		add_own(b, c->deleted, &first);
		buf_str(b, "true");
	}
	if (c->ord.n > 0) {
		add_own(b, c->ord, &first);
		buf_byte(b, '"');
		buf_span_add(b, e->ord);		/* raw: as it stood between its quotes */
		buf_byte(b, '"');
	}
	buf_byte(b, '}');
	return c->put(c->arg, buf_span(b));
}

/* Of the events of one day the last counts; each ends the day before the next. */
static int
write_all(struct zip *z)
{
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < z->n; i++) {
		if (z->ev[i].skip)
			continue;
		n -= n > 0 && z->ev[n - 1].day == z->ev[i].day;
		z->ev[n++] = z->ev[i];
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct event *e = &z->ev[i];
		int32_t last = i + 1 < n ? z->ev[i + 1].day - 1 : ZIP_OPEN;

		if (e->absent)
			continue;
		rc = e->base != NULL ? write_base(z, e, last) : write_row(z, e, last);
	}
	return rc;
}

/* Do rows go out as changes have them? */
static bool
as_it_is(const struct zip_conf *c)
{
	return !c->days && !c->mark && c->ord.n == 0;
}

/* The one change of a key that was not there: what most keys are, so it is made without the events. */
static int
write_alone(struct zip *z, const struct fold_change *c)
{
	if (c->op == 'd' || c->op == 't')
		return 0;
	z->counts.incomplete += c->partial;
	return z->conf.put(z->conf.arg, c->row);
}

int
zip_key(struct zip *z, const struct zip_base *base, size_t n_base, const struct fold_change *c,
    size_t n,
    const struct fold_change *truncate, size_t n_truncates, const char **why)
{
	*why = NULL;
	if (n_base == 0 && n_truncates == 0 && n == 1 && as_it_is(&z->conf))
		return write_alone(z, c);
	z->n = 0;
	arena_reset(&z->mem);
	if ((*why = base_events(z, base, n_base)) != NULL)
		return -1;
	place_all(z, c, n, truncate, n_truncates);
	apply_all(z);
	return write_all(z);
}
