/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path - where a value stands in a record: `common.uid`, `data[0].id`, `a."x.y"`, `/a/b`
 *
 *	struct pathset *ps = pathset_new();
 *	int c = pathset_add(ps, span_str("common.uid"), msg, sizeof msg);	// column number, or -1 with msg
 *	... scan_new(ps, …) fills col[c] ...
 *
 * Invariants: a leading `.` or `$.` is allowed (jq, RFC 9535 singular queries); a leading `/` means JSON Pointer
 * (RFC 6901).  One parser; what it does not know is refused with the offending column.  Segment names are
 * unescaped bytes.  Equal paths share one column.  A pathset is fixed once a scan was made from it.
 */
#ifndef IN_PATH_H
#define IN_PATH_H

#include <stdint.h>

#include "base/mem.h"
#include "base/span.h"

struct seg {
	struct span name;	/* p == NULL: an array index */
	uint32_t index;
	bool either;		/* a number in a JSON Pointer: the member of that name, or that element of an array */
};

struct path {
	struct span text;	/* as written */
	struct seg *seg;
	size_t n;
};

struct pathset {
	struct path *path;	/* [n], column order */
	size_t n;
	struct arena mem;
};

struct pathset *pathset_new(void);
/* Add a path; returns its column (an equal path's if there), or -1 and a reason with the column in err. */
int pathset_add(struct pathset *, struct span text, char *err, size_t err_size);
/* The last segment's name: what `LAST=PATH` calls it (an index: the name before it). */
struct span path_last(const struct path *);
void pathset_free(struct pathset *);

/*
 * Split `NAME=PATH` or `PATH` (then NAME is the path's last segment) at its first '=' outside quotes, and lists of
 * those at commas outside quotes and brackets.  pathlist_each calls back for each; stops at a non-zero return.
 */
int pathlist_each(struct span list, int (*each)(void *arg, struct span name, struct span path), void *arg);
/* The end of the first path in text: where a comma, an '=' or the end stops it, outside quotes. */
size_t path_end(struct span text);

#endif
