/* SPDX-License-Identifier: BSD-2-Clause */
/* conf - see conf.h */
#include "run/conf.h"

#include <errno.h>

#include "base/err.h"
#include "base/limits.h"
#include "edge/keyring.h"
#include "in/rec.h"
#include "run/ctx.h"
#include "run/epoch.h"
#include "run/job_dir.h"
#include "store/fs.h"
#include "store/layout.h"

int
conf_now(const char *file, struct buf *b)
{
	bool found;
	int rc = fs_read(file, CONF_BYTES_MAX, b, &found);

	if (rc == 0 && !found)
		return err_io("%s: %s", file, strerror(ENOENT));
	return rc == EXIT_INPUT ? EXIT_USAGE : rc;	/* too long: whoever named it is at fault, not a record */
}

/* Where the tenant's keys of that name are. */
static int
keys_path(struct span name, struct buf *path)
{
	struct place place;
	int rc;

	if (!keyring_name_good(name))
		return err_usage("key=NAME: a name is at most 32 of [A-Za-z0-9_-]");
	if ((rc = place_get(&place)) == 0) {
		buf_fmt(path, "%s/keys/", place.house);
		buf_span_add(path, name);
		(void)buf_cstr(path);
		place_free(&place);
	}
	return rc;
}

int
conf_keys_now(const char *name, char *sum)
{
	struct buf path = { 0 };
	int rc = keys_path(span_str(name), &path);

	if (rc == 0)
		rc = keyring_sum(path.p, sum);
	buf_free(&path);
	return rc;
}

/* ---- versions ---- */

bool
conf_is_hash(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return s.n == SHA256_HEX;
}

const char *
conf_at(const char *job, const char *what, struct buf *b)
{
	buf_fmt(b, "%s/conf/%s", job, what);
	return buf_cstr(b);
}

static void
hash_of(struct span bytes, char *hash)
{
	hash_sha256(bytes, hash);
	hash[SHA256_HEX] = '\0';
}

int
conf_put(const char *job, struct span bytes, char *hash)
{
	struct buf path = { 0 }, is = { 0 };
	bool found = false;
	int rc;

	hash_of(bytes, hash);
	if ((rc = fs_dirs(conf_at(job, "", &path))) == 0) {
		buf_clear(&path);
		rc = fs_read(conf_at(job, hash, &path), CONF_BYTES_MAX, &is, &found);
	}
	/* one that is there is durable, but for sync=process, after which it may be torn */
	if (rc == 0 && !(found && span_eq(buf_span(&is), bytes)))
		rc = fs_put(path.p, bytes, !job_dir_lax());
	buf_free(&path);
	buf_free(&is);
	return rc;
}

int
conf_get(const char *job, const char *hash, const char *file, struct buf *out)
{
	struct buf path = { 0 };
	char is[SHA256_HEX + 1];
	bool found = false;
	int rc = fs_read(conf_at(job, hash, &path), CONF_BYTES_MAX, out, &found);

	if (rc == 0 && !found)
		rc = err_input("%s: the version of %s that an epoch goes by is not there", path.p, file);
	if (rc == 0) {
		hash_of(buf_span(out), is);
		if (strcmp(is, hash) != 0)
			rc = err_input("%s: it is not the version of %s that its name says", path.p, file);
	}
	buf_free(&path);
	return rc;
}

bool
conf_pinned(struct span pins, const char *kind, const char *file, char *hash)
{
	struct buf name = { 0 }, scratch = { 0 };
	bool found = false;
	struct rec r;
	struct span key;
	struct val v;

	if (pins.n < 2)
		return false;
	buf_fmt(&name, "%s%s", kind, file);
	for (rec_begin(&r, pins); !found && rec_next(&r, &key, &v);) {
		found = v.tag == T_STR && v.raw.n == SHA256_HEX + 2 && rec_key_is(key, buf_span(&name), &scratch) &&
		    conf_is_hash(span_of(v.raw.p + 1, SHA256_HEX));
		if (found)
			memcpy(hash, v.raw.p + 1, SHA256_HEX);
	}
	hash[SHA256_HEX] = '\0';
	buf_free(&name);
	buf_free(&scratch);
	return found;
}

/* ---- a stage ---- */

int
conf_first(struct ctx *c, const char *kind, const char *file, char *hash)
{
	struct span pins;
	int rc = epoch_first(c, &pins);

	if (rc != 0 || conf_pinned(pins, kind, file, hash))
		return rc;
	return err_usage("%s: the job's source pins no version of it: it must stand in PIPEHOUSE_PINS, where pipe-run "
	    "puts what it finds, or in ingest --pin '%s%s'", file, kind, file);
}

/* Go by the keys that the `open` line pins. */
static int
keys_pinned(struct ctx *c, struct span name, const char *path, struct keyring *ring)
{
	struct buf file = { 0 };
	char sum[SHA256_HEX + 1];
	int rc;

	buf_span_add(&file, name);
	if ((rc = conf_first(c, CONF_KEYS, buf_cstr(&file), sum)) == 0 && !keyring_back_to(ring, sum))
		rc = err_usage("%s: it lacks keys that this job's epochs are made by: put it back as it was, or new "
		    "keys above the old ones", path);
	buf_free(&file);
	return rc;
}

int
conf_keys(struct ctx *c, struct span name, struct keyring **out)
{
	struct buf path = { 0 };
	int rc;

	*out = NULL;
	if ((rc = keys_path(name, &path)) == 0 && (rc = keyring_open(path.p, out)) == 0 && c->epoch != NULL &&
	    (rc = keys_pinned(c, name, path.p, *out)) != 0) {
		keyring_free(*out);
		*out = NULL;
	}
	buf_free(&path);
	return rc;
}

int
conf_bytes(struct ctx *c, const char *file, struct buf *out)
{
	char hash[SHA256_HEX + 1];
	int rc;

	if (c->epoch == NULL)
		return conf_now(file, out);
	rc = conf_first(c, CONF_SPEC, file, hash);
	return rc != 0 ? rc : conf_get(epoch_job(c->epoch), hash, file, out);
}

int
conf_spec(struct ctx *c, const char *file, enum spec_mode mode, struct spec **out)
{
	struct buf text = { 0 };
	int rc;

	*out = NULL;
	if ((rc = conf_bytes(c, file, &text)) == 0)
		rc = spec_parse(buf_span(&text), file, mode, out);
	buf_free(&text);
	return rc;
}

int
conf_path(struct ctx *c, const char *file, struct buf *out)
{
	char hash[SHA256_HEX + 1];
	struct buf bytes = { 0 };
	int rc;

	if (c->epoch == NULL) {
		buf_str(out, file);
		(void)buf_cstr(out);
		return 0;
	}
	if ((rc = conf_first(c, CONF_SPEC, file, hash)) == 0 &&
	    (rc = conf_get(epoch_job(c->epoch), hash, file, &bytes)) == 0)
		(void)conf_at(epoch_job(c->epoch), hash, out);
	buf_free(&bytes);
	return rc;
}
