/* SPDX-License-Identifier: BSD-2-Clause */
/* index_make - the building half (see index.h) */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/limits.h"
#include "in/rec.h"
#include "out/sink.h"
#include "store/fs.h"
#include "store/index.h"
#include "store/index_own.h"

#define RECENT 256		/* ids of the frame at hand that are known at once */
#define SEG_FRAMES_MAX (1u << 20)
#define KEEP_IDS 16384		/* memory for so many stays from segment to segment */

struct index {
	const struct pathset *paths;
	struct index_room *room;
	struct index *next, *prev;	/* in the room */
	char *path;
	uint64_t name;
	struct sink *out;		/* NULL: nothing written yet */
	int rc;				/* the first failure, said */
	/* ids that wait: their hashes and frames */
	uint64_t *hash;
	uint32_t *frame;
	size_t n, cap;
	struct { uint64_t hash; uint32_t frame; } recent[RECENT];	/* frame + 1 */
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

/* The waiting ids as entries, bucket after bucket, which begin at start[b]. A counting sort: frames stay in order. */
static void
sort(const struct index *ix, uint32_t buckets, unsigned bits, uint32_t *start, uint32_t *entry)
{
	for (size_t i = 0; i < ix->n; i++)
		start[index_bucket(ix->hash[i], buckets) + 1]++;
	for (uint32_t b = 0; b < buckets; b++)
		start[b + 1] += start[b];
	for (size_t i = 0; i < ix->n; i++) {
		/* start[b] runs to the bucket's end, the next one's beginning: shifted back by whoever reads */
		uint32_t *at = &start[index_bucket(ix->hash[i], buckets)];

		entry[(*at)++] = index_entry(ix->hash[i], ix->frame[i] - ix->first, bits);
	}
}

/* Of the entries [from, to), move those that are there once to `out`, and return how many. */
static uint32_t
unique(uint32_t *entry, uint32_t from, uint32_t to, uint32_t out, unsigned bits)
{
	uint32_t mask = (UINT32_C(1) << bits) - 1, begin = out;

	for (uint32_t i = from; i < to; i++) {
		uint32_t e = entry[i], k = out;

		/* equal ones are of one frame, and those stand side by side */
		while (k > begin && (entry[k - 1] & mask) == (e & mask) && entry[k - 1] != e)
			k--;
		if (k == begin || entry[k - 1] != e)
			entry[out++] = e;
	}
	return out - begin;
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
	uint32_t buckets = (uint32_t)((ix->n + BUCKET_IDS - 1) / BUCKET_IDS), n = 0;
	unsigned bits = bits_of(ix->at - ix->first + 1);
	uint32_t *start = mem_new(mem_mul((size_t)buckets + 1, sizeof *start));
	uint32_t *entry = mem_array(NULL, ix->n, sizeof *entry);
	char *dir = mem_array(NULL, (size_t)buckets + 1, 8);
	int rc;

	sort(ix, buckets, bits, start, entry);
	for (uint32_t b = 0, from = 0; b < buckets; b++) {
		uint32_t to = start[b], had = n;

		n += unique(entry, from, to, n, bits);
		for (uint32_t i = had; i < n; i++)
			entry[i] = htole32(entry[i]);
		put32(dir + 8 * (size_t)b, had);
		put32(dir + 8 * (size_t)b + 4, index_check_of(ix->name, ix->segs, b, had, n,
		    (const char *)(entry + had)));
		from = to;
	}
	put32(dir + 8 * (size_t)buckets, n);
	put32(dir + 8 * (size_t)buckets + 4, 0);
	note_segment(ix, n, buckets, bits);
	rc = sink_add(ix->out, span_of(dir, 8 * ((size_t)buckets + 1)));
	if (rc == 0)
		rc = sink_add(ix->out, span_of((const char *)entry, 4 * (size_t)n));
	free(start);
	free(entry);
	free(dir);
	return rc;
}

static void
flush(struct index *ix)
{
	if (ix->n > 0 && ix->rc == 0) {
		if (ix->out == NULL)
			ix->rc = open_out(ix);
		if (ix->rc == 0)
			ix->rc = write_segment(ix);
	}
	ix->room->used -= ix->n;
	ix->n = 0;
	ix->first = ix->at;
	if (ix->cap > KEEP_IDS) {
		free(ix->hash);
		free(ix->frame);
		ix->hash = NULL;
		ix->frame = NULL;
		ix->cap = 0;
	}
}

/* ---- rows ---- */

struct index *
index_begin(const struct pathset *paths, struct index_room *room, const char *data_path)
{
	struct index *ix = mem_new(sizeof *ix);
	struct buf b = { 0 };

	ix->paths = paths;
	ix->path = mem_str(index_name(data_path, &b));
	ix->name = index_name_sum(data_path);
	ix->room = room;
	ix->next = room->first;
	if (room->first != NULL)
		room->first->prev = ix;
	room->first = ix;
	buf_free(&b);
	return ix;
}

/* Who holds the most gives way, so that many small files stay in one piece each. */
static void
make_room(struct index_room *room)
{
	struct index *most = room->first;

	for (struct index *ix = room->first; ix != NULL; ix = ix->next)
		if (ix->n > most->n)
			most = ix;
	flush(most);
}

static void
add(struct index *ix, struct span text)
{
	uint64_t h = hash_fixed(text);
	size_t slot = h % RECENT;

	/* the rows of a trace are close in time: most repeats are seen here, the others fall in write_segment */
	if (ix->recent[slot].hash == h && ix->recent[slot].frame == ix->at + 1)
		return;
	ix->recent[slot].hash = h;
	ix->recent[slot].frame = ix->at + 1;
	if (ix->n == ix->cap) {
		ix->cap = ix->cap == 0 ? 1024 : mem_mul(ix->cap, 2);
		ix->hash = mem_array(ix->hash, ix->cap, sizeof *ix->hash);
		ix->frame = mem_array(ix->frame, ix->cap, sizeof *ix->frame);
	}
	ix->hash[ix->n] = h;
	ix->frame[ix->n++] = ix->at;
	ix->ids++;
	if (++ix->room->used >= (ix->room->max == 0 ? INDEX_ROOM_IDS : ix->room->max))
		make_room(ix->room);
}

static void
end_frame(struct index *ix)
{
	char row[4];

	put32(row, ix->frame_rows);
	buf_add(&ix->frame_table, row, sizeof row);
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
		add(ix, id[i].tag == T_STR ? val_text(id[i], &ix->text) : id[i].raw);
	ix->rows++;
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
	ix->room->used -= ix->n;
	if (ix->prev != NULL)
		ix->prev->next = ix->next;
	else
		ix->room->first = ix->next;
	if (ix->next != NULL)
		ix->next->prev = ix->prev;
	buf_free(&ix->frame_table);
	buf_free(&ix->seg_table);
	buf_free(&ix->text);
	free(ix->hash);
	free(ix->frame);
	free(ix->path);
	free(ix);
}

int
index_end(struct index *ix, const struct index_file *f, const uint32_t *frame, size_t n, bool always)
{
	int rc, r;

	if (ix->ids == 0 && (!always || ix->rows == 0) && ix->rc == 0) {
		release(ix);
		return 0;
	}
	if (ix->frame_rows > 0)
		end_frame(ix);
	flush(ix);
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
