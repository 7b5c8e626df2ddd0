/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_grammar - see scan_grammar.h
 *
 * A kernel looks at two neighbouring bytes at a time.  What two neighbours may be follows from the productions below: X
 * beside Y in one of them makes each last byte of X a neighbour of each first byte of Y.
 */
#include "in/scan_grammar.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum symbol {			/* behind the classes, which are the terminals */
	S_LINE = 16, S_VALUE, S_OBJECT, S_MEMBERS, S_MEMBER, S_ARRAY, S_ITEMS, S_COMMA, S_COLON, S_STRING, S_CHARS,
	S_NUMBER, S_DECIMAL, S_DIGITS, S_WORD, SYMBOLS
};

#define RULE_SYMBOLS 5

/*
 * RFC 8259 over classes, with the one blank that printers put behind ',' and ':'.  More of JSON is valid; lines that
 * are laid out otherwise are left to the plain parser.  An exponent is a word in a number.
 */
static const struct { uint8_t left, right[RULE_SYMBOLS]; } rules[] = {
	{ S_LINE, { C_LF, S_VALUE, C_LF } },
	{ S_LINE, { C_LF, S_VALUE, C_CR, C_LF } },
	{ S_VALUE, { S_OBJECT } }, { S_VALUE, { S_ARRAY } }, { S_VALUE, { S_STRING } }, { S_VALUE, { S_NUMBER } },
	{ S_VALUE, { S_WORD } },
	{ S_OBJECT, { C_OPEN, C_CLOSE } }, { S_OBJECT, { C_OPEN, S_MEMBERS, C_CLOSE } },
	{ S_MEMBERS, { S_MEMBER } }, { S_MEMBERS, { S_MEMBER, S_COMMA, S_MEMBERS } },
	{ S_MEMBER, { S_STRING, S_COLON, S_VALUE } },
	{ S_ARRAY, { C_OPEN, C_CLOSE } }, { S_ARRAY, { C_OPEN, S_ITEMS, C_CLOSE } },
	{ S_ITEMS, { S_VALUE } }, { S_ITEMS, { S_VALUE, S_COMMA, S_ITEMS } },
	{ S_COMMA, { C_COMMA } }, { S_COMMA, { C_COMMA, C_BLANK } },
	{ S_COLON, { C_COLON } }, { S_COLON, { C_COLON, C_BLANK } },
	{ S_STRING, { S_CHARS, C_QUOTE } }, { S_CHARS, { C_IN } }, { S_CHARS, { C_IN, S_CHARS } },
	{ S_NUMBER, { S_DECIMAL } }, { S_NUMBER, { C_MINUS, S_DECIMAL } },
	{ S_DECIMAL, { S_DIGITS } }, { S_DECIMAL, { S_DIGITS, C_DOT, S_DIGITS } },
	{ S_DECIMAL, { S_DIGITS, S_WORD, S_DIGITS } }, { S_DECIMAL, { S_DIGITS, S_WORD, C_MINUS, S_DIGITS } },
	{ S_DIGITS, { C_DIGIT } }, { S_DIGITS, { C_DIGIT, S_DIGITS } },
	{ S_WORD, { C_OTHER } }, { S_WORD, { C_OTHER, S_WORD } },
};

/*
 * Classes whose difference another rule decides exactly share one column, so that eight bits suffice.  A closing quote
 * follows C_IN by construction; an LF or CR where a bracket could close leaves the line unbalanced, or is white space;
 * and a blank or a minus may stand where a bracket could open, but for what follows a word: words are judged whole,
 * with what stands behind them.
 */
static const uint8_t shares[][2] = {
	{ C_QUOTE, C_IN }, { C_LF, C_CLOSE }, { C_CR, C_CLOSE }, { C_BLANK, C_OPEN }, { C_MINUS, C_OPEN },
};

static size_t
rule_length(size_t r)
{
	size_t n = 1;

	while (n < RULE_SYMBOLS && rules[r].right[n] != 0)	/* C_OTHER, 0, stands only in front */
		n++;
	return n;
}

/* The classes that a symbol can begin with, and end with. */
static void
first_and_last(uint16_t first[SYMBOLS], uint16_t last[SYMBOLS])
{
	bool changed = true;

	for (size_t c = 0; c < SYMBOLS; c++)
		first[c] = last[c] = (uint16_t)(c < CLASSES ? 1u << c : 0);
	while (changed) {
		changed = false;
		for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
			const uint8_t *right = rules[r].right;
			uint8_t left = rules[r].left;
			uint16_t f = first[left] | first[right[0]], l = last[left] | last[right[rule_length(r) - 1]];

			changed |= f != first[left] || l != last[left];
			first[left] = f;
			last[left] = l;
		}
	}
}

/* before[c]: the classes that may stand directly before class c. */
static void
neighbours(uint16_t before[CLASSES])
{
	uint16_t first[SYMBOLS], last[SYMBOLS];

	first_and_last(first, last);
	memset(before, 0, CLASSES * sizeof before[0]);
	for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++)
		for (size_t i = 1; i < rule_length(r); i++)
			for (size_t c = 0; c < CLASSES; c++)
				if ((first[rules[r].right[i]] >> c & 1) != 0)
					before[c] |= last[rules[r].right[i - 1]];
}

