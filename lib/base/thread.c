/* SPDX-License-Identifier: BSD-2-Clause */
/* thread - see thread.h */
#include "base/thread.h"

#include <signal.h>

bool
thread_start(pthread_t *id, void *(*work)(void *), void *arg)
{
	sigset_t all, was;
	bool good;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &was);
	good = pthread_create(id, NULL, work, arg) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &was, NULL);
	return good;
}

bool
thread_detached(void *(*work)(void *), void *arg)
{
	pthread_t id;

	if (!thread_start(&id, work, arg))
		return false;
	(void)pthread_detach(id);
	return true;
}
