/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * private - files that hold secrets, and files that decide what is run
 *
 *	fd = private_open("sms.url", PRIVATE_SECRET);	// a plain file, ours or root's, mode 0600
 *	if (fd < 0) return -fd;				// said
 *
 * Invariants: owner and mode are those of the open file, not of a name that may be another file by then.  A process
 * that opened a secret leaves no core file, and no other process of its user may read its memory or trace it.
 */
#ifndef EDGE_PRIVATE_H
#define EDGE_PRIVATE_H

enum private_use {
	PRIVATE_SECRET,		/* nobody else may read it */
	PRIVATE_TRUSTED		/* nobody else may write it */
};

/* A descriptor, or minus EXIT_IO or EXIT_USAGE after a message. */
int private_open(const char *path, enum private_use);
/* The same check, said in why (n bytes) instead; -1 then. */
int private_try(const char *path, enum private_use, char *why, unsigned long n);

/*
 * Around a secret that is wiped again at once, by a process that has no other use for it: what private_before gave goes
 * to private_after, and the process can be looked at as before, unless another secret is in it.
 */
int private_before(void);
void private_after(int before);

#endif
