/* SPDX-License-Identifier: BSD-2-Clause */
/* dag_state - what is kept of a dag's nodes between processes (see dag.h) */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "out/sink.h"
#include "run/dag.h"

/* Make a directory and what leads to it. */
static int
make_dirs(char *path)
{
	for (char *p = path + 1; ; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		char was = *p;

		*p = '\0';
		if (mkdir(path, 0777) == -1 && errno != EEXIST) {
			int rc = err_io("%s: %s", path, strerror(errno));
			*p = was;
			return rc;
		}
		*p = was;
		if (was == '\0')
			return 0;
	}
}

/* STATE/DAY/NAME.SUFFIX; the directory is made when asked for. */
int
dag_file(const struct dag *d, const char *day, const char *name, const char *suffix, bool make, struct buf *out)
{
	int rc = 0;

	buf_clear(out);
	buf_fmt(out, "%s/%s", d->state, day);
	buf_cstr(out);
	if (make)
		rc = make_dirs(out->p);
	buf_fmt(out, "/%s%s", name, suffix);
	buf_cstr(out);
	return rc;
}

static void
text(json_t *o, const char *name, char *out, size_t size)
{
	const char *s = json_string_value(json_object_get(o, name));

	snprintf(out, size, "%s", s == NULL ? "" : s);
}

void
dag_record_read(const struct dag *d, const struct dag_node *n, const char *day, struct dag_record *r)
{
	struct buf path = { 0 };
	json_error_t err;
	json_t *o;

	*r = (struct dag_record){ .known = DAG_NEVER };
	dag_file(d, day, n->name, ".json", false, &path);
	if (access(path.p, F_OK) == 0) {
		if ((o = json_load_file(path.p, 0, &err)) == NULL) {
			err_warn("%s: %s; taken as never run", path.p, err.text);
		} else {
			r->status = (int)json_integer_value(json_object_get(o, "status"));
			r->known = json_is_true(json_object_get(o, "begun")) ? DAG_BEGUN :
			    r->status == 0 ? DAG_DONE : DAG_FAILED;
			text(o, "hash", r->hash, sizeof r->hash);
			text(o, "run", r->run, sizeof r->run);
			json_decref(o);
		}
	}
	buf_free(&path);
}

static void
pairs(struct buf *b, struct span lines)
{
	bool first = true;

	buf_byte(b, '{');
	while (lines.n > 0) {
		const char *lf = memchr(lines.p, '\n', lines.n), *sp;
		size_t n = lf == NULL ? lines.n : (size_t)(lf - lines.p);

		if ((sp = memchr(lines.p, ' ', n)) != NULL) {
			if (!first)
				buf_byte(b, ',');
			first = false;
			buf_json(b, span_of(lines.p, (size_t)(sp - lines.p)));
			buf_byte(b, ':');
			buf_add(b, sp + 1, n - (size_t)(sp + 1 - lines.p));
		}
		lines = span_from(lines, n + 1);
	}
	buf_byte(b, '}');
}

static int
record_put(const struct dag *d, const struct dag_node *n, const char *day, const struct buf *b)
{
	struct buf path = { 0 };
	struct sink *s;
	int rc;

	if ((rc = dag_file(d, day, n->name, ".json", true, &path)) == 0 && (rc = sink_open(path.p, &s)) == 0) {
		sink_line(s, buf_span(b));
		rc = sink_close(s);
	}
	buf_free(&path);
	return rc;
}

int
dag_record_begin(const struct dag *d, const struct dag_node *n, const char *day, const char *run)
{
	struct buf b = { 0 };
	int rc;

	buf_str(&b, "{\"node\":");
	buf_json(&b, span_str(n->name));
	buf_fmt(&b, ",\"dt\":\"%s\",\"begun\":true,\"run\":", day);
	buf_json(&b, span_str(run));
	buf_fmt(&b, ",\"hash\":\"%s\"}", n->hash);
	rc = record_put(d, n, day, &b);
	buf_free(&b);
	return rc;
}

