/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_walk - see scan_walk.h
 *
 * The kernel proved what stands between two tokens (scan_kernel.h); here the tokens themselves are proved.  What a
 * token list cannot show: {"a"} looks like {}, so an empty object's inside is looked at.
 */
#include "in/scan_walk.h"

#include <stdlib.h>

#include "in/scan_bits.h"

#define OPENING (TOKEN_BRACKET | TOKEN_OPEN)

/* The walk of one line. */
struct at {
	struct walk *w;
	const struct marks *m;
	const char *p;
	const uint8_t *token;	/* of this line, t0 on */
	const uint16_t *pos;
	size_t n, row;
	size_t slash;		/* where the next backslash stands, at or behind the token looked at; or beyond */
};

/* 64 tokens as masks, a bit a token. */
struct tokens {
	uint64_t bracket, open, close, curly, member;
};

/* Keys that begin with these two bytes: `key`, or what begins so is looked up. */
static void
may_begin(struct walk *w, char c, char second, uint8_t key)
{
	char two[2] = { c, second };
	uint16_t at;

	memcpy(&at, two, sizeof at);
	if (w->begins[at] == (WALK_BEGINS | WALK_KEYS))
		return;
	if (key != WALK_KEYS)
		w->key[key].next = w->begins[at] & WALK_KEYS;
	w->begins[at] = WALK_BEGINS | key;
}

/* An asked key as it stands in most lines; WALK_KEYS when there is no room, or it needs escapes. */
static uint8_t
key_new(struct walk *w, int above, int node, struct span name)
{
	const struct trie *t = w->plain->trie;
	struct walk_key *k = &w->key[w->n_keys];
	char *whole;
	int ref;

	if (w->n_keys == WALK_KEYS || memchr(name.p, '"', name.n) != NULL || memchr(name.p, '\\', name.n) != NULL)
		return WALK_KEYS;
	*k = (struct walk_key){ .n = mem_add(name.n, 3), .above = above, .node = node };
	k->whole = whole = mem_array(NULL, k->n, 1);
	whole[0] = whole[k->n - 2] = '"';
	memcpy(whole + 1, name.p, name.n);
	whole[k->n - 1] = ':';
	memcpy(k->text, whole, k->n < sizeof k->text ? k->n : sizeof k->text);
	memset(k->mask, 0xFF, k->n < sizeof k->text ? k->n : sizeof k->text);
	if ((ref = t->node[node].col) != TRIE_NONE && t->ref[ref].next == TRIE_NONE)
		k->column = w->plain->col[t->ref[ref].col];
	return (uint8_t)w->n_keys++;
}

/*
 * find_asked takes the two bytes where they stand if no blank is before the key; where one is, it takes the quote and
 * the first byte, or blanks.
 */
static void
begins_init(struct walk *w, const struct trie *t)
{
	memset(w->begins, 0, sizeof w->begins);
	w->key[0] = w->key[WALK_KEYS] = (struct walk_key){ .above = TRIE_NONE - 1 };	/* below no node */
	w->n_keys = 1;
	for (size_t n = 0; n < t->n; n++)
		for (int c = t->node[n].child; c != TRIE_NONE; c = t->node[c].next) {
			struct span name = t->node[c].name;

			may_begin(w, name.n > 0 ? name.p[0] : '"', name.n > 1 ? name.p[1] : name.n > 0 ? '"' : ':',
			    key_new(w, (int)n, c, name));
			may_begin(w, '"', name.n > 0 ? name.p[0] : '"', WALK_KEYS);
		}
	for (const char *blank = " \t\r"; *blank != '\0'; blank++) {
		may_begin(w, '"', *blank, WALK_KEYS);	/* "" : */
		for (const char *next = " \t\r\""; *next != '\0'; next++)
			may_begin(w, *blank, *next, WALK_KEYS);
	}
}

void
walk_init(struct walk *w, struct plain *plain, size_t columns)
{
	w->plain = plain;
	w->todo = mem_array(NULL, plain->trie->n, sizeof *w->todo);
	begins_init(w, plain->trie);
	w->draft = (struct draft){ .n_values = columns };
	w->draft.value = mem_array(NULL, mem_add(columns, 1), sizeof *w->draft.value);
}

