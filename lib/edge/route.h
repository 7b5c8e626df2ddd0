/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * route - where an alert goes: lines `fail sms to=oncall url-file=sms.url`, `warn webhook url-file=…`,
 * `fail mail to=a@x.org from=b@x.org url-file=…`, `fail exec /path/program argument…`
 *
 *	rc = routes_read("alert.conf", &r);
 *	if (route_wants(&r.v[i], "fail") && !route_send(&r.v[i], &n, 10000, why, sizeof why)) ...
 *
 * Invariants: nobody else can write the file or a program it names; URLs and keys stand in files of mode 0600 (a
 * relative name begins at the file's directory) and are read anew for each message.  id is the same as long as the line
 * is.  `warn` and `fail` are severities, `*` is both.  A signature is made for each try, with its time.
 */
#ifndef EDGE_ROUTE_H
#define EDGE_ROUTE_H

#include <stdint.h>

#include "base/spec.h"

enum route_kind { ROUTE_SMS, ROUTE_WEBHOOK, ROUTE_MAIL, ROUTE_EXEC };

struct route {
	uint64_t id;
	struct span severity;
	enum route_kind kind;
	char *url_file, *key_file, *to, *from, *as, *sign, *name;	/* name: for messages */
	char **argv;							/* ROUTE_EXEC */
	bool plain;
};

struct routes {
	struct route *v;
	size_t n;
	struct spec *spec;
};

struct notice {
	const char *id;			/* the same for each try */
	struct span json, text;		/* the event; one line for people */
};

/* 0, or EXIT_USAGE, EXIT_IO after a message. */
int routes_read(const char *path, struct routes *);
bool route_wants(const struct route *, struct span severity);
bool route_send(const struct route *, const struct notice *, unsigned timeout_ms, char *why,
    size_t why_n);
void routes_free(struct routes *);

#endif
