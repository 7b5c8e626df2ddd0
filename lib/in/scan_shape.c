/* SPDX-License-Identifier: BSD-2-Clause */
/* scan_shape - see scan_shape.h */
#include "in/scan_shape.h"

#include <stdlib.h>

#include "base/limits.h"

#define SCORE_MAX 256
#define MISS_COST 2		/* hits that make up for a miss */
#define REST_LINES 4096
#define REST_LINES_MAX (16 * REST_LINES)	/* each rest that helped nothing is followed by one twice as long */

/* Token counts alone put lines with one optional field in one bucket; three tokens in the middle tell most apart. */
static unsigned
bucket_of(const uint8_t *token, size_t n)
{
	return (unsigned)(n + 3u * token[n / 4] + 5u * token[n / 2] + 7u * token[n - n / 4 - 1]) % SHAPE_BUCKETS;
}

static inline uint64_t
load64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

static inline bool
blanks(const char *p, size_t from, size_t to)
{
	while (from < to && (unsigned char)p[from] <= ' ')
		from++;
	return from == to;
}

/* 16 bytes at a time, the last 16 perhaps a second time: lines have some hundred tokens. */
static inline bool
same_tokens(const uint8_t *a, const uint8_t *b, size_t n)
{
	typedef uint64_t two __attribute__((vector_size(16)));
	static const uint8_t ones[32] = { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
		0xFF, 0xFF, 0xFF };
	two x, y, d = { 0 };

	if (n < 16) {		/* both go on for 16: what is behind the n does not count */
		memcpy(&x, a, 16);
		memcpy(&y, b, 16);
		memcpy(&d, ones + 16 - n, 16);
		d &= x ^ y;
		return (d[0] | d[1]) == 0;
	}
	for (size_t i = 0; i < n; i += 16) {
		size_t at = i + 16 <= n ? i : n - 16;

		memcpy(&x, a + at, 16);
		memcpy(&y, b + at, 16);
		d |= x ^ y;
	}
	return (d[0] | d[1]) == 0;
}

static inline bool
same_keys(const struct shape *s, const uint16_t *pos, const char *p)
{
	const struct shape_text *t = s->text;
	uint64_t d = 0;

	for (const struct shape_run *r = s->run, *end = r + s->n_runs; r < end; r++, t += r[-1].n)
#pragma GCC unroll 4
		for (size_t i = 0; i < r->n; i++)
			d |= (load64(p + pos[r->token + i] + 1) ^ t[i].text) & t[i].mask;
	for (const struct shape_pin *k = s->pin, *end = k + s->n_pins; k < end; k++)
		d |= (load64(p + pos[k->token] + 1 + k->off) ^ k->text) & k->mask;
	return d == 0;
}

static bool
is_like(const struct shape *s, const struct marks *m, const char *p, size_t t0, size_t n)
{
	const uint16_t *pos = m->pos + t0;

	if (s->n != n || !same_tokens(s->token, m->token + t0, n) || !same_keys(s, pos, p))
		return false;
	for (size_t i = 0; i < s->n_voids; i++)
		if (!blanks(p, pos[s->empty[i]] + 1u, pos[s->empty[i] + 1]))
			return false;
	return true;
}

/* The values of a line that is like s, whose tokens stand at pos. */
static inline void
fill(const struct shape *s, const struct marks *m, const char *p, const uint16_t *pos, struct val *const *col,
    size_t row)
{
	for (const struct shape_value *v = s->value, *end = v + s->n_values; v < end; v++) {
		struct val *to = &(*col++)[row];
		struct span in = { "", 0 };

		if (__builtin_expect(v->place == PLACE_BETWEEN, 1))
			in = value_between(p, pos[v->from] + 1u + v->skip, pos[v->to]);
		else if (v->place == PLACE_BRACKETS)
			in = span_of(p + pos[v->from], pos[v->to] + 1u - pos[v->from]);
		if (__builtin_expect(in.n > 0, 1))
			val_set(to, in.p, in.n, scan_tag[(unsigned char)*in.p], value_escaped(m, p, in));
		else
			val_set(to, "", 0, T_ABSENT, 0);
	}
}

