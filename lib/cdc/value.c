/* SPDX-License-Identifier: BSD-2-Clause */
/* value - see value.h */
#include "base/decimal.h"
#include "cdc/value.h"
#include "in/rec.h"
#include "in/scan_plain.h"

#define UNSCALED_BYTES_MAX 128
#define US_PER_DAY (86400 * US_PER_SEC)
#define TIME_HOURS_MAX 838

static const char not_number[] = "a column of numbers holds something else";
static const char not_time[] = "a column of times holds something else";

/* ---- digits ---- */

bool
digits_u64(struct span s, uint64_t *v)
{
	uint64_t x = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)((unsigned char)s.p[i] - '0');

		if (d > 9 || __builtin_mul_overflow(x, UINT64_C(10), &x) ||
		    __builtin_add_overflow(x, d, &x))
			return false;
	}
	*v = x;
	return s.n > 0;
}

/* An optional '-' and digits. */
static bool
digits_i64(struct span s, int64_t *v)
{
	bool neg = s.n > 0 && s.p[0] == '-';
	uint64_t x;

	if (!digits_u64(span_from(s, neg), &x) || x > (uint64_t)INT64_MAX)
		return false;
	*v = neg ? -(int64_t)x : (int64_t)x;
	return true;
}

static void
digits_fixed(uint64_t v, int width, struct buf *out)
{
	char d[20];

	for (int i = width - 1; i >= 0; i--, v /= 10)
		d[i] = (char)('0' + v % 10);
	buf_add(out, d, (size_t)width);
}

void
number_scaled(struct span s, int digits, struct buf *out)
{
	const char *dot = memchr(s.p, '.', s.n);
	size_t have = dot == NULL ? 0 : (size_t)(s.p + s.n - dot) - 1,
	    want = digits < 0 ? have : (size_t)digits;
	struct dec d, r;

	if (memchr(s.p, 'e', s.n) != NULL || memchr(s.p, 'E', s.n) != NULL) {
		/*
		 * Java writes small and large ones so; what does not fit exactly stays as it came
		 */
		if (digits >= 0 && dec_parse(s, &d) == NULL && dec_round(&d, digits, &r) == NULL &&
		    dec_cmp(&d, &r) == 0)
			dec_print(&r, out);
		else
			buf_span_add(out, s);
		return;
	}
	while (have > want && s.p[s.n - 1] == '0') {
		s.n--;
		have--;
	}
	if (have == 0 && dot != NULL && s.p[s.n - 1] == '.')
		s.n--;
	buf_span_add(out, s);
	if (have == 0 && want > 0)
		buf_byte(out, '.');
	for (; have < want; have++)
		buf_byte(out, '0');
}

/* The text inside a string as a JSON number; leading zeros (zerofill) go. */
static const char *
text_number(struct span s, int digits, bool scaled, struct buf *out)
{
	while (s.n > 1 && s.p[0] == '0' && s.p[1] >= '0' && s.p[1] <= '9')
		s = span_from(s, 1);
	if (s.n == 0 || plain_number(s.p, s.p + s.n) != s.p + s.n)
		return not_number;
	if (scaled)
		number_scaled(s, digits, out);
	else
		buf_span_add(out, s);
	return NULL;
}

const char *
number_unscaled(struct span bytes, uint64_t scale, struct buf *out)
{
	uint32_t w[UNSCALED_BYTES_MAX / 4] = { 0 };	/* most significant first */
	char text[UNSCALED_BYTES_MAX * 3];
	size_t n = sizeof w / sizeof w[0], first = 0, k = sizeof text;
	bool neg = bytes.n > 0 && ((unsigned char)bytes.p[0] & 0x80) != 0;
	uint64_t carry = 1;

	if (bytes.n == 0 || bytes.n > UNSCALED_BYTES_MAX || scale >= sizeof text - 2)
		return "a decimal of no or too many bytes";
	for (size_t i = 0; i < bytes.n; i++) {
		size_t at = bytes.n - 1 - i;

		w[n - 1 - i / 4] |= (uint32_t)(unsigned char)bytes.p[at] << (8 * (i % 4));
	}
	if (neg) {
		for (size_t i = bytes.n; i < sizeof w; i++)
			w[n - 1 - i / 4] |= UINT32_C(0xff) << (8 * (i % 4));
		for (size_t i = n; i-- > 0; carry >>= 32) {
			carry += (uint32_t)~w[i];
			w[i] = (uint32_t)carry;
		}
	}
	/* nine digits at a time, from the end of the text */
	while (first < n && w[first] == 0)
		first++;
	while (first < n) {
		uint64_t r = 0;

		for (size_t i = first; i < n; i++) {
			r = r << 32 | w[i];
			w[i] = (uint32_t)(r / 1000000000);
			r %= 1000000000;
		}
		while (first < n && w[first] == 0)
			first++;
		for (int i = 0; i < 9 && (first < n || r > 0); i++, r /= 10)
			text[--k] = (char)('0' + r % 10);
	}
	while (sizeof text - k < scale + 1)
		text[--k] = '0';
	if (neg)
		buf_byte(out, '-');
	buf_add(out, text + k, sizeof text - k - (size_t)scale);
	if (scale > 0) {
		buf_byte(out, '.');
		buf_add(out, text + sizeof text - scale, (size_t)scale);
	}
	return NULL;
}

