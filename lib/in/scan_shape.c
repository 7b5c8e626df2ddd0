/* SPDX-License-Identifier: BSD-2-Clause */
/* scan_shape - see scan_shape.h */
#include "in/scan_shape.h"

#include <stdlib.h>

#include "base/limits.h"

#define SCORE_MAX 256
#define MISS_COST 2		/* hits that make up for a miss */
#define REST_LINES 4096

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
	uint64_t d = 0;

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

static inline void
fill(const struct shape *s, const struct marks *m, const char *p, size_t t0, struct val *const *col, size_t row)
{
	const uint16_t *pos = m->pos + t0;

	for (size_t i = 0; i < s->n_values; i++) {
		const struct shape_value *v = &s->value[i];
		struct val *to = &col[v->col][row];
		struct span in = { "", 0 };

		if (v->place == PLACE_BETWEEN)
			in = value_between(p, pos[v->from] + 1u + v->skip, pos[v->to]);
		else if (v->place == PLACE_BRACKETS)
			in = span_of(p + pos[v->from], pos[v->to] + 1u - pos[v->from]);
		if (in.n > 0)
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
			c->score += c->score < SCORE_MAX;
			fill(s, m, p, t0, col, row);
			return true;
		}
	c->score -= MISS_COST;
	if (c->score < -SCORE_MAX) {
		c->rest = REST_LINES;
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

/* Take the next `size` bytes of a block, aligned for anything; sizes are bounded, so nothing overflows. */
static void *
carve(char **at, const void *from, size_t size)
{
	void *p = *at;

	if (size > 0)
		memcpy(p, from, size);
	*at += (size + 15) / 16 * 16;
	return p;
}

void
shape_add(struct shapes *c, const struct draft *d, const uint8_t *token, size_t n)
{
	struct shape **way = c->way[bucket_of(token, n)], *s;
	size_t pins = d->n_pins * sizeof *d->pin, values = d->n_values * sizeof *d->value;
	size_t empties = d->n_voids * sizeof *d->empty, bytes;
	char *at;

	if (!d->keep || n > SHAPE_TOKENS_MAX)
		return;
	bytes = sizeof *s + pins + values + empties + n + 6 * 16;
	if (c->bytes + bytes > SHAPES_BYTES_MAX)
		shapes_free(c);
	s = mem_new(bytes);
	at = (char *)s + (sizeof *s + 15) / 16 * 16;
	s->n = n;
	s->n_pins = d->n_pins;
	s->n_voids = d->n_voids;
	s->n_values = d->n_values;
	s->bytes = bytes;
	s->pin = carve(&at, d->pin, pins);
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
