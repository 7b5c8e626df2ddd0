/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_bench - how fast the scanner goes over a file
 *
 *	scan_bench KERNEL FILE PATH...
 *
 * Prints `seconds records values`: CPU seconds of this process, reading included, for walls are disturbed by others; values
 * is how many of the paths were there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "in/scan.h"
#include "in/source.h"

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	struct pathset *ps = pathset_new();
	struct scan_conf conf = { 0 };
	size_t records = 0, values = 0, bad = 0;
	struct source *src;
	struct scanned g;
	struct scan *s;
	struct block b;
	char err[400];
	double t0;
	int rc;

	err_name("scan_bench");
	if (argc < 3)
		return EXIT_USAGE;
	setenv("PIPEHOUSE_KERNEL", argv[1], 1);
	for (int i = 3; i < argc; i++)
		if (pathset_add(ps, span_str(argv[i]), err, sizeof err) == -1)
			err_die(EXIT_USAGE, "%s", err);
	if ((rc = source_open(argv[2], &(struct source_conf){ .file_block = FILE_BLOCK_BYTES }, &src)) != 0)
		return rc;
	s = scan_new(ps, &conf);
	if (strcmp(scan_kernel(s), argv[1]) != 0)
		err_die(EXIT_USAGE, "no kernel %s here", argv[1]);
	t0 = now();
	while ((rc = source_block(src, &b)) == 0 && b.n > 0) {
		uint64_t lines = 0;

		scan_block(s, b.p, b.n);
		while (scan_next(s, &g)) {
			lines += g.n;
			for (size_t i = 0; i < g.n; i++) {
				records += g.kind[i] == LINE_RECORD;
				bad += g.kind[i] == LINE_BAD;
			}
			for (size_t c = 0; c < ps->n; c++)
				for (size_t i = 0; i < g.n; i++)
					values += g.col[c][i].tag != T_ABSENT;
		}
		source_counted(src, lines);
	}
	printf("%.6f %zu %zu\n", now() - t0, records, values);
	if (bad > 0)
		err_warn("%zu bad lines", bad);
	scan_free(s);
	source_close(src);
	pathset_free(ps);
	return rc;
}
