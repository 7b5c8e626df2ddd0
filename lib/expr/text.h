/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text - what expressions and cleaning do alike to text
 *
 *	buf_clear(&b); text_case(s, true, &b);	// upper case
 *
 * Invariants: input is valid UTF-8, output too; nothing depends on the locale.
 */
#ifndef EXPR_TEXT_H
#define EXPR_TEXT_H

#include "base/buf.h"

/* Append s in upper or lower case, by the simple mappings of Unicode. */
void text_case(struct span s, bool up, struct buf *out);

#endif
