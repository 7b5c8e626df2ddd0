/* SPDX-License-Identifier: BSD-2-Clause */
/* check_schema - see check_schema.h */
#include <stdio.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "base/map.h"
#include "in/rec.h"
#include "run/check_schema.h"
#include "store/table.h"

enum kind_of { K_ANY, K_INT, K_DECIMAL, K_NUMBER, K_STRING, K_BOOL, K_DATE, K_TIME, K_OBJECT, K_ARRAY, K_SEEN };

static const struct type_word {
	const char *word;
	enum kind_of kind;
	unsigned bits;		/* K_INT */
} words[] = {
	{ "any", K_ANY, 0 }, { "json", K_ANY, 0 }, { "variant", K_ANY, 0 }, { "tinyint", K_INT, 8 },
	{ "smallint", K_INT, 16 }, { "mediumint", K_INT, 24 }, { "int", K_INT, 32 }, { "integer", K_INT, 32 },
	{ "bigint", K_INT, 64 }, { "long", K_INT, 64 }, { "year", K_INT, 16 }, { "bit", K_INT, 64 },
	{ "decimal", K_DECIMAL, 0 }, { "numeric", K_DECIMAL, 0 }, { "number", K_NUMBER, 0 },
	{ "float", K_NUMBER, 0 }, { "double", K_NUMBER, 0 }, { "real", K_NUMBER, 0 },
	{ "string", K_STRING, 0 }, { "text", K_STRING, 0 }, { "char", K_STRING, 0 },
	{ "varchar", K_STRING, 0 }, { "tinytext", K_STRING, 0 }, { "mediumtext", K_STRING, 0 },
	{ "longtext", K_STRING, 0 }, { "enum", K_STRING, 0 }, { "set", K_STRING, 0 }, { "time", K_STRING, 0 },
	{ "binary", K_STRING, 0 }, { "varbinary", K_STRING, 0 }, { "blob", K_STRING, 0 },
	{ "tinyblob", K_STRING, 0 }, { "mediumblob", K_STRING, 0 }, { "longblob", K_STRING, 0 },
	{ "bool", K_BOOL, 0 }, { "boolean", K_BOOL, 0 }, { "date", K_DATE, 0 }, { "datetime", K_TIME, 0 },
	{ "timestamp", K_TIME, 0 }, { "object", K_OBJECT, 0 }, { "map", K_OBJECT, 0 },
	{ "struct", K_OBJECT, 0 }, { "array", K_ARRAY, 0 }
};

struct column_of {
	char *name, *type;
	enum kind_of kind;
	unsigned bits, precision, scale;	/* precision also: characters of a char(n); 0: any */
	bool is_unsigned, declared, met;
	uint32_t seen;				/* K_SEEN: 1 << enum tag */
	struct dec low, high;			/* K_INT */
};

struct schema {
	struct column_of *col;
	size_t n;
	struct map *by_name;			/* size_t, from 1 */
	const struct zone *zone;
	struct buf scratch, name, why;
};

/* ---- reading what the table says ---- */

/* 2^n, or 2^n - 1. */
static void
power(unsigned n, bool less, struct dec *out)
{
	uint64_t half = UINT64_C(1) << (n - 1);
	struct buf b = { 0 };

	/* as digits: a number of 64 bits is no int64 */
	buf_u64(&b, less ? half - 1 + half : half);
	(void)dec_parse(buf_span(&b), out);
	if (!less)
		(void)dec_add(out, out, out);
	buf_free(&b);
}

static void
int_range(struct column_of *c)
{
	power(c->is_unsigned ? c->bits : c->bits - 1, true, &c->high);
	dec_int(0, &c->low);
	if (c->is_unsigned)
		return;
	power(c->bits - 1, false, &c->low);
	dec_neg(&c->low);
}

static bool
read_type(struct span text, struct column_of *c)
{
	char low[64], *paren;
	size_t n = 0;

	for (; n < text.n && n + 1 < sizeof low; n++)
		low[n] = (char)(text.p[n] >= 'A' && text.p[n] <= 'Z' ? text.p[n] | 32 : text.p[n]);
	low[n] = '\0';
	c->is_unsigned = strstr(low, " unsigned") != NULL;
	paren = low + strcspn(low, "(< ");
	if (*paren == '(' && sscanf(paren, "(%5u,%5u", &c->precision, &c->scale) < 1)
		c->precision = c->scale = 0;
	*paren = '\0';
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(low, words[i].word) != 0)
			continue;
		c->kind = words[i].kind;
		c->bits = words[i].bits;
		c->is_unsigned = c->is_unsigned || strcmp(low, "bit") == 0;
		if (c->kind == K_INT)
			int_range(c);
		if (c->kind == K_STRING && strstr(low, "char") == NULL)
			c->precision = 0;	/* time(2), binary(3): not as many characters */
		return true;
	}
	return false;
}

