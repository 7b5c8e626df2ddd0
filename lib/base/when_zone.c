/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * when_zone - zones out of TZif files (RFC 8536)
 *
 * A zone is a table of eras: from when on which offset holds.  The rule in a file's footer is
 * unrolled once into 400 years of eras behind the last written one; the Gregorian calendar repeats
 * after 400 years, weekdays included, so a later time is looked up whole cycles earlier and no
 * rule is ever evaluated for a record.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/when.h"

#define FILE_BYTES_MAX MIB
#define NAME_BYTES_MAX 64
#define ABBR_BYTES 12
#define CYCLE_SECS (INT64_C(146097) * 86400)	/* 400 years */
#define FOREVER INT64_MAX
#define LOCAL_REACH (26 * 3600)	/* no offset was ever as far from UTC */

struct era {
	int64_t from;		/* seconds since the epoch */
	int32_t offset;		/* seconds east */
	char abbr[ABBR_BYTES];
};

struct zone {
	struct zone *next;
	char name[NAME_BYTES_MAX];
	size_t n;		/* eras; the first holds from the beginning of time */
	struct era *era;
	bool cycles;		/* the last CYCLE_SECS of the table repeat for ever */
};

static const struct zone utc = { NULL, "UTC", 1, (struct era[]){ { INT64_MIN, 0, "UTC" } }, false };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct zone *opened;	/* a cache for the process; entries never change or go */

static void
era_add(struct zone *z, int64_t from, int32_t offset, const char *abbr)
{
	struct era *e;

	if (z->n > 0 && from <= z->era[z->n - 1].from)
		return;
	z->era = mem_array(z->era, z->n + 1, sizeof *z->era);
	e = &z->era[z->n++];
	memset(e, 0, sizeof *e);
	e->from = from;
	e->offset = offset;
	memcpy(e->abbr, abbr, strnlen(abbr, ABBR_BYTES - 1));
}

/* The footer: a POSIX TZ string such as CET-1CEST,M3.5.0,M10.5.0/3 */

/* M, J (1..365, no Feb 29), N (0..365) */
struct change { char kind; int month, week, day; int32_t time; };
struct rule {
	char abbr[2][ABBR_BYTES];	/* standard, daylight */
	int32_t offset[2];
	struct change at[2];		/* when daylight begins, ends; local to the offset before */
	bool dst;
};

static bool
read_name(const char **p, char out[ABBR_BYTES])
{
	const char *s = *p;
	bool quoted = *s == '<';
	size_t n = 0;

	for (s += quoted; quoted ? *s != '>' && *s != '\0' : (*s | 32) >= 'a' && (*s | 32) <= 'z';
	     s++)
		if (n < ABBR_BYTES - 1)
			out[n++] = *s;
	out[n] = '\0';
	if (quoted && *s++ != '>')
		return false;
	*p = s;
	return n >= 1;
}

static bool
read_int(const char **p, int max, int *v)
{
	const char *s = *p;

	for (*v = 0; *s >= '0' && *s <= '9'; s++)
		if ((*v = *v * 10 + (*s - '0')) > max)
			return false;
	if (s == *p)
		return false;
	*p = s;
	return true;
}

/* [+-]hh[:mm[:ss]] in seconds; hours up to 167 in rules (RFC 8536 3.3.1). */
static bool
read_time(const char **p, int32_t *secs)
{
	static const int unit[3] = { 3600, 60, 1 };
	bool neg = **p == '-';
	int v, sum = 0;

	*p += neg || **p == '+';
	for (int i = 0; i < 3; i++) {
		if (i > 0 && *(*p)++ != ':')
			return false;
		if (!read_int(p, i == 0 ? 167 : 59, &v))
			return false;
		sum += v * unit[i];
		if (**p != ':')
			break;
	}
	*secs = neg ? -sum : sum;
	return true;
}

