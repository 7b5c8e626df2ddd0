/* SPDX-License-Identifier: BSD-2-Clause */
/* clean - a spec's lines to rules, and a record through them; see clean.h */
#include <stdlib.h>

#include "base/err.h"
#include "expr/clean_own.h"
#include "in/rec.h"
#include "in/scan.h"

#define NAMES_MAX 65536		/* names whose meaning is remembered */
#define PLACES_MAX 4096

static const char *const step_name[] = { "decrypt", "control", "trim", "lower", "upper", "null",
	"date", "type", "fill", "default", "required", "mask", "encrypt", "keep" };

struct compile {
	struct clean *c;
	const struct spec *spec;
	const struct spec_line *line;
	size_t at;			/* word */
	const struct expr_env *env;
	bool has_cipher;
};

static int
bad(const struct compile *p, const char *what, struct span word)
{
	char shown[80];

	return err_usage("%s:%zu: %s%s%s", p->spec->name, p->line->number, what,
	    word.p == NULL ? "" : ": ",
	    word.p == NULL ? "" : err_mask(shown, sizeof shown, word.p, word.n));
}

/* The step that the word at hand names, or -1; quoted words are never steps. */
static int
step_here(const struct compile *p)
{
	for (int s = 0; s <= STEP_KEEP && p->at < p->line->n && !p->line->quoted[p->at]; s++)
		if (span_is(p->line->word[p->at], step_name[s]))
			return s;
	return -1;
}

/* How many words belong to the step before them. */
static size_t
words_here(struct compile *p, enum clean_step step)
{
	size_t first = p->at, n;
	int s;

	while (p->at < p->line->n &&
	    ((s = step_here(p)) == -1 || (s == STEP_NULL && step == STEP_NULL)))
		p->at++;
	n = p->at - first;
	p->at = first;
	return n;
}

/* The next word; an unquoted :NAME is that --arg. The copy lives with the clean. */
static int
take_text(struct compile *p, struct span *out)
{
	struct span s = p->line->word[p->at];

	if (!p->line->quoted[p->at] && s.n > 1 && *s.p == ':') {
		size_t i = 0;

		while (i < p->env->n_args && !span_eq(p->env->arg[i].name, span_from(s, 1)))
			i++;
		if (i == p->env->n_args)
			return bad(p, "no --arg of that name", s);
		s = p->env->arg[i].value;
	}
	*out = span_of(s.n == 0 ? "" : arena_dup(&p->c->fixed, s), s.n);
	p->at++;
	return 0;
}

static int
step_null(struct compile *p, struct rule *r)
{
	size_t n = words_here(p, STEP_NULL);
	int rc;

	r->null = arena_get(&p->c->fixed, mem_mul(n + 1, sizeof *r->null));
	for (r->n_null = 0; r->n_null < n; r->n_null++) {
		if ((rc = take_text(p, &r->null[r->n_null])) != 0)
			return rc;
		r->null_lengths |= UINT64_C(1)
		    << (r->null[r->n_null].n < 63 ? r->null[r->n_null].n : 63);
	}
	return 0;
}

/*
 * A form: a name, or a pattern with % letters that can be written, and where it is to be read,
 * read.
 */
static int
take_form(struct compile *p, bool in, struct clean_date *d)
{
	static const char *const names[] = { "auto", "sql", "rfc3339", "day", "s", "ms", "us" };
	struct span s = p->line->word[p->at];
	struct buf b = { 0 };
	bool good;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (span_is(s, names[i])) {
			d->form = (enum clean_form)i;
			p->at++;
			return 0;
		}
	good = s.n > 0 && memchr(s.p, '%', s.n) != NULL && when_format(s, 0, NULL, &b) == NULL;
	buf_free(&b);
	for (size_t i = 0; good && in && i < s.n; i++)
		if (s.p[i] == '%')
			good = strchr("YymBbhdejHkIlpMSsfNFDTRzAant%", s.p[++i]) != NULL;
	if (!good)
		return bad(p,
		    "a time is auto, sql, rfc3339, day, s, ms, us or a pattern of date(1)'s "
		    "letters",
		    s);
	d->form = FORM_PATTERN;
	return take_text(p, &d->pattern);
}