void
walk_free(struct walk *w)
{
	for (size_t k = 1; k < w->n_keys; k++)
		free(w->key[k].whole);
	free(w->draft.value);
	free(w->todo);
}

static struct tokens
tokens_at(const uint8_t *token, size_t n)
{
	struct tokens k = { 0 };
	uint64_t all = n < 64 ? (UINT64_C(1) << n) - 1 : ~(uint64_t)0;

	for (unsigned i = 0; i < 64 && i < n; i += 16) {
		bytes16 v = bytes_load(token + i), member = (bytes16)(v >= bytes_all(0x80)), raw = v ^ member;

		k.member |= bits_of(member) << i;
		k.bracket |= bits_of(raw << 1) << i;	/* TOKEN_BRACKET */
		k.curly |= bits_of(raw << 2) << i;	/* TOKEN_CURLY */
		k.open |= bits_of(raw << 6) << i;	/* TOKEN_OPEN */
	}
	k.bracket &= all;
	k.curly &= k.bracket;
	k.close = k.bracket & ~k.open;
	k.open &= k.bracket;
	return k;
}

/* Is there nothing between `{` at t and `}` behind it? */
static bool
is_void(struct at *a, size_t t)
{
	struct draft *d = &a->w->draft;

	for (size_t i = a->pos[t] + 1u; i < a->pos[t + 1]; i++)
		if ((unsigned char)a->p[i] > ' ')
			return false;
	if (d->n_voids == sizeof d->empty / sizeof d->empty[0])
		d->keep = false;
	else
		d->empty[d->n_voids++] = (uint16_t)t;
	return true;
}

/*
 * Do the brackets pair, in one value, and stand members in objects and elements in arrays?  Fills what the walk knows
 * of brackets; no object is asked for yet.
 * The types of the open containers are bits, the innermost lowest, an object 1; the outermost two are `10`, a marker
 * and what is around the line's value: no object.
 */
static bool
prove(struct at *a)
{
	struct walk *w = a->w;
	uint16_t *stack = w->stack;
	size_t depth = 0, last = 0, limit = w->plain->limits->depth;
	uint64_t types = 2, most, after_close = 0, after_curly = 0;

	stack[0] = stack[1] = 0;	/* around the line's value: not looked at */
	most = UINT64_C(4) << (limit < WALK_DEPTH ? limit : WALK_DEPTH);
	for (size_t base = 0; base < a->n; base += 64) {
		struct tokens k = tokens_at(a->token + base, a->n - base);
		uint64_t void_ = bits_shift(k.open & k.curly, &after_curly) & k.close & k.curly & ~k.member;
		uint64_t all = ~(uint64_t)0 >> (a->n - base < 64 ? 64 - (a->n - base) : 0);
		uint64_t look, wrong, bit, object, from = 1;
		uint16_t top, outer;
		bool open;

		w->bracket[base / 64] = k.bracket;
		w->member[base / 64] = k.member & all;
		w->before[base / 64] = (uint16_t)last;
		/* Nothing stands between a closing bracket and the next token, and in empty objects. */
		look = ~(bits_shift(k.close, &after_close) | void_);
		for (; RARE(void_); void_ &= void_ - 1)
			if (!is_void(a, base + (size_t)__builtin_ctzll(void_) - 1))
				return false;
		wrong = 0;
		for (uint64_t left = k.bracket; left != 0; left ^= bit) {
			bit = left & -left;
			object = (k.curly & bit) != 0;
			open = (k.open & bit) != 0;
			wrong |= (k.member ^ -(types & 1)) & look & ((bit << 1) - from);
			wrong |= (types ^ object) & 1 & ~(uint64_t)open;
			types = open ? types << 1 | object : types >> 1;
			last = base + (size_t)__builtin_ctzll(bit);
			if (types - 3 >= most - 3 && (types != 2 || last != a->n - 1))	/* too deep, or done too soon */
				return false;
			top = stack[depth + 1];
			outer = stack[depth];
			w->close_of[top] = (uint16_t)last;	/* when it does not close, it is set again */
			w->node[last] = TRIE_NONE;
			w->within[last] = open ? (uint16_t)last : outer;
			stack[depth + 1 + open] = (uint16_t)last;	/* what closes is no more looked at */
			depth += 2 * (size_t)open - 1;
			from = bit << 1;
		}
		wrong |= (k.member ^ -(types & 1)) & look & -from & all;
		if (wrong != 0)
			return false;
	}
	w->member[(a->n + 63) / 64] = 0;
	return depth == 0 && last == a->n - 1;
}