/* ---- base64 ---- */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

const char *
base64_decode(struct span s, struct buf *bytes)
{
	static const char why[] = "bytes that are no base64";
	unsigned v = 0;
	int bits = 0;

	buf_clear(bytes);
	if (s.n % 4 != 0)
		return why;
	for (int pad = 0; pad < 2 && s.n > 0 && s.p[s.n - 1] == '='; pad++)
		s.n--;
	for (size_t i = 0; i < s.n; i++) {
		int d = sextet(s.p[i]);

		if (d < 0)
			return why;
		v = v << 6 | (unsigned)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_byte(bytes, (char)(v >> bits));
			v &= (1u << bits) - 1;
		}
	}
	return v == 0 ? NULL : why;
}

void
base64_encode(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i += 3) {
		size_t left = s.n - i;
		uint32_t v = (uint32_t)(unsigned char)s.p[i] << 16;

		if (left > 1)
			v |= (uint32_t)(unsigned char)s.p[i + 1] << 8;
		if (left > 2)
			v |= (unsigned char)s.p[i + 2];
		buf_byte(out, letters[v >> 18]);
		buf_byte(out, letters[v >> 12 & 63]);
		buf_byte(out, left > 1 ? letters[v >> 6 & 63] : '=');
		buf_byte(out, left > 2 ? letters[v & 63] : '=');
	}
}

/* A text in which each character stands for one byte, as Canal sends BLOBs, to a base64 string. */
static const char *
latin1_base64(struct value_env *e, struct span s, struct buf *out)
{
	buf_clear(&e->bytes);
	for (size_t i = 0; i < s.n; i++) {
		unsigned c = (unsigned char)s.p[i];

		if (c >= 0xc4)
			return "a binary column holds a character above U+00FF";
		if (c >= 0xc2)
			c = (c & 3) << 6 | ((unsigned char)s.p[++i] & 63);
		buf_byte(&e->bytes, (char)c);
	}
	buf_byte(out, '"');
	base64_encode(buf_span(&e->bytes), out);
	buf_byte(out, '"');
	return NULL;
}

/* ---- times ---- */

static bool
in_utc(const struct zone *z)
{
	return z == NULL || strcmp(zone_name(z), "UTC") == 0;
}

static void
fraction(uint64_t us, int digits, struct buf *out)
{
	for (int i = digits; i < 6; i++)
		us /= 10;
	if (digits > 0) {
		buf_byte(out, '.');
		digits_fixed(us, digits, out);
	}
}

/* "YYYY-MM-DD HH:MM:SS[.f]" of an instant in a zone; digits beyond those asked for are cut off. */
static const char *
print_datetime(int64_t us, int digits, const struct zone *z, struct buf *out)
{
	struct civil c;
	int64_t local = us;

	/* the local day must be of the years 1 to 9999; no zone is more than a day off */
	if (us >= -719163 * US_PER_DAY && us < 2932898 * US_PER_DAY && !in_utc(z))
		local += zone_offset(z, us) * US_PER_SEC;
	if (local < -719162 * US_PER_DAY || local >= 2932897 * US_PER_DAY)
		return "a time outside the years 1 to 9999";
	when_civil(local, NULL, &c);
	buf_byte(out, '"');
	digits_fixed((uint64_t)c.year, 4, out);
	buf_byte(out, '-');
	digits_fixed((uint64_t)c.month, 2, out);
	buf_byte(out, '-');
	digits_fixed((uint64_t)c.day, 2, out);
	buf_byte(out, ' ');
	digits_fixed((uint64_t)c.hour, 2, out);
	buf_byte(out, ':');
	digits_fixed((uint64_t)c.min, 2, out);
	buf_byte(out, ':');
	digits_fixed((uint64_t)c.sec, 2, out);
	fraction((uint64_t)c.us, digits, out);
	buf_byte(out, '"');
	return NULL;
}