static void
pair_tables(struct tables *t)
{
	uint16_t before[CLASSES];
	uint8_t shared[CLASSES];
	unsigned columns = 0;

	neighbours(before);
	for (size_t c = 0; c < CLASSES; c++)
		shared[c] = (uint8_t)c;
	for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
		shared[shares[i][0]] = shares[i][1];
		before[shares[i][1]] |= before[shares[i][0]];
	}
	for (size_t c = 0; c < CLASSES; c++)
		if (shared[c] == c) {
			assert(columns < 8);
			t->column[c] = (uint8_t)(1u << columns++);
			for (size_t p = 0; p < CLASSES; p++)
				if ((before[c] >> p & 1) != 0)
					t->allows[p] |= t->column[c];
		}
	for (size_t c = 0; c < CLASSES; c++)
		t->column[c] = t->column[shared[c]];
}

static void
classes(struct tables *t)
{
	static const struct { char byte; uint8_t class; } of[] = {
		{ '"', C_QUOTE }, { '{', C_OPEN }, { '[', C_OPEN }, { '}', C_CLOSE }, { ']', C_CLOSE },
		{ ',', C_COMMA },
		{ ':', C_COLON }, { '\n', C_LF }, { ' ', C_BLANK }, { '\t', C_BLANK }, { '\r', C_CR }, { '.', C_DOT },
		{ '-', C_MINUS },
	};

	for (size_t i = 0; i < sizeof of / sizeof of[0]; i++)
		t->class_of[(unsigned char)of[i].byte] = of[i].class;
	for (int c = '0'; c <= '9'; c++)
		t->class_of[c] = C_DIGIT;
	for (uint8_t c = 0; c < CLASSES; c++)
		t->code[c] = (uint8_t)(c | CODE_T | CODE_E);
	t->code[C_OTHER] = C_OTHER;
	t->code[C_DIGIT] = C_DIGIT | CODE_D;
	t->code[C_DOT] = C_DOT | CODE_E;
	for (uint8_t c = C_OPEN; c <= C_LF; c++)	/* the tokens */
		t->code[c] = (uint8_t)(c | CODE_T);
	t->code[C_COLON] = C_COLON | CODE_T | CODE_D;
}

/* The slots that the hashed bytes of one row (high nibble) take when `add` is added. 0 when two of them meet. */
static uint32_t
row_slots(const struct tables *t, unsigned row, unsigned add)
{
	uint32_t slots = 0, bit;

	for (unsigned b = row << 4; b < (row + 1) << 4; b++)
		if (t->class_of[b] != C_OTHER && (b <= '0' || b > '9')) {
			bit = 1u << ((b + add) & 15);
			if ((slots & bit) != 0)
				return 0;
			slots |= bit;
		}
	return slots;
}

/* Search, row by row and back again, for what to add to each row so that no two bytes share a slot. */
static void
hash_tables(struct tables *t)
{
	unsigned row[8], add[8] = { 0 };
	uint32_t used[9] = { 0 }, slots;
	size_t n = 0, i = 0;

	for (unsigned r = 0; r < 8; r++)
		if (row_slots(t, r, 0) != 0)
			row[n++] = r;
	while (i < n) {
		slots = row_slots(t, row[i], add[i]);
		if ((slots & used[i]) == 0) {
			used[i + 1] = used[i] | slots;
			i++;
			continue;
		}
		while (++add[i] == 16) {
			add[i] = 0;
			assert(i > 0);		/* there is a solution: the classes are constants */
			i--;
		}
	}
	memset(t->hash_key, 0xFF, sizeof t->hash_key);	/* matches no byte: those above 0x7F give 0 */
	for (i = 0; i < n; i++) {
		/* The row's own bits are taken off, for bit 7 of the sum must stay clear. */
		t->hash_add[row[i]] = (uint8_t)(add[i] - (row[i] << 4));
		for (unsigned b = row[i] << 4; b < (row[i] + 1) << 4; b++)
			if (t->class_of[b] != C_OTHER && (b <= '0' || b > '9')) {
				t->hash_key[(b + add[i]) & 15] = (uint8_t)b;
				t->hash_code[(b + add[i]) & 15] = b == '0' ? CODE_E : t->code[t->class_of[b]];
			}
	}
}

static void
utf8_tables(struct utf8_tables *t)
{
	enum { SHORT = 1, LONG = 2, OVER3 = 4, BIG = 8, HALF = 16, OVER2 = 32, OVER4 = 64, TWO = 128,
	    ANY = SHORT | LONG | TWO, HUGE = ANY | BIG | OVER4 };

	*t = (struct utf8_tables){
		.lead_high = { LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG, TWO, TWO, TWO, TWO,
		    SHORT | OVER2, SHORT, SHORT | OVER3 | HALF, SHORT | BIG | OVER4 },
		.lead_low = { ANY | OVER3 | OVER2 | OVER4, ANY | OVER2, ANY, ANY, ANY | BIG,
		    HUGE, HUGE, HUGE, HUGE, HUGE, HUGE, HUGE, HUGE, HUGE | HALF, HUGE, HUGE },
		.next_high = { SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT,
		    LONG | OVER2 | TWO | OVER3 | OVER4, LONG | OVER2 | TWO | OVER3 | BIG,
		    LONG | OVER2 | TWO | HALF | BIG, LONG | OVER2 | TWO | HALF | BIG, SHORT, SHORT, SHORT, SHORT },
	};
}

void
tables_init(struct tables *t)
{
	*t = (struct tables){ 0 };
	classes(t);
	pair_tables(t);
	hash_tables(t);
	utf8_tables(&t->utf8);
}
