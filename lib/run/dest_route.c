/* SPDX-License-Identifier: BSD-2-Clause */
/* dest_route - see dest_route.h */
#include "run/dest_route.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "in/rec.h"
#include "in/scan.h"
#include "out/json.h"
#include "run/conf.h"
#include "run/ctx.h"

#define SEEN_MAX 65536			/* words remembered; one more and all are forgotten */
#define LAST_NONE (-2)		/* route.last_line */
#define LAST_BYTES_MAX 1024	/* of what is kept of the record before */

static const char default_by[] =
    "coalesce(database, db, source.db, payload.source.db) || '.' || "
    "coalesce(\"table\", source.\"table\", payload.source.\"table\")";

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

/* What one line says; empty: nothing.  by: what stands alone. */
struct said {
	struct span word, target, day, key, as, by;
};

/* ---- the file ---- */

static void
version_of(struct span bytes, char version[SHA256_HEX + 1])
{
	hash_sha256(bytes, version);
	version[SHA256_HEX] = '\0';
}

/* ---- lines ---- */

static int
table_of(struct route *r, struct span name, struct span day)
{
	char *copy;

	if (span_is(name, "-"))
		return ROUTE_NOWHERE;
	if (span_is(name, "!"))
		return ROUTE_ELSEWHERE;
	for (size_t i = 0; i < r->n_tables; i++)
		if (span_is(name, r->table[i].name))
			return (int)i;
	r->table = mem_array(r->table, r->n_tables + 1, sizeof *r->table);
	copy = arena_get(&r->mem, name.n + day.n + 2);
	memcpy(copy, name.p, name.n);
	copy[name.n] = '\0';
	if (day.n > 0)
		memcpy(copy + name.n + 1, day.p, day.n);
	copy[name.n + 1 + day.n] = '\0';
	r->table[r->n_tables] = (struct route_table){ .name = copy, .day = day.n > 0 ? copy + name.n + 1 : NULL };
	return (int)r->n_tables++;
}

/* Expressions and paths are compiled without the command's usage behind what is said: the file is wrong, not that. */
static int
set_by(struct route *r, struct span text, size_t number)
{
	struct expr_env env = ctx_env(r->ctx, NULL);
	char err[MESSAGE_BYTES_MAX];

	if (r->by != NULL)
		return err_usage("%s:%zu: a second `by`", r->file, number);
	if (expr_compile(text, &env, &r->by, err, sizeof err) != 0)
		return err_usage("%s:%zu: by: %s", r->file, number, err);
	if (!expr_columns(r->by, r->by_col, ROUTE_COLUMNS_MAX, &r->n_by))
		r->n_by = 0;
	return 0;
}

static int
column(struct route *r, struct span path, const char *what, size_t number, int *col)
{
	char err[MESSAGE_BYTES_MAX];

	*col = path.n == 0 ? -1 : pathset_add(r->ctx->paths, path, err, sizeof err);
	return path.n == 0 || *col != -1 ? 0 : err_usage("%s:%zu: %s: %s", r->file, number, what, err);
}

static int
add_line(struct route *r, const struct said *s, size_t number)
{
	struct route_line line = { .word = s->word, .key = -1, .as_col = -1 };
	struct buf name = { 0 };
	int rc;

	if (line.word.n > 0 && line.word.p[line.word.n - 1] == '*') {
		line.prefix = true;
		line.word.n--;
	}
	if (s->target.n == 0)
		return err_usage("%s:%zu: it leads nowhere", r->file, number);
	for (size_t i = 0; i < s->as.n; i++)
		if (strchr(letters, s->as.p[i]) == NULL)
			return err_usage("%s:%zu: word: a name of letters, digits and _", r->file, number);
	if ((rc = column(r, s->key, "key", number, &line.key)) != 0 ||
	    (rc = column(r, s->as, "word", number, &line.as_col)) != 0)
		return rc;
	if (s->as.n > 0) {
		json_key(&name, s->as);
		line.as = span_of(arena_dup(&r->mem, buf_span(&name)), name.n);
		buf_free(&name);
	}
	line.to = table_of(r, s->target, s->day);
	r->all = r->all || (line.prefix && line.word.n == 0);
	r->line = mem_array(r->line, r->n_lines + 1, sizeof *r->line);
	r->line[r->n_lines++] = line;
	return 0;
}

