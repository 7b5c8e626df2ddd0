/* SPDX-License-Identifier: BSD-2-Clause */
/* mysql_target - see mysql_target.h */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "edge/mysql_create.h"
#include "edge/mysql_target.h"

struct target {
	struct target_conf conf;
	struct db_tab *tab;
	struct guess *guess;		/* until the table is there */
	struct span *key, day_name;	/* into conf's strings */
	size_t n_keys, day_col, version_col, soft_col;
	char day[WHEN_DAY_BYTES];
	bool *is_key;
	struct span *cell;		/* [tab->n] of one row */
	uint8_t *state;
	size_t *at, hint;
	bool lacks;			/* some member was no column */
	struct buf bytes, scratch, name, why, ledger;
};

/* ---- what is asked ---- */

static int
split_keys(struct target *t)
{
	struct span rest = span_str(t->conf.keys);

	while (true) {
		const char *comma = memchr(rest.p, ',', rest.n);
		struct span one = span_of(rest.p, comma == NULL ? rest.n :
		    (size_t)(comma - rest.p));

		if (one.n == 0)
			return err_usage("-k: '%s' is not A,B,...", t->conf.keys);
		t->key = mem_array(t->key, t->n_keys + 1, sizeof *t->key);
		t->key[t->n_keys++] = one;
		if (comma == NULL)
			return 0;
		rest = span_from(rest, one.n + 1);
	}
}

static int
split_partition(struct target *t)
{
	const char *p = t->conf.partition, *eq = p == NULL ? NULL : strchr(p, '=');
	const char *why;
	int32_t days;

	if (p == NULL)
		return 0;
	if (eq == NULL || eq == p)
		return err_usage("--partition: '%s' is not dt=YYYY-MM-DD", p);
	if ((why = day_parse(span_str(eq + 1), &days)) != NULL)
		return err_usage("--partition: '%s': %s", eq + 1, why);
	t->day_name = span_of(p, (size_t)(eq - p));
	day_print(days, t->day);
	return 0;
}

/* ---- does the table fit ---- */

/* Does its order, and what is equal in it, rest on bytes alone? */
static bool
is_binary(const struct db_col *c)
{
	size_t n = c->collation.n;

	return n == 0 || (n > 4 && memcmp(c->collation.p + n - 4, "_bin", 4) == 0);
}

static int
key_column(struct target *t, struct span name, bool is_day)
{
	int i = db_col(t->tab, name);
	const struct db_col *c = i == -1 ? NULL : &t->tab->col[i];
	if (c == NULL || c->computed)
		return err_usage("%s has no column '%.*s' to load", t->conf.table, (int)name.n,
		    name.p);
	if (!is_binary(c) && !t->conf.collate_ok)
		return err_usage("key column '%.*s' has collation %.*s: K and k are one key to it; "
		    "make it utf8mb4_bin, or give --collate-ok", (int)name.n, name.p, (int)c->collation.n,
		    c->collation.p);
	t->is_key[i] = true;
	if (is_day)
		t->day_col = (size_t)i;
	return 0;
}

/* Is this unique index exactly the keys and the day? */
static bool
is_ours(const struct target *t, const struct db_index *x)
{
	size_t want = 0;

	for (size_t i = 0; i < t->tab->n; i++)
		want += t->is_key[i];
	for (size_t i = 0; i < x->n; i++)
		if (!t->is_key[x->col[i]])
			return false;
	return !x->prefix && x->n == want;
}

/* A column that an option names, and that is none of the keys. */
static int
own_column(struct target *t, const char *option, const char *name, size_t *col)
{
	int i = name == NULL ? -1 : db_col(t->tab, span_str(name));

	*col = i == -1 ? LOAD_NO_COLUMN : (size_t)i;
	if (name == NULL)
		return 0;
	if (i == -1 || t->tab->col[i].computed)
		return err_usage("%s: %s has no column '%s' to load", option, t->conf.table, name);
	if (t->is_key[i])
		return err_usage("%s: '%s' is a key", option, name);
	return 0;
}

