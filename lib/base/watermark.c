/* SPDX-License-Identifier: BSD-2-Clause */
/* watermark - see watermark.h */
#include "base/watermark.h"

void
watermark_init(struct watermark *w, struct dur late, const struct zone *zone)
{
	*w = (struct watermark){ .ms = WATERMARK_NONE, .us = WATERMARK_NONE, .newest_us = WATERMARK_NONE,
	    .limit_us = INT64_MAX, .late = late, .zone = zone };
}

void
watermark_told(struct watermark *w)
{
	w->newest_us = INT64_MAX;		/* nothing is newer */
}

void
watermark_future(struct watermark *w, struct dur max, int64_t clock_us)
{
	w->limit_us = dur_add(max, 1, clock_us, w->zone);
}

static int64_t
whole_ms(int64_t us)
{
	return us / 1000 - (us % 1000 < 0);
}

void
watermark_raise(struct watermark *w, int64_t ms)
{
	if (ms <= w->ms)
		return;
	w->ms = ms;
	if (__builtin_mul_overflow(ms, 1000, &w->us))
		w->us = INT64_MAX;
}

void
watermark_newer(struct watermark *w, int64_t us)
{
	w->newest_us = us;
	watermark_raise(w, whole_ms(dur_add(w->late, -1, us, w->zone)));
}

bool
watermark_idle(struct watermark *w, int64_t silent_us, int64_t idle_us)
{
	int64_t was = w->ms, us;

	if (silent_us < idle_us || w->newest_us == WATERMARK_NONE)
		return false;
	if (__builtin_add_overflow(w->newest_us, silent_us - idle_us, &us) || us > WHEN_US_MAX)
		us = WHEN_US_MAX;
	watermark_raise(w, whole_ms(us));
	return w->ms > was;
}
