/* SPDX-License-Identifier: BSD-2-Clause */
/* index_remake - an index of a data file that is there already (see index.h) */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include "base/err.h"
#include "base/limits.h"
#include "store/fs.h"
#include "store/index.h"

#define LOOK_BYTES (256 * KIB)		/* a frame is rarely more; it is read on where it is */

struct remake {
	const char *path;
	int fd;
	uint64_t size, at;
	struct buf packed, raw;
	uint32_t *frame;
	size_t n, cap;
};

/* The bytes of the frame at `at` into packed; *n of them. */
static int
read_frame(struct remake *m, size_t *n)
{
	size_t most = LOOK_BYTES, left = (size_t)(m->size - m->at);

	for (;; most *= 2) {
		size_t want = most < left ? most : left;
		ssize_t got;

		buf_clear(&m->packed);
		got = pread(m->fd, buf_room(&m->packed, want), want, (off_t)m->at);
		if (got == -1)
			return err_io("%s: %s", m->path, strerror(errno));
		*n = ZSTD_findFrameCompressedSize(m->packed.p, (size_t)got);
		if (!ZSTD_isError(*n) && *n <= UINT32_MAX)
			return 0;
		if (want == left || (size_t)got < want)
			return err_input("%s: no whole frame at %llu", m->path, (unsigned long long)m->at);
	}
}

static int
next_frame(struct remake *m)
{
	unsigned long long size;
	size_t n = 0, got;
	int rc = read_frame(m, &n);

	if (rc != 0)
		return rc;
	size = ZSTD_getFrameContentSize(m->packed.p, n);
	if (size > LINE_BYTES_MAX + 2 * FRAME_BYTES)
		return err_input("%s: no frame of ours at %llu", m->path, (unsigned long long)m->at);
	buf_clear(&m->raw);
	buf_room(&m->raw, (size_t)size + BLOCK_PAD_BYTES);
	got = ZSTD_decompress(m->raw.p, (size_t)size, m->packed.p, n);
	if (ZSTD_isError(got))
		return err_input("%s: zstd: %s", m->path, ZSTD_getErrorName(got));
	m->raw.n = got;
	memset(m->raw.p + got, 0, BLOCK_PAD_BYTES);
	if (m->n == m->cap) {
		m->cap = m->cap == 0 ? 64 : mem_mul(m->cap, 2);
		m->frame = mem_array(m->frame, m->cap, sizeof *m->frame);
	}
	m->frame[m->n++] = (uint32_t)n;
	m->at += n;
	return 0;
}

static void
add_rows(const struct remake *m, const struct pathset *ps, struct index_ids *ids, struct index *ix)
{
	const char *p = m->raw.p, *end = p + m->raw.n, *lf;

	for (; p < end; p = lf + 1) {
		if ((lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
			lf = end;
		index_ids(ps, span_of(p, (size_t)(lf - p)), ids);
		index_row(ix, ids->v, ids->n, (size_t)(lf - p) + 1);
	}
}

int
index_remake(const struct index_file *f, const struct pathset *ps, bool always)
{
	struct remake m = { .path = f->path, .fd = open(f->path, O_RDONLY | O_CLOEXEC), .size = f->bytes };
	struct index_room room = { 0 };
	struct index_ids ids = { 0 };
	struct buf name = { 0 };
	char *dir = fs_parent(f->path);
	struct index *ix;
	int rc;

	rc = m.fd == -1 ? err_io("%s: %s", f->path, strerror(errno)) : fs_remove(index_name(f->path, &name));
	ix = index_begin(ps, &room, f->path);
	while (rc == 0 && m.at < m.size && (rc = next_frame(&m)) == 0)
		add_rows(&m, ps, &ids, ix);
	if (rc == 0)
		rc = index_end(ix, f, m.frame, m.n, always);
	else
		index_drop(ix);
	if (rc == 0)
		rc = fs_sync_dir(dir);
	if (m.fd != -1)
		close(m.fd);
	index_room_free(&room);
	index_ids_free(&ids);
	buf_free(&m.packed);
	buf_free(&m.raw);
	buf_free(&name);
	free(m.frame);
	free(dir);
	return rc;
}
