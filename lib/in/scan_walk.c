/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_walk - see scan_walk.h
 *
 * The kernel proved what stands between two tokens (scan_kernel.h); here the tokens themselves are proved.  What a
 * token list cannot show: {"a"} looks like {}, so an empty object's inside is looked at.
 */
#include "in/scan_walk.h"

#include <stdlib.h>

/* The walk of one line. */
struct at {
	struct walk *w;
	const struct marks *m;
	const char *p;
	const uint8_t *token;	/* of this line, t0 on */
	const uint16_t *pos;
	size_t t;		/* the token looked at */
	struct frame *f;	/* the innermost open container is f[-1] */
	size_t row;
};

void
walk_init(struct walk *w, struct plain *plain, size_t columns)
{
	*w = (struct walk){ .plain = plain };
	w->draft.n_values = columns;
	w->draft.value = mem_array(NULL, mem_add(columns, 1), sizeof *w->draft.value);
}

void
walk_free(struct walk *w)
{
	free(w->draft.value);
	buf_free(&w->draft.text);
}

/* The columns at this node get v, and the shape learns where it stood. */
static void
found(struct at *a, int node, struct val v, enum place place, size_t from, size_t to)
{
	const struct trie *t = a->w->plain->trie;

	trie_fill(t, node, a->w->plain->col, a->row, v);
	if (!a->w->draft.keep)
		return;
	for (int r = t->node[node].col; r != TRIE_NONE; r = t->ref[r].next)
		a->w->draft.value[t->ref[r].col] = (struct shape_value){ (uint16_t)t->ref[r].col, (uint16_t)from,
		    (uint16_t)to, (uint8_t)place };
}

/* A scalar, or nothing, between the tokens from and from + 1: what stands on a node. */
static void
found_scalar(struct at *a, int node, size_t from)
{
	if (node != TRIE_NONE)
		found(a, node, value_between(a->m, a->p, a->pos[from] + 1u, a->pos[from + 1]), PLACE_BETWEEN, from,
		    from + 1);
}

/* The bytes of a key and its colon become a check of the shape; `from` is the token before. */
static void __attribute__((noinline))
draft_key(struct at *a, size_t from)
{
	struct draft *d = &a->w->draft;
	size_t n = (size_t)(a->pos[from + 1] - a->pos[from]);
	const char *p = a->p + a->pos[from] + 1;
	char text[16] = { 0 }, mask[16] = { 0 };
	struct shape_key *k;

	if (d->n_keys == sizeof d->key / sizeof d->key[0]) {
		d->keep = false;
		return;
	}
	k = &d->key[d->n_keys++];
	*k = (struct shape_key){ .token = (uint16_t)from };
	memcpy(text, p, n < 16 ? n : 16);
	memset(mask, 0xFF, n < 16 ? n : 16);
	memcpy(k->text, text, 16);
	memcpy(k->mask, mask, 16);
	if (n > 16) {
		k->more = (uint16_t)(n - 16);
		k->more_at = (uint32_t)d->text.n;
		buf_add(&d->text, p + 16, n - 16);
	}
}

/* A key stands behind token t, its colon is token t + 1: the node below it. False: not a key, or one too many. */
static bool
walk_key(struct at *a, int *node)
{
	struct plain *plain = a->w->plain;
	struct frame *f = &a->f[-1];
	size_t from, to;
	bool escaped;

	*node = TRIE_NONE;
	if (a->token[a->t + 1] != ':' || f->n++ == plain->limits->keys)
		return false;
	if (f->children == TRIE_NONE)
		return true;
	if (a->w->draft.keep)
		draft_key(a, a->t);
	from = a->pos[a->t] + 1u;
	to = a->pos[a->t + 1];
	while (from < to && a->p[from] != '"')
		from++;
	while (from < to && a->p[to - 1] != '"')
		to--;
	escaped = a->m->any_slash != 0 && bits_in(a->m->slash, from, to);
	*node = trie_key(plain->trie, f->children, span_of(a->p + from + 1, to - from - 2), escaped, &plain->key);
	if (*node == TRIE_NONE)
		return true;
	if (plain->met[*node] == plain->serial)
		return false;
	plain->met[*node] = plain->serial;
	return true;
}