static const char *
print_days(int64_t days, struct buf *out)
{
	char day[WHEN_DAY_BYTES];

	if (days < -719162 || days > 2932896)
		return "a date outside the years 1 to 9999";
	day_print((int32_t)days, day);
	buf_byte(out, '"');
	buf_str(out, day);
	buf_byte(out, '"');
	return NULL;
}

/* "[-]HH:MM:SS[.f]"; hours may need three digits. More than MySQL's TIME holds was counted in another unit. */
static const char *
print_time(int64_t us, int digits, struct buf *out)
{
	uint64_t v = us < 0 ? 0 - (uint64_t)us : (uint64_t)us, hours = v / 3600000000;

	if (hours > TIME_HOURS_MAX)
		return "a time beyond 838:59:59";
	buf_str(out, us < 0 ? "\"-" : "\"");
	if (hours < 10)
		buf_byte(out, '0');
	buf_u64(out, hours);
	buf_byte(out, ':');
	digits_fixed(v / 60000000 % 60, 2, out);
	buf_byte(out, ':');
	digits_fixed(v / 1000000 % 60, 2, out);
	fraction(v % 1000000, digits, out);
	buf_byte(out, '"');
	return NULL;
}

/* The digits behind the point of a time's text. */
static int
text_digits(struct span s)
{
	const char *dot = memchr(s.p, '.', s.n);
	int n = 0;

	for (dot = dot == NULL ? s.p + s.n : dot + 1; dot < s.p + s.n; dot++, n++)
		if (*dot < '0' || *dot > '9')
			break;
	return n > 6 ? 6 : n;
}

/* Two digits from i on, behind `before`; false when they are not there. */
static bool
two_digits(struct span s, size_t i, char before, uint64_t *v)
{
	return i + 3 <= s.n && s.p[i] == before && digits_u64(span_of(s.p + i + 1, 2), v) && *v < 60;
}

/* "HH:MM:SS.fZ" of an isostring column; what the database prints passes too. */
static const char *
iso_time(const struct column *t, struct span s, struct buf *out)
{
	bool neg = s.n > 0 && s.p[0] == '-';
	uint64_t hour, min, sec, us = 0, unit = 100000;
	const char *colon;
	size_t i;

	s.n -= s.n > 0 && s.p[s.n - 1] == 'Z';
	if (s.n == 0 || (colon = memchr(s.p, ':', s.n)) == NULL)
		return not_time;
	i = (size_t)(colon - s.p);
	if (i > 4 || !digits_u64(span_of(s.p + neg, i - neg), &hour) || !two_digits(s, i, ':', &min) ||
	    !two_digits(s, i + 3, ':', &sec))
		return not_time;
	i += 6;
	if (i < s.n && (s.p[i] != '.' || i + 1 == s.n))
		return not_time;
	for (i++; i < s.n; i++, unit /= 10) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return not_time;
		us += (uint64_t)(s.p[i] - '0') * unit;
	}
	us += ((hour * 60 + min) * 60 + sec) * US_PER_SEC;
	return print_time(neg ? -(int64_t)us : (int64_t)us, t != NULL && t->digits >= 0 ? t->digits : text_digits(s),
	    out);
}

/* An instant as RFC 3339 or, without an offset, UTC; printed in the zone. */
static const char *
zoned(const struct value_env *e, const struct column *t, struct span s, struct buf *out)
{
	int64_t us;

	if (when_parse(s, UNIT_GUESS, NULL, &us) != NULL)
		return not_time;
	return print_datetime(us, t != NULL && t->digits >= 0 ? t->digits : text_digits(s), e->zone,
	    out);
}

/* ---- enums and sets ---- */

static const char *
enum_label(const struct column *t, struct span index, struct buf *out)
{
	uint64_t n;

	if (!digits_u64(index, &n) || n > t->n_labels)
		return "an enum's number has no label in the column's type";
	buf_json(out, n == 0 ? span_of("", 0) : t->label[n - 1]);
	return NULL;
}

