/* SPDX-License-Identifier: BSD-2-Clause */
/* pipe_state - see pipe_state.h */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "run/pipe_state.h"
#include "store/fs.h"

#define STATE_MAX (64 * 1024)
#define STAT_BORN 22			/* starttime, of proc(5) */

static const char *const names[] = { "starting", "running", "waiting", "stopping", "stopped", "ended", "failed" };

const char *
pipe_state_name(enum pipe_is s)
{
	return names[s];
}

static size_t
read_some(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n = 0;

	if (f != NULL) {
		n = fread(out, 1, size - 1, f);
		fclose(f);
	}
	out[n] = '\0';
	return n;
}

bool
pipe_stat(pid_t pid, int field, uint64_t *value)
{
	char path[64], text[4096], *p;

	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	/* the name in brackets, the second, may hold anything, brackets too: the last one ends it */
	if (read_some(path, text, sizeof text) == 0 || (p = strrchr(text, ')')) == NULL)
		return false;
	if (p[1] == ' ' && (p[2] == 'Z' || p[2] == 'X'))
		return false;		/* dead, and nobody has asked how */
	for (int i = 2; i < field && p != NULL; i++)
		p = strchr(p + 1, ' ');
	if (p == NULL)
		return false;
	*value = strtoull(p + 1, NULL, 10);
	return true;
}

bool
pipe_born(pid_t pid, uint64_t *born)
{
	return pipe_stat(pid, STAT_BORN, born);
}

static void
boot_of(char out[40])
{
	read_some("/proc/sys/kernel/random/boot_id", out, 40);
	out[strcspn(out, "\n")] = '\0';
}

int
pipe_state_me(struct pipe_state *st)
{
	st->pid = getpid();
	st->since_ms = clock_real_ms();
	boot_of(st->boot);
	return pipe_born(st->pid, &st->born) ? 0 : err_io("/proc/%ld/stat cannot be read", (long)st->pid);
}

bool
pipe_state_alive(const struct pipe_state *st)
{
	char boot[40];
	uint64_t born;

	boot_of(boot);
	return strcmp(boot, st->boot) == 0 && pipe_born(st->pid, &born) && born == st->born;
}

int
pipe_state_write(const char *dir, const struct pipe_state *st)
{
	struct buf b = { 0 }, path = { 0 };
	int rc;

	buf_fmt(&b, "{\"state\":\"%s\",\"pid\":%ld,\"born\":%" PRIu64 ",\"boot\":", names[st->state], (long)st->pid,
	    st->born);
	buf_json(&b, span_str(st->boot));
	buf_fmt(&b, ",\"run\":%" PRIu64 ",\"restarts\":%" PRIu64 ",\"since\":%" PRId64 ",\"run_since\":%" PRId64
	    ",\"status\":%d,\"why\":", st->run, st->restarts, st->since_ms, st->run_since_ms, st->status);
	buf_json(&b, span_str(st->why));
	buf_str(&b, ",\"log\":");
	if (st->log == NULL)
		buf_str(&b, "null");
	else
		buf_json(&b, span_str(st->log));
	buf_str(&b, "}\n");
	buf_fmt(&path, "%s/pipe.json", dir);
	rc = fs_put(buf_cstr(&path), buf_span(&b), false);
	buf_free(&b);
	buf_free(&path);
	return rc;
}

static uint64_t
number(const json_t *o, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(o, name));
}

static void
text(const json_t *o, const char *name, char *out, size_t size)
{
	const char *s = json_string_value(json_object_get(o, name));

	snprintf(out, size, "%s", s == NULL ? "" : s);
}

static int
parse(const char *path, struct span bytes, struct pipe_state *st)
{
	json_t *o = json_loadb(bytes.p, bytes.n, 0, NULL);
	const char *log, *is = json_string_value(json_object_get(o, "state"));
	size_t i = 0;

	while (is != NULL && i < sizeof names / sizeof *names && strcmp(is, names[i]) != 0)
		i++;
	if (is == NULL || i == sizeof names / sizeof *names) {
		json_decref(o);
		return err_input("%s: not what this version has written", path);
	}
	*st = (struct pipe_state){ .state = (enum pipe_is)i, .pid = (pid_t)number(o, "pid"), .born = number(o, "born"),
	    .run = number(o, "run"), .restarts = number(o, "restarts"), .since_ms = (int64_t)number(o, "since"),
	    .run_since_ms = (int64_t)number(o, "run_since"), .status = (int)number(o, "status") };
	text(o, "boot", st->boot, sizeof st->boot);
	text(o, "why", st->why, sizeof st->why);
	log = json_string_value(json_object_get(o, "log"));
	st->log = log == NULL ? NULL : mem_str(log);
	json_decref(o);
	return 0;
}

int
pipe_state_read(const char *dir, struct pipe_state *st, bool *found)
{
	struct buf path = { 0 }, bytes = { 0 };
	int rc;

	*st = (struct pipe_state){ 0 };
	buf_fmt(&path, "%s/pipe.json", dir);
	rc = fs_read(buf_cstr(&path), STATE_MAX, &bytes, found);
	if (rc == 0 && *found)
		rc = parse(path.p, buf_span(&bytes), st);
	buf_free(&path);
	buf_free(&bytes);
	return rc;
}
