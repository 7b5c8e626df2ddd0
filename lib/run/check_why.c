/* SPDX-License-Identifier: BSD-2-Clause */
/* check_why - see check_why.h */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "run/check_why.h"

struct whys {
	struct map *keys;		/* to struct why */
	size_t sums, n;
	struct span name[REASONS_MAX];
	bool lacks[REASONS_MAX];
};

struct whys *
whys_new(size_t n_sums)
{
	struct whys *w = mem_new(sizeof *w);

	w->sums = n_sums;
	w->keys = map_new(sizeof(struct why) + mem_mul(n_sums, sizeof(struct why_sum)));
	return w;
}

const char *
whys_name(struct whys *w, const char *text, bool lacks, const char **operand)
{
	const char *eq = strchr(text, '=');
	struct span name;

	if (eq == NULL || eq == text || eq[1] == '\0')
		return "NAME=FILE is needed";
	name = span_of(text, (size_t)(eq - text));
	if (w->n == REASONS_MAX)
		return "too many reasons";
	for (size_t i = 0; i < w->n; i++)
		if (span_eq(w->name[i], name))
			return "that name twice";
	w->name[w->n] = name;
	w->lacks[w->n++] = lacks;
	*operand = eq + 1;
	return NULL;
}

size_t
whys_count(const struct whys *w)
{
	return w->n;
}

struct span
whys_named(const struct whys *w, size_t reason)
{
	return w->name[reason];
}

void
whys_put(struct whys *w, size_t reason, struct span key, const struct dec *num, const bool *has)
{
	struct why *y = map_put(w->keys, key, NULL);

	y->n[reason]++;
	for (size_t k = 0; k < w->sums; k++) {
		struct dec d = num[k];

		if (!has[k]) {
			y->sum[k].unknown = true;
			continue;
		}
		if (!w->lacks[reason])
			dec_neg(&d);
		decsum_add(&y->sum[k].behind, &d);
	}
}

const struct why *
whys_of(const struct whys *w, struct span key)
{
	return map_get(w->keys, key);
}

size_t
whys_bytes(const struct whys *w)
{
	return map_bytes(w->keys);
}

void
whys_free(struct whys *w)
{
	if (w == NULL)
		return;
	map_free(w->keys);
	free(w);
}
