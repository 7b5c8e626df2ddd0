/* SPDX-License-Identifier: BSD-2-Clause */
/* store_test - the store's parts one by one: what the commands' cases and the kill tests cannot see from outside */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "store/change.h"
#include "store/commit.h"
#include "store/compact.h"
#include "store/epochs.h"
#include "store/follow.h"
#include "store/fs.h"
#include "store/merge.h"
#include "store/publish.h"
#include "store/ref.h"
#include "store/rows.h"
#include "store/spot.h"
#include "t.h"

#define DAY "2026-11-20"

static char *top;			/* a warehouse of this test's own */

static struct table *
open_table(const char *name)
{
	struct table *t;

	if (table_open(span_str(name), PLACE_WRITE, LOG_HEAD, &t) != 0)
		exit(1);
	return t;
}

static void
quiet(bool on)
{
	static int kept = -1;
	int null;

	if (on) {
		kept = dup(2);
		null = open("/dev/null", O_WRONLY);
		dup2(null, 2);
		close(null);
	} else {
		dup2(kept, 2);
		close(kept);
	}
}

/* One row to a day; the commit's number, or minus the status. */
static int64_t
put(const char *table, const char *row, bool replace)
{
	struct table *t = open_table(table);
	struct change *c;
	struct part *p;
	uint64_t n = 0;
	int rc = change_begin(t, "test", NULL, &c);

	if (replace)
		change_replace(c, DAY);
	if (rc == 0 && row != NULL && (rc = change_part(c, DAY, NULL, false, &p)) == 0)
		rc = part_line(p, span_str(row));
	if (rc == 0)
		rc = change_end(c, &n);
	table_close(t);
	return rc == 0 ? (int64_t)n : -rc;
}

