/* SPDX-License-Identifier: BSD-2-Clause */
/* index_make - the building half (see index.h) */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define XXH_INLINE_ALL		/* hash_fixed, without a call for each row */
#include <xxhash.h>

#include "base/err.h"
#include "base/limits.h"
#include "in/rec.h"
#include "out/sink.h"
#include "store/fs.h"
#include "store/index.h"
#include "store/index_own.h"
#include "store/index_wait.h"

#define RECENT 256		/* ids of the frame at hand that are known at once */
#define SEG_FRAMES_MAX (1u << 16)	/* 128 bytes each wait */

struct index {
	const struct pathset *paths;
	struct index_room *room;
	struct index *next, *prev;	/* in the room */
	char *path;
	uint64_t name;
	struct sink *out;		/* NULL: nothing written yet */
	int rc;				/* the first failure, said */
	struct wait wait;
	uint64_t recent[RECENT];	/* by hash % RECENT; where there is none, one that stands elsewhere */
	uint32_t first;			/* frame of the segment */
	uint32_t at;			/* frame at hand */
	size_t frame_bytes;
	uint32_t frame_rows;
	uint64_t rows, ids;
	struct buf frame_table, seg_table, text;
	uint32_t segs;
};

/* ---- which values ---- */

static int
add_path(void *arg, struct span name, struct span path)
{
	struct pathset *ps = arg;
	char err[MESSAGE_BYTES_MAX];

	(void)name;
	/* what a table says was judged when it was said */
	return pathset_add(ps, path, err, sizeof err) == -1 ? -1 : 0;
}

struct pathset *
index_paths(const char *trace)
{
	struct pathset *ps;

	if (trace == NULL)
		return NULL;
	ps = pathset_new();
	(void)pathlist_each(span_str(trace), add_path, ps);
	return ps;
}

void
index_ids_free(struct index_ids *ids)
{
	free(ids->v);
	buf_free(&ids->scratch);
	*ids = (struct index_ids){ 0 };
}

/* From a value on by one segment; absent when it leads nowhere. */
static struct val
step(const struct seg *s, struct val v, struct buf *scratch)
{
	bool object = v.tag == T_OBJ && s->name.p != NULL, array = v.tag == T_ARR && (s->name.p == NULL || s->either);
	struct span key;
	struct rec r;
	size_t i = 0;

	if (!object && !array)
		return (struct val){ 0 };
	rec_begin(&r, v.raw);
	for (; rec_next(&r, &key, &v); i++)
		if (object ? rec_key_is(key, s->name, scratch) : i == s->index)
			return v;
	return (struct val){ 0 };
}

void
index_ids_below(const struct path *p, struct val v, struct index_ids *ids)
{
	for (size_t i = 1; i < p->n; i++)
		v = step(&p->seg[i], v, &ids->scratch);
	if (v.tag != T_STR && v.tag != T_NUM)
		return;
	if (ids->n == ids->cap) {
		ids->cap = ids->cap == 0 ? 8 : mem_mul(ids->cap, 2);
		ids->v = mem_array(ids->v, ids->cap, sizeof *ids->v);
	}
	ids->v[ids->n++] = v;
}

void
index_ids(const struct pathset *ps, struct span line, struct index_ids *ids)
{
	struct span key;
	struct rec r;
	struct val v;

	ids->n = 0;
	rec_begin(&r, line);
	while (rec_next(&r, &key, &v))
		for (size_t i = 0; i < ps->n; i++)
			if (ps->path[i].n > 0 && ps->path[i].seg[0].name.p != NULL &&
			    rec_key_is(key, ps->path[i].seg[0].name, &ids->scratch))
				index_ids_below(&ps->path[i], v, ids);
}

/* ---- a segment ---- */

static int
open_out(struct index *ix)
{
	int fd = open(ix->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);

	if (fd == -1)
		return err_io("%s: %s", ix->path, strerror(errno));
	return sink_fd(fd, ix->path, CODEC_NONE, &ix->out);
}

/* Bits that hold a frame of the segment. */
static unsigned
bits_of(uint32_t frames)
{
	unsigned bits = 0;

	while (bits < 31 && (UINT32_C(1) << bits) < frames)
		bits++;
	return bits;
}

