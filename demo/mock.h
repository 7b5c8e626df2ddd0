/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock - the parts of mock-shop, a generator of sample source data
 *
 * mock-shop plays a shop for some days: devices visit (mock-visit) and write
 * a log (mock-log), buyers make orders (mock-biz), the database's changes
 * become SQL and a change feed (mock-feed), and the true answers are counted
 * beside it (mock-truth).  Its accounting is an oracle for the warehouse, so
 * nothing here comes from lib/: only libc.
 *
 * Invariants: everything follows from (days, scale, seed, start), and no
 * expression draws twice from rng, for compilers order operands as they like;
 * times are Asia/Shanghai, a fixed +08:00; a `day` is a count of local days
 * since 1970-01-01; `ms` and `us` are since the epoch; money is in cents; slot
 * 0 of users means nobody.  Memory is never given back before the end.
 *
 *	struct shop s = { .days = 2, .scale = 0.01, .seed = 1, .day0 = day };
 *	dim_init(&s); biz_init(&s); visit_init(&s);
 *	for (s.day = day0; s.day <= s.last; s.day++)
 *		... see main() for one day ...
 */
#ifndef MOCK_H
#define MOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DAY_MS	86400000LL
#define DAY_US	(DAY_MS * 1000)
#define ZONE_MS	28800000LL		/* +08:00 */
#define MINUTE	60000LL			/* ms */
#define HOUR	(60 * MINUTE)

/* ---- mock-util: bytes, numbers, times, files ---- */

struct buf {
	char	*p;
	size_t	 n, cap;
};

struct rng {
	uint64_t s;
};

