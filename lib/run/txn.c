/* SPDX-License-Identifier: BSD-2-Clause */
/* txn - see txn.h */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "run/flow.h"
#include "run/shell.h"
#include "run/txn.h"
#include "store/fs.h"
#include "store/stage.h"

#define GRACE_MS 10000			/* for foreign processes that outlive their shell */

struct txn {
	struct rundir run;
	pid_t pid;
	char *label, *day;
	int64_t began_ms;
};

int
txn_redo(void)
{
	struct place p;
	int rc;

	if ((rc = place_get(&p)) != 0)
		return rc;
	rc = rundir_redo(&p);
	place_free(&p);
	return rc;
}

static void
txn_free(struct txn *t)
{
	rundir_free(&t->run);
	free(t->label);
	free(t->day);
	free(t);
}

/* ---- the shell ---- */

/* Paths must mean the same in the shell's directory as here. */
static void
export_path(const char *name, const char *path)
{
	char *whole = realpath(path, NULL);

	setenv(name, whole == NULL ? path : whole, 1);
	free(whole);
}

static _Noreturn void
become_shell(const struct txn *t, const struct txn_conf *conf, const char *text, pid_t parent)
{
	export_path("PIPEHOUSE_RUN", t->run.dir);
	if (getenv("PIPEHOUSE_ROOT") != NULL)
		export_path("PIPEHOUSE_ROOT", getenv("PIPEHOUSE_ROOT"));
	if (conf->day != NULL)
		setenv("DT", conf->day, 1);
	/* the runner's death is the shell's: a run without one is dropped at the next start */
	shell_become(&(struct shell){ .text = text, .cwd = conf->cwd, .log_fd = conf->log_fd, .group = true }, parent);
}

int
txn_start(const struct txn_conf *conf, struct txn **out)
{
	struct txn *t;
	struct place p;
	char *text;
	pid_t parent = getpid();
	int rc;

	*out = NULL;
	if ((rc = shell_fits(conf->label, conf->shell)) != 0 || (rc = place_get(&p)) != 0)
		return rc;
	t = mem_new(sizeof *t);
	t->run.lock = -1;
	rc = rundir_make(&p, conf->label, conf->pins, &t->run);
	place_free(&p);
	if (rc != 0) {
		txn_free(t);
		return rc;
	}
	t->label = mem_str(conf->label);
	t->day = conf->day == NULL ? NULL : mem_str(conf->day);
	t->began_ms = clock_real_ms();
	if (conf->made != NULL)
		conf->made(conf->arg, t->run.id);
	/* what bash leaves behind in >( ) and <( ) becomes ours, so that its end can be waited for */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	text = mem_dup(conf->shell);
	fflush(NULL);
	t->pid = fork();
	if (t->pid == 0)
		become_shell(t, conf, text, parent);
	free(text);
	if (t->pid == -1) {
		rc = err_io("fork: %s", strerror(errno));
		(void)rundir_drop(&t->run, "no shell");
		txn_free(t);
		return rc;
	}
	setpgid(t->pid, t->pid);	/* both sides: whoever comes first */
	*out = t;
	return 0;
}

pid_t
txn_pid(const struct txn *t)
{
	return t->pid;
}

const char *
txn_dir(const struct txn *t)
{
	return t->run.dir;
}

/* ---- its end ---- */

/*
 * Flow records, one by one: the begin line and, when there is one, the end line.  Returns tools that have
 * begun and not ended; collects the ended ones' statistics where tools is not NULL.
 */
static size_t
read_flow(const char *run_dir, json_t *tools)
{
	struct buf path = { 0 }, text = { 0 };
	struct fs_names l = { 0 };
	size_t open = 0;
	bool found;

	buf_fmt(&path, "%s/flow", run_dir);
	(void)fs_list(buf_cstr(&path), &l);
	for (size_t i = 0; i < l.n; i++) {
		const char *lf, *end;
		json_t *j;

		buf_clear(&path);
		buf_fmt(&path, "%s/flow/%s", run_dir, l.v[i]);
		if (fs_read(buf_cstr(&path), 64u << 20, &text, &found) != 0 || !found || text.n == 0)
			continue;
		lf = memchr(text.p, '\n', text.n);
		end = lf == NULL ? NULL : memchr(lf + 1, '\n', (size_t)(text.p + text.n - lf - 1));
		open += end == NULL;
		if (end == NULL || tools == NULL)
			continue;
		j = json_loadb(lf + 1, (size_t)(end - lf), 0, NULL);
		if (json_object_get(j, "stats") != NULL)
			json_array_append(tools, json_object_get(j, "stats"));
		json_decref(j);
	}
	fs_names_free(&l);
	buf_free(&path);
	buf_free(&text);
	return open;
}

/*
 * Wait for what the shell left running.  As long as one of our tools is at work that is as it should be; foreign ones
 * get a grace, then they are stopped, and what they were to write nobody knows.
 */
static int
wait_group(const struct txn *t, bool failed)
{
	struct timespec nap = { 0, 1000000L };
	int64_t last = clock_real_ms(), looked = last;
	int ws;

	while (clock_real_ms() - last < GRACE_MS) {
		pid_t p = waitpid(-t->pid, &ws, WNOHANG);

		if (p == -1 && errno == ECHILD)
			return 0;
		if (p != 0)
			continue;
		nanosleep(&nap, NULL);
		if (nap.tv_nsec < 50000000L)
			nap.tv_nsec *= 2;
		if (!failed && clock_real_ms() - looked > 200) {
			looked = clock_real_ms();
			if (read_flow(t->run.dir, NULL) > 0)
				last = looked;
		}
	}
	kill(-t->pid, SIGKILL);
	while (waitpid(-t->pid, &ws, 0) > 0 || errno == EINTR)
		;
	return failed ? 0 : err_io("run %s: a process outlived its shell by %d s and was stopped", t->run.id,
	    GRACE_MS / 1000);
}

static int
shell_status(int ws)
{
	static const int table[] = { EXIT_NO, EXIT_USAGE, EXIT_INPUT, EXIT_IO, EXIT_REMOTE, EXIT_TEMP };
	int s = WIFEXITED(ws) ? WEXITSTATUS(ws) : EXIT_IO;

	if (s == 0)
		return 0;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i] == s)
			return s;
	return EXIT_IO;
}

static json_t *
about(const struct txn *t)
{
	json_t *tools = json_array(), *j;

	(void)read_flow(t->run.dir, tools);
	j = json_pack("{s:s,s:I,s:I,s:o}", "label", t->label, "began", (json_int_t)t->began_ms, "ended",
	    (json_int_t)clock_real_ms(), "tools", tools);
	if (t->day != NULL)
		json_object_set_new(j, "day", json_string(t->day));
	return j;
}

int
txn_finish(struct txn *t, int ws, bool killed, struct buf *published)
{
	int status = shell_status(ws), r;
	char why[64];
	json_t *j;

	if (killed)
		kill(-t->pid, SIGKILL);
	r = wait_group(t, killed || status != 0);
	if (killed)
		status = EXIT_IO;
	if (status == 0)
		status = r;
	if (status == 0)
		status = flow_check(t->run.dir);
	if (status == 0) {
		j = about(t);
		status = rundir_publish(&t->run, j, published);
		json_decref(j);
	}
	if (status != 0) {
		snprintf(why, sizeof why, "%s %d", killed ? "stopped" : "ended with", status);
		r = rundir_drop(&t->run, why);
		/* what could not be dropped now will be at the next start */
		if (r != 0)
			err_warn("run %s: not dropped (%d)", t->run.id, r);
	}
	txn_free(t);
	return status;
}