static int
read_line(struct route *r, const struct spec_line *l)
{
	struct said s = { 0 };
	size_t named = 0;

	if (l->n == 2 && span_is(l->word[0], "by"))
		return set_by(r, l->word[1], l->number);
	if (l->n > 2)
		named = (size_t)spec_get(l, 2, "day", &s.day) + (size_t)spec_get(l, 2, "key", &s.key) +
		    (size_t)spec_get(l, 2, "word", &s.as);
	if (l->n < 2 || named != l->n - 2)
		return err_usage("%s:%zu: not WORD NAME [day=EXPR] [key=PATH] [word=NAME], nor by EXPR", r->file,
		    l->number);
	s.word = l->word[0];
	s.target = l->word[1];
	return add_line(r, &s, l->number);
}

/* A text member, as bytes that live as long as the route; null is none. False: it is something else. */
static bool
text_member(struct route *r, struct val v, struct span *out)
{
	struct span s;

	if (val_is_null(v))
		return true;
	if (v.tag != T_STR)
		return false;
	s = val_text(v, &r->text);
	*out = span_of(arena_dup(&r->mem, s), s.n);
	return true;
}

static int
read_record(struct route *r, struct span text, size_t number)
{
	struct said s = { 0 };
	const struct {
		const char *name;
		struct span *to;
	} member[] = { { "word", &s.word }, { "target", &s.target }, { "day", &s.day }, { "key", &s.key },
		{ "keep_word", &s.as }, { "by", &s.by } };
	const char *why;
	struct span key;
	struct rec rec;
	struct val v;
	size_t at;

	if (text.p[0] != '{')
		return err_usage("%s:%zu: not a JSON object", r->file, number);
	if ((why = scan_value(text, NULL, &at)) != NULL)
		return err_usage("%s:%zu: %s", r->file, number, why);
	rec_begin(&rec, text);
	while (rec_next(&rec, &key, &v))
		for (size_t i = 0; i < sizeof member / sizeof *member; i++)
			if (span_is(key, member[i].name) && !text_member(r, v, member[i].to))
				return err_usage("%s:%zu: %s is no text", r->file, number, member[i].name);
	if (s.by.n > 0)
		return set_by(r, s.by, number);
	return add_line(r, &s, number);
}

/* One record a line, as mysql-extract writes them. */
static int
read_records(struct route *r)
{
	struct span rest = buf_span(&r->bytes);
	int rc = 0;

	for (size_t number = 1; rc == 0 && rest.n > 0; number++) {
		const char *lf = memchr(rest.p, '\n', rest.n);
		size_t n = lf == NULL ? rest.n : (size_t)(lf - rest.p);
		struct span text = span_of(rest.p, n);

		while (text.n > 0 && strchr(" \t\r", text.p[text.n - 1]) != NULL)
			text.n--;
		if (text.n > 0)
			rc = read_record(r, text, number);
		rest = span_from(rest, n + (lf != NULL));
	}
	return rc;
}

static int
read_lines(struct route *r)
{
	int rc = spec_parse(buf_span(&r->bytes), r->file, SPEC_WORDS, &r->spec);

	for (size_t i = 0; rc == 0 && i < r->spec->n; i++)
		rc = read_line(r, &r->spec->line[i]);
	return rc;
}

/* From the bytes that were read. */
static int
understand(struct route *r)
{
	int rc = r->bytes.n > 0 && r->bytes.p[0] == '{' ? read_records(r) : read_lines(r);

	if (rc == 0 && r->n_lines == 0)
		rc = err_usage("%s: it leads to no table", r->file);
	if (rc == 0 && r->by == NULL)
		rc = set_by(r, span_str(default_by), 0);
	return rc;
}

static struct route *
make(const char *file, struct ctx *c)
{
	struct route *r = mem_new(sizeof *r);

	r->ctx = c;
	r->file = file;
	r->seen = map_new(sizeof(int));
	r->last_line = LAST_NONE;
	return r;
}

int
route_open(const char *file, struct ctx *c, struct route **out)
{
	struct route *r = *out = make(file, c);
	int rc = conf_now(file, &r->bytes);

	version_of(buf_span(&r->bytes), r->version);
	return rc != 0 ? rc : understand(r);
}

int
route_open_bytes(const char *file, struct span bytes, struct ctx *c, struct route **out)
{
	struct route *r = *out = make(file, c);

	buf_span_add(&r->bytes, bytes);
	version_of(bytes, r->version);
	return understand(r);
}

/* ---- what it says by now ---- */