static bool
read_change(const char **p, struct change *c)
{
	if (*(*p)++ != ',')
		return false;
	c->time = 2 * 3600;
	c->kind = 'N';
	if (**p == 'M' || **p == 'J')
		c->kind = *(*p)++;
	if (c->kind == 'M') {
		if (!read_int(p, 12, &c->month) || c->month < 1 || *(*p)++ != '.' ||
		    !read_int(p, 5, &c->week) || c->week < 1 || *(*p)++ != '.' ||
		    !read_int(p, 6, &c->day))
			return false;
	} else if (!read_int(p, 365, &c->day)) {
		return false;
	}
	if (**p == '/') {
		++*p;
		return read_time(p, &c->time);
	}
	return true;
}

static bool
read_rule(const char *p, struct rule *r)
{
	memset(r, 0, sizeof *r);
	if (!read_name(&p, r->abbr[0]) || !read_time(&p, &r->offset[0]))
		return false;
	r->offset[0] = -r->offset[0];	/* POSIX counts west */
	if (*p == '\0')
		return true;
	r->dst = true;
	r->offset[1] = r->offset[0] + 3600;
	if (!read_name(&p, r->abbr[1]))
		return false;
	if (*p != ',') {
		if (!read_time(&p, &r->offset[1]))
			return false;
		r->offset[1] = -r->offset[1];
	}
	return read_change(&p, &r->at[0]) && read_change(&p, &r->at[1]) && *p == '\0';
}

static int64_t
change_secs(const struct change *c, int year, int32_t offset_before)
{
	struct civil t = { year, 1, 1, 0, 0, 0, 0 };
	int64_t us, day;

	if (c->kind == 'M') {
		t.month = c->month;
		(void)when_from_civil(&t, &utc, &us);
		day = us / (86400 * US_PER_SEC) - (us % (86400 * US_PER_SEC) < 0);
		day += (c->day - (day + 4) % 7 + 14) % 7 + 7 * (c->week - 1);
		for (;; day -= 7) {	/* week 5 is the last one there is */
			struct civil got;

			when_civil(day * 86400 * US_PER_SEC, &utc, &got);
			if (got.month == c->month)
				break;
		}
	} else {
		bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

		(void)when_from_civil(&t, &utc, &us);
		day = us / (86400 * US_PER_SEC) + c->day;
		if (c->kind == 'J')
			day += (leap && c->day > 59) - 1;
	}
	return day * 86400 + c->time - offset_before;
}

/* Unroll the rule behind the last era of the file. */
static void
unroll(struct zone *z, const struct rule *r)
{
	struct civil t;
	int64_t last = z->era[z->n - 1].from;
	int year = 1970;

	if (!r->dst) {
		struct era *e = &z->era[z->n - 1];

		if (e->offset != r->offset[0])
			era_add(z, last == INT64_MIN ? 0 : last + 1, r->offset[0], r->abbr[0]);
		return;
	}
	if (last > 0) {
		when_civil(last * US_PER_SEC, &utc, &t);
		year = t.year;
	}
	for (int y = year; y <= year + 401; y++) {
		int64_t on = change_secs(&r->at[0], y, r->offset[0]),
			off = change_secs(&r->at[1], y, r->offset[1]);
		bool first_on = on < off;

		for (int i = 0; i < 2; i++) {
			int which = (i == 0) == first_on;	/* 1: daylight begins */

			era_add(z, which ? on : off, r->offset[which], r->abbr[which]);
		}
	}
	z->cycles = true;
}

/* The file */

