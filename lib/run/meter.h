/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * meter - how a source is doing, for a monitor: how fast, how far behind, when it last committed
 *
 *	struct meter m = { .path = "/var/lib/node_exporter/ingest.prom" };	// --metrics; NULL: nothing is done
 *	meter_begin(&m, ctx, "ods.orders");
 *	m.lags = lags; m.src = mine;			// which calls meter_lag(&m, "orders/0", 17), ...
 *	meter_commit(&m);				// what was read before is in its table, or with all sinks
 *	meter_look(&m, over);				// often: it writes once a second
 *	meter_free(&m);
 *
 * Invariants: the file is in the text format of Prometheus and whole whenever it is read.  That it cannot be written is
 * said once, and then it is left alone: nothing else stops for that.
 */
#ifndef RUN_METER_H
#define RUN_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct ctx;
struct meter {
	const char *path;		/* as given, or NULL */
	/* What is there by now and not read: a meter_lag for each source, before each writing. */
	void (*lags)(void *src, struct meter *);
	void *src;
	/* of here */
	struct ctx *ctx;
	struct buf to;			/* the label: a table, a job */
	struct buf lag;			/* lines */
	uint64_t records;		/* that had been read when it was written last */
	int64_t since_ms;		/* then, or when it began: by a clock that only runs forward */
	bool written;
	int64_t committed_ms;		/* since 1970; 0: not yet */
	double rate;
	uint64_t files_lost, files_missed;	/* of logs: see run/sources.h */
	bool logs, failed;
};

/* Below, NULL for a meter is one without a path. */
/* What is read goes to this table or job. */
void meter_begin(struct meter *, struct ctx *, const char *to);
void meter_commit(struct meter *);
/* Of lags: offsets of a partition, bytes of logs. */
void meter_lag(struct meter *, const char *source, uint64_t behind);
/* Write, where that was a second ago or more; the last time always. */
void meter_look(struct meter *, bool last);
void meter_free(struct meter *);

#endif
