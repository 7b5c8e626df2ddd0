/* SPDX-License-Identifier: BSD-2-Clause */
/* index - the asking half (see index.h) */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/fs.h"
#include "store/index.h"
#include "store/index_own.h"

#define TAIL_BYTES 4096		/* read at once: the foot, the segments, of a small index all */
#define SUFFIX ".trace"

struct segment {
	uint64_t at;
	uint32_t entries, buckets, first;
	unsigned bits;
};

struct look {
	int fd;
	uint64_t size, name;
	char tail[TAIL_BYTES];
	uint64_t tail_at;		/* what the tail begins at */
	const char *foot;
	uint32_t frames, segs;
	uint64_t frames_at;
	struct buf seg_table, piece;
	struct index_frame *hit;
	size_t n, cap;
};

/* ---- names ---- */

const char *
index_name(const char *data_path, struct buf *b)
{
	const char *slash = strrchr(data_path, '/'), *base = slash == NULL ? data_path : slash + 1;

	buf_clear(b);
	buf_add(b, data_path, (size_t)(base - data_path));
	buf_fmt(b, ".%s" SUFFIX, base);
	return buf_cstr(b);
}

struct span
index_of(const char *name)
{
	size_t n = strlen(name), m = strlen(SUFFIX);

	return n > m + 1 && name[0] == '.' && strcmp(name + n - m, SUFFIX) == 0 ? span_of(name + 1, n - m - 1) :
	    span_of(NULL, 0);
}

uint64_t
index_name_sum(const char *data_path)
{
	const char *slash = strrchr(data_path, '/');

	return hash_fixed(span_str(slash == NULL ? data_path : slash + 1));
}

uint64_t
index_paths_sum(const struct pathset *ps)
{
	struct buf b = { 0 };
	uint64_t h;

	if (ps == NULL || ps->n == 0)
		return 0;
	for (size_t i = 0; i < ps->n; i++) {
		const struct path *p = &ps->path[i];

		buf_fmt(&b, "%zu:", p->n);
		for (size_t k = 0; k < p->n; k++) {
			buf_fmt(&b, "%c%u,%zu:", p->seg[k].name.p == NULL ? 'i' : p->seg[k].either ? 'e' : 'n',
			    (unsigned)p->seg[k].index, p->seg[k].name.n);
			buf_span_add(&b, p->seg[k].name);
		}
	}
	h = hash_fixed(buf_span(&b));
	buf_free(&b);
	return h;
}

/* ---- reading ---- */

/* n bytes at a place of the file, whose end was checked; NULL when they cannot be read. Good until the next call. */
static const char *
piece(struct look *l, uint64_t at, size_t n)
{
	if (at >= l->tail_at)
		return l->tail + (at - l->tail_at);
	buf_clear(&l->piece);
	return fs_read_at(l->fd, buf_room(&l->piece, n), n, at) ? l->piece.p : NULL;
}

static struct segment
seg_at(const struct look *l, uint32_t i)
{
	const char *p = l->seg_table.p + SEG_ROW * (size_t)i;

	return (struct segment){ get64(p), get32(p + 8), get32(p + 12), get32(p + 16), get32(p + 20) };
}

/* Do the pieces follow each other as they must? Sums say that they are as written; this, that none leads out. */
static bool
laid_out(struct look *l)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < l->segs; i++) {
		struct segment s = seg_at(l, i);

		if (s.at != at || s.buckets == 0 || s.bits > 31 || s.first >= l->frames)
			return false;
		at += 8 * ((uint64_t)s.buckets + 1) + 4 * (uint64_t)s.entries;
	}
	return at == l->frames_at;
}

/* The foot is of this data file and these paths, and whole. NULL, or why it cannot be used. */
static const char *
foot_bad(const char *foot, const struct index_file *f, const struct pathset *ps)
{
	if (memcmp(foot + FOOT_MAGIC, INDEX_MAGIC, 8) != 0)
		return "it is cut off, or of another version";
	if (get64(foot + FOOT_SUM) != hash_fixed(span_of(foot, FOOT_SUM)))
		return "its foot was changed";
	if (get64(foot + FOOT_NAME) != index_name_sum(f->path) || get64(foot + FOOT_DATA_BYTES) != f->bytes ||
	    get64(foot + FOOT_DATA_SUM) != f->xxh64)
		return "it is of another data file";
	return get64(foot + FOOT_PATHS) == index_paths_sum(ps) ? NULL : "it is of other paths";
}