static int
own_columns(struct target *t)
{
	const struct db_col *c;
	int rc = own_column(t, "--version-by", t->conf.version, &t->version_col);

	if (rc == 0)
		rc = own_column(t, "--soft-delete", t->conf.soft_delete, &t->soft_col);
	if (rc != 0)
		return rc;
	c = t->version_col == LOAD_NO_COLUMN ? NULL : &t->tab->col[t->version_col];
	if (c != NULL && (c->kind == COL_ENUM || c->kind == COL_SET || c->kind == COL_BIT))
		return err_usage("--version-by: '%s' has no order", t->conf.version);
	if (c != NULL && !is_binary(c) && !t->conf.collate_ok)
		return err_usage("--version-by: '%s' has collation %.*s, which is not the order of its bytes; make it "
		    "utf8mb4_bin, or give --collate-ok", t->conf.version, (int)c->collation.n, c->collation.p);
	c = t->soft_col == LOAD_NO_COLUMN ? NULL : &t->tab->col[t->soft_col];
	if (c != NULL && c->kind != COL_INT && !(c->kind == COL_BIT && c->boolean))
		return err_usage("--soft-delete: '%s' holds no 0 and 1", t->conf.soft_delete);
	if (c != NULL && t->soft_col == t->version_col)
		return err_usage("--soft-delete: '%s' is the version", t->conf.soft_delete);
	return 0;
}

static int
no_index(const struct target *t)
{
	struct buf has = { 0 };
	int rc;

	for (size_t i = 0; i < t->tab->n_unique; i++) {
		const struct db_index *x = &t->tab->unique[i];

		buf_str(&has, i == 0 ? "; it has " : " and ");
		for (size_t k = 0; k < x->n; k++) {
			buf_str(&has, k == 0 ? "" : ",");
			buf_span_add(&has, t->tab->col[x->col[k]].name);
		}
		buf_str(&has, x->prefix ? " (of parts of columns)" : "");
	}
	rc = err_usage("%s: it has no unique index on exactly %s%s%.*s%s", t->conf.table, t->conf.keys,
	    t->day_name.n > 0 ? " and " : "", (int)t->day_name.n, t->day_name.p, buf_cstr(&has));
	buf_free(&has);
	return rc;
}

static int
fit(struct target *t)
{
	size_t ours = 0, n = t->tab->n;
	int rc = 0;

	if (!span_is(t->tab->engine, "InnoDB"))
		return err_usage("%s: only an InnoDB table has transactions", t->conf.table);
	t->is_key = mem_new(n);
	for (size_t k = 0; k < t->n_keys && rc == 0; k++)
		rc = key_column(t, t->key[k], false);
	if (rc == 0 && t->day_name.n > 0)
		rc = key_column(t, t->day_name, true);
	if (rc != 0 || (rc = own_columns(t)) != 0)
		return rc;
	for (size_t i = 0; i < t->tab->n_unique; i++)
		ours += is_ours(t, &t->tab->unique[i]);
	if (ours == 0)
		return no_index(t);
	if (t->tab->n_unique > ours && !t->conf.unique_ok && !t->conf.replace && t->day_name.n == 0)
		return err_usage("%s: an insert may update another row by its other unique index "
		    "(--unique-ok)",
		    t->conf.table);
	t->cell = mem_array(NULL, n, sizeof *t->cell);
	t->at = mem_array(NULL, n, sizeof *t->at);
	t->state = mem_new(n);
	return 0;
}

/*
 * A server whose DDL is not atomic (MySQL 5.7) may have been killed within the RENAME of a replaced table: then the old
 * one has lost its name.
 */
