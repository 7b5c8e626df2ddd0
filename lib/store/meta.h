/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * meta - what a table is: its spec lines, read
 *
 *	struct meta m; rc = meta_parse(span_str(live->meta), "ods.order_info", &m);
 *	if (m.kind == KIND_UPSERT) ... m.key, m.order ...
 *	meta_free(&m);
 *
 * Invariants: lines are `kind append|snapshot|upsert|scd2`, `key PATH …`, `order PATH`, `deleted PATH`,
 * `day PATH[:s|ms|us]`, `tz ZONE`, `keep DUR`, `codec zst|gz`, `trace PATH …|none`, `owner …`, `comment …`,
 * `column NAME TYPE [pii] TEXT`; each but column at most once.
 * upsert has key and order, and it alone may have deleted; scd2 has a key.  Nothing said: kind append, codec zst.
 */
#ifndef STORE_META_H
#define STORE_META_H

#include "base/spec.h"
#include "out/sink.h"

enum kind { KIND_APPEND, KIND_SNAPSHOT, KIND_UPSERT, KIND_SCD2 };

struct meta {
	enum kind kind;
	const char *key;		/* paths joined by ',', or NULL */
	const char *order, *deleted, *day, *tz, *keep;	/* or NULL */
	enum codec codec;
	const char *trace;		/* paths of its trace ids joined by ',', or NULL: none */
	bool traced;			/* its spec says so: else it is META_TRACE, for rows that have it */
	struct spec *spec;		/* owns the texts */
	struct buf keys, traces;
};

#define META_TRACE "trace_id"

/* Parse; 0, or EXIT_USAGE after a message `name:line: what`. */
int meta_parse(struct span text, const char *name, struct meta *);
void meta_free(struct meta *);
const char *kind_name(enum kind);

/*
 * May a table that holds data become `to`?  NULL or why not: the meaning of what lies there must not change, so
 * key, order, deleted and day stay, and a table does not turn into a keyed one or back.
 */
const char *meta_change_bad(const struct meta *from, const struct meta *to);

#endif
