/* SPDX-License-Identifier: BSD-2-Clause */
/* lent - see lent.h */
#include <stdlib.h>

#include "base/lent.h"
#include "base/mem.h"

struct lent *
lent_new(void)
{
	return mem_new(sizeof(struct lent));
}

void
lent_add(struct lent_list *v, struct lent *l)
{
	if (v->n == LENT_IDLE_MAX) {
		lent_free(l);
		return;
	}
	l->next = v->first;
	v->first = l;
	v->n++;
}

struct lent *
lent_get(struct lent_list *v)
{
	struct lent *l = v->first;

	if (l == NULL)
		return lent_new();
	v->first = l->next;
	v->n--;
	return l;
}

void
lent_free(struct lent *l)
{
	if (l != NULL)
		buf_free(&l->bytes);
	free(l);
}

void
lent_free_all(struct lent_list *v)
{
	while (v->n > 0)
		lent_free(lent_get(v));
}
