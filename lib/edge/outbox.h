/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * outbox - events that wait to be delivered, each to several receivers; nothing in it is lost
 *
 *	rc = outbox_open("state/alert", &o);
 *	rc = outbox_put(o, event);				// durable when it returns
 *	rc = outbox_lock(o, 60000); ... outbox_list(o) ...
 *	for (i = 0; outbox_get(o, i, &l) == 0; i++)
 *	if (!letter_done(&l, receiver) && deliver(...)) letter_note(o, &l, receiver);
 *	outbox_drop(o, &l);					// all have it
 *
 * Invariants: a letter is a file `<ms>-<pid>-<n>.event`: the event on the first line, then a line
 * for each receiver that has it. Whoever holds the lock delivers; anybody may put.  A crash between
 * delivery and note delivers once more: the letter's id is the same then, and goes along.
 */
#ifndef EDGE_OUTBOX_H
#define EDGE_OUTBOX_H

#include <stdint.h>

#include "base/buf.h"

struct outbox;
struct letter {
	const char *id;		/* the file's name without its suffix */
	struct span event;
	struct buf text;	/* all of the file */
};

/*
 * Open the directory, make it (0700) when it is not there. 0; EXIT_USAGE where others can write it;
 * EXIT_IO.
 */
int outbox_open(const char *dir, struct outbox **);
int outbox_put(struct outbox *, struct span event);
/*
 * The same under an id of the caller's, in place of a letter of that id: what is put twice after a
 * crash is one.  Pre: the id begins with 15 digits and holds no '/'; locked.
 */
int outbox_put_as(struct outbox *, const char *id, struct span event);
int outbox_fd(const struct outbox *);		/* its directory */
const char *outbox_dir(const struct outbox *);
/*
 * One deliverer at a time: wait at most that long. 0, EXIT_TEMP (the letters wait for the other),
 * EXIT_IO.
 */
int outbox_lock(struct outbox *, unsigned wait_ms);
void outbox_unlock(struct outbox *);
/* Read the names of all letters, oldest first; *n of them. 0 or EXIT_IO. */
int outbox_list(struct outbox *, size_t *n);
/* The i-th letter listed; *there is false when it is gone, or is no letter (said). 0 or EXIT_IO. */
int outbox_get(struct outbox *, size_t i, struct letter *, bool *there);
bool letter_done(const struct letter *, uint64_t receiver);
/* The receiver has it. 0 or EXIT_IO. */
int letter_note(struct outbox *, struct letter *, uint64_t receiver);
int outbox_drop(struct outbox *, struct letter *);
void outbox_close(struct outbox *);

#endif
