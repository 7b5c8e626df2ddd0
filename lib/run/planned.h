/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * planned - the source of a barrier job: epochs that are planned and logged before they are sent
 *
 *	static const struct planned_ops ops = { seek, at, gather, judge, replay, emit };
 *	struct planned_conf conf = { .ctx = c, .ops = &ops, .src = &mine, .every_ms = 1000, .water = &water };
 *	if ((rc = planned_open(&conf, &p)) != 0) return rc;	// waits for the sinks; says what is wrong
 *	rc = planned_work(p);			// until the source is over, or a signal; the `end` is out then
 *	planned_close(p);
 *
 * Invariants: nothing of an epoch goes out before its plan (run/plan.h) is durable; an epoch that has a plan is the
 * same bytes again, or it is not sent: what the source holds there now is counted and hashed first.  No epoch is
 * more than PLANNED_AHEAD ahead of the slowest sink.  The clock of plans never falls.  Positions are a JSON object,
 * which only the source understands.  In each control line the first hop is what ctx_counts says of the epoch:
 * records are counted in when they are read, and as passed or made when they are emitted.
 *
 * The loop, for epoch k:  a plan is there: replay(from, to, its clock), else gather(due), judge(clock), the plan;
 * then emit, the mark.  What a source rejects it rejects in judge or replay, through ctx_reject.
 */
#ifndef RUN_PLANNED_H
#define RUN_PLANNED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define PLANNED_AHEAD 4			/* epochs that may be under way */
/* a source that keeps its records gathers no more than about that for one epoch: it then stays in a cache */
#define PLANNED_BYTES (16 << 20)

/* What an epoch is, as its source finds it. */
struct planned_epoch {
	uint64_t n;		/* records that emit will put out */
	uint64_t sum;		/* of what they are, in their order */
	bool xxh64;		/* given to replay: that plan's sum is XXH64, where the source made sums of bytes */
	bool over;		/* judge: nothing comes behind this epoch, now or later: the job ends with it */
	bool gone;		/* replay: what stood between these positions is not there any more */
};

/* Each returns 0 or an exit status after a message; `src` is planned_conf.src. */
struct planned_ops {
	/*
	 * What is gathered from now on begins at these positions; `at` empty: at the job's very beginning, settled
	 * now.  What is held is forgotten.
	 */
	int (*seek)(void *src, struct span at);
	/* Append the positions behind what was judged or replayed last; before that, of seek. */
	void (*at)(void *src, struct buf *out);
	/*
	 * Wait for records until base/clock.h's clock_ms() is `due`, or PLANNED_BYTES are there, or ctx_stopped, or
	 * all is read that ever will be; behind `due`, take what is there already and do not wait.  A source whose
	 * reading takes no waiting may only wait here, and read in judge.
	 */
	int (*gather)(void *src, int64_t due);
	/*
	 * Settle the epoch of what was gathered, as of that clock (ms since 1970): read it, reject, take its times into
	 * the watermark, sort, count, hash.  It is held for emit.
	 */
	int (*judge)(void *src, int64_t now_ms, struct planned_epoch *);
	/* The same for exactly what stands between these positions; gathering needs a seek after it. */
	int (*replay)(void *src, struct span from, struct span to, int64_t now_ms, struct planned_epoch *);
	/* Put what is held out (ctx_out), count it, forget it. */
	int (*emit)(void *src);
};

struct ctx;
struct waters;
struct meter;
struct planned_conf {
	struct ctx *ctx;
	const struct planned_ops *ops;
	void *src;
	uint64_t every_ms;		/* --barriers: so long is gathered for an epoch */
	const char *pins;		/* --pin: TABLE,file:NAME,... besides those of PIPEHOUSE_PINS; or NULL */
	const char *sign;		/* what positions are of, or NULL: another one than in the plans is refused */
	struct meter *meter;		/* run/meter.h, or NULL; its lags are those of src */
	void (*lags)(void *src, struct meter *);
	struct waters *water;		/* run/waters.h; NULL: the lines carry no watermark */
};

struct planned;
/*
 * Find the job, wait until its sinks have begun.  0; EXIT_USAGE outside a barrier job or for bad conf; EXIT_INPUT for
 * plans that do not fit; EXIT_IO; EXIT_TEMP.  *out is NULL then.
 */
int planned_open(const struct planned_conf *, struct planned **out);
/*
 * The `open` line, epochs, the `end`. 0; EXIT_INPUT "source changed" where an epoch that a sink has committed cannot be
 * read again; else what failed: no `end` is written then.
 */
int planned_work(struct planned *);
void planned_close(struct planned *);

/* For gather: sleep until then, or a signal. */
void planned_wait(int64_t until);

/*
 * --barriers DUR: an exact duration of 1 ms or more, and a barrier job around us. 0 or EXIT_USAGE after a message.
 */
int planned_every(struct ctx *, const char *text, uint64_t *ms);

#endif
