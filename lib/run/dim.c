/* SPDX-License-Identifier: BSD-2-Clause */
/* dim - see dim.h */
#include <stdlib.h>

#include "base/hash.h"
#include "op/key.h"
#include "out/json.h"
#include "run/dim.h"

struct list_arg {
	struct ctx *c;
	struct dim *d;
	const char *what;
	int **col;
	size_t *n;
	bool fields;
};

static void
add_field(struct dim *d, struct span name, int col)
{
	struct dim_field *f;

	d->field = mem_array(d->field, d->n_fields + 1, sizeof *d->field);
	f = &d->field[d->n_fields++];
	*f = (struct dim_field){ .name = span_of(mem_dup(name), name.n), .col = col };
	json_key(&f->key, name);
}

/* One path of a list over DIM. */
static int
one_path(void *arg, struct span name, struct span path)
{
	struct list_arg *a = arg;
	char err[MESSAGE_BYTES_MAX];
	int col = pathset_add(a->d->paths, path, err, sizeof err);

	if (col == -1)
		return ctx_usage(a->c, "%s: %s", a->what, err);
	if (a->fields) {
		for (size_t i = 0; i < a->d->n_fields; i++)
			if (span_eq(a->d->field[i].name, name))
				return ctx_usage(a->c, "%s: the name '%.*s' stands twice", a->what, (int)name.n,
				    name.p);
		add_field(a->d, name, col);
		return 0;
	}
	*a->col = mem_array(*a->col, *a->n + 1, sizeof **a->col);
	(*a->col)[(*a->n)++] = col;
	return 0;
}

int
dim_set_up(struct ctx *c, struct dim *d, const struct dim_conf *conf)
{
	struct list_arg keys = { c, d, "-K", &d->key_col, &d->n_keys, false };
	struct list_arg valid = { c, d, "--valid", &d->valid_col, &d->n_valid, false };
	struct list_arg fields = { c, d, "LIST", NULL, NULL, true };
	int rc;

	d->c = c;
	d->paths = pathset_new();
	d->join = join_new(conf->valid != NULL);
	if ((rc = pathlist_each(span_str(conf->keys), one_path, &keys)) != 0)
		return rc;
	if (d->n_keys != conf->n_keys)
		return ctx_usage(c, "-K has %zu paths, -k %zu", d->n_keys, conf->n_keys);
	if (conf->valid != NULL && (rc = pathlist_each(span_str(conf->valid), one_path, &valid)) != 0)
		return rc;
	if (conf->valid != NULL && d->n_valid != 2)
		return ctx_usage(c, "--valid takes two paths, FROM,TO");
	if (conf->as != NULL)
		add_field(d, span_str(conf->as), -1);
	else if (conf->fields != NULL && (rc = pathlist_each(span_str(conf->fields), one_path, &fields)) != 0)
		return rc;
	d->types = mem_new(d->n_keys);
	for (size_t k = 0; k < d->n_fields; k++) {
		buf_byte(&d->nulls, ',');
		buf_span_add(&d->nulls, buf_span(&d->field[k].key));
		buf_str(&d->nulls, "null");
	}
	return 0;
}