static const char *
set_labels(struct value_env *e, const struct column *t, struct span mask, struct buf *out)
{
	uint64_t bits;
	int64_t signed_bits;
	bool first = true;

	if (!digits_u64(mask, &bits)) {
		if (!digits_i64(mask, &signed_bits))
			return "a set's number is none";
		bits = (uint64_t)signed_bits;		/* the 64th member wrapped */
	}
	if (t->n_labels < 64 && bits >> t->n_labels != 0)
		return "a set's number has a member that the column's type lacks";
	buf_clear(&e->text);
	for (size_t i = 0; i < t->n_labels && i < 64; i++) {
		if ((bits >> i & 1) == 0)
			continue;
		if (!first)
			buf_byte(&e->text, ',');
		first = false;
		buf_span_add(&e->text, t->label[i]);
	}
	buf_json(out, buf_span(&e->text));
	return NULL;
}

/* Maxwell's ["a","c"] to "a,c"; the insides stay escaped as they are. */
static const char *
set_joined(struct val v, struct buf *out)
{
	size_t from = out->n;
	struct span key;
	struct rec r;
	struct val m;

	buf_byte(out, '"');
	rec_begin(&r, v.raw);
	while (rec_next(&r, &key, &m)) {
		if (m.tag != T_STR) {
			out->n = from;
			return "a set holds something else than texts";
		}
		if (out->n > from + 1)
			buf_byte(out, ',');
		buf_add(out, m.raw.p + 1, m.raw.n - 2);
	}
	buf_byte(out, '"');
	return NULL;
}

/* ---- the producers ---- */

static const char *
keep(struct val v, struct buf *out)
{
	buf_span_add(out, v.raw);
	return NULL;
}

static const char *
bool_digit(struct val v, struct buf *out)
{
	buf_byte(out, v.tag == T_TRUE ? '1' : '0');
	return NULL;
}

const char *
value_maxwell(struct value_env *e, const struct column *t, struct val v, struct buf *out)
{
	struct span s;

	if (t == NULL || v.tag <= T_NULL)
		return keep(v, out);
	switch (t->kind) {
	case COL_DECIMAL:
		if (v.tag == T_NUM) {
			number_scaled(v.raw, t->digits, out);
			return NULL;
		}
		break;
	case COL_BIT:
	case COL_NUMBER:
		if (v.tag == T_TRUE || v.tag == T_FALSE)
			return bool_digit(v, out);
		break;
	case COL_ENUM:
		if (v.tag == T_NUM)
			return enum_label(t, v.raw, out);
		break;
	case COL_SET:
		if (v.tag == T_ARR)
			return set_joined(v, out);
		if (v.tag == T_NUM)
			return set_labels(e, t, v.raw, out);
		break;
	case COL_JSON:
		/* inlined by Maxwell: what stands here is the document itself */
		buf_json(out, v.raw);
		return NULL;
	case COL_TIMESTAMP:
		if (v.tag != T_STR || in_utc(e->zone))
			break;
		s = val_text(v, &e->text);
		if (s.n >= 4 && memcmp(s.p, "0000", 4) == 0)
			break;
		return zoned(e, t, s, out);
	default:
		break;
	}
	return keep(v, out);
}

const char *
value_canal(struct value_env *e, const struct column *t, struct val v, struct buf *out)
{
	struct span s;

	if (t == NULL || v.tag != T_STR)
		return keep(v, out);
	switch (t->kind) {
	case COL_NUMBER:
	case COL_BIT:
	case COL_YEAR:
		return text_number(val_text(v, &e->text), -1, false, out);
	case COL_DECIMAL:
		return text_number(val_text(v, &e->text), t->digits, true, out);
	case COL_BINARY:
		return latin1_base64(e, val_text(v, &e->text), out);
	case COL_ENUM:
	case COL_SET:
		s = val_text(v, &e->text);
		if (t->n_labels == 0)
			break;
		if (t->kind == COL_ENUM)
			return enum_label(t, s, out);
		return set_labels(e, t, s, out);	/* s was read before e->text is written */
	default:
		break;
	}
	return keep(v, out);
}

