/* SPDX-License-Identifier: BSD-2-Clause */
/* timeline - see timeline.h */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/map.h"
#include "run/timeline.h"

#define NO_TIME INT64_MIN

struct place {
	struct span layer, table, day;
	int rank;			/* of the layer */
	int64_t begin;			/* of the day, or NO_TIME */
};

struct entry {
	int64_t us;
	bool timed;			/* us is the line's own */
	size_t seq;
	const struct place *place;
	struct span line;
};

struct timeline {
	const struct zone *zone;
	size_t budget;
	struct map *places;		/* struct place by source */
	struct entry *entry;
	size_t n, cap;
	struct arena mem;
	struct buf text;
};

struct timeline *
timeline_new(const struct zone *z, size_t budget)
{
	struct timeline *l = mem_new(sizeof *l);

	l->zone = z;
	l->budget = budget;
	l->places = map_new(sizeof(struct place));
	return l;
}

void
timeline_free(struct timeline *l)
{
	if (l == NULL)
		return;
	map_free(l->places);
	free(l->entry);
	arena_free(&l->mem);
	buf_free(&l->text);
	free(l);
}

static struct span
keep(struct timeline *l, struct span s)
{
	return span_of(arena_dup(&l->mem, s), s.n);
}

/* `wh:LAYER.TABLE@DAY`; anything else is a file. */
static void
take_source(struct timeline *l, struct place *p, const char *source)
{
	static const char *const layers[] = { "stg", "ods", "dim", "dwd", "dws", "ads" };
	const char *dot = strchr(source, '.'), *at = strrchr(source, '@');
	struct span day;

	*p = (struct place){ .layer = span_str("file"), .table = keep(l, span_str(source)), .day = span_str("-"),
	    .rank = -1, .begin = NO_TIME };
	if (strncmp(source, "wh:", 3) != 0 || dot == NULL || at == NULL || at < dot)
		return;
	p->layer = keep(l, span_of(source + 3, (size_t)(dot - source) - 3));
	p->table = keep(l, span_of(dot + 1, (size_t)(at - dot) - 1));
	p->day = day = keep(l, span_str(at + 1));
	p->rank = 0;
	while (p->rank < (int)(sizeof layers / sizeof *layers) && !span_is(p->layer, layers[p->rank]))
		p->rank++;
	(void)when_parse(day, UNIT_GUESS, l->zone, &p->begin);
}

int
timeline_add(struct timeline *l, const char *source, struct val time, enum unit unit, struct span line)
{
	struct entry e = { .seq = l->n };
	struct place *p;
	bool fresh;

	p = map_put(l->places, span_str(source), &fresh);
	if (fresh)
		take_source(l, p, source);
	e.place = p;
	e.timed = !val_is_null(time) && when_val(time, unit, l->zone, &l->text, &e.us) == NULL;
	if (!e.timed)
		e.us = p->begin;
	e.line = keep(l, line);
	if (l->n == l->cap) {
		l->cap = mem_add(mem_mul(l->cap, 2), 64);
		l->entry = mem_array(l->entry, l->cap, sizeof *l->entry);
	}
	l->entry[l->n++] = e;
	if (l->mem.bytes + l->cap * sizeof *l->entry > l->budget)
		return err_io("more lines hold the id than -S has memory for: --from and --to take fewer days");
	return 0;
}

static int
by_time(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->us != y->us)
		return x->us < y->us ? -1 : 1;
	if (x->place->rank != y->place->rank)
		return x->place->rank < y->place->rank ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void
put_time(const struct timeline *l, const struct entry *e, struct buf *b)
{
	size_t at = b->n;

	if (e->timed) {
		(void)when_format(span_str("%F %T.%f"), e->us, l->zone, b);
		b->n -= 3;
	} else if (e->us != NO_TIME) {
		(void)when_format(span_str("%F"), e->us, l->zone, b);
	} else {
		buf_byte(b, '-');
	}
	while (b->n < at + sizeof "2026-11-20 10:00:00.123" - 1)
		buf_byte(b, ' ');
}

static void
put_cell(struct buf *b, struct span s, size_t width)
{
	buf_str(b, "  ");
	buf_span_add(b, s);
	for (size_t i = s.n; i < width; i++)
		buf_byte(b, ' ');
}

void
timeline_mask(struct buf *b, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			buf_fmt(b, "\\x%02x", c);
		else
			buf_byte(b, s.p[i]);
	}
}

int
timeline_print(struct timeline *l, int (*each)(void *arg, struct span text), void *arg)
{
	size_t layer = 0, table = 0, day = 0;
	struct buf b = { 0 };
	int rc = 0;

	if (l->n > 0)
		qsort(l->entry, l->n, sizeof *l->entry, by_time);
	for (size_t i = 0; i < l->n; i++) {
		const struct place *p = l->entry[i].place;

		layer = p->layer.n > layer ? p->layer.n : layer;
		table = p->table.n > table ? p->table.n : table;
		day = p->day.n > day ? p->day.n : day;
	}
	for (size_t i = 0; rc == 0 && i < l->n; i++) {
		const struct entry *e = &l->entry[i];

		buf_clear(&b);
		put_time(l, e, &b);
		put_cell(&b, e->place->layer, layer);
		put_cell(&b, e->place->table, table);
		put_cell(&b, e->place->day, day);
		buf_str(&b, "  ");
		timeline_mask(&b, e->line);
		rc = each(arg, buf_span(&b));
	}
	buf_free(&b);
	return rc;
}