/* Has no object more than `limit` keys?  Only asked where one could. */
static bool
keys_within(const struct at *a, size_t limit)
{
	int64_t keys[WALK_DEPTH + 2] = { 0 };	/* of the open containers; an array's elements are not counted */
	size_t depth = 0;

	for (size_t t = 0; t < a->n; t++) {
		uint8_t c = token_byte(a->token[t]);

		if (c == ',')
			keys[depth]++;
		else if (c == '[')
			keys[++depth] = INT64_MIN;
		else if (c == '{')
			keys[++depth] = token_member(a->token[t + 1]);
		else
			depth--;
		if (keys[depth] > (int64_t)limit)
			return false;
	}
	return true;
}

/* The shape learns where the value of this node stood. */
static void __attribute__((noinline))
draft_value(struct at *a, int node, struct shape_value where)
{
	const struct trie *t = a->w->plain->trie;

	for (int r = t->node[node].col; r != TRIE_NONE; r = t->ref[r].next)
		a->w->draft.value[t->ref[r].col] = where;
}

/* Has v escapes?  Asked in ascending order. */
BITS_INLINE uint8_t
escaped(const struct at *a, struct span v)
{
	return RARE(a->slash < (size_t)(v.p - a->p) + v.n) ? value_escaped(a->m, a->p, v) : 0;
}

/* The one column at a node gets v, which is not empty: what plain_fill does, without its looking up. */
BITS_INLINE void
put(struct at *a, struct val *to, struct span v)
{
	val_set(to, v.p, v.n, scan_tag[(unsigned char)*v.p], escaped(a, v));
	a->w->plain->left--;
}

/* Lines like this one have these bytes, `off` behind token t and one byte. */
static void
pin(struct draft *d, size_t t, const char *p, size_t n)
{
	for (size_t off = 0; off < n; off += 8) {
		struct shape_pin *k = &d->pin[d->n_pins];
		size_t part = n - off < 8 ? n - off : 8;

		if (d->n_pins == PINS_MAX || off > PIN_OFFSET_MAX) {
			d->keep = false;
			return;
		}
		d->n_pins++;
		*k = (struct shape_pin){ .token = (uint16_t)t, .off = (uint16_t)off };
		memcpy(&k->text, p + off, part);
		memset(&k->mask, 0xFF, part);
	}
}

/*
 * What a line must have behind token t to be like this one: the key at q, n bytes with its quotes, and its colon too
 * when it is asked for.  One that is not need not be the same, if what is compared of it begins no asked one.
 */
static void
draft_key(struct at *a, size_t t, int above, const char *q, size_t n, int node)
{
	const char *from = a->p + a->pos[t] + 1;
	size_t gap = (size_t)(q - from), part = 8 - gap;

	if (node == TRIE_NONE && gap < 7 && part < n && memchr(q, '\\', part) == NULL &&
	    trie_none_begins(a->w->plain->trie, above, span_of(q + 1, part - 1)))
		pin(&a->w->draft, t, from, 8);
	else
		pin(&a->w->draft, t, from, (size_t)(q + n - from));
}

/* Behind the string whose opening quote is at q. */
static const char *
key_end(const char *q)
{
	for (q++; *q != '"'; q++)
		q += *q == '\\';
	return q + 1;
}

/* Where the first backslash from `from` on stands in the window; SIZE_MAX when there is none. */
static size_t
next_slash(const struct marks *m, size_t from)
{
	size_t w = from / 64, g = w / 64;
	uint64_t bits = m->slash[w] & ~(uint64_t)0 << from % 64, blocks;

	if (bits == 0) {
		blocks = m->slashed[g] & ~(uint64_t)1 << w % 64;
		while (blocks == 0 && ++g < WINDOW_WORDS / 64)
			blocks = m->slashed[g];
		if (blocks == 0)
			return SIZE_MAX;
		w = g * 64 + (size_t)__builtin_ctzll(blocks);
		bits = m->slash[w];
	}
	return w * 64 + (size_t)__builtin_ctzll(bits);
}

