/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem - allocation that checks its sizes, and arenas
 *
 *	struct row *v = mem_array(NULL, n, sizeof *v);	// n * size checked; dies at the limit
 *	struct arena a = { 0 };
 *	char *s = arena_dup(&a, key);			// freed with arena_free(&a)
 *
 * Invariants: none of these returns NULL: out of memory ends the process with EXIT_IO and a
 * message, and nothing half-written is committed (commits are separate steps).  PIPEHOUSE_OOM_AT=n
 * in the environment makes the n-th call fail (tests).  Arena memory is aligned to 16 bytes.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#include "base/span.h"

/*
 * Once, before any of the others and any thread: what is large and given back goes back to the system.  malloc would
 * keep it, and of the holes use few again: state that is put aside and grows again took three times its memory.
 */
void mem_begin(void);
/*
 * Instead, for who takes and gives back pieces of up to a MiB or so all the time, as a reader of Kafka does: malloc
 * keeps them, up to 32 MiB that are free, so that their pages are not made anew each time.
 */
void mem_reuse(void);
/* n zeroed bytes. */
void *mem_new(size_t n);
/*
 * The same for a table that is looked up at random, which is in memory at once, all of it: in large pages where it is
 * long enough and the system has them, which saves a walk through the page tables at each look.  It goes back, whole,
 * to the system: by mem_table_free, with the same n; p may be NULL.
 */
void *mem_table(size_t n);
/* The same for what is filled from its beginning on, and in memory as far as it is; mem_table_free() it. */
void *mem_slab(size_t n);
void mem_table_free(void *p, size_t n);
/* n bytes that begin with a page, not zeroed, in large pages where they are many; free() them. */
void *mem_pages(size_t n);
/* An array of n elements of the given size; grows old (may be NULL); new elements are not zeroed. */
void *mem_array(void *old, size_t n, size_t size);
/* A terminated copy of a span / of a C string; free() it. */
char *mem_dup(struct span);
char *mem_str(const char *);
/* The product of two sizes, or death. */
size_t mem_mul(size_t a, size_t b);
_Noreturn void mem_too_large(size_t a, size_t b);
/* Their sum, or death. */
static inline size_t
mem_add(size_t a, size_t b)
{
	size_t r;

	if (__builtin_expect(__builtin_add_overflow(a, b, &r), 0))
		mem_too_large(a, b);
	return r;
}

/*
 * For large variables of functions that are called all the time: these are not filled with zeros first, as all others
 * are (-ftrivial-auto-var-init).  Their function writes whatever it reads.
 */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define MEM_UNFILLED __attribute__((uninitialized))
#endif
#endif
#ifndef MEM_UNFILLED
#define MEM_UNFILLED
#endif

/*
 * For a function that only asks for memory ahead (__builtin_prefetch): gcc takes it for one without an effect and
 * leaves out its calls, unless it stands inline before gcc looks.
 */
#define MEM_AHEAD static inline __attribute__((always_inline))
#define MEM_ASKED_MAX ((size_t)1024)
#define MEM_LINE 64		/* of the cache */

/* Ask for these bytes, or the first MEM_ASKED_MAX of them. */
MEM_AHEAD void
mem_ask(const char *p, size_t n)
{
	for (size_t at = 0; at < n && at < MEM_ASKED_MAX; at += MEM_LINE)
		__builtin_prefetch(p + at);
}

struct arena {
	struct arena_block *head;
	size_t used, size;	/* of the head block */
	size_t bytes;		/* held in all blocks, for budgets */
	/* set while empty: blocks become large pages, of 2 MiB, where the system has them; some are kept (SPARE_MAX) */
	bool large;
};

/*
 * Before locks are taken under which arenas of large pages may grow: have one to be used that is in memory already, for
 * the system takes up to a millisecond or two to clear it.
 */
void arena_ready(void);
/* n bytes, uninitialised, living until arena_free or arena_reset. */
void *arena_get(struct arena *, size_t n);
/* A copy of the span's bytes (no terminator). */
char *arena_dup(struct arena *, struct span);
/* What `from` holds, into another arena; it is empty then. */
void arena_take(struct arena *, struct arena *from);
/* Forget everything but keep one block for reuse. */
void arena_reset(struct arena *);
void arena_free(struct arena *);

#endif
