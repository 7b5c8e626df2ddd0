/* SPDX-License-Identifier: BSD-2-Clause */
/* plan - see plan.h */
#include <inttypes.h>
#include <stdlib.h>

#include "base/err.h"
#include "in/rec.h"
#include "in/scan.h"
#include "run/job_dir.h"
#include "run/opt.h"
#include "run/plan.h"
#include "store/fs.h"

#define PLAN_BYTES_MAX (64 << 20)	/* positions of very many files */
#define HEX 16

static const char *
path_of(const char *dir, uint64_t id, const char *what, struct buf *b)
{
	buf_clear(b);
	buf_fmt(b, "%s/%s%" PRIu64, dir, what, id);
	return buf_cstr(b);
}

/* ---- reading ---- */

static bool
to_u64(struct span s, uint64_t *out)
{
	char digits[24];

	if (s.n == 0 || s.n >= sizeof digits)
		return false;
	memcpy(digits, s.p, s.n);
	digits[s.n] = '\0';
	return opt_count(digits, out);
}

static bool
to_i64(struct span s, int64_t *out)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t v;

	if (!to_u64(minus ? span_from(s, 1) : s, &v) || v > INT64_MAX)
		return false;
	*out = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

static bool
to_sum(struct span s, uint64_t *out)
{
	char digits[HEX + 1], *end;

	if (s.n != HEX + 2 || s.p[0] != '"')
		return false;
	memcpy(digits, s.p + 1, HEX);
	digits[HEX] = '\0';
	*out = strtoull(digits, &end, 16);
	return *end == '\0';
}

/* The next member has that name: its value. */
static bool
next(struct rec *r, const char *name, struct span *v)
{
	struct span key;
	struct val val;

	if (!rec_next(r, &key, &val) || !span_is(key, name))
		return false;
	*v = val.raw;
	return true;
}

/* By its name it is known what it is: XXH64 is in plans that an older source wrote. */
static bool
sum(struct rec *r, struct plan *p)
{
	struct span key;
	struct val v;

	if (!rec_next(r, &key, &v))
		return false;
	p->xxh64 = span_is(key, "xxh64");
	return (p->xxh64 || span_is(key, "xxh3")) && to_sum(v.raw, &p->sum);
}

static bool
object(struct rec *r, const char *name, struct span *v)
{
	return next(r, name, v) && v->n >= 2 && v->p[0] == '{';
}

static bool
parse(struct span line, struct plan *p)
{
	struct span v, key;
	struct val sign;
	struct rec r;

	rec_begin(&r, line);
	if (!next(&r, "id", &v) || !to_u64(v, &p->id) || !object(&r, "from", &p->from) || !object(&r, "to", &p->to) ||
	    !next(&r, "n", &v) || !to_u64(v, &p->n) || !sum(&r, p) || !next(&r, "now", &v) ||
	    !to_i64(v, &p->now_ms) || !next(&r, "wm", &v))
		return false;
	p->wm_ms = INT64_MIN;
	if (!span_is(v, "null") && !to_i64(v, &p->wm_ms))
		return false;
	if (!object(&r, "pins", &p->pins) || !object(&r, "water", &p->water) || !next(&r, "side", &v) ||
	    !to_u64(v, &p->side) || !next(&r, "sign", &v) || v.n < 2 || v.p[0] != '"')
		return false;
	p->sign = val_text(val_make(T_STR, v), &p->said);
	return !rec_next(&r, &key, &sign);
}

int
plan_read(const char *dir, uint64_t id, struct plan *p, bool *found)
{
	static const struct scan_conf conf;
	struct buf path = { 0 };
	struct span line;
	size_t at;
	int rc;

	path_of(dir, id, "", &path);
	rc = fs_read(path.p, PLAN_BYTES_MAX, &p->text, found);
	line = buf_span(&p->text);
	if (rc == 0 && *found) {
		if (line.n > 0 && line.p[line.n - 1] == '\n')
			line.n--;
		if (line.n == p->text.n || line.n < 2 || line.p[0] != '{' || scan_value(line, &conf, &at) != NULL ||
		    !parse(line, p) || p->id != id)
			rc = err_input("%s: not the plan of epoch %" PRIu64, path.p, id);
	}
	buf_free(&path);
	return rc;
}

