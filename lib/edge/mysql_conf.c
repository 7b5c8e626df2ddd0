/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mysql_conf - the option file, read by ourselves: the client library would follow its !include
 * lines, and let it turn on LOCAL INFILE, an init command or a plugin directory.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "edge/mysql_own.h"
#include "edge/private.h"

#define OPTIONS_BYTES_MAX (64 * KIB)

static struct span
trim(struct span s)
{
	while (s.n > 0 && strchr(" \t\r\f\v", *s.p) != NULL)
		s = span_from(s, 1);
	while (s.n > 0 && strchr(" \t\r\f\v", s.p[s.n - 1]) != NULL)
		s.n--;
	return s;
}

/*
 * As mysql's own tools read it: quotes around all of it, \ escapes, # begins a comment outside
 * quotes.
 */
static char *
value_of(struct span s)
{
	static const char from[] = "btnrs\\\"'", to[] = "\b\t\n\r \\\"'";
	struct buf b = { 0 };
	char quote = '\0';
	size_t i = 0;

	if (s.n > 0 && (*s.p == '"' || *s.p == '\'')) {
		quote = *s.p;
		i = 1;
	}
	for (; i < s.n && s.p[i] != quote; i++) {
		const char *e;

		if (quote == '\0' && s.p[i] == '#')
			break;
		e = s.p[i] != '\\' || i + 1 == s.n ? NULL : memchr(from, s.p[i + 1],
		    sizeof from - 1);
		buf_byte(&b, e == NULL ? s.p[i] : to[e - from]);
		i += e != NULL;
	}
	while (quote == '\0' && b.n > 0 && (b.p[b.n - 1] == ' ' || b.p[b.n - 1] == '\t'))
		b.n--;
	(void)buf_cstr(&b);
	return b.p;
}

static int
set(struct db_conf *c, const char *file, size_t line, struct span key, struct span value)
{
	static const struct { const char *name; size_t at; } known[] = {
		{ "host", offsetof(struct db_conf, host) },
		{ "user", offsetof(struct db_conf, user) },
		{ "password", offsetof(struct db_conf, password) },
		{ "database", offsetof(struct db_conf, database) },
		{ "socket", offsetof(struct db_conf, socket) },
		{ "ssl-ca", offsetof(struct db_conf, ssl_ca) },
		{ "ssl-capath", offsetof(struct db_conf, ssl_capath) },
		{ "ssl-cert", offsetof(struct db_conf, ssl_cert) },
		{ "ssl-key", offsetof(struct db_conf, ssl_key) },
	};
	char *v = value_of(value), *end, name[32];

	if (key.n >= sizeof name) {
		free(v);
		return 0;
	}
	for (size_t i = 0; i < key.n; i++)
		name[i] = key.p[i] == '_' ? '-' : key.p[i];
	name[key.n] = '\0';
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		char **at = (char **)(void *)((char *)c + known[i].at);

		if (strcmp(name, known[i].name) != 0)
			continue;
		free(*at);
		*at = v;
		return 0;
	}
	if (strcmp(name, "port") == 0) {
		unsigned long n = strtoul(v, &end, 10);

		if (*v < '0' || *v > '9' || *end != '\0' || n > 65535) {
			free(v);
			return err_usage("%s:%zu: not a port", file, line);
		}
		c->port = (unsigned)n;
	} else if (strcmp(name, "ssl") == 0) {
		c->ssl = true;
	}
	free(v);		/* what other clients read from the same file is not ours */
	return 0;
}

enum group { NO_GROUP, OURS, ANOTHER };

static int
conf_line(struct db_conf *c, const char *file, size_t number, struct span line, enum group *group)
{
	const char *eq;

	line = trim(line);
	if (line.n == 0 || *line.p == '#' || *line.p == ';')
		return 0;
	if (*line.p == '!')
		return err_usage("%s:%zu: other files are not included", file, number);
	if (*line.p == '[') {
		*group = span_is(line, "[client]") || span_is(line, "[client-mariadb]") ||
		    span_is(line, "[pipehouse]") ? OURS : ANOTHER;
		return 0;
	}
	if (*group == NO_GROUP)		/* read as nothing it would ask another server, as another user */
		return err_usage("%s:%zu: an option before any group: [client] stands above it", file, number);
	if (*group == ANOTHER)
		return 0;
	eq = memchr(line.p, '=', line.n);
	if (eq == NULL)
		return set(c, file, number, line, span_of("", 0));
	return set(c, file, number, trim(span_of(line.p, (size_t)(eq - line.p))),
	    trim(span_from(line, (size_t)(eq - line.p) + 1)));
}

int
conf_read(const char *path, struct db_conf *c)
{
	char *text;
	size_t n = 0, number = 1;
	ssize_t got = 1;
	int fd = private_open(path, PRIVATE_SECRET), rc = 0;
	enum group group = NO_GROUP;

	memset(c, 0, sizeof *c);
	if (fd < 0)
		return -fd;
	text = mem_new(OPTIONS_BYTES_MAX + 1);
	while (n < OPTIONS_BYTES_MAX && (got = read(fd, text + n, OPTIONS_BYTES_MAX - n)) > 0)
		n += (size_t)got;
	if (got == -1)
		rc = err_io("%s: %s", path, strerror(errno));
	close(fd);
	if (rc == 0 && n == OPTIONS_BYTES_MAX)
		rc = err_usage("%s: too long for an option file", path);
	for (size_t a = 0; rc == 0 && a < n; number++) {
		const char *lf = memchr(text + a, '\n', n - a);
		size_t end = lf == NULL ? n : (size_t)(lf - text);

		rc = conf_line(c, path, number, span_of(text + a, end - a), &group);
		a = end + 1;
	}
	explicit_bzero(text, OPTIONS_BYTES_MAX);
	free(text);
	if (rc != 0)
		conf_free(c);
	return rc;
}

void
conf_free(struct db_conf *c)
{
	if (c->password != NULL)
		explicit_bzero(c->password, strlen(c->password));
	free(c->host);
	free(c->user);
	free(c->password);
	free(c->database);
	free(c->socket);
	free(c->ssl_ca);
	free(c->ssl_capath);
	free(c->ssl_cert);
	free(c->ssl_key);
	memset(c, 0, sizeof *c);
}
