/* SPDX-License-Identifier: BSD-2-Clause */
/* kafka_conf - see kafka_conf.h */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "edge/kafka_conf.h"
#include "edge/private.h"

#define LINE_MAX_BYTES 65536	/* of a property file: keys in PEM are long */

/*
 * Defaults that a file may change.  The queue's size in bytes bounds the memory, and one answer to a fetch may exceed
 * it: while a commit is made the library reads on.
 */
static const char *const first_all[][2] = {
	{ "client.id", "pipehouse" },
	{ "log.connection.close", "false" },
	{ "reconnect.backoff.max.ms", "2000" },
	{ NULL, NULL }
};
static const char *const first_read[][2] = {
	{ "queued.min.messages", "1000000" },
	{ "queued.max.messages.kbytes", "49152" },
	{ NULL, NULL }
};
/* The same, where the library knows them: a full queue is looked at again, which took it a second. */
static const char *const first_known[][2] = {
	{ "fetch.queue.backoff.ms", "20" },
	{ NULL, NULL }
};
/* Keys are put into partitions as Java's producers do it, so that one key has one partition whoever writes it. */
static const char *const first_write[][2] = {
	{ "compression.codec", "zstd" },
	{ "linger.ms", "20" },
	{ "queue.buffering.max.kbytes", "65536" },
	{ "partitioner", "murmur2_random" },
	{ NULL, NULL }
};

/* What it may not. */
static const char *const ours_read[][2] = {
	{ "enable.auto.commit", "false" },
	{ "enable.auto.offset.store", "false" },
	{ "auto.offset.reset", "error" },
	{ "isolation.level", "read_committed" },
	{ "check.crcs", "true" },
	{ "enable.partition.eof", "true" },
	{ "allow.auto.create.topics", "false" },
	{ "partition.assignment.strategy", "cooperative-sticky" },
	{ NULL, NULL }
};
static const char *const ours_write[][2] = {
	{ "enable.idempotence", "true" },
	{ "acks", "all" },
	{ NULL, NULL }
};

/* What stands on the command line, or loads code. */
static const char *const refused[] = { "bootstrap.servers", "metadata.broker.list", "group.id", "plugin.library.paths",
    "ssl.engine.location", NULL };

static int
put(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char why[300];

	if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
		return 0;
	return err_usage("%s: %s", name, why);
}

static int
put_all(rd_kafka_conf_t *conf, const char *const v[][2])
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && v[i][0] != NULL; i++)
		rc = put(conf, v[i][0], v[i][1]);
	return rc;
}

static void
put_known(rd_kafka_conf_t *conf, const char *const v[][2])
{
	char why[300];

	for (size_t i = 0; v[i][0] != NULL; i++)
		(void)rd_kafka_conf_set(conf, v[i][0], v[i][1], why, sizeof why);
}

static bool
is_among(const char *const v[][2], const char *name)
{
	for (size_t i = 0; v[i][0] != NULL; i++)
		if (strcmp(v[i][0], name) == 0)
			return true;
	return false;
}

static bool
is_ours(const char *name)
{
	if (is_among(ours_read, name) || is_among(ours_write, name))
		return true;
	for (size_t i = 0; refused[i] != NULL; i++)
		if (strcmp(refused[i], name) == 0)
			return true;
	return false;
}

static char *
trim(char *s)
{
	char *end = s + strlen(s);

	while (*s == ' ' || *s == '\t')
		s++;
	while (end > s && strchr(" \t\r\n", end[-1]) != NULL)
		*--end = '\0';
	return s;
}

