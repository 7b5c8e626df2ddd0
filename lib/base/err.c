/* SPDX-License-Identifier: BSD-2-Clause */
/* err - see err.h */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

/* Process-wide: a message has one tool name and one place to go, whoever says it. */
static const char *tool = "pipehouse";
static int tee_fd = -1;
static _Thread_local struct buf *held;	/* a thread that waits for its turn to speak */

void
err_name(const char *s)
{
	tool = s;
}

const char *
err_tool(void)
{
	return tool;
}

void
err_tee(int fd)
{
	tee_fd = fd;
}

/* Length of the printable UTF-8 sequence at p, 0 when the byte must be masked. */
static size_t
printable(const unsigned char *p, size_t n)
{
	uint32_t c = p[0];
	size_t len = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 :
	    c >= 0xf0 && c < 0xf5 ? 4 : 0;

	if (len == 1)
		return c >= 0x20 && c != 0x7f;
	if (len == 0 || len > n)
		return 0;
	c &= 0x7fu >> len;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if ((len == 3 && c < 0x800) || (len == 4 && (c < 0x10000 || c > 0x10ffff)))
		return 0;
	/* C1 controls, surrogates, and the marks that turn a terminal's text around */
	if (c < 0xa0 || (c >= 0xd800 && c < 0xe000) || (c >= 0x200b && c <= 0x200f) ||
	    (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff)
		return 0;
	return len;
}

char *
err_mask(char *dst, size_t size, const char *src, size_t src_n)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *s = (const unsigned char *)src;
	size_t at = 0;

	for (size_t i = 0; i < src_n;) {
		size_t len = printable(s + i, src_n - i), need = len == 0 ? 4 : len;

		if (at + need + 4 > size) {		/* keep room for "..." */
			if (size >= 4)
				memcpy(dst + at, "...", 4);
			else if (size > 0)
				dst[at] = '\0';
			return dst;
		}
		if (len == 0) {
			dst[at++] = '\\';
			dst[at++] = 'x';
			dst[at++] = hex[s[i] >> 4];
			dst[at++] = hex[s[i] & 15];
			i++;
			continue;
		}
		memcpy(dst + at, s + i, len);
		at += len;
		i += len;
	}
	if (size > 0)
		dst[at] = '\0';
	return dst;
}

static void
write_out(const char *p, size_t n)
{
	for (int fd = 2; fd != -1; fd = fd == 2 && tee_fd != -1 && tee_fd != 2 ? tee_fd : -1) {
		ssize_t w = write(fd, p, n);
		(void)w;		/* nobody is left to tell */
	}
}

/* One write per message, so that lines of several tools on one stderr do not mix. */
static void say(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

static void
say(const char *fmt, va_list ap)
{
	char text[MESSAGE_BYTES_MAX], line[4 * MESSAGE_BYTES_MAX + 128];
	int saved = errno, n, head;

	n = vsnprintf(text, sizeof text, fmt, ap);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof text)
		n = (int)sizeof text - 1;
	head = snprintf(line, 100, "%.80s: ", tool);
	if (head < 0)
		return;
	err_mask(line + head, sizeof line - (size_t)head - 1, text, (size_t)n);
	n = (int)strlen(line);
	line[n++] = '\n';
	if (held != NULL)
		buf_add(held, line, (size_t)n);
	else
		write_out(line, (size_t)n);
	errno = saved;
}

void
err_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

#define ERR_FUNCTION(name, status)	\
int					\
name(const char *fmt, ...)		\
{					\
	va_list ap;			\
					\
	va_start(ap, fmt);		\
	say(fmt, ap);			\
	va_end(ap);			\
	return status;			\
}

ERR_FUNCTION(err_usage, EXIT_USAGE)
ERR_FUNCTION(err_input, EXIT_INPUT)
ERR_FUNCTION(err_io, EXIT_IO)
ERR_FUNCTION(err_remote, EXIT_REMOTE)
ERR_FUNCTION(err_temp, EXIT_TEMP)

_Noreturn void
err_die(int status, const char *fmt, ...)
{
	struct buf *kept = held;
	va_list ap;

	held = NULL;
	if (kept != NULL && kept->n > 0)
		write_out(kept->p, kept->n);
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	exit(status);
}

struct buf *
err_hold(struct buf *b)
{
	struct buf *was = held;

	held = b;
	return was;
}

void
err_release(struct buf *b)
{
	if (b->n > 0)
		write_out(b->p, b->n);
	b->n = 0;
}
