/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock - the parts of mock-shop, a generator of sample source data
 *
 * mock-shop plays a shop for some days: devices visit (mock-visit) and write
 * a log (mock-log), buyers make orders (mock-biz), fill carts and write
 * comments (mock-side), the database's changes become SQL and a change feed
 * (mock-feed), others hand over files (mock-files), and the true answers are
 * counted beside it (mock-truth, mock-trade).  This accounting is an oracle
 * for the warehouse, so nothing here comes from lib/: only libc.
 *
 * Invariants: everything follows from (days, scale, seed, start), and no
 * expression draws twice from rng, for compilers order operands as they like;
 * times are Asia/Shanghai, a fixed +08:00; a `day` is a count of local days
 * since 1970-01-01; `ms` and `us` are since the epoch; money is in cents; slot
 * 0 of users means nobody.  The log of a day is in memory once, as events; what
 * grows with the days is the orders and devices.
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

enum { NPROVINCE = 34, NREGION = 7, NCHANNEL = 6, NSTORE = 7, NSKU = 400, NSPU = 100, NTM = 30,
    NC1 = 10, NC2 = 30, NC3 = 90, NMERCHANT = 20, NACTIVITY = 6, NCOUPON = 5, NAD = 40,
    GONE_SKU = NSKU };

struct province {
	const char	*name, *city;
	int		 region, area;		/* area_code / 10000 */
	const char	*iso;
};
extern const struct province provinces[NPROVINCE + 1];		/* from 1 */
extern const char *const regions[NREGION + 1];
extern const char *const order_channels[NCHANNEL];		/* in byte order */
extern const char *const stores[NSTORE];		/* common.ch */
extern const char *const sources[4];			/* user_info.source */
extern const char *const reasons[6];			/* refund_reason_type 1301.., from 1 */

struct sku {
	int64_t	 price, cost, created, operated;	/* created 0: long ago */
	uint32_t spu;
	bool	 sale, gone;
};

struct user {
	uint64_t id;
	int64_t	 created, operated;		/* us; operated 0 is NULL */
	uint32_t seed;
	uint16_t nick, phone, mail, level;	/* versions; level from 1 */
	uint8_t	 odd;				/* planted oddity, 0 none */
	bool	 removed, vip;
};

struct detail {
	uint64_t id;
	uint32_t order, sku, num;
	int64_t	 price, total, activity, coupon;
	int64_t	 gone;				/* night whose feed told of the delete, or 0 */
};

struct order {
	uint64_t id;
	uint32_t user, detail, ndetail, seq, pay, status, use;
	uint8_t	 province, channel, payway, offer, ticket;	/* activity and coupon; 0 none */
	int64_t	 at, operated;			/* us */
	int64_t	 original, activity, coupon, freight, total;
	uint64_t trace;
	bool	 signed_for;
	int64_t	 night;				/* first told in that night's feed; 0 not yet */
	int64_t	 before, cut_night;		/* total before a line was cut, and when told */
	int64_t	 cancel_night;
	/* what will happen, in us; 0 never */
	int64_t	 trim_at, pay_at, cancel_at, refund_after;
	uint64_t pay_trace;
	bool	 pay_fails, pay_more, pay_twice;
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
	int64_t	 asked, back, back_night;	/* the row of refund_payment */
};

struct use {				/* a row of coupon_use */
	uint64_t id;
	uint32_t user, order;		/* order + 1, 0 none */
	uint8_t	 coupon;
	int64_t	 got, taken_for, used, got_night, used_night;
};

struct thing {				/* a row of cart_info or favor_info that will change */
	uint64_t id;
	uint32_t user, sku, num;
	int64_t	 created, touched, done;	/* done: ordered or cancelled; 0 not */
};
struct things {
	struct thing *v;
	size_t	 n, cap;
};

struct dev {
	uint32_t user, user2, ip, seed;
	uint8_t	 province;
	int64_t	 first_day, busy_day, last_ms;
	uint64_t seen;			/* bit k: had pages k days ago, as that night knew */
	int64_t	 seen_far;		/* the last day that left `seen`; 0 none */
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
	uint32_t seq, ev;		/* ev: place in the day's events */
	bool	 dup;
};

struct carried {			/* what arrives with the next day's file */
	struct event ev;
	int64_t	 at;
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
	uint32_t dev, user, during;
	uint8_t	 page, last;
};

struct ad_hit {
	uint32_t dev;
	uint8_t	 ad, action;
};

struct made {				/* what one line of the log holds */
	uint32_t action, display, nad;
	bool	 favor;
	struct ad_hit ad[8];
};

struct heard {				/* what is known of a day's log */
	struct hit *hit;
	size_t	 nhit, hit_cap;
	struct ad_hit *ad;
	size_t	 nad, ad_cap;
};

/* What the extracts of a day's end show; a day's answers of this do not change later. */
enum { STEP_SHIPPED = 7, NSTEP = 8, LEVEL_MAX = 65536 };
struct extracted {
	uint64_t cart, cart_users, cart_ordered, favor, favor_users, favor_cancelled;
	uint64_t comment[4], step[NSTEP];	/* step: order_status 1001.. at 1.. */
	uint64_t sku, on_sale, new_sku;
	uint64_t *level;			/* members by level */
};

