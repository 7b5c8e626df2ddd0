/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watermark - how far event time has come in a stream: what is over, what comes too late, what is too far ahead
 *
 *	struct watermark w; watermark_init(&w, late, zone);	// --late
 *	watermark_future(&w, max, clock_us);		// --max-future: before each batch, with the clock of then
 *	if (watermark_ahead(&w, us)) ... reject it, WATERMARK_AHEAD is why ...
 *	else if (end_us <= w.us) ... late: judged by what came before it ... else watermark_take(&w, us);
 *	watermark_idle(&w, silent_us, idle_us);			// --idle: while nothing comes
 *
 * Invariants: w.ms is the newest time taken less `late`, down to a whole millisecond, and never falls; w.us is the same
 * in microseconds; both INT64_MIN before the first.  Only records that are accepted are taken: a rejected one moves
 * nothing.  A record is judged by those before it, never by batches, so answers do not depend on how the
 * stream was cut.  Only --max-future and --idle look at a clock, and it is handed in.  In a barrier job the source
 * alone says how far time has come: watermark_told(), and then records move nothing, watermark_raise() does.
 */
#ifndef BASE_WATERMARK_H
#define BASE_WATERMARK_H

#include <stdbool.h>

#include "base/when.h"

#define WATERMARK_NONE INT64_MIN
#define WATERMARK_AHEAD "time further ahead of the clock than --max-future"

struct watermark {
	int64_t ms, us;		/* nothing that was taken later may be older; ms * 1000 == us */
	int64_t newest_us;	/* WATERMARK_NONE: nothing was taken; INT64_MAX: watermark_told */
	int64_t limit_us;	/* times above it are too far ahead; INT64_MAX: none are */
	struct dur late;
	const struct zone *zone;
	uint64_t n_late;	/* counted by who finds them */
};

void watermark_init(struct watermark *, struct dur late, const struct zone *);
/* From now on it is told how far time has come (watermark_raise): records that are taken move nothing. */
void watermark_told(struct watermark *);
/* From now on a time more than `max` above the clock (microseconds since 1970) is too far ahead. */
void watermark_future(struct watermark *, struct dur max, int64_t clock_us);

static inline bool
watermark_ahead(const struct watermark *w, int64_t us)
{
	return us > w->limit_us;
}

/* Raise it to what another one reached: a control line's, a saved one's, an idle side's. */
void watermark_raise(struct watermark *, int64_t ms);
/* A newer time than all before (for watermark_take). */
void watermark_newer(struct watermark *, int64_t us);

/* A record of that time was accepted. */
static inline void
watermark_take(struct watermark *w, int64_t us)
{
	if (us > w->newest_us)
		watermark_newer(w, us);
}

/*
 * Nothing came for so long (by a clock that only runs forward).  From idle_us on nothing is thought to be under way any
 * more: it rises to the newest time, and then runs with the clock.  So windows close as they would had the stream
 * gone on, and no later than idle_us after that.  True when it rose.
 */
bool watermark_idle(struct watermark *, int64_t silent_us, int64_t idle_us);

#endif
