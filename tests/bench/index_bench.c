/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * index_bench - what an index of trace ids costs to build
 *
 *	index_bench PATH ROWS FILES
 *
 * Prints `hash row end` for each of FILES indices of ROWS rows, built one after the other as a writer builds those of its
 * parts: nanoseconds of CPU a row, of XXH3 of the ids alone by the library, of index_row(), and of index_end(), which
 * sorts, writes and syncs.  Ids are new ones in each row, 32 hexadecimal digits, and in the cache when they are handed
 * over, as those of a line that was just read are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/err.h"
#include "base/limits.h"
#include "store/index.h"

#define ID_BYTES 32
#define BATCH 4096
#define LINE_BYTES 487		/* of the shop's logs */

static char text[BATCH][ID_BYTES + 2];	/* and its quotes */
static uint64_t state = 88172645463325252u;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
new_ids(void)
{
	for (size_t i = 0; i < BATCH; i++) {
		text[i][0] = text[i][ID_BYTES + 1] = '"';
		for (size_t k = 1; k <= ID_BYTES; k++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			text[i][k] = "0123456789abcdef"[state >> 60];
		}
	}
}

int
main(int argc, char **argv)
{
	struct pathset *ps = index_paths("trace_id");
	struct index_room room = { 0 };
	struct index_file file = { .bytes = 1 };
	size_t rows, files, frames;
	uint32_t *frame;
	uint64_t sum = 0;

	err_name("index_bench");
	mem_begin();
	if (argc != 4)
		return EXIT_USAGE;
	file.path = argv[1];
	rows = (size_t)strtoull(argv[2], NULL, 10) / BATCH * BATCH;
	files = (size_t)strtoull(argv[3], NULL, 10);
	/* a frame ends with the line that fills it */
	frames = (rows + FRAME_BYTES / LINE_BYTES) / (FRAME_BYTES / LINE_BYTES + 1);
	frame = mem_new(mem_mul(frames, sizeof *frame));
	for (size_t f = 0; f < files; f++) {
		struct index *ix = index_begin(ps, &room, file.path);
		struct buf name = { 0 };
		double hash = 0, row = 0, t0, t1, t2;
		int rc;

		unlink(index_name(file.path, &name));
		for (size_t i = 0; i < rows; i += BATCH) {
			new_ids();
			t0 = now();
			for (size_t k = 0; k < BATCH; k++)
				sum += XXH3_64bits(text[k] + 1, ID_BYTES);
			t1 = now();
			for (size_t k = 0; k < BATCH; k++) {
				struct val v = { .tag = T_STR, .raw = span_of(text[k], ID_BYTES + 2) };

				index_row(ix, &v, 1, LINE_BYTES);
			}
			t2 = now();
			hash += t1 - t0;
			row += t2 - t1;
		}
		t0 = now();
		if ((rc = index_end(ix, &file, frame, frames, false)) != 0)
			return rc;
		printf("%.2f %.2f %.2f\n", hash / (double)rows, row / (double)rows, (now() - t0) / (double)rows);
		unlink(index_name(file.path, &name));
		buf_free(&name);
	}
	index_room_free(&room);
	free(frame);
	pathset_free(ps);
	return sum == 0;
}
