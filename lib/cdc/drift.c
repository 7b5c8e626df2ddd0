/* SPDX-License-Identifier: BSD-2-Clause */
/* drift - see drift.h */
#include "cdc/drift.h"

#include <stdlib.h>

#include "cdc/change.h"

struct known_column {
	struct span key;	/* raw, inside its quotes */
	struct column ref;	/* what it is known as */
	bool by_types;
	enum tag kind;		/* of its values, where ref has no kind */
	struct span type[DRIFT_TYPES];	/* met so far; the first is what it is known by */
	size_t n_types;
	uint32_t found;		/* bits of enum found: announced */
};

struct known_table {
	struct known_column *v;
	size_t n;
	bool rows;		/* it had a row: what comes now is new */
};

struct shape {
	uint64_t table, id;
};

struct drift {
	struct map *table;	/* producer, db, NUL, table -> struct known_table */
	struct map *shape;	/* -> bool: some column is not what it is known by */
	struct arena mem;	/* of the first: names and types */
	/* the last one met */
	struct buf name, text, out;
	struct known_table *now;
	struct shape last;
	bool last_odd;
};

struct drift *
drift_new(void)
{
	struct drift *d = mem_new(sizeof *d);

	d->table = map_new(sizeof(struct known_table));
	d->shape = map_new(sizeof(bool));
	return d;
}

void
drift_free(struct drift *d)
{
	struct map_entry e;

	for (size_t i = 0; map_next(d->table, &i, &e); )
		free(((struct known_table *)e.cell)->v);
	map_free(d->table);
	map_free(d->shape);
	arena_free(&d->mem);
	buf_free(&d->name);
	buf_free(&d->text);
	buf_free(&d->out);
	free(d);
}

bool
drift_values(const struct cdc *c)
{
	return c->conf.values;
}

/* ---- what is known ---- */

static enum tag
same_kind(uint8_t tag)
{
	return tag == T_FALSE ? T_TRUE : (enum tag)tag;
}

static const char *
found_name(enum found f)
{
	static const char *const name[] = { [FITS] = "", [FOUND_NUMBER] = "number", [FOUND_TEXT] = "text",
		[FOUND_BOOL] = "boolean", [FOUND_OBJECT] = "object", [FOUND_ARRAY] = "array",
		[FOUND_DIGITS] = "more digits behind the point", [FOUND_RANGE] = "a number out of its range",
		[FOUND_LENGTH] = "a longer text", [FOUND_LABEL] = "another label",
		[FOUND_FORM] = "another form of text" };

	return name[f];
}

static const char *
kind_name(enum tag kind)
{
	return kind == T_NUM ? "number" : kind == T_STR ? "text" : kind == T_TRUE ? "boolean" : kind == T_OBJ ?
	    "object" : kind == T_ARR ? "array" : "null";
}

static struct known_column *
find_column(struct known_table *t, struct span key, size_t *hint)
{
	for (size_t k = 0; k < t->n; k++) {
		size_t i = *hint + k < t->n ? *hint + k : *hint + k - t->n;

		if (span_eq(t->v[i].key, key)) {
			*hint = i + 1 < t->n ? i + 1 : 0;
			return &t->v[i];
		}
	}
	return NULL;
}

static struct known_column *
add_known(struct known_table *t, struct arena *mem, struct span key)
{
	struct known_column *x;

	if (t->n == DRIFT_COLUMNS)
		return NULL;
	if ((t->n & (t->n - 1)) == 0)
		t->v = mem_array(t->v, t->n == 0 ? 1 : 2 * t->n, sizeof *t->v);
	x = &t->v[t->n++];
	*x = (struct known_column){ .key = span_of(arena_dup(mem, key), key.n) };
	return x;
}

static void
announce(struct cdc *c, const struct change *ch, struct span key, struct span was, struct span is)
{
	struct cdc_drift d = { .db = ch->db, .table = ch->table, .column = key, .was = was, .is = is };

	if (was.n == 0)
		c->counts.new_columns++;
	else
		c->counts.type_changes++;
	if (was.n > 0 && c->conf.on_drift == DRIFT_FAIL)
		c->stop = true;
	if (c->announce != NULL)
		c->announce(c->announce_arg, &d);
}

/* What Kafka Connect calls the values of a column that has no other name. */
static enum tag
kind_of_schema(struct span type)
{
	static const char *const number[] = { "int8", "int16", "int32", "int64", "float", "double" };

	for (size_t i = 0; i < sizeof number / sizeof *number; i++)
		if (span_is(type, number[i]))
			return T_NUM;
	return span_is(type, "string") ? T_STR : T_ABSENT;
}

/* A column that nobody knew: it flows through, and is told unless it came with the table's first row. */
static struct known_column *
meet(struct cdc *c, const struct change *ch, struct known_table *t, struct span key, const struct column *said,
    struct span is)
{
	size_t hint = 0;
	const struct column *by = columns_find(c->types, key, &hint, &c->drift->text);
	struct known_column *x = add_known(t, &c->all_drift->mem, key);

