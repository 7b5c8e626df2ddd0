/* SPDX-License-Identifier: BSD-2-Clause */
/* log - see log.h */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/layout.h"
#include "store/log.h"

#define HINT_BYTES_MAX 200

static const char *
path_of(const struct log *g, const char *name, struct buf *b)
{
	buf_clear(b);
	buf_fmt(b, "%s/%s", g->dir, name);
	return buf_cstr(b);
}

int
log_record(const struct log *g, uint64_t n, json_t **out)
{
	struct buf path = { 0 }, bytes = { 0 };
	char name[32];
	bool found;
	int rc;

	*out = NULL;
	commit_name(n, name);
	rc = fs_read(path_of(g, name, &path), COMMIT_BYTES_MAX, &bytes, &found);
	if (rc == 0 && found)
		rc = commit_parse(buf_span(&bytes), path.p, out);
	if (rc == 0 && found && commit_u64(*out, "n") != n) {
		json_decref(*out);
		*out = NULL;
		rc = err_input("%s: holds another number", path.p);
	}
	buf_free(&path);
	buf_free(&bytes);
	return rc;
}

/* Up to three numbers of a small text file of ours; what is missing or strange stays 0. */
static int
numbers(const struct log *g, const char *name, uint64_t *v, int n, bool *found)
{
	struct buf path = { 0 }, b = { 0 };
	int rc = fs_read(path_of(g, name, &path), HINT_BYTES_MAX, &b, found);
	const char *p = buf_cstr(&b);
	char *end;

	for (int i = 0; rc == 0 && *found && i < n; i++, p = end) {
		v[i] = strtoull(p, &end, 10);
		if (end == p)
			break;
	}
	buf_free(&path);
	buf_free(&b);
	return rc;
}

int
log_floor(const struct log *g, uint64_t *floor)
{
	bool found;

	*floor = 0;
	return numbers(g, "FLOOR", floor, 1, &found);
}

int
log_hint(const struct log *g, struct log_hint *h)
{
	uint64_t v[3] = { 0 };
	bool found;
	int rc = numbers(g, "HEAD", v, 3, &found);

	*h = (struct log_hint){ v[0], v[1], v[2] };
	return rc;
}

