/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock - the two clocks, in milliseconds
 *
 *	int64_t due = clock_ms() + 500;			// waits, pauses, limits: nobody sets this clock
 *	buf_fmt(b, "\"ts\":%" PRId64, clock_real_ms());	// what people and records call the time
 *	till = clock_after(CLOCK_MONOTONIC, 100);	// for a wait on a condition, by the clock that was set for it
 *
 * Invariants: none of them fails.  Under barriers no answer may depend on either (ctx_now_us of run/run.h).
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Since some moment before this process; never back. */
int64_t clock_ms(void);
/* Since 1970-01-01T00:00:00Z, as the machine has it. */
int64_t clock_real_ms(void);
/* The time by that clock in so many milliseconds, 0 or more. */
struct timespec clock_after(clockid_t, int64_t ms);

#endif