	if (x == NULL)
		return NULL;
	if (by != NULL) {
		x->ref = *by;
		x->by_types = true;
	} else if (said != NULL) {
		struct span type = span_of(arena_dup(&c->all_drift->mem, said->type), said->type.n);

		x->ref = *said;
		/* what is not of this map must not hold on to labels of another */
		if (said->wire == WIRE_NONE)
			type_parse(type, &c->all_drift->mem, &x->ref);
		x->ref.type = type;
	}
	x->ref.name = x->key;
	if (x->ref.kind == COL_ANY && said != NULL)
		x->kind = kind_of_schema(said->type);
	if (by == NULL && (t->rows || c->types != NULL))
		announce(c, ch, key, span_of("", 0), said != NULL ? said->type : is);
	return x;
}

static bool
same_type(const struct column *a, struct span b)
{
	/* MariaDB calls a JSON column by what it is made of */
	return span_eq(a->type, b) || (a->kind == COL_JSON && span_is(b, "longtext")) ||
	    (span_is(a->type, "longtext") && span_is(b, "json"));
}

/* A declared type held against what the column is known as: another one is told once. Is it another? */
static bool
declared(struct cdc *c, const struct change *ch, struct known_table *t, const struct column *said)
{
	struct buf key = { 0 };
	struct known_column *x;
	struct span was, raw;
	size_t hint = 0;
	bool other;

	/* names in the message are escaped, those of its types are not; a name that needs it is rare */
	buf_json(&key, said->name);
	raw = span_of(key.p + 1, key.n - 2);
	if ((x = find_column(t, raw, &hint)) == NULL)
		x = meet(c, ch, t, raw, said, said->type);
	buf_free(&key);
	if (x == NULL)
		return false;
	/* --types speak MySQL's language, and so does Canal; Debezium's schema is held against itself */
	if (x->n_types == 0)
		x->type[x->n_types++] = x->by_types && said->wire == WIRE_NONE ? x->ref.type :
		    span_of(arena_dup(&c->all_drift->mem, said->type), said->type.n);
	was = x->type[0];
	other = !span_eq(was, said->type) && !(said->wire == WIRE_NONE && same_type(&x->ref, said->type));
	for (size_t i = 0; other && i < x->n_types; i++)
		if (span_eq(x->type[i], said->type))
			return true;
	if (other && x->n_types < DRIFT_TYPES) {
		x->type[x->n_types++] = span_of(arena_dup(&c->all_drift->mem, said->type), said->type.n);
		announce(c, ch, x->key, was, said->type);
	}
	return other;
}

/* This thread's copy of a table as all know it; what stands in it lives in the first one's arena. */
static void
copy_table(struct known_table *to, const struct known_table *from)
{
	size_t cap = 1;

	while (cap < from->n)
		cap *= 2;
	to->v = mem_array(to->v, cap, sizeof *to->v);
	if (from->n > 0)
		memcpy(to->v, from->v, from->n * sizeof *to->v);
	to->n = from->n;
	to->rows = from->rows;
}

/* The table as all know it; NULL: not to be watched. Pre: it is our turn. */
static struct known_table *
common_table(struct cdc *c)
{
	struct span name = buf_span(&c->drift->name);
	struct known_table *t = map_get(c->all_drift->table, name);

	return t != NULL || map_count(c->all_drift->table) == DRIFT_TABLES ? t :
	    map_put(c->all_drift->table, name, NULL);
}

/* The table at hand, by its producer and its two names. */
static struct known_table *
table_now(struct cdc *c, const struct change *ch, enum cdc_from from)
{
	struct drift *d = c->drift;
	size_t n = 2 + ch->db.n + ch->table.n;
	bool fresh;

	if (d->now != NULL && d->name.n == n && d->name.p[0] == (char)from &&
	    span_eq(span_of(d->name.p + 1, ch->db.n), ch->db) && d->name.p[1 + ch->db.n] == '\0' &&
	    span_eq(span_of(d->name.p + 2 + ch->db.n, ch->table.n), ch->table))
		return d->now;
	buf_clear(&d->name);
	buf_byte(&d->name, (char)from);
	buf_span_add(&d->name, ch->db);
	buf_byte(&d->name, '\0');
	buf_span_add(&d->name, ch->table);
	d->now = map_get(d->table, buf_span(&d->name));
	if (d->now == NULL && map_count(d->table) < DRIFT_TABLES)
		d->now = map_put(d->table, buf_span(&d->name), &fresh);
	d->last = (struct shape){ 0 };
	return d->now;
}

/* ---- rows ---- */

/* Is some declared type another one than its column is known by? A form that was looked at is not looked at again. */
static bool
odd_shape(struct cdc *c, const struct change *ch, const struct columns *said, struct known_table *mine, bool *over)
{
	struct drift *d = c->drift;
	struct shape s = { (uint64_t)(uintptr_t)mine, said->id };
	struct known_table *all;
	bool *odd, fresh;

	if (d->last.id == s.id && d->last.table == s.table)
		return d->last_odd;
	if (map_count(d->shape) >= DRIFT_SHAPES)
		map_clear(d->shape);
	odd = map_put(d->shape, span_of((const char *)&s, sizeof s), &fresh);
	if (fresh) {
		if ((*over = !cdc_turned(c)) || (all = common_table(c)) == NULL)
			return false;
		for (size_t i = 0; i < said->n; i++)
			*odd = declared(c, ch, all, &said->v[i]) || *odd;
		all->rows = true;
		if (mine != all)
			copy_table(mine, all);
	}
	d->last = s;
	d->last_odd = *odd;
	return *odd;
}

