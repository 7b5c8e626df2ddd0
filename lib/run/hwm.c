/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hwm - see hwm.h.  The file: {"what":…,"mark":…,"next":…,"run":…}; next and run where a run has
 * not ended yet.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "run/hwm.h"
#include "run/run_fate.h"
#include "run/state_path.h"
#include "store/fs.h"

#define FILE_BYTES_MAX 65536u

struct hwm {
	char *path, *what, *mark;
	int lock;
};

/* The place of a mark without a name of its own. */
static int
default_path(const char *what, struct buf *path)
{
	if (!state_path("hwm/", path))
		return err_usage("where is the mark kept? --hwm FILE or PIPEHOUSE_ROOT");
	for (; *what != '\0'; what++) {
		bool plain = (*what >= 'a' && *what <= 'z') || (*what >= 'A' && *what <= 'Z') ||
		    (*what >= '0' && *what <= '9') || *what == '_' || *what == '.' || *what == '-';

		if (plain)
			buf_byte(path, *what);
		else
			buf_fmt(path, "%%%02x", (unsigned)(unsigned char)*what);
	}
	return 0;
}

static int
take_lock(struct hwm *h)
{
	struct buf b = { 0 };
	int rc = 0;

	buf_fmt(&b, "%s.lock", h->path);
	h->lock = open(buf_cstr(&b), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (h->lock == -1)
		rc = err_io("%s: %s", b.p, strerror(errno));
	else if (flock(h->lock, LOCK_EX | LOCK_NB) == -1)
		rc = err_temp("%s: another process reads from this mark", h->path);
	buf_free(&b);
	return rc;
}

static int
judge(struct hwm *h, const json_t *j)
{
	const char *what = json_string_value(json_object_get(j, "what"));
	const char *mark = json_string_value(json_object_get(j, "mark"));
	const char *next = json_string_value(json_object_get(j, "next"));
	const char *run = json_string_value(json_object_get(j, "run"));

	if (what == NULL || strcmp(what, h->what) != 0)
		return err_usage("%s: it is the mark of '%s', not of '%s'", h->path, what == NULL ?
		    "?" : what, h->what);
	if (run != NULL && next != NULL) {
		enum run_fate f = run_fate(run);

		if (f == RUN_OPEN)
			return err_temp("%s: run %s has read from it and is not over", h->path,
			    run);
		mark = f == RUN_KEPT ? next : mark;
	}
	h->mark = mark == NULL ? NULL : mem_str(mark);
	return 0;
}

int
hwm_open(const char *file, const char *what, struct hwm **out)
{
	struct hwm *h = mem_new(sizeof *h);
	struct buf b = { 0 };
	bool found = false;
	char *dir;
	json_t *j;
	int rc = 0;

	*out = h;
	h->what = mem_str(what);
	if (file != NULL)
		buf_str(&b, file);
	else if ((rc = default_path(what, &b)) != 0)
		return rc;
	h->path = mem_str(buf_cstr(&b));
	dir = fs_parent(h->path);
	if ((rc = fs_dirs(dir)) == 0 && (rc = take_lock(h)) == 0)
		rc = fs_read(h->path, FILE_BYTES_MAX, &b, &found);
	if (rc == 0 && found) {
		j = json_loadb(b.p, b.n, 0, NULL);
		rc = json_is_object(j) ? judge(h, j) : err_input("%s: not a mark", h->path);
		json_decref(j);
	}
	free(dir);
	buf_free(&b);
	return rc;
}

const char *
hwm_value(const struct hwm *h)
{
	return h->mark;
}

int
hwm_save(struct hwm *h, const char *value)
{
	const char *run = getenv("PIPEHOUSE_RUN");
	bool in_run = run != NULL && *run != '\0';
	struct buf b = { 0 };
	int rc;

	buf_str(&b, "{\"what\":");
	buf_json(&b, span_str(h->what));
	buf_str(&b, ",\"mark\":");
	if (in_run && h->mark == NULL)
		buf_str(&b, "null");
	else
		buf_json(&b, span_str(in_run ? h->mark : value));
	if (in_run) {
		buf_str(&b, ",\"next\":");
		buf_json(&b, span_str(value));
		buf_str(&b, ",\"run\":");
		buf_json(&b, span_str(run));
	}
	buf_str(&b, "}\n");
	rc = fs_put(h->path, buf_span(&b), true);
	buf_free(&b);
	return rc;
}
