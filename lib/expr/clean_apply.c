/* SPDX-License-Identifier: BSD-2-Clause */
/* clean_apply - one value through the steps of its rule */
#include <strings.h>

#include "base/decimal.h"
#include "expr/clean_own.h"
#include "expr/text.h"
#include "in/scan.h"

#define JSON_DEPTH_MAX (DEPTH_MAX - PATH_SEGS_MAX)	/* of what TYPE_JSON puts into a record */

static bool
has(const struct rule *r, enum clean_step s)
{
	return (r->has >> s & 1) != 0;
}

/* The bytes of a control character or a line break at p, or 0: C0, DEL, C1, U+2028, U+2029. */
static size_t
control_at(const char *p, const char *end)
{
	unsigned char c = (unsigned char)*p;

	if (c < 0x20 || c == 0x7f)
		return 1;
	if (c == 0xC2 && end - p > 1 && (unsigned char)p[1] < 0xA0)
		return 2;
	if (c == 0xE2 && end - p > 2 && (unsigned char)p[1] == 0x80 &&
	    ((unsigned char)p[2] & 0xFE) == 0xA8)
		return 3;
	return 0;
}

/* Has one of the eight bytes this value? (The classic test for a zero byte, after XOR.) */
static uint64_t
any_byte(uint64_t w, unsigned char c)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t x = w ^ ones * c;

	return (x - ones) & ~x & ones << 7;
}

static uint64_t
odd_bytes(const char *p)
{
	uint64_t w;

	memcpy(&w, p, 8);
	return any_byte(w, 0x7f) | any_byte(w, 0xC2) | any_byte(w, 0xE2);
}

/*
 * Could there be a control character? Without escapes there is no C0; the others are found by
 * their first byte.  The token is looked at with its quotes: then few are shorter than a word.
 */
static bool
may_control(struct span raw)
{
	uint64_t hit = 0;

	if (raw.n < 8) {
		for (size_t i = 0; i < raw.n; i++)
			hit |= raw.p[i] == '\x7f' || raw.p[i] == '\xC2' || raw.p[i] == '\xE2';
		return hit != 0;
	}
	for (size_t i = 0; i + 8 < raw.n; i += 8)
		hit |= odd_bytes(raw.p + i);
	return (hit | odd_bytes(raw.p + raw.n - 8)) != 0;
}

/* Each run of control characters becomes one blank; true when there was one. */
static bool
control(struct span s, struct buf *out)
{
	const char *p = s.p, *end = s.p + s.n, *q;
	bool found = false;
	size_t n;

	buf_clear(out);
	while (p < end) {
		for (q = p; q < end && control_at(q, end) == 0; q++)
			;
		buf_add(out, p, (size_t)(q - p));
		for (p = q; p < end && (n = control_at(p, end)) > 0; p += n)
			;
		if (p > q) {
			found = true;
			buf_byte(out, ' ');
		}
	}
	return found;
}

/* The bytes of a blank at the start, at the end: ASCII's, U+00A0, U+3000, U+FEFF. */
static size_t
blank_first(struct span s)
{
	if (s.n > 0 && (*s.p == ' ' || (*s.p >= '\t' && *s.p <= '\r')))
		return 1;
	if (s.n > 1 && memcmp(s.p, "\xC2\xA0", 2) == 0)
		return 2;
	if (s.n < 3 || (memcmp(s.p, "\xE3\x80\x80", 3) != 0 && memcmp(s.p, "\xEF\xBB\xBF", 3) != 0))
		return 0;
	return 3;
}

static size_t
blank_last(struct span s)
{
	const char *end = s.p + s.n;

	if (s.n > 0 && (end[-1] == ' ' || (end[-1] >= '\t' && end[-1] <= '\r')))
		return 1;
	if (s.n > 1 && memcmp(end - 2, "\xC2\xA0", 2) == 0)
		return 2;
	if (s.n < 3 ||
	    (memcmp(end - 3, "\xE3\x80\x80", 3) != 0 && memcmp(end - 3, "\xEF\xBB\xBF", 3) != 0))
		return 0;
	return 3;
}

static struct span
trim(struct span s)
{
	size_t n;

	/* ASCII and no blank at both ends: nearly always. */
	if (s.n > 0 && (unsigned char)(*s.p - 0x21) < 0x5e &&
	    (unsigned char)(s.p[s.n - 1] - 0x21) < 0x5e)
		return s;
	while ((n = blank_first(s)) > 0)
		s = span_from(s, n);
	while ((n = blank_last(s)) > 0)
		s.n -= n;
	return s;
}

