/* SPDX-License-Identifier: BSD-2-Clause */
/* private - see private.h */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "edge/private.h"

/*
 * A secret has no business in a core file, nor where another process of this user may look.  The limit alone would not
 * do: the kernel does not ask it where cores go to a program (core(5)).
 */
static void
stay_private(void)
{
	static const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int
private_before(void)
{
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

void
private_after(int before)
{
	if (before == 1)
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

int
private_try(const char *path, enum private_use use, char *why, unsigned long n)
{
	mode_t others = use == PRIVATE_SECRET ? S_IRWXG | S_IRWXO : S_IWGRP | S_IWOTH;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1) {
		snprintf(why, n, "%s", strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		snprintf(why, n, "not a plain file");
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		snprintf(why, n, "it belongs to somebody else");
	else if ((st.st_mode & others) != 0)
		snprintf(why, n, "others can %s it (mode %03o): chmod %s", use == PRIVATE_SECRET ?
		    "read" : "write",
		    (unsigned)st.st_mode & 0777, use == PRIVATE_SECRET ? "600" : "go-w");
	else {
		if (use == PRIVATE_SECRET)
			stay_private();
		return fd;
	}
	close(fd);
	errno = 0;
	return -1;
}

int
private_open(const char *path, enum private_use use)
{
	char why[200];
	int fd = private_try(path, use, why, sizeof why);

	if (fd != -1)
		return fd;
	return errno != 0 ? -err_io("%s: %s", path, why) : -err_usage("%s: %s", path, why);
}
