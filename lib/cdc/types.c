/* SPDX-License-Identifier: BSD-2-Clause */
/* types - see types.h */
#include <stdlib.h>

#include "base/hash.h"
#include "cdc/types.h"
#include "cdc/value.h"
#include "in/rec.h"

/* ---- a COLUMN_TYPE ---- */

static const struct {
	const char *name;
	enum column_kind kind;
	uint8_t size;
	const char *is;		/* what it is called by others; NULL: so */
} kinds[] = {
	{ "tinyint", COL_NUMBER, 1, NULL }, { "smallint", COL_NUMBER, 2, NULL },
	{ "mediumint", COL_NUMBER, 3, NULL }, { "int", COL_NUMBER, 4, NULL },
	{ "integer", COL_NUMBER, 4, "int" }, { "bigint", COL_NUMBER, 8, NULL },
	{ "float", COL_NUMBER, 0, NULL }, { "double", COL_NUMBER, 0, NULL },
	{ "real", COL_NUMBER, 0, "double" }, { "bool", COL_NUMBER, 1, "tinyint" },
	{ "boolean", COL_NUMBER, 1, "tinyint" }, { "decimal", COL_DECIMAL, 0, NULL },
	{ "numeric", COL_DECIMAL, 0, "decimal" }, { "dec", COL_DECIMAL, 0, "decimal" },
	{ "fixed", COL_DECIMAL, 0, "decimal" }, { "char", COL_TEXT, 0, NULL },
	{ "varchar", COL_TEXT, 0, NULL }, { "tinytext", COL_TEXT, 0, NULL }, { "text", COL_TEXT, 0, NULL },
	{ "mediumtext", COL_TEXT, 0, NULL }, { "longtext", COL_TEXT, 0, NULL }, { "uuid", COL_TEXT, 0, NULL },
	{ "inet4", COL_TEXT, 0, NULL }, { "inet6", COL_TEXT, 0, NULL }, { "binary", COL_BINARY, 0, NULL },
	{ "varbinary", COL_BINARY, 0, NULL }, { "tinyblob", COL_BINARY, 0, NULL },
	{ "blob", COL_BINARY, 0, NULL }, { "mediumblob", COL_BINARY, 0, NULL },
	{ "longblob", COL_BINARY, 0, NULL }, { "bit", COL_BIT, 0, NULL }, { "date", COL_DATE, 0, NULL },
	{ "datetime", COL_DATETIME, 0, NULL }, { "timestamp", COL_TIMESTAMP, 0, NULL },
	{ "time", COL_TIME, 0, NULL }, { "year", COL_YEAR, 0, NULL }, { "enum", COL_ENUM, 0, NULL },
	{ "set", COL_SET, 0, NULL }, { "json", COL_JSON, 0, NULL },
};

static bool
word_is(struct span word, const char *name)
{
	if (word.n != strlen(name))
		return false;
	for (size_t i = 0; i < word.n; i++)
		if ((word.p[i] | 0x20) != name[i])
			return false;
	return true;
}

static bool
letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	    (c >= '0' && c <= '9');
}

/*
 * 'a','it''s' behind the bracket: count them; store them too when `out` is given, their bytes at
 * `copy`.
 */
static size_t
labels(struct span s, struct span *out, char *copy)
{
	size_t i = 0, n = 0, k = 0;

	while (i < s.n && s.p[i] != ')') {
		size_t from = k;

		if (s.p[i] != '\'') {
			i++;
			continue;
		}
		for (i++; i < s.n; i++) {
			if (s.p[i] == '\'') {
				if (i + 1 >= s.n || s.p[i + 1] != '\'')
					break;
				i++;
			}
			if (out != NULL)
				copy[k++] = s.p[i];
		}
		i++;
		if (out != NULL)
			out[n] = span_of(copy + from, k - from);
		n++;
	}
	return n;
}