void	 die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* Room for at least one element more than n; p may move. */
void	*more(void *p, size_t n, size_t *cap, size_t size);
void	 buf_grow(struct buf *, size_t n);
void	 put_u(struct buf *, uint64_t);
void	 put_money(struct buf *, int64_t cents);
void	 put_day(struct buf *, int64_t day, const char *sep);	/* 2026-06-01, sep "-" */
void	 put_us(struct buf *, int64_t us);		/* 2026-06-01 00:00:00.000000 */
void	 put_hex(struct buf *, uint64_t trace);		/* 32 hex digits */
void	 put_json(struct buf *, const char *, size_t);	/* quoted, escaped */
void	 put_sql(struct buf *, const char *, size_t);
void	 put_fmt(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int64_t	 day_of_ms(int64_t ms);
int64_t	 day_ms(int64_t day);		/* its first ms */
bool	 day_parse(const char *, int64_t *day);
void	 file_path(char *path, size_t size, const char *dir, const char *sub, int64_t day,
	    const char *suffix);
void	 file_write(const char *path, const char *mode, const struct buf *);

static inline void
put(struct buf *b, const void *p, size_t n)
{
	if (n == 0)			/* p may be NULL then */
		return;
	if (b->cap - b->n < n)
		buf_grow(b, n);
	memcpy(b->p + b->n, p, n);
	b->n += n;
}
#define LIT(b, s)	put((b), (s), sizeof(s) - 1)
#define STR(b, s)	put((b), (s), strlen(s))

static inline uint64_t
mix(uint64_t z)			/* splitmix64's finish: one to one */
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static inline uint64_t
next64(struct rng *r)
{
	return mix(r->s += 0x9e3779b97f4a7c15u);
}

static inline uint32_t
rnd(struct rng *r, uint32_t n)		/* 0 .. n-1, n > 0 */
{
	return (uint32_t)((next64(r) >> 32) * n >> 32);
}

/* ---- what exists ---- */

enum { NPROVINCE = 34, NCHANNEL = 6, NSKU = 400, NSPU = 100, NTM = 30, NC1 = 10, NC2 = 30,
    NC3 = 90, NITEM = 5 };

struct province {
	const char	*name, *city;
	int		 region, area;		/* area_code / 10000 */
	const char	*iso;
};
extern const struct province provinces[NPROVINCE + 1];		/* from 1 */
extern const char *const order_channels[NCHANNEL];		/* in byte order */

struct sku {
	int64_t	 price, cost, operated;
	uint32_t spu;
	bool	 sale;
};

struct user {
	uint64_t id;
	int64_t	 created, operated;		/* us; operated 0 is NULL */
	uint32_t seed;
	uint16_t nick, phone, mail, level;	/* versions; level from 1 */
	uint8_t	 odd;				/* planted oddity, 0 none */
};

struct detail {
	uint64_t id;
	uint32_t order, sku, num;
	int64_t	 price, total, activity, coupon;
	int64_t	 gone;				/* night whose feed told of the delete, or 0 */
};

struct order {
	uint64_t id;
	uint32_t user, detail, ndetail, seq, pay, status;
	uint8_t	 province, channel, payway;
	int64_t	 at, operated;			/* us */
	int64_t	 original, activity, coupon, freight, total;
	uint64_t trace;
	bool	 signed_for;
	int64_t	 night;				/* first told in that night's feed; 0 not yet */
	int64_t	 before, cut_night;		/* total before a line was cut, and when told */
	/* what will happen, in us; 0 never */
	int64_t	 trim_at, pay_at, cancel_at, refund_after;
	uint64_t pay_trace;
	bool	 pay_fails;
};

struct pay {
	uint64_t id, trace;
	uint32_t order, status;
	int64_t	 at, callback, cents, night;	/* night: when success was told */
};

struct refund {
	uint64_t id, trace;
	uint32_t order, detail, num, status;
	int64_t	 at, cents, night;
};

struct dev {
	uint32_t user, user2, ip, seed;
	uint8_t	 province;
	int64_t	 first_day, busy_day, last_ms;
};

enum page { P_START, P_HOME, P_CATEGORY, P_SEARCH, P_LIST, P_DETAIL, P_SPEC, P_COMMENT, P_CART,
    P_LOGIN, P_REGISTER, P_TRADE, P_PAYMENT, P_UNPAID, P_MINE, P_FAVOR, P_DISCOVERY, P_ACTIVITY,
    NPAGE };

/* Troubles of a log line; one at most, see the table in mock-log.c. */
enum trouble { OK, UID_NULL, TEXT, ERR, TS_TEXT, NO_TRACE, EMPTY_ARRAY, DUP, DUP_LATE, LATE,
    DISORDER, NO_MID, NO_TS, TRUNCATED, CONTROL, BAD_UTF8, SURROGATE, NTROUBLE };

struct event {				/* one line of the app log, before it is text */
	int64_t	 ts;			/* ms; a device has no two events of one ms */
	uint64_t trace;
	uint32_t dev, user, ref, seed, during;
	uint8_t	 page, last, trouble, variant;	/* last P_START: the visit's first page */
	bool	 safe;			/* keep it whole: part of a planted case or an order */
};

struct delivery {
	int64_t	 at;			/* arrival, ms */
	uint64_t seq;
	struct event ev;
	bool	 dup;
};

struct todo {
	int64_t	 at;			/* us */
	uint64_t seq;
	uint32_t idx;
	uint8_t	 what;
};

struct hit {				/* a page view that counts */
	int64_t	 ts;
	uint32_t dev, user, ip;
	bool	 entry, is_new;
};

struct hits {
	struct hit *v;
	size_t	 n, cap;
};

/* Rows of a database table on their way to SQL and JSON; cell 0 is the key. */
enum table { T_REGION, T_PROVINCE, T_TM, T_C1, T_C2, T_C3, T_SPU, T_SKU, T_USER, T_ORDER,
    T_DETAIL, T_PAY, T_REFUND, NTABLE };

struct row {
	struct cell {
		const char	*name;
		char		 type;		/* n number, s string, 0 null */
		size_t		 off, len;
	} c[32];
	size_t	 n;
	struct buf text;
};

void	 row_clear(struct row *);
void	 cell_u(struct row *, const char *name, uint64_t);
void	 cell_money(struct row *, const char *name, int64_t cents);
void	 cell_us(struct row *, const char *name, int64_t us);	/* 0 is NULL */
void	 cell_trace(struct row *, const char *name, uint64_t trace);
void	 cell_s(struct row *, const char *name, const char *);	/* NULL is NULL */
void	 cell_fmt(struct row *, const char *name, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

struct message {
	size_t	 off, len;
	bool	 zipper;		/* a change of the user who is swapped on purpose */
};

struct feed {				/* one night's feed, in the order of positions */
	struct buf text;
	struct message *m;
	size_t	 n, cap;
	uint64_t late;
};

struct change {				/* a row change waiting for the end of its transaction */
	enum table table;
	const char *type;
	uint64_t pos;
	size_t	 off, len;
	bool	 zipper;
};

struct shop {
	/* the run */
	int64_t	 days, day0, last, day;
	double	 scale;
	uint64_t seed;
	const char *dir;
	struct rng rng;
	/* things */
	struct sku *sku;
	uint32_t nsku;
	struct user *user;
	size_t	 nuser, user_cap;
	struct order *order;
	size_t	 norder, order_cap;
	struct detail *detail;
	size_t	 ndetail, detail_cap;
	struct pay *pay;
	size_t	 npay, pay_cap;
	struct refund *refund;
	size_t	 nrefund, refund_cap;
	struct dev *dev;
	size_t	 ndev, dev_cap;
	uint64_t user_id, order_seq, detail_id;
	/* what will happen */
	struct todo *todo;
	size_t	 ntodo, todo_cap;
	uint64_t seq;
	/* the log */
	struct event *event;
	size_t	 nevent, event_cap;
	struct delivery *box[2];	/* this day's and the next's */
	size_t	 nbox[2], box_cap[2];
	struct hits hits[2];		/* the day before's and this day's */
	/* the database */
	struct row before, after;
	struct buf sql, boot, head, tail;
	int	 sql_open;		/* table of the unfinished INSERT, or -1 */
	int	 sql_rows;
	struct feed feed[2];		/* this night's and the next's */
	struct change tx[64];
	size_t	 ntx;
	int64_t	 tx_us, pos_day;
	uint64_t xid, pos, boot_rows;
};

/* ---- mock-dim: products and places ---- */
void	 dim_init(struct shop *);
void	 dim_day(struct shop *);	/* the day's dimension changes, as SQL */
void	 dim_schema(struct buf *);
void	 cell_sku_name(const struct shop *, struct row *, uint32_t sku);

/* ---- mock-feed: transactions to SQL and change feed ---- */
int64_t	 feed_night(const struct shop *, int64_t us);	/* the night that hears of it */
void	 tx_begin(struct shop *, int64_t us);
void	 tx_insert(struct shop *, enum table, const struct row *);
void	 tx_update(struct shop *, enum table, const struct row *before, const struct row *after);
void	 tx_delete(struct shop *, enum table, const struct row *);
void	 tx_end(struct shop *);
void	 sql_file(struct shop *);
void	 feed_file(struct shop *, struct buf *rejects);

/* ---- mock-biz: users, orders, payments, refunds ---- */
void	 biz_init(struct shop *);
void	 biz_plan(struct shop *);	/* schedule the day's user changes */
void	 biz_run(struct shop *);	/* let everything happen until midnight */
uint32_t biz_register(struct shop *, int64_t us);	/* a user to be; returns the slot */
uint32_t biz_order(struct shop *, uint32_t user, uint8_t province, uint32_t nitem, int64_t us);
void	 biz_todo_order(struct shop *, uint32_t order);

/* ---- mock-visit: devices and what they do ---- */
void	 visit_init(struct shop *);
void	 visit_day(struct shop *);	/* make the events of all visits that begin today */

/* ---- mock-log: the app log ---- */
void	 log_file(struct shop *, struct buf *rejects);

/* ---- mock-truth ---- */
void	 truth_file(struct shop *);

#endif
