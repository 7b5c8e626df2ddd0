/* SPDX-License-Identifier: BSD-2-Clause */
/* tail - see tail.h */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/ctx.h"
#include "run/tail.h"
#include "store/spot.h"

/* To open a pipe would wait for its writer, and a device may have no end; what is gone by now is for open to say. */
static bool
is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == -1 || S_ISREG(st.st_mode);
}

static int
open_one(const char *path, bool may_go, int (*each)(void *, const char *, int), void *arg)
{
	int fd;

	if (strcmp(path, "-") == 0)
		return each(arg, path, 0);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd != -1)
		return each(arg, path, fd);
	return may_go && errno == ENOENT ? 0 : err_io("%s: %s", path, strerror(errno));
}

int
tail_files(struct ctx *c, const char *pattern, int (*each)(void *arg, const char *path, int fd), void *arg)
{
	const char *const *file;
	size_t n = ctx_files(c, &file);
	glob_t g = { 0 };
	int rc = 0, r;

	if (pattern == NULL) {
		for (size_t i = 0; rc == 0 && i < n; i++)
			rc = open_one(file[i], false, each, arg);
		return n == 0 ? each(arg, "-", 0) : rc;
	}
	r = glob(pattern, 0, NULL, &g);
	if (r != 0 && r != GLOB_NOMATCH)
		rc = err_io("%s: cannot be read", pattern);
	/* between glob and open a rotation may have taken one away: the next time finds it under its new name */
	for (size_t i = 0; rc == 0 && r == 0 && i < g.gl_pathc; i++)
		rc = is_file(g.gl_pathv[i]) ? open_one(g.gl_pathv[i], true, each, arg) :
		    each(arg, g.gl_pathv[i], -1);
	globfree(&g);
	return rc;
}

static int
open_at(struct ctx *c, struct tail *t, uint64_t *base, struct source **src)
{
	struct source_conf conf = { .max_line = c->opt.max_line, .grows = t->grows };
	int fd;

	*base = 0;
	if (t->fd == 0)
		return source_fd(0, "<stdin>", &conf, src);
	if ((fd = fcntl(t->fd, F_DUPFD_CLOEXEC, 3)) == -1)
		return err_io("%s: %s", t->name, strerror(errno));
	/* zstd and gzip cannot be read from their middle */
	conf.raw = t->offset > 0 && !spot_packed(fd);
	if (conf.raw)
		*base = t->offset;
	if (lseek(fd, (off_t)*base, SEEK_SET) == -1 && errno != ESPIPE) {
		close(fd);
		return err_io("%s: %s", t->name, strerror(errno));
	}
	return source_fd(fd, t->name, &conf, src);
}

/* Bytes at the end of a block that are no line yet. */
static size_t
torn(const struct block *blk)
{
	const char *lf = memrchr(blk->p, '\n', blk->n);
	struct span last = lf == NULL ? span_of(blk->p, blk->n) : span_from(span_of(blk->p, blk->n),
	    (size_t)(lf + 1 - blk->p));
	static const struct scan_conf conf;
	size_t at;

	if (last.n == 0 || (last.p[0] == '{' && scan_value(last, &conf, &at) == NULL))
		return 0;
	return last.n;
}

/* One block at its true place; *done when nothing behind it is to be read now. */
static int
take(struct ctx *c, struct tail *t, struct block blk, uint64_t base, bool *done)
{
	size_t size;
	int rc;

	blk.offset += base;
	/* a packed file is read again from its beginning: what was taken before is passed over */
	if (blk.offset < t->offset && blk.long_line == 0) {
		size_t skip = t->offset - blk.offset < blk.n ? (size_t)(t->offset - blk.offset) : blk.n;

		blk.p += skip;
		blk.n -= skip;
		blk.offset += skip;
	}
	if (blk.offset < t->offset)
		return 0;
	if (t->end > 0 && blk.long_line == 0 && blk.offset + blk.n >= t->end) {
		blk.n = blk.offset < t->end ? (size_t)(t->end - blk.offset) : 0;
		*done = true;
	}
	if (t->hold && blk.long_line == 0 && blk.n > 0) {
		t->left = torn(&blk);
		blk.n -= t->left;
	}
	*done = *done || t->left > 0;
	size = blk.long_line > 0 ? blk.long_line : blk.n;
	if (size == 0)
		return 0;
	blk.line0 = t->line + 1;
	if ((rc = input_block(c, &c->main_feed, c->paths, &blk)) == 0) {
		t->line += c->main_feed.lines;
		t->offset = blk.offset + size;
	}
	return rc;
}

/* The main feed, ready for blocks. */
static struct feed *
feed_of(struct ctx *c)
{
	struct scan_conf kc = { .max_string = c->opt.max_string, .max_depth = c->opt.max_depth,
	    .max_keys = c->opt.max_keys };
	struct feed *f = &c->main_feed;

	f->cmd = c->cmd;
	f->main = true;
	if (f->scan == NULL)
		f->scan = scan_new(c->paths, &kc);
	c->feed = f;
	return f;
}

char *
messages_add(struct messages *m, uint64_t place, size_t size)
{
	char *p;

	if (m->n == m->cap) {
		m->cap = m->cap == 0 ? 1024 : mem_mul(2, m->cap);
		m->place = mem_array(m->place, m->cap, sizeof *m->place);
	}
	m->place[m->n++] = place;
	p = buf_room(&m->text, mem_add(size, 1));
	m->text.n += size + 1;
	return p;
}

int
tail_messages(struct ctx *c, struct messages *m)
{
	struct feed *f = feed_of(c);
	size_t done = 0, at = 0;
	int rc = 0;

	buf_room(&m->text, BLOCK_PAD_BYTES);
	f->name = m->name;
	f->place = m->place;
	while (rc == 0 && at < m->text.n) {
		struct block blk = { .p = m->text.p + at, .n = m->text.n - at, .line0 = done + 1, .offset = at };

		/* slices of whole lines, for the scanner's tables */
		if (blk.n > BLOCK_BYTES)
			blk.n = (size_t)((const char *)memchr(blk.p + BLOCK_BYTES, '\n', blk.n - BLOCK_BYTES) -
			    blk.p) + 1;
		at += blk.n;
		rc = input_block(c, f, c->paths, &blk);
		done += f->lines;
	}
	f->name = NULL;
	f->place = NULL;
	buf_clear(&m->text);
	m->n = 0;
	return rc;
}

size_t
tail_message(struct ctx *c, const struct batch *b, size_t i)
{
	(void)b;
	return (size_t)c->feed->line_number - 1 + i;
}

int
tail_feed(struct ctx *c, struct tail *t)
{
	struct feed *f = feed_of(c);
	uint64_t base, from = t->offset;
	struct block blk = { .n = 1 };
	bool done = false;
	int rc;

	t->left = 0;
	t->ended = t->torn = false;
	if ((rc = open_at(c, t, &base, &f->src)) != 0)
		return rc;
	/* what is to end at a certain place is to get there */
	while (rc == 0 && !done && (!run_stop || t->end > 0) && (t->most == 0 || t->offset - from < t->most) &&
	    (rc = source_block(f->src, &blk)) == 0) {
		if (blk.n == 0 && blk.long_line == 0)
			break;
		rc = take(c, t, blk, base, &done);
	}
	t->ended = done || (blk.n == 0 && blk.long_line == 0);
	t->torn = source_torn(f->src);
	source_close(f->src);
	f->src = NULL;
	return rc;
}