/* Rows of a database table on their way to SQL and JSON; cell 0 is the key. */
enum table { T_REGION, T_PROVINCE, T_DIC, T_TM, T_C1, T_C2, T_C3, T_SPU, T_SKU, T_MERCHANT,
    T_ACTIVITY, T_RULE, T_ACTIVITY_SKU, T_COUPON, T_USE, T_USER, T_CART, T_FAVOR, T_COMMENT, T_ORDER,
    T_DETAIL, T_DETAIL_ACTIVITY, T_DETAIL_COUPON, T_STEP, T_PAY, T_REFUND, T_REFUND_PAY,
    T_WARE, NTABLE };			/* the last only while the shop is live */

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

/* What a change of a row means to the answers of a live shop (mock-asks). */
enum told_what { TOLD_NOTHING, TOLD_ORDER, TOLD_CUT, TOLD_PAID, TOLD_TAKEN, TOLD_USED, TOLD_STOCK, TOLD_USER };
struct told {
	uint8_t	 what;
	uint32_t idx;			/* of the order, payment, coupon_use, user; or the sku */
	int64_t	 value, old;		/* cents of the order; pieces of the sku */
};

struct message {
	size_t	 off, len;
	bool	 zipper;		/* a change of the user who is swapped on purpose */
	bool	 fixed;			/* DDL: no neighbour changes places with it */
	int64_t	 us;			/* of its transaction */
	struct told told;
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
	struct told told;
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
	struct use *use;
	size_t	 nuse, use_cap;
	struct things cart, favor;	/* of today, and those of before that change today */
	struct dev *dev;
	size_t	 ndev, dev_cap;
	uint64_t user_id, order_seq, detail_id, cart_id, favor_id, comment_id, step_id, line_id, use_id;
	/* where the lists stood when a day began: [k] k days ago */
	struct mark {
		size_t	 user, order, pay, refund, use;
	} mark[4];
	bool	 vip;			/* the column is there */
	/* what will happen */
	struct todo *todo;
	size_t	 ntodo, todo_cap;
	uint64_t seq;
	/* the log */
	struct event *event;
	size_t	 nevent, event_cap;
	struct delivery *box;
	size_t	 nbox, box_cap;
	struct carried *carried;
	size_t	 ncarried, carried_cap;
	struct heard heard[2];		/* of the day before and of this day */
	/* files that others hand over */
	struct buf api[2];		/* this night's and the next's */
	struct counts_api {
		uint64_t lines, twice;
	} api_count[2];
	/* what the truth remembers */
	struct extracted ex[2];		/* of the day before and of this day */
	uint32_t *bought[32];		/* users of the orders of k days ago, as that night knew */
	size_t	 nbought[32];
	int64_t	 region[3][NREGION + 1];	/* amounts: of today, a day ago, two days ago */
	/* the database */
	struct row before, after;
	struct buf sql, boot, head, tail, side[NTABLE];
	int	 sql_open;		/* table of the unfinished INSERT, or -1 */
	int	 sql_rows, side_rows[NTABLE];
	struct feed feed[2];		/* this night's and the next's */
	struct change tx[64];
	size_t	 ntx;
	int64_t	 tx_us, pos_day;
	uint64_t xid, pos, boot_rows;
	struct told tell;		/* of the next change that is fed */
	/* a live shop */
	bool	 live;
	uint32_t *stock;		/* by sku */
};

/* ---- mock-dim: products and places ---- */
void	 dim_init(struct shop *);
void	 dim_day(struct shop *);	/* the day's dimension changes, as SQL */
void	 cell_sku_name(const struct shop *, struct row *, uint32_t sku);
void	 tm_name(char *, size_t, unsigned tm);
uint32_t dim_sku(struct shop *);	/* one that is sold, small numbers more often */

/* ---- mock-market: merchants, activities, coupons, codes ---- */
void	 market_day(struct shop *, struct row *);

/* ---- mock-schema: the tables ---- */
void	 dim_schema(struct buf *);

/* ---- mock-feed: transactions to SQL and change feed ---- */
int64_t	 feed_night(const struct shop *, int64_t us);	/* the night that hears of it */
void	 tx_begin(struct shop *, int64_t us);
void	 tx_insert(struct shop *, enum table, const struct row *);
void	 tx_update(struct shop *, enum table, const struct row *before, const struct row *after);
void	 tx_delete(struct shop *, enum table, const struct row *);
void	 tx_alter_user(struct shop *);	/* user_info gets the column vip */
void	 tx_end(struct shop *);
void	 sql_file(struct shop *);
void	 feed_file(struct shop *, struct buf *rejects);
void	 feed_boot(struct shop *, struct buf *);	/* the bootstrap of users, taken out */

