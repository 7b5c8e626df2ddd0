/* SPDX-License-Identifier: BSD-2-Clause */
/* check_past - see check_past.h */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/check_past.h"

static const int32_t days_back[PAST_DAYS] = { 1, 7 };

struct past {
	char *dir, *path;
	const char *table;
	int32_t day;
	struct past_value *v;
	size_t n;
	struct buf lines, scratch;
	int dt, metric, value;		/* columns of the file */
};

/* A table's name as a file's: letters, digits, '.', '_' and '-', and no dot before all. */
static bool
is_name(const char *s)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return *s != '\0' && *s != '.' && strlen(s) <= 200 && s[strspn(s, ok)] == '\0';
}

int
past_open(struct ctx *ctx, const char *dir, const char *table, int32_t day, struct past **out)
{
	struct past *p;
	struct buf path = { 0 };

	if (!is_name(table))
		return ctx_usage(ctx, "--table: '%s' cannot be the name of a history", table);
	p = mem_new(sizeof *p);
	p->dir = mem_str(dir);
	p->table = table;
	p->day = day;
	buf_fmt(&path, "%s/%s.ndjson", dir, table);
	(void)buf_cstr(&path);
	p->path = path.p;
	*out = p;
	return 0;
}

size_t
past_want(struct past *p, struct span metric)
{
	for (size_t i = 0; i < p->n; i++)
		if (span_is(metric, p->v[i].metric))
			return i;
	p->v = mem_array(p->v, p->n + 1, sizeof *p->v);
	p->v[p->n] = (struct past_value){ .metric = mem_dup(metric) };
	return p->n++;
}

const struct past_value *
past_value(const struct past *p, size_t i)
{
	return &p->v[i];
}

void
past_day(const struct past *p, int place, char day[WHEN_DAY_BYTES])
{
	day_print(p->day - days_back[place], day);
}

/* ---- reading ---- */

static void
take(struct past *p, struct val dt, struct val metric, struct val value)
{
	struct past_value *v = NULL;
	struct span name;
	struct dec d;
	int32_t day;

	if (metric.tag != T_STR || dt.tag != T_STR || day_parse(val_text(dt, &p->scratch), &day) != NULL)
		return;
	name = val_text(metric, &p->scratch);
	for (size_t i = 0; i < p->n && v == NULL; i++)
		if (span_is(name, p->v[i].metric))
			v = &p->v[i];
	if (v == NULL || day == p->day)
		return;
	v->ever = true;
	for (int k = 0; k < PAST_DAYS; k++) {
		if (day != p->day - days_back[k])
			continue;
		/* a run without a value took an older one of that day back */
		v->there[k] = value.tag == T_NUM && dec_parse(value.raw, &d) == NULL;
		if (v->there[k])
			v->value[k] = d;
	}
}

static int
lines_read(void *arg, const struct batch *b)
{
	struct past *p = arg;

	for (size_t i = 0; i < b->n; i++)
		take(p, b->col[p->dt][i], b->col[p->metric][i], b->col[p->value][i]);
	return 0;
}

int
past_read(struct ctx *ctx, struct past *p)
{
	struct pathset *ps;
	char err[MESSAGE_BYTES_MAX];
	int rc;

	if (access(p->path, F_OK) == -1) {
		if (errno != ENOENT)
			return err_io("%s: %s", p->path, strerror(errno));
		return 0;
	}
	ps = pathset_new();
	p->dt = pathset_add(ps, span_str("dt"), err, sizeof err);
	p->metric = pathset_add(ps, span_str("metric"), err, sizeof err);
	p->value = pathset_add(ps, span_str("value"), err, sizeof err);
	rc = ctx_look(ctx, p->path, ps, lines_read, p);
	pathset_free(ps);
	return rc;
}

/* ---- writing ---- */

void
past_line(struct past *p, const struct past_result *r)
{
	char day[WHEN_DAY_BYTES];
	struct buf *b = &p->lines;

	day_print(p->day, day);
	event_text(b, "{\"table\":", span_str(p->table));
	event_text(b, ",\"dt\":", span_str(day));
	if (r->metric != NULL)
		event_text(b, ",\"metric\":", span_str(r->metric));
	else
		buf_str(b, ",\"metric\":null");
	buf_str(b, ",\"value\":");
	buf_span_add(b, r->value.n > 0 ? r->value : span_str("null"));
	event_text(b, ",\"name\":", r->name);
	event_text(b, ",\"severity\":", span_str(severity_name(r->severity)));
	buf_str(b, ",\"rows\":");
	buf_u64(b, r->rows);
	buf_str(b, ",\"bad\":");
	buf_u64(b, r->bad);
	if (r->run != NULL)
		event_text(b, ",\"run\":", span_str(r->run));
	else
		buf_str(b, ",\"run\":null");
	buf_fmt(b, ",\"ts\":%lld}\n", (long long)clock_real_ms());
}

/* Does the file end within a line, because a writer was cut off? */
static bool
is_torn(int fd)
{
	off_t n = lseek(fd, 0, SEEK_END);
	char last = '\n';

	return n > 0 && pread(fd, &last, 1, n - 1) == 1 && last != '\n';
}

int
past_write(struct past *p)
{
	const char *overlay = getenv("PIPEHOUSE_OVERLAY");
	struct buf all = { 0 };
	ssize_t n;
	int fd, rc = 0;

	if (p->lines.n == 0 || (overlay != NULL && *overlay != '\0'))
		return 0;
	if (mkdir(p->dir, 0777) == -1 && errno != EEXIST)
		return err_io("%s: %s", p->dir, strerror(errno));
	fd = open(p->path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd == -1)
		return err_io("%s: %s", p->path, strerror(errno));
	if (is_torn(fd))
		buf_byte(&all, '\n');
	buf_span_add(&all, buf_span(&p->lines));
	/* one write: lines of two runs at once stand one behind the other */
	do
		n = write(fd, all.p, all.n);
	while (n == -1 && errno == EINTR);
	if (n == -1 || fsync(fd) == -1)
		rc = err_io("%s: %s", p->path, strerror(errno));
	else if ((size_t)n != all.n)
		rc = err_io("%s: it could not be written whole", p->path);
	close(fd);
	buf_free(&all);
	return rc;
}

void
past_close(struct past *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].metric);
	free(p->v);
	free(p->dir);
	free(p->path);
	buf_free(&p->lines);
	buf_free(&p->scratch);
	free(p);
}