/* A line `name=value`; nothing of the value is ever told. */
static int
one_line(rd_kafka_conf_t *conf, const char *file, unsigned number, char *line, bool *debug)
{
	char *name = trim(line), *eq = strchr(name, '='), why[300];

	if (*name == '\0' || *name == '#' || *name == '!')
		return 0;
	if (eq == NULL)
		return err_usage("%s:%u: not NAME=VALUE", file, number);
	*eq = '\0';
	name = trim(name);
	if (is_ours(name))
		return err_usage("%s:%u: %s is not the file's to say", file, number, name);
	*debug = *debug || strcmp(name, "debug") == 0;
	switch (rd_kafka_conf_set(conf, name, trim(eq + 1), why, sizeof why)) {
	case RD_KAFKA_CONF_OK:
		return 0;
	case RD_KAFKA_CONF_UNKNOWN:
		return err_usage("%s:%u: librdkafka knows no setting %s", file, number, name);
	default:
		/* the library's own words hold the value */
		return err_usage("%s:%u: %s: not a value it can have", file, number, name);
	}
}

static int
read_file(rd_kafka_conf_t *conf, const char *path, bool *debug)
{
	int fd = private_open(path, PRIVATE_SECRET), rc = 0;
	unsigned number = 0;
	char *line;
	FILE *f;

	if (fd < 0)
		return -fd;
	if ((f = fdopen(fd, "r")) == NULL) {
		rc = err_io("%s: %s", path, strerror(errno));
		close(fd);
		return rc;
	}
	line = mem_new(LINE_MAX_BYTES);
	while (rc == 0 && fgets(line, LINE_MAX_BYTES, f) != NULL)
		rc = one_line(conf, path, ++number, line, debug);
	if (rc == 0 && ferror(f))
		rc = err_io("%s: %s", path, strerror(errno));
	explicit_bzero(line, LINE_MAX_BYTES);
	free(line);
	fclose(f);
	return rc;
}

static bool
is_loopback(const char *host, size_t n)
{
	const char *scheme = memmem(host, n, "://", 3);

	if (scheme != NULL) {
		n -= (size_t)(scheme + 3 - host);
		host = scheme + 3;
	}
	return (n >= 4 && memcmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") >= strcspn(host, ":,")) ||
	    (n >= 9 && memcmp(host, "localhost", 9) == 0 &&
	    (n == 9 || host[9] == ':')) || (n >= 5 && memcmp(host, "[::1]", 5) == 0);
}

/* To another machine only behind TLS. */
static int
check_security(const struct kafka_conf *k, const rd_kafka_conf_t *conf)
{
	char protocol[40] = "";
	size_t size = sizeof protocol;
	const char *p = k->brokers;

	if (k->insecure || rd_kafka_conf_get(conf, "security.protocol", protocol, &size) != RD_KAFKA_CONF_OK ||
	    strstr(protocol, "ssl") != NULL)
		return 0;
	while (*p != '\0') {
		size_t n = strcspn(p, ",");

		if (n > 0 && !is_loopback(p, n))
			return err_usage("%.*s: not encrypted: give --properties with security.protocol=ssl, or "
			    "--insecure", (int)n, p);
		p += n + (p[n] == ',');
	}
	return 0;
}

int
kafka_settings(const struct kafka_conf *k, rd_kafka_conf_t **out, bool *debug)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	int rc;

	*debug = false;
	rc = k->brokers[strspn(k->brokers, ", ")] == '\0' ? err_usage("-b: no broker in '%s'", k->brokers) : 0;
	if (rc == 0)
		rc = put_all(conf, first_all);
	if (rc == 0)
		rc = put_all(conf, k->writes ? first_write : first_read);
	if (rc == 0 && !k->writes)
		put_known(conf, first_known);
	if (rc == 0 && k->properties != NULL)
		rc = read_file(conf, k->properties, debug);
	if (rc == 0)
		rc = put_all(conf, k->writes ? ours_write : ours_read);
	if (rc == 0)
		rc = put(conf, "bootstrap.servers", k->brokers);
	/* without a group of its own the library still wants a name; it joins nothing by it */
	if (rc == 0 && !k->writes)
		rc = put(conf, "group.id", k->group != NULL ? k->group : "pipehouse");
	if (rc == 0)
		rc = check_security(k, conf);
	if (rc != 0) {
		rd_kafka_conf_destroy(conf);
		conf = NULL;
	}
	*out = conf;
	return rc;
}
