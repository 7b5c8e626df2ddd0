/* SPDX-License-Identifier: BSD-2-Clause */
/* obey - see obey.h */
#include "run/obey.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "run/conf.h"
#include "run/ctx.h"
#include "run/epoch.h"
#include "run/job_dir.h"
#include "run/opt.h"
#include "store/fs.h"

struct version {
	char hash[SHA256_HEX + 1];
};

/* From that epoch's end on. */
struct choice {
	uint64_t id;
	struct version pinned, used;
};

struct obey {
	const char *file;
	struct choice *v;		/* by id, rising */
	size_t n;
	struct version pinned, used;	/* now */
	struct choice next;		/* of obey_look, to be settled */
};

/* ---- what is remembered ---- */

static const char *
where(struct ctx *c, struct buf *b)
{
	const char *place = epoch_place(c->epoch);

	return conf_at(epoch_job(c->epoch), strrchr(place, '/') + 1, b);
}

static bool
take_hash(struct span *s, char end, struct version *out)
{
	if (s->n <= SHA256_HEX || s->p[SHA256_HEX] != end || !conf_is_hash(span_of(s->p, SHA256_HEX)))
		return false;
	memcpy(out->hash, s->p, SHA256_HEX);
	out->hash[SHA256_HEX] = '\0';
	*s = span_from(*s, SHA256_HEX + 1);
	return true;
}

static bool
take_id(struct span *s, uint64_t *id)
{
	char digits[24];
	size_t n = 0;

	while (n < s->n && n < sizeof digits - 1 && s->p[n] != ' ') {
		digits[n] = s->p[n];
		n++;
	}
	digits[n] = '\0';
	if (n == s->n || s->p[n] != ' ' || !opt_count(digits, id))
		return false;
	*s = span_from(*s, n + 1);
	return true;
}

static int
remembered(struct ctx *c, struct obey *f)
{
	struct buf path = { 0 }, text = { 0 };
	struct choice a;
	struct span s;
	bool found = false;
	int rc = fs_read(where(c, &path), CONF_BYTES_MAX, &text, &found);

	for (s = buf_span(&text); rc == 0 && found && s.n > 0;) {
		if (!take_id(&s, &a.id) || !take_hash(&s, ' ', &a.pinned) || !take_hash(&s, '\n', &a.used) ||
		    (f->n > 0 && a.id <= f->v[f->n - 1].id)) {
			rc = err_input("%s: not what this stage writes there", path.p);
			break;
		}
		f->v = mem_array(f->v, f->n + 1, sizeof *f->v);
		f->v[f->n++] = a;
	}
	buf_free(&path);
	buf_free(&text);
	return rc;
}

/* The choice in force behind that epoch, or NULL. */
static const struct choice *
in_force(const struct obey *f, uint64_t id)
{
	const struct choice *is = NULL;

	for (size_t i = 0; i < f->n && f->v[i].id <= id; i++)
		is = &f->v[i];
	return is;
}

/* Put it in its place, and drop those that nobody goes back to. */
static void
put(struct obey *f, const struct choice *a, uint64_t settled)
{
	size_t at = f->n, drop = 0;

	while (at > 0 && f->v[at - 1].id > a->id)
		at--;
	if (at > 0 && f->v[at - 1].id == a->id) {
		f->v[at - 1] = *a;
	} else {
		f->v = mem_array(f->v, f->n + 1, sizeof *f->v);
		memmove(f->v + at + 1, f->v + at, (f->n - at) * sizeof *f->v);
		f->v[at] = *a;
		f->n++;
	}
	while (drop + 1 < f->n && f->v[drop + 1].id <= settled)
		drop++;
	memmove(f->v, f->v + drop, (f->n - drop) * sizeof *f->v);
	f->n -= drop;
}

static int
remember(struct ctx *c, struct obey *f, const struct choice *a)
{
	struct buf path = { 0 }, text = { 0 };
	uint64_t settled;
	int rc = epoch_settled(c->epoch, &settled);

	if (rc == 0) {
		put(f, a, settled);
		for (size_t i = 0; i < f->n; i++)
			buf_fmt(&text, "%" PRIu64 " %s %s\n", f->v[i].id, f->v[i].pinned.hash, f->v[i].used.hash);
		rc = fs_put(where(c, &path), buf_span(&text), !job_dir_lax());
	}
	buf_free(&path);
	buf_free(&text);
	return rc;
}

/* ---- following ---- */

int
obey_open(struct ctx *c, const char *file, struct obey **out, struct buf *bytes)
{
	struct obey *f = mem_new(sizeof *f);
	const struct choice *is;
	int rc = conf_first(c, CONF_FILE, file, f->pinned.hash);

	f->file = file;
	*out = NULL;
	if (rc == 0)
		rc = remembered(c, f);
	f->used = f->pinned;
	/* what the line pins may be another one: obey_look tries it then */
	if (rc == 0 && (is = in_force(f, epoch_first_id(c->epoch))) != NULL) {
		f->pinned = is->pinned;
		f->used = is->used;
	}
	if (rc == 0)
		rc = conf_get(epoch_job(c->epoch), f->used.hash, file, bytes);
	if (rc != 0)
		obey_free(f);
	else
		*out = f;
	return rc;
}

static bool
same(const struct version *a, const struct version *b)
{
	return strcmp(a->hash, b->hash) == 0;
}

int
obey_look(struct ctx *c, struct obey *f, const struct mark *m, enum obey_what *what, struct buf *bytes)
{
	struct choice a = { .id = m->id, .used = f->used };
	const struct choice *was = in_force(f, m->id);
	int rc = 0;

	*what = OBEY_SAME;
	/* of a time when it was not pinned, or the very first line, from which on it is known */
	if (!conf_pinned(m->pins, CONF_FILE, f->file, a.pinned.hash) || same(&a.pinned, &f->pinned)) {
		a.pinned = f->pinned;
		return f->n > 0 ? 0 : remember(c, f, &a);
	}
	f->pinned = a.pinned;
	if (was == NULL || was->id != m->id || !same(&was->pinned, &a.pinned)) {
		*what = OBEY_TRY;
		a.used = a.pinned;
	} else if (!same(&was->used, &f->used)) {
		*what = OBEY_MUST;
		a.used = was->used;
	}
	f->next = a;
	if (*what != OBEY_SAME)
		rc = conf_get(epoch_job(c->epoch), a.used.hash, f->file, bytes);
	return rc;
}

int
obey_settle(struct ctx *c, struct obey *f, bool followed)
{
	if (followed)
		f->used = f->next.used;
	f->next.used = f->used;
	return remember(c, f, &f->next);
}

void
obey_free(struct obey *f)
{
	if (f == NULL)
		return;
	free(f->v);
	free(f);
}
