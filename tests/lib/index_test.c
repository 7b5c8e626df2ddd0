/* SPDX-License-Identifier: BSD-2-Clause */
/* index_test - the index of trace ids against all that was put in: nothing missed, whatever is done to the file */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/find.h"
#include "base/limits.h"
#include "out/sink.h"
#include "store/fs.h"
#include "store/index.h"
#include "store/index_own.h"
#include "t.h"

#define ROWS 9000
#define ROOM_LEAST 8160		/* a block for each list of one index */
#define PAD 700			/* so that frames are few thousand rows */

static uint64_t seed = 88172645463325252ull;

static uint64_t
rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* ---- a data file whose ids are known ---- */

struct put {
	char id[24];
	unsigned frame;
};

static struct put put[3 * ROWS];
static size_t n_put;
static unsigned frames;
static uint64_t frame_row[64];
static char path[200];
static struct index_file file;

static void
note(const char *before, unsigned k, const char *behind, unsigned frame)
{
	snprintf(put[n_put].id, sizeof put->id, "%s%u%s", before, k, behind);
	put[n_put++].frame = frame;
}

/* A row of `kinds` of values at trace_id and o.ids[1], told to put[] by hand. */
static void
make_row(struct buf *b, unsigned kinds, unsigned frame)
{
	unsigned k = (unsigned)(rnd() % kinds);
	char pad[PAD];

	buf_clear(b);
	switch (k % 5) {
	case 0:
		buf_fmt(b, "{\"a\":1,\"trace_id\":\"t-%u\"", k);
		buf_fmt(b, ",\"o\":{\"ids\":[\"u%u\",\"v-%u\"]}", k, k);
		note("t-", k, "", frame);
		note("v-", k, "", frame);
		break;
	case 1:		/* escaped in the name and in the value */
		buf_fmt(b, "{\"\\u0074race_id\" : \"e\\/\\u00e9%u\"", k);
		note("e/\xc3\xa9", k, "", frame);
		break;
	case 2:
		buf_fmt(b, "{\"trace_id\":%u.50", k);
		note("", k, ".50", frame);
		break;
	case 3:
		buf_fmt(b, "{\"o\":{\"ids\":\"t-%u\",\"trace_id\":\"no-%u\"},\"trace_id\":null", k, k);
		break;
	default:
		buf_fmt(b, "{\"x\":\"trace_id\",\"trace_id\":{\"id\":\"t-%u\"}", k);
	}
	memset(pad, 'p', sizeof pad - 1);
	pad[rnd() % (PAD - 1)] = '\0';
	buf_fmt(b, ",\"pad\":\"%s\"}", pad);
}

static void
make(const struct pathset *ps, struct index_room *room, uint64_t rows, unsigned kinds)
{
	struct index *ix = index_begin(ps, room, path);
	struct index_ids ids = { 0 };
	struct buf b = { 0 }, name = { 0 };
	struct sink *s;
	const uint32_t *frame;
	size_t n, bytes = 0;

	unlink(path);
	unlink(index_name(path, &name));
	n_put = frames = 0;
	frame_row[0] = 0;
	sink_fd(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), path, CODEC_ZSTD, &s);
	for (uint64_t i = 0; i < rows; i++) {
		make_row(&b, kinds, frames);
		index_ids(ps, buf_span(&b), &ids);
		index_row(ix, ids.v, ids.n, b.n + 1);
		sink_line(s, buf_span(&b));
		if ((bytes += b.n + 1) >= FRAME_BYTES) {
			bytes = 0;
			frame_row[++frames] = i + 1;
		}
	}
	frames += bytes > 0;
	frame_row[frames] = rows;
	sink_sync(s);
	file = (struct index_file){ path, sink_file_bytes(s), sink_file_xxh64(s) };
	frame = sink_frames(s, &n);
	ok(n == frames && index_end(ix, &file, frame, n, false) == 0, "as many frames as counted, and an index");
	sink_close(s);
	index_ids_free(&ids);
	buf_free(&b);
	buf_free(&name);
}

/* Is each frame that holds the id among the answers? */
static bool
covers(const char *id, const struct index_frame *f, size_t n)
{
	for (size_t i = 0; i < n_put; i++) {
		bool among = false;

		if (strcmp(put[i].id, id) != 0)
			continue;
		for (size_t k = 0; k < n; k++)
			among = among || f[k].line == frame_row[put[i].frame];
		if (!among)
			return false;
	}
	return true;
}

