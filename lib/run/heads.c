/* SPDX-License-Identifier: BSD-2-Clause */
/* heads - see heads.h */
#include <signal.h>
#include <stdlib.h>

#include "base/err.h"
#include "in/rec.h"
#include "run/heads.h"
#include "store/ref.h"
#include "store/table.h"

#define SWEEP_EPOCHS 16		/* plans of all that a sink may still ask for are fewer */

static volatile sig_atomic_t asked;

static void
on_hup(int sig)
{
	(void)sig;
	asked = 1;
}

static int
by_name(const void *a, const void *b)
{
	const struct head *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
add_table(struct heads *h, struct span word)
{
	struct span table, days;
	const char *why = ref_split(word, &table, &days);
	size_t i = 0;

	if (why == NULL)
		why = table_name_bad(table);
	if (why != NULL)
		return err_usage("a table to pin, '%.*s': %s", (int)word.n, word.p, why);
	while (i < h->n && !span_is(table, h->v[i].name))
		i++;
	if (i == h->n) {
		h->v = mem_array(h->v, h->n + 1, sizeof *h->v);
		h->v[h->n++] = (struct head){ .name = mem_dup(table) };
	}
	return 0;
}

/* Words parted by any of the bytes: `TABLE`, `wh:TABLE`, `wh:TABLE@DAYS`, `file:NAME` and the like. */
static int
add(struct heads *h, const char *list, const char *parted)
{
	int rc = 0;

	while (rc == 0 && list != NULL && *(list += strspn(list, parted)) != '\0') {
		struct span word = span_of(list, strcspn(list, parted));

		rc = confs_is(word) ? confs_add(&h->confs, word) : add_table(h, word);
		list += word.n;
	}
	return rc;
}

int
heads_open(struct heads *h, const char *job, const char *list)
{
	struct sigaction sa = { .sa_handler = on_hup };
	int rc;

	*h = (struct heads){ .looked = INT64_MIN, .job = job };
	if ((rc = add(h, getenv("PIPEHOUSE_PINS"), " \t\n")) != 0 || (rc = add(h, list, ",")) != 0)
		return rc;
	if (h->n > 0)
		qsort(h->v, h->n, sizeof *h->v, by_name);
	for (size_t i = 0; rc == 0 && i < h->n; i++)
		rc = table_open(span_str(h->v[i].name), PLACE_READ, LOG_HEAD, &h->v[i].table);
	sigemptyset(&sa.sa_mask);
	sa.sa_flags = SA_RESTART;
	sigaction(SIGHUP, &sa, NULL);
	return rc;
}

int
heads_look(struct heads *h, bool at_once, int64_t now)
{
	int rc = 0;

	if (!at_once && asked == 0 && h->looked != INT64_MIN && now - h->looked < HEADS_MS)
		return 0;
	asked = 0;
	h->looked = now;
	for (size_t i = 0; rc == 0 && i < h->n; i++) {
		struct head *x = &h->v[i];

		rc = table_follow(x->table);
		x->commit = x->table->live->head > x->commit ? x->table->live->head : x->commit;
	}
	return rc == 0 ? confs_look(&h->confs, h->job) : rc;
}

int
heads_settle(struct heads *h, const struct confs_at *at)
{
	h->confs.fresh = true;		/* what the run before left is looked through once */
	return confs_settle(&h->confs, h->job, at);
}

void
heads_take(struct heads *h, struct span pins)
{
	confs_take(&h->confs, pins);
}

void
heads_open_pins(const struct heads *h, struct span pins, struct buf *b)
{
	struct rec r;
	struct span key;
	struct val v;

	buf_byte(b, '{');
	for (rec_begin(&r, pins); rec_next(&r, &key, &v);) {
		if (confs_is(key))
			continue;
		if (b->p[b->n - 1] != '{')
			buf_byte(b, ',');
		buf_byte(b, '"');
		buf_span_add(b, key);
		buf_str(b, "\":");
		buf_span_add(b, v.raw);
	}
	confs_print(&h->confs, true, b);
	buf_byte(b, '}');
}

int
heads_forget(struct heads *h, const char *plans, uint64_t settled)
{
	if (h->confs.fresh) {
		h->sweep = settled + SWEEP_EPOCHS;
		h->confs.fresh = false;
	}
	if (h->confs.n == 0 || h->sweep == 0 || settled < h->sweep)
		return 0;
	h->sweep = 0;
	return confs_sweep(h->job, plans);
}

void
heads_print(const struct heads *h, struct buf *b)
{
	buf_byte(b, '{');
	for (size_t i = 0; i < h->n; i++) {
		if (i > 0)
			buf_byte(b, ',');
		buf_json(b, span_str(h->v[i].name));
		buf_byte(b, ':');
		buf_u64(b, h->v[i].commit);
	}
	confs_print(&h->confs, false, b);
	buf_byte(b, '}');
}

void
heads_close(struct heads *h)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->v[i].table != NULL)
			table_close(h->v[i].table);
		free(h->v[i].name);
	}
	free(h->v);
	confs_free(&h->confs);
	*h = (struct heads){ 0 };
}
