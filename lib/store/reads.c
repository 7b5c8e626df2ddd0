/* SPDX-License-Identifier: BSD-2-Clause */
/* reads - see reads.h */
#include <inttypes.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/reads.h"
#include "store/ref.h"
#include "store/table.h"

#define RECORD_BYTES_MAX (64u << 20)

/* The record of a run that was published to its end, or NULL. */
static int
finished(const char *run_id, struct buf *dir, json_t **record)
{
	struct buf path = { 0 }, bytes = { 0 };
	struct place p;
	bool found;
	int rc;

	*record = NULL;
	if (*run_id == '\0' || *run_id == '.' || strchr(run_id, '/') != NULL)
		return 0;
	if ((rc = place_get(&p)) != 0)
		return rc;
	buf_fmt(dir, "%s/_run/done/%s", p.write, run_id);
	buf_fmt(&path, "%s/run.json", buf_cstr(dir));
	rc = fs_read(buf_cstr(&path), RECORD_BYTES_MAX, &bytes, &found);
	if (rc == 0 && found)
		rc = commit_unseal(buf_span(&bytes), path.p, record);
	place_free(&p);
	buf_free(&path);
	buf_free(&bytes);
	return rc;
}

json_t *
reads_of(const char *run_id)
{
	static const char *const part[] = { "inputs", "reads" };
	json_t *record, *out = json_object(), *v;
	struct buf dir = { 0 };

	(void)finished(run_id, &dir, &record);
	for (size_t i = 0; i < 2; i++) {
		v = json_object_get(record, part[i]);
		json_object_set_new(out, part[i], json_is_object(v) ? json_incref(v) : json_object());
	}
	json_decref(record);
	buf_free(&dir);
	return out;
}

/* One prepared commit of a finished run: the number it got. */
static int
committed(const char *dir, const char *stage, struct buf *commits)
{
	struct buf path = { 0 }, bytes = { 0 };
	struct table *t = NULL;
	json_t *record = NULL;
	uint64_t n = 0;
	bool found;
	int rc;

	buf_fmt(&path, "%s/stage/%s", dir, stage);
	rc = fs_read(buf_cstr(&path), COMMIT_BYTES_MAX, &bytes, &found);
	if (rc == 0 && !found)
		rc = err_input("%s: a prepared commit is gone", path.p);
	if (rc == 0 && (rc = commit_parse(buf_span(&bytes), path.p, &record)) == 0 &&
	    (rc = table_open(span_str(commit_text(record, "table")), PLACE_WRITE, LOG_HEAD, &t)) == 0) {
		rc = log_find(&t->log, commit_u64(record, "base"), t->live->head, commit_text(record, "nonce"), &n);
		/* the rows were there already: no commit, and the head has them */
		if (rc == 0)
			buf_fmt(commits, "%s %" PRIu64 "\n", t->name, n == 0 ? t->live->head : n);
		table_close(t);
	}
	json_decref(record);
	buf_free(&path);
	buf_free(&bytes);
	return rc;
}

int
reads_published(const char *run_id, bool *yes, struct buf *commits)
{
	struct buf dir = { 0 };
	json_t *record, *stage;
	size_t i;
	int rc = finished(run_id, &dir, &record);

	*yes = record != NULL;
	json_array_foreach(json_object_get(record, "stages"), i, stage)
		if (rc == 0 && json_string_value(stage) != NULL && strchr(json_string_value(stage), '/') == NULL)
			rc = committed(dir.p, json_string_value(stage), commits);
	json_decref(record);
	buf_free(&dir);
	return rc;
}

bool
reads_pending(const char *run_id)
{
	struct buf dir = { 0 };
	struct place p;
	bool yes;

	if (*run_id == '\0' || place_get(&p) != 0)
		return false;
	buf_fmt(&dir, "%s/_run/%s", p.write, run_id);
	yes = fs_exists(buf_cstr(&dir));
	place_free(&p);
	buf_free(&dir);
	return yes;
}

bool
reads_pinned(struct span pins, struct span table, uint64_t *n)
{
	while (pins.n > 0) {
		const char *lf = memchr(pins.p, '\n', pins.n);
		size_t len = lf == NULL ? pins.n : (size_t)(lf - pins.p);

		if (len > table.n + 1 && memcmp(pins.p, table.p, table.n) == 0 && pins.p[table.n] == ' ') {
			*n = 0;
			for (size_t i = table.n + 1; i < len && pins.p[i] >= '0' && pins.p[i] <= '9'; i++)
				*n = 10 * *n + (uint64_t)(pins.p[i] - '0');
			return true;
		}
		pins = span_from(pins, len + (lf != NULL));
	}
	return false;
}

/* As ref notes it. */
static int
sum(struct table *t, struct span days, char hex[CHAIN_BYTES])
{
	char from[DAY_BYTES], to[DAY_BYTES];
	bool none;
	int rc;

	if (days.n == 0 && (t->meta.kind == KIND_SNAPSHOT || t->meta.kind == KIND_SCD2))
		days = span_str("last");
	if ((rc = ref_range(t, days, from, to, &none)) != 0)
		return rc;
	live_sum(t->live, from, to, hex);
	return 0;
}

/* What a run wrote on its day, and read as well, differs from what it read because of itself. */
static bool
own(const json_t *wrote, const char *read, size_t table, const char *day)
{
	const char *days = read[table] == '@' ? read + table + 1 : "";

	if (json_object_getn(wrote, read, table) == NULL)
		return false;
	if (*days < '0' || *days > '9')
		return true;
	return strncmp(days, day, 10) <= 0 && strncmp(strlen(days) == 22 ? days + 12 : days, day, 10) >= 0;
}

const char *
reads_dropped(const json_t *wrote, const char *day)
{
	const char *table;
	json_t *n;

	json_object_foreach((json_t *)(uintptr_t)wrote, table, n) {
		const struct day *d;
		struct table *t;
		bool gone;

		if (table_open(span_str(table), PLACE_READ, LOG_HEAD, &t) != 0)
			continue;
		d = live_any_day(t->live, day);
		gone = d != NULL && d->gone;
		table_close(t);
		if (gone)
			return table;
	}
	return NULL;
}

enum reads_now
reads_differ(const json_t *about, struct span pins, const json_t *wrote, const char *day, struct buf *why)
{
	json_t *reads = json_object_get(about, "reads"), *inputs = json_object_get(about, "inputs"), *was;
	enum reads_now now = json_object_size(reads) == 0 ? READS_UNKNOWN : READS_SAME;
	const char *name;

	json_object_foreach(reads, name, was) {
		size_t n = strcspn(name, "@");
		struct span table = span_of(name, n);
		uint64_t at = LOG_HEAD;
		char hex[CHAIN_BYTES];
		struct table *t;
		bool same;

		if (own(wrote, name, n, day))
			continue;
		(void)reads_pinned(pins, table, &at);
		if (table_open(table, PLACE_READ, at, &t) != 0)
			return READS_UNKNOWN;
		same = sum(t, span_str(name[n] == '@' ? name + n + 1 : name + n), hex) == 0 &&
		    json_string_value(was) != NULL && strcmp(hex, json_string_value(was)) == 0;
		if (!same)
			buf_fmt(why, "%s differs: commit %" PRIu64 ", then %" JSON_INTEGER_FORMAT, name, t->live->head,
			    json_integer_value(json_object_getn(inputs, name, n)));
		table_close(t);
		if (!same)
			return READS_DIFFER;
	}
	return now;
}
