/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_kernel - what a kernel of the scanner does, and what it may leave to others
 *
 *	kernel_avx2.mark(&tables, &marks, p, n);	// n <= WINDOW_BYTES, p at a line start
 *
 * A kernel goes once over a window and finds its tokens: { } [ ] , outside strings, and every LF.  Colons are none: a
 * token's byte is complemented when a colon stands between it and the token before.  It sets an error bit on each
 * line (on one of its bytes or on its LF) in which it saw anything but these: strings of valid UTF-8 without control
 * bytes and with known escapes, \u surrogates in pairs; numbers without a needless leading zero and with digits on both
 * sides of one point; and between tokens nothing but one scalar where a value may stand, with at most one key and
 * colon before it, and a colon nowhere else.  It need not prove
 *   - brackets, and that members have keys and elements have none: the walk does, or a shape walked before;
 *   - runs of other bytes outside strings, and what stands behind them: it lists where each begins, the driver then
 *     judges the whole scalar;
 *   - that a line with an error bit is bad: the plain parser decides, and names the reason.
 * So a kernel may mark a valid line (odd layouts), never leave a bad one unmarked.
 *
 * Invariants: BLOCK_PAD_BYTES are readable behind the window, nothing before it.  Bytes behind the window's last LF
 * may be marked wrongly, for they are seen in part; the driver looks at whole lines only.  Marks come cleared
 * (marks_clear).
 */
#ifndef IN_SCAN_KERNEL_H
#define IN_SCAN_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "in/scan_grammar.h"

#define WINDOW_BYTES 32768	/* offsets fit 16 bits; input and marks stay in the first caches */
#define WINDOW_WORDS (WINDOW_BYTES / 64)
#define MARKS_SLACK 64		/* entries a kernel may write behind the last one */

struct marks {
	size_t n, n_words;
	uint64_t any_error, any_slash;	/* not 0: some word of those below is not 0 */
	uint8_t token[WINDOW_BYTES + MARKS_SLACK];	/* the tokens' bytes, in order; a member's complemented */
	uint16_t pos[WINDOW_BYTES + MARKS_SLACK];	/* and where they stand */
	uint16_t word[WINDOW_BYTES + MARKS_SLACK];	/* where runs of other bytes begin */
	uint64_t error[WINDOW_WORDS];	/* a bit a byte */
	uint64_t slash[WINDOW_WORDS + 1];	/* backslashes, a bit a byte; one word more, for reads at any byte */
	uint64_t slashed[WINDOW_WORDS / 64];	/* words of slash that are not 0, a bit each */
};

/* Bit 7 of a token: a colon stands before it. */
static inline bool
token_member(uint8_t token)
{
	return token >= 0x80;
}

static inline uint8_t
token_byte(uint8_t token)
{
	return (uint8_t)(token ^ -(token >> 7));
}

/* Brackets have bit 6; those that open also bit 1, and curly ones bit 5. */
#define TOKEN_BRACKET 0x40
#define TOKEN_OPEN 0x02
#define TOKEN_CURLY 0x20

/* All marks of the window before off: only what it has set. */
static inline void
marks_clear(struct marks *m)
{
	m->n = m->n_words = 0;
	if (m->any_error != 0)
		memset(m->error, 0, sizeof m->error);
	if (m->any_slash != 0) {
		memset(m->slash, 0, sizeof m->slash);
		memset(m->slashed, 0, sizeof m->slashed);
	}
	m->any_error = m->any_slash = 0;
}

/* There is an error at some of the 64 bytes from offset `base` on. */
static inline void
marks_error(struct marks *m, size_t base, uint64_t bits)
{
	m->error[base / 64] |= bits;
	m->any_error |= bits;
}

struct kernel_ops {
	const char *name;
	void (*mark)(const struct tables *, struct marks *, const char *p, size_t n);
};

extern const struct kernel_ops kernel_portable;
#ifdef __x86_64__
extern const struct kernel_ops kernel_avx2, kernel_avx512, kernel_gfni;
#endif

/* Is any bit of [from, to) set?  from < to. */
static inline bool
bits_in(const uint64_t *bits, size_t from, size_t to)
{
	size_t w = from / 64, last = (to - 1) / 64;
	uint64_t first_mask = ~(uint64_t)0 << from % 64, last_mask = ~(uint64_t)0 >> (63 - (to - 1) % 64);

	if (w == last)
		return (bits[w] & first_mask & last_mask) != 0;
	if ((bits[w] & first_mask) != 0 || (bits[last] & last_mask) != 0)
		return true;
	for (w++; w < last; w++)
		if (bits[w] != 0)
			return true;
	return false;
}

#endif
