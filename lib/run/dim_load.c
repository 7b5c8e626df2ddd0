/* SPDX-License-Identifier: BSD-2-Clause */
/* dim_load - DIM to a table: rows, changes of it, and what processes share (see dim.h, dim_own.h) */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "run/ctx.h"
#include "run/dim_own.h"
#include "run/state_path.h"
#include "store/fs.h"
#include "store/ref.h"
#include "store/table.h"

struct dim_table *
dim_table_new(bool periods, size_t n_keys)
{
	struct dim_table *t = mem_new(sizeof *t);

	t->join = join_new(periods);
	t->seed = hash_seed();
	t->types = mem_new(n_keys);
	return t;
}

void
dim_table_free(struct dim_table *t)
{
	if (t == NULL)
		return;
	join_free(t->join);
	if (t->map != NULL)
		munmap(t->map, t->map_bytes);
	free(t->types);
	free(t);
}

/* ---- rows ---- */

#define COPY_BYTES DIM_NAME_PAD

/* A line without the blanks around its object. */
static struct span
trim(struct span s)
{
	while ((unsigned char)*s.p <= ' ')
		s = span_from(s, 1);
	while ((unsigned char)s.p[s.n - 1] <= ' ')
		s.n--;
	return s;
}

/* Short bytes, 16 at a time: up to 15 behind both are touched. */
static void
copy_over(char *to, struct span s)
{
	for (size_t i = 0; i < s.n; i += COPY_BYTES)
		memcpy(to + i, s.p + i, COPY_BYTES);
}

/*
 * The members as they will be written.  Behind values in a block BLOCK_PAD_BYTES are readable, and dim_set_up has
 * made room behind names.
 */
static struct span
render(struct dim *d, const struct batch *b, size_t i)
{
	static const char null[COPY_BYTES] = "null";
	char *to, *p;
	size_t n = d->names_bytes;

	for (size_t k = 0; k < d->n_fields; k++) {
		const struct dim_field *f = &d->field[k];

		d->value[k] = f->col == -1 ? trim(b->line[i]) : b->col[f->col][i].raw;
		if (d->value[k].n == 0)
			d->value[k] = span_of(null, 4);
		n += d->value[k].n;
	}
	buf_clear(&d->row);
	to = p = buf_room(&d->row, n + COPY_BYTES);
	for (size_t k = 0; k < d->n_fields; k++) {
		struct span key = buf_span(&d->field[k].key);

		copy_over(p, key);
		copy_over(p + key.n, d->value[k]);
		p += key.n + d->value[k].n;
	}
	return span_of(to, n);
}

static const char *
period_of(struct dim *d, const struct batch *b, size_t i, struct period *p)
{
	struct val from, to;
	const char *why;

	*p = JOIN_EVER;
	if (d->n_valid == 0)
		return NULL;
	from = b->col[d->valid_col[0]][i];
	to = b->col[d->valid_col[1]][i];
	if (!val_is_null(from) && (why = when_val_day(from, UNIT_GUESS, ctx_zone(d->c), &d->scratch, &p->from)) != NULL)
		return why;
	return val_is_null(to) ? NULL : when_val_day(to, UNIT_GUESS, ctx_zone(d->c), &d->scratch, &p->to);
}

static int
each(void *arg, const struct batch *b)
{
	struct dim *d = arg;
	struct dim_table *t = d->fresh;
	struct keys *k = d->hashed;

	keys_batch(k, b, d->key_col, d->n_keys, ctx_key_as(d->c), KEYS_NULL_NONE);
	for (size_t i = 0; i < b->n; i++) {
		struct period days;
		const char *why;

		if (i + JOIN_SLOT_AHEAD < b->n && !k->none[i + JOIN_SLOT_AHEAD])
			join_prefetch(t->join, k->hash[i + JOIN_SLOT_AHEAD]);
		if (b->fate[i] != F_PASS)
			continue;
		if ((why = period_of(d, b, i, &days)) != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		if (k->none[i])
			continue;
		for (size_t c = 0; c < d->n_keys; c++)
			t->types[c] |= (unsigned char)(1u << b->col[d->key_col[c]][i].tag);
		if ((why = join_put(t->join, k->hash[i], keys_at(k, i), render(d, b, i), days)) != NULL)
			batch_reject(b, i, why);
	}
	return 0;
}

/* All rows of DIM into a new table. */
static int
rows(struct dim *d, struct dim_table **out)
{
	struct dim_table *t = d->fresh = dim_table_new(d->n_valid > 0, d->n_keys);
	char delimiter;
	int rc;

	d->hashed = mem_new(sizeof *d->hashed);
	d->value = mem_array(NULL, d->n_fields, sizeof *d->value);
	d->names_bytes = 0;
	for (size_t k = 0; k < d->n_fields; k++)
		d->names_bytes += d->field[k].key.n;
	d->hashed->seed = t->seed;
	if (dim_csv(d->conf.operand, &delimiter))
		rc = dim_csv_read(d, delimiter, each, d);
	else
		rc = ctx_read(d->c, d->conf.operand, d->paths, each, d);
	keys_free(d->hashed);
	free(d->hashed);
	free(d->value);
	buf_free(&d->row);
	buf_free(&d->scratch);
	d->fresh = NULL;
	if (rc != 0) {
		dim_table_free(t);
		return rc;
	}
	join_settle(t->join);
	d->loads++;
	*out = t;
	return 0;
}

/* ---- what DIM is now ---- */

/* A table by the content of the days that are meant, a file by what stat says. */
static int
stamp_now(const struct dim *d, struct dim_stamp *s)
{
	struct wh_want w = { .operand = span_str(d->conf.operand) };
	struct wh_files f;
	char sum[CHAIN_BYTES];
	int rc;

	memset(s, 0, sizeof *s);
	if (strncmp(d->conf.operand, "wh:", 3) != 0)
		return stat(d->conf.operand, &s->st) == 0 ? 0 : EXIT_IO;
	if ((rc = wh_open(&w, &f)) != 0)
		return rc;
	live_sum(f.owner->live, f.from, f.to, sum);
	snprintf(s->sum, sizeof s->sum, "%s-%s", f.from, sum);
	wh_close(&f);
	return 0;
}

static bool
same(const struct dim_stamp *a, const struct dim_stamp *b)
{
	return strcmp(a->sum, b->sum) == 0 && a->st.st_dev == b->st.st_dev && a->st.st_ino == b->st.st_ino &&
	    a->st.st_size == b->st.st_size && memcmp(&a->st.st_mtim, &b->st.st_mtim, sizeof a->st.st_mtim) == 0 &&
	    memcmp(&a->st.st_ctim, &b->st.st_ctim, sizeof a->st.st_ctim) == 0;
}

/* ---- sharing ---- */

/* All that a table depends on but its rows. False, after a message: there is no place for files. */
static bool
share_conf(const struct dim *d, struct buf *dir, struct buf *conf)
{
	const struct dim_conf *k = &d->conf;
	const char *part[] = { k->operand, k->keys, k->valid, k->as, k->fields, zone_name(ctx_zone(d->c)),
	    getenv("PIPEHOUSE_ROOT"), getenv("PIPEHOUSE_TENANT"), getenv("PIPEHOUSE_OVERLAY") };

	if (!state_path("dim", dir))
		return false;
	/* the limits too: what is a bad row by them was judged when the file was made */
	buf_fmt(conf, "dim 1 key-as %d limits %zu %zu %zu %zu", (int)ctx_key_as(d->c), d->c->opt.max_line,
	    d->c->opt.max_string, d->c->opt.max_depth, d->c->opt.max_keys);
	for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
		buf_byte(conf, ' ');
		buf_json(conf, span_str(part[i] == NULL ? "" : part[i]));
	}
	return true;
}