int
dag_record_end(const struct dag *d, const struct dag_node *n, const char *day)
{
	struct dag_said said = { .attempts = 1 };
	struct dag_record r;
	struct buf commits = { 0 };
	bool published;
	int rc = 0;

	dag_record_read(d, n, day, &r);
	if (r.known != DAG_BEGUN || (rc = reads_published(r.run, &published, &commits)) != 0 || !published) {
		buf_free(&commits);
		return rc;
	}
	said.run = r.run;
	said.commits = buf_span(&commits);
	said.hash = r.hash;
	if (commits.n == 0 || (rc = dag_pins_add(d, day, said.commits, false)) == 0)
		rc = dag_record_write(d, n, day, &said);
	buf_free(&commits);
	return rc;
}

int
dag_record_write(const struct dag *d, const struct dag_node *n, const char *day, const struct dag_said *said)
{
	json_t *reads = reads_of(said->run);
	char *text = json_dumps(reads, JSON_COMPACT | JSON_SORT_KEYS);
	struct buf b = { 0 };
	int rc;

	buf_str(&b, "{\"node\":");
	buf_json(&b, span_str(n->name));
	buf_fmt(&b, ",\"dt\":\"%s\",\"status\":%d,\"run\":", day, said->status);
	buf_json(&b, span_str(said->run));
	buf_fmt(&b, ",\"hash\":\"%s\",\"attempts\":%llu,\"ended\":%lld,\"seconds\":%.3f,\"commits\":",
	    said->hash != NULL ? said->hash : n->hash,
	    (unsigned long long)said->attempts, (long long)time(NULL), said->seconds);
	pairs(&b, said->commits);
	buf_fmt(&b, ",\"read\":%s}", text == NULL ? "{}" : text);
	rc = record_put(d, n, day, &b);
	free(text);
	json_decref(reads);
	buf_free(&b);
	return rc;
}

enum reads_now
dag_reads(const struct dag *d, const struct dag_node *n, const char *day, struct span pins, struct buf *why)
{
	struct buf path = { 0 };
	enum reads_now now;
	json_t *o;

	dag_file(d, day, n->name, ".json", false, &path);
	o = json_load_file(path.p, 0, NULL);
	now = reads_differ(json_object_get(o, "read"), pins, json_object_get(o, "commits"), day, why);
	json_decref(o);
	buf_free(&path);
	return now;
}

bool
dag_dropped(const struct dag *d, const struct dag_node *n, const char *day, struct buf *why)
{
	struct buf path = { 0 };
	const char *table;
	json_t *o;

	dag_file(d, day, n->name, ".json", false, &path);
	o = json_load_file(path.p, 0, NULL);
	table = reads_dropped(json_object_get(o, "commits"), day);
	if (table != NULL)
		buf_fmt(why, "%s@%s was rolled back", table, day);
	json_decref(o);
	buf_free(&path);
	return table != NULL;
}

bool
dag_has_past(const struct dag *d, const struct dag_node *n, const char *day)
{
	struct buf path = { 0 };
	struct dirent *e;
	bool found = false;
	DIR *dir = opendir(d->state);

	if (dir == NULL)
		return false;
	while (!found && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.' || strlen(e->d_name) != 10 || strcmp(e->d_name, day) >= 0)
			continue;
		dag_file(d, e->d_name, n->name, ".json", false, &path);
		found = access(path.p, F_OK) == 0;
	}
	closedir(dir);
	buf_free(&path);
	return found;
}

static int
lock_file(const struct dag *d, const char *day, const char *name, const char *suffix, int *fd, struct buf *path)
{
	int rc = dag_file(d, day, name, suffix, true, path);

	*fd = -1;
	if (rc == 0 && (*fd = open(path->p, O_RDWR | O_CREAT | O_CLOEXEC, 0666)) == -1)
		rc = err_io("%s: %s", path->p, strerror(errno));
	return rc;
}

