/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock-live - the shop as it happens: a growing app log and a growing change feed
 *
 * The shop is played a second at a time: visits begin, orders and payments happen, and each line that comes of it
 * waits in a heap for its arrival.  Lines are written when the clock says so, by --speed; what they say does not
 * depend on that.  DIR/app.log and DIR/changes.log grow by whole lines; with --rotate they are renamed to NAME.000001
 * and so on, and begun anew.  DIR/mysql holds the database as it stood when the feed began.
 * Stops after --seconds, or at SIGTERM and SIGINT.  With --seconds DIR/truth is written then: what is asked of it in
 * real time, counted by mock-asks from the lines that were written.
 *
 * Planted, every PLANT_S seconds, beside the troubles of mock-log: a device that clicks one ad 150 times, eight
 * orders of one user and device within as many seconds, a payment of 1.00 more than its order, an order paid twice,
 * someone new whose row is told a minute and a half after the orders, and stocks that run low.
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "mock.h"

#define WARM_S		600		/* played before the log begins: visits are under way then */
#define PLANT_S		600
#define LINES_A_VISIT	10.0
#define SLOW_MS		90000		/* how late the rows of newcomers are told */
#define FULL		(1 << 20)	/* bytes that are written without waiting for the clock */

/* What is on its way: a line of the log, or bytes of the feed. */
struct flight {
	int64_t	 at;			/* ms */
	uint64_t seq;
	char	*text;			/* NULL: ev */
	size_t	 len;
	struct event ev;
	struct told told;
	int64_t	 us;			/* of what is told */
	int64_t	 first;			/* a repeat: when the line came; else 0 */
};

struct out {
	const char *name;
	int	 fd;
	struct buf wait;		/* whole lines, not written yet */
	uint64_t lines, rotated;
	char	 path[4096];
};

struct play {
	struct shop *s;
	const struct live *how;
	struct flight *heap;
	size_t	 n, cap;
	uint64_t seq, visits, made;
	int64_t	 start, now, fed;	/* ms; fed: the last arrival of the feed */
	struct timespec began;
	struct out log, feed;
	double	 due;			/* visits that should have begun */
	char	*last[12];		/* of the feed, for a replay */
	size_t	 last_len[12];
	uint64_t fed_lines;
};

static volatile sig_atomic_t stop;

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

/* ---- what waits ---- */