/* The number behind a bracket or a comma: `(16,2)`. False when there is none. */
static bool
argument(struct span s, size_t which, uint64_t *v)
{
	size_t i = 0, from;

	if (s.n == 0 || s.p[0] != '(')
		return false;
	for (i = 1; which > 0 && i < s.n && s.p[i] != ')'; i++)
		which -= s.p[i] == ',';
	while (i < s.n && s.p[i] == ' ')
		i++;
	for (from = i; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		;
	return which == 0 && i > from && digits_u64(span_of(s.p + from, i - from), v);
}

/* Does a word stand behind the type, as `unsigned` may? */
static bool
has_word(struct span s, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n <= s.n; i++)
		if (word_is(span_of(s.p + i, n), name))
			return true;
	return false;
}

/* What stands in brackets, brackets included, without blanks outside quotes; appended. */
static void
add_arguments(struct buf *b, struct span s)
{
	char quote = '\0';

	for (size_t i = 0; i < s.n; i++) {
		if (quote != '\0' || s.p[i] != ' ')
			buf_byte(b, s.p[i]);
		if (quote == '\0' && s.p[i] == ')')
			break;
		if (s.p[i] == '\'')
			quote = quote == '\0' ? '\'' : '\0';
	}
}

/* The type's name in one form: no display widths, defaults as they are, nothing of character sets. */
static void
name_type(struct column *c, const char *name, struct span text, struct span rest, struct arena *mem)
{
	struct buf b = { 0 };

	if (name == NULL)
		for (size_t i = 0; i < text.n; i++)
			buf_byte(&b, (char)(text.p[i] >= 'A' && text.p[i] <= 'Z' ? text.p[i] | 0x20 : text.p[i]));
	else
		buf_str(&b, name);
	if (c->kind == COL_DECIMAL)
		buf_fmt(&b, "(%u,%d)", c->precision, c->digits);
	else if ((c->kind == COL_DATETIME || c->kind == COL_TIMESTAMP || c->kind == COL_TIME) && c->digits > 0)
		buf_fmt(&b, "(%d)", c->digits);
	else if (c->length > 0 || c->kind == COL_ENUM || c->kind == COL_SET || c->kind == COL_BIT)
		add_arguments(&b, rest);
	if ((c->kind == COL_NUMBER || c->kind == COL_DECIMAL) && has_word(rest, "unsigned"))
		buf_str(&b, " unsigned");
	c->type = span_of(arena_dup(mem, buf_span(&b)), b.n);
	buf_free(&b);
}

void
type_parse(struct span text, struct arena *mem, struct column *c)
{
	const char *name = NULL;
	struct span word, rest;
	size_t n = 0;
	uint64_t v;

	while (text.n > 0 && text.p[0] == ' ')
		text = span_from(text, 1);
	while (n < text.n && letter(text.p[n]))
		n++;
	word = span_of(text.p, n);
	rest = span_from(text, n);
	c->kind = COL_ANY;
	c->digits = -1;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (!word_is(word, kinds[i].name))
			continue;
		c->kind = (uint8_t)kinds[i].kind;
		c->size = kinds[i].size;
		name = kinds[i].is == NULL ? kinds[i].name : kinds[i].is;
	}
	switch (c->kind) {
	case COL_NUMBER:
		c->is_unsigned = has_word(rest, "unsigned");
		break;
	case COL_DECIMAL:
		c->digits = argument(rest, 1, &v) && v <= 38 ? (int8_t)v : 0;
		c->precision = argument(rest, 0, &v) && v <= 65 ? (uint8_t)v : 10;
		break;
	case COL_TEXT:
	case COL_BINARY:
		c->length = argument(rest, 0, &v) && v <= UINT32_MAX ? (uint32_t)v : 0;
		break;
	case COL_DATETIME:
	case COL_TIMESTAMP:
	case COL_TIME:
		c->digits = argument(rest, 0, &v) && v <= 6 ? (int8_t)v : 0;
		break;
	case COL_ENUM:
	case COL_SET:
		n = labels(span_from(rest, 1), NULL, NULL);
		if (n == 0 || n > LABELS_MAX)
			break;
		c->n_labels = n;
		c->label = arena_get(mem, mem_mul(n, sizeof *c->label));
		labels(span_from(rest, 1), c->label, arena_get(mem, rest.n));
		break;
	default:
		break;
	}
	name_type(c, name, text, rest, mem);
}

