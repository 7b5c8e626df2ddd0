/* SPDX-License-Identifier: BSD-2-Clause */
/* sum - see sum.h */
#include "base/sum.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/sum_ops.h"

struct sum {
	const struct sum_ops *ops;
	void *st;
};

static const struct sum_ops library = SUM_OPS;

static const struct sum_ops *
best(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return &sum_avx2;
#endif
	return &library;
}

struct sum *
sum_new(void)
{
	struct sum *s = mem_new(sizeof *s);

	s->ops = best();
	if ((s->st = s->ops->fresh()) == NULL)
		err_die(EXIT_IO, "out of memory (a checksum)");
	s->ops->reset(s->st);
	return s;
}

void
sum_reset(struct sum *s)
{
	s->ops->reset(s->st);
}

void
sum_add(struct sum *s, struct span b)
{
	s->ops->add(s->st, b.p, b.n);
}

uint64_t
sum_now(const struct sum *s)
{
	return s->ops->now(s->st);
}

void
sum_free(struct sum *s)
{
	if (s == NULL)
		return;
	s->ops->end(s->st);
	free(s);
}