static void
note_segment(struct index *ix, uint32_t entries, uint32_t buckets, unsigned bits)
{
	char row[SEG_ROW];

	put64(row, sink_bytes(ix->out));
	put32(row + 8, entries);
	put32(row + 12, buckets);
	put32(row + 16, ix->first);
	put32(row + 20, bits);
	buf_add(&ix->seg_table, row, sizeof row);
	ix->segs++;
}

static int
write_segment(struct index *ix)
{
	size_t whole = WAIT_LISTS * BUCKET_IDS;		/* as many ids are given buckets at a time */
	uint32_t buckets = (uint32_t)((wait_ids(&ix->wait) + whole - 1) / whole * WAIT_LISTS), n;
	struct wait_segment g = { ix->name, ix->segs, buckets, bits_of(ix->at - ix->first + 1) };
	size_t bytes = 8 * ((size_t)buckets + 1);
	char *dir = mem_array(NULL, bytes, 1);
	int rc;

	n = wait_sort(&ix->wait, &g, dir);
	note_segment(ix, n, buckets, g.bits);
	rc = sink_add(ix->out, span_of(dir, bytes));
	if (rc == 0)
		rc = wait_put(&ix->wait, ix->out);
	free(dir);
	return rc;
}

static void
flush(struct index *ix)
{
	if (wait_ids(&ix->wait) > 0 && ix->rc == 0) {
		if (ix->out == NULL)
			ix->rc = open_out(ix);
		if (ix->rc == 0)
			ix->rc = write_segment(ix);
	}
	ix->ids += wait_ids(&ix->wait);
	ix->first = ix->at;
	wait_clear(&ix->wait);
}

/* ---- rows ---- */

static void
forget_recent(struct index *ix)
{
	for (size_t i = 0; i < RECENT; i++)
		ix->recent[i] = i + 1;
}

struct index *
index_begin(const struct pathset *paths, struct index_room *room, const char *data_path)
{
	struct index *ix = mem_new(sizeof *ix);
	struct buf b = { 0 };

	ix->paths = paths;
	ix->path = mem_str(index_name(data_path, &b));
	ix->name = index_name_sum(data_path);
	forget_recent(ix);
	ix->room = ix->wait.room = room;
	ix->next = room->first;
	if (room->first != NULL)
		room->first->prev = ix;
	room->first = ix;
	buf_free(&b);
	return ix;
}

/*
 * A block more; when all have as much as they may, who holds the most gives way, so that many small files stay in one
 * piece each.
 */
static void
make_room(struct index *ix, struct wait_list *l)
{
	struct index_room *room = ix->room;
	size_t max = room->max == 0 ? INDEX_ROOM_IDS : room->max;

	if (room->used >= max) {
		struct index *most = room->first;

		for (struct index *i = room->first; i != NULL; i = i->next)
			if (wait_ids(&i->wait) > wait_ids(&most->wait))
				most = i;
		flush(most);
	}
	wait_grow(&ix->wait, l);
}

/* Not in the way of the others, which are nearly all. */
__attribute__((noinline)) static struct span
unescaped(struct index *ix, const struct val *id)
{
	return val_text(*id, &ix->text);
}

__attribute__((noinline)) static void
add_growing(struct index *ix, struct wait_list *l, uint64_t hash)
{
	make_room(ix, l);
	wait_add(l, hash);
}

static inline void
add(struct index *ix, const struct val *id)
{
	/* a string has its text inside its quotes as it stands, but for escapes */
	struct span text = id->tag != T_STR ? id->raw : id->escaped ? unescaped(ix, id) :
	    span_of(id->raw.p + 1, id->raw.n - 2);
	uint64_t h = XXH3_64bits(text.p, text.n), *known = &ix->recent[h % RECENT];
	struct wait_list *l;

	/* the rows of a trace are close in time: most repeats are seen here, the others fall in wait_sort */
	if (*known == h)
		return;
	*known = h;
	l = wait_list(&ix->wait, h);
	if (wait_full(l))
		add_growing(ix, l, h);
	else
		wait_add(l, h);
}