static struct column_of *
add_column(struct schema *s, struct span name)
{
	struct column_of *c;
	bool fresh;
	size_t *at = map_put(s->by_name, name, &fresh);

	if (!fresh)
		return NULL;
	s->col = mem_array(s->col, s->n + 1, sizeof *s->col);
	c = &s->col[s->n++];
	*c = (struct column_of){ .name = mem_dup(name) };
	*at = s->n;
	return c;
}

static int
declared(struct schema *s, const struct table *t, const char *where)
{
	const struct spec *spec = t->meta.spec;

	for (size_t i = 0; spec != NULL && i < spec->n; i++) {
		const struct spec_line *l = &spec->line[i];
		struct column_of *c;
		struct buf type = { 0 };

		if (l->n < 3 || !span_is(l->word[0], "column"))
			continue;
		buf_span_add(&type, l->word[2]);
		if (l->n > 3 && span_is(l->word[3], "unsigned"))
			buf_str(&type, " unsigned");
		c = add_column(s, l->word[1]);
		if (c == NULL)
			return err_usage("%s: %s says its column '%s' twice", where, t->name, l->word[1].p);
		c->declared = true;
		c->type = mem_str(buf_cstr(&type));
		buf_free(&type);
		if (!read_type(span_str(c->type), c))
			return err_usage("%s: %s: column %s: schema() knows no type '%s': any, number, string, boolean,"
			    " object, array or one of SQL", where, t->name, c->name, c->type);
	}
	return 0;
}

static void
kinds(uint32_t seen, struct buf *b)
{
	for (int t = T_FALSE; t <= T_OBJ; t++) {
		if (t == T_TRUE || (seen & (1u << t | (t == T_FALSE ? 1u << T_TRUE : 0u))) == 0)
			continue;
		buf_str(b, b->n == 0 ? "" : " or ");
		buf_str(b, val_tag_name((enum tag)t));
	}
	if (b->n == 0)
		buf_str(b, "null");
}

static void
seen_in_rows(struct schema *s, const struct live *live)
{
	for (size_t i = 0; i < live->n_columns; i++) {
		struct column_of *c = add_column(s, span_str(live->column[i].name));
		struct buf b = { 0 };

		if (c == NULL)
			continue;
		c->kind = K_SEEN;
		c->seen = live->column[i].types;
		kinds(c->seen, &b);
		c->type = mem_str(buf_cstr(&b));
		buf_free(&b);
	}
}

int
schema_open(struct ctx *ctx, const char *table, const char *where, bool *known, struct schema **out)
{
	struct schema *s = mem_new(sizeof *s);
	struct table *t;
	int rc;

	*out = s;
	*known = false;
	s->by_name = map_new(sizeof(size_t));
	s->zone = ctx_zone(ctx);
	if ((rc = table_open(span_str(table), PLACE_READ, LOG_HEAD, &t)) != 0)
		return rc;
	if (t->live->head > 0) {
		rc = declared(s, t, where);
		if (rc == 0 && s->n == 0)
			seen_in_rows(s, t->live);
	}
	*known = s->n > 0;
	table_close(t);
	return rc;
}

void
schema_free(struct schema *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++) {
		free(s->col[i].name);
		free(s->col[i].type);
	}
	free(s->col);
	map_free(s->by_name);
	buf_free(&s->scratch);
	buf_free(&s->name);
	buf_free(&s->why);
	free(s);
}

struct schema *
schema_fork(const struct schema *from)
{
	struct schema *s = from == NULL ? NULL : mem_new(sizeof *s);

	if (s == NULL)
		return NULL;
	/* names, types and what they are found by stay shared */
	*s = *from;
	s->col = mem_array(NULL, s->n, sizeof *s->col);
	if (s->n > 0)
		memcpy(s->col, from->col, s->n * sizeof *s->col);
	s->scratch = s->name = s->why = (struct buf){ 0 };
	return s;
}

