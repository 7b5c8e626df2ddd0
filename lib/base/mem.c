/* SPDX-License-Identifier: BSD-2-Clause */
/* mem - see mem.h */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#define HUGE_BYTES ((size_t)2 * 1024 * 1024)	/* a large page */
#define TABLE_BYTES_MIN (2 * HUGE_BYTES)	/* less is not worth one */
#define PAGE_BYTES_MIN ((size_t)4096)		/* no system has smaller ones */
#define SPARE_MAX 16			/* large pages that are kept to be used again */
#define ARENA_BLOCK_BYTES ((size_t)256 * 1024)
#define ARENA_ALIGN ((size_t)16)
#define OWN_PAGES_MIN (4 * ARENA_BLOCK_BYTES)	/* a whole block of an arena */

struct arena_block {
	struct arena_block *next;
	size_t size;
	_Alignas(16) char data[];
};

/* Fail the n-th allocation when a test asks for it: every out-of-memory path can be walked. */
static bool
told_to_fail(void)
{
	static _Atomic long fail_at = -1, calls;

	if (fail_at == -1) {
		const char *s = getenv("PIPEHOUSE_OOM_AT");
		fail_at = s == NULL ? 0 : strtol(s, NULL, 10);
	}
	return fail_at > 0 && ++calls == fail_at;
}

static void *
checked(void *p, size_t n)
{
	if (told_to_fail()) {
		free(p);
		p = NULL;
	}
	if (p == NULL)
		err_die(EXIT_IO, "out of memory (%zu bytes)", n);
	return p;
}

void
mem_begin(void)
{
#ifdef M_MMAP_THRESHOLD
	/* said, they move no more with what is freed */
	(void)mallopt(M_MMAP_THRESHOLD, (int)OWN_PAGES_MIN);
	(void)mallopt(M_TRIM_THRESHOLD, (int)(4 * OWN_PAGES_MIN));
#endif
}

void
mem_reuse(void)
{
#ifdef M_MMAP_THRESHOLD
	(void)mallopt(M_MMAP_THRESHOLD, (int)(8 * OWN_PAGES_MIN));
	(void)mallopt(M_TRIM_THRESHOLD, (int)(32 * OWN_PAGES_MIN));
#endif
}

size_t
mem_mul(size_t a, size_t b)
{
	size_t r;

	if (__builtin_mul_overflow(a, b, &r))
		err_die(EXIT_IO, "out of memory (%zu times %zu bytes)", a, b);
	return r;
}

void
mem_too_large(size_t a, size_t b)
{
	err_die(EXIT_IO, "out of memory (%zu plus %zu bytes)", a, b);
}

void *
mem_new(size_t n)
{
	return checked(calloc(1, n == 0 ? 1 : n), n);
}

static size_t
whole_pages(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return mem_add(n, page - 1) / page * page;
}

/*
 * Not by malloc: tables are made to be thrown away for larger ones, and of the holes that leaves it could use few again
 * and give fewer back.
 */
void *
mem_slab(size_t n)
{
	size_t all = mem_add(n, 2 * HUGE_BYTES), before, behind;
	char *p;

	if (n < TABLE_BYTES_MIN)
		return mem_new(n);
	p = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || told_to_fail())
		err_die(EXIT_IO, "out of memory (%zu bytes)", n);
	/* from a large page's edge to the end of a small one */
	before = HUGE_BYTES - ((uintptr_t)p & (HUGE_BYTES - 1));
	behind = all - before - whole_pages(n);
	(void)munmap(p, before);
	p += before;
	(void)munmap(p + whole_pages(n), behind);
	(void)madvise(p, n, MADV_HUGEPAGE);		/* speed only */
	return p;
}

/*
 * Who looks a key up reads a slot before it is written, and a page that is read first is the system's one page of zeros
 * until it is written: two faults instead of one, and between them an interrupt to each core that runs another of our
 * threads, to forget the first.  A large page would be made of small ones then (Linux before 6.12).
 */
void *
mem_table(size_t n)
{
	char *p = mem_slab(n);

	for (size_t i = 0; i < n; i += PAGE_BYTES_MIN)
		*(volatile char *)(p + i) = 0;
	return p;
}

void
mem_table_free(void *p, size_t n)
{
	if (n < TABLE_BYTES_MIN)
		free(p);
	else if (p != NULL)
		(void)munmap(p, whole_pages(n));
}

void *
mem_pages(size_t n)
{
	size_t all = whole_pages(n == 0 ? 1 : n);
	void *p = checked(aligned_alloc((size_t)sysconf(_SC_PAGESIZE), all), all);

	if (all >= TABLE_BYTES_MIN)
		(void)madvise(p, all, MADV_HUGEPAGE);		/* speed only */
	return p;
}

