/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * commit_fuzz - bodies of commit records, one a line, folded into a table
 *
 * Whatever is in them: a body that commit_bad() lets pass prints to a line that parses to the same body, a
 * line with one byte changed does not parse, and folding it leaves a state whose days, files and sources
 * hold together.  The bytes as they came are tried as a record too, which only a right sum makes one.  A
 * line that begins with '#' is not text: its bytes, two a record, choose what records do to a few days and
 * files, so that folding is reached without luck.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/commit.h"
#include "store/live.h"

#define MUST(cond) do { if (!(cond)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Refusals are told on descriptor 2, which is the fuzzer's too: it must not drown in them. */
static int
quiet_parse(struct span bytes, json_t **out)
{
	static int null = -1;
	int kept = dup(2), rc;

	if (null == -1)
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(null, 2);
	rc = commit_parse(bytes, "fuzz", out);
	dup2(kept, 2);
	close(kept);
	return rc;
}

static void
round_trip(const json_t *body, size_t at)
{
	struct buf a = { 0 }, b = { 0 };
	json_t *back;

	commit_print(body, &a);
	MUST(quiet_parse(buf_span(&a), &back) == 0);
	json_object_del(back, "sha256");
	commit_print(back, &b);
	MUST(span_eq(buf_span(&a), buf_span(&b)));
	json_decref(back);
	a.p[at % a.n] ^= 1;
	MUST(quiet_parse(buf_span(&a), &back) != 0);
	buf_free(&a);
	buf_free(&b);
}

static void
check(const struct live *l)
{
	struct map_entry e;

	for (size_t i = 0; map_next(l->days, &i, &e);) {
		const struct day *d = e.cell;

		MUST(strlen(d->name) == 10 && d->n <= d->cap && d->touched <= l->head);
		for (size_t k = 0; k < d->n; k++) {
			json_t *f = live_file_json(&d->file[k]);

			MUST(d->file[k].name != NULL && d->file[k].commit <= l->head && f != NULL);
			json_decref(f);
		}
	}
	MUST(live_last_day(l, NULL) != NULL || map_count(l->days) == 0);
}

/* A record that two bytes choose: files f0, f1 … are added in order, any of them may be taken out again. */
static json_t *
chosen(unsigned what, unsigned which, unsigned *files)
{
	static const char *const mode[] = { "append", "replace", "rewrite", "delta" };
	json_t *c = commit_new(what % 16 == 15 ? "fence" : what % 16 == 14 ? "meta" : "data", "app", 0), *d;
	char day[16], add[16], rm[16];

	snprintf(day, sizeof day, "2026-11-%02u", 1 + which % 3);
	snprintf(add, sizeof add, "f%u", *files);
	snprintf(rm, sizeof rm, "f%u", *files == 0 ? 0 : (which / 3) % *files);
	if (what % 16 == 14) {
		json_object_set_new(c, "meta", json_string("kind append\n"));
	} else if (what % 16 < 14) {
		d = json_pack("{s:s,s:[],s:[]}", "mode", mode[what % 4], "add", "rm");
		for (unsigned i = 0; i < (what / 16) % 4; i++, ++*files) {
			snprintf(add, sizeof add, "f%u", *files);
			json_array_append_new(json_object_get(d, "add"), json_pack("{s:s,s:i,s:i,s:s}",
			    "file", add, "rows",
			    1, "bytes", 2, "xxh64", "0123456789abcdef"));
		}
		if (what >= 128)
			json_array_append_new(json_object_get(d, "rm"), json_string(rm));
		json_object_set_new(c, "days", json_pack("{s:o}", day, d));
	}
	return c;
}

static void
fold_chosen(struct live *l, const char *p, const char *end)
{
	unsigned files = 0;

	for (; p + 1 < end; p += 2) {
		json_t *j = chosen((uint8_t)p[0], (uint8_t)p[1], &files);

		MUST(commit_bad(j) == NULL);
		json_object_set_new(j, "n", json_integer((json_int_t)l->head + 1));
		live_apply(l, j);
		check(l);
		json_decref(j);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct live *l = live_new();
	const char *p = (const char *)data, *end = p + size;
	json_t *j;

	if (size > 100 && quiet_parse(span_of(p, size), &j) == 0)
		json_decref(j);
	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		json_error_t err;

		lf = lf == NULL ? end : lf;
		if (*p == '#')
			fold_chosen(l, p + 1, lf);
		j = json_loadb(p, (size_t)(lf - p), JSON_REJECT_DUPLICATES, &err);
		if (json_is_object(j) && json_object_get(j, "sha256") == NULL && commit_bad(j) == NULL) {
			round_trip(j, size * 7919);
			json_object_set_new(j, "n", json_integer((json_int_t)l->head + 1));
			live_apply(l, j);
			check(l);
		}
		json_decref(j);
		p = lf + 1;
	}
	live_free(l);
	return 0;
}
