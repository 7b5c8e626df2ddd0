/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow - who ran in a run, what came in and went out, and whether it all adds up
 *
 *	flow_begin(run_dir, "dedup", argc, argv, true, true);		// every tool of ours, first thing
 *	flow_end(&counts, status);			// and last thing
 *	rc = flow_check(run_dir);	// the runner, after the shell has ended
 *
 * Invariants: a tool's record is RUN/flow/PID-STARTTIME.json: a begin line, written (not fsynced: a crash of
 * the machine fails the run anyway) before any input is read, and an end line.  A begin without an end means
 * the tool was killed.
 * Edges are the pipes themselves: inodes of stdin and stdout.  On each pipe whose both ends are ours, out = in.
 */
#ifndef RUN_FLOW_H
#define RUN_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow_counts {
	uint64_t in, passed, dropped, used, rejected, made;
	uint64_t bytes_in, bytes_out;
};

/*
 * Write the begin record. 0, or EXIT_IO after a message. Arguments that look like secrets are masked. The pipe behind
 * stdin or stdout is an edge only when this tool reads records from it, or writes them to it.
 */
int flow_begin(const char *run_dir, const char *tool, int argc, char *argv[], bool reads, bool writes);
/* Write the end record; nothing when there was no begin. 0 or EXIT_IO. */
int flow_end(const struct flow_counts *, int status, const char *stats_json);
/*
 * Judge a run: 0 all ended well and all pipes add up; EXIT_INPUT where only the counts differ; else the worst: the
 * failed tool's status if it is one of base/err.h, EXIT_IO for a tool that was killed.  Messages say which.
 */
int flow_check(const char *run_dir);
/* The worse of two exit statuses; what is none of base/err.h counts as EXIT_IO. */
int flow_worse(int a, int b);

#endif