static bool
sooner(const struct flight *a, const struct flight *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void
depart(struct play *p, struct flight f)
{
	size_t i = p->n;

	f.seq = p->seq++;
	p->heap = more(p->heap, p->n++, &p->cap, sizeof(f));
	for (; i > 0 && sooner(&f, &p->heap[(i - 1) / 2]); i = (i - 1) / 2)
		p->heap[i] = p->heap[(i - 1) / 2];
	p->heap[i] = f;
}

static struct flight
land(struct play *p)
{
	struct flight *h = p->heap, top = h[0], f = h[--p->n];
	size_t i = 0, j;

	while ((j = 2 * i + 1) < p->n) {
		if (j + 1 < p->n && sooner(&h[j + 1], &h[j]))
			j++;
		if (!sooner(&h[j], &f))
			break;
		h[i] = h[j];
		i = j;
	}
	h[i] = f;
	return top;
}

/* ---- files ---- */

static void
out_open(struct out *o, const char *dir, const char *name)
{
	int n = snprintf(o->path, sizeof(o->path), "%s/%s", dir, name);

	o->name = name;
	if (n < 0 || (size_t)n >= sizeof(o->path) - 16)
		errx(2, "%s: name too long", dir);
	if ((o->fd = open(o->path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666)) < 0)
		die("%s", o->path);
}

static void
out_write(struct out *o)
{
	for (size_t at = 0; at < o->wait.n; ) {
		ssize_t n = write(o->fd, o->wait.p + at, o->wait.n - at);

		if (n < 0 && errno != EINTR)
			die("%s", o->path);
		at += n > 0 ? (size_t)n : 0;
	}
	o->wait.n = 0;
}

static void
out_line(struct play *p, struct out *o, const void *text, size_t n)
{
	char aside[4096 + 24];

	put(&o->wait, text, n);
	o->lines++;
	if (p->how->rotate == 0 || o->lines % p->how->rotate != 0)
		return;
	out_write(o);
	snprintf(aside, sizeof(aside), "%s.%06llu", o->path, (unsigned long long)++o->rotated);
	if (rename(o->path, aside) != 0 || close(o->fd) != 0)
		die("%s", aside);
	out_open(o, p->how->dir, o->name);
}

/* ---- lines as they arrive ---- */

static void
arrive_log(struct play *p, const struct flight *f)
{
	static struct buf line;
	struct made m;

	line.n = 0;
	log_line(p->s, &line, &f->ev, &m);
	out_line(p, &p->log, line.p, line.n);
	if (p->how->seconds != 0 && f->first == 0 && f->ev.trouble < TRUNCATED && f->ev.trouble != NO_MID &&
	    f->ev.trouble != NO_TS)
		asks_line(p->s, &f->ev, &m);
}

/* Now and then a line is torn and sent again, an empty message comes, or the feed is started again a little back. */
static void
arrive_feed(struct play *p, const struct flight *f)
{
	const size_t nlast = sizeof(p->last) / sizeof(p->last[0]);
	size_t at = p->fed_lines++ % nlast;
	static struct buf torn;

	if (p->fed_lines % 1500 == 700) {
		torn.n = 0;
		put(&torn, f->text, f->len / 3);
		LIT(&torn, "\n");
		out_line(p, &p->feed, torn.p, torn.n);
	}
	if (p->fed_lines % 1000 == 300)
		out_line(p, &p->feed, "null\n", 5);
	out_line(p, &p->feed, f->text, f->len);
	free(p->last[at]);
	p->last[at] = f->text;
	p->last_len[at] = f->len;
	if (p->how->seconds != 0)
		asks_change(p->s, &f->told, f->us);
	if (p->fed_lines % 2500 != 500)
		return;
	for (size_t i = 1; i <= nlast; i++) {
		size_t j = (at + i) % nlast;

		if (p->last[j] != NULL)
			out_line(p, &p->feed, p->last[j], p->last_len[j]);
	}
}

/* Wait until that much of the shop's time is due; what came before is written first. */
static void
pace(struct play *p, int64_t at)
{
	double want = p->how->speed > 0 ? (double)(at - p->start) / 1000 / p->how->speed : 0, is;
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	is = (double)(t.tv_sec - p->began.tv_sec) + (double)(t.tv_nsec - p->began.tv_nsec) / 1e9;
	if (want <= is + 0.005 && p->log.wait.n + p->feed.wait.n < FULL)
		return;
	out_write(&p->log);
	out_write(&p->feed);
	if (want > is + 0.005) {
		t.tv_sec = (time_t)(want - is);
		t.tv_nsec = (long)((want - is - (double)t.tv_sec) * 1e9);
		nanosleep(&t, NULL);	/* a signal ends it, and the run */
	}
}

static void
arrivals(struct play *p, int64_t end)
{
	while (p->n > 0 && p->heap[0].at < end && !stop) {
		struct flight f = land(p);

		if (f.at >= p->start)
			pace(p, f.at);
		if (f.text != NULL)
			arrive_feed(p, &f);
		else if ((f.first == 0 ? f.at : f.first) >= p->start)	/* the log begins then, the feed at midnight */
			arrive_log(p, &f);
	}
}

/* ---- a second of the shop ---- */

static void
send_events(struct play *p)
{
	struct shop *s = p->s;

	for (size_t i = 0; i < s->nevent; i++) {
		struct flight f = { .ev = s->event[i] };

		log_trouble(s, &f.ev);
		f.at = f.ev.ts + 50 + rnd(&s->rng, 800);
		if (f.ev.trouble == DISORDER)
			f.at += 2000 + rnd(&s->rng, 18000);
		else if (f.ev.trouble == LATE)
			f.at += 10 * MINUTE + rnd(&s->rng, 1200000);
		depart(p, f);
		f.first = f.at;
		f.at += f.ev.trouble == DUP && f.ev.variant == 0 ? 0 : 30000;
		if (f.ev.trouble == DUP || f.ev.trouble == DUP_LATE)
			depart(p, f);
	}
	p->made += s->nevent;
	s->nevent = 0;
}

static void
send_changes(struct play *p)
{
	struct shop *s = p->s;
	struct feed *f = &s->feed[0];

	for (size_t i = 0; i < f->n; i++) {
		const struct message *m = &f->m[i];
		struct flight g = { .len = m->len, .told = m->told, .us = m->us };
		int64_t at = m->us / 1000 + 40 + rnd(&s->rng, 160);
		uint32_t luck = rnd(&s->rng, 100), more_ms = rnd(&s->rng, 1500);

		p->fed = at > p->fed ? at : p->fed;
		g.at = p->fed + (luck == 0 ? more_ms : 0);	/* one in a hundred is overtaken */
		if (m->told.what == TOLD_USER && s->user[m->told.idx].odd == SLOW_USER)
			g.at += SLOW_MS;
		if ((g.text = malloc(m->len)) == NULL)
			die("memory");
		memcpy(g.text, f->text.p + m->off, m->len);
		depart(p, g);
	}
	f->n = f->text.n = 0;
}

/* What only files of a day are made of. */
static void
forget_files(struct shop *s)
{
	s->sql.n = s->api[0].n = s->api[1].n = 0;
	s->sql_open = -1;
	for (int t = 0; t < NTABLE; t++)
		s->side[t].n = (size_t)(s->side_rows[t] = 0);
	s->cart.n = s->favor.n = 0;
}

static void
plant(struct play *p)
{
	int64_t second = (p->now - p->start) / 1000 % PLANT_S, ms = p->now;
	uint32_t round = (uint32_t)((p->now - p->start) / 1000 / PLANT_S);

	if (p->now < p->start)
		return;
	if (second == 5)
		visit_live_scalper(p->s, ms, 8);
	else if (second == 10)
		visit_live_buyer(p->s, ms, true);
	else if (second == 15)
		visit_live_buyer(p->s, ms, false);
	else if (second == 20)
		visit_live_newcomer(p->s, ms);
	else if (second == 30)
		visit_live_clicker(p->s, ms, round % NAD + 1, 150);
}

static void
second(struct play *p)
{
	struct shop *s = p->s;
	double lines = p->visits < 1000 ? LINES_A_VISIT : (double)p->made / (double)p->visits;

	if (day_of_ms(p->now) != s->day) {
		s->day = s->last = day_of_ms(p->now);
		biz_plan(s);
	}
	for (p->due += (double)p->how->rate / lines; p->due >= 1; p->due--, p->visits++)
		visit_live(s, p->now + rnd(&s->rng, 1000));
	plant(p);
	send_events(p);
	biz_until(s, (p->now + 1000) * 1000);
	send_changes(p);
	p->now += 1000;
}

/* ---- the run ---- */

static void
stocks(struct shop *s)
{
	if ((s->stock = calloc(s->nsku + 1, sizeof(*s->stock))) == NULL)
		die("memory");
	for (uint32_t i = 1; i <= s->nsku; i++) {
		tx_begin(s, day_ms(s->day) * 1000);	/* and not ended: it was there before the feed began */
		s->stock[i] = i <= 40 ? 11 + i % 5 : 20 + i * 37 % 80;	/* a sale of what is popular */
		cells_stock(s, &s->after, i);
		tx_insert(s, T_WARE, &s->after);
	}
	s->ntx = 0;
}

static void
directories(const char *dir)
{
	static const char *const sub[] = { "", "/mysql", "/truth" };
	char path[4096];

	for (size_t i = 0; i < sizeof(sub) / sizeof(sub[0]); i++) {
		int n = snprintf(path, sizeof(path), "%s%s", dir, sub[i]);

		if (n < 0 || (size_t)n >= sizeof(path))
			errx(2, "%s: name too long", dir);
		if (mkdir(path, 0777) != 0 && errno != EEXIST)
			die("%s", path);
	}
}

static void
write_database(struct shop *s, const char *dir)
{
	struct buf schema = { 0 };
	char path[4096];

	dim_schema(&schema);
	LIT(&schema, "CREATE TABLE ware_sku (\n  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,\n"
	    "  sku_id BIGINT UNSIGNED,\n  warehouse_id BIGINT UNSIGNED,\n  stock INT\n) DEFAULT CHARSET=utf8mb4;\n");
	snprintf(path, sizeof(path), "%s/mysql/schema.sql", dir);
	file_write(path, "w", &schema);
	free(schema.p);
	sql_file(s);			/* mysql/DAY.sql */
}

static void
begin(struct play *p)
{
	struct shop *s = p->s;
	struct timespec t;
	struct buf boot = { 0 };

	clock_gettime(CLOCK_REALTIME, &t);
	p->start = p->how->start != 0 ? p->how->start : (int64_t)t.tv_sec * 1000;
	p->now = p->start - WARM_S * 1000;
	s->day0 = s->day = s->last = day_of_ms(p->now);
	s->days = 1;
	s->live = true;
	s->dir = p->how->dir;
	directories(p->how->dir);
	dim_init(s);
	biz_init(s);
	visit_init(s);
	dim_day(s);
	biz_plan(s);
	stocks(s);
	write_database(s, p->how->dir);
	forget_files(s);
	out_open(&p->log, p->how->dir, "app.log");
	out_open(&p->feed, p->how->dir, "changes.log");
	feed_boot(s, &boot);
	for (size_t at = 0, n; at < boot.n; at += n) {
		n = (size_t)((char *)memchr(boot.p + at, '\n', boot.n - at) - (boot.p + at)) + 1;
		out_line(p, &p->feed, boot.p + at, n);
	}
	free(boot.p);
	clock_gettime(CLOCK_MONOTONIC, &p->began);
}

void
live_run(struct shop *s, const struct live *how)
{
	static struct play play;	/* a root for leak checkers */
	struct sigaction sa = { .sa_handler = on_signal };
	struct play *p = &play;
	int64_t end;

	p->s = s;
	p->how = how;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	begin(p);
	end = how->seconds == 0 ? INT64_MAX : p->start + (int64_t)how->seconds * 1000;
	while (p->now < end && !stop) {
		second(p);
		arrivals(p, p->now < end ? p->now : end);
		forget_files(s);
	}
	out_write(&p->log);
	out_write(&p->feed);
	if (close(p->log.fd) != 0 || close(p->feed.fd) != 0)
		die("%s", how->dir);
	if (how->seconds != 0)
		asks_write(s, how->dir);
}