/* ---- the tables of --types ---- */

struct types {
	struct map *map;	/* DB NUL TABLE -> struct columns */
	struct arena mem;
};

struct types *
types_new(void)
{
	struct types *t = mem_new(sizeof *t);

	t->map = map_new(sizeof(struct columns));
	return t;
}

static void
table_key(struct buf *b, struct span db, struct span table)
{
	buf_span_add(b, db);
	buf_byte(b, '\0');
	buf_span_add(b, table);
}

/* An array in an arena grown by doubling: what it leaves behind is at most as much again. */
static void *
grown(struct arena *mem, const void *old, size_t n, size_t size)
{
	void *p;

	if ((n & (n - 1)) != 0)
		return NULL;
	p = arena_get(mem, mem_mul(n == 0 ? 1 : 2 * n, size));
	if (n > 0)
		memcpy(p, old, n * size);
	return p;
}

static struct column *
add_column(struct columns *t, struct arena *mem, struct span name)
{
	struct column *v = grown(mem, t->v, t->n, sizeof *v);

	t->v = v == NULL ? t->v : v;
	v = &t->v[t->n++];
	*v = (struct column){ .name = span_of(arena_dup(mem, name), name.n), .digits = -1 };
	return v;
}

/* The key's columns in its order; columns may have moved since the last time. */
static void
order_key(struct columns *t, struct arena *mem)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->v[i].key != 0;
	if (n > t->n_key)
		t->key = arena_get(mem, mem_mul(n, sizeof *t->key));
	t->n_key = 0;
	for (size_t place = 1; t->n_key < n; place++)
		for (size_t i = 0; i < t->n; i++)
			if (t->v[i].key == place)
				t->key[t->n_key++] = &t->v[i];
}

const char *
types_add(struct types *t, struct span db, struct span table, struct span column, struct span type,
    uint64_t key)
{
	struct buf name = { 0 };
	struct columns *cols;
	struct column *c;

	if (key > 64)
		return "a place in the key above 64";
	table_key(&name, db, table);
	cols = map_put(t->map, buf_span(&name), NULL);
	buf_free(&name);
	for (size_t i = 0; i < cols->n; i++) {
		if (span_eq(cols->v[i].name, column))
			return "the column stands twice";
		if (key != 0 && cols->v[i].key == key)
			return "two columns have one place in the key";
	}
	c = add_column(cols, &t->mem, column);
	type_parse(type, &t->mem, c);
	c->key = (uint16_t)key;
	order_key(cols, &t->mem);
	return NULL;
}

const struct columns *
types_find(const struct types *t, struct span db, struct span table)
{
	char name[256];
	struct columns *cols;

	if (db.n + 1 + table.n > sizeof name)
		return NULL;		/* no name of MySQL is that long */
	memcpy(name, db.p, db.n);
	name[db.n] = '\0';
	memcpy(name + db.n + 1, table.p, table.n);
	cols = map_get(t->map, span_of(name, db.n + 1 + table.n));
	return cols != NULL ? cols : map_get(t->map, span_of(name + db.n, 1 + table.n));
}

void
types_free(struct types *t)
{
	map_free(t->map);
	arena_free(&t->mem);
	free(t);
}

const struct column *
columns_find(const struct columns *t, struct span raw, size_t *hint, struct buf *scratch)
{
	for (size_t k = 0; t != NULL && k < t->n; k++) {
		size_t i = *hint + k < t->n ? *hint + k : *hint + k - t->n;

		if (rec_key_is(raw, t->v[i].name, scratch)) {
			*hint = i + 1 < t->n ? i + 1 : 0;
			return &t->v[i];
		}
	}
	return NULL;
}

