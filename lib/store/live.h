/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * live - what a table is after commit n: the fold of its records
 *
 *	struct live *s = live_new();
 *	live_apply(s, record);				// records in order, from 1 or from a checkpoint on
 *	struct day *d = map_get(s->days, span_str("2026-11-20"));
 *	live_free(s);
 *
 * Invariants: a function of the records 1..head alone, whether read one by one or through a
 * checkpoint.  A day's files stand in commit, then record order: that is the order rows are read
 * in.  All texts live as long as the state.
 */
#ifndef STORE_LIVE_H
#define STORE_LIVE_H

#include <jansson.h>

#include "base/map.h"
#include "base/mem.h"

struct file {
	const char *name;		/* in .pool/DAY */
	uint64_t rows, bytes, commit;	/* commit: the number that brought it */
	const char *xxh64;		/* 16 hex digits of the file's bytes */
	int64_t min_ts, max_ts;		/* ms, when timed */
	const char *first_key, *last_key;	/* canonical keys of a sorted file, or NULL */
	const char *app;		/* the source whose records it holds, or NULL */
	const char *chain;		/* of a rewrite's last file: live_chain up to here before it, or NULL */
	bool timed, delta;
};

struct day {
	char name[11];
	struct file *file;
	size_t n, cap;
	uint64_t touched;		/* the last commit that named this day */
	uint64_t changed;		/* the last that changed its rows: a rewrite does not */
	bool based;			/* something else than deltas was committed: the view has the day */
	bool gone;			/* dropped: as if it had never been committed, but for `touched` */
};

struct app {				/* a source: how far it got, and who may speak for it */
	const char *to;			/* NULL: nothing committed yet */
	uint64_t epoch, commit;		/* of the last txn */
	uint64_t fence;			/* number of its last fence, 0: none */
};

struct column {
	const char *name;
	uint32_t types;			/* bits 1 << enum tag that were seen */
};

#define RECENT 256		/* commits whose nonces are kept */

struct recent {
	uint64_t n;
	char nonce[33];
};

struct live {
	uint64_t head;			/* 0: no commit, the table is not there */
	uint64_t meta_commit;		/* the last meta record, 0: none */
	bool implicit;			/* it is the one a first writer made by itself */
	const char *meta;		/* its spec lines */
	uint64_t star;			/* the last fence of everybody ("*") */
	struct map *days, *apps;	/* struct day by name, struct app by name */
	struct column *column;		/* seen in data, in the order of first sight */
	size_t n_columns;
	struct recent recent[RECENT];	/* of commit n at n % RECENT: "did mine get in" without its record */
	struct arena mem;
};

struct live *live_new(void);
void live_free(struct live *);
/* Fold one record (checked by commit_parse), number head + 1. */
void live_apply(struct live *, const json_t *record);
/* The day, or NULL when none of its commits is there, or it was dropped. */
struct day *live_day(const struct live *, const char *day);
/* The same, and dropped ones too. */
struct day *live_any_day(const struct live *, const char *day);
struct app *live_app(const struct live *, const char *app);
/* The newest day committed at or before `limit` (NULL: of all), or NULL. */
struct day *live_last_day(const struct live *, const char *limit);
/* All days in order; *n of them; the caller frees the array. Without dropped ones, and with them. */
struct day **live_days(const struct live *, size_t *n);
struct day **live_all_days(const struct live *, size_t *n);
#define CHAIN_BYTES 17
/*
 * What the first n files of a day hold, as 16 hex digits: a hash over the sums of its files, and the same before and
 * after they were rewritten.  Equal hashes mean equal rows, not the other way round.
 */
void live_chain(const struct day *, size_t n, char out[CHAIN_BYTES]);
/* The same of all days in from..to that have files: what was read, as a run notes it. */
void live_sum(const struct live *, const char *from, const char *to, char out[CHAIN_BYTES]);
/* Add a file to a day, or take one out: for checkpoints and live_apply. */
void live_add_file(struct live *, struct day *, const json_t *f, uint64_t commit, bool delta);
struct day *live_put_day(struct live *, const char *day);
struct app *live_put_app(struct live *, const char *app);
/* A column seen with these types; true when that was news. */
bool live_column(struct live *, struct span name, uint32_t types);
/* The number of the recent commit with that nonce, or 0. */
uint64_t live_recent(const struct live *, const char *nonce);
void live_note_recent(struct live *, uint64_t n, const char *nonce);
/* A file of a day as it stands in a record. */
json_t *live_file_json(const struct file *);

#endif