/* Does a backslash stand between token t and the next?  Asked in ascending order. */
BITS_INLINE bool
slash_behind(struct at *a, size_t t)
{
	if (__builtin_expect(a->slash >= a->pos[t + 1], 1))
		return false;
	if (a->slash <= a->pos[t])
		a->slash = next_slash(a->m, a->pos[t] + 1u);
	return a->slash < a->pos[t + 1];
}

/* Does a backslash at `slash` stand in the key at or behind `from`, or behind it? */
BITS_INLINE bool
in_key(const char *p, size_t from, size_t slash)
{
	bytes16 first;
	uint64_t quote;

	while ((unsigned char)p[from] <= ' ')
		from++;
	first = bytes_load(p + from + 1);
	if ((quote = bits_of((bytes16)(first == bytes_all('"')))) != 0)
		return from + 1 + (size_t)__builtin_ctzll(quote) > slash;
	return memchr(p + from + 1, '"', slash - from - 1) == NULL;
}

/* Which of n tokens have bytes behind them that may begin an asked key? */
BITS_INLINE uint64_t
may_be_asked(const struct walk *w, const char *p, const uint16_t *pos, size_t n)
{
	uint64_t hits = 0;
	uint16_t two;

#pragma GCC unroll 8
	for (size_t i = n; i-- > 0;) {
		memcpy(&two, p + pos[i], sizeof two);
		hits = 2 * hits + (w->begins[two] >> 7);
	}
	return hits;
}

/*
 * Mark the tokens behind which a key stands that may be asked for: by its first two bytes, or there is an escape.  What
 * is marked too much costs a look, so blanks before keys need no thought here.
 */
static void
find_asked(struct at *a)
{
	struct walk *w = a->w;
	const uint16_t *pos = a->pos;
	const char *p = a->p + 2;	/* behind the token and a quote */

	for (size_t base = 0; base < a->n; base += 64) {
		size_t i = 0, end = a->n - base < 64 ? a->n - base : 64;
		uint64_t hits = 0, members = w->member[base / 64] >> 1 | w->member[base / 64 + 1] << 63;

		for (; i + 8 <= end; i += 8)
			hits |= may_be_asked(w, p, pos + base + i, 8) << i;
		if (i < end && end >= 8)	/* the last ones, some a second time */
			hits |= may_be_asked(w, p, pos + base + end - 8, 8) << (end - 8);
		else if (i < end)
			hits = may_be_asked(w, p, pos + base, end);
		w->asked[base / 64] = hits & members;
	}
	for (size_t s = a->slash; s < pos[a->n - 1]; w->slash = s = next_slash(a->m, pos[s])) {
		size_t t = 0;

		for (size_t step = a->n; step > 1; step -= step / 2)
			t += pos[t + step / 2] < s ? step / 2 : 0;
		if (token_member(a->token[t + 1]) && in_key(a->p, pos[t] + 1u, s))
			w->asked[t / 64] |= UINT64_C(1) << t % 64;
		s = t + 1;
	}
}

/* The node below `above` for the key behind token t; *q: its opening quote, *behind: behind its closing one. */
static int __attribute__((noinline))
look_up(struct at *a, size_t t, int above, const char **q, const char **behind)
{
	struct plain *plain = a->w->plain;
	const char *end = a->p + a->pos[t + 1];
	size_t len;
	int node;

	for (*q = a->p + a->pos[t] + 1; (unsigned char)**q <= ' '; ++*q)
		;
	*behind = NULL;
	if (RARE(slash_behind(a, t)) && in_key(a->p, a->pos[t] + 1u, a->slash)) {
		*behind = key_end(*q);
		len = (size_t)(*behind - *q) - 2;
		return trie_key(plain->trie, above, span_of(*q + 1, len), memchr(*q, '\\', len + 1) != NULL,
		    &plain->key);
	}
	node = trie_find(plain->trie, above, *q + 1, (size_t)(end - *q) - 1, &len);
	if (node != TRIE_NONE)
		*behind = *q + len + 2;
	return node;
}

/* Behind the colon of a key that ends at p. */
BITS_INLINE const char *
value_at(const char *p)
{
	while (*p != ':')		/* blanks */
		p++;
	return p + 1;
}

