/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql_send - full piles to the server, while the next one is filled (see mysql_load_own.h)
 *
 * The server works on a statement as long as it takes to make the next one ready, so a thread sends and waits while
 * the loader reads on.  It touches the connection, its pile and what counts statements; whom a bad row is told to, and
 * every message, is the loader's own, when it takes the pile back: so both come in one order, however fast either was.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/thread.h"
#include "edge/mysql_load_own.h"

struct refused {
	size_t row, words;		/* in the pile; where its reason begins */
};

struct sender {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool quit, done;		/* done: the pile has been sent, whatever became of it */
	struct pile *pile;		/* on its way; NULL: none */
	enum db_fault fault;
	struct refused *refused;
	size_t n_refused, cap;
	struct buf words;
};

/* ---- one pile ---- */

static void
note_refused(struct sender *s, size_t row, const char *words)
{
	if (s->n_refused == s->cap) {
		s->cap = s->cap == 0 ? 16 : mem_mul(s->cap, 2);
		s->refused = mem_array(s->refused, s->cap, sizeof *s->refused);
	}
	s->refused[s->n_refused++] = (struct refused){ row, s->words.n };
	buf_add(&s->words, words, strlen(words) + 1);
}

/* How far bad rows are from each other, with what is known of the last one. */
static void
note_bad(struct load *l)
{
	l->gap = l->gap / 4 > l->since ? l->since + 1 : (3 * l->gap + l->since) / 4;
	l->since = 0;
}

/*
 * Rows of a statement.  A statement by itself costs as much as `c` rows; one that fails is in vain up to the bad row,
 * half of it, which is then taken back: with n rows and a bad one in each `gap`, c / n + n / gap for each row, and
 * least at sqrt(c * gap).
 */
static size_t
fair_step(const struct load *l)
{
	static const uint64_t c = 14;
	uint64_t gap = l->gap > l->since ? l->gap : l->since;
	size_t n = 8;

	while (n < l->step && n * n < c * gap)
		n += n / 4;
	return n < l->step ? n : l->step;
}

/* All rows of the pile; rows at fault one by one out of it. */
static enum db_fault
send_pile(struct load *l, struct sender *s, struct pile *p)
{
	size_t i = 0, doomed = SIZE_MAX, n, bad;
	char words[sizeof l->db->error];

	while (i < p->n) {
		size_t upto = i < doomed && doomed < p->n ? doomed : p->n, step;
		enum db_fault f;

		if (i == doomed) {
			note_refused(s, i++, words);
			doomed = SIZE_MAX;
			note_bad(l);
			continue;
		}
		/* what is before the one that is named has been found good */
		step = doomed == SIZE_MAX ? fair_step(l) : l->step;
		n = step < upto - i ? step : upto - i;
		f = load_execute(l, p, i, &n, &bad);
		if (f == DB_FINE) {
			l->rows += n;
			l->since += n;
			i += n;
			l->step = l->step < ROWS_MAX / 2 ? 2 * l->step : ROWS_MAX;
			continue;
		}
		if (f != DB_ROW)
			return f;
		snprintf(words, sizeof words, "%s", l->db->error);
		if (n == 1 || (bad > 0 && bad <= n)) {
			doomed = n == 1 ? i : i + bad - 1;
		} else {
			l->step = n / 2;	/* which one it was shows when it is alone */
		}
	}
	return DB_FINE;
}

/* ---- the thread ---- */

static void *
work(void *arg)
{
	struct load *l = arg;
	struct sender *s = l->sender;

	mysql_thread_init();
	pthread_mutex_lock(&s->lock);
	while (true) {
		while (!s->quit && (s->pile == NULL || s->done))
			pthread_cond_wait(&s->changed, &s->lock);
		if (s->quit)
			break;
		pthread_mutex_unlock(&s->lock);
		s->fault = send_pile(l, s, s->pile);
		pthread_mutex_lock(&s->lock);
		s->done = true;
		pthread_cond_signal(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	mysql_thread_end();
	return NULL;
}

/* False: no thread could be had. */
static bool
start(struct load *l)
{
	struct sender *s = mem_new(sizeof *s);

	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	l->sender = s;
	if (thread_start(&s->thread, work, l))
		return true;
	s->quit = true;
	load_send_end(l);
	return false;
}

/* ---- for the loader ---- */

/* What became of a pile: its bad rows are told. */
static int
settle(struct load *l, struct sender *s, const struct pile *p)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->n_refused; i++) {
		size_t row = s->refused[i].row;

		rc = load_reject(l, p->ordinal[row], span_of(p->ids.p + p->id_at[row],
		    p->id_at[row + 1] - p->id_at[row]), s->words.p + s->refused[i].words);
	}
	if (rc == 0 && s->fault != DB_FINE)
		rc = load_failed(l, "load");
	return rc;
}

/* The pile that is on its way is there, or is known not to be. */
static int
land(struct load *l, bool tell)
{
	struct sender *s = l->sender;
	int rc;

	if (s == NULL || s->pile == NULL)
		return 0;
	pthread_mutex_lock(&s->lock);
	while (!s->done)
		pthread_cond_wait(&s->changed, &s->lock);
	l->spare = s->pile;
	s->pile = NULL;
	s->done = false;
	pthread_mutex_unlock(&s->lock);
	rc = tell ? settle(l, s, l->spare) : 0;
	s->n_refused = 0;
	buf_clear(&s->words);
	load_pile_clear(l->spare);
	return rc;
}

/* Without a thread. */
static int
send_here(struct load *l, struct pile *p)
{
	struct sender s = { 0 };
	int rc;

	s.fault = send_pile(l, &s, p);
	rc = settle(l, &s, p);
	load_pile_clear(p);
	free(s.refused);
	buf_free(&s.words);
	return rc;
}

int
load_send(struct load *l, struct pile **pile)
{
	struct sender *s;
	int rc = land(l, true);

	if (rc != 0)
		return rc;
	if (l->sender == NULL && !start(l))
		return send_here(l, *pile);
	s = l->sender;
	pthread_mutex_lock(&s->lock);
	s->pile = *pile;
	*pile = l->spare;
	l->spare = NULL;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

int
load_send_rest(struct load *l, int rc)
{
	int landed = land(l, rc == 0);

	rc = rc == 0 ? landed : rc;
	if (rc == 0)
		rc = send_here(l, l->put);
	if (rc == 0 && l->away != NULL)
		rc = send_here(l, l->away);
	return rc;
}

void
load_send_end(struct load *l)
{
	struct sender *s = l->sender;

	if (s == NULL)
		return;
	if (!s->quit) {
		(void)land(l, false);
		pthread_mutex_lock(&s->lock);
		s->quit = true;
		pthread_cond_signal(&s->changed);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
	}
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	free(s->refused);
	buf_free(&s->words);
	free(s);
	l->sender = NULL;
}
