/* SPDX-License-Identifier: BSD-2-Clause */
/* decimal_test - base/decimal against Python's decimal, and the corners by name */
#include "base/decimal.h"
#include "t.h"

#define ORACLE "python3 tests/lib/decimal_oracle.py 20261120 44000"

static struct decsum sum;

static const char *
text_of(const char *why, const struct dec *d, struct buf *b)
{
	buf_clear(b);
	if (why != NULL)
		buf_byte(b, '!');
	else
		dec_print(d, b);
	return buf_cstr(b);
}

/* Add, or take away, and say sum and mean. */
static const char *
sums(const char *op, const struct dec *a, uint64_t n, struct buf *b)
{
	struct decsum other = { 0 };
	struct buf part = { 0 };
	struct dec d;
	const char *why;

	if (op[3] == '0')
		sum = other;
	else if (op[3] == '+')
		decsum_add(&sum, a);
	else if (op[3] == '-')
		decsum_sub(&sum, a);
	else {
		decsum_add(&other, a);
		decsum_join(&sum, &other);
	}
	why = decsum_get(&sum, &d);
	(void)text_of(why, &d, b);
	if (op[3] != '0') {
		buf_byte(b, ' ');
		why = decsum_avg(&sum, n, &d);
		buf_str(b, text_of(why, &d, &part));
	}
	buf_free(&part);
	return buf_cstr(b);
}

static const char *
apply(const char *op, const char *ta, const char *tb, struct buf *b)
{
	struct dec a, c, d = { 0 };
	const char *why = dec_parse(span_str(ta), &a);
	int64_t v;

	if (strcmp(op, "parse") == 0)
		return text_of(why, &a, b);
	if (why != NULL || (why = dec_parse(span_str(tb), &c)) != NULL)
		return why;
	if (strncmp(op, "sum", 3) == 0)
		return sums(op, &a, strtoull(tb, NULL, 10), b);
	if (strcmp(op, "cmp") == 0) {
		int order = dec_cmp(&a, &c);

		if (dec_cmp(&c, &a) != -order)
			return "not antisymmetric";
		return order < 0 ? "-1" : order > 0 ? "1" : "0";
	}
	if (strcmp(op, "canon") == 0) {
		buf_clear(b);
		dec_print_canonical(&a, b);
		return buf_cstr(b);
	}
	if (strcmp(op, "i64") == 0) {
		if (!dec_to_i64(&a, &v))
			return "!";
		buf_clear(b);
		buf_i64(b, v);
		dec_int(v, &d);
		return dec_cmp(&a, &d) == 0 ? buf_cstr(b) : "dec_int differs";
	}
	why = strcmp(op, "add") == 0   ? dec_add(&a, &c, &d)
	    : strcmp(op, "sub") == 0   ? dec_sub(&a, &c, &d)
	    : strcmp(op, "mul") == 0   ? dec_mul(&a, &c, &d)
	    : strcmp(op, "div") == 0   ? dec_div(&a, &c, &d)
	    : strcmp(op, "mod") == 0   ? dec_mod(&a, &c, &d)
	    : strcmp(op, "floor") == 0 ? dec_floor(&a, &d)
	    : strcmp(op, "round") == 0 ? dec_round(&a, (int)strtol(tb, NULL, 10), &d)
				       : "no such operation";
	return text_of(why, &d, b);
}

static void
against_oracle(void)
{
	FILE *f = popen(ORACLE, "r");
	char line[1024];
	struct buf b = { 0 };
	size_t n = 0;

	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		char *save = NULL, *op = strtok_r(line, "\t\n", &save),
		     *x = strtok_r(NULL, "\t\n", &save);
		char *y = strtok_r(NULL, "\t\n", &save), *want = strtok_r(NULL, "\t\n", &save);
		const char *got;

		if (want == NULL)
			break;
		got = apply(op, x, y, &b);
		okf(strcmp(got, want) == 0, "%s %s %s: got %s, want %s", op, x, y, got, want);
		n++;
	}
	ok_all("as Python's decimal says");
	ok(f != NULL && pclose(f) == 0 && n > 40000, "the oracle ran to its end");
	buf_free(&b);
}

