/* SPDX-License-Identifier: BSD-2-Clause */
/* rows_out - see rows_out.h */
#include <errno.h>
#include <fcntl.h>

#include "in/source.h"
#include "run/rows_out.h"
#include "store/follow.h"

void
rows_out_at(struct rows_out *o, const char *day, uint64_t commit)
{
	o->number = commit;
	buf_clear(&o->tail);
	if (o->dt)
		buf_fmt(&o->tail, ",\"dt\":\"%s\"", day);
	if (o->commit != NULL) {
		buf_byte(&o->tail, ',');
		buf_json(&o->tail, span_str(o->commit));
		buf_byte(&o->tail, ':');
		buf_u64(&o->tail, commit);
	}
	if (o->tail.n > 0)
		buf_str(&o->tail, "}\n");
}

void
rows_out_free(struct rows_out *o)
{
	buf_free(&o->tail);
}

int
rows_out_row(void *arg, struct span row)
{
	struct rows_out *o = arg;
	struct sink *out = ctx_out(o->ctx);
	size_t n = row.n, last;
	char *p;

	o->rows++;
	if (o->tail.n == 0)
		return sink_line(out, row);
	while (n > 0 && row.p[n - 1] != '}')
		n--;
	if (n == 0)
		return err_input("%s: a row that is no object", o->what);
	n--;
	if ((p = sink_room(out, mem_add(n, o->tail.n))) == NULL)
		return EXIT_IO;
	memcpy(p, row.p, n);
	/* the only member has no comma before it */
	for (last = n; last > 0 && memchr(" \t", row.p[last - 1], 2) != NULL; last--)
		;
	if (last > 0 && row.p[last - 1] == '{') {
		memcpy(p + n, o->tail.p + 1, o->tail.n - 1);
		return sink_advance(out, n + o->tail.n - 1);
	}
	memcpy(p + n, o->tail.p, o->tail.n);
	return sink_advance(out, n + o->tail.n);
}

static bool
left_out(struct rows_out *o)
{
	if (o->n_skip == 0 || *o->skip != o->passed++)
		return false;
	o->skip++;
	o->n_skip--;
	return true;
}

/* *n: the block's rows are added to it. */
static int
put_block(struct rows_out *o, const struct block *b, uint64_t *n)
{
	const char *p = b->p, *end = p + b->n;
	int rc = 0;

	if (o->tail.n == 0 && o->n_skip == 0) {
		for (; p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++) {
			++*n;
			o->rows++;
		}
		return sink_add(ctx_out(o->ctx), span_of(b->p, b->n));
	}
	while (rc == 0 && p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		lf = lf == NULL ? end : lf;
		++*n;
		if (!left_out(o))
			rc = rows_out_row(o, span_of(p, (size_t)(lf - p)));
		p = lf + (lf < end);
	}
	return rc;
}

/* Collected between the reading of its record and now? */
static int
open_file(struct rows_out *o, const struct wh_file *f, bool follows, struct source **src)
{
	struct source_conf conf = { .max_line = SIZE_MAX / 4 };
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd != -1)
		return source_fd(fd, f->path, &conf, src);
	if (errno == ENOENT)
		return follows ? follow_gone(o->what, o->number) : err_temp("%s: %s", f->path, strerror(errno));
	return err_io("%s: %s", f->path, strerror(errno));
}

int
rows_out_file(struct rows_out *o, const struct wh_file *f, bool follows)
{
	struct source *src;
	struct block b;
	uint64_t n = 0;
	int rc;

	if ((rc = open_file(o, f, follows, &src)) != 0)
		return rc;
	while (rc == 0 && (rc = source_block(src, &b)) == 0 && b.n > 0)
		rc = put_block(o, &b, &n);
	source_close(src);
	if (rc == 0 && n != f->rows)
		rc = err_input("%s: %llu rows, its commit says %llu", f->path, (unsigned long long)n,
		    (unsigned long long)f->rows);
	return rc;
}