static int
find_again(struct target *t)
{
	struct buf name = { 0 }, old = { 0 }, sql = { 0 };
	struct db_tab *lost = NULL;
	int rc;

	load_beside(t->tab->name, "old", &name);
	sql_name(&old, t->tab->db);
	buf_byte(&old, '.');
	sql_name(&old, buf_span(&name));
	if ((rc = db_table(t->conf.db, buf_span(&old), &lost)) == 0 && lost->n > 0) {
		err_warn("%s: a crash of the server left it under the name %s", t->conf.table, buf_cstr(&name));
		buf_fmt(&sql, "RENAME TABLE %s TO ", buf_cstr(&old));
		sql_table(&sql, t->tab);
		rc = db_query(t->conf.db, "rename it back", buf_span(&sql));
		db_table_free(t->tab);
		t->tab = NULL;
		if (rc == 0)
			rc = db_table(t->conf.db, span_str(t->conf.table), &t->tab);
	}
	db_table_free(lost);
	buf_free(&name);
	buf_free(&old);
	buf_free(&sql);
	return rc;
}

int
target_open(const struct target_conf *conf, struct target **out)
{
	struct target *t = mem_new(sizeof *t);
	int rc;

	*out = t;
	t->conf = *conf;
	t->version_col = t->soft_col = LOAD_NO_COLUMN;
	if ((rc = split_keys(t)) != 0 || (rc = split_partition(t)) != 0 ||
	    (rc = db_table(conf->db, span_str(conf->table), &t->tab)) != 0)
		return rc;
	if (t->tab->n == 0 && conf->replace && (rc = find_again(t)) != 0)
		return rc;
	if (t->day_name.n > 0) {
		buf_span_add(&t->ledger, t->tab->name);
		buf_fmt(&t->ledger, " %.*s=%s", (int)t->day_name.n, t->day_name.p, t->day);
	}
	if (t->tab->n > 0)
		return fit(t);
	t->guess = guess_new();
	return 0;
}

bool
target_there(const struct target *t)
{
	return t->tab->n > 0;
}

struct span
target_name(const struct target *t)
{
	return t->tab->name;
}

bool
target_marks(const struct target *t)
{
	return t->conf.soft_delete != NULL;
}

/* ---- a table to be made ---- */

/* The name that stands between the quotes. */
static struct span
name_of(struct target *t, struct span raw)
{
	if (raw.n == 0 || memchr(raw.p, '\\', raw.n) == NULL)
		return raw;
	buf_clear(&t->name);
	val_unescape(raw, &t->name);
	return buf_span(&t->name);
}

void
target_see(struct target *t, struct span key, struct val v)
{
	guess_see(t->guess, name_of(t, key), v);
}

int
target_create(struct target *t)
{
	struct buf sql = { 0 };
	const char *why;
	int rc;

	if (t->conf.soft_delete != NULL)
		guess_see(t->guess, span_str(t->conf.soft_delete), val_make(T_TRUE, span_str("true")));
	why = guess_sql(t->guess, t->tab, t->key, t->n_keys, t->day_name, &sql);
	rc = why != NULL ? err_input("--create: %s", why) :
	    db_query(t->conf.db, "create the table", buf_span(&sql));

	buf_free(&sql);
	if (rc != 0)
		return rc;
	db_table_free(t->tab);
	t->tab = NULL;
	if ((rc = db_table(t->conf.db, span_str(t->conf.table), &t->tab)) == 0 && t->tab->n == 0)
		rc = err_remote("%s: it was made and is not there", t->conf.table);
	return rc != 0 ? rc : fit(t);
}

/* ---- a record to a row ---- */

void
target_begin(struct target *t)
{
	memset(t->state, CELL_ABSENT, t->tab->n);
	buf_clear(&t->bytes);
	t->hint = 0;
}

static const char *
because(struct target *t, struct span name, const char *why)
{
	buf_clear(&t->why);
	buf_fmt(&t->why, "%.*s: %s", (int)(name.n > 100 ? 100 : name.n), name.p, why);
	return buf_cstr(&t->why);
}

