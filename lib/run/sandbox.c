/* SPDX-License-Identifier: BSD-2-Clause */
/* sandbox - see sandbox.h */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run/sandbox.h"

/* The leak check of a sanitized build traces its own process at exit. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static const int denied[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat),
	SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen),
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(bpf),
	SCMP_SYS(userfaultfd), SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(chmod), SCMP_SYS(chown),
	SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(unshare), SCMP_SYS(setns)
};

static void
probe(void)
{
	char *const none[] = { NULL };

	execve("/bin/true", none, none);
	fprintf(stderr, "execve: %s\n", strerror(errno));
	fprintf(stderr, "socket: %s\n", socket(AF_INET, SOCK_STREAM, 0) == -1 ? strerror(errno) : "open");
	fprintf(stderr, "ptrace: %s\n", ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 ? strerror(errno) : "done");
}

void
sandbox(enum sandbox what)
{
	const char *ask = getenv("PIPEHOUSE_SANDBOX");
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);

	(void)what;
	if (f == NULL)
		return;
	for (size_t i = 0; i < sizeof denied / sizeof *denied; i++)
		if (!SANITIZED || denied[i] != SCMP_SYS(ptrace))
			(void)seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)seccomp_load(f);
	seccomp_release(f);
	if (ask != NULL && strcmp(ask, "probe") == 0)
		probe();
}
