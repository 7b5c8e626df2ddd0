/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe_file - a pipeline that runs for days, as it stands in a file
 *
 *	struct pipe_file *f; if ((rc = pipe_file_read("orders.pipe", &f)) != 0) return rc;
 *	job_dir_make(f->name, f->sink, f->n_sinks, &job);
 *	bash gets f->text in f->dir, with PIPEHOUSE_PINS=f->pins
 *	pipe_file_free(f);
 *
 * Invariants: `NAME: sinks=A,B restart=DUR restart-max=DUR stalled=DUR stop=DUR log-size=SIZE log-keep=N
 * sync=disk|process` over indented lines of shell; one NAME a file.  The shell text is only looked at, never changed or
 * expanded: the sinks are the words behind --job unless they are named, the pins the tables of its words wh:TABLE
 * and the files that --route, --types, --spec and -s name in it, and the stages the commands of its longest pipe, which
 * only messages need.
 */
#ifndef RUN_PIPE_FILE_H
#define RUN_PIPE_FILE_H

#include <stdint.h>

#include "base/spec.h"
#include "run/job_dir.h"

struct pipe_stage {
	char *name;			/* the command's first word, without directories */
	struct span text;		/* all of it, as it is written */
};

struct pipe_file {
	struct spec *spec;
	char *name, *dir;		/* dir: where the file stands; the shell runs there */
	struct span text;
	char *bare;			/* without its comment lines; where the stages' texts are */
	char *sink[JOB_SINKS_MAX];
	size_t n_sinks;
	char *pins;			/* "TABLE file:NAME spec:NAME" (run/conf.h); "" */
	struct pipe_stage *stage;
	size_t n_stages;
	int lax;			/* sync=: 1 process, 0 disk */
	bool plain;			/* no if, loop, group or function: the shell waits for just these commands */
	int64_t restart_ms, restart_max_ms, stalled_ms, stop_ms;
	size_t log_bytes;
	uint64_t log_keep;
};

/* Read and check a file. 0; EXIT_USAGE after `file:line: what`; EXIT_IO. */
int pipe_file_read(const char *path, struct pipe_file **);
/* Does the stage name a tool: does its text have this word? */
bool pipe_stage_has(const struct pipe_stage *, struct span word);
void pipe_file_free(struct pipe_file *);

#endif