/* A value that nobody has told of yet: of a new column, or of another kind. Pre: it is our turn. */
static void
tell_value(struct cdc *c, const struct change *ch, struct known_table *all, const struct cell *x, struct val v)
{
	enum tag kind = same_kind(v.tag);
	size_t hint = 0;
	struct known_column *k = find_column(all, x->key, &hint);
	enum found f;

	if (k == NULL && (k = meet(c, ch, all, x->key, NULL, span_str(kind_name(kind)))) == NULL)
		return;
	if (v.tag <= T_NULL)
		return;
	if (k->ref.kind == COL_ANY && k->kind == T_ABSENT)
		k->kind = kind;
	f = drift_look(&k->ref, k->kind, v, &c->drift->text);
	if (f == FITS || (k->found & 1u << f) != 0)
		return;
	k->found |= 1u << f;
	announce(c, ch, x->key, k->ref.type.n > 0 ? k->ref.type : span_str(kind_name(k->kind)),
	    span_str(found_name(f)));
}

static struct val
value_now(const struct cells *cs, const struct cell *x)
{
	return x->from == x->to ? x->v : val_of(span_of(cs->text.p + x->from, x->to - x->from));
}

/* Values against what their columns are; *odd where one does not fit. False: the work is over. */
static bool
look_values(struct cdc *c, const struct change *ch, struct cells *cs, struct known_table *mine, bool *odd)
{
	struct known_table *all = NULL;
	size_t hint = 0;

	for (size_t i = 0; i < cs->n; i++) {
		struct cell *x = &cs->v[i];
		struct val v = value_now(cs, x);
		struct known_column *k;
		enum found f = FITS;

		if (x->skip)
			continue;
		k = find_column(mine, x->key, &hint);
		if (k != NULL && v.tag <= T_NULL)
			continue;
		if (k != NULL && (k->ref.kind != COL_ANY || k->kind != T_ABSENT)) {
			f = drift_look(&k->ref, k->kind, v, &c->drift->text);
			*odd = *odd || f != FITS;
			if (f == FITS || (k->found & 1u << f) != 0)
				continue;
		}
		if (k == NULL && mine->n == DRIFT_COLUMNS)
			continue;
		if (!cdc_turned(c))
			return false;
		if ((all = common_table(c)) == NULL)
			return true;
		tell_value(c, ch, all, x, v);
		if (mine != all)
			copy_table(mine, all);
		*odd = *odd || ((k = find_column(mine, x->key, &hint)) != NULL &&
		    drift_look(&k->ref, k->kind, v, &c->drift->text) != FITS);
	}
	if (all != NULL)
		all->rows = mine->rows = true;
	return true;
}

static const char *
cast_cells(struct cdc *c, struct cells *cs, struct known_table *mine)
{
	struct buf *out = &c->drift->out;
	size_t hint = 0;

	for (size_t i = 0; i < cs->n; i++) {
		struct cell *x = &cs->v[i];
		struct val v = value_now(cs, x);
		const struct known_column *k = find_column(mine, x->key, &hint);

		if (k == NULL || v.tag <= T_NULL || x->skip ||
		    (drift_look(&k->ref, k->kind, v, &c->drift->text) == FITS && !drift_short(&k->ref, v)))
			continue;
		buf_clear(out);
		if (!drift_cast(&k->ref, k->kind, v, &c->drift->text, out))
			return "a column has another type, and its value is none of the type it is known by";
		/* v may stand in cs->text, which moves: the new value was made apart */
		x->from = cs->text.n;
		buf_span_add(&cs->text, buf_span(out));
		x->to = cs->text.n;
		cs->touched = true;
		c->counts.cast++;
	}
	return NULL;
}

const char *
drift_row(struct cdc *c, enum cdc_from from, const struct change *ch, const struct columns *said, struct cells *cs)
{
	struct known_table *mine;
	bool odd = false, over = false;

	if (((said == NULL || said->n == 0) && !c->conf.values) ||
	    (cs == &c->old && (c->conf.on_drift != DRIFT_CAST || cs->n == 0)))
		return NULL;
	if ((mine = table_now(c, ch, from)) == NULL)
		return NULL;
	if (said != NULL && said->n > 0)
		odd = odd_shape(c, ch, said, mine, &over);
	if (!over && c->conf.values && (said == NULL || c->types != NULL))
		over = !look_values(c, ch, cs, mine, &odd);
	if (over)
		return cdc_over;
	if (c->stop)
		return "a column has another type than it is known by";
	return odd && c->conf.on_drift == DRIFT_CAST ? cast_cells(c, cs, mine) : NULL;
}
