/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fold_read - the keys of a fold in order: each part's own are put into chunks, from memory and disk, by whoever has
 * the time; who reads takes the smallest of the parts' next keys
 */
#include <signal.h>
#include <stdlib.h>

#include "base/err.h"
#include "cdc/fold_own.h"

#define CHUNK_KEYS 1024
#define CHUNK_BYTES (512 * KIB)
#define NEAR_READ 8			/* of so many keys ahead the versions are brought near */
#define NEAR_BYTES_MAX 1024

/* ---- a chunk ---- */

static struct span
key_at(const struct part *t, size_t i)
{
	return keytab_key(t->pile.keys, t->read.order[i].i);
}

static uint32_t
newest_at(const struct part *t, size_t i)
{
	return *keytab_cell(t->pile.keys, t->read.order[i].i) - 1;
}

/* The changes of the next key in memory. */
static size_t
next_list(struct part *t, uint32_t *kinds)
{
	struct reading *r = &t->read;
	uint32_t newest = newest_at(t, r->at++);

	if (r->at + NEAR_READ < r->n_keys)
		__builtin_prefetch(&t->pile.v[newest_at(t, r->at + NEAR_READ)]);
	*kinds = fold_kinds(*kinds, t->pile.v[newest].kind);
	return pile_list(&t->pile, newest, &r->list, &r->list_cap);
}

static struct fold_change
unpack(struct span *s)
{
	struct fold_change c;
	struct packed p;

	memcpy(&p, s->p, sizeof p);
	*s = span_from(*s, sizeof p);
	c = (struct fold_change){ .op = p.op, .partial = p.partial, .day = p.day, .seq = p.seq,
	    .ord = span_of(s->p, p.ord_n), .row = span_of(s->p + p.ord_n, p.row_n) };
	*s = span_from(*s, (size_t)p.ord_n + p.row_n);
	return c;
}

/* The kind in front of a value on disk. */
static struct span
packed_kind(struct span s, uint32_t *kinds)
{
	uint32_t kind;

	memcpy(&kind, s.p, sizeof kind);
	*kinds = fold_kinds(*kinds, kind);
	return span_from(s, sizeof kind);
}

static void
add_change(struct chunk *k, const struct fold_change *c)
{
	if (k->n_changes == k->cap_changes) {
		k->cap_changes = k->cap_changes == 0 ? CHUNK_KEYS : mem_mul(k->cap_changes, 2);
		k->change = mem_array(k->change, k->cap_changes, sizeof *k->change);
	}
	k->change[k->n_changes++] = *c;
}

/* A copy that stays with the chunk, which has room. */
static struct span
copy(struct chunk *k, struct span s)
{
	char *p = k->bytes.p + k->bytes.n;

	buf_span_add(&k->bytes, s);
	return span_of(p, s.n);
}

/* A key that one run has, and nobody else: as it stands there. */
static void
add_packed(struct chunk *k, struct span value, uint32_t *kinds)
{
	struct span s = copy(k, packed_kind(value, kinds));

	while (s.n > 0) {
		struct fold_change c = unpack(&s);

		add_change(k, &c);
	}
}

/* One that several runs have, or memory too: all of its changes are folded again. */
static void
add_folded(struct part *t, struct chunk *k, bool here, uint32_t *kinds)
{
	struct reading *r = &t->read;
	uint32_t newest = NONE;
	size_t n;

	pile_reset(&r->one);
	for (size_t i = 0; i < spill_values(t->spill); i++) {
		struct span s = packed_kind(spill_value(t->spill, i), kinds);

		while (s.n > 0) {
			struct fold_change c = unpack(&s);

			newest = pile_put(&r->one, newest, &c);
		}
	}
	n = here ? next_list(t, kinds) : 0;
	for (size_t i = 0; i < n; i++)
		newest = pile_put(&r->one, newest, &r->list[i]);
	n = pile_list(&r->one, newest, &r->list, &r->list_cap);
	for (size_t i = 0; i < n; i++) {
		struct fold_change c = r->list[i];

		c.ord = copy(k, c.ord);
		c.row = copy(k, c.row);
		add_change(k, &c);
	}
}

/* Room for the next key and its changes, wherever they are; false: the chunk is full. */
static bool
has_room(struct part *t, struct chunk *k, struct span key, bool here)
{
	size_t need = key.n;

	for (size_t i = 0; i < spill_values(t->spill); i++)
		need = mem_add(need, spill_value(t->spill, i).n);
	for (uint32_t v = here ? newest_at(t, t->read.at) : NONE; v != NONE; v = t->pile.v[v].older)
		need = mem_add(need, (size_t)t->pile.v[v].ord_n + t->pile.v[v].row_n);
	if (k->n > 0)
		return k->bytes.cap - k->bytes.n >= need;
	(void)buf_room(&k->bytes, need > CHUNK_BYTES ? need : CHUNK_BYTES);
	return true;
}