/* The answer for an id, judged; *known: it was one. */
static bool
right(const struct pathset *ps, const char *id, bool *known, size_t *n)
{
	struct index_frame *f;
	bool is;

	*known = index_look(&file, ps, span_str(id), &f, n);
	is = !*known || covers(id, f, *n);
	free(f);
	return is;
}

/* ---- the tests ---- */

static void
all_found(const struct pathset *ps, const char *what)
{
	size_t n, false_frames = 0;
	bool known;

	for (size_t i = 0; i < n_put; i += 1 + rnd() % 7) {
		okf(right(ps, put[i].id, &known, &n) && known && n > 0, "%s", put[i].id);
		okf(n <= frames, "%s: %zu frames", put[i].id, n);
	}
	for (int i = 0; i < 2000; i++) {
		char id[24];

		snprintf(id, sizeof id, "none-%d", i);
		okf(right(ps, id, &known, &n) && known, "%s", id);
		false_frames += n;
	}
	ok(false_frames < 3, what);
	ok_all(what);
}

/* The frames that are named are where they are said to be, and hold the rows they are said to. */
static void
frames_true(const struct pathset *ps)
{
	char *raw = malloc(2 * MIB), *packed = malloc(2 * MIB);
	int fd = open(path, O_RDONLY);
	struct index_frame *f;
	size_t n, got;

	for (size_t i = 0; i < 40; i++) {
		const struct put *p = &put[rnd() % n_put];

		if (!index_look(&file, ps, span_str(p->id), &f, &n))
			n = 0;
		for (size_t k = 0; k < n; k++) {
			okf(pread(fd, packed, f[k].bytes, (off_t)f[k].at) == (ssize_t)f[k].bytes, "read");
			got = ZSTD_decompress(raw, 2 * MIB, packed, f[k].bytes);
			okf(!ZSTD_isError(got) && find_lines(raw, got) == f[k].rows, "a whole frame of its rows");
		}
		free(f);
	}
	close(fd);
	free(raw);
	free(packed);
	ok_all("frames are where they are said to be");
}

static void
damaged(const struct pathset *ps)
{
	struct buf b = { 0 };
	const char *ix;
	struct stat st;
	char *whole;
	int fd;
	size_t n, unknown = 0;
	bool known, there;

	ix = index_name(path, &b);
	ok(index_check(&file, ps, &there) == NULL && there, "read through: whole");
	fd = open(ix, O_RDWR);
	fstat(fd, &st);
	whole = malloc((size_t)st.st_size);
	okf(pread(fd, whole, (size_t)st.st_size, 0) == st.st_size, "read");
	for (off_t at = 0; at < st.st_size; at++) {
		char c = (char)(whole[at] ^ (int)(1 + rnd() % 255));

		okf(pwrite(fd, &c, 1, at) == 1, "write");
		okf(index_check(&file, ps, &there) != NULL, "byte %ld: not seen by a check", (long)at);
		for (int k = 0; k < 4; k++) {
			okf(right(ps, put[rnd() % n_put].id, &known, &n), "byte %ld: an id was missed", (long)at);
			unknown += !known;
		}
		okf(pwrite(fd, whole + at, 1, at) == 1, "write");
	}
	ok(unknown > 0, "some changes were met by a look");
	ok_all("each byte changed: seen, or not looked at; never a miss");
	for (off_t at = st.st_size - 1; at >= 0; at -= 1 + (off_t)(rnd() % 5)) {
		okf(ftruncate(fd, at) == 0, "cut");
		okf(right(ps, put[0].id, &known, &n) && !known, "cut to %ld: it was used", (long)at);
	}
	okf(pwrite(fd, whole, (size_t)st.st_size, 0) == st.st_size, "write");
	okf(right(ps, put[0].id, &known, &n) && known, "whole again");
	close(fd);
	free(whole);
	buf_free(&b);
	ok_all("cut anywhere: not known");
}

