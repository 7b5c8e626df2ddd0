/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool - data files: new ones, under names nobody's glob matches
 *
 *	pool_name(&name, app, epoch, nonce, serial, CODEC_ZSTD);
 *	rc = part_open(t, "2026-11-20", name.p, &p);
 *	part_line(p, line); … rc = part_close(p);	// fsynced; p->rows, p->bytes, p->xxh64 are set
 *
 * Invariants: a name is new (O_EXCL, 128 random bits) and says whose it is: `r-EPOCH-…` a writer's,
 * `s-APPHASH-EPOCH-…` a source's, so that orphans are collected only by whom it may concern.  A file's bytes
 * are a function of its lines alone: independent zstd frames cut by bytes, fixed parameters, checksums on.
 */
#ifndef STORE_POOL_H
#define STORE_POOL_H

#include "in/source.h"
#include "out/sink.h"
#include "store/index.h"
#include "store/table.h"

struct part {
	char day[DAY_BYTES];
	unsigned serial;		/* in its change */
	char *name;			/* of the file in .pool/DAY */
	char *app;			/* the source whose records it holds, or NULL */
	struct sink *sink;		/* NULL once closed */
	struct index *index;		/* of its trace ids; NULL: the table has none, or codec gz, or once closed */
	struct index_ids ids;		/* of the row at hand */
	const struct pathset *paths;
	bool always;
	char *path;
	uint64_t rows, bytes, xxh64;	/* bytes and sum: once closed */
	int64_t min_ts, max_ts;		/* ms, where timed */
	bool timed, delta;
	char *first_key, *last_key;	/* canonical keys of a sorted file */
};

/* Append a fresh file name to b (cleared first). app NULL: a plain writer's file. */
void pool_name(struct buf *b, const char *app, uint64_t epoch, const char *nonce, unsigned serial, enum codec);
enum codec pool_codec(const char *file);
/* Does an unlisted file belong to this source, from an epoch below? */
bool pool_orphan(const char *file, const char *app, uint64_t below);

/*
 * Create the file.  ids: the paths of its trace ids, which outlive it as the room does, or NULL for no index.  0 or
 * EXIT_IO.
 */
int part_open(const struct table *, const char *day, const char *name, const struct pathset *ids, struct index_room *,
    struct part **);
int part_line(struct part *, struct span line);
/* The same of a row whose trace ids, as index_ids finds them, are known. */
int part_row(struct part *, struct span line, const struct val *id, size_t n);
/* A row's time, ms since 1970. */
void part_time(struct part *, int64_t ms);
/* End frames, fsync, close; the same of the index. 0 or EXIT_IO. */
int part_close(struct part *);
/* Close and remove the file and its index. */
void part_drop(const struct table *, struct part *);
void part_free(struct part *);

/*
 * Open a live file for reading.  0, EXIT_IO, or EXIT_TEMP where it is gone: it was taken out of the table and collected
 * after its record was read, and who tries again reads a newer one.
 */
int pool_open(const char *path, int *fd);
/* The same for its rows, as source_open. */
int pool_source(const char *path, const struct source_conf *, struct source **);

/* Remove a data file, and before it its index, so that none is ever left alone. 0 or EXIT_IO. */
int pool_remove(const char *path);
/*
 * Remove a source's files of smaller epochs, in all days, that no record lists or ever listed.  Only after its fence,
 * with the table's state as of it or newer.  0, EXIT_TEMP, EXIT_IO, EXIT_INPUT.
 */
int pool_collect(const struct table *, const char *const *app, size_t n, uint64_t below);

#endif