void
schema_join(struct schema *s, struct schema *from)
{
	if (from == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		s->col[i].met = s->col[i].met || from->col[i].met;
	free(from->col);
	buf_free(&from->scratch);
	buf_free(&from->name);
	buf_free(&from->why);
	free(from);
}

size_t
schema_columns(const struct schema *s)
{
	return s->n;
}

/* ---- judging rows ---- */

static bool
fits_decimal(const struct column_of *c, const struct dec *d)
{
	struct dec r;

	if (c->precision == 0)
		return true;
	return c->scale <= DECIMAL_SCALE_MAX && dec_round(d, (int)c->scale, &r) == NULL && dec_cmp(d, &r) == 0 &&
	    dec_fits(&r, c->precision);
}

static bool
fits_number(const struct column_of *c, struct val v)
{
	struct dec d, whole;

	if (v.tag != T_NUM)
		return false;
	if (c->kind == K_NUMBER)
		return true;
	if (dec_parse(v.raw, &d) != NULL)
		return false;
	if (c->kind == K_DECIMAL)
		return fits_decimal(c, &d);
	return dec_floor(&d, &whole) == NULL && dec_cmp(&d, &whole) == 0 && dec_cmp(&d, &c->low) >= 0 &&
	    dec_cmp(&d, &c->high) <= 0;
}

/* At most that many characters. */
static bool
fits_length(struct schema *s, const struct column_of *c, struct val v)
{
	struct span text;
	size_t chars = 0;

	if (c->precision == 0 || v.raw.n - 2 <= c->precision)
		return true;
	text = val_text(v, &s->scratch);
	for (size_t i = 0; i < text.n; i++)
		chars += ((unsigned char)text.p[i] & 0xc0) != 0x80;
	return chars <= c->precision;
}

static bool
fits(struct schema *s, const struct column_of *c, struct val v)
{
	int64_t us;
	int32_t day;

	if (val_is_null(v))
		return true;
	switch (c->kind) {
	case K_ANY:
		return true;
	case K_INT:
	case K_DECIMAL:
	case K_NUMBER:
		return fits_number(c, v);
	case K_STRING:
		return v.tag == T_STR && fits_length(s, c, v);
	case K_BOOL:
		return v.tag == T_TRUE || v.tag == T_FALSE || span_is(v.raw, "0") || span_is(v.raw, "1");
	case K_DATE:
		return v.tag == T_STR && day_parse(val_text(v, &s->scratch), &day) == NULL;
	case K_TIME:
		return when_val(v, UNIT_GUESS, s->zone, &s->scratch, &us) == NULL;
	case K_OBJECT:
		return v.tag == T_OBJ;
	case K_ARRAY:
		return v.tag == T_ARR;
	case K_SEEN:
		return (c->seen & 1u << v.tag) != 0 ||
		    ((v.tag == T_TRUE || v.tag == T_FALSE) && (c->seen & (1u << T_TRUE | 1u << T_FALSE)) != 0) ||
		    (c->seen & ~(1u << T_NULL | 1u << T_ABSENT)) == 0;	/* only nulls so far: no type is known */
	}
	return false;
}

/* The column of a raw key; rows mostly have them in one order, so `hint` is looked at first. NULL: there is none. */
static struct column_of *
column_of(struct schema *s, struct span raw, size_t hint)
{
	struct span name = raw;
	const size_t *at;

	if (hint < s->n && span_is(raw, s->col[hint].name))
		return &s->col[hint];
	if (memchr(raw.p, '\\', raw.n) != NULL) {
		buf_clear(&s->name);
		val_unescape(raw, &s->name);
		name = buf_span(&s->name);
	}
	at = map_get(s->by_name, name);
	return at == NULL ? NULL : &s->col[*at - 1];
}

const char *
schema_row(struct schema *s, struct span line)
{
	const char *why = NULL;
	struct span key;
	size_t hint = 0;
	struct rec r;
	struct val v;

	if (s->n == 0)
		return NULL;
	for (rec_begin(&r, line); rec_next(&r, &key, &v);) {
		struct column_of *c = column_of(s, key, hint);

		if (c != NULL) {
			hint = (size_t)(c - s->col) + 1;
			c->met = true;
		}
		if (why != NULL || (c != NULL && fits(s, c, v)) || (c == NULL && span_is(key, "dt")))
			continue;
		buf_clear(&s->why);
		if (c == NULL)
			buf_fmt(&s->why, "no column \"%.*s\"", (int)(key.n < 64 ? key.n : 64), key.p);
		else
			/* not the value: it may be a person's */
			buf_fmt(&s->why, "\"%s\": this %s is no %s", c->name, val_tag_name(v.tag), c->type);
		why = buf_cstr(&s->why);
	}
	return why;
}

bool
schema_missing(const struct schema *s, struct buf *names)
{
	bool any = false;

	for (size_t i = 0; i < s->n; i++) {
		if (s->col[i].met || !s->col[i].declared)
			continue;
		buf_fmt(names, "%s%s", any ? ", " : "", s->col[i].name);
		any = true;
	}
	return any;
}
