/* SPDX-License-Identifier: BSD-2-Clause */
/* reread - see reread.h */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/temp.h"
#include "in/source.h"
#include "out/sink.h"
#include "run/reread.h"

#define PLACE_DIGITS 16		/* hexadecimal, before a line that is kept */

/* A stretch of the input: one operand. */
struct piece {
	const char *name;		/* of the operand; NULL: lines are kept */
	uint64_t base;			/* place of its line n: base + n */
	struct stat was;
	uint64_t line, offset;		/* where it was first kept; line 0: never */
};

struct reread {
	struct ctx *c;
	struct piece *piece;
	size_t n, operand;		/* operand: the number of the last piece's, from 1 */
	uint64_t last;			/* line of the last record met, in the last piece */
	off_t stdin_at, stdin_end;	/* where standard input began; where it is left, -1: as it is */
	struct sink *keeps;
	int keeps_fd;
	/* reading again */
	size_t at;			/* the piece */
	struct source *src, *kept;	/* of a file; of lines kept */
	struct block blk, kept_blk;
	const char *p, *kept_p;		/* behind the line that was read last */
	uint64_t line;			/* its number */
};

struct reread *
reread_new(struct ctx *c)
{
	struct reread *r = mem_new(sizeof *r);

	r->c = c;
	r->keeps_fd = -1;
	r->stdin_end = -1;
	r->stdin_at = lseek(STDIN_FILENO, 0, SEEK_CUR);
	return r;
}

/* ---- the first time ---- */

/* The operand behind the last one that has this name; files without a record were passed over. */
static const char *
next_operand(struct reread *r, const char *source)
{
	const char *const *file;
	size_t n = ctx_files(r->c, &file);

	while (r->operand < n) {
		const char *name = file[r->operand++];

		if (strcmp(strcmp(name, "-") == 0 ? "<stdin>" : name, source) == 0)
			return name;
	}
	return n == 0 ? "-" : NULL;
}

static void
begin_piece(struct reread *r, const char *source)
{
	struct piece *p;
	bool file;

	r->piece = mem_array(r->piece, r->n + 1, sizeof *r->piece);
	p = &r->piece[r->n++];
	*p = (struct piece){ .name = next_operand(r, source), .base = r->n == 1 ? 0 : p[-1].base + r->last };
	if (p->name == NULL)
		return;
	file = strcmp(p->name, "-") == 0 ? fstat(STDIN_FILENO, &p->was) == 0 && r->stdin_at != -1 :
	    stat(p->name, &p->was) == 0;
	if (!file || !S_ISREG(p->was.st_mode))
		p->name = NULL;
	r->last = 0;
}

uint64_t
reread_batch(struct reread *r, const struct batch *b)
{
	struct where w = ctx_where(r->c, b, 0);
	const char *now = r->n == 0 ? NULL : r->piece[r->n - 1].name;

	/* line numbers rise within an operand; two of other names never are one */
	if (r->n == 0 || w.line <= r->last ||
	    (now != NULL && strcmp(strcmp(now, "-") == 0 ? "<stdin>" : now, w.source) != 0))
		begin_piece(r, w.source);
	r->last = w.line + b->n - 1;
	return r->piece[r->n - 1].base + w.line;
}

bool
reread_keeps(const struct reread *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->piece[i].name == NULL)
			return true;
	return false;
}

int
reread_keep_line(struct reread *r, uint64_t place, struct span line)
{
	char text[PLACE_DIGITS];
	int rc, fd;

	if (r->keeps == NULL) {
		if ((r->keeps_fd = temp_file()) == -1)
			return EXIT_IO;
		if ((fd = fcntl(r->keeps_fd, F_DUPFD_CLOEXEC, 3)) == -1)
			return err_io("temporary file: %s", strerror(errno));
		if ((rc = sink_fd(fd, "temporary file", CODEC_ZSTD, &r->keeps)) != 0)
			return rc;
	}
	for (size_t i = PLACE_DIGITS; i-- > 0; place >>= 4)
		text[i] = "0123456789abcdef"[place & 15];
	if ((rc = sink_add(r->keeps, span_of(text, sizeof text))) != 0)
		return rc;
	return sink_line(r->keeps, line);
}

void
reread_mark(struct reread *r, const struct batch *b)
{
	struct piece *p = &r->piece[r->n - 1];
	struct where w;

	if (p->name == NULL || p->line != 0)
		return;
	w = ctx_where(r->c, b, 0);
	p->line = w.line;
	p->offset = w.offset;
}

int
reread_keep(struct reread *r, const struct batch *b)
{
	const struct piece *p = &r->piece[r->n - 1];
	struct where w = ctx_where(r->c, b, 0);
	int rc = 0;

	reread_mark(r, b);
	for (size_t i = 0; i < b->n && rc == 0 && p->name == NULL; i++)
		if (b->fate[i] == F_USED)
			rc = reread_keep_line(r, p->base + w.line + i, b->line[i]);
	return rc;
}

uint64_t
reread_bytes(const struct reread *r)
{
	return r->keeps == NULL ? 0 : sink_bytes(r->keeps);
}

/* ---- the second time ---- */

static int
changed(const struct piece *p)
{
	return err_temp("%s: changed while it was read", p->name);
}

