/* SPDX-License-Identifier: BSD-2-Clause */
/* kafka_wake - see kafka_wake.h */
#include "edge/kafka_wake.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/thread.h"

#define WAIT_MS 100		/* for an answer */

struct kafka_wake {
	rd_kafka_t *rk;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t asked;
	const char *topic;		/* whose broker is to be asked; NULL: nobody's */
	int32_t part;
	bool started, runs, over;
};

static void *
work(void *arg)
{
	struct kafka_wake *w = arg;
	int64_t low, high;

	pthread_mutex_lock(&w->lock);
	while (!w->over) {
		const char *topic = w->topic;
		int32_t part = w->part;

		if (topic == NULL) {
			pthread_cond_wait(&w->asked, &w->lock);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		(void)rd_kafka_query_watermark_offsets(w->rk, topic, part, &low, &high, WAIT_MS);
		pthread_mutex_lock(&w->lock);
		w->topic = NULL;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct kafka_wake *
kafka_wake_new(rd_kafka_t *rk)
{
	struct kafka_wake *w = mem_new(sizeof *w);

	w->rk = rk;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->asked, NULL);
	return w;
}

void
kafka_wake_ask(struct kafka_wake *w, const char *topic, int32_t part)
{
	if (!w->started) {
		w->started = true;
		w->runs = thread_start(&w->thread, work, w);
	}
	pthread_mutex_lock(&w->lock);
	if (w->topic == NULL) {
		w->topic = topic;
		w->part = part;
		pthread_cond_signal(&w->asked);
	}
	pthread_mutex_unlock(&w->lock);
}

void
kafka_wake_free(struct kafka_wake *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->over = true;
	pthread_cond_signal(&w->asked);
	pthread_mutex_unlock(&w->lock);
	if (w->runs)
		pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->asked);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
