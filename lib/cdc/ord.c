/* SPDX-License-Identifier: BSD-2-Clause */
/* ord - see ord.h */
#include <inttypes.h>
#include <stdio.h>

#include "cdc/ord.h"
#include "cdc/value.h"

#define FILE_MAX UINT64_C(9999999999)
#define POS_MAX UINT64_C(999999999999)

/* Where the class letter stands, and in class k the partition. */
#define CLASS_AT ORD_EPOCH_DIGITS
#define PARTITION_AT (ORD_EPOCH_DIGITS + 2 + 20 + 1)
#define PARTITION_DIGITS 10
#define FILE_DIGITS 10
#define POS_DIGITS 12
#define ROW_DIGITS 10
#define U64_DIGITS 20

/* v in so many digits, behind a dot unless it is the first. Pre: it fits. */
static char *
number(char *p, uint64_t v, unsigned width, bool first)
{
	if (!first)
		*p++ = '.';
	for (unsigned i = width; i-- > 0; v /= 10)
		p[i] = (char)('0' + v % 10);
	return p + width;
}

/* EPOCH CLASS . A [. B] . ROW into at; a width of 0 leaves B out. */
static void
place(const struct ord *o, char class, uint64_t a, unsigned a_width, uint64_t b, unsigned b_width, uint64_t row,
    char at[ORD_BYTES_MAX])
{
	char *p = number(at, o->epoch, ORD_EPOCH_DIGITS, true);

	*p++ = class;
	p = number(p, a, a_width, false);
	if (b_width > 0)
		p = number(p, b, b_width, false);
	*number(p, row, ROW_DIGITS, false) = '\0';
}

static void
raise_max(struct ord *o, const char *at)
{
	if (strcmp(at, o->max) > 0)
		memcpy(o->max, at, strlen(at) + 1);
}

/* Remember who numbers the places; another one than before means that the order may not hold. */
static bool
watch(struct ord *o, struct buf *known, struct span now)
{
	bool another = known->n > 0 && !span_eq(buf_span(known), now);

	o->breaks += another;
	buf_clear(known);
	buf_span_add(known, now);
	return another;
}

/* Another server that goes on below where the one before was; another base name was counted already. */
static void
watch_server(struct ord *o, struct span server, const char *at, bool counted)
{
	if (o->server.n > 0 && !span_eq(buf_span(&o->server), server) && strcmp(at, o->last) < 0 && !counted)
		o->breaks++;
	buf_clear(&o->server);
	buf_span_add(&o->server, server);
}

const char *
ord_binlog(struct ord *o, struct span file, uint64_t pos, uint64_t row, struct span server, char at[ORD_BYTES_MAX])
{
	bool another;
	size_t dot = file.n;
	uint64_t file_number;

	while (dot > 0 && file.p[dot - 1] != '.')
		dot--;
	if (dot == 0 || !digits_u64(span_from(file, dot), &file_number))
		return "the binlog's name does not end in a number";
	if (file_number > FILE_MAX || pos > POS_MAX || row > ORD_LAST)
		return "a binlog position is too large";
	if (o->base.n == 0)
		buf_span_add(&o->first, span_of(file.p, dot));
	another = watch(o, &o->base, span_of(file.p, dot));
	place(o, 'b', file_number, FILE_DIGITS, pos, POS_DIGITS, row, at);
	if (server.n > 0) {
		if (o->first_server.n == 0) {
			buf_span_add(&o->first_server, server);
			memcpy(o->first_at, at, strlen(at) + 1);
		}
		watch_server(o, server, at, another);
		memcpy(o->last, at, strlen(at) + 1);
	}
	raise_max(o, at);
	return NULL;
}

uint64_t
ord_same(struct ord *o, struct span position)
{
	if (span_eq(buf_span(&o->place), position))
		return ++o->same;
	buf_clear(&o->place);
	buf_span_add(&o->place, position);
	return o->same = 0;
}

const char *
ord_postgres(struct ord *o, uint64_t commit, uint64_t lsn, uint64_t row, char at[ORD_BYTES_MAX])
{
	if (row > ORD_LAST)
		return "too many rows at one place";
	place(o, 'p', commit, U64_DIGITS, lsn, U64_DIGITS, row, at);
	raise_max(o, at);
	return NULL;
}

const char *
ord_gtid(struct ord *o, struct span gtid, uint64_t row, char at[ORD_BYTES_MAX])
{
	size_t cut = gtid.n;
	uint64_t seq;

	while (cut > 0 && gtid.p[cut - 1] != ':' && gtid.p[cut - 1] != '-')
		cut--;
	if (cut == 0 || !digits_u64(span_from(gtid, cut), &seq))
		return "a gtid that does not end in its number";
	if (row > ORD_LAST)
		return "too many rows in one message";
	/*
	 * MariaDB's DOMAIN-SERVER-SEQ counts on when another server writes: only the domain is the
	 * source
	 */
	if (gtid.p[cut - 1] == '-')
		for (cut = 0; gtid.p[cut] != '-'; cut++)
			;
	watch(o, &o->gtid, span_of(gtid.p, cut));
	o->n += row == 0;
	place(o, 'g', seq, U64_DIGITS, o->n, U64_DIGITS, row, at);
	raise_max(o, at);
	return NULL;
}

