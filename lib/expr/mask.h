/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mask - text made unreadable in part: phones, names, addresses, mail, cards
 *
 *	if (!mask_named(word, &m)) ... no such mask ...
 *	buf_clear(&b); mask_text(m, text, &b);		// 13812345678 to 138****5678
 *
 * Invariants: input is valid UTF-8, output too, with as many code points; what is hidden is an
 * asterisk each.  Idempotent: a mask over what it made changes nothing.
 */
#ifndef EXPR_MASK_H
#define EXPR_MASK_H

#include "base/buf.h"

enum mask {
	MASK_PHONE,	/* of 11 digits and more the first 3 and last 4 stay, of 7 the last 2 */
	MASK_NAME,	/* the first character stays, blanks and middle dots too */
	MASK_ADDRESS,	/* the first 6 characters stay, at most half of all, but for digits */
	MASK_EMAIL,	/* as a name before the last @; from there on it stays */
	MASK_CARD,	/* of 12 digits and more the last 4 stay */
	MASK_ALL	/* nothing stays */
};

/* By its name in specs. */
bool mask_named(struct span name, enum mask *);
/* Append the masked text. */
void mask_text(enum mask, struct span text, struct buf *out);

#endif
