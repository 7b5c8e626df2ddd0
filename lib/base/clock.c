/* SPDX-License-Identifier: BSD-2-Clause */
/* clock - see clock.h */
#include "base/clock.h"

static int64_t
ms_of(clockid_t clock)
{
	struct timespec t = { 0 };

	(void)clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

int64_t
clock_ms(void)
{
	return ms_of(CLOCK_MONOTONIC);
}

int64_t
clock_real_ms(void)
{
	return ms_of(CLOCK_REALTIME);
}

struct timespec
clock_after(clockid_t clock, int64_t ms)
{
	struct timespec t = { 0 };

	(void)clock_gettime(clock, &t);
	t.tv_sec += (time_t)(ms / 1000);
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}
