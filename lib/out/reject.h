/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reject - where bad records go, with everything needed to find and replay them
 *
 *	struct sink *s; sink_append(path, &s);
 *	reject_put(s, &(struct reject){ .source = "app.log", .line = 7, .offset = 901, .reason = why, .raw = line });
 *
 * Invariants: one JSON line a reject, {tool, run, source, line, offset, reason, raw | raw_base64}; raw holds the
 * exact bytes, as a JSON string when they are UTF-8 without NUL, else base64 (RFC 4648).  The file is appended to.
 */
#ifndef OUT_REJECT_H
#define OUT_REJECT_H

#include "out/sink.h"

struct reject {
	const char *source;	/* name of the input */
	const char *run;	/* run id, NULL outside a run */
	uint64_t line, offset;	/* line from 1, byte offset of the line in the (decompressed) input */
	const char *reason;
	struct span raw;
};

/* 0 or EXIT_IO (sticky in the sink). */
int reject_put(struct sink *, const struct reject *);
/* Append s as a JSON string if it is valid UTF-8, else return false and append nothing. */
bool reject_text(struct buf *, struct span s);
void reject_base64(struct buf *, struct span s);

#endif
