/* SPDX-License-Identifier: BSD-2-Clause */
/* parts - see parts.h */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/temp.h"
#include "run/parts.h"

#define PART_BITS 7
#define CHUNK_BYTES_MIN (4 * KIB)
#define CHUNK_BYTES_MAX (64 * KIB)	/* buffered writes of less cost more than the hashing */

_Static_assert(PARTS == 1 << PART_BITS, "parts_round leaves out the bits that choose the part");

struct part {
	char *open;			/* the chunk being filled */
	uint32_t used, n, cap;		/* bytes in it; chunks on disk */
	uint32_t *chunk;		/* [n] their numbers in the file */
};

struct parts {
	size_t width, chunk_bytes;	/* chunk_bytes: whole entries */
	int fd;
	uint32_t chunks;		/* in the file */
	char *buf;			/* for parts_each */
	struct part part[PARTS];
};

struct parts *
parts_new(size_t width, size_t budget)
{
	struct parts *p = mem_new(sizeof *p);
	size_t bytes = budget / PARTS;

	bytes = bytes > CHUNK_BYTES_MAX ? CHUNK_BYTES_MAX : bytes < CHUNK_BYTES_MIN ? CHUNK_BYTES_MIN : bytes;
	p->width = width;
	p->chunk_bytes = bytes / width * width;
	p->fd = -1;
	return p;
}

static int
write_chunk(struct parts *p, struct part *x)
{
	int rc;

	if (p->fd == -1 && (p->fd = temp_file()) == -1)
		return EXIT_IO;
	if (p->chunks == UINT32_MAX)
		return err_io("temporary file: more than %u chunks", UINT32_MAX);
	if (x->n == x->cap) {
		x->cap = x->cap == 0 ? 16 : x->cap * 2;
		x->chunk = mem_array(x->chunk, x->cap, sizeof *x->chunk);
	}
	if ((rc = temp_write(p->fd, x->open, p->chunk_bytes, (uint64_t)p->chunks * p->chunk_bytes)) != 0)
		return rc;
	x->chunk[x->n++] = p->chunks++;
	x->used = 0;
	return 0;
}

int
parts_put(struct parts *p, uint64_t hash, const char *entry)
{
	struct part *x = &p->part[hash >> (64 - PART_BITS)];

	if (x->open == NULL)
		x->open = mem_array(NULL, p->chunk_bytes, 1);
	memcpy(x->open + x->used, entry, p->width);
	x->used += (uint32_t)p->width;
	return x->used < p->chunk_bytes ? 0 : write_chunk(p, x);
}

uint64_t
parts_count(const struct parts *p, size_t part)
{
	const struct part *x = &p->part[part];

	return ((uint64_t)x->n * p->chunk_bytes + x->used) / p->width;
}

uint64_t
parts_rounds(const struct parts *p, size_t part, uint64_t fit)
{
	uint64_t n = parts_count(p, part);

	return n / fit + (n % fit != 0);
}

int
parts_each(struct parts *p, size_t part, int (*each)(void *arg, const char *entry, size_t n), void *arg)
{
	const struct part *x = &p->part[part];
	int rc = 0;

	if (p->buf == NULL)
		p->buf = mem_array(NULL, p->chunk_bytes, 1);
	for (uint32_t i = 0; i < x->n && rc == 0; i++) {
		uint64_t at = (uint64_t)x->chunk[i] * p->chunk_bytes;

		if ((rc = temp_read_all(p->fd, p->buf, p->chunk_bytes, at)) == 0)
			rc = each(arg, p->buf, p->chunk_bytes / p->width);
	}
	return rc != 0 || x->used == 0 ? rc : each(arg, x->open, x->used / p->width);
}

uint64_t
parts_bytes(const struct parts *p)
{
	uint64_t n = (uint64_t)p->chunks * p->chunk_bytes;

	for (size_t i = 0; i < PARTS; i++)
		n += p->part[i].used;
	return n;
}

void
parts_free(struct parts *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < PARTS; i++) {
		free(p->part[i].open);
		free(p->part[i].chunk);
	}
	if (p->fd != -1)
		close(p->fd);
	free(p->buf);
	free(p);
}