static int64_t
be(const unsigned char *p, size_t n)
{
	uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

struct tzif { size_t isut, isstd, leap, time, type, chars, bytes; };

/*
 * The counts of the header at `at`, and how long the block behind it is with times of that width.
 */
static bool
read_header(struct span f, size_t at, size_t width, struct tzif *h)
{
	const unsigned char *p = (const unsigned char *)f.p + at;
	size_t *count[6] = { &h->isut, &h->isstd, &h->leap, &h->time, &h->type, &h->chars };

	if (at > f.n || f.n - at < 44 || memcmp(p, "TZif", 4) != 0)
		return false;
	for (size_t i = 0; i < 6; i++) {
		int64_t v = be(p + 20 + 4 * i, 4);

		if (v < 0 || (size_t)v > FILE_BYTES_MAX)
			return false;
		*count[i] = (size_t)v;
	}
	h->bytes = h->time * (width + 1) + h->type * 6 + h->chars + h->leap * (width + 4) +
	    h->isstd + h->isut;
	/* A file that counts leap seconds ("right/…") keeps another time than ours. */
	return h->type > 0 && h->chars > 0 && h->leap == 0 && f.n - at - 44 >= h->bytes;
}

static bool
add_type(
    struct zone *z, const unsigned char *types, const struct tzif *h, size_t type, int64_t from)
{
	const unsigned char *t = types + type * 6;
	const char *chars = (const char *)types + h->type * 6;
	int64_t offset;

	if (type >= h->type || t[5] >= h->chars)
		return false;
	offset = be(t, 4);
	if (offset < -LOCAL_REACH || offset > LOCAL_REACH ||
	    memchr(chars + t[5], '\0', h->chars - t[5]) == NULL)
		return false;
	era_add(z, from, (int32_t)offset, chars + t[5]);
	return true;
}

static bool
decode(struct zone *z, struct span f)
{
	const unsigned char *p = (const unsigned char *)f.p, *times, *types;
	struct tzif h;
	struct rule rule;
	size_t at = 0, width = 4, foot;

	if (!read_header(f, 0, 4, &h))
		return false;
	if (p[4] >= '2') {
		at = 44 + h.bytes;
		width = 8;
		if (!read_header(f, at, 8, &h))
			return false;
	}
	times = p + at + 44;
	types = times + h.time * (width + 1);
	/* type 0 holds before the first transition */
	if (!add_type(z, types, &h, 0, INT64_MIN))
		return false;
	for (size_t i = 0; i < h.time; i++)
		if (!add_type(
			z, types, &h, times[h.time * width + i], be(times + i * width, width)))
			return false;
	foot = at + 44 + h.bytes;
	if (width == 8 && f.n > foot + 1 && f.p[foot] == '\n') {
		const char *end = memchr(f.p + foot + 1, '\n', f.n - foot - 1);
		char text[128];
		size_t n = end == NULL ? 0 : (size_t)(end - (f.p + foot + 1));

		if (n == 0)
			return true;
		if (n >= sizeof text)
			return false;
		memcpy(text, f.p + foot + 1, n);
		text[n] = '\0';
		if (!read_rule(text, &rule))
			return false;
		unroll(z, &rule);
	}
	return true;
}

/* An IANA name is a path of plain words: nothing that leaves the directory. */
static bool
plain_name(const char *name)
{
	if (*name == '/' || *name == '\0' || strlen(name) >= NAME_BYTES_MAX ||
	    strstr(name, "..") != NULL)
		return false;
	return name[strspn(name,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/")] == '\0';
}

static bool
load(struct zone *z)
{
	const char *dir = getenv("TZDIR");
	struct buf path = { 0 }, text = { 0 };
	struct stat st;
	ssize_t got = -1;
	bool good = false;
	int fd;

	buf_fmt(&path, "%s/%s", dir == NULL || *dir == '\0' ? "/usr/share/zoneinfo" : dir, z->name);
	fd = open(buf_cstr(&path), O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
		    (size_t)st.st_size <= FILE_BYTES_MAX)
			do {
				got = read(
				    fd, buf_room(&text, FILE_BYTES_MAX), FILE_BYTES_MAX - text.n);
				text.n += got > 0 ? (size_t)got : 0;
			} while (got > 0 && text.n < FILE_BYTES_MAX);
		good = got == 0 && decode(z, buf_span(&text));
		(void)close(fd);
	}
	buf_free(&path);
	buf_free(&text);
	return good;
}

/* +08:00, -0330, +05 */
static bool
fixed(struct zone *z)
{
	const char *p = z->name + 1;
	size_t n = strlen(p);
	bool colon = n == 5 && p[2] == ':';
	int hour, min = 0;

	if ((*z->name != '+' && *z->name != '-') || (n != 2 && n != 4 && !colon) ||
	    strspn(p, "0123456789:") != n || p[0] == ':' || p[1] == ':' ||
	    (n == 4 && (p[2] == ':' || p[3] == ':')) || (colon && (p[3] == ':' || p[4] == ':')))
		return false;
	hour = (p[0] - '0') * 10 + p[1] - '0';
	if (n > 2)
		min = (p[n - 2] - '0') * 10 + p[n - 1] - '0';
	if (hour > 23 || min > 59)
		return false;
	era_add(z, INT64_MIN, (*z->name == '-' ? -1 : 1) * (hour * 3600 + min * 60), z->name);
	return true;
}

const struct zone *
zone_open(const char *name)
{
	struct zone *z;

	if (strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0)
		return &utc;
	if (!plain_name(name) && *name != '+' && *name != '-')
		return NULL;
	if (strlen(name) >= NAME_BYTES_MAX)
		return NULL;
	(void)pthread_mutex_lock(&lock);
	for (z = opened; z != NULL && strcmp(z->name, name) != 0; z = z->next)
		;
	if (z == NULL) {
		z = mem_new(sizeof *z);
		memcpy(z->name, name, strlen(name));
		if (*name == '+' || *name == '-' ? fixed(z) : load(z)) {
			z->next = opened;
			opened = z;
		} else {
			free(z->era);
			free(z);
			z = NULL;
		}
	}
	(void)pthread_mutex_unlock(&lock);
	return z;
}

const char *
zone_name(const struct zone *z)
{
	return z == NULL ? utc.name : z->name;
}

/* The era of an instant, and where it ends; *shift is to be added to both ends. */
static const struct era *
era_at(const struct zone *z, int64_t secs, int64_t *shift, int64_t *until)
{
	int64_t last = z->era[z->n - 1].from, back = 0;
	size_t lo = 0, hi = z->n;

	if (z->cycles && secs >= last) {
		back = ((secs - last) / CYCLE_SECS + 1) * CYCLE_SECS;
		secs -= back;
	}
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (z->era[mid].from <= secs)
			lo = mid;
		else
			hi = mid;
	}
	*shift = back;
	*until = hi == z->n ? FOREVER : z->era[hi].from + back;
	return &z->era[lo];
}

int32_t
zone_offset(const struct zone *z, int64_t us)
{
	/*
	 * Records come nearly in order of time: the era of the last one is mostly that of the
	 * next.
	 */
	static _Thread_local struct {
		const struct zone *z;
		int64_t from, until;
		int32_t offset;
	} last;
	int64_t secs = us / US_PER_SEC - (us % US_PER_SEC < 0), shift;
	const struct era *e;

	if (z == NULL || (z->n == 1 && !z->cycles))
		return z == NULL ? 0 : z->era[0].offset;
	if (last.z == z && secs >= last.from && secs < last.until)
		return last.offset;
	e = era_at(z, secs, &shift, &last.until);
	last.z = z;
	last.from = e->from == INT64_MIN ? INT64_MIN : e->from + shift;
	last.offset = e->offset;
	return e->offset;
}

const char *
zone_abbr(const struct zone *z, int64_t us)
{
	int64_t shift, until;

	return era_at(z == NULL ? &utc : z, us / US_PER_SEC - (us % US_PER_SEC < 0), &shift, &until)
	    ->abbr;
}

int64_t
zone_instant(const struct zone *z, int64_t local)
{
	int64_t at = local - LOCAL_REACH, shift, until, before = 0;

	if (z == NULL || (z->n == 1 && !z->cycles))
		return local - (z == NULL ? 0 : z->era[0].offset);
	for (bool first = true;; first = false) {
		const struct era *e = era_at(z, at, &shift, &until);
		int64_t t = local - e->offset;

		if (!first && t < at)
			return local - before;	/* in the gap between two eras */
		if (t < until)
			return t;
		before = e->offset;
		at = until;
	}
}
