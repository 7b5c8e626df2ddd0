/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state_path - where a command keeps what must outlive it
 *
 *	if (!state_path("alert", &b)) return ctx_usage(c, "--spool or PIPEHOUSE_ROOT");
 *
 * Invariants: $PIPEHOUSE_OVERLAY/_state, for all writing goes there; else $PIPEHOUSE_STATE, else
 * $PIPEHOUSE_ROOT/TENANT/_state; nothing is made.
 */
#ifndef RUN_STATE_PATH_H
#define RUN_STATE_PATH_H

#include "base/buf.h"

/* Append the path of `name` in the state directory; false where the environment names none. */
bool state_path(const char *name, struct buf *out);

#endif