void *
mem_array(void *old, size_t n, size_t size)
{
	size_t bytes = mem_mul(n, size);

	return checked(realloc(old, bytes == 0 ? 1 : bytes), bytes);
}

char *
mem_dup(struct span s)
{
	char *p = mem_array(NULL, mem_add(s.n, 1), 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

char *
mem_str(const char *s)
{
	return mem_dup(span_str(s));
}

/* Large pages that an arena gave back: the system would zero them before it gave them out again. */
static struct {
	pthread_mutex_t lock;
	struct arena_block *head;
	size_t n;
} spare = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool
is_large_page(const struct arena_block *b)
{
	return ((uintptr_t)b & (HUGE_BYTES - 1)) == 0 && b->size == HUGE_BYTES - sizeof *b;
}

static struct arena_block *
new_large_page(void)
{
	struct arena_block *b = checked(aligned_alloc(HUGE_BYTES, HUGE_BYTES), HUGE_BYTES);

	(void)madvise(b, HUGE_BYTES, MADV_HUGEPAGE);		/* speed only */
	return b;
}

/* A block of one large page, aligned to it; *size: what it holds. */
static struct arena_block *
large_page(size_t *size)
{
	struct arena_block *b;

	pthread_mutex_lock(&spare.lock);
	if ((b = spare.head) != NULL) {
		spare.head = b->next;
		spare.n--;
	}
	pthread_mutex_unlock(&spare.lock);
	if (b == NULL)
		b = new_large_page();
	*size = HUGE_BYTES - sizeof *b;
	return b;
}

static void
keep_large_page(struct arena_block *b)
{
	b->size = HUGE_BYTES - sizeof *b;
	pthread_mutex_lock(&spare.lock);
	if (spare.n < SPARE_MAX) {
		b->next = spare.head;
		spare.head = b;
		spare.n++;
		b = NULL;
	}
	pthread_mutex_unlock(&spare.lock);
	free(b);
}

void
arena_ready(void)
{
	struct arena_block *b;
	bool there;

	pthread_mutex_lock(&spare.lock);
	there = spare.n > 0;
	pthread_mutex_unlock(&spare.lock);
	if (there)
		return;
	b = new_large_page();
	keep_large_page(b);		/* which writes into it, so it is there */
}

static void
block_free(struct arena_block *b)
{
	if (is_large_page(b))
		keep_large_page(b);
	else
		free(b);
}

void *
arena_get(struct arena *a, size_t n)
{
	size_t need = mem_add(n, ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
	struct arena_block *b;
	void *p;

	if (a->head == NULL || a->size - a->used < need) {
		/* blocks double up to 1 MiB, so a small arena stays small and a large one has few */
		size_t size = a->head == NULL ? ARENA_BLOCK_BYTES / 64 : a->head->size * 2;

		if (size > 4 * ARENA_BLOCK_BYTES)
			size = 4 * ARENA_BLOCK_BYTES;
		if (size < need)
			size = need;
		b = a->large && size == 4 * ARENA_BLOCK_BYTES ? large_page(&size) :
		    mem_array(NULL, mem_add(sizeof *b, size), 1);
		b->next = a->head;
		b->size = size;
		a->head = b;
		a->used = 0;
		a->size = size;
		a->bytes += size + sizeof *b;
	}
	p = a->head->data + a->used;
	a->used += need;
	return p;
}

char *
arena_dup(struct arena *a, struct span s)
{
	char *p = arena_get(a, s.n);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

void
arena_take(struct arena *a, struct arena *from)
{
	struct arena_block *last = from->head;

	if (a->head == NULL) {
		*a = *from;
	} else if (last != NULL) {
		while (last->next != NULL)
			last = last->next;
		last->next = a->head->next;
		a->head->next = from->head;
		a->bytes += from->bytes;
	}
	*from = (struct arena){ 0 };
}

void
arena_reset(struct arena *a)
{
	struct arena_block *b, *next;

	if (a->head == NULL)
		return;
	for (b = a->head->next; b != NULL; b = next) {
		next = b->next;
		block_free(b);
	}
	a->head->next = NULL;
	a->used = 0;
	a->bytes = a->head->size + sizeof *a->head;
}

void
arena_free(struct arena *a)
{
	struct arena_block *b, *next;

	for (b = a->head; b != NULL; b = next) {
		next = b->next;
		block_free(b);
	}
	*a = (struct arena){ .large = a->large };
}