int
log_hint_put(const struct log *g, struct log_hint h)
{
	struct buf path = { 0 }, b = { 0 };
	int rc;

	buf_fmt(&b, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", h.head, h.checkpoint, h.viewed);
	rc = fs_put(path_of(g, "HEAD", &path), buf_span(&b), false);
	buf_free(&path);
	buf_free(&b);
	return rc;
}

/* The newest checkpoint at or below `at`, by its name; 0 when there is none. */
static int
newest_checkpoint(const struct log *g, uint64_t at, uint64_t *n)
{
	struct fs_names l;
	int rc = fs_list(g->dir, &l);

	*n = 0;
	for (size_t i = l.n; rc == 0 && *n == 0 && i-- > 0;) {
		uint64_t k = commit_number(l.v[i], ".ckpt.zst");

		if (k <= at)
			*n = k;
	}
	fs_names_free(&l);
	return rc;
}

/* Where to begin: the checkpoint that HEAD names, or the newest by name. */
static int
begin(const struct log *g, uint64_t at, bool trust_hint, struct live **out)
{
	struct log_hint h = { 0 };
	uint64_t n;
	int rc = 0;

	*out = NULL;
	if (trust_hint && (rc = log_hint(g, &h)) != 0)
		return rc;
	if (h.checkpoint != 0 && h.checkpoint <= at && (rc = log_checkpoint_read(g, h.checkpoint, out)) != 0)
		return rc;
	if (*out == NULL && (rc = newest_checkpoint(g, at, &n)) == 0 && n != 0)
		rc = log_checkpoint_read(g, n, out);
	if (rc == 0 && *out == NULL)
		*out = live_new();
	return rc;
}

/* Fold records until the end or `at`; *gap when the next number was collected meanwhile. */
static int
fold(const struct log *g, struct live *s, uint64_t at, bool *gap)
{
	uint64_t floor;
	json_t *c;
	int rc = 0;

	*gap = false;
	while (s->head < at && (rc = log_record(g, s->head + 1, &c)) == 0) {
		if (c == NULL) {
			if ((rc = log_floor(g, &floor)) == 0)
				*gap = floor > s->head;
			break;
		}
		live_apply(s, c);
		json_decref(c);
	}
	return rc;
}

int
log_read(const struct log *g, uint64_t at, struct live **out)
{
	bool gap;
	int rc = 0;

	*out = NULL;
	/* a reader that a collector overtook begins again; twice is chance, more is damage */
	for (int tries = 0; tries < 8; tries++) {
		if ((rc = begin(g, at, tries == 0, out)) != 0 || (rc = fold(g, *out, at, &gap)) != 0)
			break;
		if (!gap && (at == LOG_HEAD || (*out)->head == at))
			return 0;
		if (!gap) {
			rc = err_input("%s: there is no commit %" PRIu64, g->dir, at);
			break;
		}
		rc = EXIT_INPUT;
		live_free(*out);
		*out = NULL;
	}
	if (rc == EXIT_INPUT && *out == NULL)
		err_input("%s: commits are missing above the last checkpoint", g->dir);
	live_free(*out);
	*out = NULL;
	return rc;
}

int
log_follow(const struct log *g, struct live *s)
{
	bool gap;
	int rc = fold(g, s, LOG_HEAD, &gap);

	/* a writer slower than the retention of the log has lost its place */
	if (rc == 0 && gap)
		rc = err_temp("%s: the log was collected past commit %" PRIu64, g->dir, s->head);
	return rc;
}

/* The name is there: is it ours after all, by a link whose answer was lost? */
static int
is_mine(const struct log *g, uint64_t n, const char *nonce, bool *mine)
{
	json_t *c;
	int rc = log_record(g, n, &c);

	*mine = c != NULL && strcmp(commit_text(c, "nonce"), nonce) == 0;
	json_decref(c);
	return rc;
}

/*
 * The link; *mine: it stands there, and is ours.  An answer that was lost (the call failed, or says that the
 * name is taken) is found by looking at what stands there.
 */
static int
link_once(const struct log *g, uint64_t n, const char *nonce, const char *tmp, const char *final, bool *mine)
{
	bool taken;
	int rc = fs_link(tmp, final, &taken), r;

	*mine = rc == 0 && !taken;
	if (*mine)
		return 0;
	r = is_mine(g, n, nonce, mine);
	return *mine || rc == 0 ? r : rc;
}

int
log_link(const struct log *g, uint64_t n, json_t *record, enum link *how)
{
	const char *nonce = commit_text(record, "nonce");
	struct buf tmp = { 0 }, final = { 0 }, line = { 0 };
	bool mine = false;
	uint64_t floor;
	char name[32];
	int rc;

	commit_name(n, name);
	path_of(g, name, &final);
	json_object_set_new(record, "n", json_integer((json_int_t)n));
	commit_print(record, &line);
	buf_fmt(&tmp, "%s/.tmp-%s-%" PRIu64, g->dir, nonce, n);
	*how = LINK_TAKEN;
	if ((rc = fs_remove(buf_cstr(&tmp))) == 0 && (rc = fs_new(tmp.p, buf_span(&line))) == 0) {
		rc = link_once(g, n, nonce, tmp.p, final.p, &mine);
		if (mine)
			*how = LINK_DONE;
		if (rc == 0 && mine && (rc = fs_sync_dir(g->dir)) == 0 && (rc = log_floor(g, &floor)) == 0 &&
		    n <= floor) {
			/* the name was free only because its record was collected: nobody reads it */
			*how = LINK_VOID;
			rc = fs_remove(final.p);
		}
		/* the record stands or not by now: a temporary left behind is no error */
		(void)fs_remove(tmp.p);
	}
	buf_free(&tmp);
	buf_free(&final);
	buf_free(&line);
	return rc;
}

int
log_find(const struct log *g, uint64_t base, uint64_t head, const char *nonce, uint64_t *n)
{
	int rc = 0;

	*n = 0;
	for (uint64_t k = base + 1; rc == 0 && *n == 0 && k <= head; k++) {
		bool mine;

		if ((rc = is_mine(g, k, nonce, &mine)) == 0 && mine)
			*n = k;
	}
	return rc;
}
