/* SPDX-License-Identifier: BSD-2-Clause */
/* reads - see reads.h */
#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "store/commit.h"
#include "store/fs.h"
#include "store/reads.h"
#include "store/ref.h"
#include "store/table.h"

#define RECORD_BYTES_MAX (64u << 20)

json_t *
reads_of(const char *run_dir)
{
	static const char *const part[] = { "inputs", "reads" };
	const char *id = strrchr(run_dir, '/');
	struct buf path = { 0 }, bytes = { 0 };
	json_t *record = NULL, *out = json_object(), *v;
	bool found = false;

	if (id != NULL) {
		buf_fmt(&path, "%.*s/done%s/run.json", (int)(id - run_dir), run_dir, id);
		if (fs_read(buf_cstr(&path), RECORD_BYTES_MAX, &bytes, &found) == 0 && found)
			(void)commit_unseal(buf_span(&bytes), path.p, &record);
	}
	for (size_t i = 0; i < 2; i++) {
		v = json_object_get(record, part[i]);
		json_object_set_new(out, part[i], json_is_object(v) ? json_incref(v) : json_object());
	}
	json_decref(record);
	buf_free(&path);
	buf_free(&bytes);
	return out;
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