/* date [FORM …] [to FORM]: without `to` the first form is also the one written. */
static int
step_date(struct compile *p, struct rule *r)
{
	size_t n = words_here(p, STEP_DATE), end = p->at + n;
	bool to = false;
	int rc;

	r->in = arena_get(&p->c->fixed, mem_mul(n + 1, sizeof *r->in));
	memset(r->in, 0, (n + 1) * sizeof *r->in);
	for (r->n_in = 0; p->at < end && !to; ) {
		to = !p->line->quoted[p->at] && span_is(p->line->word[p->at], "to");
		if (!to) {
			if ((rc = take_form(p, true, &r->in[r->n_in++])) != 0)
				return rc;
		} else if (++p->at + 1 != end) {
			return bad(p, "one form belongs behind `to`", (struct span){ 0 });
		} else if ((rc = take_form(p, false, &r->out)) != 0) {
			return rc;
		}
	}
	r->n_in += r->n_in == 0;	/* none: auto */
	if (!to)
		r->out = r->in[0];
	return 0;
}

/* decimal(p,s) */
static bool
digits(struct span s, struct rule *r)
{
	unsigned v[2] = { 0, 0 };
	size_t i = 8, part = 0;

	if (s.n < 10 || memcmp(s.p, "decimal(", 8) != 0 || s.p[s.n - 1] != ')')
		return false;
	for (; i < s.n - 1; i++) {
		if (s.p[i] == ',' && part == 0)
			part = 1;
		else if (s.p[i] < '0' || s.p[i] > '9' ||
		    (v[part] = v[part] * 10 + (unsigned)(s.p[i] - '0')) > 76)
			return false;
	}
	r->precision = v[0];
	r->scale = v[1];
	return v[0] > 0 && v[1] <= v[0] && v[1] <= DECIMAL_SCALE_MAX &&
	    v[0] - v[1] <= DECIMAL_DIGITS_MAX;
}

static int
step_type(struct compile *p, struct rule *r)
{
	static const char *const names[] = { "int", "decimal", "string", "bool", "json" };
	struct span s = { 0 };

	if (p->at < p->line->n)
		s = p->line->word[p->at++];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (span_is(s, names[i])) {
			r->type = (enum clean_type)i;
			return 0;
		}
	r->type = TYPE_DECIMAL;
	return digits(s, r)
	    ? 0
	    : bad(p, "a type is int, decimal, decimal(P,S), string, bool or json", s);
}

static int
step_fill(struct compile *p, struct rule *r)
{
	size_t n = words_here(p, STEP_FILL);
	char err[200];

	if (n == 0)
		return bad(p, "fill needs a path", (struct span){ 0 });
	r->fill = arena_get(&p->c->fixed, mem_mul(n, sizeof *r->fill));
	for (r->n_fill = 0; r->n_fill < n; r->n_fill++)
		if ((r->fill[r->n_fill] = pathset_add(
			 p->env->paths, p->line->word[p->at++], err, sizeof err)) < 0)
			return bad(p, err, (struct span){ 0 });
	return 0;
}

/* default WORD: JSON as it stands where it is a number, true, false, null; else a text. */
static int
step_default(struct compile *p, struct rule *r)
{
	struct buf b = { 0 };
	struct span s;
	size_t at;
	bool quoted;
	int rc;

	if (p->at == p->line->n)
		return bad(p, "default needs a value", (struct span){ 0 });
	quoted = p->line->quoted[p->at] || *p->line->word[p->at].p == ':';
	if ((rc = take_text(p, &s)) != 0)
		return rc;
	if (quoted || scan_value(s, NULL, &at) != NULL) {
		buf_json(&b, s);
		s = span_of(arena_dup(&p->c->fixed, buf_span(&b)), b.n);
		buf_free(&b);
	}
	r->standard = s;
	return scan_value(s, NULL, &at) == NULL ? 0 : bad(p, "not UTF-8", (struct span){ 0 });
}

