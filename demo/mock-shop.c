/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-shop - sample source data of a shop, and the true answers to them
 *
 * Writes under OUTDIR the business database as SQL (mysql/), its change feed
 * (cdc/), the raw app log (log/), marketing's costs (csv/), the order interface
 * (api/) and the right metrics with the counts of all planted troubles (truth/),
 * a file a day each.  demo/README.md tells more.
 * Time and memory: at scale 1 about three seconds a day, and 320 MiB.
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "mock.h"

static const char synopsis[] =
    "mock-shop --days N --scale S --seed K [--start YYYY-MM-DD] OUTDIR\n";

static void
usage(const char *why)
{
	fprintf(stderr, "mock-shop: %s\nusage: %s", why, synopsis);
	exit(2);
}

static unsigned long long
number(const char *text, unsigned long long max, const char *why)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || v > max)
		usage(why);
	return v;
}

static double
fraction(const char *text, const char *why)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end != '\0' || !(v > 0 && v <= 100))
		usage(why);
	return v;
}

static void
options(struct shop *s, int argc, char *argv[])
{
	static const struct option opts[] = {
		{ "days", required_argument, NULL, 'd' },
		{ "scale", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'k' },
		{ "start", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int c;

	day_parse("2026-06-01", &s->day0);
	while ((c = getopt_long(argc, argv, "h", opts, NULL)) != -1) {
		switch (c) {
		case 'd':
			s->days = (int64_t)number(optarg, 3660, "--days: 1 to 3660");
			break;
		case 's':
			s->scale = fraction(optarg, "--scale: above 0, at most 100");
			break;
		case 'k':
			s->seed = number(optarg, UINT64_MAX, "--seed: a number");
			break;
		case 't':
			if (!day_parse(optarg, &s->day0))
				usage("--start: YYYY-MM-DD");
			break;
		case 'h':
			printf("usage: %s", synopsis);
			exit(fflush(stdout) == 0 ? 0 : 4);
		default:
			fprintf(stderr, "usage: %s", synopsis);
			exit(2);
		}
	}
	if (s->days < 1 || s->scale <= 0)
		usage("--days and --scale are required");
	if (argc - optind != 1)
		usage("one OUTDIR is required");
	s->dir = argv[optind];
	s->last = s->day0 + s->days - 1;
}

static void
directories(const char *dir)
{
	static const char *const sub[] = { "", "/mysql", "/cdc", "/log", "/csv", "/api", "/truth" };
	char path[4096];

	for (size_t i = 0; i < sizeof(sub) / sizeof(sub[0]); i++) {
		int n = snprintf(path, sizeof(path), "%s%s", dir, sub[i]);

		if (n < 0 || (size_t)n >= sizeof(path))
			errx(2, "%s: name too long", dir);
		if (mkdir(path, 0777) != 0 && errno != EEXIST)
			die("%s", path);
	}
}

/* Where the lists stand as the day begins. */
static void
mark_day(struct shop *s)
{
	for (unsigned k = sizeof(s->mark) / sizeof(s->mark[0]) - 1; k > 0; k--)
		s->mark[k] = s->mark[k - 1];
	s->mark[0] = (struct mark){ .user = s->nuser, .order = s->norder, .pay = s->npay,
	    .refund = s->nrefund, .use = s->nuse };
}

static void
play_day(struct shop *s)
{
	struct buf rejects = { 0 };
	char path[4096];

	dim_day(s);
	biz_plan(s);
	side_day(s);
	visit_day(s);
	biz_run(s);
	side_close(s);
	log_file(s, &rejects);
	feed_file(s, &rejects);
	files_day(s, &rejects);
	sql_file(s);
	truth_file(s);
	file_path(path, sizeof(path), s->dir, "truth/rejects-", s->day, ".ndjson");
	file_write(path, "w", &rejects);
	free(rejects.p);
	mark_day(s);
}

int
main(int argc, char *argv[])
{
	static struct shop s = { .seed = 1, .sql_open = -1 };	/* a root for leak checkers */
	struct buf schema = { 0 };
	char path[4096];

	options(&s, argc, argv);
	directories(s.dir);
	s.rng.s = mix(s.seed + 1);
	dim_init(&s);
	biz_init(&s);
	visit_init(&s);
	dim_schema(&schema);
	snprintf(path, sizeof(path), "%s/mysql/schema.sql", s.dir);
	file_write(path, "w", &schema);
	free(schema.p);
	for (s.day = s.day0; s.day <= s.last; s.day++)
		play_day(&s);
	return 0;
}
