/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan_dump - what the scanner says of each line, for the Python drivers in tests/scan
 *
 *	scan_dump [-k kernel] [-b blocksize] [-p path]... [-a] [-1] [FILE]
 *
 * Prints a line per input line: `ok`, `bad AT WHY` or `blank`; after `ok`, a tab and `-` or TYPE:OFFSET:LENGTH for each
 * path (offset in the line; TYPE as val_tag_name's first letter, s n o a, t f for booleans, z for null; an `e` behind
 * it when the string holds escapes).  -a accepts any JSON value; -1 judges the whole input as one value.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "in/scan.h"
#include "in/source.h"

static const struct { const char *name; enum kernel k; } kernels[] = {
	{ "best", KERNEL_BEST }, { "plain", KERNEL_PLAIN }, { "portable", KERNEL_PORTABLE }, { "avx2", KERNEL_AVX2 },
	{ "avx512", KERNEL_AVX512 },
	{ "gfni", KERNEL_GFNI },
};

static enum kernel
kernel_of(const char *name)
{
	for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
		if (strcmp(kernels[i].name, name) == 0)
			return kernels[i].k;
	err_die(EXIT_USAGE, "no kernel %s", name);
}

static void
print(const struct scanned *g, size_t cols)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->kind[i] == LINE_BLANK) {
			puts("blank");
			continue;
		}
		if (g->kind[i] == LINE_BAD) {
			printf("bad %u %s\n", g->at[i], g->why[i]);
			continue;
		}
		printf("ok");
		for (size_t c = 0; c < cols; c++) {
			const struct val *v = &g->col[c][i];

			if (v->tag == T_ABSENT)
				printf("\t-");
			else
				printf("\t%c%s:%zu:%zu", "-zftnsao"[v->tag], v->escaped ? "e" : "",
				    (size_t)(v->raw.p - g->line[i].p), v->raw.n);
		}
		putchar('\n');
	}
}

static int
one_value(const char *name)
{
	FILE *f = name == NULL ? stdin : fopen(name, "rb");
	struct buf b = { 0 };
	struct scan_conf conf = { .any = true };
	const char *why;
	size_t n, at;

	if (f == NULL)
		return EXIT_IO;
	while ((n = fread(buf_room(&b, 65536), 1, 65536, f)) > 0)
		b.n += n;
	why = scan_value(buf_span(&b), &conf, &at);
	if (why == NULL)
		puts("ok");
	else
		printf("bad %zu %s\n", at, why);
	buf_free(&b);
	if (f != stdin)
		fclose(f);
	return fflush(stdout) == 0 ? 0 : EXIT_IO;
}

int
main(int argc, char **argv)
{
	struct pathset *ps = pathset_new();
	struct scan_conf conf = { 0 };
	struct source_conf sconf = { .raw = true };
	struct source *src;
	struct scan *s;
	struct scanned g;
	struct block b;
	char err[400];
	bool one = false;
	int c, rc;

	err_name("scan_dump");
	while ((c = getopt(argc, argv, "k:b:p:a1")) != -1)
		switch (c) {
		case 'k':
			conf.kernel = kernel_of(optarg);
			break;
		case 'b':
			sconf.block = strtoul(optarg, NULL, 10);
			break;
		case 'p':
			if (pathset_add(ps, span_str(optarg), err, sizeof err) == -1)
				err_die(EXIT_USAGE, "%s", err);
			break;
		case 'a':
			conf.any = true;
			break;
		case '1':
			one = true;
			break;
		default:
			return EXIT_USAGE;
		}
	if (one) {
		pathset_free(ps);
		return one_value(argv[optind]);
	}
	if ((rc = source_open(argv[optind] != NULL ? argv[optind] : "-", &sconf, &src)) != 0)
		return rc;
	s = scan_new(ps, &conf);
	while ((rc = source_block(src, &b)) == 0 && b.n > 0) {
		if (b.long_line > 0) {
			puts("bad 0 long");
			continue;
		}
		scan_block(s, b.p, b.n);
		while (scan_next(s, &g))
			print(&g, ps->n);
	}
	scan_free(s);
	source_close(src);
	pathset_free(ps);
	return fflush(stdout) == 0 ? rc : EXIT_IO;
}