/* Little-endian bytes to a number, as Debezium writes BIT(n). */
static const char *
bits_number(struct value_env *e, struct span s, struct buf *out)
{
	const char *why = base64_decode(s, &e->bytes);
	uint64_t v = 0;

	if (why != NULL)
		return why;
	while (e->bytes.n > 0 && e->bytes.p[e->bytes.n - 1] == '\0')
		e->bytes.n--;
	if (e->bytes.n > 8)
		return "more than 64 bits";
	for (size_t i = e->bytes.n; i-- > 0; )
		v = v << 8 | (unsigned char)e->bytes.p[i];
	buf_u64(out, v);
	return NULL;
}

static const char *
decimal_bytes(struct value_env *e, struct span s, int scale, struct buf *out)
{
	const char *why = base64_decode(s, &e->bytes);

	return why != NULL ? why : number_unscaled(buf_span(&e->bytes),
	    scale < 0 ? 0 : (uint64_t)scale, out);
}

/* {"scale":2,"value":"BASE64"} */
static const char *
decimal_any(struct value_env *e, struct val v, struct buf *out)
{
	struct val scale = { 0 }, value = { 0 }, m;
	struct span key;
	uint64_t n;
	struct rec r;

	if (v.tag != T_OBJ)
		return not_number;
	rec_begin(&r, v.raw);
	while (rec_next(&r, &key, &m)) {
		if (span_is(key, "scale"))
			scale = m;
		else if (span_is(key, "value"))
			value = m;
	}
	if (scale.tag != T_NUM || !digits_u64(scale.raw, &n) || n > 100 || value.tag != T_STR)
		return not_number;
	return decimal_bytes(e, val_text(value, &e->text), (int)n, out);
}

/* A decimal in a string where no schema says how it is written. */
static const char *
decimal_guess(struct value_env *e, const struct column *t, struct span s, struct buf *out)
{
	bool text = s.n > 0 && plain_number(s.p, s.p + s.n) == s.p + s.n;
	bool bytes = s.n > 0 && s.n % 4 == 0 && memchr(s.p, '.', s.n) == NULL && s.p[0] != '-';

	if (e->decimals == DECIMALS_STRING || (e->decimals == DECIMALS_ASK && text && !bytes))
		return text_number(s, t->digits, true, out);
	if (e->decimals == DECIMALS_ASK && text)
		return "a decimal without schema that could be text or base64: give --decimals";
	return decimal_bytes(e, s, t->digits, out);
}

/* How a value is written where only --types knows the column. */
static enum wire
guess(const struct column *t, struct val v)
{
	switch (t->kind) {
	case COL_DATE:
		return v.tag == T_NUM ? WIRE_DAYS : WIRE_ISO_DATE;
	case COL_DATETIME:
		return v.tag != T_NUM ? WIRE_ISO : t->digits > 3 ? WIRE_US : WIRE_MS;
	case COL_TIMESTAMP:
		return v.tag != T_NUM ? WIRE_ZONED : t->digits > 3 ? WIRE_US : WIRE_MS;
	case COL_TIME:
		return v.tag == T_NUM ? WIRE_TIME_US : WIRE_ISO_TIME;
	case COL_BIT:
		return v.tag == T_STR ? WIRE_BITS : WIRE_BOOL;
	default:
		return WIRE_PLAIN;
	}
}

/* Numbers that count units since the epoch or midnight. */
static const char *
counted(const struct value_env *e, enum wire w, const struct column *t, struct span s,
    struct buf *out)
{
	static const int64_t unit[] = {
		[WIRE_MS] = 1000, [WIRE_US] = 1, [WIRE_TIME_MS] = 1000, [WIRE_TIME_US] = 1
	};
	bool milli = w == WIRE_MS || w == WIRE_TIME_MS;
	int digits = t != NULL && t->digits >= 0 ? t->digits : milli ? 3 : 6;
	bool instant = t != NULL && t->kind == COL_TIMESTAMP;
	int64_t v;

	if (!digits_i64(s, &v))
		return not_time;
	if (w == WIRE_DAYS)
		return print_days(v, out);
	if (w == WIRE_NS || w == WIRE_TIME_NS)
		v = v / 1000 - (v % 1000 < 0);
	else if (__builtin_mul_overflow(v, unit[w], &v))
		return not_time;
	if (w == WIRE_TIME_MS || w == WIRE_TIME_US || w == WIRE_TIME_NS)
		return print_time(v, digits, out);
	return print_datetime(v, digits, instant ? e->zone : NULL, out);
}