static bool
is_null_text(const struct rule *r, struct span s)
{
	if ((r->null_lengths >> (s.n < 63 ? s.n : 63) & 1) == 0)
		return false;
	for (size_t i = 0; i < r->n_null; i++)
		if (span_eq(r->null[i], s))
			return true;
	return false;
}

/* A token of ours, copied to the record's memory; the old one where the bytes are the same. */
static struct val
token(struct clean *c, struct span raw, enum tag tag, struct val old)
{
	if (old.tag == tag && span_eq(raw, old.raw))
		return old;
	return val_make(tag, span_of(arena_dup(&c->mem, raw), raw.n));
}

static struct val
text_token(struct clean *c, struct span text, struct val old)
{
	buf_clear(&c->made);
	buf_json(&c->made, text);
	return token(c, buf_span(&c->made), T_STR, old);
}

static struct val
null_token(void)
{
	return val_make(T_NULL, span_of("null", 4));
}

/* control, trim, lower, upper, null of a string. */
static struct val
clean_text(struct clean *c, const struct rule *r, struct val v)
{
	struct span s = val_text(v, &c->text), whole;
	bool changed = false;

	if (has(r, STEP_CONTROL) && (v.escaped || may_control(v.raw)) && control(s, &c->made)) {
		s = span_of(arena_dup(&c->mem, buf_span(&c->made)), c->made.n);
		changed = true;
	}
	if (has(r, STEP_TRIM)) {
		whole = s;
		s = trim(s);
		changed |= s.n != whole.n;
	}
	if (has(r, STEP_LOWER) || has(r, STEP_UPPER)) {
		buf_clear(&c->made);
		text_case(s, has(r, STEP_UPPER), &c->made);
		if (!span_eq(s, buf_span(&c->made))) {
			s = span_of(arena_dup(&c->mem, buf_span(&c->made)), c->made.n);
			changed = true;
		}
	}
	if (has(r, STEP_NULL) && is_null_text(r, s))
		return null_token();
	return changed ? text_token(c, s, v) : v;
}

/* Read v as that form. */
static const char *
read_date(struct clean *c, const struct clean_date *d, struct val v, int64_t *us)
{
	struct span s;
	const char *why;
	int32_t days;

	switch (d->form) {
	case FORM_S:
		return when_val(v, UNIT_S, c->zone, &c->text, us);
	case FORM_MS:
		return when_val(v, UNIT_MS, c->zone, &c->text, us);
	case FORM_US:
		return when_val(v, UNIT_US, c->zone, &c->text, us);
	case FORM_PATTERN:
	case FORM_DAY:
		if (v.tag != T_STR && v.tag != T_NUM)
			return "not a time";
		s = v.tag == T_STR ? val_text(v, &c->text) : v.raw;
		if (d->form == FORM_PATTERN)
			return when_scan(d->pattern, s, c->zone, us);
		if ((why = day_parse(s, &days)) != NULL)
			return why;
		return when_parse(s, UNIT_GUESS, c->zone, us);
	default:
		if (d->form != FORM_AUTO && v.tag != T_STR)
			return "not a time";
		return when_val(v, UNIT_GUESS, c->zone, &c->text, us);
	}
}

static void
write_date(struct clean *c, const struct clean_date *d, int64_t us)
{
	struct buf *b = &c->made;

	buf_clear(b);
	switch (d->form) {
	case FORM_S:
		when_print(us, WHEN_S, c->zone, b);
		break;
	case FORM_MS:
		when_print(us, WHEN_MS, c->zone, b);
		break;
	case FORM_US:
		buf_i64(b, us);
		break;
	case FORM_RFC3339:
		when_print(us, WHEN_RFC3339, c->zone, b);
		break;
	case FORM_DAY:
	case FORM_PATTERN:
		buf_clear(&c->text);
		(void)when_format(
		    d->form == FORM_DAY ? span_str("%F") : d->pattern, us, c->zone, &c->text);
		buf_json(b, buf_span(&c->text));
		break;
	default:
		when_print(us, WHEN_SQL, c->zone, b);
	}
}