/* The asked key below `above` that stands at q as it mostly does, with its colon; NULL: another one, or not so. */
BITS_INLINE const struct walk_key *
as_it_stands(const struct walk *w, int above, const char *q)
{
	const struct walk_key *k;
	uint16_t two;
	uint64_t d;

	memcpy(&two, q + 1, sizeof two);
	for (unsigned i = w->begins[two] & WALK_KEYS; i != 0; i = k->next) {
		k = &w->key[i];
		d = (trie_load(q) ^ k->text[0]) & k->mask[0];
		d |= (trie_load(q + 8) ^ k->text[1]) & k->mask[1];
		d |= (uint64_t)(unsigned)(k->above ^ above);
		if (d == 0 && (k->n <= sizeof k->text || memcmp(q, k->whole, k->n) == 0))
			return k;
	}
	return NULL;
}

/* The object or array around what stands behind token t: the token that opened it. */
BITS_INLINE size_t
around(const struct walk *w, size_t t)
{
	uint64_t here = w->bracket[t / 64] & ~(uint64_t)0 >> (63 - t % 64);

	return w->within[here != 0 ? t / 64 * 64 + 63 - (size_t)__builtin_clzll(here) : w->before[t / 64]];
}

/* What ends at this token is no object and no array. */
BITS_INLINE bool
is_scalar(const struct at *a, size_t t)
{
	return (token_byte(a->token[t]) & OPENING) != OPENING;
}

/* The scalar behind token t, which begins at `from`. */
BITS_INLINE struct span
scalar_behind(const struct at *a, size_t t, const char *from)
{
	return value_between(a->p, (size_t)(from - a->p), a->pos[t + 1]);
}

/* A value behind token t, which begins at `from`, stands on this node.  Returns the token that opens it, or 0. */
BITS_INLINE size_t
take(struct at *a, size_t t, const char *from, int node)
{
	size_t next = t + 1, close;
	struct span v;

	if (is_scalar(a, next)) {
		v = scalar_behind(a, t, from);
		plain_fill(a->w->plain, node, v.p, v.n, escaped(a, v));
		if (RARE(a->w->draft.keep))
			draft_value(a, node, (struct shape_value){ .from = (uint16_t)t, .to = (uint16_t)next,
			    .place = PLACE_BETWEEN, .skip = (uint16_t)(from - (a->p + a->pos[t] + 1)) });
		return 0;
	}
	close = a->w->close_of[next];
	v = span_of(a->p + a->pos[next], a->pos[close] + 1u - a->pos[next]);
	plain_fill(a->w->plain, node, v.p, v.n, escaped(a, v));
	if (RARE(a->w->draft.keep))
		draft_value(a, node, (struct shape_value){ .from = (uint16_t)next, .to = (uint16_t)close,
		    .place = PLACE_BRACKETS });
	return next;
}

/* Token t opens what stands on this node: an object is gone through when its keys come, an array soon. */
BITS_INLINE size_t
open_node(struct at *a, size_t t, int node, size_t todo)
{
	const struct trie_node *n = &a->w->plain->trie->node[node];

	if ((token_byte(a->token[t]) & TOKEN_CURLY) != 0)
		a->w->node[t] = n->child != TRIE_NONE ? node : TRIE_NONE;
	else if (n->index != TRIE_NONE)
		a->w->todo[todo++] = (struct walk_todo){ t, node };
	return todo;
}

/* Take the asked elements of n arrays, and of arrays in them. */
static void __attribute__((noinline))
take_elements(struct at *a, size_t n)
{
	const struct trie *trie = a->w->plain->trie;

	while (n > 0) {
		struct walk_todo in = a->w->todo[--n];
		size_t at = in.t, close = a->w->close_of[in.t], t;	/* at: the token before element i */
		uint32_t i = 0;

		for (int e = trie->node[in.node].index; e != TRIE_NONE; e = trie->node[e].next) {
			for (; i < trie->node[e].index_of && at != close; i++)
				at = (token_byte(a->token[at + 1]) & OPENING) == OPENING ? a->w->close_of[at + 1] + 1u :
				    at + 1;
			if (at == close)
				break;
			if ((t = take(a, at, a->p + a->pos[at] + 1, e)) != 0)
				n = open_node(a, t, e, n);
		}
	}
}