const char *
ord_kafka(struct ord *o, uint64_t partition, uint64_t offset, uint64_t row, char at[ORD_BYTES_MAX])
{
	if (partition > UINT32_MAX || row > ORD_LAST)
		return "a Kafka position is too large";
	place(o, 'k', offset, U64_DIGITS, partition, PARTITION_DIGITS, row, at);
	raise_max(o, at);
	return NULL;
}

const char *
ord_stream(struct ord *o, uint64_t row, char at[ORD_BYTES_MAX])
{
	if (row > ORD_LAST)
		return "too many rows in one message";
	o->n += row == 0;
	o->unordered++;
	place(o, 'n', o->n, U64_DIGITS, 0, 0, row, at);
	raise_max(o, at);
	return NULL;
}

/*
 * What came before the begin loses to the bootstrap's rows, what comes behind it wins, so they
 * stand where the last change before the begin stood, behind all of that transaction.
 */
void
ord_boot_begin(struct ord *o, struct span table)
{
	size_t n = strlen(o->max);
	char *at;

	if (o->boot == NULL)
		o->boot = map_new(ORD_BYTES_MAX);
	at = map_put(o->boot, table, NULL);
	memcpy(at, o->max, n + 1);
	if (n > CLASS_AT)
		snprintf(at + n - PARTITION_DIGITS, PARTITION_DIGITS + 1, "%010" PRIu64, ORD_LAST);
}

void
ord_boot(struct ord *o, struct span table, char at[ORD_BYTES_MAX])
{
	const char *begin = o->boot == NULL ? NULL : map_get(o->boot, table);

	if (begin != NULL && *begin != '\0')
		memcpy(at, begin, strlen(begin) + 1);
	else
		snprintf(at, ORD_BYTES_MAX, "%010" PRIu64 "a.%020d.%010d", o->epoch, 0, 0);
}

/* ---- a block on its own ---- */

struct part {			/* behind it the first base name and the last, the first server and the last */
	uint64_t breaks;
	size_t first_n, base_n, first_server_n, server_n;
	char max[ORD_BYTES_MAX], first_at[ORD_BYTES_MAX], last[ORD_BYTES_MAX];
};

void
ord_part(const struct ord *o, struct buf *b)
{
	struct part p = { .breaks = o->breaks, .first_n = o->first.n, .base_n = o->base.n,
		.first_server_n = o->first_server.n, .server_n = o->server.n };

	memcpy(p.max, o->max, sizeof p.max);
	memcpy(p.first_at, o->first_at, sizeof p.first_at);
	memcpy(p.last, o->last, sizeof p.last);
	buf_add(b, (const char *)&p, sizeof p);
	buf_span_add(b, buf_span(&o->first));
	buf_span_add(b, buf_span(&o->base));
	buf_span_add(b, buf_span(&o->first_server));
	buf_span_add(b, buf_span(&o->server));
}

void
ord_join(struct ord *o, struct span s)
{
	bool another = false;
	struct part p;
	struct span first;

	memcpy(&p, s.p, sizeof p);
	first = span_of(s.p + sizeof p, p.first_n);
	if (first.n > 0) {
		another = watch(o, &o->base, first);
		buf_clear(&o->base);
		buf_span_add(&o->base, span_of(first.p + first.n, p.base_n));
	}
	first = span_of(first.p + first.n + p.base_n, p.first_server_n);
	if (first.n > 0) {
		watch_server(o, first, p.first_at, another);
		buf_clear(&o->server);
		buf_span_add(&o->server, span_of(first.p + first.n, p.server_n));
		memcpy(o->last, p.last, sizeof o->last);
	}
	o->breaks += p.breaks;
	raise_max(o, p.max);
}

void
ord_clear(struct ord *o)
{
	buf_clear(&o->base);
	buf_clear(&o->first);
	buf_clear(&o->server);
	buf_clear(&o->first_server);
	o->breaks = 0;
	o->max[0] = '\0';
}

uint32_t
ord_kind(struct span s)
{
	uint64_t h = s.n * UINT64_C(0x9e3779b97f4a7c15);
	char class = s.n > CLASS_AT ? s.p[CLASS_AT] : '\0';

	if (class == 'a')
		return 0;
	h = (h ^ (unsigned char)class) * UINT64_C(0xff51afd7ed558ccd);
	/* offsets of two partitions tell nothing of each other */
	for (size_t i = 0; class == 'k' && s.n > PARTITION_AT + PARTITION_DIGITS && i < PARTITION_DIGITS; i++)
		h = (h ^ (unsigned char)s.p[PARTITION_AT + i]) * UINT64_C(0xff51afd7ed558ccd);
	return (uint32_t)(h >> 32) | 1;
}

void
ord_free(struct ord *o)
{
	buf_free(&o->base);
	buf_free(&o->first);
	buf_free(&o->gtid);
	buf_free(&o->place);
	buf_free(&o->server);
	buf_free(&o->first_server);
	if (o->boot != NULL)
		map_free(o->boot);
}