/* The first form that the value has, rewritten to `out`. */
static const char *
clean_date(struct clean *c, const struct rule *r, struct val v, struct val *made)
{
	const char *why = NULL;
	int64_t us = 0;

	for (size_t i = 0; i < r->n_in; i++)
		if ((why = read_date(c, &r->in[i], v, &us)) == NULL)
			break;
	if (why != NULL)
		return r->n_in == 1 ? why : "a time in none of the forms given";
	if (r->out.form == FORM_AUTO)
		return NULL;
	write_date(c, &r->out, us);
	*made = token(c, buf_span(&c->made), *c->made.p == '"' ? T_STR : T_NUM, v);
	return NULL;
}

/* A number token stays as it stands when it is of that type; a text that is one becomes it. */
static const char *
clean_number(struct clean *c, const struct rule *r, struct val v, struct val *made)
{
	struct dec d, rounded;
	const char *why;
	int64_t whole;

	if (v.tag != T_NUM && v.tag != T_STR)
		return "not a number";
	why = v.tag == T_NUM ? dec_parse(v.raw, &d) : dec_parse_text(val_text(v, &c->text), &d);
	if (why != NULL)
		return why;
	if (r->type == TYPE_INT) {
		if (!dec_to_i64(&d, &whole))
			return "not a whole number of 64 bits";
		buf_clear(&c->made);
		buf_i64(&c->made, whole);
		*made = token(c, buf_span(&c->made), T_NUM, v);
		return NULL;
	}
	if (r->precision > 0 &&
	    (dec_round(&d, (int)r->scale, &rounded) != NULL || dec_cmp(&d, &rounded) != 0 ||
		!dec_fits(&rounded, r->precision)))
		return "a number outside its type";
	if (v.tag == T_STR) {
		buf_clear(&c->made);
		dec_print(&d, &c->made);
		*made = token(c, buf_span(&c->made), T_NUM, v);
	}
	return NULL;
}

static const char *
clean_bool(struct clean *c, struct val v, struct val *made)
{
	static const char *const truth[2][2] = { { "0", "false" }, { "1", "true" } };
	struct span s = v.tag == T_STR ? val_text(v, &c->text) : v.raw;

	if (v.tag == T_TRUE || v.tag == T_FALSE)
		return NULL;
	for (int b = 0; b < 2 && (v.tag == T_STR || v.tag == T_NUM); b++)
		if (span_is(s, truth[b][0]) ||
		    (s.n == strlen(truth[b][1]) && strncasecmp(s.p, truth[b][1], s.n) == 0)) {
			*made = val_make(b ? T_TRUE : T_FALSE, span_str(truth[b][1]));
			return NULL;
		}
	return "not true, false, 1 or 0";
}

/* A string that holds JSON becomes what it holds; line breaks between its tokens become blanks. */
static const char *
clean_json(struct clean *c, struct val v, struct val *made)
{
	const struct scan_conf conf = { .max_depth = JSON_DEPTH_MAX };
	struct span s;
	size_t at;
	char *p;

	if (v.tag != T_STR)
		return NULL;
	s = trim(val_text(v, &c->text));
	if (scan_value(s, &conf, &at) != NULL)
		return "a text that holds no JSON";
	p = arena_dup(&c->mem, s);
	*made = val_of(span_of(p, s.n));
	for (size_t i = 0; i < s.n; i++)
		if (p[i] == '\n' || p[i] == '\r')
			p[i] = ' ';
	return NULL;
}

static const char *
clean_type(struct clean *c, const struct rule *r, struct val v, struct val *made)
{
	switch (r->type) {
	case TYPE_INT:
	case TYPE_DECIMAL:
		return clean_number(c, r, v, made);
	case TYPE_BOOL:
		return clean_bool(c, v, made);
	case TYPE_JSON:
		return clean_json(c, v, made);
	default:
		if (v.tag == T_ARR || v.tag == T_OBJ)
			return "an array or an object is no plain value";
		if (v.tag != T_STR)
			*made = text_token(c, v.raw, v);
		return NULL;
	}
}

/*
 * What is sealed is one byte that says what the value was, then a string's text (so that "\u00e9"
 * and "é" are one) or any other value as it stands.
 */
enum { SEALED_TEXT = 's', SEALED_JSON = 'j' };