static void
of_others(const struct pathset *ps)
{
	struct pathset *same = index_paths(".trace_id,$.o.ids[1]"), *other = index_paths("trace_id");
	struct index_file f = file;
	bool known;
	size_t n;

	ok(right(same, put[0].id, &known, &n) && known, "the same paths written otherwise");
	ok(right(other, put[0].id, &known, &n) && !known, "other paths: not known");
	file.xxh64++;
	ok(right(ps, put[0].id, &known, &n) && !known, "another sum of the data: not known");
	file = f;
	file.bytes++;
	ok(right(ps, put[0].id, &known, &n) && !known, "another length: not known");
	file = f;
	okf(truncate(path, (off_t)file.bytes - 1) == 0, "cut");
	ok(right(ps, put[0].id, &known, &n) && !known, "the data file itself is another: not known");
	pathset_free(same);
	pathset_free(other);
}

static void
names(void)
{
	struct buf b = { 0 };
	struct span s;

	ok(strcmp(index_name("/a/b/r-1.pz", &b), "/a/b/.r-1.pz.trace") == 0, "its name");
	s = index_of(".r-1.pz.trace");
	ok(span_is(s, "r-1.pz") && index_of("r-1.pz").n == 0 && index_of(".lock").n == 0, "and back");
	buf_free(&b);
}

/* As the last index has them. */
static uint32_t
segments(void)
{
	struct buf b = { 0 };
	char foot[FOOT_BYTES];
	struct stat st;
	int fd = open(index_name(path, &b), O_RDONLY);
	bool all = fd != -1 && fstat(fd, &st) == 0 &&
	    pread(fd, foot, sizeof foot, st.st_size - FOOT_BYTES) == FOOT_BYTES;

	close(fd);
	buf_free(&b);
	return all ? get32(foot + FOOT_SEGS) : 0;
}

/* An index without data: rows that each fill a frame, or a part of one. */
static struct index *
begin(const struct pathset *ps, struct index_room *room)
{
	struct buf b = { 0 };
	struct index *ix = index_begin(ps, room, path);

	unlink(path);
	unlink(index_name(path, &b));
	fs_new(path, span_str("x"));
	file = (struct index_file){ path, 1, 0 };
	buf_free(&b);
	return ix;
}

static void
row(struct index *ix, const char *before, unsigned k, size_t bytes)
{
	char raw[40];
	struct val v;

	snprintf(raw, sizeof raw, "\"%s-%u\"", before, k);
	v = val_of(span_str(raw));
	index_row(ix, &v, 1, bytes);
}

static size_t
found(const struct pathset *ps, const char *id)
{
	struct index_frame *f = NULL;
	size_t n = 0;
	bool known = index_look(&file, ps, span_str(id), &f, &n);

	for (size_t i = 1; i < n; i++)
		okf(f[i].at > f[i - 1].at, "frames of %s in order", id);
	free(f);
	return known ? n : SIZE_MAX;
}

/* One id in each of many frames, among others: more of one kind than a bucket is made for. */
static void
everywhere(const struct pathset *ps, struct index_room *room)
{
	enum { FRAMES = 5000 };
	static uint32_t frame[FRAMES];
	struct index *ix = begin(ps, room);

	for (unsigned i = 0; i < FRAMES; i++) {
		row(ix, "all", 1, 100);
		row(ix, "own", i, 100);
		row(ix, "pair", i / 2, 100);
		row(ix, "all", 2, FRAME_BYTES);
		frame[i] = 1;
	}
	ok(index_end(ix, &file, frame, FRAMES, false) == 0, "ids in every frame");
	ok(found(ps, "all-1") == FRAMES && found(ps, "all-2") == FRAMES, "are found in every frame");
	for (unsigned i = 0; i < FRAMES; i += 1 + (unsigned)(rnd() % 30)) {
		char id[24];

		/* by chance another frame may seem to hold it */
		snprintf(id, sizeof id, "own-%u", i);
		okf(found(ps, id) - 1 < 3, "%s", id);
		snprintf(id, sizeof id, "pair-%u", i / 2);
		okf(found(ps, id) - 2 < 3, "%s", id);
	}
	ok_all("and the others in theirs");
}

/* Ids that come again in their frame when they were forgotten have one entry each all the same. */
static void
twice(const struct pathset *ps, struct index_room *room)
{
	enum { IDS = 20000, FRAMES = 3 };
	uint32_t frame[FRAMES] = { 1, 1, 1 };
	struct buf b = { 0 };
	struct stat st = { 0 };
	struct index *ix = begin(ps, room);

	for (unsigned f = 0; f < FRAMES; f++)
		for (unsigned i = 0; i < 3 * IDS; i++)
			row(ix, "again", i % IDS, i == 3 * IDS - 1 ? FRAME_BYTES : 1);
	ok(index_end(ix, &file, frame, FRAMES, false) == 0 && stat(index_name(path, &b), &st) == 0, "ids that come again");
	/* nine thirds of a directory that was made for all of them, and their entries once a frame */
	printf("# %lld bytes\n", (long long)st.st_size);
	ok(st.st_size <= 4 * IDS * FRAMES + 8 * (3 * IDS * FRAMES / 128 + 64) + 200, "are entered once a frame");
	ok(found(ps, "again-77") == FRAMES, "and found in each");
	buf_free(&b);
}

