/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sources_own - between sources.c and sources_aside.c: which looks for files where they were
 *
 *	rc = aside_look(s, live);			// s->in grows by what was found: sources_add
 *	... spot_find() of each; s->sight says which are known ...
 *	aside_tell(s);					// of the others
 *
 * Invariants: a directory is read only where something of it is wanted.  A file is missing only where its directory
 * could be read, is of the file system that it was of, and had it in neither of two readings.
 */
#ifndef RUN_SOURCES_OWN_H
#define RUN_SOURCES_OWN_H

#include "run/sources.h"

/* Another file of this round, unless it is one already; the path it was found by, the name it was known by or NULL. */
void sources_add(struct sources *, const char *path, const char *as, int fd);

/* Look for the files that the log knows, and that none of s->in is. 0 or EXIT_IO. */
int aside_look(struct sources *, const struct live *);
/* Files were found: of those looked for in vain, tell what could be lost, and have it written down. */
void aside_tell(struct sources *);
/* A file is new, and has something: tell of those that came under its name and went aside before anybody looked. */
void aside_missed(struct sources *, const struct live *, const struct input *);
void aside_forget(struct sources *);

#endif
