/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-shop - sample source data of a shop, and the true answers to them
 *
 * Writes under OUTDIR the business database as SQL (mysql/), its change feed
 * (cdc/), the raw app log (log/), marketing's costs (csv/), the order interface
 * (api/) and the right metrics with the counts of all planted troubles (truth/),
 * a file a day each.  demo/README.md tells more.
 * Time and memory: at scale 1 about three seconds a day, and 320 MiB.
 * With --live it plays on while the clock runs: mock-live.c.
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "mock.h"

static const char synopsis[] =
    "mock-shop --days N --scale S --seed K [--start YYYY-MM-DD] OUTDIR\n"
    "       mock-shop --live --rate R [--seconds S] [--seed K] [--clock YYYY-MM-DD[THH:MM:SS]] [--speed X]"
    " [--rotate N] OUTDIR\n";

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
fraction(const char *text, double max, const char *why)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end != '\0' || !(v > 0 && v <= max))
		usage(why);
	return v;
}

/* A local time, to the second. */
static int64_t
clock_time(const char *text)
{
	static const char why[] = "--clock: YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS, local time";
	unsigned h = 0, m = 0, s = 0;
	char day[11] = "";
	int end = 0;
	int64_t d;

	memcpy(day, text, strnlen(text, 10));
	if (!day_parse(day, &d) || (text[10] != '\0' &&
	    (sscanf(text + 10, "%*1[T ]%2u:%2u:%2u%n", &h, &m, &s, &end) != 3 || end != 9 || text[19] != '\0')) ||
	    h > 23 || m > 59 || s > 59)
		usage(why);
	return day_ms(d) + (int64_t)h * HOUR + (int64_t)m * MINUTE + (int64_t)s * 1000;
}

static void
options_whole(struct shop *s, const struct live *l, bool live)
{
	if (!live && (l->rate != 0 || l->seconds != 0 || l->rotate != 0 || l->start != 0))
		usage("--rate, --seconds, --rotate and --clock go with --live");
	if (live && (s->days != 0 || s->scale > 0))
		usage("--live goes with neither --days nor --scale");
	if (live && l->rate == 0)
		usage("--rate is required");
	if (!live && (s->days < 1 || s->scale <= 0))
		usage("--days and --scale are required");
	/* so many devices and users as its lines need, up to those of a day of a million */
	if (live)
		s->scale = l->seconds == 0 || l->rate * l->seconds > 1000000 ? 1 : (double)(l->rate * l->seconds) / 1e6;
	if (live && s->scale < 0.002)
		s->scale = 0.002;
}

static void
options(struct shop *s, struct live *l, bool *live, int argc, char *argv[])
{
	static const struct option opts[] = {
		{ "days", required_argument, NULL, 'd' },
		{ "scale", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'k' },
		{ "start", required_argument, NULL, 't' },
		{ "live", no_argument, NULL, 'l' },
		{ "rate", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 'n' },
		{ "clock", required_argument, NULL, 'c' },
		{ "speed", required_argument, NULL, 'x' },
		{ "rotate", required_argument, NULL, 'o' },
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
			s->scale = fraction(optarg, 100, "--scale: above 0, at most 100");
			break;
		case 'k':
			s->seed = number(optarg, UINT64_MAX, "--seed: a number");
			break;
		case 't':
			if (!day_parse(optarg, &s->day0))
				usage("--start: YYYY-MM-DD");
			break;
		case 'l':
			*live = true;
			break;
		case 'r':
			l->rate = number(optarg, 1000000, "--rate: 1 to 1000000 lines a second");
			break;
		case 'n':
			l->seconds = number(optarg, 100000000, "--seconds: a number");
			break;
		case 'c':
			l->start = clock_time(optarg);
			break;
		case 'x':
			l->speed = strcmp(optarg, "0") == 0 ? 0 : fraction(optarg, 100000, "--speed: 0 to 100000");
			break;
		case 'o':
			l->rotate = number(optarg, UINT32_MAX, "--rotate: a number of lines");
			break;
		case 'h':
			printf("usage: %s", synopsis);
			exit(fflush(stdout) == 0 ? 0 : 4);
		default:
			fprintf(stderr, "usage: %s", synopsis);
			exit(2);
		}
	}
	options_whole(s, l, *live);
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
	struct live live = { .speed = 1 };
	struct buf schema = { 0 };
	char path[4096];
	bool lives = false;

	options(&s, &live, &lives, argc, argv);
	s.rng.s = mix(s.seed + 1);
	if (lives) {
		live.dir = s.dir;
		live_run(&s, &live);
		return 0;
	}
	directories(s.dir);
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
