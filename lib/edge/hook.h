/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hook - a program of somebody's that is told something
 *
 *	why = hook_check("/usr/local/bin/page");		// when it is configured
 *	if (!hook_run(argv, event, 10000, why, sizeof why)) ...
 *
 * Invariants: an argument array, no shell; what it is told comes on standard input, never in an
 * argument.  It sees PATH and LC_ALL, no other variable and no descriptor of ours.  It has a
 * process group of its own, which is killed when its time is over.
 */
#ifndef EDGE_HOOK_H
#define EDGE_HOOK_H

#include "base/span.h"

/* NULL, or a constant reason why this program is not run: no absolute path, others can write it. */
const char *hook_check(const char *path);
/* true: it ended with 0. */
bool hook_run(char *const argv[], struct span input, unsigned timeout_ms, char *why, size_t why_n);

#endif
