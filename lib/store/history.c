/* SPDX-License-Identifier: BSD-2-Clause */
/* history - see history.h */
#include <stdlib.h>

#include "base/err.h"
#include "store/commit.h"
#include "store/history.h"

struct last {			/* a day's last two commits */
	json_t *now, *before;
};

struct pick {
	struct map *days;
	const char *from, *to;
};

int
history_each(const struct table *t, int (*each)(void *arg, json_t *record), void *arg)
{
	uint64_t floor;
	int rc = log_floor(&t->log, &floor);

	for (uint64_t n = floor + 1; rc == 0 && n <= t->live->head; n++) {
		json_t *c;

		if ((rc = log_record(&t->log, n, &c)) == 0 && c != NULL)
			rc = each(arg, c);
		json_decref(c);
	}
	return rc;
}

static int
keep_last(void *arg, json_t *c)
{
	json_t *days = json_object_get(c, "days"), *d;
	struct pick *p = arg;
	const char *day;

	json_object_foreach(days, day, d) {
		struct last *l;

		if (strcmp(day, p->from) < 0 || strcmp(day, p->to) > 0)
			continue;
		l = map_put(p->days, span_str(day), NULL);
		json_decref(l->before);
		l->before = l->now;
		l->now = json_incref(c);
	}
	return 0;
}

static json_t *
line_new(const char *day, const struct last *l)
{
	return json_pack("{s:s,s:I,s:I}", "dt", day, "commit", (json_int_t)commit_u64(l->now, "n"), "before",
	    (json_int_t)commit_u64(l->before, "n"));
}

static int
say_none(const char *day, const struct last *l, int (*each)(void *, json_t *), void *arg)
{
	json_t *j = line_new(day, l);
	const char *why = l->before == NULL ? "the day's first commit" :
	    json_object_size(json_object_get(l->now, "reads")) == 0 ? "written outside of a run, or from no table" :
	    "the same inputs: the command or its files changed";
	int rc;

	json_object_set_new(j, "input", json_null());
	json_object_set_new(j, "why", json_string(why));
	rc = each(arg, j);
	json_decref(j);
	return rc;
}

/* An input is what was read by content: another commit with the same rows is no difference. */
static int
say_input(const char *day, const struct last *l, const char *name, int (*each)(void *, json_t *), void *arg)
{
	const char *was = commit_text(json_object_get(l->before, "reads"), name);
	const char *is = commit_text(json_object_get(l->now, "reads"), name);
	char *table = mem_dup(span_of(name, strcspn(name, "@")));
	json_t *j = line_new(day, l);
	int rc;

	json_object_set_new(j, "input", json_string(name));
	json_object_set_new(j, "was", json_integer((json_int_t)commit_u64(json_object_get(l->before,
	    "inputs"), table)));
	json_object_set_new(j, "is", json_integer((json_int_t)commit_u64(json_object_get(l->now, "inputs"), table)));
	json_object_set_new(j, "why", json_string(*was == '\0' ? "read only now" : *is == '\0' ? "read only before" :
	    "other rows"));
	rc = each(arg, j);
	json_decref(j);
	free(table);
	return rc;
}

static int
why_day(const char *day, const struct last *l, int (*each)(void *, json_t *), void *arg)
{
	json_t *is = json_object_get(l->now, "reads"), *was = json_object_get(l->before, "reads"), *all, *v;
	const char *name;
	bool told = false;
	int rc = 0;

	all = json_object();
	if (l->before != NULL) {
		json_object_update(all, is);
		json_object_update_missing(all, was);
	}
	json_object_foreach(all, name, v) {
		if (rc != 0 || strcmp(commit_text(was, name), commit_text(is, name)) == 0)
			continue;
		told = true;
		rc = say_input(day, l, name, each, arg);
	}
	json_decref(all);
	return told || rc != 0 ? rc : say_none(day, l, each, arg);
}

int
history_why(const struct table *t, const char *from, const char *to, int (*each)(void *arg, json_t *line), void *arg)
{
	struct pick p = { map_new(sizeof(struct last)), from, to };
	int rc = history_each(t, keep_last, &p);
	struct map_entry *e = map_sorted(p.days);

	for (size_t i = 0; i < map_count(p.days); i++) {
		struct last *l = e[i].cell;
		char day[DAY_BYTES];

		if (rc == 0 && day_good(e[i].key, day))
			rc = why_day(day, l, each, arg);
		json_decref(l->now);
		json_decref(l->before);
	}
	free(e);
	map_free(p.days);
	return rc;
}