/* The next key of the part, into the chunk. False: it is full, or there is none (read.ended), or k->rc. */
static bool
add_key(struct part *t, struct chunk *k)
{
	struct reading *r = &t->read;
	bool here = r->at < r->n_keys, there;
	struct fold_item it = { .at = k->n_changes };
	struct span own = { NULL, 0 }, key = { NULL, 0 };
	uint32_t kinds = 0;
	int order;

	there = t->spill != NULL && spill_key(t->spill, &key);
	if (!here && !there) {
		r->ended = true;
		return false;
	}
	if (here)
		own = key_at(t, r->at);
	order = !there ? -1 : here ? span_cmp(own, key) : 1;
	if (order < 0) {
		size_t n = next_list(t, &kinds);

		it.key = own;
		for (size_t i = 0; i < n; i++)
			add_change(k, &r->list[i]);
	} else {
		if (!has_room(t, k, key, order == 0))
			return false;
		it.key = copy(k, key);
		if (order > 0 && spill_values(t->spill) == 1)
			add_packed(k, spill_value(t->spill, 0), &kinds);
		else
			add_folded(t, k, order == 0, &kinds);
		k->rc = spill_step(t->spill);
	}
	it.n = k->n_changes - it.at;
	it.mixed = kinds == MIXED;
	k->item[k->n++] = it;
	return k->rc == 0 && k->n < CHUNK_KEYS;
}

/* As many keys of a part as a chunk holds. Whoever has set `busy`, without the lock. */
static void
fill(struct part *t, struct chunk *k)
{
	struct reading *r = &t->read;

	if (r->order == NULL) {
		r->order = keytab_sorted((const struct keytab *const *)&t->pile.keys, 1, &r->n_keys);
		if (t->spill != NULL)
			k->rc = spill_begin(t->spill);
	}
	if (k->item == NULL)
		k->item = mem_array(NULL, CHUNK_KEYS, sizeof *k->item);
	k->n = k->n_changes = 0;
	if (k->bytes.cap > 4 * CHUNK_BYTES)
		buf_free(&k->bytes);
	buf_clear(&k->bytes);
	while (k->rc == 0 && add_key(t, k))
		;
}

/* ---- who fills them; called and left with the lock of reading held ---- */

/* A part with a chunk to be filled: the one that has least. */
static struct part *
hungry(struct fold *f)
{
	struct part *best = NULL;

	for (size_t i = 0; i < PARTS; i++) {
		struct part *t = &f->part[i];

		if (t->read.busy || t->read.ended || t->read.full == 2)
			continue;
		if (best == NULL || t->read.full < best->read.full)
			best = t;
	}
	return best;
}

static void
fill_next(struct fold *f, struct part *t)
{
	struct reading *r = &t->read;
	struct chunk *k = &r->chunk[(r->next + r->full) % 2];

	r->busy = true;
	pthread_mutex_unlock(&f->lock);
	fill(t, k);
	pthread_mutex_lock(&f->lock);
	r->ended = r->ended || k->rc != 0;
	r->full += k->n > 0 || k->rc != 0;
	r->busy = false;
	pthread_cond_broadcast(&f->change);
}

