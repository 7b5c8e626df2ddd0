/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-util - bytes, times and files for mock-shop
 */
#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "mock.h"

void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vwarn(fmt, ap);
	va_end(ap);
	exit(4);
}

void *
more(void *p, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return p;
	*cap = *cap == 0 ? 64 : *cap * 2;
	if (*cap > SIZE_MAX / size || (p = realloc(p, *cap * size)) == NULL) {
		errno = ENOMEM;
		die("memory");
	}
	return p;
}

void
buf_grow(struct buf *b, size_t n)
{
	size_t cap = b->cap == 0 ? 4096 : b->cap;

	while (cap - b->n < n) {
		if (cap > SIZE_MAX / 2) {
			errno = ENOMEM;
			die("memory");
		}
		cap *= 2;
	}
	if ((b->p = realloc(b->p, cap)) == NULL)
		die("memory");
	b->cap = cap;
}

void
put_u(struct buf *b, uint64_t v)
{
	char d[20];
	size_t i = sizeof(d);

	do {
		d[--i] = (char)('0' + v % 10);
	} while ((v /= 10) != 0);
	put(b, d + i, sizeof(d) - i);
}

static void
put_digits(struct buf *b, uint64_t v, size_t n)
{
	char d[20];

	for (size_t i = n; i-- > 0; v /= 10)
		d[i] = (char)('0' + v % 10);
	put(b, d, n);
}

void
put_money(struct buf *b, int64_t cents)		/* never negative here */
{
	put_u(b, (uint64_t)cents / 100);
	LIT(b, ".");
	put_digits(b, (uint64_t)cents % 100, 2);
}

/* Days since 1970-01-01 to a date, by eras of 400 years that begin on 1 March. */
void
put_day(struct buf *b, int64_t day, const char *sep)
{
	int64_t z = day + 719468, era = z / 146097, doe = z % 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	int64_t m = mp < 10 ? mp + 3 : mp - 9;

	put_digits(b, (uint64_t)(yoe + era * 400 + (m <= 2)), 4);
	STR(b, sep);
	put_digits(b, (uint64_t)m, 2);
	STR(b, sep);
	put_digits(b, (uint64_t)(doy - (153 * mp + 2) / 5 + 1), 2);
}

void
put_us(struct buf *b, int64_t us)
{
	uint64_t t = (uint64_t)(us + ZONE_MS * 1000), s = t % (uint64_t)DAY_US / 1000000;

	put_day(b, (int64_t)(t / (uint64_t)DAY_US), "-");
	LIT(b, " ");
	put_digits(b, s / 3600, 2);
	LIT(b, ":");
	put_digits(b, s / 60 % 60, 2);
	LIT(b, ":");
	put_digits(b, s % 60, 2);
	LIT(b, ".");
	put_digits(b, t % 1000000, 6);
}

static const char hex[] = "0123456789abcdef";

void
put_hex(struct buf *b, uint64_t trace)
{
	uint64_t v[2] = { mix(trace), mix(~trace) };
	char d[32];

	for (size_t i = 0; i < sizeof(d); i++)
		d[i] = hex[v[i / 16] >> 4 * (i % 16) & 15];
	put(b, d, sizeof(d));
}

static void
put_u16(struct buf *b, unsigned v)		/* \uD83D, in capitals as Java does */
{
	char d[6] = { '\\', 'u' };

	for (unsigned i = 0; i < 4; i++)
		d[2 + i] = "0123456789ABCDEF"[v >> (12 - 4 * i) & 15];
	put(b, d, sizeof(d));
}

void
put_json(struct buf *b, const char *p, size_t n)
{
	LIT(b, "\"");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '"' || c == '\\') {
			LIT(b, "\\");
			put(b, p + i, 1);
		} else if (c == '\t') {
			LIT(b, "\\t");
		} else if (c == '\n') {
			LIT(b, "\\n");
		} else if (c < 0x20) {
			put_u16(b, c);
		} else if (c >= 0xf0 && n - i >= 4) {	/* beyond the BMP: a pair */
			unsigned v = c & 7u;

			for (size_t j = 1; j < 4; j++)
				v = v << 6 | ((unsigned char)p[i + j] & 63u);
			put_u16(b, 0xd800 + ((v - 0x10000) >> 10));
			put_u16(b, 0xdc00 + (v & 0x3ff));
			i += 3;
		} else
			put(b, p + i, 1);
	}
	LIT(b, "\"");
}

void
put_sql(struct buf *b, const char *p, size_t n)
{
	LIT(b, "'");
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\'' || p[i] == '\\')
			LIT(b, "\\");
		if (p[i] == '\n')
			LIT(b, "\\n");
		else
			put(b, p + i, 1);
	}
	LIT(b, "'");
}

void
put_fmt(struct buf *b, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		errx(4, "text too long");
	put(b, text, (size_t)n);
}

int64_t
day_of_ms(int64_t ms)
{
	return (ms + ZONE_MS) / DAY_MS;
}

int64_t
day_ms(int64_t day)
{
	return day * DAY_MS - ZONE_MS;
}

bool
day_parse(const char *text, int64_t *day)
{
	static const char shape[] = "dddd-dd-dd";
	struct buf b = { 0 };
	int64_t lo = 0, hi = 47482;	/* 2100-01-01 */

	if (strlen(text) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i] != '\0'; i++)
		if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != '-')
			return false;
	while (lo < hi) {		/* the printer is the only calendar here: search it */
		int64_t mid = (lo + hi) / 2;

		b.n = 0;
		put_day(&b, mid, "-");
		if (memcmp(b.p, text, b.n) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	b.n = 0;
	put_day(&b, lo, "-");
	*day = lo;
	lo = memcmp(b.p, text, b.n);
	free(b.p);
	return lo == 0;
}

void
file_path(char *path, size_t size, const char *dir, const char *sub, int64_t day,
    const char *suffix)
{
	struct buf b = { 0 };
	int n;

	put_day(&b, day, "-");
	n = snprintf(path, size, "%s/%s%.*s%s", dir, sub, (int)b.n, b.p, suffix);
	free(b.p);
	if (n < 0 || (size_t)n >= size)
		errx(2, "%s: name too long", dir);
}

void
file_write(const char *path, const char *mode, const struct buf *b)
{
	FILE *f = fopen(path, mode);

	if (f == NULL)
		die("%s", path);
	if ((b->n > 0 && fwrite(b->p, 1, b->n, f) != b->n) || fclose(f) != 0)
		die("%s", path);
}