static int
step_mask(struct compile *p, struct rule *r)
{
	struct span s = { 0 };

	if (p->at < p->line->n)
		s = p->line->word[p->at++];
	return mask_named(s, &r->mask)
	    ? 0
	    : bad(p, "a mask is phone, name, address, email, card or all", s);
}

/* key=NAME */
static int
take_keys(struct compile *p, void **keys)
{
	struct span s = { 0 };

	if (p->at < p->line->n)
		s = p->line->word[p->at++];
	if (s.n < 5 || memcmp(s.p, "key=", 4) != 0)
		return bad(p, "encrypt and decrypt need key=NAME", s);
	if (!p->has_cipher)
		return bad(p, "no keys here", s);
	return p->c->cipher.keys(p->c->cipher.arg, span_from(s, 4), keys);
}

static int
step_encrypt(struct compile *p, struct rule *r)
{
	return take_keys(p, &r->encrypt);
}

static int
step_decrypt(struct compile *p, struct rule *r)
{
	return take_keys(p, &r->decrypt);
}

/* Who takes the arguments of a step, where it has some. */
static int (*const step_args[STEP_COUNT])(struct compile *, struct rule *) = {
	[STEP_NULL] = step_null,
	[STEP_DATE] = step_date,
	[STEP_TYPE] = step_type,
	[STEP_FILL] = step_fill,
	[STEP_DEFAULT] = step_default,
	[STEP_MASK] = step_mask,
	[STEP_ENCRYPT] = step_encrypt,
	[STEP_DECRYPT] = step_decrypt,
};

static int
steps(struct compile *p, struct clean_line *l)
{
	struct rule *r = &l->rule;
	int rc = 0, s;

	while (p->at < p->line->n && rc == 0) {
		if ((s = step_here(p)) == -1)
			return bad(p, "no step of that name", p->line->word[p->at]);
		p->at++;
		if (s == STEP_KEEP) {
			l->keep = true;
			continue;
		}
		if ((r->has >> s & 1) != 0)
			return bad(p, "a step stands twice", span_str(step_name[s]));
		r->has |= 1u << s;
		r->from[s] = l->pattern;
		if (step_args[s] != NULL)
			rc = step_args[s](p, r);
	}
	if (rc == 0 && (r->has >> STEP_LOWER & 3) == 3)
		return bad(p, "lower and upper do not go together", (struct span){ 0 });
	if (rc == 0 && (r->has >> STEP_MASK & 3) == 3)
		return bad(p, "mask and encrypt do not go together", (struct span){ 0 });
	return rc;
}

/* The steps of one line over those so far. */
static void
lay(struct rule *r, const struct clean_line *l)
{
	const struct rule *n = &l->rule;

	if (l->keep)
		memset(r, 0, sizeof *r);
	if ((n->has >> STEP_LOWER & 3) != 0)
		r->has &= ~(3u << STEP_LOWER);
	if ((n->has >> STEP_MASK & 3) != 0)
		r->has &= ~(3u << STEP_MASK);
	for (int s = 0; s < STEP_COUNT; s++)
		if ((n->has >> s & 1) != 0)
			r->from[s] = n->from[s];
	r->has |= n->has;
	if ((n->has >> STEP_NULL & 1) != 0) {
		r->null = n->null;
		r->n_null = n->n_null;
		r->null_lengths = n->null_lengths;
	}
	if ((n->has >> STEP_DATE & 1) != 0) {
		r->in = n->in;
		r->n_in = n->n_in;
		r->out = n->out;
	}
	if ((n->has >> STEP_TYPE & 1) != 0) {
		r->type = n->type;
		r->precision = n->precision;
		r->scale = n->scale;
	}
	if ((n->has >> STEP_FILL & 1) != 0) {
		r->fill = n->fill;
		r->n_fill = n->n_fill;
	}
	if ((n->has >> STEP_DEFAULT & 1) != 0)
		r->standard = n->standard;
	if ((n->has >> STEP_MASK & 1) != 0)
		r->mask = n->mask;
	if ((n->has >> STEP_ENCRYPT & 1) != 0)
		r->encrypt = n->encrypt;
	if ((n->has >> STEP_DECRYPT & 1) != 0)
		r->decrypt = n->decrypt;
}