__attribute__((noinline)) static void
end_frame(struct index *ix)
{
	char row[4];

	ix->rows += ix->frame_rows;
	put32(row, ix->frame_rows);
	buf_add(&ix->frame_table, row, sizeof row);
	wait_frame(&ix->wait);
	forget_recent(ix);
	ix->at++;
	ix->frame_bytes = 0;
	ix->frame_rows = 0;
	if (ix->at - ix->first >= SEG_FRAMES_MAX)
		flush(ix);
}

void
index_row(struct index *ix, const struct val *id, size_t n, size_t bytes)
{
	for (size_t i = 0; i < n; i++)
		add(ix, &id[i]);
	ix->frame_rows++;
	/* as out/sink cuts: behind the first line end at or behind FRAME_BYTES */
	if ((ix->frame_bytes += bytes) >= FRAME_BYTES)
		end_frame(ix);
}

/* ---- the end ---- */

/* Bytes beside the rows that are known of each frame. */
static void
put_frames(struct buf *out, const struct buf *rows, const uint32_t *frame, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char row[FRAME_ROW];

		put32(row, frame[i]);
		memcpy(row + 4, rows->p + 4 * i, 4);
		buf_add(out, row, sizeof row);
	}
}

static int
put_foot(struct index *ix, const struct index_file *f, const uint32_t *frame, size_t n)
{
	char foot[FOOT_BYTES] = { 0 };
	struct buf b = { 0 };
	int rc;

	memcpy(foot + FOOT_MAGIC, INDEX_MAGIC, 8);
	put64(foot + FOOT_NAME, ix->name);
	put64(foot + FOOT_DATA_BYTES, f->bytes);
	put64(foot + FOOT_DATA_SUM, f->xxh64);
	put64(foot + FOOT_PATHS, index_paths_sum(ix->paths));
	put64(foot + FOOT_ROWS, ix->rows);
	put32(foot + FOOT_FRAMES, (uint32_t)n);
	put32(foot + FOOT_SEGS, ix->segs);
	put64(foot + FOOT_FRAMES_AT, sink_bytes(ix->out));
	put_frames(&b, &ix->frame_table, frame, n);
	put64(foot + FOOT_FRAMES_SUM, hash_fixed(buf_span(&b)));
	put64(foot + FOOT_SEGS_SUM, hash_fixed(buf_span(&ix->seg_table)));
	put64(foot + FOOT_SUM, hash_fixed(span_of(foot, FOOT_SUM)));
	buf_span_add(&b, buf_span(&ix->seg_table));
	buf_add(&b, foot, sizeof foot);
	rc = sink_add(ix->out, buf_span(&b));
	buf_free(&b);
	return rc;
}

static void
release(struct index *ix)
{
	if (ix->prev != NULL)
		ix->prev->next = ix->next;
	else
		ix->room->first = ix->next;
	if (ix->next != NULL)
		ix->next->prev = ix->prev;
	buf_free(&ix->frame_table);
	buf_free(&ix->seg_table);
	buf_free(&ix->text);
	wait_free(&ix->wait);
	free(ix->path);
	free(ix);
}

int
index_end(struct index *ix, const struct index_file *f, const uint32_t *frame, size_t n, bool always)
{
	int rc, r;

	if (ix->frame_rows > 0)
		end_frame(ix);
	flush(ix);
	if (ix->ids == 0 && (!always || ix->rows == 0) && ix->rc == 0) {
		release(ix);
		return 0;
	}
	if (ix->rc == 0 && ix->out == NULL)
		ix->rc = open_out(ix);
	rc = ix->rc;
	/* as many frames as rows were counted into: if not, an index would lie */
	if (rc == 0 && ix->frame_table.n != 4 * n)
		rc = err_io("%s: frames and rows do not agree", ix->path);
	if (rc == 0 && (rc = put_foot(ix, f, frame, n)) == 0)
		rc = sink_sync(ix->out);
	if (rc != 0) {
		index_drop(ix);
		return rc;
	}
	r = sink_close(ix->out);
	ix->out = NULL;
	release(ix);
	return r;
}

void
index_drop(struct index *ix)
{
	if (ix == NULL)
		return;
	if (ix->out != NULL) {
		sink_abort(ix->out);
		(void)fs_remove(ix->path);
	}
	release(ix);
}