/* ---- writing ---- */

static void
member(struct buf *b, const char *name, struct span v)
{
	buf_str(b, name);
	if (v.n == 0)
		buf_str(b, "{}");
	else
		buf_span_add(b, v);
}

static void
print(const struct plan *p, struct buf *b)
{
	buf_str(b, "{\"id\":");
	buf_u64(b, p->id);
	member(b, ",\"from\":", p->from);
	member(b, ",\"to\":", p->to);
	buf_str(b, ",\"n\":");
	buf_u64(b, p->n);
	buf_fmt(b, ",\"%s\":\"%016" PRIx64 "\",\"now\":", p->xxh64 ? "xxh64" : "xxh3", p->sum);
	buf_i64(b, p->now_ms);
	buf_str(b, ",\"wm\":");
	if (p->wm_ms == INT64_MIN)
		buf_str(b, "null");
	else
		buf_i64(b, p->wm_ms);
	member(b, ",\"pins\":", p->pins);
	member(b, ",\"water\":", p->water);
	buf_str(b, ",\"side\":");
	buf_u64(b, p->side);
	buf_str(b, ",\"sign\":");
	buf_json(b, p->sign);
	buf_str(b, "}\n");
}

int
plan_write(const char *dir, const struct plan *p)
{
	struct buf line = { 0 }, temp = { 0 }, path = { 0 };
	bool taken = false, lax = job_dir_lax();
	int rc;

	print(p, &line);
	path_of(dir, p->id, ".new-", &temp);
	path_of(dir, p->id, "", &path);
	/* of a source that was killed at this; pipe-run lets no two be alive */
	if ((rc = fs_remove(temp.p)) == 0 && (rc = (lax ? fs_new_lax : fs_new)(temp.p, buf_span(&line))) == 0 &&
	    (rc = fs_link(temp.p, path.p, &taken)) == 0 && (rc = fs_remove(temp.p)) == 0) {
		if (taken)
			rc = err_temp("%s: another source has planned this epoch", path.p);
		else if (!lax)
			rc = fs_sync_dir(dir);
	}
	buf_free(&line);
	buf_free(&temp);
	buf_free(&path);
	return rc;
}

/* ---- all of them ---- */

/* The numbers that are there, rising; the caller frees them. */
static int
numbers(const char *dir, uint64_t **id, size_t *n)
{
	struct fs_names names;
	uint64_t v;
	int rc = fs_list(dir, &names);

	*id = NULL;
	*n = 0;
	if (rc != 0)
		return rc;
	*id = mem_array(NULL, names.n + 1, sizeof **id);
	for (size_t i = 0; i < names.n; i++) {
		size_t at = *n;

		if (!opt_count(names.v[i], &v))
			continue;
		/* names come in the order of bytes: 10 before 9 */
		for (; at > 0 && (*id)[at - 1] > v; at--)
			(*id)[at] = (*id)[at - 1];
		(*id)[at] = v;
		++*n;
	}
	fs_names_free(&names);
	return 0;
}

int
plan_range(const char *dir, uint64_t *least, uint64_t *most, size_t *n)
{
	uint64_t *id;
	int rc = numbers(dir, &id, n);

	*least = *n == 0 ? 0 : id[0];
	*most = *n == 0 ? 0 : id[*n - 1];
	free(id);
	return rc;
}

int
plan_forget(const char *dir, uint64_t below)
{
	struct buf path = { 0 };
	uint64_t *id;
	size_t n;
	int rc = numbers(dir, &id, &n);

	for (size_t i = 0; rc == 0 && i < n && id[i] < below; i++)
		rc = fs_remove(path_of(dir, id[i], "", &path));
	buf_free(&path);
	free(id);
	return rc;
}

int
plan_discard(const char *dir, uint64_t from)
{
	struct buf path = { 0 };
	uint64_t *id;
	size_t n;
	int rc = numbers(dir, &id, &n);

	while (rc == 0 && n > 0 && id[n - 1] >= from)
		rc = fs_remove(path_of(dir, id[--n], "", &path));
	buf_free(&path);
	free(id);
	return rc != 0 ? rc : fs_sync_dir(dir);
}

void
plan_clear(struct plan *p)
{
	buf_free(&p->text);
	buf_free(&p->said);
	*p = (struct plan){ 0 };
}