/* * any bytes, ? one code point; no recursion. */
static bool
matches(struct span g, struct span s)
{
	struct span after = { 0 }, again = { 0 };

	for (;;) {
		if (g.n > 0 && *g.p == '*') {
			g = span_from(g, 1);
			after = g;
			again = s;
		} else if (g.n > 0 && s.n > 0 && (*g.p == '?' || *g.p == *s.p)) {
			bool any = *g.p == '?';

			g = span_from(g, 1);
			do
				s = span_from(s, 1);
			while (any && s.n > 0 && ((unsigned char)*s.p & 0xC0) == 0x80);
		} else if (g.n == 0 && s.n == 0) {
			return true;
		} else if (after.p == NULL || again.n == 0) {
			return false;
		} else {
			again = span_from(again, 1);
			s = again;
			g = after;
		}
	}
}

/* All that the lines say about a field. */
static void
collect(const struct clean *c, struct span name, int col, struct rule *r)
{
	memset(r, 0, sizeof *r);
	for (size_t i = 0; i < c->n_lines; i++) {
		const struct clean_line *l = &c->line[i];

		if (l->col >= 0 ? l->col == col : name.p != NULL && matches(l->pattern, name))
			lay(r, l);
	}
}

static bool
overlap(const struct path *a, const struct path *b)
{
	size_t n = a->n < b->n ? a->n : b->n;

	for (size_t i = 0; i < n; i++)
		if ((a->seg[i].name.p == NULL) != (b->seg[i].name.p == NULL) ||
		    a->seg[i].index != b->seg[i].index || !span_eq(a->seg[i].name, b->seg[i].name))
			return false;
	return true;
}

static int
add_field(struct compile *p, int col)
{
	struct clean *c = p->c;
	const struct path *path = &p->env->paths->path[col];
	struct field *f;
	struct buf key = { 0 };

	for (size_t i = 0; i < c->n_fields; i++) {
		if (c->field[i].col == col)
			return 0;
		if (overlap(path, &p->env->paths->path[c->field[i].col]))
			return bad(p, "this path and one above are one place", path->text);
	}
	c->field = mem_array(c->field, c->n_fields + 1, sizeof *c->field);
	f = &c->field[c->n_fields++];
	memset(f, 0, sizeof *f);
	f->col = col;
	f->path = span_of(arena_dup(&c->fixed, path->text), path->text.n);
	if (path->n == 1 && path->seg[0].name.p != NULL) {
		f->name = span_of(arena_dup(&c->fixed, path->seg[0].name), path->seg[0].name.n);
		buf_json(&key, f->name);
		buf_byte(&key, ':');
		f->key = span_of(arena_dup(&c->fixed, buf_span(&key)), key.n);
		buf_free(&key);
	}
	return 0;
}

