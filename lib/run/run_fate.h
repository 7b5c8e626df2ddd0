/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_fate - what became of a run: whether what it wrote aside counts
 *
 *	if (run_fate(dir) == RUN_KEPT) ... its mark, its state is the one that holds ...
 *
 * Invariants: a run is kept from the moment its record says `publish`; it is open while its runner lives and has not
 * said anything; else it is dropped, and never will be kept.
 */
#ifndef RUN_RUN_FATE_H
#define RUN_RUN_FATE_H

enum run_fate { RUN_KEPT, RUN_DROPPED, RUN_OPEN };

/* dir: the run's directory as it was in PIPEHOUSE_RUN. */
enum run_fate run_fate(const char *dir);

#endif