/* Map it, or be the one that reads it for all. */
static int
shared(struct dim *d, struct dim_table **out)
{
	struct buf dir = { 0 }, conf = { 0 }, lock = { 0 }, path = { 0 };
	struct dim_table *t = NULL;
	struct dim_stamp now, then;
	uint64_t rejects = d->c->total_rejects;
	int fd = -1, rc = 0;

	if (!share_conf(d, &dir, &conf) || fs_dirs(buf_cstr(&dir)) != 0) {
		rc = rows(d, out);
		goto out;
	}
	if ((rc = stamp_now(d, &now)) != 0)
		goto out;
	buf_fmt(&lock, "%s/%016llx", dir.p, (unsigned long long)hash_fixed(buf_span(&conf)));
	buf_fmt(&path, "%s-%s.dim", buf_cstr(&lock), now.sum);
	buf_str(&lock, ".lock");
	t = dim_table_new(d->n_valid > 0, d->n_keys);
	if (!share_map(buf_cstr(&path), buf_span(&conf), d->n_keys, t) && (fd = share_lock(buf_cstr(&lock))) != -1 &&
	    !share_map(path.p, buf_span(&conf), d->n_keys, t)) {
		dim_table_free(t);
		t = NULL;
		/* bad rows let go here would be let go in silence there; rows of another commit are not these */
		if ((rc = rows(d, &t)) == 0 && d->c->total_rejects == rejects && stamp_now(d, &then) == 0 &&
		    same(&now, &then)) {
			share_sweep(dir.p);
			share_write(path.p, buf_span(&conf), d->n_keys, t);
		}
	} else if (fd == -1 && t->map == NULL) {
		dim_table_free(t);
		rc = rows(d, &t);
	}
	if (rc == 0)
		*out = t;
out:
	if (fd != -1)
		close(fd);
	buf_free(&dir);
	buf_free(&conf);
	buf_free(&lock);
	buf_free(&path);
	return rc;
}

/* ---- all of it ---- */

static int
load(struct dim *d, struct dim_table **out)
{
	return d->conf.share ? shared(d, out) : rows(d, out);
}

int
dim_read(struct ctx *c, struct dim *d)
{
	(void)c;
	/* from before it is read: what changes from now on is a change */
	if (d->steady && d->conf.watch)
		(void)stamp_now(d, &d->stamp);
	return load(d, &d->table);
}

int
dim_refresh(struct ctx *c, struct dim *d, bool force, bool *fresh)
{
	struct dim_stamp now, then;
	struct dim_table *t = NULL;

	(void)c;
	*fresh = false;
	if (stamp_now(d, &now) != 0) {
		d->failed++;
		return 0;
	}
	if (!force && same(&now, &d->stamp))
		return 0;
	d->stamp = now;
	if (load(d, &t) != 0) {
		err_warn("%s: the rows that were read before stay", d->conf.operand);
		d->failed++;
		return 0;
	}
	if (now.sum[0] == '\0' && (stamp_now(d, &then) != 0 || !same(&now, &then))) {
		dim_table_free(t);		/* half of the old, half of the new: the next look sees the whole */
		return 0;
	}
	dim_table_free(d->table);
	d->table = t;
	d->failed = 0;
	*fresh = true;
	return 0;
}
