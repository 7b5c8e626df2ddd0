/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t - the smallest TAP writer a unit test needs
 *
 *	int main(void)
 *	{
 *		ok(1 + 1 == 2, "one and one");
 *		is_str(name, "x", "its name");
 *		is_span(v.raw, "1.10", "kept as written");
 *		return done();
 *	}
 *
 * Invariants: one line a check, numbered from 1, the plan last; done() returns main's status: 0 when every check held.
 * Thousands of checks of one kind are one line: okf() prints only where it fails, ok() at the end says how many there were.
 */
#ifndef TESTS_T_H
#define TESTS_T_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"

static unsigned t_run, t_failed;
static unsigned long t_quiet, t_quiet_failed;

/* One check; returns whether it held, so that a test can stop early. */
static inline bool
ok(bool cond, const char *name)
{
	t_run++;
	if (!cond)
		t_failed++;
	printf("%s %u - %s\n", cond ? "ok" : "not ok", t_run, name);
	return cond;
}

/* A check among many: silent when it holds, a diagnostic (the first 20 of them) when it does not. */
static inline bool __attribute__((format(printf, 2, 3), unused))
okf(bool cond, const char *fmt, ...)
{
	va_list ap;

	t_quiet++;
	if (cond)
		return true;
	if (t_quiet_failed++ < 20) {
		va_start(ap, fmt);
		printf("# failed: ");
		vprintf(fmt, ap);
		printf("\n");
		va_end(ap);
	}
	return false;
}

/* Turn the okf() checks since the last call into one TAP line. */
static inline bool __attribute__((unused))
ok_all(const char *name)
{
	bool held = t_quiet_failed == 0 && t_quiet > 0;

	ok(held, name);
	printf("# %lu checks, %lu failed\n", t_quiet, t_quiet_failed);
	t_quiet = t_quiet_failed = 0;
	return held;
}

/* Equal bytes, whatever they hold. */
static inline bool __attribute__((unused))
is_spans(struct span got, struct span want, const char *name)
{
	if (ok(span_eq(got, want), name))
		return true;
	printf("# got  (%zu) \"%.*s\"\n# want (%zu) \"%.*s\"\n", got.n, (int)(got.n > 400 ? 400 : got.n),
	    got.n == 0 ? "" : got.p, want.n, (int)(want.n > 400 ? 400 : want.n), want.n == 0 ? "" : want.p);
	return false;
}

static inline bool __attribute__((unused))
is_span(struct span got, const char *want, const char *name)
{
	return is_spans(got, span_str(want), name);
}

/* Equal C strings; NULL equals only NULL. */
static inline bool __attribute__((unused))
is_str(const char *got, const char *want, const char *name)
{
	if (got == NULL || want == NULL) {
		if (ok(got == want, name))
			return true;
		printf("# got  %s\n# want %s\n", got == NULL ? "NULL" : got, want == NULL ? "NULL" : want);
		return false;
	}
	return is_span(span_str(got), want, name);
}

static inline bool __attribute__((unused))
is_int(int64_t got, int64_t want, const char *name)
{
	if (ok(got == want, name))
		return true;
	printf("# got  %lld\n# want %lld\n", (long long)got, (long long)want);
	return false;
}

/* A check that cannot be made here; say why. */
static inline void __attribute__((unused))
skip(const char *name, const char *why)
{
	printf("ok %u - %s # SKIP %s\n", ++t_run, name, why);
}

/* The plan; main's status. */
static inline int
done(void)
{
	printf("1..%u\n", t_run);
	if (t_quiet_failed > 0)
		printf("# okf() checks failed without ok_all()\n");
	return fflush(stdout) == 0 && t_failed == 0 && t_quiet_failed == 0 ? 0 : 1;
}

#endif