bool
shape_match(struct shapes *c, const struct marks *m, const char *p, size_t t0, size_t n, struct val *const *col,
    size_t row)
{
	struct shape **way = c->way[bucket_of(m->token + t0, n)], *s;

	for (size_t w = 0; w < SHAPE_WAYS && (s = way[w]) != NULL; w++)
		if (is_like(s, m, p, t0, n)) {
			if (w > 0) {		/* what comes often moves to the front */
				way[w] = way[w - 1];
				way[w - 1] = s;
			}
			if (c->score < SCORE_MAX && ++c->score == SCORE_MAX)
				c->last_rest = 0;
			fill(s, m, p, m->pos + t0, col, row);
			return true;
		}
	c->score -= MISS_COST;
	if (c->score < -SCORE_MAX) {
		c->rest = c->last_rest = c->last_rest < REST_LINES ? REST_LINES :
		    c->last_rest < REST_LINES_MAX ? 2 * c->last_rest : REST_LINES_MAX;
		c->score = -SCORE_MAX * 3 / 4;	/* next time it must prove itself soon */
	}
	return false;
}

void
shapes_free(struct shapes *c)
{
	for (size_t b = 0; b < SHAPE_BUCKETS; b++)
		for (size_t w = 0; w < SHAPE_WAYS; w++) {
			free(c->way[b][w]);
			c->way[b][w] = NULL;
		}
	c->bytes = 0;
}

/* The next `size` bytes of a block, aligned for anything; a copy of `from`.  Sizes are bounded: nothing overflows. */
static void *
carve(char **at, const void *from, size_t size)
{
	void *p = *at;

	if (from != NULL && size > 0)
		memcpy(p, from, size);
	*at += (size + 15) / 16 * 16;
	return p;
}

/* What of the draft's pins are in runs: *runs of them. */
static size_t
in_runs(const struct draft *d, size_t *runs)
{
	size_t n = 0, last = SIZE_MAX;

	*runs = 0;
	for (size_t i = 0; i < d->n_pins; i++)
		if (d->pin[i].off == 0) {
			*runs += n == 0 || d->pin[i].token != last + 1;
			last = d->pin[i].token;
			n++;
		}
	return n;
}

static void
put_pins(struct shape *s, const struct draft *d)
{
	struct shape_run *run = s->run - 1;
	struct shape_text *text = s->text;
	struct shape_pin *pin = s->pin;

	for (size_t i = 0; i < d->n_pins; i++) {
		const struct shape_pin *from = &d->pin[i];

		if (from->off != 0) {
			*pin++ = *from;
			continue;
		}
		if (text == s->text || from->token != run->token + run->n)
			*++run = (struct shape_run){ from->token, 0 };
		run->n++;
		*text++ = (struct shape_text){ from->text, from->mask };
	}
}

void
shape_add(struct shapes *c, const struct draft *d, const uint8_t *token, size_t n)
{
	struct shape **way = c->way[bucket_of(token, n)], *s;
	size_t runs, texts = in_runs(d, &runs), pins = d->n_pins - texts;
	size_t values = d->n_values * sizeof *d->value, empties = d->n_voids * sizeof *d->empty, bytes;
	char *at;

	if (!d->keep || n > SHAPE_TOKENS_MAX)
		return;
	bytes = sizeof *s + runs * sizeof *s->run + texts * sizeof *s->text + pins * sizeof *s->pin + values + empties +
	    n + 8 * 16;
	if (c->bytes + bytes > SHAPES_BYTES_MAX)
		shapes_free(c);
	s = mem_new(bytes);
	at = (char *)s + (sizeof *s + 15) / 16 * 16;
	s->n = n;
	s->n_runs = runs;
	s->n_pins = pins;
	s->n_voids = d->n_voids;
	s->n_values = d->n_values;
	s->bytes = bytes;
	s->run = carve(&at, NULL, runs * sizeof *s->run);
	s->text = carve(&at, NULL, texts * sizeof *s->text);
	s->pin = carve(&at, NULL, pins * sizeof *s->pin);
	put_pins(s, d);
	s->value = carve(&at, d->value, values);
	s->empty = carve(&at, d->empty, empties);
	s->token = carve(&at, token, n);
	if (way[SHAPE_WAYS - 1] != NULL) {
		c->bytes -= way[SHAPE_WAYS - 1]->bytes;
		free(way[SHAPE_WAYS - 1]);
	}
	memmove(way + 1, way, (SHAPE_WAYS - 1) * sizeof *way);
	way[0] = s;
	c->bytes += bytes;
}