static void
refused(void)
{
	static const char *const bad[] = { "", "-", "+1", "01", "-01", ".5", "5.", "1e", "1e+",
		"1.e1", " 1", "1 ", "0x1", "1,0", "1.2.3", "--1", "Infinity", "NaN", "1e1e1", "1_0",
		"00", "-.1", "1e1.0", "\xd9\xa1" };
	static const char *const range[] = { "1e38", "-1e38",
		"100000000000000000000000000000000000000", "1e400", "1e99999999999999999999999999",
		"0.1e39" };
	static const char *const scale[] = { "1e-39", "1e-400", "-2645e-1141622225",
		"0.000000000000000000000000000000000000001" };
	struct dec d;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		okf(dec_parse(span_str(bad[i]), &d) != NULL, "\"%s\" was taken", bad[i]);
	ok_all("texts that are no JSON numbers");
	for (size_t i = 0; i < sizeof range / sizeof *range; i++) {
		const char *why = dec_parse(span_str(range[i]), &d);

		okf(why != NULL && strcmp(why, "number outside 10^38") == 0, "%s: %s", range[i],
		    why);
	}
	ok_all("numbers outside the range");
	for (size_t i = 0; i < sizeof scale / sizeof *scale; i++) {
		const char *why = dec_parse(span_str(scale[i]), &d);

		okf(why != NULL && strstr(why, "more than 38") != NULL, "%s: %s", scale[i], why);
	}
	ok_all("digits behind the 38th");
}

static void
corners(void)
{
	static const struct { const char *text, *want; } loose[] = {
		{ " 12.50 ", "12.50" }, { "+7", "7" }, { "\t007\r\n", "7" }, { ".5", "0.5" },
		{ "5.", "5" }, { "-0", "0" }, { "-0.00", "0.00" }, { "1e2", "100" },
		{ "+.5e1", "5" }, { "", "!" }, { ".", "!" }, { "+", "!" }, { "1 2", "!" },
		{ "12abc", "!" }, { "- 1", "!" },
		{ "0e-999", "0.00000000000000000000000000000000000000" },
		{ "0e999999999999999999999", "0" },
	};
	struct dec d, one;
	struct buf b = { 0 };
	char *text;

	for (size_t i = 0; i < sizeof loose / sizeof *loose; i++) {
		const char *got = text_of(dec_parse_text(span_str(loose[i].text), &d), &d, &b);

		okf(strcmp(got, loose[i].want) == 0, "\"%s\": got %s, want %s", loose[i].text, got,
		    loose[i].want);
	}
	ok_all("numbers as people write them");

	text = malloc(1000001);
	memset(text, '0', 1000000);
	memcpy(text, "0.5", 3);
	is_str(text_of(dec_parse(span_of(text, 1000000), &d), &d, &b),
	    "0.50000000000000000000000000000000000000", "a million digits, zeros behind the first");
	memset(text, '9', 1000000);
	is_str(dec_parse(span_of(text, 1000000), &d), "number outside 10^38", "a million nines");
	memset(text, '0', 1000000);
	memcpy(text, "1.", 2);
	memcpy(text + 1000000 - 8, "e-999999", 8);
	ok(dec_parse(span_of(text, 1000000), &d) != NULL, "a million zeros and an exponent");
	free(text);

	(void)dec_parse(span_str("-99999999999999999999999999999999999999.5"), &d);
	is_str(
	    dec_floor(&d, &d), "number outside 10^38", "the floor of the least number is outside");
	(void)dec_parse(span_str("-0.4"), &d);
	(void)dec_round(&d, 0, &d);
	ok(!d.neg, "no negative zero from rounding");
	dec_neg(&d);
	ok(!d.neg, "no negative zero from dec_neg");
	dec_int(INT64_MIN, &d);
	is_str(text_of(NULL, &d, &b), "-9223372036854775808", "the least 64-bit integer");
	memset(&sum, 0, sizeof sum);
	(void)dec_parse(span_str("99999999999999999999999999999999999999"), &d);
	dec_int(1, &one);
	for (int i = 0; i < 1000; i++)
		decsum_add(&sum, &d);
	for (int i = 0; i < 999; i++)
		decsum_sub(&sum, &d);
	is_str(text_of(decsum_get(&sum, &d), &d, &b), "99999999999999999999999999999999999999",
	    "a sum may leave the range on its way");
	decsum_add(&sum, &one);
	is_str(decsum_get(&sum, &d), "sum outside 10^38", "but not end there");
	buf_free(&b);
}

int
main(void)
{
	against_oracle();
	refused();
	corners();
	return done();
}