static int
compile_line(struct compile *p, struct clean_line *l)
{
	struct span w = p->line->word[0];
	char err[200];
	int rc;

	memset(l, 0, sizeof *l);
	l->pattern = span_of(w.n == 0 ? "" : arena_dup(&p->c->fixed, w), w.n);
	l->col = -1;
	p->at = 1;
	if ((memchr(w.p, '*', w.n) != NULL || memchr(w.p, '?', w.n) != NULL) &&
	    memchr(w.p, '"', w.n) == NULL)
		p->c->globs = true;
	else if ((l->col = pathset_add(p->env->paths, w, err, sizeof err)) < 0)
		return bad(p, err, (struct span){ 0 });
	if (p->line->n == 1)
		return bad(p, "a pattern without a step", w);
	if ((rc = steps(p, l)) != 0)
		return rc;
	return l->col < 0 ? 0 : add_field(p, l->col);
}

int
clean_compile(const struct spec *spec, const struct expr_env *env, const struct clean_cipher *cipher,
    struct clean **out)
{
	struct clean *c = mem_new(sizeof *c);
	struct compile p = { c, spec, NULL, 0, env, cipher != NULL };
	int rc = 0;

	*out = c;
	if (cipher != NULL)
		c->cipher = *cipher;
	c->zone = env->zone;
	c->names = map_new(sizeof(struct meaning));
	c->line = mem_array(NULL, spec->n + 1, sizeof *c->line);
	for (; c->n_lines < spec->n && rc == 0; c->n_lines++) {
		p.line = &spec->line[c->n_lines];
		rc = compile_line(&p, &c->line[c->n_lines]);
	}
	for (size_t i = 0; i < c->n_fields && rc == 0; i++) {
		struct field *f = &c->field[i];

		collect(c, f->name, f->col, &f->rule);
		if (f->name.p == NULL &&
		    (f->rule.has & (1u << STEP_FILL | 1u << STEP_DEFAULT)) != 0)
			rc = err_usage(
			    "%s: fill and default need a field of the record itself, not %.*s",
			    spec->name, (int)f->path.n, f->path.p);
	}
	if (rc != 0) {
		clean_free(c);
		*out = NULL;
	}
	return rc;
}

void
clean_free(struct clean *c)
{
	if (c == NULL)
		return;
	map_free(c->names);
	free(c->line);
	free(c->field);
	free(c->place);
	free(c->reason);
	free(c->edit);
	arena_free(&c->fixed);
	arena_free(&c->mem);
	buf_free(&c->text);
	buf_free(&c->made);
	buf_free(&c->secret);
	free(c);
}

/* Records */

/*
 * "FIELD: why", made once for each pair: fields stand in the spec, reasons are constants of ours.
 */
static const char *
reason(struct clean *c, struct span field, const char *why)
{
	struct reason *r;

	for (size_t i = 0; i < c->n_reasons; i++)
		if (c->reason[i].why == why && c->reason[i].field.p == field.p)
			return c->reason[i].text;
	c->reason = mem_array(c->reason, c->n_reasons + 1, sizeof *c->reason);
	r = &c->reason[c->n_reasons++];
	r->field = field;
	r->why = why;
	r->text = arena_get(&c->fixed, field.n + strlen(why) + 3);
	memcpy(r->text, field.p, field.n);
	memcpy(r->text + field.n, ": ", 2);
	memcpy(r->text + field.n + 2, why, strlen(why) + 1);
	return r->text;
}

/*
 * One value through all steps; an edit when it came out otherwise. The field names it in reasons;
 * NULL: the pattern does.
 */
static const char *
handle(struct clean *c, const struct batch *b, size_t i, const struct rule *r,
    const struct val *old, const struct field *f)
{
	enum clean_step step = STEP_FILL;
	struct val v = *old, made;
	const char *why = rule_apply(c, r, v, &made, &step);

	for (size_t k = 0; why == NULL && val_is_null(made) && k < r->n_fill; k++)
		why = rule_apply(c, r, b->col[r->fill[k]][i], &made, &step);
	if (why == NULL && val_is_null(made) && r->standard.p != NULL)
		made = val_of(r->standard);
	if (why == NULL && val_is_null(made) && (r->has >> STEP_REQUIRED & 1) != 0) {
		why = "required, but null or absent";
		step = STEP_REQUIRED;
	}
	if (why == NULL && !val_is_null(made))
		why = rule_hide(c, r, made, &made, &step);
	if (why != NULL)
		return reason(c, f != NULL ? f->path : r->from[step], why);
	if (made.raw.p == v.raw.p || (val_is_null(made) && val_is_null(v)))
		return NULL;
	if (c->n_edits == c->cap_edits) {
		c->cap_edits = c->cap_edits * 2 + 16;
		c->edit = mem_array(c->edit, c->cap_edits, sizeof *c->edit);
	}
	c->edit[c->n_edits++] = (struct clean_edit){ v,
		f != NULL ? f->key : (struct span){ 0 }, made.raw };
	return NULL;
}

