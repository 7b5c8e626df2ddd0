/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * csv_out - cells of CSV (RFC 4180), quoted where they must be
 *
 *	csv_cell(&out, span_str("a,b"), ',');		// "a,b" in quotes
 *	if (csv_is_formula(text)) ...			// a spreadsheet would compute it
 *
 * Invariants: what csv_cell wrote, csv_in reads as the same bytes, and never as nothing at all.
 */
#ifndef EDGE_CSV_OUT_H
#define EDGE_CSV_OUT_H

#include "base/buf.h"

/*
 * What stands between cells, as options say it: one ASCII character that is no quote or line end,
 * or `tab`; NULL: a comma.
 */
bool csv_delimiter(const char *text, char *);
/* Append one cell; empty text is two quotes, as a cell of nothing means null. */
void csv_cell(struct buf *, struct span text, char delimiter);
/*
 * Would a spreadsheet take this text for a formula?  It begins with = + - @ TAB CR LF, apostrophes
 * before it or not, and is no plain number.  With apostrophes it counts too, so that one more in
 * front of each such text can be taken off again: see csv_unguard.
 */
bool csv_is_formula(struct span text);
/* The text without the apostrophe that guards it; any other as it is. */
struct span csv_unguard(struct span text);

#endif
