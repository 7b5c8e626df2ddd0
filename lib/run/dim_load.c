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
dim_table_new(const struct dim *d, bool whole)
{
	/* the one that is there stays while another one is read */
	size_t budget = d->conf.budget, held = d->table == NULL ? 0 : join_bytes(d->table->join);
	struct dim_table *t = mem_new(sizeof *t);

	budget = whole ? SIZE_MAX : held < budget / 4 * 3 ? budget - held : budget / 4;
	t->join = join_new(d->n_valid > 0, budget);
	t->seed = hash_seed();
	t->types = mem_new(d->n_keys);
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

_Static_assert(COPY_BYTES <= JOIN_ROW_SLACK, "what copy_over writes behind a row has room there");

/* What a thread needs to make rows of records. */
struct maker {
	struct dim *d;
	uint64_t seed;
	bool periods;
	size_t names_bytes;		/* of all names with what stands around them */
	struct span *value;		/* [n_fields] */
	unsigned char *types;		/* as in dim_table */
	struct keys keys;
	struct buf scratch;
};

/* One record: a row for the table (op/join.h), or why it is none; either stands behind it, rounded up to 8. */
struct made {
	uint64_t hash, number;		/* number: of its line in the feed */
	const char *line;
	uint64_t line_n;
	uint64_t n : 63, bad : 1;	/* n: bytes behind it */
};

static void *
maker_new(void *arg)
{
	struct dim *d = arg;
	struct maker *m = mem_new(sizeof *m);

	m->d = d;
	m->seed = m->keys.seed = d->fresh->seed;
	m->periods = d->n_valid > 0;
	m->value = mem_array(NULL, d->n_fields, sizeof *m->value);
	m->types = mem_new(d->n_keys);
	for (size_t k = 0; k < d->n_fields; k++)
		m->names_bytes += d->field[k].key.n;
	return m;
}

static void
maker_end(void *arg, void *thread)
{
	struct dim *d = arg;
	struct maker *m = thread;

	for (size_t k = 0; k < d->n_keys; k++)
		d->fresh->types[k] |= m->types[k];
	keys_free(&m->keys);
	buf_free(&m->scratch);
	free(m->value);
	free(m->types);
	free(m);
}

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
static char *
copy_over(char *to, struct span s)
{
	for (size_t i = 0; i < s.n; i += COPY_BYTES)
		memcpy(to + i, s.p + i, COPY_BYTES);
	return to + s.n;
}

/*
 * The members as they will be written, behind the key.  Behind values in a block BLOCK_PAD_BYTES are readable, and
 * dim_set_up has made room behind names.
 */
static bool
render(struct maker *m, const struct batch *b, size_t i, struct period days, struct buf *out)
{
	static const char null[COPY_BYTES] = "null";
	const struct dim *d = m->d;
	size_t n = m->names_bytes;
	char *p;

	for (size_t k = 0; k < d->n_fields; k++) {
		const struct dim_field *f = &d->field[k];

		m->value[k] = f->col == -1 ? trim(b->line[i]) : b->col[f->col][i].raw;
		if (m->value[k].n == 0)
			m->value[k] = span_of(null, 4);
		n += m->value[k].n;
	}
	if ((p = join_row(out, m->periods, days, keys_at(&m->keys, i), n)) == NULL)
		return false;
	for (size_t k = 0; k < d->n_fields; k++)
		p = copy_over(copy_over(p, buf_span(&d->field[k].key)), m->value[k]);
	join_row_end(out, p);
	return true;
}

static const char *
period_of(struct maker *m, const struct batch *b, size_t i, struct period *p)
{
	const struct dim *d = m->d;
	struct val from, to;
	const char *why;

	*p = JOIN_EVER;
	if (d->n_valid == 0)
		return NULL;
	from = b->col[d->valid_col[0]][i];
	to = b->col[d->valid_col[1]][i];
	if (!val_is_null(from) && (why = when_val_day(from, UNIT_GUESS, ctx_zone(d->c), &m->scratch, &p->from)) != NULL)
		return why;
	return val_is_null(to) ? NULL : when_val_day(to, UNIT_GUESS, ctx_zone(d->c), &m->scratch, &p->to);
}

/* What is said of a bad row, where the row would stand: others before it may be bad for reasons not known here. */
static void
spoil(struct buf *out, const char *why)
{
	size_t n = strlen(why);
	char *p = buf_room(out, n + 8);

	memcpy(p, why, n);
	memset(p + n, 0, 8);
	out->n += (n / 8 + 1) * 8;
}

static int
each(void *thread, const struct ctx *c, const struct batch *b, struct buf *out)
{
	struct maker *m = thread;
	const struct dim *d = m->d;

	keys_batch(&m->keys, b, d->key_col, d->n_keys, ctx_key_as(d->c), KEYS_NULL_NONE);
	for (size_t i = 0; i < b->n; i++) {
		struct made x = { m->keys.hash[i], c->feed->line_number + i, b->line[i].p, b->line[i].n, 0, 0 };
		const char *why = b->fate[i] == F_PASS ? NULL : b->why[i];
		struct period days;
		size_t at = out->n;

		if (why == NULL)
			why = period_of(m, b, i, &days);
		if (why == NULL && m->keys.none[i])
			continue;
		(void)buf_room(out, sizeof x);
		out->n += sizeof x;
		for (size_t k = 0; k < d->n_keys && why == NULL; k++)
			m->types[k] |= (unsigned char)(1u << b->col[d->key_col[k]][i].tag);
		x.bad = why != NULL || !render(m, b, i, days, out);
		if (x.bad != 0)
			spoil(out, why != NULL ? why : JOIN_FULL);
		x.n = (uint64_t)(out->n - at - sizeof x) & INT64_MAX;
		memcpy(out->p + at, &x, sizeof x);
	}
	return 0;
}

static int
take(void *arg, struct span all, uint64_t line)
{
	struct dim *d = arg;
	struct join *j = d->fresh->join;
	const char *p = all.p, *end = all.p + all.n, *near = p;
	int rc = 0;

	for (size_t ahead = 0; p < end && rc == 0; ahead--) {
		const char *why;
		struct made x;

		for (; near < end && ahead <= JOIN_SLOT_AHEAD; ahead++) {
			memcpy(&x, near, sizeof x);
			join_prefetch(j, x.hash);
			near += sizeof x + x.n;
		}
		memcpy(&x, p, sizeof x);
		p += sizeof x;
		why = x.bad != 0 ? p : join_put_row(j, x.hash, span_of(p, x.n));
		if (why != NULL)
			rc = why == JOIN_BROKEN ? EXIT_IO :
			    second_reject(d->c, x.number + line, span_of(x.line, x.line_n), why);
		p += x.n;
	}
	return rc;
}

/* CSV: one thread. */
static int
each_csv(void *arg, const struct batch *b)
{
	struct dim *d = arg;

	buf_clear(&d->made);
	(void)each(d->maker, d->c, b, &d->made);
	return take(d, buf_span(&d->made), 0);
}

static int
rows_csv(struct dim *d, char delimiter)
{
	int rc;

	d->maker = maker_new(d);
	rc = dim_csv_read(d, delimiter, each_csv, d);
	maker_end(d, d->maker);
	buf_free(&d->made);
	return rc;
}

/* All rows of DIM into a new table; whole: as for dim_table_new. */
static int
rows(struct dim *d, bool whole, struct dim_table **out)
{
	const struct second by = { d, maker_new, maker_end, each, take };
	struct dim_table *t = d->fresh = dim_table_new(d, whole);
	char delimiter;
	int rc;

	rc = dim_csv(d->conf.operand, &delimiter) ? rows_csv(d, delimiter) :
	    input_second(d->c, d->conf.operand, d->paths, &by);
	d->fresh = NULL;
	if (rc != 0 || (rc = join_settle(t->join)) != 0) {
		dim_table_free(t);
		return rc;
	}
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

/*
 * Map it, or be the one that reads it for all: then it is in memory, whatever the budget.  A copy that nobody shares
 * keeps to the budget.
 */
static int
shared(struct dim *d, struct dim_table **out)
{
	struct buf dir = { 0 }, conf = { 0 }, lock = { 0 }, path = { 0 };
	struct dim_table *t = NULL;
	struct dim_stamp now, then;
	uint64_t rejects = d->c->total_rejects;
	int fd = -1, rc = 0;

	if (!share_conf(d, &dir, &conf) || fs_dirs(buf_cstr(&dir)) != 0) {
		rc = rows(d, false, out);
		goto out;
	}
	if ((rc = stamp_now(d, &now)) != 0)
		goto out;
	buf_fmt(&lock, "%s/%016llx", dir.p, (unsigned long long)hash_fixed(buf_span(&conf)));
	buf_fmt(&path, "%s-%s.dim", buf_cstr(&lock), now.sum);
	buf_str(&lock, ".lock");
	t = dim_table_new(d, true);
	if (!share_map(buf_cstr(&path), buf_span(&conf), d->n_keys, t) &&
	    (fd = share_lock(buf_cstr(&lock), d->conf.operand)) != -1 &&
	    !share_map(path.p, buf_span(&conf), d->n_keys, t)) {
		dim_table_free(t);
		t = NULL;
		/* bad rows let go here would be let go in silence there; rows of another commit are not these */
		if ((rc = rows(d, true, &t)) == 0 && d->c->total_rejects == rejects && stamp_now(d, &then) == 0 &&
		    same(&now, &then)) {
			share_sweep(dir.p);
			share_write(path.p, buf_span(&conf), d->n_keys, t);
		}
	} else if (fd == -1 && t->map == NULL) {
		dim_table_free(t);
		rc = rows(d, false, &t);
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
	return d->conf.share ? shared(d, out) : rows(d, false, out);
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

int
dim_again(struct ctx *c, struct dim *d)
{
	(void)c;
	dim_table_free(d->table);
	d->table = NULL;
	return load(d, &d->table);
}
