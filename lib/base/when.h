/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * when - times: exact integers, strict dates, zones, calendar units
 *
 *	struct zone *z = zone_open("Asia/Shanghai");
 *	why = when_parse(text, UNIT_GUESS, z, &us);		// epoch microseconds
 *	when_day(us, z, day);					// "2026-11-20"
 *	why = dur_parse("5m", &d); start = dur_floor(d, offset_us, us, z);
 *
 * Invariants: a time is int64 microseconds since 1970-01-01T00:00:00Z; dates are proleptic
 * Gregorian, years 0001..9999, in UTC and by the local clock; a leap second and a day that does
 * not exist are errors.  A local time in a gap of the clock moves forward by the gap, one that
 * happens twice is the first (RFC 5545 3.3.5). Zones come from TZif files (RFC 8536) under $TZDIR
 * or /usr/share/zoneinfo; no setenv, no libc zone state.
 */
#ifndef BASE_WHEN_H
#define BASE_WHEN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/val.h"

#define US_PER_SEC INT64_C(1000000)
#define WHEN_US_MIN (INT64_C(-62135596800) * US_PER_SEC)	/* 0001-01-01 00:00:00 */
#define WHEN_US_MAX (INT64_C(253402300800) * US_PER_SEC - 1)	/* 9999-12-31 23:59:59.999999 */
#define WHEN_DAY_BYTES 11	/* "YYYY-MM-DD" and NUL */

/* A NULL zone means UTC everywhere below. */
/* GUESS: 10 digits s, 13 ms, 16 us, else an error */
enum unit { UNIT_GUESS, UNIT_S, UNIT_MS, UNIT_US };

struct zone;
/*
 * The zone of that IANA name or "UTC" or "+08:00"; NULL when there is none. Cached, never freed,
 * thread-safe after opening.
 */
const struct zone *zone_open(const char *name);
const char *zone_name(const struct zone *);
/* Seconds east of UTC at that instant. */
int32_t zone_offset(const struct zone *, int64_t us);
/* What the zone calls itself then: "CST", "CEST". Lives as long as the process. */
const char *zone_abbr(const struct zone *, int64_t us);
/*
 * The instant (seconds) of a local time given as if it were UTC (seconds); gaps and folds as said
 * above.
 */
int64_t zone_instant(const struct zone *, int64_t local_secs);

struct civil { int year, month, day, hour, min, sec; int32_t us; };
/* What lies past the local years is their first or their last microsecond. */
void when_civil(int64_t us, const struct zone *, struct civil *);
/* Local fields to an instant; NULL or a reason (a field out of range). */
const char *when_from_civil(const struct civil *, const struct zone *, int64_t *us);

/*
 * A time as it stands in a record: a JSON number by `unit`, or text: RFC 3339, `YYYY-MM-DD[
 * HH:MM:SS[.f]]` (local to the zone; 'T' allowed; at most 6 fraction digits count, more must be
 * zeros), or digits by `unit`.
 */
const char *when_val(struct val, enum unit, const struct zone *, struct buf *scratch, int64_t *us);
/* The local day of a value, as days since 1970-01-01: a date by itself, or that of a time. */
const char *when_val_day(struct val, enum unit, const struct zone *, struct buf *scratch, int32_t *day);
/* So many of that unit since the epoch. */
const char *when_count(int64_t, enum unit, const struct zone *, int64_t *us);
/* NULL, or why it is no time there: its day lies outside the years 0001 to 9999. */
const char *when_range(int64_t us, const struct zone *);
const char *when_parse(struct span text, enum unit, const struct zone *, int64_t *us);

enum when_style { WHEN_MS, WHEN_S, WHEN_SQL, WHEN_RFC3339 };	/* --time-format ms|s|sql|rfc3339 */
/* Append as JSON value text (quotes included for sql and rfc3339). */
void when_print(int64_t us, enum when_style, const struct zone *, struct buf *);
/*
 * date(1)'s % letters: Y C y G m B b h d e j q u w A a V H k I l p M S s f (microseconds) N
 * (nanoseconds) F D T R z Z n t %. Names are English.  NULL or a reason (an unknown letter).
 */
const char *when_format(struct span fmt, int64_t us, const struct zone *, struct buf *out);
/*
 * The reverse for to_timestamp(text, fmt): Y y m B b h d e j H k I l p M S s f N F D T R z A a n t
 * %.  Y takes 4 digits, the others as many as they print or fewer; other bytes must be equal; the
 * whole text must match, and the date must be real.  A month or a day that the format does not ask
 * for is the first; so is midnight.  With z the zone is that one.
 */
const char *when_scan(struct span fmt, struct span text, const struct zone *, int64_t *us);

/* The local day of an instant as "YYYY-MM-DD". */
void when_day(int64_t us, const struct zone *, char day[WHEN_DAY_BYTES]);
/* "YYYY-MM-DD" (exactly, a real date) to days since 1970-01-01, and back. */
const char *day_parse(struct span text, int32_t *days);
void day_print(int32_t days, char day[WHEN_DAY_BYTES]);

/*
 * A duration: calendar (1d 1w 1M in the zone) or exact (24h 5m 30s 500ms 250us).  A '-' before it
 * and a bare 0 are taken; who cannot use them says so.  7d is 1w: whole weeks begin on Monday.
 */
struct dur { int64_t us; int32_t days, months; };	/* one of the three is set */
const char *dur_parse(const char *text, struct dur *);
/*
 * The start of the tumbling window that holds the instant: aligned to the epoch (calendar: local
 * midnight, Monday, first of month) + offset.
 */
int64_t dur_floor(struct dur, int64_t offset_us, int64_t us, const struct zone *);
/*
 * instant + n durations, calendar units in local time; a day that the month lacks is its last.
 * Ends at the range's ends.
 */
int64_t dur_add(struct dur, int64_t n, int64_t us, const struct zone *);

#endif
