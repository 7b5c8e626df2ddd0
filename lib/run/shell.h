/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shell - shell texts that stand in files: how they are named there, and how bash gets them
 *
 *	rc = shell_head(spec, i, "node", &name);	// the line `NAME: …` and that there is a text below it
 *	if ((rc = shell_fits(name, text)) != 0) return rc;
 *	if ((pid = fork()) == 0) {
 *		setenv(…);
 *		shell_become(&(struct shell){ .text = text, .cwd = dir, .log_fd = -1, .group = true }, parent);
 *	}
 *
 * Invariants: bash runs with `set -euo pipefail`; it dies with the process that started it (the kernel sees to that);
 * it finds the signals as they are by default, and no BASH_ENV.
 */
#ifndef RUN_SHELL_H
#define RUN_SHELL_H

#include <stdint.h>
#include <sys/types.h>

#include "base/spec.h"

/* Its exit statuses for a command that cannot be run: no program, or none of that name. */
#define SHELL_NOT_RUN 126
#define SHELL_NOT_FOUND 127

/* Can it be the name of a file and part of an id: [A-Za-z0-9_.-], at most 60, neither . nor - first? */
bool shell_name_ok(struct span);
/*
 * The name that line i of the spec (SPEC_BODY) begins with, `NAME:`, which lives as the spec does.  0, or EXIT_USAGE
 * after a message that calls it a `what`: it is none, or no text stands below it.
 */
int shell_head(const struct spec *, size_t i, const char *what, struct span *name);
/* An exact duration above 0 (30s, 5m, 2h) as milliseconds; NULL, or why it is none, a constant. */
const char *shell_millis(const char *text, int64_t *out);

/* Can the kernel hand it over? 0, or EXIT_USAGE after a message. */
int shell_fits(const char *name, struct span text);

struct shell {
	const char *text;
	const char *cwd;		/* NULL: as it is */
	int log_fd;			/* standard output and error, and no input then; -1: as they are */
	bool group;			/* in a process group of its own */
};
/* In a fresh child of `parent`: be bash. What fails is said, and the child ends with EXIT_IO. */
_Noreturn void shell_become(const struct shell *, pid_t parent);
/*
 * A variable that names a path, as it must be where another directory is the working one: absolute.  0, also where it
 * is not set; EXIT_IO after a message.
 */
int shell_absolute(const char *variable);

#endif