static void
names(void)
{
	static const char *const good[] = { "a.b", "ods.order_info", "0.1", "a_.b_" };
	static const char *const bad[] = { "", ".", "a", "a.", ".b", "A.b", "a.b.c", "_a.b", "a/b.c", "a.b/",
	    "a.b\n" };
	char day[DAY_BYTES], name[32];

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		okf(table_name_bad(span_str(good[i])) == NULL, "%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		okf(table_name_bad(span_str(bad[i])) != NULL, "%s", bad[i]);
	okf(table_name_bad(span_of("a.b\0c", 5)) != NULL, "a NUL in it");
	okf(day_good(span_str("2024-02-29"), day) && !day_good(span_str("2026-02-29"), NULL), "leap years");
	okf(!day_good(span_str("2026-2-9"), NULL) && !day_good(span_str("2026-02-09 "), NULL), "exactly");
	commit_name(42, name);
	okf(strcmp(name, "00000000000000000042.json") == 0 && commit_number(name, ".json") == 42, "%s", name);
	okf(commit_number("0000000000000000042.json", ".json") == 0, "19 digits");
	okf(commit_number("99999999999999999999.json", ".json") == 0, "more than 64 bits");
	ok_all("names of tables, days and commits");
}

static void
records(void)
{
	json_t *c = commit_new("data", "test", 7), *back;
	struct buf line = { 0 };
	int rc = 0;

	commit_print(c, &line);
	ok(commit_parse(buf_span(&line), "r", &back) == 0 && commit_u64(back, "base") == 7,
	    "a record parses to itself");
	json_decref(back);
	quiet(true);
	for (size_t i = 0; i < line.n; i++) {
		line.p[i] ^= 1;
		rc = commit_parse(buf_span(&line), "r", &back);
		okf(rc == EXIT_INPUT && back == NULL, "byte %zu changed", i);
		line.p[i] ^= 1;
		okf(commit_parse(span_of(line.p, i), "r", &back) == EXIT_INPUT, "cut at %zu", i);
	}
	quiet(false);
	ok_all("a record with any byte changed, or cut anywhere, is refused");
	json_decref(c);
	buf_free(&line);
}

/* What publishing says to a source's commit. */
static int
source_commit(const char *from, const char *to, uint64_t epoch, uint64_t *n)
{
	struct table *t = open_table("s.src");
	struct change *c;
	struct part *p;
	int rc = change_begin(t, "test", NULL, &c);

	if (rc == 0 && (rc = change_part(c, DAY, "app/1", false, &p)) == 0)
		rc = part_line(p, span_str("{}"));
	change_source(c, "app/1", from, to, epoch);
	if (rc == 0)
		rc = change_end(c, n);
	table_close(t);
	return rc;
}

static void
sources(void)
{
	const char *app = "app/1";
	struct table *t;
	uint64_t n, epoch;

	ok(source_commit("", "10", 0, &n) == 0 && n == 2, "a source's first commit");
	ok(source_commit("", "10", 0, &n) == 0 && n == 0, "the same again is done already");
	quiet(true);
	ok(source_commit("", "9", 0, &n) == EXIT_TEMP, "from where it no longer stands: another was faster");
	quiet(false);
	ok(source_commit("10", "20", 0, &n) == 0 && n == 3, "from where it stands");
	t = open_table("s.src");
	ok(publish_fence(t, &app, 1, &epoch) == 0 && epoch == 4, "a fence is a commit");
	table_close(t);
	quiet(true);
	ok(source_commit("20", "30", 3, &n) == EXIT_TEMP, "behind a fence the earlier writer does not get in");
	quiet(false);
	ok(source_commit("20", "30", epoch, &n) == 0 && n == 5, "whose fence it is does");
	t = open_table("s.src");
	ok(live_day(t->live, DAY)->n == 3 && strcmp(live_app(t->live, app)->to, "30") == 0,
	    "three files, position 30");
	app = "*";
	ok(publish_fence(t, &app, 1, &epoch) == 0, "a fence of everybody");
	table_close(t);
	quiet(true);
	ok(source_commit("30", "40", 5, &n) == EXIT_TEMP, "shuts out that source too");
	quiet(false);
}

static void
conflicts(void)
{
	struct table *t = open_table("s.day");
	struct change *a, *b;
	struct part *p;
	uint64_t n;

	change_begin(t, "test", NULL, &a);
	change_begin(t, "test", NULL, &b);
	change_replace(a, DAY);
	change_replace(b, DAY);
	change_part(a, DAY, NULL, false, &p);
	part_line(p, span_str("{\"a\":1}"));
	change_part(b, DAY, NULL, false, &p);
	part_line(p, span_str("{\"b\":1}"));
	ok(change_end(a, &n) == 0 && n == 2, "of two who replace a day the first gets in");
	quiet(true);
	ok(change_end(b, &n) == EXIT_TEMP && n == 0, "the second does not");
	quiet(false);
	ok(live_day(t->live, DAY)->n == 1, "and its file is not there");
	change_begin(t, "test", NULL, &a);
	change_part(a, DAY, NULL, false, &p);
	part_line(p, span_str("{\"a\":2}"));
	is_int(put("s.day", "{\"c\":1}", false), 3, "an append meanwhile");
	ok(change_end(a, &n) == 0 && n == 4, "appends do not exclude each other");
	table_close(t);
	is_int(put("s.day", NULL, true), 5, "an empty day");
	is_int(put("s.day", NULL, true), 0, "that is empty already");
}

/* A run's commit comes in once, though it is published again and again, and though the day was touched since. */
static void
redo(void)
{
	struct table *t = open_table("s.redo");
	json_t *c = commit_new("data", "test", 0), *again;
	uint64_t n;

	json_object_set_new(c, "days", json_pack("{s:{s:s,s:[],s:[]}}", DAY, "mode", "replace", "add", "rm"));
	again = json_deep_copy(c);
	ok(publish(t, c, PUBLISH_RUN, &n) == 0 && n == 2, "published");
	ok(publish(t, again, PUBLISH_RUN, &n) == 0 && n == 2, "published before: the same number");
	json_decref(again);
	is_int(put("s.redo", "{\"x\":1}", false), 3, "another's commit");
	again = commit_new("data", "test", 2);
	json_object_set_new(again, "days", json_pack("{s:{s:s,s:[],s:[]}}", DAY, "mode", "replace", "add", "rm"));
	quiet(true);
	ok(publish_check(t, again) == EXIT_TEMP, "the check before the run's record sees the conflict");
	quiet(false);
	ok(publish(t, again, PUBLISH_RUN, &n) == 0 && n == 4, "behind it the run comes after");
	ok(live_day(t->live, DAY)->n == 0, "and what it says holds");
	json_decref(c);
	json_decref(again);
	table_close(t);
}

static bool
same_state(const struct live *a, const struct live *b)
{
	struct day **x, **y;
	size_t n, m;
	bool same;

	x = live_days(a, &n);
	y = live_days(b, &m);
	same = n == m && a->head == b->head && a->meta_commit == b->meta_commit && strcmp(a->meta, b->meta) == 0 &&
	    a->n_columns == b->n_columns && map_count(a->apps) == map_count(b->apps) && a->star == b->star;
	for (size_t i = 0; same && i < n; i++) {
		same = x[i]->n == y[i]->n && x[i]->touched == y[i]->touched && x[i]->based == y[i]->based;
		for (size_t k = 0; same && k < x[i]->n; k++)
			same = strcmp(x[i]->file[k].name, y[i]->file[k].name) == 0 &&
			    x[i]->file[k].commit == y[i]->file[k].commit &&
			    x[i]->file[k].rows == y[i]->file[k].rows &&
			    strcmp(x[i]->file[k].xxh64, y[i]->file[k].xxh64) == 0;
	}
	free(x);
	free(y);
	return same;
}

static void
remove_commits(const struct table *t, uint64_t from, uint64_t to)
{
	struct buf b = { 0 };
	char name[32];

	for (; from <= to; from++) {
		commit_name(from, name);
		buf_clear(&b);
		buf_fmt(&b, "%s/%s", t->log_dir, name);
		unlink(buf_cstr(&b));
	}
	buf_free(&b);
}

static void
checkpoints(void)
{
	struct table *t;
	struct live *l = NULL;
	struct buf b = { 0 };
	enum link how;
	json_t *c, *j;

	for (int i = 0; i < 6; i++)
		okf(put("s.ck", i % 2 == 0 ? "{\"a\":1}" : "{\"b\":\"x\"}", i == 3) == i + 2, "commit %d", i + 2);
	ok_all("seven commits");
	t = open_table("s.ck");
	ok(log_checkpoint(&t->log, t->live) == 0 && log_checkpoint_read(&t->log, 7, &l) == 0,
	    "a checkpoint is written and read");
	ok(same_state(t->live, l), "and is the state");
	ok(live_recent(l, "nothing") == 0 && l->recent[7].n == 7, "with the last nonces");
	live_free(l);
	ok(log_read(&t->log, 4, &l) == 0 && l->head == 4 && live_day(l, DAY)->n == 3,
	    "a commit below it is read from the records");
	live_free(l);
	/* collected: FLOOR, then the records */
	buf_fmt(&b, "%s/FLOOR", t->log_dir);
	ok(fs_put(buf_cstr(&b), span_str("5\n"), true) == 0, "FLOOR");
	remove_commits(t, 1, 5);
	ok(log_read(&t->log, LOG_HEAD, &l) == 0 && same_state(t->live, l),
	    "without the records below FLOOR the head is the same");
	live_free(l);
	quiet(true);
	ok(log_read(&t->log, 4, &l) == EXIT_INPUT, "what was collected is gone");
	quiet(false);
	c = commit_new("data", "test", 3);
	ok(log_link(&t->log, 5, c, &how) == 0 && how == LINK_VOID, "a link at FLOOR is void");
	ok(log_record(&t->log, 5, &j) == 0 && j == NULL, "and given back");
	ok(log_link(&t->log, 7, c, &how) == 0 && how == LINK_TAKEN, "a taken number is taken");
	ok(log_link(&t->log, 8, c, &how) == 0 && how == LINK_DONE, "a free one is not");
	ok(log_link(&t->log, 8, c, &how) == 0 && how == LINK_DONE,
	    "a link whose answer was lost is known by its nonce");
	json_decref(c);
	remove_commits(t, 7, 7);
	quiet(true);
	buf_clear(&b);
	buf_fmt(&b, "%s/00000000000000000007.ckpt.zst", t->log_dir);
	unlink(buf_cstr(&b));
	ok(log_read(&t->log, LOG_HEAD, &l) != 0, "records missing above the last checkpoint are damage");
	quiet(false);
	fs_remove_tree(t->dir);
	buf_free(&b);
	table_close(t);
}

/* A rewrite takes the place of what it replaces, so that rows keep their order. */
static void
rewrites(void)
{
	struct live *l = live_new();
	json_t *c;
	size_t n = 0;

	for (int i = 0; i < 5; i++) {
		char file[16];

		snprintf(file, sizeof file, "f%d", i);
		c = json_pack("{s:I,s:s,s:{s:{s:s,s:[{s:s,s:i,s:i,s:s}],s:[]}}}", "n", (json_int_t)i + 1,
		    "kind", "data",
		    "days", DAY, "mode", "append", "add", "file", file, "rows", 1, "bytes", 1, "xxh64", "0", "rm");
		live_apply(l, c);
		json_decref(c);
	}
	c = json_pack("{s:I,s:s,s:{s:{s:s,s:[{s:s,s:i,s:i,s:s}],s:[s,s]}}}", "n", (json_int_t)6, "kind",
	    "data", "days", DAY,
	    "mode", "rewrite", "add", "file", "new", "rows", 2, "bytes", 1, "xxh64", "0", "rm", "f1", "f2");
	live_apply(l, c);
	json_decref(c);
	for (const char *const *want = (const char *const []){ "f0", "new", "f3", "f4",
	    NULL }; *want != NULL; want++, n++)
		okf(strcmp(live_day(l, DAY)->file[n].name, *want) == 0, "%s", *want);
	okf(live_day(l, DAY)->n == 4, "four");
	ok_all("a rewrite stands where its first file stood");
	live_free(l);
}

static void
orders(void)
{
	static const char *const up[] = { "-1e3", "-1", "0", "9", "9.5", "10", "1e2", "\"\"", "\"10\"",
	    "\"9\"", "\"a\"" };
	struct buf a = { 0 }, b = { 0 };

	for (size_t i = 0; i < sizeof up / sizeof *up; i++)
		for (size_t k = 0; k < sizeof up / sizeof *up; k++) {
			const char *x = merge_order(val_of(span_str(up[i])),
			    &a), *y = merge_order(val_of(span_str(up[k])), &b);
			int c = merge_order_cmp(buf_span(&a), buf_span(&b));

			okf(x == NULL && y == NULL && (c > 0) - (c < 0) == (i > k) - (i < k), "%s and %s",
			    up[i], up[k]);
		}
	okf(merge_order(val_of(span_str("null")), &a) != NULL && merge_order(val_of(span_str("[]")),
	    &a) != NULL, "no order");
	ok_all("orders: numbers by value, before strings by bytes");
	buf_free(&a);
	buf_free(&b);
}

static void
views(void)
{
	struct table *t;
	struct buf b = { 0 };
	struct fs_names l;
	struct stat one, two;

	put("s.view", "{\"i\":1}", false);
	put("s.view", "{\"i\":2}", false);
	t = open_table("s.view");
	buf_fmt(&b, "%s/dt=" DAY, t->dir);
	buf_cstr(&b);
	ok(fs_list(b.p, &l) == 0 && l.n == 2 && strcmp(l.v[1], "000001.ndjson.zst") == 0, "two files, two links");
	fs_names_free(&l);
	stat(b.p, &one);
	put("s.view", "{\"i\":3}", false);
	stat(b.p, &two);
	ok(one.st_ino == two.st_ino, "an addition is linked into place");
	put("s.view", "{\"i\":4}", true);
	stat(b.p, &two);
	ok(one.st_ino != two.st_ino, "a replaced day is another directory");
	ok(fs_list(b.p, &l) == 0 && l.n == 1, "with one file");
	fs_names_free(&l);
	/* what somebody did to it by hand is put right by the next commit */
	buf_str(&b, "/000000.ndjson.zst");
	unlink(buf_cstr(&b));
	put("s.view", "{\"i\":5}", false);
	b.n -= strlen("/000000.ndjson.zst");
	ok(fs_list(buf_cstr(&b), &l) == 0 && l.n == 2, "a link that was lost is made again");
	fs_names_free(&l);
	buf_free(&b);
	table_close(t);
}

static int
count_file(void *arg, const char *day, const char *path)
{
	size_t *n = arg;

	okf(strlen(day) == 10 && fs_exists(path), "%s %s", day, path);
	++*n;
	return 0;
}

static void
refs(void)
{
	struct span table, days;
	struct buf heads = { 0 };
	uint64_t rows;
	size_t n = 0;

	put("s.ref", "{\"i\":1}", false);
	put("s.ref", "{\"i\":2}", false);
	ok(ref_split(span_str("wh:s.ref@last"), &table, &days) == NULL && span_is(table, "s.ref") &&
	    span_is(days, "last"),
	    "an operand is a table and days");
	ok(ref_split(span_str("s.ref@"), &table, &days) != NULL, "a day is missing");
	okf(ref_files("wh:s.ref@" DAY, count_file, &n) == 0 && n == 2, "two files");
	ok_all("files of a day");
	ok(ref_rows("wh:s.ref", &rows) == 0 && rows == 2, "rows");
	quiet(true);
	ok(ref_files("wh:s.ref@2026-11-21", count_file, &n) == EXIT_NO, "a day never committed");
	ok(ref_files("wh:s.ref@yesterday", count_file, &n) == EXIT_USAGE, "days that are none");
	quiet(false);
	ok(ref_heads(&heads) == 0 && strstr(buf_cstr(&heads), "s.ref 3\n") != NULL, "heads");
	buf_free(&heads);
}

static void
spots(void)
{
	char path[300], to[SPOT_BYTES];
	struct live *l = live_new();
	struct spot s, again;
	json_t *c;
	int fd;

	snprintf(path, sizeof path, "%s/a.log", top);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	ok(write(fd, "{}\n{}\n", 6) == 6 && spot_find(l, fd, path, &s) == 0 && s.offset == 0 && *s.from == '\0',
	    "a file nobody knows");
	ok(spot_to(&s, fd, path, 3, 1, to) == 0, "a position");
	c = json_pack("{s:i,s:s,s:[{s:s,s:s,s:s,s:i}]}", "n", 1, "kind", "data", "txns", "app", s.app, "from",
	    "", "to", to,
	    "epoch", 0);
	live_apply(l, c);
	json_decref(c);
	ok(spot_find(l, fd, path, &again) == 0 && again.offset == 3 && again.line == 1 && !again.done &&
	    strcmp(again.app, s.app) == 0 && strcmp(again.from, to) == 0, "a file that is known, by its inode");
	ok(pwrite(fd, "[", 1, 0) == 1 && spot_find(l, fd, path, &again) == 0 && again.offset == 0 &&
	    strcmp(again.app, s.app) != 0, "other bytes, the same inode: another source");
	close(fd);
	live_free(l);
}

/* A keyed row of two files, a tombstone: what readers count, and what a fold leaves of it. */
static void
keyed(void)
{
	static const char *const file[][2] = { { "{\"k\":1,\"o\":1}", "{\"k\":2,\"o\":1}" },
		{ "{\"k\":1,\"o\":2,\"x\":true}", "{\"k\":2,\"o\":0,\"x\":true}" } };
	struct compact_conf conf = { .target = 1 << 20 };
	char before[CHAIN_BYTES], after[CHAIN_BYTES];
	struct compact_did did;
	struct table *t = open_table("s.keyed");
	uint64_t rows;

	ok(table_set(t, span_str("kind upsert\nkey k\norder o\ndeleted x\n"), "spec") == 0, "a keyed table");
	for (size_t i = 0; i < 2; i++) {
		struct change *c;
		struct part *p;

		okf(change_begin(t, "test", NULL, &c) == 0 && change_part(c, DAY, NULL, true, &p) == 0 &&
		    part_line(p, span_str(file[i][0])) == 0 && part_line(p, span_str(file[i][1])) == 0 &&
		    change_end(c, NULL) == 0, "delta %zu", i);
	}
	ok_all("two deltas");
	ok(ref_rows("wh:s.keyed", &rows) == 0 && rows == 1, "rows are those that are left");
	table_follow(t);
	live_sum(t->live, DAY, DAY, before);
	ok(compact_day(t, DAY, NULL, &conf, &did) == 0 && did.files == 2 && did.made == 2 && did.rows == 2,
	    "a fold: a base and the tombstones");
	table_follow(t);
	live_sum(t->live, DAY, DAY, after);
	ok(strcmp(before, after) == 0, "to readers the day is the same");
	ok(live_day(t->live, DAY)->changed < live_day(t->live, DAY)->touched, "it was not changed");
	ok(ref_rows("wh:s.keyed", &rows) == 0 && rows == 1, "rows as before");
	ok(compact_day(t, DAY, NULL, &conf, &did) == 0 && did.files == 0, "nothing more to fold");
	table_close(t);
}

/* A day that is dropped is there no more, but not forgotten; also through a checkpoint. */
static void
dropped(void)
{
	struct table *t;
	struct change *c = NULL;
	struct live *s = NULL;
	uint64_t n;

	put("s.drop", "{}", false);
	t = open_table("s.drop");
	ok(change_begin(t, "test", NULL, &c) == 0 && (change_drop(c, DAY), change_end(c, &n)) == 0 && n == 3, "a drop");
	ok(live_day(t->live, DAY) == NULL && live_last_day(t->live, NULL) == NULL, "the day is not there");
	ok(live_any_day(t->live, DAY)->touched == 3, "and not forgotten");
	ok(log_checkpoint(&t->log, t->live) == 0 && log_checkpoint_read(&t->log, 3, &s) == 0 &&
	    live_day(s, DAY) == NULL && live_any_day(s, DAY)->gone && live_any_day(s, DAY)->changed == 3,
	    "the same from a checkpoint");
	live_free(s);
	ok(change_begin(t, "test", NULL, &c) == 0 && (change_drop(c, DAY), change_end(c, &n)) == 0 && n == 0,
	    "dropped again: no commit");
	table_close(t);
	ok(put("s.drop", "{}", false) == 4, "written anew");
	t = open_table("s.drop");
	ok(live_day(t->live, DAY) != NULL && live_day(t->live, DAY)->n == 1, "it is there");
	table_close(t);
}

/* What a lost race leaves of a day brought back: its old files, which are not the writer's to remove. */
static void
restored(void)
{
	struct live *was = NULL;
	struct table *t;
	struct change *c = NULL;
	uint64_t n;

	put("s.back", "{\"v\":1}", true);
	put("s.back", "{\"v\":2}", true);
	t = open_table("s.back");
	ok(log_read(&t->log, 2, &was) == 0 && change_begin(t, "test", NULL, &c) == 0, "as it was");
	change_restore(c, live_day(was, DAY), DAY, 2);
	put("s.back", "{\"v\":3}", true);
	quiet(true);
	ok(change_end(c, &n) == EXIT_TEMP && n == 0, "another was faster");
	quiet(false);
	ok(put("s.back", "{\"v\":3}", true) == 0, "his rows stand");
	table_follow(t);
	ok(change_begin(t, "test", NULL, &c) == 0, "once more");
	change_restore(c, live_day(was, DAY), DAY, 2);
	ok(change_end(c, &n) == 0 && n == 5, "the old file is still there and is the day again");
	live_free(was);
	table_close(t);
}

/* A row to a change of a sink; the path of its file. */
static char *
sink_row(struct epochs *e, struct change **c)
{
	struct part *p;

	if (epochs_change(e, "test", c) != 0 || change_part(*c, DAY, e->app, false, &p) != 0)
		exit(1);
	part_line(p, span_str("{\"v\":1}"));
	return mem_str(p->path);
}

static void
sinks(void)
{
	struct epochs a, b;
	struct change *c;
	uint64_t n;
	char *file;

	ok(epochs_open("s.sink", "j", &a) == 0 && a.table->live->head == 0, "a sink of a table that is not there");
	ok(epochs_begin(&a) == 0 && a.done == 0 && a.table->live->head == 2, "it is made, and a fence is in it");
	free(sink_row(&a, &c));
	ok(epochs_commit(&a, c, 1, 0, &n) == 0 && n == 3 && a.done == 1, "its first epoch");
	ok(epochs_change(&a, "test", &c) == 0 && epochs_commit(&a, c, 2, 77, &n) == 0 && n == 4, "one without rows");
	quiet(true);
	ok(epochs_change(&a, "test", &c) == 0 && epochs_commit(&a, c, 4, 77, &n) == EXIT_INPUT, "none is left out");
	quiet(false);
	file = sink_row(&a, &c);
	ok(epochs_open("s.sink", "j", &b) == 0 && epochs_begin(&b) == 0 && b.done == 2 && b.side == 77,
	    "another run knows where it stands");
	ok(access(file, F_OK) == -1, "and removes what is in no record");
	quiet(true);
	ok(epochs_commit(&a, c, 3, 0, &n) == EXIT_TEMP && n == 0, "the one before gets nothing in any more");
	ok(epochs_change(&a, "test", &c) == EXIT_TEMP && c == NULL, "and begins nothing");
	epochs_close(&a);
	ok(epochs_open("s.sink", "No", &a) == EXIT_USAGE && a.table == NULL, "a name that is none");
	quiet(false);
	free(sink_row(&b, &c));
	ok(epochs_commit(&b, c, 3, 80, &n) == 0 && live_day(b.table->live, DAY)->n == 2, "the newer one does");
	free(file);
	epochs_close(&b);
}

static void
followed(void)
{
	struct follow_commit c;
	struct table *t;

	is_int(put("s.follow", "{\"v\":1}", true), 2, "a day, first put");
	is_int(put("s.follow", "{\"v\":2}", false), 3, "a row more");
	is_int(put("s.follow", "{\"v\":3}", true), 4, "the day again");
	ok(follow_open(span_str("s.follow"), &t) == 0 && t->live->head == 4, "a table to follow");
	ok(follow_read(t, 1, FOLLOW_FAIL, &c) == 0 && c.n == 1 && c.n_files == 0, "what it is brings no row");
	follow_free(&c);
	ok(follow_read(t, 2, FOLLOW_FAIL, &c) == 0 && c.n_files == 1 && c.rows == 1, "dt= of a day without rows does");
	ok(access(c.file[0].path, F_OK) == 0 && strcmp(c.file[0].day, DAY) == 0, "its file");
	follow_free(&c);
	quiet(true);
	ok(follow_read(t, 4, FOLLOW_FAIL, &c) == EXIT_INPUT && c.n == 0, "one that takes rows away is no news");
	ok(follow_read(t, 4, FOLLOW_SKIP, &c) == 0 && c.n == 4 && c.n_files == 0, "it is passed over");
	follow_free(&c);
	ok(follow_read(t, 4, FOLLOW_ROWS, &c) == 0 && c.n_files == 1, "or given whole");
	follow_free(&c);
	ok(follow_whole(t, 3, &c) == EXIT_INPUT, "what it held at a number that is not its floor");
	quiet(false);
	ok(follow_read(t, 5, FOLLOW_FAIL, &c) == 0 && c.n == 0, "a commit that is not there yet");
	table_close(t);
}

static int
turn_and_put(struct rows *r, int source)
{
	char app[16];

	snprintf(app, sizeof app, "s%d", source);
	rows_turn(r, app);
	return rows_put(r, DAY, span_str("{\"v\":1}"), &(struct row){ 0 });
}

/* Rows of several sources by turns: a file for each, as long as they can be open. */
static void
turns(void)
{
	struct table *t = open_table("s.turns");
	struct change *c;
	struct rows *r;
	const struct day *d;
	uint64_t n;
	int rc = 0;

	ok(change_begin(t, "test", NULL, &c) == 0, "a change");
	r = rows_new(&(struct rows_conf){ .t = t, .c = c });
	for (int i = 0; rc == 0 && i < 5; i++)
		rc = turn_and_put(r, i % 2);
	ok(rc == 0 && !rows_crowded(r) && rows_end(r) == 0 && change_end(c, &n) == 0, "two sources by turns");
	d = live_day(t->live, DAY);
	ok(d != NULL && d->n == 2 && strcmp(d->file[0].app, "s0") == 0 && d->file[0].rows == 3 &&
	    strcmp(d->file[1].app, "s1") == 0 && d->file[1].rows == 2, "a file for each");
	ok(change_begin(t, "test", NULL, &c) == 0, "a change");
	r = rows_new(&(struct rows_conf){ .t = t, .c = c });
	for (int i = 0; rc == 0 && i < ROWS_FILES_MAX + 6; i++)
		rc = turn_and_put(r, i);
	ok(rc == 0 && !rows_crowded(r), "one after the other they may be more than can be open");
	ok(turn_and_put(r, ROWS_FILES_MAX) == 0 && !rows_crowded(r), "one that is open still");
	ok(turn_and_put(r, 0) == 0 && rows_crowded(r), "one that had to be closed gets a second file");
	ok(rows_end(r) == 0 && change_end(c, &n) == 0, "committed");
	d = live_day(t->live, DAY);
	is_int(d == NULL ? 0 : (int64_t)d->n, 2 + ROWS_FILES_MAX + 6 + 1, "files");
	table_close(t);
}

int
main(void)
{
	char dir[] = "/tmp/store_test.XXXXXX";

	err_name("store_test");
	top = mkdtemp(dir);
	if (top == NULL)
		return 1;
	setenv("PIPEHOUSE_ROOT", top, 1);
	unsetenv("PIPEHOUSE_TENANT");
	unsetenv("PIPEHOUSE_OVERLAY");
	unsetenv("PIPEHOUSE_RUN");
	names();
	records();
	sources();
	conflicts();
	redo();
	checkpoints();
	rewrites();
	orders();
	views();
	refs();
	spots();
	keyed();
	dropped();
	restored();
	sinks();
	turns();
	followed();
	fs_remove_tree(top);
	return done();
}
