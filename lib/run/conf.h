/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf - the configuration files that stages go by; in a barrier job by the version of them that its source pinned
 *
 *	rc = conf_spec(c, "tel.clean", SPEC_WORDS, &spec);	// in set_up: as spec_read
 *	rc = conf_bytes(c, "out.route", &b); rc = conf_path(c, "types.ndjson", &path);
 *	rc = conf_put(job, bytes, hash); rc = conf_get(job, hash, "out.route", &bytes);
 *	found = conf_pinned(m.pins, CONF_FILE, "out.route", hash);
 *	rc = conf_keys(c, span_str("pii"), &ring);	// in set_up: as keyring_open
 *
 *	JOB/conf/HASH		a version: its bytes. HASH is their SHA-256, what sha256sum prints
 *
 * Invariants: outside a barrier job a file is what it is when it is read.  In one a file that changes what comes out is
 * a hidden input: two readings of an epoch must go by the same bytes.  So the source keeps each version that an epoch
 * goes by (run/confs.h), and its control lines say which: `"file:NAME":"HASH"` of a file that is followed, for the
 * epoch behind the line; `"spec:NAME":"HASH"`, in the `open` line alone, of one that holds as long as the processes
 * live.  NAME is the file as the command and the pin have it, letter by letter.  A version is durable before anything
 * names it, and what is read is what its name says, or refused.
 *
 * Of a file of keys no version is kept, for it is a secret: `"keys:NAME":"SUM"`, in the `open` line too, says which
 * they were (edge/keyring.h).  A stage finds these in the file of now, below those that were put in since, or refuses.
 */
#ifndef RUN_CONF_H
#define RUN_CONF_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/spec.h"

#define CONF_FILE "file:"		/* followed from epoch to epoch */
#define CONF_SPEC "spec:"		/* of one start and all its epochs */
#define CONF_KEYS "keys:"		/* the same, of $PIPEHOUSE_ROOT/TENANT/keys */

struct ctx;
struct keyring;

/*
 * For set_up.  In a barrier job these wait for the `open` line, and take the version that it pins as `spec:`.  0;
 * EXIT_IO; in a job EXIT_USAGE where it pins none, EXIT_INPUT where the version is not there, EXIT_TEMP where the
 * input ends before the line.
 */
int conf_bytes(struct ctx *, const char *file, struct buf *out);
int conf_spec(struct ctx *, const char *file, enum spec_mode, struct spec **);
/* Where a command reads it that wants a name: appended, with a NUL behind it. */
int conf_path(struct ctx *, const char *file, struct buf *out);
/* The file of keys of that name. As conf_bytes; EXIT_USAGE also where it has not the keys that the line pins. */
int conf_keys(struct ctx *, struct span name, struct keyring **);
/* The same of a job alone, and of any kind: what the version is called, hash[SHA256_HEX + 1]. */
int conf_first(struct ctx *, const char *kind, const char *file, char *hash);

/* ---- versions, of the job in that directory ---- */

/* A file that has at most CONF_BYTES_MAX as it is now. 0, EXIT_IO, EXIT_USAGE (larger). */
int conf_now(const char *file, struct buf *out);
/* Which keys the file of that name holds now: sum[SHA256_HEX + 1]. 0, EXIT_USAGE, EXIT_IO. */
int conf_keys_now(const char *name, char *sum);
/* Keep these bytes, durably (job_dir_lax: not); hash[SHA256_HEX + 1] is what they are called. 0 or EXIT_IO. */
int conf_put(const char *job, struct span bytes, char *hash);
/* The bytes of a version; file: what it is of, for messages. 0, EXIT_IO, EXIT_INPUT. */
int conf_get(const char *job, const char *hash, const char *file, struct buf *out);
/* What pins, a JSON object, say of that file: hash[SHA256_HEX + 1]. False: nothing. */
bool conf_pinned(struct span pins, const char *kind, const char *file, char *hash);
/* Is it a name of a version? */
bool conf_is_hash(struct span);
/* Append `JOB/conf/WHAT`, with a NUL behind it; the same text. */
const char *conf_at(const char *job, const char *what, struct buf *out);

#endif
