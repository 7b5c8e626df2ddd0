/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ord - where a change stands among all changes, as a string that sorts
 *
 *	why = ord_binlog(&o, span_str("bin.000001"), 4711, 2, span_str("1"), at);
 *	// at: "0000000000b.0000000001.000000004711.0000000002"; printed with a dot and K behind it
 *
 * Invariants: within one class all ords have one length and byte order is the order of changes.
 * The form is EPOCH CLASS . PLACE … . K: class `b` binlog file, offset, row · `p` PostgreSQL commit
 * and change · `g` gtid and stream · `k` Kafka offset, partition, index · `n` place in this stream
 * · `a` a bootstrap row whose begin was not seen: before all others.  K orders the two halves of a
 * key change (0, 1) and puts a bootstrap's rows behind what came before it (2).
 * A block of a stream may be gone through before those in front of it, with an ord of its own, as long as it only calls
 * ord_binlog and ord_kafka: ord_join then adds what it saw to the ord of all.  The other functions count and compare
 * with what came before.
 */
#ifndef CDC_ORD_H
#define CDC_ORD_H

#include "base/buf.h"
#include "base/map.h"

#define ORD_BYTES_MAX 96
#define ORD_EPOCH_DIGITS 10
/* the row that ends a transaction; also the largest row number */
#define ORD_LAST UINT64_C(9999999999)

struct ord {			/* of one producer; zero with an epoch set is a new one */
	uint64_t epoch, n;
	uint64_t breaks, unordered;
	char max[ORD_BYTES_MAX];	/* the largest yet, without K */
	/* the binlog's base name, the first of them, the gtid's source, the last position */
	struct buf base, first, gtid, place;
	uint64_t same;			/* rows seen at that position */
	/* who wrote the binlog and where, of the last row that said so and of the first */
	struct buf server, first_server;
	char last[ORD_BYTES_MAX], first_at[ORD_BYTES_MAX];
	struct map *boot;		/* table -> ord of its bootstrap's rows */
};

/*
 * NULL or a reason: a number that does not fit. `at` gets the ord without K.  server: who wrote it, empty: not said.
 * Another base name than before is a break, and so is another server whose place is below the one before: a fail-over
 * to a binlog that counts from elsewhere.  One whose places go on above is none: the order survives.
 */
const char *ord_binlog(struct ord *, struct span file, uint64_t pos, uint64_t row, struct span server,
    char at[ORD_BYTES_MAX]);
/*
 * How many rows came at this position just before: 0, 1, …: what stands for a row number where none
 * is sent.
 */
uint64_t ord_same(struct ord *, struct span position);
const char *ord_postgres(struct ord *, uint64_t commit, uint64_t lsn, uint64_t row,
    char at[ORD_BYTES_MAX]);
/* SOURCE:SEQ (MySQL) or DOMAIN-SERVER-SEQ (MariaDB); within one the order of the stream. */
const char *ord_gtid(struct ord *, struct span gtid, uint64_t row, char at[ORD_BYTES_MAX]);
const char *ord_kafka(struct ord *, uint64_t partition, uint64_t offset, uint64_t row,
    char at[ORD_BYTES_MAX]);
const char *ord_stream(struct ord *, uint64_t row, char at[ORD_BYTES_MAX]);
/* A bootstrap of this table begins here; then the ord of its rows. */
void ord_boot_begin(struct ord *, struct span table);
void ord_boot(struct ord *, struct span table, char at[ORD_BYTES_MAX]);
/* What a block saw, as bytes, appended; added to the ord of what came before it; forgotten for the next block. */
void ord_part(const struct ord *, struct buf *);
void ord_join(struct ord *, struct span part);
void ord_clear(struct ord *);
/*
 * Two ords may be compared by their bytes if they are of one kind, or one is of kind 0 (a bootstrap's).  Other kinds
 * are odd; two are taken for one once in two billion times.
 */
uint32_t ord_kind(struct span);
void ord_free(struct ord *);

#endif
