/* SPDX-License-Identifier: BSD-2-Clause */
/* sum - see sum.h */
#include "base/sum.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/err.h"
#include "base/mem.h"

struct sum {
	const struct sum_ops *ops;
	void *st;
};

/* ---- by the library ---- */

static void *
fresh(void)
{
	return XXH3_createState();
}

static void
reset(void *st)
{
	(void)XXH3_64bits_reset(st);
}

static void
add(void *st, const char *p, size_t n)
{
	(void)XXH3_64bits_update(st, p, n);
}

static uint64_t
now(const void *st)
{
	return XXH3_64bits_digest(st);
}

static void
end(void *st)
{
	(void)XXH3_freeState(st);
}

static const struct sum_ops library = { fresh, reset, add, now, end };

static const struct sum_ops *
best(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return &sum_avx2;
#endif
	return &library;
}

/* ---- either ---- */

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