/* Is the column left alone here? It is told otherwise, or it is none of those that are meant. */
static bool
is_left(const struct target *t, enum target_for what, size_t i, struct val v)
{
	bool told = i == t->soft_col || (i == t->version_col && t->conf.version_apart);

	switch (what) {
	case TARGET_KEY: case TARGET_REST:
		return told || !(t->is_key[i] || i == t->version_col) ||
		    (what == TARGET_REST && t->state[i] != CELL_ABSENT);
	case TARGET_MARK:
		return told || val_is_null(v);
	default:
		return told;
	}
}

static const char *
put(struct target *t, size_t i, struct val v)
{
	const struct db_col *c = &t->tab->col[i];
	const char *why = NULL;

	t->state[i] = val_is_null(v) ? CELL_NULL : CELL_SET;
	t->at[i] = t->bytes.n;
	if (!val_is_null(v))
		why = cell_bind(c, v, t->conf.zone, &t->scratch, &t->bytes);
	t->cell[i].n = t->bytes.n - t->at[i];
	return why == NULL ? NULL : because(t, c->name, why);
}

const char *
target_put(struct target *t, enum target_for what, struct span key, struct val v)
{
	struct span name = name_of(t, key);
	bool keys = what == TARGET_KEY || what == TARGET_REST;
	const struct db_col *c;
	int i;

	/* records mostly have their members in one order, which mostly is that of the columns */
	if (t->hint < t->tab->n && span_eq(t->tab->col[t->hint].name, name))
		i = (int)t->hint;
	else
		i = db_col(t->tab, name);
	c = i == -1 ? NULL : &t->tab->col[i];
	t->lacks = t->lacks || c == NULL;
	if (c == NULL || c->computed) {
		if (t->conf.ignore_unknown || keys)
			return NULL;
		return because(t, name, c == NULL ? "the table has no such column" :
		    "the server computes it");
	}
	t->hint = (size_t)i + 1;
	if (is_left(t, what, (size_t)i, v))
		return NULL;
	if (t->state[i] != CELL_ABSENT)
		return because(t, name, "it stands twice");
	return put(t, (size_t)i, v);
}

bool
target_lacks(const struct target *t)
{
	return t->lacks;
}

const char *
target_version(struct target *t, struct val v)
{
	return put(t, t->version_col, v);
}

/*
 * To be compared with a column, a number is made one of 64 bits or 65 digits: one that is larger would become the
 * largest, and another key.
 */
static bool
too_large(const struct db_col *c, struct span s)
{
	bool minus = s.n > 0 && *s.p == '-', no_sign = memmem(c->type.p, c->type.n, "unsigned", 8) != NULL;
	const char *most = no_sign ? "18446744073709551615" : minus ? "9223372036854775808" : "9223372036854775807";
	const char *point = s.n == 0 ? NULL : memchr(s.p, '.', s.n);
	struct span whole = span_of(s.p, point == NULL ? s.n : (size_t)(point - s.p));

	whole = span_from(whole, minus);
	while (whole.n > 1 && *whole.p == '0')
		whole = span_from(whole, 1);
	if (c->kind == COL_DECIMAL)
		return whole.n > 65 - c->scale;
	if (c->kind != COL_INT)
		return false;
	return (no_sign && minus && !span_is(whole, "0")) || whole.n > strlen(most) ||
	    (whole.n == strlen(most) && span_cmp(whole, span_str(most)) > 0);
}

/* A row of a table where some are taken away. */
static const char *
end_change(struct target *t, bool away)
{
	const char *flag = away ? "1" : "0";

	for (size_t i = 0; i < t->tab->n; i++)
		if (away && t->soft_col == LOAD_NO_COLUMN && t->state[i] == CELL_SET &&
		    too_large(&t->tab->col[i], t->cell[i]))
			return because(t, t->tab->col[i].name, "the column cannot hold it");
	if (t->soft_col == LOAD_NO_COLUMN)
		return NULL;
	if (t->tab->col[t->soft_col].kind == COL_BIT)
		flag = away ? "\1" : "\0";
	t->state[t->soft_col] = CELL_SET;
	t->cell[t->soft_col] = span_of(flag, 1);
	return NULL;
}