static const char *
reveal(struct clean *c, const struct rule *r, struct val v, struct val *made)
{
	const struct scan_conf conf = { .max_depth = JSON_DEPTH_MAX };
	struct span s;
	const char *why;
	bool newest;
	size_t at;

	if (v.tag != T_STR)
		return "not a sealed value";
	buf_clear(&c->secret);
	if ((why = c->cipher.open(r->decrypt, val_text(v, &c->text), &c->secret, &newest)) != NULL)
		return why;
	s = span_from(buf_span(&c->secret), 1);
	buf_clear(&c->made);
	if (*c->secret.p == SEALED_TEXT)
		buf_json(&c->made, s);
	else
		buf_span_add(&c->made, s);
	/* who holds the key may seal anything */
	if (scan_value(buf_span(&c->made), &conf, &at) != NULL)
		return "what was sealed is no JSON value";
	*made = val_of(span_of(arena_dup(&c->mem, buf_span(&c->made)), c->made.n));
	return NULL;
}

/* Sealed already: as it is under the newest key, else sealed anew, so that keys can be changed. */
static const char *
seal_again(struct clean *c, const struct rule *r, struct span sealed, bool *newest)
{
	const char *why;

	buf_clear(&c->secret);
	if ((why = c->cipher.open(r->encrypt, sealed, &c->secret, newest)) != NULL || *newest)
		return why;
	buf_clear(&c->text);
	return c->cipher.seal(r->encrypt, buf_span(&c->secret), &c->text);
}

static const char *
seal(struct clean *c, const struct rule *r, struct val v, struct val *made)
{
	struct span s = v.tag == T_STR ? val_text(v, &c->text) : v.raw;
	const char *why;
	bool newest = false;

	if (v.tag == T_STR && c->cipher.is_sealed(s)) {
		why = seal_again(c, r, s, &newest);
	} else {
		buf_clear(&c->secret);
		buf_byte(&c->secret, v.tag == T_STR ? SEALED_TEXT : SEALED_JSON);
		buf_span_add(&c->secret, s);
		buf_clear(&c->text);
		why = c->cipher.seal(r->encrypt, buf_span(&c->secret), &c->text);
	}
	if (why == NULL && !newest)
		*made = text_token(c, buf_span(&c->text), v);
	return why;
}

const char *
rule_hide(
    struct clean *c, const struct rule *r, struct val v, struct val *made, enum clean_step *step)
{
	*made = v;
	if (has(r, STEP_MASK)) {
		*step = STEP_MASK;
		if (v.tag >= T_ARR)
			return "an array or an object cannot be masked";
		buf_clear(&c->secret);
		mask_text(r->mask, v.tag == T_STR ? val_text(v, &c->text) : v.raw, &c->secret);
		*made = text_token(c, buf_span(&c->secret), v);
	} else if (has(r, STEP_ENCRYPT)) {
		*step = STEP_ENCRYPT;
		return seal(c, r, v, made);
	}
	return NULL;
}

bool
rule_idle(const struct rule *r, const struct val *v)
{
	const unsigned text =
	    1u << STEP_CONTROL | 1u << STEP_TRIM | 1u << STEP_NULL | 1u << STEP_REQUIRED;
	struct span s = span_of(v->raw.p + 1, v->raw.n - 2);

	if ((r->has & ~text) != 0)
		return false;
	if (v->tag != T_STR)
		return v->tag >= T_ARR || (v->tag >= T_FALSE && !is_null_text(r, v->raw));
	if (v->escaped || (has(r, STEP_CONTROL) && may_control(v->raw)))
		return false;
	return (!has(r, STEP_TRIM) || trim(s).n == s.n) && !is_null_text(r, s);
}

const char *
rule_apply(
    struct clean *c, const struct rule *r, struct val v, struct val *made, enum clean_step *step)
{
	const char *why;

	*made = v;
	if (has(r, STEP_DECRYPT) && !val_is_null(v)) {
		*step = STEP_DECRYPT;
		if ((why = reveal(c, r, v, made)) != NULL)
			return why;
		v = *made;
	}
	if (v.tag == T_STR)
		*made = clean_text(c, r, v);
	else if (has(r, STEP_NULL) && v.tag >= T_FALSE && v.tag <= T_NUM && is_null_text(r, v.raw))
		*made = null_token();
	if (has(r, STEP_DATE) && !val_is_null(*made)) {
		*step = STEP_DATE;
		if ((why = clean_date(c, r, *made, made)) != NULL)
			return why;
	}
	if (has(r, STEP_TYPE) && !val_is_null(*made)) {
		*step = STEP_TYPE;
		return clean_type(c, r, *made, made);
	}
	return NULL;
}