static const char *
open_foot(struct look *l, const struct index_file *f, const struct pathset *ps)
{
	size_t n = l->size < TAIL_BYTES ? (size_t)l->size : TAIL_BYTES;
	uint64_t room;
	const char *why, *p;

	if (n < FOOT_BYTES)
		return "it is cut off";
	l->tail_at = l->size - n;
	if (!fs_read_at(l->fd, l->tail, n, l->tail_at))
		return "it cannot be read";
	l->foot = l->tail + n - FOOT_BYTES;
	if ((why = foot_bad(l->foot, f, ps)) != NULL)
		return why;
	l->name = get64(l->foot + FOOT_NAME);
	l->frames = get32(l->foot + FOOT_FRAMES);
	l->segs = get32(l->foot + FOOT_SEGS);
	l->frames_at = get64(l->foot + FOOT_FRAMES_AT);
	room = FRAME_ROW * (uint64_t)l->frames + SEG_ROW * (uint64_t)l->segs + FOOT_BYTES;
	if (l->frames_at > l->size || room != l->size - l->frames_at)
		return "it has another length than it says";
	n = SEG_ROW * (size_t)l->segs;
	if ((p = piece(l, l->size - FOOT_BYTES - n, n)) == NULL)
		return "it cannot be read";
	buf_add(&l->seg_table, p, n);
	if (get64(l->foot + FOOT_SEGS_SUM) != hash_fixed(buf_span(&l->seg_table)) || !laid_out(l))
		return "its segments were changed";
	return NULL;
}

/* NULL, or why it cannot be used; *there: is there one? Close it in any case. */
static const char *
look_open(struct look *l, const struct index_file *f, const struct pathset *ps, bool *there)
{
	struct buf b = { 0 };
	const char *why;
	struct stat st;

	l->fd = open(index_name(f->path, &b), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	*there = l->fd != -1 || errno != ENOENT;
	buf_free(&b);
	if (l->fd == -1)
		return "it cannot be opened";
	if (fstat(l->fd, &st) == -1 || !S_ISREG(st.st_mode))
		return "it is no file";
	l->size = (uint64_t)st.st_size;
	(void)posix_fadvise(l->fd, 0, 0, POSIX_FADV_RANDOM);
	if ((why = open_foot(l, f, ps)) != NULL)
		return why;
	/* whoever wrote over the data file in place does not know of its index */
	return stat(f->path, &st) == 0 && (uint64_t)st.st_size == f->bytes ? NULL : "the data file is another";
}

static void
look_close(struct look *l)
{
	if (l->fd != -1)
		close(l->fd);
	buf_free(&l->seg_table);
	buf_free(&l->piece);
}

/* ---- a bucket ---- */

static void
add_hit(struct look *l, uint32_t frame)
{
	/* a segment may end in the frame that the next begins with */
	for (size_t i = l->n; i > 0 && l->hit[i - 1].at >= frame; i--)
		if (l->hit[i - 1].at == frame)
			return;
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 8 : mem_mul(l->cap, 2);
		l->hit = mem_array(l->hit, l->cap, sizeof *l->hit);
	}
	l->hit[l->n++] = (struct index_frame){ .at = frame };
}