const char *
target_end(struct target *t, bool away, struct load_row *row)
{
	const char *why;

	for (size_t i = 0; i < t->tab->n; i++)
		if (t->state[i] == CELL_SET)
			t->cell[i].p = buf_span(&t->bytes).p + t->at[i];
	if (t->day_name.n > 0) {
		if (t->state[t->day_col] == CELL_SET && !span_is(t->cell[t->day_col], t->day))
			return because(t, t->day_name, "another day than --partition says");
		t->state[t->day_col] = CELL_SET;
		t->cell[t->day_col] = span_str(t->day);
	}
	for (size_t i = 0; i < t->tab->n; i++) {
		const struct db_col *c = &t->tab->col[i];

		if (!t->is_key[i])
			continue;
		if (t->state[i] != CELL_SET)
			return because(t, c->name, "the key is null or absent");
		if (c->pads && !t->conf.collate_ok && t->cell[i].n > 0 &&
		    t->cell[i].p[t->cell[i].n - 1] == ' ')
			return because(t, c->name,
			    "a key that ends in a blank: its collation ignores that");
	}
	if (t->version_col != LOAD_NO_COLUMN && t->state[t->version_col] != CELL_SET)
		return because(t, t->tab->col[t->version_col].name, "the version is null or absent");
	if (t->conf.removes && (why = end_change(t, away)) != NULL)
		return why;
	row->away = away;
	row->all = false;
	row->cell = t->cell;
	row->state = t->state;
	return NULL;
}

const char *
target_all(struct target *t, struct load_row *row)
{
	size_t v = t->version_col;

	if (v != LOAD_NO_COLUMN) {
		if (t->state[v] != CELL_SET)
			return because(t, t->tab->col[v].name, "the version is null or absent");
		t->cell[v].p = buf_span(&t->bytes).p + t->at[v];
		if (too_large(&t->tab->col[v], t->cell[v]))
			return because(t, t->tab->col[v].name, "the column cannot hold it");
	}
	row->away = row->all = true;
	row->cell = t->cell;
	row->state = t->state;
	return NULL;
}

/* ---- for the loader ---- */

void
target_loader(const struct target *t, struct load_conf *conf)
{
	conf->db = t->conf.db;
	conf->table = t->tab;
	conf->is_key = t->is_key;
	conf->removes = t->conf.removes;
	conf->version_col = t->version_col;
	conf->soft_col = t->soft_col;
	conf->day_col = t->day_col;
	conf->day = t->day;
}

const char *
target_ledger(const struct target *t)
{
	return buf_cstr((struct buf *)(uintptr_t)&t->ledger);
}

/* Columns, types, keys and options decide how a line is stored. */
void
target_content(const struct target *t, struct fp lines, char out[TARGET_CONTENT_BYTES])
{
	struct buf b = { 0 };
	struct fp f;

	buf_fmt(&b, "1 %s|%d%d|%s", t->conf.keys, t->conf.ignore_unknown, t->conf.collate_ok,
	    t->conf.zone == NULL ? "UTC" : zone_name(t->conf.zone));
	for (size_t i = 0; i < t->tab->n; i++) {
		buf_byte(&b, '|');
		buf_span_add(&b, t->tab->col[i].name);
		buf_byte(&b, ' ');
		buf_span_add(&b, t->tab->col[i].type);
	}
	buf_add(&b, (const char *)&lines, sizeof lines);
	f = hash_fp(buf_span(&b));
	snprintf(out, TARGET_CONTENT_BYTES, "%016llx%016llx", (unsigned long long)f.hi,
	    (unsigned long long)f.lo);
	buf_free(&b);
}

void
target_close(struct target *t)
{
	if (t == NULL)
		return;
	guess_free(t->guess);
	db_table_free(t->tab);
	free(t->key);
	free(t->is_key);
	free(t->cell);
	free(t->at);
	free(t->state);
	buf_free(&t->bytes);
	buf_free(&t->scratch);
	buf_free(&t->name);
	buf_free(&t->why);
	buf_free(&t->ledger);
	free(t);
}
