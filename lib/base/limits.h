/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limits - every fixed bound of the product, with its unit in its name
 *
 *	if (line.n > LINE_BYTES_MAX) ... the line is rejected, the next one is read ...
 *
 * Invariants: a limit that a user can meet is an option of lib/run (named beside
 * it) and this is its default; hitting one is that record's error, never a cut.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#include <stddef.h>

#define KIB ((size_t)1024)
#define MIB (KIB * KIB)

#define LINE_BYTES_MAX (64 * MIB)	/* --max-line */
#define STRING_BYTES_MAX (16 * MIB)	/* --max-string */
#define DEPTH_MAX 1024			/* --max-depth; the scanner's stack is this long */
#define CONF_BYTES_MAX (16 * MIB)	/* a file that a command goes by, and what a job notes of its versions */
#define KEYS_MAX (1u << 20)		/* --max-keys, in one object */
#define PATHS_MAX 256			/* asked paths of one command */
#define PATH_SEGS_MAX 64		/* segments of one path */

#define BATCH_RECORDS_MAX 1024		/* records an operator sees at once */
#define BLOCK_BYTES (256 * KIB)		/* input is read and scanned in blocks of this size; they stay in the L2 */
#define FILE_BLOCK_BYTES MIB		/* of a long file, where each thread ends what it begins: fewer calls */
#define SPARE_FILES 64		/* descriptors that files of an input leave for all the rest */
#define BLOCK_PAD_BYTES 128		/* readable bytes behind each block, for wide loads */
#define PIPE_BYTES MIB			/* pipes are enlarged to this (F_SETPIPE_SZ) */
#define FRAME_BYTES MIB			/* raw input bytes of one zstd frame we write */
#define ZSTD_WINDOW_LOG_MAX 27		/* 128 MiB; a frame that asks for more is refused */

#define MEM_BUDGET_BYTES (256 * MIB)	/* -S, PIPEHOUSE_MEM */
#define IDLE_FLUSH_MS 100		/* output is flushed when the input idles this long */
#define MESSAGE_BYTES_MAX 400		/* one message on stderr, before masking */
#define EXCERPT_BYTES_MAX 64		/* of bad input shown in a message */

#define DECIMAL_DIGITS_MAX 38		/* |v| < 10^38 */
#define DECIMAL_SCALE_MAX 38

#endif
