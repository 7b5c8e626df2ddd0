/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * feed_types - what cdc-norm has to do with files: the types of --types, the events of --events
 *
 *	rc = feed_types_read(ctx, "types.ndjson", &types);	// as mysql-extract --schema writes them
 *	rc = feed_events_open(&ev, ctx, "events.ndjson", DRIFT_WARN);
 *	cdc_listen(cdc, feed_events_drift, &ev);
 *	feed_events_count(&ev, "cdc.order", "unordered", 3, "…"); rc = feed_events_close(&ev, rc);
 *
 * Invariants: an event is a line as wh-alert reads it (out/event.h), appended and flushed when it happens, so that it
 * is there also when the work ends badly.  Without a file what drifts is said on standard error alone.
 */
#ifndef RUN_FEED_TYPES_H
#define RUN_FEED_TYPES_H

#include "cdc/cdc.h"
#include "out/sink.h"
#include "run/run.h"

/* 0, or as ctx_read. */
int feed_types_read(struct ctx *, const char *operand, struct types **);

struct feed_events {
	struct sink *sink;		/* NULL: no file */
	const char *run;
	enum on_drift policy;
};

/* path NULL: no file. 0, EXIT_USAGE, EXIT_IO. */
int feed_events_open(struct feed_events *, struct ctx *, const char *path, enum on_drift);
/* For cdc_listen; arg is the struct feed_events. */
void feed_events_drift(void *arg, const struct cdc_drift *);
/* A warning about so many of something. */
void feed_events_count(struct feed_events *, const char *event, const char *name, uint64_t n, const char *text);
/* The status: rc, or EXIT_IO where rc is 0 and not all was written. */
int feed_events_close(struct feed_events *, int rc);

#endif
