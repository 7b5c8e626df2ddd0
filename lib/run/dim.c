/* SPDX-License-Identifier: BSD-2-Clause */
/* dim - what a dimension adds to a record (see dim.h; dim_load.c reads it) */
#include <stdlib.h>

#include "in/rec.h"
#include "out/json.h"
#include "run/dim_own.h"

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
	buf_byte(&f->key, ',');
	json_key(&f->key, name);
	memset(buf_room(&f->key, DIM_NAME_PAD), 0, DIM_NAME_PAD);
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

/* Is the operand something that can be read again, and be another thing then? */
static bool
steady(struct ctx *c, const char *operand)
{
	struct stat st;

	if (ctx_run_dir(c) != NULL)
		return false;
	return strncmp(operand, "wh:", 3) == 0 || (strcmp(operand, "-") != 0 && stat(operand, &st) == 0 &&
	    S_ISREG(st.st_mode));
}

int
dim_set_up(struct ctx *c, struct dim *d, const struct dim_conf *conf)
{
	struct list_arg keys = { c, d, "-K", &d->key_col, &d->n_keys, false };
	struct list_arg valid = { c, d, "--valid", &d->valid_col, &d->n_valid, false };
	struct list_arg fields = { c, d, conf->fill ? "--fill" : "--fields", NULL, NULL, true };
	char delimiter;
	int rc;

	d->c = c;
	d->conf = *conf;
	d->paths = pathset_new();
	d->steady = steady(c, conf->operand);
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
	if (conf->number != NULL && !dim_csv(conf->operand, &delimiter))
		return ctx_usage(c, "--number goes with a DIM that is CSV: a name that ends in .csv or .tsv");
	if (conf->share && strncmp(conf->operand, "wh:", 3) != 0)
		return ctx_usage(c, "--share goes with a DIM that is a table, wh:TABLE");
	for (size_t k = 0; k < d->n_fields; k++) {
		buf_span_add(&d->nulls, buf_span(&d->field[k].key));
		buf_str(&d->nulls, "null");
	}
	return 0;
}

/* ---- records ---- */

void
dim_append(const struct dim *d, const struct span *row, struct span line, struct buf *out)
{
	struct span members = row == NULL ? buf_span(&d->nulls) : *row;
	size_t n = line.n, at;
	char *p;

	while (line.p[n - 1] != '}')
		n--;
	for (at = n - 1; (unsigned char)line.p[at - 1] <= ' '; at--)
		;
	if (line.p[at - 1] == '{')
		members = span_from(members, 1);
	p = buf_room(out, n + members.n);
	memcpy(p, line.p, n - 1);
	if (members.n > 0)
		memcpy(p + n - 1, members.p, members.n);
	p[n - 1 + members.n] = '}';
	out->n += n + members.n;
}

void
dim_values(const struct dim *d, const struct span *row, struct span *v)
{
	const char *p, *end;

	if (row == NULL) {
		for (size_t k = 0; k < d->n_fields; k++)
			v[k] = span_of("", 0);
		return;
	}
	p = row->p;
	end = p + row->n;
	for (size_t k = 0; k < d->n_fields; k++) {
		const char *from = p + d->field[k].key.n;		/* behind `,"name":` */

		p = rec_value_end(from, end);
		v[k] = span_of(from, (size_t)(p - from));
	}
}

void
dim_warn_types(const struct dim *d, const struct span *name, const unsigned char *types)
{
	const unsigned num = 1u << T_NUM, str = 1u << T_STR;

	for (size_t k = 0; k < d->n_keys; k++) {
		unsigned a = types[k] & (num | str), b = d->table->types[k] & (num | str);

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
	dim_table_free(d->table);
	free(d->key_col);
	free(d->valid_col);
	buf_free(&d->nulls);
	*d = (struct dim){ 0 };
}