/* Bytes an id, and that many ids wait in no more room than was given. */
static void
size_of(const struct pathset *ps, struct index_room *room)
{
	struct buf b = { 0 };
	struct stat st;
	uint32_t frame[200];
	struct index *ix = begin(ps, room);
	const size_t ids = 400000;

	(void)index_name(path, &b);
	for (size_t i = 0; i < ids; i++) {
		char raw[40];
		struct val v;

		snprintf(raw, sizeof raw, "\"%016lx%016lx\"", (unsigned long)rnd(), (unsigned long)rnd());
		v = val_of(span_str(raw));
		index_row(ix, &v, 1, 200);
		index_row(ix, &v, 1, 200);		/* a second row of the same trace costs nothing */
	}
	for (size_t i = 0; i < 200; i++)
		frame[i] = 1;
	ok(index_end(ix, &file, frame, (2 * ids * 200 + FRAME_BYTES - 1) / FRAME_BYTES, false) == 0 &&
	    stat(buf_cstr(&b), &st) == 0, "many ids");
	printf("# %.4f bytes an id\n", (double)st.st_size / (double)ids);
	ok((double)st.st_size <= 4.1 * (double)ids, "at most 4.1 bytes an id and frame");
	ok(room->used == 0 && room->first == NULL, "the room is empty again");
	buf_free(&b);
}

/* The search below it all, against memmem. */
static void
finds(void)
{
	static char text[3000];
	struct find f;

	for (int round = 0; round < 5000; round++) {
		size_t n = rnd() % sizeof text, m = 1 + rnd() % (rnd() % 8 == 0 ? 90 : 5);
		unsigned letters = 1 + (unsigned)(rnd() % 4);
		char needle[100];
		const char *p, *q;

		for (size_t i = 0; i < n; i++)
			text[i] = (char)("ab\"\n"[rnd() % letters]);
		for (size_t i = 0; i < m; i++)
			needle[i] = n > m && rnd() % 2 ? text[i + n / 2 < n ? i + n / 2 : 0] : (char)("ab\"\n"[rnd() % letters]);
		find_init(&f, span_of(needle, m));
		p = text + rnd() % (n + 1);
		q = memmem(p, (size_t)(text + n - p), needle, m);
		/* the widest that the machine has, and what narrower ones would do */
		for (;; f.wide = f.wide == 64 ? 32 : 0) {
			okf(find_next(&f, p, text + n) == q, "round %d: %zu in %zu, %d at once", round, m, n, f.wide);
			if (f.wide == 0)
				break;
		}
	}
	for (size_t n = 0; n < sizeof text; n += 7) {
		size_t lines = 0;

		for (size_t i = 0; i < n; i++)
			lines += (text[i] = rnd() % 3 ? '\n' : 'x') == '\n';
		okf(find_lines(text, n) == lines, "lines of %zu", n);
	}
	ok_all("find_next is memmem, find_lines counts");
}

int
main(void)
{
	char dir[] = "/tmp/index.XXXXXX";
	struct pathset *ps = index_paths("trace_id,o.ids[1]");
	struct index_room room = { 0 };

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof path, "%s/r-1-x-0.pz", dir);
	finds();
	names();
	make(ps, &room, ROWS, 1000000);
	all_found(ps, "every id is found, others are not");
	frames_true(ps);
	of_others(ps);
	make(ps, &room, ROWS, 7);
	all_found(ps, "and of few ids in every frame");
	damaged(ps);
	room.max = ROOM_LEAST;
	make(ps, &room, ROWS, 5000);
	ok(segments() > 1, "a small room: many segments");
	all_found(ps, "the same of many segments");
	damaged(ps);
	room.max = 0;
	everywhere(ps, &room);
	twice(ps, &room);
	size_of(ps, &room);
	index_room_free(&room);
	pathset_free(ps);
	fs_remove_tree(dir);
	return done();
}