/* Check bucket b of a segment, and note the frames of the entries that say this hash (NULL: of none). */
static bool
bucket(struct look *l, uint32_t seg, const struct segment *s, uint32_t b, const uint64_t *hash)
{
	const char *p = piece(l, s->at + 8 * (uint64_t)b, 16);
	uint32_t start, end, check, want, mask = (UINT32_C(1) << s->bits) - 1;

	if (p == NULL)
		return false;
	start = get32(p);
	check = get32(p + 4);
	end = get32(p + 8);
	if (start > end || end > s->entries || (b + 1 == s->buckets && (end != s->entries || get32(p + 12) != 0)))
		return false;
	p = piece(l, s->at + 8 * ((uint64_t)s->buckets + 1) + 4 * (uint64_t)start, 4 * (size_t)(end - start));
	if (p == NULL || check != index_check_of(l->name, seg, b, start, end, p))
		return false;
	want = hash == NULL ? 0 : index_entry(*hash, 0, s->bits);
	for (uint32_t i = 0; hash != NULL && i < end - start; i++) {
		uint32_t e = get32(p + 4 * (size_t)i), frame = s->first + (e & mask);

		if ((e & ~mask) != want)
			continue;
		if (frame >= l->frames)
			return false;
		add_hit(l, frame);
	}
	return true;
}

/* The frame table, checked; NULL when it cannot be used. */
static const char *
frame_table(struct look *l)
{
	size_t n = FRAME_ROW * (size_t)l->frames;
	const char *p = piece(l, l->frames_at, n);

	return p != NULL && hash_fixed(span_of(p, n)) == get64(l->foot + FOOT_FRAMES_SUM) ? p : NULL;
}

static int
by_place(const void *a, const void *b)
{
	const struct index_frame *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* The frames found, by number, become places in the data file. */
static bool
place_frames(struct look *l)
{
	const char *p = frame_table(l);
	uint64_t at = 0, line = 0;
	uint32_t frame = 0;

	if (p == NULL)
		return false;
	qsort(l->hit, l->n, sizeof *l->hit, by_place);
	for (size_t i = 0; i < l->n; i++) {
		uint32_t want = (uint32_t)l->hit[i].at;

		for (; frame < want; frame++) {
			at += get32(p + FRAME_ROW * (size_t)frame);
			line += get32(p + FRAME_ROW * (size_t)frame + 4);
		}
		l->hit[i] = (struct index_frame){ at, line, get32(p + FRAME_ROW * (size_t)frame),
		    get32(p + FRAME_ROW * (size_t)frame + 4) };
	}
	return true;
}

bool
index_look(const struct index_file *f, const struct pathset *ps, struct span id, struct index_frame **frame, size_t *n)
{
	uint64_t h = hash_fixed(id);
	struct look l = { .fd = -1 };
	bool there, known = look_open(&l, f, ps, &there) == NULL;

	for (uint32_t i = 0; known && i < l.segs; i++) {
		struct segment s = seg_at(&l, i);

		known = bucket(&l, i, &s, index_bucket(h, s.buckets), &h);
	}
	if (known && l.n > 0)
		known = place_frames(&l);
	look_close(&l);
	*frame = NULL;
	*n = 0;
	if (!known) {
		free(l.hit);
		return false;
	}
	*frame = l.hit;
	*n = l.n;
	return true;
}

/* ---- all of it ---- */

static const char *
check_frames(struct look *l, const struct index_file *f)
{
	const char *p = frame_table(l);
	uint64_t bytes = 0, rows = 0;

	if (p == NULL)
		return "its table of frames was changed";
	for (uint32_t i = 0; i < l->frames; i++) {
		bytes += get32(p + FRAME_ROW * (size_t)i);
		rows += get32(p + FRAME_ROW * (size_t)i + 4);
	}
	return bytes == f->bytes && rows == get64(l->foot + FOOT_ROWS) ? NULL : "its frames are not those of the data";
}

const char *
index_check(const struct index_file *f, const struct pathset *ps, bool *there)
{
	struct look l = { .fd = -1 };
	const char *why = look_open(&l, f, ps, there);

	if (why == NULL)
		why = check_frames(&l, f);
	for (uint32_t i = 0; why == NULL && i < l.segs; i++) {
		struct segment s = seg_at(&l, i);

		for (uint32_t b = 0; why == NULL && b < s.buckets; b++)
			if (!bucket(&l, i, &s, b, NULL))
				why = "a bucket was changed";
	}
	look_close(&l);
	return why;
}
