/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox - what a filter can no longer do once its inputs are known
 *
 *	sandbox(SB_FILTER);		// after set_up, before the first record
 *
 * Invariants: from then on the process can start no program, open no socket and trace no other
 * process: a hole in the scanner yields nothing to reach out with.  Best effort: a kernel without
 * seccomp changes nothing.  PIPEHOUSE_SANDBOX=probe makes the filter try all three and print what
 * came of it (tests).
 */
#ifndef RUN_SANDBOX_H
#define RUN_SANDBOX_H

enum sandbox { SB_FILTER };

/* Lay the filter over this process, for good. Never fails: says nothing where it cannot be done. */
void sandbox(enum sandbox);

#endif
