/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan - strict RFC 8259 over blocks of lines; hands back the spans of the asked paths
 *
 *	struct scan *s = scan_new(ps, &(struct scan_conf){ 0 });
 *	scan_block(s, p, n);				// whole lines; BLOCK_PAD_BYTES readable behind p + n
 *	while (scan_next(s, &got)) ... got.n lines, got.kind[i], got.line[i], got.col[c][i] ...
 *	scan_free(s);
 *
 * Invariants: every line is judged whole (grammar, UTF-8, escapes, surrogates, limits), also where no path is asked.
 * A key that asked paths go through and that stands twice in its object makes the line bad ("path occurs twice",
 * compared unescaped); other keys may repeat.  No copy, no allocation per record, no recursion.  All kernels and all
 * block splits give the same answers as the plain parser in in/scan_plain.c.  One scan per thread; spans live as
 * long as the block.
 */
#ifndef IN_SCAN_H
#define IN_SCAN_H

#include "base/batch.h"
#include "in/path.h"

enum kernel { KERNEL_BEST, KERNEL_PLAIN, KERNEL_PORTABLE, KERNEL_AVX2, KERNEL_AVX512, KERNEL_GFNI, KERNELS };

struct scan_conf {		/* zero: the default of base/limits.h */
	enum kernel kernel;	/* KERNEL_BEST: what the machine has, or what PIPEHOUSE_KERNEL names */
	size_t max_string, max_depth, max_keys;
	bool any;		/* a line may be any JSON value, not only an object (tests) */
	bool gather;		/* as scan_gather */
};

enum line_kind { LINE_RECORD, LINE_BLANK, LINE_BAD };

struct scanned {
	size_t n;			/* at most BATCH_RECORDS_MAX */
	const struct span *line;	/* [n] without LF and without a CR before it */
	const uint8_t *kind;		/* [n] enum line_kind */
	const char *const *why;		/* [n] LINE_BAD: constant reason */
	const uint32_t *at;		/* [n] LINE_BAD: byte offset in the line */
	const struct val *const *col;	/* col[c][i]; T_ABSENT in lines that are no records */
};

/* A scanner for these paths; they must outlive it.  Dies only of memory; an impossible kernel falls back. */
struct scan *scan_new(const struct pathset *, const struct scan_conf *);
/* Begin a block: n bytes of lines; the last one may lack its LF.  A block longer than 4 GiB is not allowed. */
void scan_block(struct scan *, const char *p, size_t n);
/* The next lines of the block, in order; false at its end. got's arrays live until the next call. */
bool scan_next(struct scan *, struct scanned *got);
/*
 * From now on hand out most of BATCH_RECORDS_MAX lines at a time, for what is done once a batch or for many keys at
 * once; else it is the lines of 32 KiB, so that they and their values are still in the nearest cache.
 */
void scan_gather(struct scan *);
/*
 * The members of a record handed out last, `line` being its place in got.line, in their order and at most `most`; from
 * the tokens that are known of it already, which is a fifth of the work of in/rec.  Keys are raw.  SIZE_MAX: it is not
 * known of this line, or there are more.
 */
struct member { struct span key; struct val v; };
size_t scan_members(const struct scan *, const struct span *line, struct member *, size_t most);
const char *scan_kernel(const struct scan *);
void scan_free(struct scan *);

/* One text on its own (specs, operands, tests): any JSON value; NULL or a reason, *at its offset. */
const char *scan_value(struct span text, const struct scan_conf *, size_t *at);

#endif