/* Is there nothing between `{` at t and `}` behind it? */
static bool
walk_empty(struct at *a)
{
	struct draft *d = &a->w->draft;

	for (size_t i = a->pos[a->t] + 1u; i < a->pos[a->t + 1]; i++)
		if ((unsigned char)a->p[i] > ' ')
			return false;
	if (d->n_voids == sizeof d->empty / sizeof d->empty[0])
		d->keep = false;
	else
		d->empty[d->n_voids++] = (uint16_t)a->t;
	return true;
}

/*
 * A value begins behind token t, or, when token t + 1 opens a bracket, there.  Goes to the token behind it,
 * into the first value of a container, or fails.  *node: where the value stands, on return where the next one does.
 */
static bool
walk_value(struct at *a, int *node)
{
	struct plain *plain = a->w->plain;
	uint8_t c = a->token[a->t + 1];

	if (c != '{' && c != '[') {
		found_scalar(a, *node, a->t);
		a->t++;
		return true;
	}
	a->t++;
	if ((size_t)(a->f - plain->frame) == plain->limits->depth)
		return false;
	frame_open(plain->trie, a->f++, a->p + a->pos[a->t], *node);
	a->f[-1].token = (uint16_t)a->t;
	return true;
}

/* Close every container that token t closes, and those behind it. False: the wrong bracket. */
static bool
walk_close(struct at *a)
{
	struct frame *f;
	size_t from;

	f = --a->f;
	if (a->token[a->t] != (f->object ? '}' : ']'))
		return false;
	from = f->token;
	if (f->self != TRIE_NONE)
		found(a, f->self, (struct val){ span_of(f->start, (size_t)(a->p + a->pos[a->t] + 1 - f->start)),
		    f->object ? T_OBJ : T_ARR, 0 }, PLACE_BRACKETS, from, a->t);
	return true;
}

static bool
walk_tokens(struct at *a, size_t n)
{
	struct frame *bottom = a->w->plain->frame;
	int node = TRIE_ROOT;
	bool object;

	/* The first value stands behind no token of this line: begin before it. */
	a->t = (size_t)-1;
	for (;;) {
		struct frame *f = a->f;

		if (!walk_value(a, &node))
			return false;
		if (a->f != f) {			/* token t opened a container */
			object = a->f[-1].object;
			if (a->token[a->t + 1] == (object ? '}' : ']')) {
				if (object ? !walk_empty(a) : false)
					return false;
				if (!object)
					found_scalar(a, frame_element(a->w->plain->trie, &a->f[-1]), a->t);
				a->t++;
			} else {
				if (!object)
					node = frame_element(a->w->plain->trie, &a->f[-1]);
				else if (!walk_key(a, &node))
					return false;
				else
					a->t++;
				continue;
			}
		}
		/* Token t follows a value. */
		while (a->token[a->t] == '}' || a->token[a->t] == ']') {
			if (!walk_close(a))
				return false;
			a->t++;
			if (a->f == bottom)
				return a->t == n;
		}
		if (a->token[a->t] != ',')
			return false;
		if (!a->f[-1].object)
			node = frame_element(a->w->plain->trie, &a->f[-1]);
		else if (!walk_key(a, &node))
			return false;
		else
			a->t++;
	}
}

bool
walk_line(struct walk *w, const struct marks *m, const char *p, size_t t0, size_t n, size_t row, bool learn)
{
	struct at a = { w, m, p, m->token + t0, m->pos + t0, 0, w->plain->frame, row };
	struct draft *d = &w->draft;

	if (a.token[0] != '{' && (a.token[0] != '[' || !w->plain->limits->any))
		return false;
	plain_begin(w->plain, row);
	d->keep = learn && n <= SHAPE_TOKENS_MAX;
	d->n_keys = d->n_voids = 0;
	buf_clear(&d->text);
	for (size_t c = 0; d->keep && c < d->n_values; c++)
		d->value[c] = (struct shape_value){ .col = (uint16_t)c, .place = PLACE_ABSENT };
	return walk_tokens(&a, n);
}
