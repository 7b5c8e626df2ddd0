/* SPDX-License-Identifier: BSD-2-Clause */
/* apart - see apart.h */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/thread.h"
#include "out/apart.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t given, done;
	struct apart_job *first, **end;
	uint64_t n_given, n_done;
	bool started, without;		/* without: no thread could be had */
	struct buf spare[APART_SPARES];
	size_t n_spare;
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER, .given = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };

static void *
work(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&queue.lock);
	for (;;) {
		struct apart_job *j;

		while ((j = queue.first) == NULL)
			pthread_cond_wait(&queue.given, &queue.lock);
		if ((queue.first = j->next) == NULL)
			queue.end = &queue.first;
		pthread_mutex_unlock(&queue.lock);
		j->run(j);
		pthread_mutex_lock(&queue.lock);
		queue.n_done++;
		pthread_cond_signal(&queue.done);
	}
	return NULL;
}

/* The thread lives as long as the process, and is never waited for: whoever gave work waits for that. */
static void
start(void)
{
	queue.started = true;
	queue.end = &queue.first;
	queue.without = !thread_detached(work, NULL);
}

uint64_t
apart_give(struct apart_job *j)
{
	uint64_t ticket = ++queue.n_given;

	if (!queue.started)
		start();
	if (queue.without) {
		j->run(j);
		queue.n_done++;
		return ticket;
	}
	j->next = NULL;
	pthread_mutex_lock(&queue.lock);
	while (ticket - queue.n_done > APART_JOBS)
		pthread_cond_wait(&queue.done, &queue.lock);
	*queue.end = j;
	queue.end = &j->next;
	pthread_cond_signal(&queue.given);
	pthread_mutex_unlock(&queue.lock);
	return ticket;
}

void
apart_wait(uint64_t ticket)
{
	if (queue.without || !queue.started)
		return;
	pthread_mutex_lock(&queue.lock);
	while (queue.n_done < ticket)
		pthread_cond_wait(&queue.done, &queue.lock);
	pthread_mutex_unlock(&queue.lock);
}

void
apart_keep(struct buf *b)
{
	pthread_mutex_lock(&queue.lock);
	if (b->cap > 0 && queue.n_spare < APART_SPARES) {
		queue.spare[queue.n_spare] = *b;
		queue.spare[queue.n_spare++].n = 0;
		*b = (struct buf){ 0 };
	}
	pthread_mutex_unlock(&queue.lock);
	buf_free(b);
}

void
apart_spare(struct buf *b)
{
	pthread_mutex_lock(&queue.lock);
	if (queue.n_spare > 0)
		*b = queue.spare[--queue.n_spare];
	pthread_mutex_unlock(&queue.lock);
}
