/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mail - one message to a mail server
 *
 *	if ((why = mail_addresses(span_str("a@x.org,b@x.org"))) != NULL) ... no line may say so ...
 *	if (!mail_send(&(struct mail){ .url = url, .from = from, .to = to, .subject = text, .body = text,
 *	    .id = "…", .timeout_ms = 10000 }, why, sizeof why)) ... why, without the URL ...
 *
 * Invariants: RFC 5321 by smtp:// or smtps:// of libcurl; the URL may hold user and password and never gets into a
 * message.  To another machine only with TLS (STARTTLS for smtp) and a verified certificate, unless `plain`.  Subject
 * and body go out in base64 (RFC 2047, RFC 2045), so no byte of theirs can end a header or be a command.  The same id
 * makes the same Message-ID.
 */
#ifndef EDGE_MAIL_H
#define EDGE_MAIL_H

#include "base/buf.h"

struct mail {
	const char *url, *from, *to;	/* to: A,B,… */
	const char *id;
	struct span subject, body;
	unsigned timeout_ms;
	bool plain;
};

/* NULL, or why this is no list of plain addresses `local@domain`. */
const char *mail_addresses(struct span list);
/* true: the server took it for all of them. */
bool mail_send(const struct mail *, char *why, size_t why_n);

#endif
