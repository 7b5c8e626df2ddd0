/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread - threads deaf to signals
 *
 *	pthread_t id;
 *	if (thread_start(&id, work, arg)) ... pthread_join(id, NULL);
 *	if (!thread_detached(work, arg)) work(arg);	// who starts them can do without
 *
 * Invariants: every signal is blocked in such a thread, so that each comes to the thread that reads and is interrupted
 * there; a write to a closed pipe is EPIPE.  Those of the caller are as they were.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* It does that work, and is to be joined. False, without a word: none could be started. */
bool thread_start(pthread_t *, void *(*work)(void *), void *arg);
/* The same of one that nobody joins. */
bool thread_detached(void *(*work)(void *), void *arg);

#endif