/* ---- shapes that messages bring ---- */

/* The compiled columns of a text; a fresh and empty one when *fresh. */
static struct columns *
known(struct known *s, struct span text, bool *fresh)
{
	struct fp fp = hash_fp(text);
	struct columns *t;

	if (s->map == NULL)
		s->map = map_new(sizeof(struct columns));
	if (map_count(s->map) >= KNOWN_MAX) {
		map_clear(s->map);
		arena_free(&s->mem);
		s->mem = (struct arena){ 0 };
	}
	t = map_put(s->map, span_of((const char *)&fp, sizeof fp), fresh);
	if (*fresh)
		*t = (struct columns){ .id = ++s->n };
	return t;
}

/* The inside of a string token, unescaped; empty for any other. */
static struct span
text_of(struct val v, struct buf *scratch)
{
	return v.tag == T_STR ? val_text(v, scratch) : span_of("", 0);
}

const struct columns *
known_canal(struct known *s, struct span mysql_type)
{
	struct buf name = { 0 }, type = { 0 };
	struct columns *t;
	struct span key;
	struct rec r;
	struct val v;
	bool fresh;

	t = known(s, mysql_type, &fresh);
	if (!fresh)
		return t;
	rec_begin(&r, mysql_type);
	while (rec_next(&r, &key, &v)) {
		buf_clear(&name);
		val_unescape(key, &name);
		type_parse(text_of(v, &type), &s->mem, add_column(t, &s->mem, buf_span(&name)));
	}
	buf_free(&name);
	buf_free(&type);
	return t;
}

static const struct {
	const char *name;
	enum wire wire;
	enum column_kind kind;
} logical[] = {
	{ "org.apache.kafka.connect.data.Decimal", WIRE_DECIMAL, COL_DECIMAL },
	{ "io.debezium.data.VariableScaleDecimal", WIRE_DECIMAL_ANY, COL_DECIMAL },
	{ "io.debezium.data.Bits", WIRE_BITS, COL_BIT },
	{ "io.debezium.time.Date", WIRE_DAYS, COL_DATE },
	{ "org.apache.kafka.connect.data.Date", WIRE_DAYS, COL_DATE },
	{ "io.debezium.time.Timestamp", WIRE_MS, COL_DATETIME },
	{ "org.apache.kafka.connect.data.Timestamp", WIRE_MS, COL_DATETIME },
	{ "io.debezium.time.MicroTimestamp", WIRE_US, COL_DATETIME },
	{ "io.debezium.time.NanoTimestamp", WIRE_NS, COL_DATETIME },
	{ "io.debezium.time.Time", WIRE_TIME_MS, COL_TIME },
	{ "org.apache.kafka.connect.data.Time", WIRE_TIME_MS, COL_TIME },
	{ "io.debezium.time.MicroTime", WIRE_TIME_US, COL_TIME },
	{ "io.debezium.time.NanoTime", WIRE_TIME_NS, COL_TIME },
	{ "io.debezium.time.ZonedTimestamp", WIRE_ZONED, COL_TIMESTAMP },
	{ "io.debezium.time.IsoDate", WIRE_ISO_DATE, COL_DATE },
	{ "io.debezium.time.IsoTime", WIRE_ISO_TIME, COL_TIME },
	{ "io.debezium.time.IsoTimestamp", WIRE_ISO, COL_DATETIME },
	{ "io.debezium.time.Year", WIRE_PLAIN, COL_YEAR },
	{ "io.debezium.data.Json", WIRE_PLAIN, COL_JSON },
	{ "io.debezium.data.Enum", WIRE_PLAIN, COL_ENUM },
	{ "io.debezium.data.EnumSet", WIRE_PLAIN, COL_SET },
};