/* span_eq for short names, without a call. */
static inline bool
same_name(struct span a, struct span b)
{
	uint64_t x, y, u, w;

	if (a.n != b.n || a.n > 16)
		return span_eq(a, b);
	if (a.n < 8) {
		for (size_t i = 0; i < a.n; i++)
			if (a.p[i] != b.p[i])
				return false;
		return true;
	}
	memcpy(&x, a.p, 8);
	memcpy(&y, b.p, 8);
	memcpy(&u, a.p + a.n - 8, 8);
	memcpy(&w, b.p + b.n - 8, 8);
	return ((x ^ y) | (u ^ w)) == 0;
}

/* What the lines with * and ? say about a member; NULL where its column does it all. */
static const struct rule *
rule_of(struct clean *c, size_t place, struct span key)
{
	struct meaning *m;
	struct rule *r = &c->spare;
	struct span name = key;
	bool fresh = false;

	if (place < c->n_places && c->place[place] != NULL && same_name(c->place[place]->key, key))
		return c->place[place]->rule;
	m = map_count(c->names) < NAMES_MAX ? map_put(c->names, key, &fresh)
					    : map_get(c->names, key);
	if (m == NULL || fresh) {
		if (memchr(key.p, '\\', key.n) != NULL) {
			buf_clear(&c->text);
			val_unescape(key, &c->text);
			name = buf_span(&c->text);
		}
		if (m != NULL)
			r = arena_get(&c->fixed, sizeof *r);
		collect(c, name, -1, r);
		for (size_t i = 0; i < c->n_fields; i++)
			if (c->field[i].name.p != NULL && span_eq(c->field[i].name, name))
				r->has = 0;
		if (m == NULL)
			return r->has == 0 ? NULL : r;
		m->key = span_of(arena_dup(&c->fixed, key), key.n);
		m->rule = r->has == 0 ? NULL : r;
	}
	if (place < PLACES_MAX) {
		if (place >= c->n_places) {
			c->place = mem_array(c->place, place + 1, sizeof *c->place);
			while (c->n_places <= place)
				c->place[c->n_places++] = NULL;
		}
		c->place[place] = m;
	}
	return m->rule;
}

const char *
clean_record(struct clean *c, const struct batch *b, size_t i, struct clean_edit **edits, size_t *n)
{
	const char *why = NULL;
	const struct rule *r;
	struct span key;
	struct rec rec;
	struct val v;

	if (c->mem.used > 0)
		arena_reset(&c->mem);
	c->n_edits = 0;
	if (c->globs) {
		rec_begin(&rec, b->line[i]);
		for (size_t place = 0; why == NULL && rec_next(&rec, &key, &v); place++)
			if ((r = rule_of(c, place, key)) != NULL && !rule_idle(r, &v))
				why = handle(c, b, i, r, &v, NULL);
	}
	for (size_t k = 0; k < c->n_fields && why == NULL; k++) {
		const struct field *f = &c->field[k];

		if (!rule_idle(&f->rule, &b->col[f->col][i]))
			why = handle(c, b, i, &f->rule, &b->col[f->col][i], f);
	}
	*edits = c->edit;
	*n = c->n_edits;
	return why;
}