/* ---- rows ---- */

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A line without the blanks around its object. */
static struct span
trim(struct span s)
{
	while (blank(*s.p))
		s = span_from(s, 1);
	while (blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* The ends of the values, then the members: what join keeps of a row. */
static void
render(struct dim *d, const struct batch *b, size_t i)
{
	size_t ends = d->n_fields * sizeof(uint32_t);

	buf_clear(&d->row);
	(void)buf_room(&d->row, ends);
	d->row.n = ends;
	for (size_t k = 0; k < d->n_fields; k++) {
		const struct dim_field *f = &d->field[k];
		struct span v = f->col == -1 ? trim(b->line[i]) : b->col[f->col][i].raw;
		uint32_t end;

		buf_byte(&d->row, ',');
		buf_span_add(&d->row, buf_span(&f->key));
		if (v.n == 0)
			v = span_str("null");
		buf_span_add(&d->row, v);
		end = (uint32_t)(d->row.n - ends);
		memcpy(d->row.p + k * sizeof end, &end, sizeof end);
	}
}

const char *
dim_day(struct ctx *c, struct val v, enum unit unit, struct buf *scratch, int32_t *day)
{
	return when_val_day(v, unit, ctx_zone(c), scratch, day);
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
	if (!val_is_null(from) && (why = dim_day(d->c, from, UNIT_GUESS, &d->key, &p->from)) != NULL)
		return why;
	return val_is_null(to) ? NULL : dim_day(d->c, to, UNIT_GUESS, &d->key, &p->to);
}

static int
each(void *arg, const struct batch *b)
{
	struct dim *d = arg;

	for (size_t i = 0; i < b->n; i++) {
		struct period days;
		const char *why;
		bool null;

		if ((why = period_of(d, b, i, &days)) != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		buf_clear(&d->key);
		if ((why = key_of(b, i, d->key_col, d->n_keys, ctx_key_as(d->c), &d->key, &null)) != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		if (null) {
			d->null_keys++;
			continue;
		}
		for (size_t k = 0; k < d->n_keys; k++)
			d->types[k] |= (unsigned char)(1u << b->col[d->key_col[k]][i].tag);
		render(d, b, i);
		why = join_put(d->join, hash_mem(buf_span(&d->key)), buf_span(&d->key), buf_span(&d->row), days);
		if (why != NULL)
			batch_reject(b, i, why);
	}
	return 0;
}

int
dim_read(struct ctx *c, struct dim *d, const char *operand)
{
	return ctx_read(c, operand, d->paths, each, d);
}

/* ---- records ---- */

void
dim_append(const struct dim *d, const struct span *row, struct span line, struct buf *out)
{
	struct span members = buf_span(&d->nulls);
	size_t n = line.n, at;

	if (row != NULL)
		members = span_from(*row, d->n_fields * sizeof(uint32_t));
	while (line.p[n - 1] != '}')
		n--;
	for (at = n - 1; blank(line.p[at - 1]); at--)
		;
	buf_add(out, line.p, n - 1);
	buf_span_add(out, line.p[at - 1] == '{' ? span_from(members, 1) : members);
	buf_byte(out, '}');
}

struct span
dim_value(const struct dim *d, const struct span *row, size_t k)
{
	uint32_t from = 0, end;

	if (row == NULL)
		return span_of("", 0);
	if (k > 0)
		memcpy(&from, row->p + (k - 1) * sizeof from, sizeof from);
	memcpy(&end, row->p + k * sizeof end, sizeof end);
	from += (uint32_t)(1 + d->field[k].key.n);
	return span_of(row->p + d->n_fields * sizeof end + from, end - from);
}

void
dim_warn_types(const struct dim *d, const struct span *name, const unsigned char *types)
{
	const unsigned num = 1u << T_NUM, str = 1u << T_STR;

	for (size_t k = 0; k < d->n_keys; k++) {
		unsigned a = types[k] & (num | str), b = d->types[k] & (num | str);

		if (a != 0 && b != 0 && (a & b) == 0)
			err_warn("nothing matched: the key %.*s is a %s in the records and a %s in DIM (--key-as text)",
			    (int)name[k].n, name[k].p, a == num ? "number" : "string", b == num ? "number" : "string");
	}
}

void
dim_free(struct dim *d)
{
	for (size_t k = 0; k < d->n_fields; k++) {
		free((void *)(uintptr_t)d->field[k].name.p);
		buf_free(&d->field[k].key);
	}
	free(d->field);
	if (d->paths != NULL)
		pathset_free(d->paths);
	join_free(d->join);
	free(d->key_col);
	free(d->valid_col);
	free(d->types);
	buf_free(&d->nulls);
	buf_free(&d->key);
	buf_free(&d->row);
	*d = (struct dim){ 0 };
}
