/* SPDX-License-Identifier: BSD-2-Clause */
/* pipe_count - which commands of a run are there, and whether one is missing (see pipe_group.h) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/pipe_group.h"
#include "run/pipe_state.h"

#define COMMANDS_MAX 512
#define STAT_CMINFLT 11			/* of proc(5): the page faults of the children it has waited for */

/* The children of a process, in the order of their birth; at most n are written. SIZE_MAX: they cannot be read. */
static size_t
children(pid_t pid, pid_t *out, size_t n)
{
	char path[64], *line = NULL, *rest;
	size_t cap = 0, found = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)pid, (long)pid);
	if ((f = fopen(path, "re")) == NULL)
		return SIZE_MAX;
	if (getline(&line, &cap, f) > 0)
		for (char *p = line;; p = rest, found++) {
			long child = strtol(p, &rest, 10);

			if (rest == p)
				break;
			if (found < n)
				out[found] = (pid_t)child;
		}
	free(line);
	fclose(f);
	return found;
}

static bool
is_named(pid_t pid, const char *a, const char *b)
{
	char path[64], name[64] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
	if ((f = fopen(path, "re")) != NULL) {
		if (fgets(name, sizeof name, f) != NULL)
			name[strcspn(name, "\n")] = '\0';
		fclose(f);
	}
	return strcmp(name, a) == 0 || strcmp(name, b) == 0;
}

/*
 * Is that text of a shell one pipe of two commands or more?  They are its children then, and it has no others: a single
 * one may be a builtin, which has children of its own.  What cannot be said for sure is no: ( ) and ` start more of
 * them, ; & || and lines are more than a pipe, $'' has rules of its own.
 */
static bool
is_one_pipe(const char *p)
{
	bool pipe = false;
	char quote = '\0';

	for (; *p != '\0'; p++) {
		if (*p == '`' || (*p == '(' && quote != '\'') || (quote == '\0' && p[0] == '$' && p[1] == '\''))
			return false;
		if (*p == '\\' && quote != '\'' && p[1] != '\0')
			p++;
		else if (*p == quote)
			quote = '\0';
		else if (quote == '\0' && (*p == '\'' || *p == '"'))
			quote = *p;
		else if (quote == '\0' && (strchr(";&\n)", *p) != NULL || (p[0] == '|' && p[1] == '|')))
			return false;
		else
			pipe = pipe || (quote == '\0' && *p == '|');
	}
	return pipe;
}

/* Does it run `bash OPTION... -c TEXT`, as fan-out starts its shells, and the text is one pipe?  A script has no -c. */
static bool
runs_one_pipe(pid_t pid)
{
	char path[64], *arg = NULL;
	size_t cap = 0;
	bool is = false, name = true;	/* the shell's; behind -o that of an option */
	ssize_t n;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/cmdline", (long)pid);
	if ((f = fopen(path, "re")) == NULL)
		return false;
	while ((n = getdelim(&arg, &cap, '\0', f)) > 0 && (name || arg[0] == '-')) {
		if (!name && strcmp(arg, "-c") == 0) {
			is = getdelim(&arg, &cap, '\0', f) > 0 && is_one_pipe(arg);
			break;
		}
		name = !name && n > 2 && arg[n - 2] == 'o';
	}
	free(arg);
	fclose(f);
	return is;
}

/* Has it waited for a child?  There is none that had no page faults. */
static bool
has_waited(pid_t pid)
{
	uint64_t faults;

	return pipe_stat(pid, STAT_CMINFLT, &faults) && faults > 0;
}

size_t
pipe_group_commands(struct pipe_group *g, size_t *below, bool *lost)
{
	pid_t pid[COMMANDS_MAX];
	size_t n, all, more;

	*below = 0;
	*lost = false;
	/* the keeper's first child; what he takes in comes behind it */
	if (g->shell == 0 && ((n = children(g->pid, &g->shell, 1)) == 0 || n == SIZE_MAX))
		return SIZE_MAX;
	n = children(g->shell, pid, COMMANDS_MAX);
	if (n == SIZE_MAX || n > COMMANDS_MAX)
		return n;
	all = n;
	/* shard's children come and go with the epochs; those of shells stay */
	for (size_t i = 0; i < all; i++)
		if (is_named(pid[i], "fan-out", "bash") &&
		    (more = children(pid[i], pid + all, COMMANDS_MAX - all)) <= COMMANDS_MAX - all)
			all += more;
	/* one that was over before anybody looked was never counted: its shell has waited for it */
	for (size_t i = n; i < all && !*lost; i++)
		*lost = is_named(pid[i], "bash", "bash") && has_waited(pid[i]) && runs_one_pipe(pid[i]);
	*below = all - n;
	return n;
}
