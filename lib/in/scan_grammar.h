/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_grammar - JSON's grammar as the tables that vector kernels look bytes up in
 *
 *	struct tables t; tables_init(&t);
 *	if ((t.allows[t.class_of[prev]] & t.column[t.class_of[cur]]) == 0) ... these two cannot stand side by side ...
 *
 * Invariants: which class may follow which is computed from the productions in scan_grammar.c, nowhere written down.
 * The tables of UTF-8 and of escapes are there too, for every kernel with a byte shuffle takes the same.
 * Class codes hold the class in their low four bits and flags above; bit 7 is never set (pshufb would give 0).
 */
#ifndef IN_SCAN_GRAMMAR_H
#define IN_SCAN_GRAMMAR_H

#include <stdint.h>

enum class {
	C_OTHER,		/* letters, +, and all that JSON does not know; 0, for it is what lookups miss */
	C_IN,			/* in a string, its opening quote included */
	C_QUOTE,		/* the closing quote */
	C_OPEN, C_CLOSE, C_COMMA, C_COLON, C_LF,
	C_BLANK,		/* space, tab */
	C_CR, C_DIGIT, C_DOT, C_MINUS,
	CLASSES
};

/*
 * Flags of a class code: three bits that tell apart what kernels need as bit masks.  T: no part of a number or word; T
 * alone: a token ({ } [ ] , and LF), TD: the colon, TE: neither.  D: a digit, DE: zero, E: the point, none: else.
 */
#define CODE_T 0x10
#define CODE_D 0x20
#define CODE_E 0x40

/*
 * After J. Keiser, D. Lemire, "Validating UTF-8 in less than one instruction per byte": a bit is one way for two bytes
 * to be wrong; they are when it is set for the high and the low nibble of the first and the high one of the second.
 * Bit 7, two continuation bytes in a row, must hold exactly where a lead two or three bytes back asks for it.
 */
struct utf8_tables {
	uint8_t lead_high[16], lead_low[16], next_high[16];
};

struct tables {
	uint8_t class_of[256];		/* outside strings */
	uint8_t code[CLASSES];		/* class and flags */
	uint8_t allows[16];		/* by class: the columns that may follow */
	uint8_t column[16];		/* by class: its own column, one bit */
	/*
	 * A perfect hash of the bytes that are neither C_OTHER nor 1..9: slot = (byte + hash_add[byte >> 4]) & 15.
	 * hash_key[slot] == byte tells whether it is one of them, hash_code[slot] its code ('0' without its D
	 * and class).
	 */
	uint8_t hash_add[16], hash_key[16], hash_code[16];
	struct utf8_tables utf8;
};

void tables_init(struct tables *);

#endif