static void *
help(void *arg)
{
	struct fold *f = arg;
	struct part *t;

	pthread_mutex_lock(&f->lock);
	while (!f->stop) {
		if ((t = hungry(f)) != NULL)
			fill_next(f, t);
		else
			pthread_cond_wait(&f->change, &f->lock);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

/* Deaf to signals, which are the main thread's; where none can be started who reads does it all. */
static void
start_helpers(struct fold *f, size_t n)
{
	sigset_t all, was;

	f->helper = mem_array(NULL, n, sizeof *f->helper);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	while (f->n_helpers < n && pthread_create(&f->helper[f->n_helpers], NULL, help, f) == 0)
		f->n_helpers++;
	pthread_sigmask(SIG_SETMASK, &was, NULL);
}

/* Have a chunk of this part to read; *there: there is another one. 0 or why it could not be read. */
static int
have_chunk(struct fold *f, struct part *t, bool *there)
{
	struct reading *r = &t->read;
	struct part *other;
	int rc;

	pthread_mutex_lock(&f->lock);
	while (r->full == 0 && (r->busy || !r->ended)) {
		if (!r->busy)
			fill_next(f, t);
		else if ((other = hungry(f)) != NULL)
			fill_next(f, other);
		else
			pthread_cond_wait(&f->change, &f->lock);
	}
	*there = r->full > 0;
	rc = *there ? r->chunk[r->next].rc : 0;
	pthread_mutex_unlock(&f->lock);
	r->item = 0;
	return rc;
}

/* ---- reading ---- */

/* The key that comes next of the part, and its changes: there is one. */
static const struct fold_item *
item_of(const struct part *t, const struct chunk **k)
{
	*k = &t->read.chunk[t->read.next];
	return &(*k)->item[t->read.item];
}

static bool
before(const struct part *a, const struct part *b)
{
	const struct chunk *k;

	return span_cmp(item_of(a, &k)->key, item_of(b, &k)->key) < 0;
}

static void
sink(struct fold *f, size_t i)
{
	struct part *t = f->first[i];

	for (size_t child; (child = 2 * i + 1) < f->n_first; i = child) {
		if (child + 1 < f->n_first && before(f->first[child + 1], f->first[child]))
			child++;
		if (!before(f->first[child], t))
			break;
		f->first[i] = f->first[child];
	}
	f->first[i] = t;
}

/* The row behind the next one: all other parts have their turn before it is read. */
static void
bring_near(const struct part *t)
{
	const struct chunk *k;
	const struct fold_item *it = item_of(t, &k);
	struct span row;

	if (t->read.item + 1 == k->n)
		return;
	row = k->change[it[1].at].row;
	for (size_t i = 0; i < row.n && i < NEAR_BYTES_MAX; i += 64)
		__builtin_prefetch(row.p + i);
}

/* The part that was read goes on to its next key, or has none any more. */
static int
go_on(struct fold *f)
{
	struct part *t = f->first[0];
	struct reading *r = &t->read;
	bool there;
	int rc = 0;

	if (++r->item == r->chunk[r->next].n) {
		pthread_mutex_lock(&f->lock);
		r->next = (r->next + 1) % 2;
		r->full--;
		pthread_cond_broadcast(&f->change);
		pthread_mutex_unlock(&f->lock);
		rc = have_chunk(f, t, &there);
		if (rc == 0 && !there) {
			f->first[0] = f->first[--f->n_first];
			if (f->n_first == 0)
				return 0;
		}
	}
	if (rc == 0)
		sink(f, 0);
	return rc;
}

int
fold_begin(struct fold *f, size_t threads)
{
	size_t runs = 0;

	for (size_t i = 0; i < PARTS; i++)
		if (f->part[i].spill != NULL)
			runs += spill_runs(f->part[i].spill);
	for (size_t i = 0; i < PARTS; i++)
		if (f->part[i].spill != NULL)
			spill_buffers(f->part[i].spill, f->budget / 4 / runs);
	for (size_t i = 0; i < PARTS; i++)
		f->part[i].read.one.spare = NONE;
	if (threads > 1)
		start_helpers(f, threads - 1);
	for (size_t i = 0; i < PARTS; i++) {
		bool there;
		int rc = have_chunk(f, &f->part[i], &there);

		if (rc != 0)
			return rc;
		if (there)
			f->first[f->n_first++] = &f->part[i];
	}
	for (size_t i = f->n_first; i-- > 0;)
		sink(f, i);
	return 0;
}

int
fold_next(struct fold *f, struct span *key, const struct fold_change **v, size_t *n)
{
	const struct fold_item *it;
	const struct chunk *k;
	int rc = 0;

	*key = span_of(NULL, 0);
	*n = 0;
	if (f->begun && f->n_first > 0)
		rc = go_on(f);
	f->begun = true;
	if (rc != 0 || f->n_first == 0)
		return rc;
	it = item_of(f->first[0], &k);
	bring_near(f->first[0]);
	*key = it->key;
	*v = k->change + it->at;
	*n = it->n;
	f->mixed += it->mixed;
	return 0;
}

uint64_t
fold_mixed(const struct fold *f)
{
	return f->mixed;
}

void
fold_read_free(struct fold *f)
{
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_broadcast(&f->change);
	pthread_mutex_unlock(&f->lock);
	for (size_t i = 0; i < f->n_helpers; i++)
		pthread_join(f->helper[i], NULL);
	free(f->helper);
	for (size_t i = 0; i < PARTS; i++) {
		struct reading *r = &f->part[i].read;

		for (size_t x = 0; x < 2; x++) {
			free(r->chunk[x].item);
			free(r->chunk[x].change);
			buf_free(&r->chunk[x].bytes);
		}
		pile_free(&r->one);
		free(r->list);
		free(r->order);
	}
}
