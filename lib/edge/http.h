/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * http - one POST, judged by its answer
 *
 *	if (!http_post(&(struct http){ .url = url, .type = "application/json", .body = event,
 *	    .id = "…", .timeout_ms = 10000 }, why, sizeof why)) ... why, without the URL ...
 *
 * Invariants: http and https alone; certificates are verified; no redirect is followed, no proxy and no .netrc is used,
 * whatever the environment says.  Plain http goes to this machine alone unless `plain`.  Only 2xx is success, and
 * where `zero` names a member only an answer that does not give it another value than 0: some receivers refuse with
 * 200.  A URL may hold a secret: it never gets into a message.
 */
#ifndef EDGE_HTTP_H
#define EDGE_HTTP_H

#include "base/buf.h"

struct http {
	const char *url, *type;		/* type: Content-Type */
	const char *id;			/* Idempotency-Key, or NULL */
	struct span body;
	unsigned timeout_ms;
	bool plain;			/* http:// to other machines is meant */
	const char *const *header;	/* further ones, NULL behind the last; or NULL */
	const char *zero;		/* "errcode", or NULL */
};

bool http_post(const struct http *, char *why, size_t why_n);
/* Append s as application/x-www-form-urlencoded. */
void http_encode(struct buf *, struct span s);

/* For other protocols of libcurl: a handle (a CURL *), or NULL. */
void *http_handle(void);
/* NULL, or why a URL of neither scheme, without a host, or without TLS to another machine is not spoken to. */
const char *http_url_bad(const char *url, const char *clear, const char *tls, bool plain);
/* Is its host this machine, by name or address? */
bool http_is_near(const char *url);

#endif