/* What token t opens stands on this node. */
BITS_INLINE void
enter(struct at *a, size_t t, int node)
{
	if (open_node(a, t, node, 0) != 0)
		take_elements(a, 1);
}

/* The key behind token t is one of `node`. False: the line had it before. */
BITS_INLINE bool
first_met(struct plain *plain, int node)
{
	if (plain->met[node] == plain->serial)
		return false;
	plain->met[node] = plain->serial;
	return true;
}

/* The same as bind does, of one key below `above` that stands in no way foreseen; most are not asked for. */
static bool __attribute__((noinline))
bind_odd(struct at *a, size_t t, int above)
{
	const char *q, *behind;
	int node = look_up(a, t, above, &q, &behind);
	size_t opens;

	if (node == TRIE_NONE)
		return true;
	if (!first_met(a->w->plain, node))
		return false;
	if ((opens = take(a, t, value_at(behind), node)) != 0)
		enter(a, opens, node);
	return true;
}

/* Find the asked values of a line that is proved. False: a key on their way stands twice. */
static bool
bind(struct at *a)
{
	struct walk *w = a->w;

	enter(a, 0, TRIE_ROOT);
	for (size_t base = 0; base < a->n; base += 64)
		for (uint64_t asked = w->asked[base / 64]; asked != 0; asked &= asked - 1) {
			size_t t = base + (size_t)__builtin_ctzll(asked), opens;
			int above = w->node[around(w, t)];
			const char *from = a->p + a->pos[t] + 1;
			const struct walk_key *k;

			if (above == TRIE_NONE)
				continue;
			if ((k = as_it_stands(w, above, from)) == NULL) {
				if (!bind_odd(a, t, above))
					return false;
				continue;
			}
			if (!first_met(w->plain, k->node))
				return false;
			if (k->column != NULL && is_scalar(a, t + 1) && !w->draft.keep)
				put(a, &k->column[a->row], scalar_behind(a, t, from + k->n));
			else if ((opens = take(a, t, from + k->n, k->node)) != 0)
				enter(a, opens, k->node);
		}
	return true;
}

/* Pin the keys of objects that asked paths go through. */
static void __attribute__((noinline))
draft_keys(struct at *a)
{
	struct walk *w = a->w;

	for (size_t t = 0; t + 1 < a->n && w->draft.keep; t++) {
		int above, node;
		const char *q, *behind;

		if (!token_member(a->token[t + 1]) || (above = w->node[around(w, t)]) == TRIE_NONE)
			continue;
		node = look_up(a, t, above, &q, &behind);
		if (behind == NULL)
			behind = key_end(q);
		draft_key(a, t, above, q, (size_t)((node != TRIE_NONE ? value_at(behind) : behind) - q), node);
	}
}

void
walk_window(struct walk *w, const struct marks *m)
{
	w->slash = m->any_slash != 0 ? next_slash(m, 0) : SIZE_MAX;
}

bool
walk_line(struct walk *w, const struct marks *m, const char *p, size_t t0, size_t n, size_t row, bool learn)
{
	struct at a = { .w = w, .m = m, .p = p, .token = m->token + t0, .pos = m->pos + t0, .n = n, .row = row };
	struct draft *d = &w->draft;
	size_t slash;

	if (a.token[0] != '{' && (a.token[0] != '[' || !w->plain->limits->any))
		return false;
	d->keep = learn && n <= SHAPE_TOKENS_MAX;
	d->n_pins = d->n_voids = 0;
	if (!prove(&a) || (n > w->plain->limits->keys && !keys_within(&a, w->plain->limits->keys)))
		return false;
	plain_begin(w->plain, row);
	for (size_t c = 0; d->keep && c < d->n_values; c++)
		d->value[c] = (struct shape_value){ .place = PLACE_ABSENT };
	if (w->slash < a.pos[0])	/* lines that were not walked are between */
		w->slash = next_slash(m, a.pos[0]);
	a.slash = slash = w->slash;
	find_asked(&a);
	if (!bind(&a))
		return false;
	if (d->keep) {
		a.slash = slash;
		draft_keys(&a);
	}
	plain_end(w->plain);
	return true;
}