void
route_again(struct route *r, struct route **out)
{
	struct route *next = make(r->file, r->ctx);
	struct buf said = { 0 }, *held = err_hold(&said);
	int rc = conf_now(r->file, &next->bytes);

	err_hold(held);
	*out = NULL;
	/* what cannot be read has a version too, so that it is said once: that of its message */
	version_of(rc == 0 ? buf_span(&next->bytes) : buf_span(&said), next->version);
	if (strcmp(next->version, r->version) == 0 || strcmp(next->version, r->refused) == 0) {
		route_close(next);
	} else if (rc != 0 || understand(next) != 0) {
		err_release(&said);
		route_refuse(r, next);
	} else {
		*out = next;
	}
	buf_free(&said);
}

void
route_next(struct route *r, struct span bytes, struct route **out)
{
	struct route *next;

	if (route_open_bytes(r->file, bytes, r->ctx, &next) == 0) {
		*out = next;
		return;
	}
	*out = NULL;
	route_refuse(r, next);
}

void
route_rescan(struct ctx *c, size_t paths)
{
	struct scan_conf conf = scan_limits(c);

	if (c->paths->n == paths || c->main_feed.scan == NULL)
		return;
	scan_free(c->main_feed.scan);
	c->main_feed.scan = scan_new(c->paths, &conf);
}

void
route_refuse(struct route *r, struct route *bad)
{
	memcpy(r->refused, bad->version, sizeof r->refused);
	route_close(bad);
	err_warn("%s: not followed: the routes stay as they were", r->file);
}

/* ---- records ---- */

/* What the record is called; false: nothing. */
static bool
word_of(struct route *r, const struct batch *b, size_t i, struct span *word)
{
	struct xval x;
	struct dec d;

	*word = span_of("", 0);
	if (expr_eval(ctx_expr_state(r->ctx), r->by, b, i, &x) != NULL)
		return false;
	if (x.tag == X_NUM && xval_num(&x, &d) == NULL) {
		buf_clear(&r->text);
		dec_print_canonical(&d, &r->text);
		*word = buf_span(&r->text);
		return true;
	}
	*word = x.tag == X_STR ? x.str : span_of("", 0);
	return x.tag == X_STR;
}

static int
first_match(const struct route *r, bool known, struct span word)
{
	for (size_t i = 0; i < r->n_lines; i++) {
		const struct route_line *l = &r->line[i];

		if (l->prefix ? l->word.n == 0 || (known && word.n >= l->word.n &&
		    memcmp(word.p, l->word.p, l->word.n) == 0) : known && span_eq(word, l->word))
			return (int)i;
	}
	return -1;
}

/* Does record i hold what the one before held, so that it is called the same? */
static bool
as_before(const struct route *r, const struct batch *b, size_t i)
{
	const char *p = r->last.p;

	if (r->last_line == LAST_NONE)
		return false;
	for (size_t k = 0; k < r->n_by; k++) {
		struct span v = b->col[r->by_col[k]][i].raw;

		if (v.n != r->last_n[k] || (v.n > 0 && memcmp(v.p, p, v.n) != 0))
			return false;
		p += v.n;
	}
	return true;
}

/* Record i has this line. */
static void
remember(struct route *r, const struct batch *b, size_t i, int line)
{
	buf_clear(&r->last);
	r->last_line = LAST_NONE;
	for (size_t k = 0; k < r->n_by; k++) {
		struct span v = b->col[r->by_col[k]][i].raw;

		if (v.n > LAST_BYTES_MAX - r->last.n)
			return;
		r->last_n[k] = v.n;
		buf_span_add(&r->last, v);
	}
	r->last_line = r->n_by > 0 ? line : LAST_NONE;
}

int
route_of(struct route *r, const struct batch *b, size_t i)
{
	struct span word;
	bool known, fresh;
	int *to, line;

	if (as_before(r, b, i))
		return r->last_line;
	if (!(known = word_of(r, b, i, &word))) {
		line = first_match(r, false, word);
	} else {
		if (map_count(r->seen) >= SEEN_MAX)
			map_clear(r->seen);
		to = map_put(r->seen, word, &fresh);
		if (fresh)
			*to = first_match(r, true, word);
		line = *to;
	}
	remember(r, b, i, line);
	return line;
}

void
route_word(struct route *r, const struct batch *b, size_t i, struct buf *out)
{
	struct span word;

	if (word_of(r, b, i, &word))
		buf_json(out, word);
	else
		buf_str(out, "null");
}

void
route_close(struct route *r)
{
	if (r == NULL)
		return;
	if (r->by != NULL)
		expr_free(r->by);
	free(r->line);
	free(r->table);
	map_free(r->seen);
	buf_free(&r->text);
	buf_free(&r->last);
	buf_free(&r->bytes);
	arena_free(&r->mem);
	if (r->spec != NULL)
		spec_free(r->spec);
	free(r);
}
