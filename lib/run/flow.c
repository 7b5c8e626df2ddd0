/* SPDX-License-Identifier: BSD-2-Clause */
/* flow - see flow.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "run/flow.h"

static int flow_fd = -1;	/* open from begin to end: the record is of this process */

/* A value that must not stand in a record: what follows a word that names a secret. */
static bool
secret(const char *arg)
{
	static const char *const word[] = { "password", "passwd", "secret", "token", "sasl." };

	for (size_t i = 0; i < sizeof word / sizeof *word; i++)
		if (strcasestr(arg, word[i]) != NULL)
			return true;
	return false;
}

static void
pipe_inode(struct buf *b, const char *name, int fd)
{
	struct stat st;

	buf_fmt(b, ",\"%s\":", name);
	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		buf_u64(b, st.st_ino);
	else
		buf_str(b, "null");
}

static int
put(struct buf *b)
{
	buf_byte(b, '\n');
	for (size_t at = 0; at < b->n;) {
		ssize_t w = write(flow_fd, b->p + at, b->n - at);

		if (w == -1 && errno == EINTR)
			continue;
		if (w == -1)
			return err_io("flow record: %s", strerror(errno));
		at += (size_t)w;
	}
	return 0;
}

int
flow_begin(const char *run_dir, const char *tool, int argc, char *argv[], bool reads, bool writes)
{
	struct timespec t;
	struct buf b = { 0 };
	int rc;

	clock_gettime(CLOCK_REALTIME, &t);
	buf_fmt(&b, "%s/flow/%ld-%lld%09ld.json", run_dir, (long)getpid(), (long long)t.tv_sec, t.tv_nsec);
	flow_fd = open(buf_cstr(&b), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, 0600);
	if (flow_fd == -1) {
		rc = err_io("%s: %s", b.p, strerror(errno));
		buf_free(&b);
		return rc;
	}
	buf_clear(&b);
	buf_fmt(&b, "{\"begin\":%lld,\"pid\":%ld,\"tool\":", (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000,
	    (long)getpid());
	buf_json(&b, span_str(tool));
	buf_str(&b, ",\"args\":[");
	for (int i = 1; i < argc; i++) {
		const char *eq = secret(argv[i]) ? strchr(argv[i], '=') : NULL;
		struct span s = eq == NULL ? span_str(argv[i]) : span_of(argv[i], (size_t)(eq - argv[i]) + 1);

		if (i > 1)
			buf_byte(&b, ',');
		/* an argument that is no UTF-8 must not spoil the record */
		char *masked = mem_array(NULL, 4 * s.n + 8, 1);

		err_mask(masked, 4 * s.n + 8, s.p, s.n);
		buf_json(&b, span_str(masked));
		free(masked);
	}
	buf_byte(&b, ']');
	pipe_inode(&b, "stdin", reads ? 0 : -1);
	pipe_inode(&b, "stdout", writes ? 1 : -1);
	buf_byte(&b, '}');
	rc = put(&b);
	buf_free(&b);
	return rc;
}

int
flow_end(const struct flow_counts *n, int status, const char *stats_json)
{
	struct buf b = { 0 };
	int rc;

	if (flow_fd == -1)
		return 0;
	buf_fmt(&b, "{\"end\":%lld,\"status\":%d,\"in\":%llu,\"out\":%llu,\"stats\":%s}",
	    (long long)clock_real_ms(), status, (unsigned long long)n->in,
	    (unsigned long long)(n->passed + n->made), stats_json);
	rc = put(&b);
	if (close(flow_fd) == -1 && rc == 0)
		rc = err_io("flow record: %s", strerror(errno));
	flow_fd = -1;
	buf_free(&b);
	return rc;
}

/* ---- the judge ---- */

struct edge {
	uint64_t in, out;
	uint32_t readers, writers;
	char reader[32], writer[32];
};

static uint64_t
number(json_t *o, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(o, name));
}

static struct edge *
edge_of(struct map *edges, json_t *inode)
{
	uint64_t ino = (uint64_t)json_integer_value(inode);

	return map_put(edges, span_of((const char *)&ino, sizeof ino), NULL);
}

/* One tool's record: its status, and its part in the edges. */
static int
judge(const char *path, struct map *edges)
{
	FILE *f = fopen(path, "re");
	json_error_t err;
	json_t *begin, *end;
	const char *tool;
	int status;

	if (f == NULL)
		return err_io("%s: %s", path, strerror(errno));
	begin = json_loadf(f, JSON_DISABLE_EOF_CHECK, &err);
	end = json_loadf(f, JSON_DISABLE_EOF_CHECK, &err);
	fclose(f);
	tool = begin == NULL ? "?" : json_string_value(json_object_get(begin, "tool"));
	tool = tool == NULL ? "?" : tool;
	if (begin == NULL || end == NULL) {
		status = err_io("%s (pid %lld) began and did not end: it was killed", tool,
		    (long long)json_integer_value(json_object_get(begin, "pid")));
	} else {
		json_t *in = json_object_get(begin, "stdin"), *out = json_object_get(begin, "stdout");

		status = (int)number(end, "status");
		if (json_is_integer(in)) {
			struct edge *e = edge_of(edges, in);

			e->in += number(end, "in");
			e->readers++;
			snprintf(e->reader, sizeof e->reader, "%s", tool);
		}
		/* in `tee >(wh-put …) | …` bash hands the pipe to wh-put as well, which has nothing to write there */
		if (json_is_integer(out) && number(end, "out") > 0) {
			struct edge *e = edge_of(edges, out);

			e->out += number(end, "out");
			e->writers++;
			snprintf(e->writer, sizeof e->writer, "%s", tool);
		}
		if (status != 0)
			err_warn("%s (pid %lld) ended with %d", tool,
			    (long long)json_integer_value(json_object_get(begin, "pid")), status);
	}
	json_decref(begin);
	json_decref(end);
	return status;
}

/* 0 < 1 < 3 < 75 < 5 < 4: a hard failure beats one that a retry may cure. */
int
flow_worse(int a, int b)
{
	static const int order[] = { EXIT_DONE, EXIT_NO, EXIT_INPUT, EXIT_USAGE, EXIT_TEMP, EXIT_REMOTE, EXIT_IO };
	size_t ra = 6, rb = 6;

	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		if (order[i] == a)
			ra = i;
		if (order[i] == b)
			rb = i;
	}
	return ra > rb ? order[ra] : order[rb];
}

int
flow_check(const char *run_dir)
{
	struct map *edges = map_new(sizeof(struct edge));
	struct buf path = { 0 };
	struct map_entry e;
	struct dirent *d;
	int rc = 0;
	DIR *dir;

	buf_fmt(&path, "%s/flow", run_dir);
	if ((dir = opendir(buf_cstr(&path))) == NULL) {
		rc = err_io("%s: %s", path.p, strerror(errno));
		goto out;
	}
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		buf_clear(&path);
		buf_fmt(&path, "%s/flow/%s", run_dir, d->d_name);
		rc = flow_worse(rc, judge(buf_cstr(&path), edges));
	}
	closedir(dir);
	for (size_t i = 0; rc == 0 && map_next(edges, &i, &e);) {
		const struct edge *x = e.cell;

		/* where a foreign tool holds one end, its partner's count cannot be judged */
		if (x->readers > 0 && x->writers > 0 && x->in != x->out)
			rc = err_input("%s wrote %llu records, %s read %llu", x->writer, (unsigned long long)x->out,
			    x->reader, (unsigned long long)x->in);
	}
out:
	map_free(edges);
	buf_free(&path);
	return rc;
}
