/* SPDX-License-Identifier: BSD-2-Clause */
/* heads - see heads.h */
#include <signal.h>
#include <stdlib.h>

#include "base/err.h"
#include "run/heads.h"
#include "store/ref.h"
#include "store/table.h"

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

/* Words parted by any of the bytes: `TABLE`, `wh:TABLE`, `wh:TABLE@DAYS`. */
static int
add(struct heads *h, const char *list, const char *parted)
{
	while (list != NULL && *(list += strspn(list, parted)) != '\0') {
		struct span word = span_of(list, strcspn(list, parted)), table, days;
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
		list += word.n;
	}
	return 0;
}

int
heads_open(struct heads *h, const char *list)
{
	struct sigaction sa = { .sa_handler = on_hup };
	int rc;

	*h = (struct heads){ .looked = INT64_MIN };
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
	return rc;
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
	*h = (struct heads){ 0 };
}
