/* SPDX-License-Identifier: BSD-2-Clause */
/* run_fate - see run_fate.h */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "run/run_fate.h"
#include "store/fs.h"

enum run_fate
run_fate(const char *dir)
{
	const char *slash = strrchr(dir, '/');
	char *runs = fs_parent(dir);
	struct buf b = { 0 }, said = { 0 };
	enum run_fate f = RUN_DROPPED;
	bool found = false;
	int fd;

	buf_fmt(&b, "%s/done%s", runs, slash == NULL ? "" : slash);
	if (fs_exists(buf_cstr(&b))) {
		f = RUN_KEPT;
	} else if (fs_exists(dir)) {
		buf_clear(&b);
		buf_fmt(&b, "%s/run.json", dir);
		if (fs_read(buf_cstr(&b), 64u << 20, &said, &found) == 0 && found)
			f = memmem(said.p, said.n, "\"kind\":\"publish\"", 16) != NULL ? RUN_KEPT :
			    RUN_DROPPED;
		buf_clear(&b);
		buf_fmt(&b, "%s/lock", dir);
		/*
		 * who can take its lock knows that its runner is dead; without a record it will be
		 * dropped
		 */
		if (!found && (fd = open(buf_cstr(&b), O_RDONLY | O_CLOEXEC)) != -1) {
			f = flock(fd, LOCK_EX | LOCK_NB) == 0 ? RUN_DROPPED : RUN_OPEN;
			close(fd);
		}
	}
	free(runs);
	buf_free(&b);
	buf_free(&said);
	return f;
}