/* One entry of a row schema's `fields`. */
static void
debezium_field(struct columns *t, struct arena *mem, struct span field, struct buf *scratch)
{
	struct val v, name = { 0 }, type = { 0 }, parameters = { 0 }, column = { 0 };
	struct buf unescaped = { 0 }, called = { 0 };
	struct span key, text;
	struct column *c;
	struct rec r;
	uint64_t n;

	rec_begin(&r, field);
	while (rec_next(&r, &key, &v)) {
		if (span_is(key, "field"))
			column = v;
		else if (span_is(key, "name"))
			name = v;
		else if (span_is(key, "type"))
			type = v;
		else if (span_is(key, "parameters") && v.tag == T_OBJ)
			parameters = v;
	}
	c = add_column(t, mem, text_of(column, &unescaped));
	buf_free(&unescaped);
	c->wire = WIRE_PLAIN;
	text = text_of(type, scratch);
	if (span_is(text, "boolean"))
		c->wire = WIRE_BOOL;
	buf_span_add(&called, text);
	text = text_of(name, scratch);
	if (text.n > 0) {
		size_t dot = text.n;

		while (dot > 0 && text.p[dot - 1] != '.')
			dot--;
		buf_byte(&called, ' ');
		buf_span_add(&called, span_from(text, dot));
	}
	for (size_t i = 0; i < sizeof logical / sizeof logical[0]; i++) {
		if (span_is(text, logical[i].name)) {
			c->wire = (uint8_t)logical[i].wire;
			c->kind = (uint8_t)logical[i].kind;
		}
	}
	if (parameters.tag == T_OBJ) {
		rec_begin(&r, parameters.raw);
		while (rec_next(&r, &key, &v))
			if (span_is(key, "scale") && digits_u64(text_of(v, scratch), &n) && n <= 100)
				c->digits = (int8_t)n;
	}
	if (c->digits >= 0)
		buf_fmt(&called, "(%d)", c->digits);
	c->type = span_of(arena_dup(mem, buf_span(&called)), called.n);
	buf_free(&called);
}

/* The member `fields` of the schema object at v, if it is an array. */
static struct val
fields_of(struct val v)
{
	struct val f = { 0 };
	struct span key;
	struct rec r;

	if (v.tag != T_OBJ)
		return f;
	rec_begin(&r, v.raw);
	while (rec_next(&r, &key, &v))
		if (span_is(key, "fields") && v.tag == T_ARR)
			f = v;
	return f;
}

const struct columns *
known_debezium(struct known *s, struct span schema)
{
	struct val v = val_make(T_OBJ, schema), fields, row = { 0 };
	struct buf scratch = { 0 };
	struct columns *t;
	struct span key;
	struct rec r, one;
	bool fresh;

	t = known(s, schema, &fresh);
	if (!fresh || (fields = fields_of(v)).tag != T_ARR)
		return t;
	rec_begin(&r, fields.raw);
	while (rec_next(&r, &key, &v)) {
		struct val m, name = { 0 };

		if (v.tag != T_OBJ)
			continue;
		rec_begin(&one, v.raw);
		while (rec_next(&one, &key, &m))
			if (span_is(key, "field"))
				name = m;
		/* before and after have one form; one of them is always there */
		if (row.tag == T_ABSENT &&
		    (span_is(name.raw, "\"after\"") || span_is(name.raw, "\"before\"")))
			row = v;
	}
	fields = fields_of(row);
	if (fields.tag == T_ARR) {
		rec_begin(&r, fields.raw);
		while (rec_next(&r, &key, &v))
			if (v.tag == T_OBJ)
				debezium_field(t, &s->mem, v.raw, &scratch);
	}
	buf_free(&scratch);
	return t;
}

void
known_free(struct known *s)
{
	if (s->map != NULL)
		map_free(s->map);
	arena_free(&s->mem);
}