/* Write who holds it; a shared holder is one of several, and names nobody. */
static int
hold(const struct dag *d, const char *day, const char *name, const char *suffix, int how)
{
	struct buf path = { 0 };
	char pid[32] = "";
	ssize_t n;
	int fd, rc = lock_file(d, day, name, suffix, &fd, &path);

	if (rc == 0 && flock(fd, how | LOCK_NB) == -1) {
		n = pread(fd, pid, sizeof pid - 1, 0);
		pid[n < 0 ? 0 : n] = '\0';
		rc = *pid != '\0' ? err_temp("%s of %s is being run by pid %s", d->name, day, pid) :
		    err_temp("%s of %s is being run, node by node", d->name, day);
	}
	if (rc == 0) {
		n = how == LOCK_SH ? 0 : snprintf(pid, sizeof pid, "%ld", (long)getpid());
		if (ftruncate(fd, 0) == -1 || pwrite(fd, pid, (size_t)n, 0) != n)
			rc = err_io("%s: %s", path.p, strerror(errno));
	}
	buf_free(&path);
	return rc;		/* fd stays open: the lock is the process's */
}

int
dag_lock(const struct dag *d, const char *day, const struct dag_node *n)
{
	int rc = hold(d, day, "lock", "", n == NULL ? LOCK_EX : LOCK_SH);

	return rc == 0 && n != NULL ? hold(d, day, n->name, ".lock", LOCK_EX) : rc;
}

int
dag_pins_read(const struct dag *d, const char *day, struct buf *pins)
{
	struct buf path = { 0 };
	FILE *f;
	int rc = 0;
	size_t n;

	dag_file(d, day, "pins", "", false, &path);
	if ((f = fopen(path.p, "re")) == NULL) {
		rc = errno == ENOENT ? 0 : err_io("%s: %s", path.p, strerror(errno));
	} else {
		while ((n = fread(buf_room(pins, 4096), 1, 4096, f)) > 0)
			pins->n += n;
		if (ferror(f))
			rc = err_io("%s: %s", path.p, strerror(errno));
		fclose(f);
	}
	buf_free(&path);
	return rc;
}

int
dag_pins_write(const struct dag *d, const char *day, struct span pins)
{
	struct buf path = { 0 };
	struct sink *s;
	int rc;

	if ((rc = dag_file(d, day, "pins", "", true, &path)) == 0 && (rc = sink_open(path.p, &s)) == 0) {
		sink_add(s, pins);
		rc = sink_close(s);
	}
	buf_free(&path);
	return rc;
}

void
dag_pins_merge(struct buf *pins, struct span news)
{
	while (news.n > 0) {
		const char *lf = memchr(news.p, '\n', news.n), *sp;
		size_t n = lf == NULL ? news.n : (size_t)(lf - news.p) + 1, at = 0;

		sp = memchr(news.p, ' ', n);
		/* out with the table's old line */
		while (sp != NULL && at < pins->n) {
			const char *l = pins->p + at, *e = memchr(l, '\n', pins->n - at);
			size_t len = e == NULL ? pins->n - at : (size_t)(e - l) + 1, name = (size_t)(sp - news.p) + 1;

			if (len >= name && memcmp(l, news.p, name) == 0) {
				memmove(pins->p + at, pins->p + at + len, pins->n - at - len);
				pins->n -= len;
			} else {
				at += len;
			}
		}
		if (sp != NULL)
			buf_add(pins, news.p, n);
		news = span_from(news, n);
	}
}

int
dag_pins_add(const struct dag *d, const char *day, struct span news, bool first)
{
	struct buf path = { 0 }, pins = { 0 };
	int fd, rc = lock_file(d, day, ".pins", ".lock", &fd, &path);

	if (rc == 0 && flock(fd, LOCK_EX) == -1)
		rc = err_io("%s: %s", path.p, strerror(errno));
	if (rc == 0 && (rc = dag_pins_read(d, day, &pins)) == 0 && !(first && pins.n > 0)) {
		dag_pins_merge(&pins, news);
		rc = dag_pins_write(d, day, buf_span(&pins));
	}
	if (fd != -1)
		close(fd);
	buf_free(&path);
	buf_free(&pins);
	return rc;
}