/* "2024-03-10T02:30:00.5Z" of an isostring or zoned column. */
static const char *
iso(const struct value_env *e, enum wire w, const struct column *t, struct span s, struct buf *out)
{
	int64_t us;

	if (w == WIRE_ZONED)
		return zoned(e, t, s, out);
	if (w == WIRE_ISO_TIME)
		return iso_time(t, s, out);
	if (s.n > 0 && s.p[s.n - 1] == 'Z')
		s.n--;
	if (w == WIRE_ISO_DATE) {
		int32_t days;

		return day_parse(s, &days) != NULL ? not_time : print_days(days, out);
	}
	if (when_parse(s, UNIT_GUESS, NULL, &us) != NULL)
		return not_time;
	return print_datetime(us, t != NULL && t->digits >= 0 ? t->digits : text_digits(s), NULL,
	    out);
}

/* What --types can still set right in a value that JSON has as it is. */
static const char *
plain(struct value_env *e, const struct column *t, bool schema, struct val v, struct buf *out)
{
	int64_t n;

	if (t == NULL)
		return keep(v, out);
	if (t->kind == COL_DECIMAL && v.tag == T_STR) {
		struct span s = val_text(v, &e->text);

		return schema ? text_number(s, t->digits, true, out) : decimal_guess(e, t, s, out);
	}
	if (t->kind == COL_DECIMAL && v.tag == T_NUM) {
		number_scaled(v.raw, t->digits, out);
		return NULL;
	}
	/* `precise` */
	if (t->kind == COL_NUMBER && t->is_unsigned && v.tag == T_STR && !schema)
		return decimal_guess(e, t, val_text(v, &e->text), out);
	if (t->kind == COL_NUMBER && t->is_unsigned && v.tag == T_NUM && v.raw.p[0] == '-' &&
	    digits_i64(v.raw, &n)) {
		buf_u64(out, (uint64_t)n);		/* `long` wraps above 2^63 - 1 */
		return NULL;
	}
	if (t->kind == COL_ENUM && v.tag == T_NUM)
		return enum_label(t, v.raw, out);
	return keep(v, out);
}

const char *
value_debezium(struct value_env *e, const struct column *by_schema, const struct column *t,
    struct val v, struct buf *out)
{
	bool schema = by_schema != NULL && by_schema->wire != WIRE_NONE;
	enum wire w = schema ? by_schema->wire : t != NULL ? guess(t, v) : WIRE_PLAIN;

	if (v.tag <= T_NULL)
		return keep(v, out);
	switch (w) {
	case WIRE_DECIMAL:
		if (v.tag != T_STR || by_schema->digits < 0)
			return v.tag != T_STR ? not_number : "a decimal whose schema does not say its scale";
		return decimal_bytes(e, val_text(v, &e->text), by_schema->digits, out);
	case WIRE_DECIMAL_ANY:
		return decimal_any(e, v, out);
	case WIRE_BITS:
		return v.tag != T_STR ? not_number : bits_number(e, val_text(v, &e->text), out);
	case WIRE_BOOL:
		if ((v.tag == T_TRUE || v.tag == T_FALSE) && (e->mysql || t != NULL))
			return bool_digit(v, out);
		return keep(v, out);
	case WIRE_DAYS:
	case WIRE_MS:
	case WIRE_US:
	case WIRE_NS:
	case WIRE_TIME_MS:
	case WIRE_TIME_US:
	case WIRE_TIME_NS:
		return v.tag != T_NUM ? not_time : counted(e, w, t, v.raw, out);
	case WIRE_ZONED:
	case WIRE_ISO_DATE:
	case WIRE_ISO_TIME:
	case WIRE_ISO:
		return v.tag != T_STR ? not_time : iso(e, w, t, val_text(v, &e->text), out);
	default:
		return plain(e, t, schema, v, out);
	}
}

bool
value_unavailable(struct val v)
{
	struct span key;
	struct rec r;
	struct val m;
	bool any = false;

	if (v.tag == T_STR)
		return span_is(v.raw, "\"__debezium_unavailable_value\"") ||
		    span_is(v.raw, "\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\"");
	if (v.tag != T_ARR || v.raw.n > 64)
		return false;
	rec_begin(&r, v.raw);
	while (rec_next(&r, &key, &m))
		any = span_is(m.raw, "\"__debezium_unavailable_value\"");
	return any;
}
