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

void
walk_init(struct walk *w, struct plain *plain, size_t columns)
{
	w->plain = plain;
	w->draft = (struct draft){ .n_values = columns };
	w->draft.value = mem_array(NULL, mem_add(columns, 1), sizeof *w->draft.value);
}

void
walk_free(struct walk *w)
{
	free(w->draft.value);
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
 * Do the brackets pair, in one value, and stand members in objects and elements in arrays?  Fills close_of.
 * The types of the open containers are bits, the innermost lowest, an object 1; the outermost two are `10`, a marker
 * and what is around the line's value: no object.
 */
static bool
prove(struct at *a)
{
	uint16_t *close_of = a->w->close_of, stack[WALK_DEPTH + 3];
	size_t depth = 0, last = 0, limit = a->w->plain->limits->depth;
	uint64_t types = 2, after_close = 0, after_curly = 0;

	if (limit > WALK_DEPTH)
		limit = WALK_DEPTH;
	for (size_t base = 0; base < a->n; base += 64) {
		struct tokens k = tokens_at(a->token + base, a->n - base);
		uint64_t void_ = bits_shift(k.open & k.curly, &after_curly) & k.close & k.curly & ~k.member;
		uint64_t look, wrong, run, object, open;
		size_t end = a->n - base < 64 ? a->n - base : 64, from = 0, t;

		/* Nothing stands between a closing bracket and the next token, and in empty objects. */
		look = ~(bits_shift(k.close, &after_close) | void_);
		for (; RARE(void_); void_ &= void_ - 1)
			if (!is_void(a, base + (size_t)__builtin_ctzll(void_) - 1))
				return false;
		for (uint64_t left = k.bracket; left != 0; left &= left - 1) {
			unsigned i = (unsigned)__builtin_ctzll(left);

			run = (UINT64_C(2) << i) - (UINT64_C(1) << from);
			object = k.curly >> i & 1;
			open = k.open >> i & 1;
			wrong = (k.member ^ -(types & 1)) & look & run;
			wrong |= (types ^ object) & 1 & ~open;
			types = open ? types << 1 | object : types >> 1;
			wrong |= types >> (limit + 2);
			if (wrong != 0 || (types <= 2 && base + i != a->n - 1))
				return false;
			/* Where an open bracket lies, or the one that closes here did. */
			depth += open;
			t = open ? base + i : stack[depth];
			stack[depth] = (uint16_t)(base + i);
			close_of[t] = (uint16_t)(base + i);
			depth -= 1 - open;
			from = i + 1;
			last = base + i;
		}
		if (from < end && ((k.member ^ -(types & 1)) & look & (~(uint64_t)0 << from) &
		    (~(uint64_t)0 >> (64 - end))) != 0)
			return false;
	}
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

/* The columns at this node get v, and the shape learns where it stood. */
static void
found(struct at *a, int node, struct val v, struct shape_value where)
{
	const struct trie *t = a->w->plain->trie;
	struct draft *d = &a->w->draft;

	trie_fill(t, node, a->w->plain->col, a->row, v);
	if (!d->keep)
		return;
	for (int r = t->node[node].col; r != TRIE_NONE; r = t->ref[r].next) {
		where.col = (uint16_t)t->ref[r].col;
		d->value[where.col] = where;
	}
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
 * What a line must have behind token l->t to be like this one: the key at q, n bytes with its quotes, and its colon too
 * when it is asked for.  One that is not need not be the same, if what is compared of it begins no asked one.
 */
static void __attribute__((noinline))
draft_key(struct at *a, const struct level *l, const char *q, size_t n, int node)
{
	const char *from = a->p + a->pos[l->t] + 1;
	size_t gap = (size_t)(q - from), part = 8 - gap;

	if (node == TRIE_NONE && gap < 7 && part < n && memchr(q, '\\', part) == NULL &&
	    trie_none_begins(a->w->plain->trie, l->node, span_of(q + 1, part - 1)))
		pin(&a->w->draft, l->t, from, 8);
	else
		pin(&a->w->draft, l->t, from, (size_t)(q + n - from));
}

/* Behind the string whose opening quote is at q. */
static const char *
key_end(const char *q)
{
	for (q++; *q != '"'; q++)
		q += *q == '\\';
	return q + 1;
}

/* Where the first backslash from `from` on stands in the line; SIZE_MAX when there is none. */
static size_t __attribute__((noinline))
next_slash(const struct at *a, size_t from)
{
	size_t end = a->pos[a->n - 1], w = from / 64;
	uint64_t bits = a->m->slash[w] & ~(uint64_t)0 << from % 64;

	while (bits == 0 && (w + 1) * 64 <= end)
		bits = a->m->slash[++w];
	return bits == 0 ? SIZE_MAX : w * 64 + (size_t)__builtin_ctzll(bits);
}

/* Does a backslash stand between token t and the next?  Asked in ascending order. */
BITS_INLINE bool
slash_behind(struct at *a, size_t t)
{
	if (__builtin_expect(a->slash >= a->pos[t + 1], 1))
		return false;
	if (a->slash <= a->pos[t])
		a->slash = next_slash(a, a->pos[t] + 1u);
	return a->slash < a->pos[t + 1];
}

/*
 * From token t on, pass over an object's members that no asked path can go through: most of them, so it is done with
 * everything in registers and no branch on what a value is.
 */
static size_t
pass_members(const struct at *a, size_t t, size_t close, int node)
{
	const struct trie *trie = a->w->plain->trie;
	const uint16_t *pos = a->pos, *close_of = a->w->close_of;
	const uint8_t *token = a->token;
	const char *p = a->p, *q;
	size_t slash = a->slash;

	for (; t != close; t = (token_byte(token[t + 1]) & OPENING) == OPENING ? close_of[t + 1] + 1u : t + 1) {
		for (q = p + pos[t] + 1; (unsigned char)*q <= ' '; q++)
			;
		if (slash < pos[t + 1] || trie_may(trie, node, q + 1))
			break;
	}
	return t;
}

/* The key behind token l->t: the node below it, and where its value may begin. False: it was met before. */
BITS_INLINE bool
member(struct at *a, const struct level *l, int *node, const char **value)
{
	struct plain *plain = a->w->plain;
	const char *end = a->p + a->pos[l->t + 1], *q = a->p + a->pos[l->t] + 1, *behind = NULL;
	size_t len = 0;

	while ((unsigned char)*q <= ' ')
		q++;
	if (RARE(slash_behind(a, l->t))) {
		behind = key_end(q);
		len = (size_t)(behind - q) - 2;
		*node = trie_key(plain->trie, l->node, span_of(q + 1, len), memchr(q, '\\', len + 1) != NULL,
		    &plain->key);
	} else
		*node = trie_find(plain->trie, l->node, q + 1, (size_t)(end - q) - 1, &len);
	if (*node != TRIE_NONE) {
		if (plain->met[*node] == plain->serial)
			return false;
		plain->met[*node] = plain->serial;
		for (behind = q + len + 2; *behind != ':'; behind++)	/* blanks */
			;
		*value = ++behind;
	}
	if (RARE(a->w->draft.keep))
		draft_key(a, l, q, (size_t)((behind != NULL ? behind : key_end(q)) - q), *node);
	return true;
}

/* The node that the next element stands on. */
static int
element(const struct trie *t, struct level *l)
{
	int node = l->element;

	if (node == TRIE_NONE || t->node[node].index_of != l->n++)
		return TRIE_NONE;
	l->element = t->node[node].next;
	return node;
}

/* Begin to go through the container that token t opens, if asked paths go through it. */
static struct level *
enter(const struct at *a, struct level *l, size_t t, int node)
{
	const struct trie *trie = a->w->plain->trie;
	bool object = (token_byte(a->token[t]) & TOKEN_CURLY) != 0;
	size_t close = a->w->close_of[t];

	if (object ? trie->node[node].child == TRIE_NONE || (close == t + 1 && !token_member(a->token[close])) :
	    trie->node[node].index == TRIE_NONE)
		return l;
	*++l = (struct level){ .t = t, .close = close, .node = node, .object = object,
	    .element = trie->node[node].index };
	return l;
}

/* Find the asked values of a line that is proved. False: a key on their way stands twice. */
static bool
bind(struct at *a)
{
	struct level *stack = a->w->level, *l = enter(a, stack, 0, TRIE_ROOT);
	int node;

	while (l > stack) {
		const char *from;
		size_t next;

		if (l->object && !a->w->draft.keep)
			l->t = pass_members(a, l->t, l->close, l->node);
		from = a->p + a->pos[l->t] + 1;
		next = l->t + 1;
		if (l->t == l->close || (!l->object && l->element == TRIE_NONE)) {
			l--;
			continue;
		}
		if (!l->object)
			node = element(a->w->plain->trie, l);
		else if (!member(a, l, &node, &from))
			return false;
		if ((token_byte(a->token[next]) & OPENING) == OPENING) {
			size_t close = a->w->close_of[next];

			l->t = close + 1;
			if (node == TRIE_NONE)
				continue;
			from = a->p + a->pos[next];
			found(a, node, (struct val){ span_of(from, (size_t)(a->p + a->pos[close] + 1 - from)),
			    scan_tag[(unsigned char)*from], 0 }, (struct shape_value){ .from = (uint16_t)next,
			    .to = (uint16_t)close, .place = PLACE_BRACKETS });
			l = enter(a, l, next, node);
		} else {
			if (node != TRIE_NONE)
				found(a, node, value_between(a->m, a->p, (size_t)(from - a->p), a->pos[next]),
				    (struct shape_value){ .from = (uint16_t)l->t, .to = (uint16_t)next,
				    .place = PLACE_BETWEEN,
				    .skip = (uint16_t)(from - (a->p + a->pos[l->t] + 1)) });
			l->t = next;
		}
	}
	return true;
}

bool
walk_line(struct walk *w, const struct marks *m, const char *p, size_t t0, size_t n, size_t row, bool learn)
{
	struct at a = { .w = w, .m = m, .p = p, .token = m->token + t0, .pos = m->pos + t0, .n = n, .row = row };
	struct draft *d = &w->draft;

	if (a.token[0] != '{' && (a.token[0] != '[' || !w->plain->limits->any))
		return false;
	d->keep = learn && n <= SHAPE_TOKENS_MAX;
	d->n_pins = d->n_voids = 0;
	if (!prove(&a) || (n > w->plain->limits->keys && !keys_within(&a, w->plain->limits->keys)))
		return false;
	plain_begin(w->plain, row);
	for (size_t c = 0; d->keep && c < d->n_values; c++)
		d->value[c] = (struct shape_value){ .col = (uint16_t)c, .place = PLACE_ABSENT };
	a.slash = m->any_slash != 0 ? next_slash(&a, a.pos[0]) : SIZE_MAX;
	return bind(&a);
}