/* Into the file at the line first kept, if that can be: a compressed one is read from its beginning. */
static int
seek_kept(const struct piece *p, int fd, off_t start, bool *raw)
{
	unsigned char first = 0;

	*raw = false;
	if (lseek(fd, start, SEEK_SET) == -1)
		return err_io("%s: %s", p->name, strerror(errno));
	if (p->line <= 1 || pread(fd, &first, 1, start) != 1)
		return 0;
	/* as the magic numbers of gzip, zstd and its skippable frames begin, and no record does */
	if (first == 0x1f || first == 0x28 || (first & 0xf0) == 0x50)
		return 0;
	*raw = true;
	if (lseek(fd, start + (off_t)p->offset, SEEK_SET) == -1)
		return err_io("%s: %s", p->name, strerror(errno));
	return 0;
}

static int
open_again(struct reread *r)
{
	const struct piece *p = &r->piece[r->at];
	bool std = strcmp(p->name, "-") == 0, raw;
	struct source_conf conf = { .max_line = ctx_max_line(r->c) };
	int fd = std ? STDIN_FILENO : open(p->name, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc;
	struct stat now;

	if (fd == -1)
		return err_io("%s: %s", p->name, strerror(errno));
	if (fstat(fd, &now) == -1 || now.st_dev != p->was.st_dev || now.st_ino != p->was.st_ino ||
	    now.st_size != p->was.st_size || now.st_mtim.tv_sec != p->was.st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != p->was.st_mtim.tv_nsec)
		rc = changed(p);
	else if (std && (r->stdin_end = lseek(fd, 0, SEEK_CUR)) == -1)
		rc = err_io("<stdin>: %s", strerror(errno));
	else if ((rc = seek_kept(p, fd, std ? r->stdin_at : 0, &raw)) == 0) {
		conf.raw = raw;
		r->line = raw ? p->line - 1 : 0;
		r->p = NULL;
		r->blk = (struct block){ 0 };
		return source_fd(fd, std ? "<stdin>" : p->name, &conf, &r->src);
	}
	if (!std)
		close(fd);
	return rc;
}

/* The line behind *p in the source's blocks, with its LF if it has one; n 0: the input is over. */
static int
next_line(struct source *src, struct block *blk, const char **p, struct span *line)
{
	const char *lf, *end;
	int rc;

	while (*p == NULL || *p == blk->p + blk->n) {
		if ((rc = source_block(src, blk)) != 0)
			return rc;
		*p = blk->p;
		if (blk->long_line > 0) {		/* stands for one line; nobody asks for it */
			*line = span_of(blk->p, blk->n);
			*p = NULL;
			return 0;
		}
		if (blk->n == 0) {
			*p = NULL;
			*line = span_of("", 0);
			return 0;
		}
	}
	end = blk->p + blk->n;
	lf = memchr(*p, '\n', (size_t)(end - *p));
	end = lf == NULL ? end : lf + 1;
	*line = span_of(*p, (size_t)(end - *p));
	*p = end;
	return 0;
}

/* As the scanner hands lines out: without the end. */
static struct span
bare(struct span line)
{
	if (line.n > 0 && line.p[line.n - 1] == '\n')
		line.n--;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static int
file_line(struct reread *r, uint64_t number, struct span *line)
{
	int rc;

	if (r->src == NULL && (rc = open_again(r)) != 0)
		return rc;
	while (r->line < number) {
		if ((rc = next_line(r->src, &r->blk, &r->p, line)) != 0)
			return rc;
		if (line->n == 0)
			return changed(&r->piece[r->at]);
		r->line++;
	}
	*line = bare(*line);
	return 0;
}

static int
open_kept(struct reread *r)
{
	int fd = r->keeps_fd, rc;

	r->keeps_fd = -1;
	rc = sink_close(r->keeps);
	r->keeps = NULL;
	if (rc == 0 && lseek(fd, 0, SEEK_SET) == -1)
		rc = err_io("temporary file: %s", strerror(errno));
	if (rc == 0)
		return source_fd(fd, "temporary file", &(struct source_conf){
		    .max_line = ctx_max_line(r->c) + PLACE_DIGITS }, &r->kept);
	close(fd);
	return rc;
}

static uint64_t
place_of(struct span line)
{
	uint64_t place = 0;

	for (size_t i = 0; i < PLACE_DIGITS && i < line.n; i++)
		place = place << 4 | (uint64_t)(line.p[i] <= '9' ? line.p[i] - '0' : line.p[i] - 'a' + 10);
	return place;
}

static int
kept_line(struct reread *r, uint64_t place, struct span *line)
{
	int rc;

	if (r->kept == NULL && (rc = open_kept(r)) != 0)
		return rc;
	do {
		if ((rc = next_line(r->kept, &r->kept_blk, &r->kept_p, line)) != 0)
			return rc;
		if (line->n <= PLACE_DIGITS)
			return err_io("temporary file: it became shorter");
	} while (place_of(*line) < place);
	*line = span_from(*line, PLACE_DIGITS);
	line->n--;
	return 0;
}

int
reread_line(struct reread *r, uint64_t place, struct span *line)
{
	while (r->at + 1 < r->n && place > r->piece[r->at + 1].base) {
		source_close(r->src);
		r->src = NULL;
		r->at++;
	}
	if (r->piece[r->at].name == NULL)
		return kept_line(r, place, line);
	return file_line(r, place - r->piece[r->at].base, line);
}

void
reread_free(struct reread *r)
{
	if (r == NULL)
		return;
	if (r->keeps != NULL)
		sink_abort(r->keeps);
	source_close(r->src);
	source_close(r->kept);
	if (r->keeps_fd != -1)
		close(r->keeps_fd);
	if (r->stdin_end != -1)		/* others may share the offset */
		(void)lseek(STDIN_FILENO, r->stdin_end, SEEK_SET);
	free(r->piece);
	free(r);
}