/* ---- mock-biz: users, orders, payments, refunds ---- */
void	 biz_init(struct shop *);
void	 biz_plan(struct shop *);	/* schedule the day's user changes */
void	 biz_run(struct shop *);	/* let everything happen until midnight */
void	 biz_until(struct shop *, int64_t us);
enum { SLOW_USER = 100 };		/* user.odd: the row is told long after it was made */
/* The city of an order as its row has it: an odd one, or in a live shop one of five of the province. */
const char *order_city(const struct shop *, const struct order *, char *room, size_t size);
void	 cells_stock(struct shop *, struct row *, uint32_t sku);
uint32_t biz_register(struct shop *, int64_t us);	/* a user to be; returns the slot */
uint32_t biz_order(struct shop *, uint32_t user, uint8_t province, uint32_t nitem, int64_t us);
void	 biz_reprice(struct shop *, uint32_t order, uint32_t sku);
void	 biz_todo_order(struct shop *, uint32_t order);
uint32_t user_source(const struct user *);	/* place in sources[] */
uint32_t order_merchant(const struct shop *, const struct order *);
uint32_t refund_reason(const struct refund *);	/* place in reasons[] */

/* ---- mock-side: carts, favourites, comments, order steps ---- */
void	 side_day(struct shop *);	/* what idle users do today */
void	 side_order(struct shop *, const struct order *);	/* the cart it came from */
void	 side_step(struct shop *, const struct order *, uint32_t status, int64_t us);
void	 side_comment(struct shop *, const struct order *, int64_t us);
void	 side_close(struct shop *);	/* the day's rows to SQL */

/* ---- mock-files: what is handed over as files ---- */
void	 files_order(struct shop *, const struct order *);	/* the order interface */
int64_t	 ad_cost(const struct shop *, int64_t day, uint32_t ad);	/* cents */
int64_t	 channel_cost(const struct shop *, int64_t day, uint32_t store);
bool	 doubled_day(const struct shop *);	/* today's extracts hold every row twice */
void	 files_day(struct shop *, struct buf *rejects);

/* ---- mock-visit: devices and what they do ---- */
uint32_t visitors(const struct shop *);	/* a day */
void	 visit_init(struct shop *);
void	 visit_day(struct shop *);	/* make the events of all visits that begin today */
/* One visit of a live shop, and the planted ones. */
void	 visit_live(struct shop *, int64_t ms);
void	 visit_live_buyer(struct shop *, int64_t ms, bool unequal);	/* pays unequally, or twice */
void	 visit_live_newcomer(struct shop *, int64_t ms);	/* buys at once; the user's row is told late */
void	 visit_live_scalper(struct shop *, int64_t ms, uint32_t orders);
void	 visit_live_clicker(struct shop *, int64_t ms, uint32_t ad, uint32_t clicks);

/* ---- mock-log: the app log ---- */
extern const char *const page_name[NPAGE];
uint32_t dev_store(const struct dev *);	/* place in stores[] */
void	 log_file(struct shop *, struct buf *rejects);
void	 log_line(const struct shop *, struct buf *, const struct event *, struct made *);
void	 log_trouble(struct shop *, struct event *);	/* one of a live shop's, or none */
uint32_t log_ad_seed(uint32_t ad);	/* of an event on the home page that clicks it */

/* ---- mock-truth: the answers; mock-trade: those about orders ---- */
struct truth {
	struct shop *s;
	struct buf out;
	int64_t	 dt;
	unsigned ago;			/* how long dt is gone: 0 or 1 */
	uint64_t uv;
};
void	 answer(struct truth *, const char *metric, const char *dims, const char *field,
	    const char *text, size_t n);	/* text NULL: no answer */
void	 answer_n(struct truth *, const char *metric, const char *dims, const char *field, uint64_t);
void	 answer_s(struct truth *, const char *metric, const char *dims, const char *field,
	    const char *);
void	 answer_money(struct truth *, const char *metric, const char *dims, const char *field,
	    int64_t cents);
/* a/b, in millionths rounded half away from zero; b 0 is no answer.  scale: what a's unit is in millionths of b's. */
void	 answer_ratio(struct truth *, const char *metric, const char *dims, const char *field,
	    int64_t a, int64_t b, int64_t scale);
uint64_t distinct(uint64_t *, size_t n);
void	 trade_answers(struct truth *);
void	 trade_remember(struct shop *);
void	 truth_file(struct shop *);

/* ---- mock-live: the shop as it happens; mock-asks: the answers to that ---- */
struct live {
	const char *dir;
	uint64_t rate, seconds, rotate;	/* lines a second of the shop's time; seconds 0: until told to stop */
	double	 speed;			/* the shop's seconds in one of the clock; 0: as fast as it goes */
	int64_t	 start;			/* ms; 0: now */
};
void	 live_run(struct shop *, const struct live *);

enum { CLICKS_MAX = 100, BURST_ORDERS = 5, STOCK_LOW = 10 };
void	 asks_line(struct shop *, const struct event *, const struct made *);	/* written, and no repeat */
void	 asks_change(struct shop *, const struct told *, int64_t us);
void	 asks_write(struct shop *, const char *dir);

#endif
