/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fold_read - the keys of a fold in order: each part's own are put into chunks, from memory and disk, by whoever has
 * the time; who reads takes the smallest of the parts' next keys.  So it is with all keys, and with each of the ranges
 * that fold_split makes.
 */
#include <stdlib.h>

#include "base/inorder.h"
#include "base/thread.h"
#include "cdc/fold_own.h"

#define CHUNK_KEYS 1024
#define CHUNK_BYTES (512 * KIB)
#define RANGE_CHUNK_KEYS 64		/* where nobody else fills them they stay in a core's own caches */
#define RANGE_CHUNK_BYTES (32 * KIB)
#define NEAR_READ 8			/* of so many keys ahead the versions are brought near */

/* ---- a chunk ---- */

static struct span
key_at(const struct part *t, size_t i)
{
	return keytab_key(t->pile.keys, t->order[i].i);
}

static uint32_t
newest_at(const struct part *t, size_t i)
{
	return *keytab_cell(t->pile.keys, t->order[i].i) - 1;
}

/* The changes of the next key in memory. */
static size_t
next_list(struct view *r, uint32_t *kinds)
{
	const struct part *t = r->part;
	uint32_t newest = newest_at(t, r->at++);

	if (r->at + 2 * NEAR_READ < r->end)
		__builtin_prefetch(keytab_cell(t->pile.keys, t->order[r->at + 2 * NEAR_READ].i));
	if (r->at + NEAR_READ < r->end)
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
add_folded(struct view *r, struct chunk *k, bool here, uint32_t *kinds)
{
	uint32_t newest = NONE;
	size_t n;

	pile_reset(&r->one);
	for (size_t i = 0; i < spill_values(r->spill); i++) {
		struct span s = packed_kind(spill_value(r->spill, i), kinds);

		while (s.n > 0) {
			struct fold_change c = unpack(&s);

			newest = pile_put(&r->one, newest, &c);
		}
	}
	n = here ? next_list(r, kinds) : 0;
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
has_room(const struct fold_reader *f, const struct view *r, struct chunk *k, struct span key, bool here)
{
	const struct part *t = r->part;
	size_t need = key.n;

	for (size_t i = 0; i < spill_values(r->spill); i++)
		need = mem_add(need, spill_value(r->spill, i).n);
	for (uint32_t v = here ? newest_at(t, r->at) : NONE; v != NONE; v = t->pile.v[v].older)
		need = mem_add(need, (size_t)t->pile.v[v].ord_n + t->pile.v[v].row_n);
	if (k->n > 0)
		return k->bytes.cap - k->bytes.n >= need;
	(void)buf_room(&k->bytes, need > f->chunk_bytes ? need : f->chunk_bytes);
	return true;
}

/* The next key of the part, into the chunk. False: it is full, or there is none (k->last), or k->rc. */
static bool
add_key(const struct fold_reader *f, struct view *r, struct chunk *k)
{
	bool here = r->at < r->end, there;
	struct fold_item it = { .at = k->n_changes };
	struct span own = { NULL, 0 }, key = { NULL, 0 };
	uint32_t kinds = 0;
	int order;

	there = r->spill != NULL && spill_key(r->spill, &key) && (f->to.p == NULL || span_cmp(key, f->to) < 0);
	if (!here && !there) {
		k->last = true;
		return false;
	}
	if (here)
		own = key_at(r->part, r->at);
	order = !there ? -1 : here ? span_cmp(own, key) : 1;
	if (order < 0) {
		size_t n = next_list(r, &kinds);

		it.key = own;
		for (size_t i = 0; i < n; i++)
			add_change(k, &r->list[i]);
	} else {
		if (!has_room(f, r, k, key, order == 0))
			return false;
		it.key = copy(k, key);
		if (order > 0 && spill_values(r->spill) == 1)
			add_packed(k, spill_value(r->spill, 0), &kinds);
		else
			add_folded(r, k, order == 0, &kinds);
		k->rc = spill_step(r->spill);
	}
	it.n = k->n_changes - it.at;
	it.mixed = kinds == MIXED;
	k->item[k->n++] = it;
	return k->rc == 0 && k->n < f->chunk_keys;
}

static void
sort_part(struct part *t)
{
	if (t->order == NULL)
		t->order = keytab_sorted((const struct keytab *const *)&t->pile.keys, 1, &t->n_keys);
}

/* How many keys of a part in memory are below this one; p NULL: `none` says it. */
static size_t
keys_below(const struct part *t, struct span key, size_t none)
{
	size_t low = 0, high = t->n_keys;

	if (key.p == NULL)
		return none;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (span_cmp(key_at(t, mid), key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* To the first key of the range. */
static int
begin_view(const struct fold_reader *f, struct view *r)
{
	struct part *t = r->part;
	int rc;

	sort_part(t);
	r->at = keys_below(t, f->from, 0);
	r->end = keys_below(t, f->to, t->n_keys);
	if (t->spill == NULL)
		return 0;
	r->spill = spill_range(t->spill, r->spill, f->from, f->to);
	spill_buffers(r->spill, f->buffer);
	rc = spill_begin(r->spill);
	return rc != 0 || f->from.p == NULL ? rc : spill_skip(r->spill, f->from);
}

/* As many keys of a part as a chunk holds. Whoever has set `busy`, without the lock. */
static void
fill(const struct fold_reader *f, struct view *r, struct chunk *k, bool first)
{
	k->last = false;
	if (first)
		k->rc = begin_view(f, r);
	if (k->item == NULL)
		k->item = mem_array(NULL, f->chunk_keys, sizeof *k->item);
	k->n = k->n_changes = 0;
	if (k->bytes.cap > 4 * f->chunk_bytes)
		buf_free(&k->bytes);
	buf_clear(&k->bytes);
	while (k->rc == 0 && add_key(f, r, k))
		;
}

/* ---- who fills them; called and left with the lock of reading held ---- */

/* A part with a chunk to be filled: the one that has least. */
static struct view *
hungry(struct fold_reader *f)
{
	struct view *best = NULL;

	for (size_t i = 0; i < PARTS; i++) {
		struct view *r = &f->view[i];

		if (r->busy || r->ended || r->full == 2)
			continue;
		if (best == NULL || r->full < best->full)
			best = r;
	}
	return best;
}

static void
fill_next(struct fold_reader *f, struct view *r)
{
	struct chunk *k = &r->chunk[(r->next + r->full) % 2];
	bool first = !r->begun;

	r->busy = r->begun = true;
	pthread_mutex_unlock(&f->lock);
	fill(f, r, k, first);
	pthread_mutex_lock(&f->lock);
	r->ended = k->last || k->rc != 0;
	r->full += k->n > 0 || k->rc != 0;
	r->busy = false;
	pthread_cond_broadcast(&f->change);
}

static void *
help(void *arg)
{
	struct fold_reader *f = arg;
	struct view *r;

	pthread_mutex_lock(&f->lock);
	while (!f->stop) {
		if ((r = hungry(f)) != NULL)
			fill_next(f, r);
		else
			pthread_cond_wait(&f->change, &f->lock);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

/*
 * So many threads, deaf to signals, which are the main thread's; *started of them: where none can be started who asks
 * does it all.
 */
static pthread_t *
start(size_t n, void *(*work)(void *), void *arg, size_t *started)
{
	pthread_t *id = mem_array(NULL, n, sizeof *id);

	for (*started = 0; *started < n && thread_start(&id[*started], work, arg); ++*started)
		;
	return id;
}

/* Have a chunk of this part to read; *there: there is another one. 0 or why it could not be read. */
static int
have_chunk(struct fold_reader *f, struct view *r, bool *there)
{
	struct view *other;
	int rc;

	pthread_mutex_lock(&f->lock);
	while (r->full == 0 && (r->busy || !r->ended)) {
		if (!r->busy)
			fill_next(f, r);
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
item_of(const struct view *r, const struct chunk **k)
{
	*k = &r->chunk[r->next];
	return &(*k)->item[r->item];
}

static bool
before(const struct view *a, const struct view *b)
{
	const struct chunk *k;

	return span_cmp(item_of(a, &k)->key, item_of(b, &k)->key) < 0;
}

static void
sink(struct fold_reader *f, size_t i)
{
	struct view *t = f->first[i];

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
MEM_AHEAD void
bring_near(const struct view *r)
{
	const struct chunk *k;
	const struct fold_item *it = item_of(r, &k);
	struct span row;

	if (r->item + 1 == k->n)
		return;
	row = k->change[it[1].at].row;
	mem_ask(row.p, row.n);
}

/* The part that was read goes on to its next key, or has none any more. */
static int
go_on(struct fold_reader *f)
{
	struct view *r = f->first[0];
	bool there;
	int rc = 0;

	if (++r->item == r->chunk[r->next].n) {
		pthread_mutex_lock(&f->lock);
		r->next = (r->next + 1) % 2;
		r->full--;
		pthread_cond_broadcast(&f->change);
		pthread_mutex_unlock(&f->lock);
		rc = have_chunk(f, r, &there);
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

/* Runs on disk, of all parts. */
static size_t
all_runs(const struct fold *f)
{
	size_t runs = 0;

	for (size_t i = 0; i < PARTS; i++)
		if (f->part[i].spill != NULL)
			runs += spill_runs(f->part[i].spill);
	return runs;
}

static struct fold_reader *
reader_new(struct fold *f, size_t threads)
{
	struct fold_reader *r = mem_new(sizeof *r);
	size_t runs = mem_mul(all_runs(f), threads);

	r->fold = f;
	r->from = r->to = span_of(NULL, 0);
	r->buffer = runs == 0 ? SPILL_BUFFER_BYTES : f->budget / 4 / runs;
	r->chunk_keys = CHUNK_KEYS;
	r->chunk_bytes = CHUNK_BYTES;
	for (size_t i = 0; i < PARTS; i++) {
		r->view[i].part = &f->part[i];
		r->view[i].one.spare = NONE;
	}
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->change, NULL);
	return r;
}

static int
reader_begin(struct fold_reader *r)
{
	r->open = true;
	for (size_t i = 0; i < PARTS; i++) {
		bool there;
		int rc = have_chunk(r, &r->view[i], &there);

		if (rc != 0)
			return rc;
		if (there)
			r->first[r->n_first++] = &r->view[i];
	}
	for (size_t i = r->n_first; i-- > 0;)
		sink(r, i);
	return 0;
}

int
fold_reader_next(struct fold_reader *r, struct span *key, const struct fold_change **v, size_t *n)
{
	const struct fold_item *it;
	const struct chunk *k;
	int rc = 0;

	*key = span_of(NULL, 0);
	*n = 0;
	if (!r->open)
		rc = reader_begin(r);
	if (rc == 0 && r->begun && r->n_first > 0)
		rc = go_on(r);
	r->begun = true;
	if (rc != 0 || r->n_first == 0)
		return rc;
	it = item_of(r->first[0], &k);
	bring_near(r->first[0]);
	*key = it->key;
	*v = k->change + it->at;
	*n = it->n;
	r->mixed += it->mixed;
	return 0;
}

uint64_t
fold_reader_mixed(const struct fold_reader *r)
{
	return r->mixed;
}

static void
reader_free(struct fold_reader *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_broadcast(&r->change);
	pthread_mutex_unlock(&r->lock);
	for (size_t i = 0; i < r->n_helpers; i++)
		pthread_join(r->helper[i], NULL);
	free(r->helper);
	for (size_t i = 0; i < PARTS; i++) {
		struct view *v = &r->view[i];

		for (size_t x = 0; x < 2; x++) {
			free(v->chunk[x].item);
			free(v->chunk[x].change);
			buf_free(&v->chunk[x].bytes);
		}
		if (v->spill != NULL)
			spill_free(v->spill);
		pile_free(&v->one);
		free(v->list);
	}
	pthread_cond_destroy(&r->change);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* ---- all of it ---- */

int
fold_begin(struct fold *f, size_t threads)
{
	struct fold_reader *r = reader_new(f, 1);

	f->whole = r;
	if (threads > 1)
		r->helper = start(threads - 1, help, r, &r->n_helpers);
	return reader_begin(r);
}

int
fold_next(struct fold *f, struct span *key, const struct fold_change **v, size_t *n)
{
	return fold_reader_next(f->whole, key, v, n);
}

uint64_t
fold_mixed(const struct fold *f)
{
	return f->whole == NULL ? 0 : f->whole->mixed;
}

/* ---- ranges ---- */

static void *
sort_parts(void *arg)
{
	struct fold *f = arg;
	size_t i;

	while ((i = atomic_fetch_add_explicit(&f->sorted, 1, memory_order_relaxed)) < PARTS)
		sort_part(&f->part[i]);
	return NULL;
}

static void
sort_all(struct fold *f, size_t threads)
{
	size_t n = 0;
	pthread_t *id = start(threads - 1, sort_parts, f, &n);

	(void)sort_parts(f);
	while (n > 0)
		pthread_join(id[--n], NULL);
	free(id);
}

/* Keys that stand for SPILL_MARK_BYTES each: of what is in memory and of what is on disk. False: not of all runs. */
struct samples { struct span *key; size_t n; };

static bool
take_samples(const struct fold *f, struct samples *s)
{
	size_t all = 0, n = 0;

	for (size_t i = 0; i < PARTS; i++) {
		const struct part *t = &f->part[i];

		if (t->spill != NULL && !spill_marks(t->spill, &n))
			return false;
		all += n + t->pile.live / SPILL_MARK_BYTES + 1;
		n = 0;
	}
	s->key = mem_array(NULL, all, sizeof *s->key);
	for (size_t i = 0; i < PARTS; i++) {
		const struct part *t = &f->part[i];
		size_t here = t->pile.live / SPILL_MARK_BYTES;

		here = here < t->n_keys ? here : t->n_keys;
		for (size_t k = 0; k < here; k++)
			s->key[s->n++] = key_at(t, (size_t)((unsigned __int128)k * t->n_keys / here));
		if (t->spill != NULL)
			(void)spill_marks(t->spill, &n);
		for (size_t k = 0; k < n; k++)
			s->key[s->n++] = spill_mark_key(t->spill, k);
		n = 0;
	}
	return true;
}

static struct span
sample_key(const void *arg, uint64_t i)
{
	return ((const struct samples *)arg)->key[i];
}

size_t
fold_split(struct fold *f, size_t threads, size_t bytes)
{
	struct samples s = { 0 };
	struct inorder *v;
	size_t per = bytes < SPILL_MARK_BYTES ? 1 : bytes / SPILL_MARK_BYTES;

	pthread_mutex_init(&f->lock, NULL);
	f->split = true;
	sort_all(f, threads);
	if (!take_samples(f, &s)) {
		free(s.key);
		return 0;
	}
	v = inorder_new(s.n);
	for (size_t i = 0; i < s.n; i++)
		v[i].at = i;
	v = inorder_sort(v, s.n, sample_key, &s);
	f->threads = threads;
	f->n_cuts = s.n / per;
	f->cut = mem_array(NULL, f->n_cuts, sizeof *f->cut);
	for (size_t i = 0; i < f->n_cuts; i++)
		f->cut[i] = s.key[v[(i + 1) * per - 1].at];
	free(v);
	free(s.key);
	return f->n_cuts + 1;
}

/* One that was done with before, if there is one: with the memory that it has. */
static struct fold_reader *
get_reader(struct fold *f)
{
	struct fold_reader *r;

	pthread_mutex_lock(&f->lock);
	if ((r = f->idle) != NULL)
		f->idle = r->next;
	pthread_mutex_unlock(&f->lock);
	if (r == NULL)
		return reader_new(f, f->threads);
	for (size_t i = 0; i < PARTS; i++) {
		struct view *v = &r->view[i];

		v->next = v->full = 0;
		v->begun = v->ended = false;
		v->chunk[0].rc = v->chunk[1].rc = 0;
	}
	r->from = r->to = span_of(NULL, 0);
	r->n_first = 0;
	r->open = r->begun = false;
	r->mixed = 0;
	return r;
}

struct fold_reader *
fold_range(struct fold *f, size_t i)
{
	struct fold_reader *r = get_reader(f);

	r->chunk_keys = RANGE_CHUNK_KEYS;
	r->chunk_bytes = RANGE_CHUNK_BYTES;
	if (i > 0)
		r->from = f->cut[i - 1];
	if (i < f->n_cuts)
		r->to = f->cut[i];
	return r;
}

void
fold_reader_done(struct fold_reader *r)
{
	struct fold *f = r->fold;

	pthread_mutex_lock(&f->lock);
	r->next = f->idle;
	f->idle = r;
	pthread_mutex_unlock(&f->lock);
}

void
fold_read_free(struct fold *f)
{
	struct fold_reader *r, *next;

	for (r = f->idle; r != NULL; r = next) {
		next = r->next;
		reader_free(r);
	}
	reader_free(f->whole);
	for (size_t i = 0; i < PARTS; i++)
		free(f->part[i].order);
	free(f->cut);
	if (f->split)
		pthread_mutex_destroy(&f->lock);
}
