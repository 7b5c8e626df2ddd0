/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hwm - how far an incremental reader got, remembered only when what it read was kept
 *
 *	rc = hwm_open(NULL, "shop.orders updated_at", &h);	// locked until the process ends
 *	from = hwm_value(h);					// NULL: nothing was read yet
 *	... read from..to, write it, close the output ...
 *	rc = hwm_save(h, to);
 *
 * Invariants: outside a run the mark moves when it is saved: by then the output is closed.  In a
 * run it is saved as pending, durable, under the run's name, and counts from the moment the run's
 * record says `publish`; a run that was dropped leaves the old mark.  So a run's rows and its mark
 * are one.
 */
#ifndef RUN_HWM_H
#define RUN_HWM_H

struct hwm;
/*
 * Open the mark of `what` in a file; NULL: $PIPEHOUSE_STATE/hwm/WHAT.  0; EXIT_USAGE where there is
 * no such place, or the file is of something else; EXIT_TEMP where another process or run is at it;
 * EXIT_IO.
 */
int hwm_open(const char *file, const char *what, struct hwm **);
const char *hwm_value(const struct hwm *);
/* 0 or EXIT_IO after a message. */
int hwm_save(struct hwm *, const char *value);

#endif
