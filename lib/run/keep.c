/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keep - see keep.h.  A file of run/pieces, whose head holds the magic word, the sign of the arguments, the run and the
 * command's head.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "op/pack.h"
#include "run/keep.h"
#include "run/pieces.h"
#include "run/run.h"
#include "run/run_fate.h"
#include "store/fs.h"

#define MAGIC "pipehouse state 1\n"
#define SUFFIX ".state"

struct keep {
	char *dir;
	int lock;
	struct pieces_reader from;	/* the snapshot to load */
	uint64_t base, newest;		/* numbers of that snapshot and of the last that was there */
	const char *run;		/* the one this process is in, or NULL */
	struct buf args;
	struct pieces_writer to;
};

static char *
path_of(const struct keep *k, uint64_t number)
{
	struct buf b = { 0 };

	buf_fmt(&b, "%s/%016llu" SUFFIX, k->dir, (unsigned long long)number);
	(void)buf_cstr(&b);
	return b.p;
}

/* What the head of a file says, as spans into it. */
static int
parse_head(const char *path, const struct buf *b, uint64_t *sign, struct span *run, struct span *head)
{
	struct unpack u;
	int rc = pieces_magic(b, path, MAGIC, sign, &u);

	if (rc != 0)
		return rc;
	*run = unpack_span(&u);
	*head = unpack_span(&u);
	return unpack_done(&u) ? 0 : pieces_damaged(path);
}

/* ---- opening ---- */

/* Does this snapshot count? Then it is left open. */
static int
judge(struct keep *k, uint64_t number, bool *counts)
{
	char *path = path_of(k, number);
	struct buf b = { 0 };
	struct span run, head;
	uint64_t sign;
	enum run_fate fate = RUN_KEPT;
	int rc;

	*counts = false;
	if ((rc = pieces_open(&k->from, path, &b)) == 0)
		rc = parse_head(path, &b, &sign, &run, &head);
	if (rc == 0 && run.n > 0 && (k->run == NULL || !span_is(run, k->run))) {
		char *dir = mem_dup(run);

		fate = run_fate(dir);
		if (fate == RUN_OPEN)
			rc = err_temp("%s: run %s is not over", k->dir, dir);
		free(dir);
	}
	*counts = rc == 0 && fate == RUN_KEPT;
	if (!*counts)
		pieces_close(&k->from);
	buf_free(&b);
	free(path);
	return rc;
}

int
keep_open(struct ctx *c, const char *dir, const struct op *op, struct keep **out)
{
	struct keep *k = mem_new(sizeof *k);
	struct fs_names names = { 0 };
	uint64_t number;
	bool counts = false;
	int rc;

	*out = k;
	k->dir = mem_str(dir);
	k->lock = k->from.fd = -1;
	k->run = ctx_run_dir(c);
	keep_sign(k, op->name);
	pack_u64(&k->args, op->version);
	if ((rc = fs_dirs(dir)) != 0 || (rc = pieces_lock(dir, &k->lock)) != 0 ||
	    (rc = pieces_sweep(dir, SUFFIX)) != 0 || (rc = fs_list(dir, &names)) != 0)
		return rc;
	for (size_t i = names.n; i-- > 0 && rc == 0 && !counts;) {
		if (!pieces_number(names.v[i], SUFFIX, &number))
			continue;
		k->newest = number > k->newest ? number : k->newest;
		rc = judge(k, number, &counts);
		k->base = number;
	}
	fs_names_free(&names);
	return rc;
}

void
keep_sign(struct keep *k, const char *text)
{
	buf_byte(&k->args, text == NULL ? 0 : 1);
	if (text != NULL)
		pack_span(&k->args, span_str(text));
}

/* ---- loading ---- */

int
keep_load(struct keep *k, struct buf *head, kv_fn *each, void *arg)
{
	struct span run, saved;
	struct buf b = { 0 };
	uint64_t sign;
	char *path;
	int rc;

	buf_clear(head);
	if (k->from.fd == -1)
		return 0;
	pieces_close(&k->from);
	path = path_of(k, k->base);
	if ((rc = pieces_open(&k->from, path, &b)) == 0)
		rc = parse_head(path, &b, &sign, &run, &saved);
	if (rc == 0 && sign != hash_fixed(buf_span(&k->args)))
		rc = err_input("%s: the state was saved by a command with other arguments", k->dir);
	if (rc == 0) {
		buf_span_add(head, saved);
		rc = pieces_each(&k->from, each, arg);
	}
	pieces_close(&k->from);
	buf_free(&b);
	free(path);
	return rc;
}

/* ---- saving ---- */

int
keep_begin(struct keep *k, struct span head)
{
	char *path = path_of(k, ++k->newest);
	struct buf b = { 0 };
	int rc;

	pieces_put_magic(&b, MAGIC, hash_fixed(buf_span(&k->args)));
	pack_span(&b, span_str(k->run == NULL ? "" : k->run));
	pack_span(&b, head);
	rc = pieces_begin(&k->to, path, buf_span(&b));
	buf_free(&b);
	free(path);
	return rc;
}

int
keep_put(void *keep, struct span key, struct span val)
{
	return pieces_put(&((struct keep *)keep)->to, key, val);
}

/* What somebody may go back to: the newest, and in a run the one it came from. */
static bool
stays(const void *arg, uint64_t number)
{
	const struct keep *k = arg;

	return number == k->newest || (k->run != NULL && number == k->base);
}

int
keep_commit(struct keep *k)
{
	int rc = pieces_end(&k->to, k->dir);

	return rc != 0 ? rc : pieces_forget(k->dir, SUFFIX, stays, k);
}

void
keep_close(struct keep *k)
{
	if (k == NULL)
		return;
	pieces_drop(&k->to);
	pieces_close(&k->from);
	if (k->lock != -1)
		close(k->lock);
	buf_free(&k->args);
	free(k->dir);
	free(k);
}
