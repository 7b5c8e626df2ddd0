/* SPDX-License-Identifier: BSD-2-Clause */
/* confs_test - versions of files: which one holds where a source goes on, and which are removed */
#include <sys/stat.h>

#include "base/err.h"
#include "run/conf.h"
#include "run/confs.h"
#include "run/plan.h"
#include "store/fs.h"
#include "t.h"

static char job[] = "/tmp/confs_test.XXXXXX";
static struct buf file, spec, plans;

static void
put(const struct buf *name, const char *text)
{
	ok(fs_put(name->p, span_str(text), false) == 0, "a file");
}

/* What a source that goes on there says of the two; the bytes they are of. */
static void
goes_on(const struct confs_at *at, const char *file_is, const char *spec_is, const char *what)
{
	struct buf word = { 0 }, pins = { 0 }, is = { 0 };
	char hash[SHA256_HEX + 1];
	struct confs s = { 0 };

	buf_fmt(&word, "file:%s", file.p);
	ok(confs_is(buf_span(&word)) && confs_add(&s, buf_span(&word)) == 0 && confs_add(&s, buf_span(&word)) == 0, what);
	buf_clear(&word);
	buf_fmt(&word, "spec:%s", spec.p);
	ok(confs_add(&s, buf_span(&word)) == 0 && s.n == 2, what);
	ok(confs_settle(&s, job, at) == 0, what);
	buf_byte(&pins, '{');
	confs_print(&s, true, &pins);
	buf_byte(&pins, '}');
	ok(conf_pinned(buf_span(&pins), CONF_FILE, file.p, hash) && conf_get(job, hash, file.p, &is) == 0 &&
	    span_is(buf_span(&is), file_is), what);
	ok(conf_pinned(buf_span(&pins), CONF_SPEC, spec.p, hash) && conf_get(job, hash, spec.p, &is) == 0 &&
	    span_is(buf_span(&is), spec_is), what);
	confs_free(&s);
	buf_free(&word);
	buf_free(&pins);
	buf_free(&is);
}

/* As a plan has it. */
static void
pin(struct buf *pins, const char *text)
{
	char hash[SHA256_HEX + 1];
	struct buf word = { 0 };

	ok(conf_put(job, span_str(text), hash) == 0, "kept");
	buf_fmt(&word, "file:%s", file.p);
	buf_clear(pins);
	buf_str(pins, "{\"dim.x\":7,");
	buf_json(pins, buf_span(&word));
	buf_fmt(pins, ":\"%s\"}", hash);
	buf_free(&word);
}

static void
going_on(void)
{
	struct buf pins = { 0 };
	struct confs_at at = { .pins = { "{}", 2 }, .sure = true };

	put(&file, "f1");
	put(&spec, "s1");
	goes_on(&at, "f1", "s1", "the first start");
	put(&file, "f2");
	put(&spec, "s2");
	goes_on(&at, "f2", "s2", "nothing is planned behind it");
	/* epoch 0 says what holds for epoch 1; the start said more */
	pin(&pins, "f1");
	at.pins = buf_span(&pins);
	at.planned = 3;
	at.again = true;
	put(&file, "f3");
	put(&spec, "s3");
	goes_on(&at, "f2", "s2", "there again, behind epochs that are planned: as it went on there");
	at.from = 2;
	goes_on(&at, "f1", "s2", "further on a plan says what is followed");
	at.again = false;
	at.sure = false;
	goes_on(&at, "f1", "s2", "a sink has epochs that come again: rules stay");
	at.sure = true;
	goes_on(&at, "f1", "s3", "none has, and a person starts it");
	at.again = true;
	at.from = at.planned = 9;
	put(&spec, "s4");
	goes_on(&at, "f3", "s4", "all is committed");
	ok(fs_remove(spec.p) == 0, "gone");
	goes_on(&at, "f3", "s4", "a file that is gone stays as it was");
	buf_free(&pins);
}

static void
sweeping(void)
{
	struct plan p = { .id = 9, .wm_ms = INT64_MIN };
	struct buf pins = { 0 }, other = { 0 };
	char hash[SHA256_HEX + 1];
	struct fs_names names;
	size_t n = 0;

	pin(&pins, "f1");
	p.pins = buf_span(&pins);
	ok(fs_dirs(plans.p) == 0 && plan_write(plans.p, &p) == 0, "a plan");
	ok(conf_put(job, span_str("f2"), hash) == 0, "kept");
	buf_fmt(&other, "%s/conf/2-emit", job);
	buf_fmt(&pins, "3 %s %s\n", hash, hash);
	ok(fs_put(buf_cstr(&other), buf_span(&pins), false) == 0, "what a stage remembers");
	ok(confs_sweep(job, plans.p) == 0, "swept");
	buf_clear(&other);
	ok(fs_list(conf_at(job, "", &other), &names) == 0, "listed");
	for (size_t i = 0; i < names.n; i++)
		n += conf_is_hash(span_str(names.v[i]));
	ok(n == 4, "there are the versions of a plan, of a stage and of the two files");
	ok(conf_get(job, hash, "f", &other) == 0 && span_is(buf_span(&other), "f2"), "that of the stage among them");
	hash_sha256(span_str("s1"), hash);
	ok(conf_get(job, hash, "s", &other) == EXIT_INPUT, "no other one");
	fs_names_free(&names);
	buf_free(&pins);
	buf_free(&other);
}

static void
bad(void)
{
	char hash[SHA256_HEX + 1];
	struct buf path = { 0 }, b = { 0 };
	struct confs s = { 0 };

	ok(!confs_is(span_str("file:")) && !confs_is(span_str("dim.x")) && !confs_is(span_str("files:x")),
	    "no words of files");
	ok(confs_add(&s, span_str("file:/nowhere/at/all")) == 0 && confs_look(&s, job) == EXIT_IO, "one that never was");
	ok(conf_put(job, span_str("whole"), hash) == 0, "kept");
	ok(fs_put(conf_at(job, hash, &path), span_str("torn"), false) == 0, "torn");
	ok(conf_get(job, hash, "f", &b) == EXIT_INPUT, "what is not what its name says is refused");
	ok(conf_put(job, span_str("whole"), hash) == 0 && conf_get(job, hash, "f", &b) == 0, "and put right where it is known");
	ok(!conf_pinned(span_str("{}"), CONF_FILE, "x", hash) && !conf_pinned(span_str(""), CONF_FILE, "x", hash) &&
	    !conf_pinned(span_str("{\"file:x\":317}"), CONF_FILE, "x", hash) &&
	    !conf_pinned(span_str("{\"file:x\":\"abc\"}"), CONF_FILE, "x", hash), "no version");
	confs_free(&s);
	buf_free(&path);
	buf_free(&b);
}

/* Which keys a source that goes on there pins; "" none. */
static const char *
keys_of(const struct confs_at *at)
{
	static char sum[SHA256_HEX + 1];
	struct buf word = { 0 }, pins = { 0 };
	struct confs s = { 0 };

	buf_fmt(&word, "spec:%s", spec.p);
	ok(confs_add(&s, buf_span(&word)) == 0 && confs_settle(&s, job, at) == 0, "the rules are settled");
	buf_byte(&pins, '{');
	confs_print(&s, true, &pins);
	buf_byte(&pins, '}');
	if (!conf_pinned(buf_span(&pins), CONF_KEYS, "k1", sum))
		sum[0] = '\0';
	confs_free(&s);
	buf_free(&word);
	buf_free(&pins);
	return sum;
}

/* The files of keys that rules name are settled with them. */
static void
keys(void)
{
	static const char one[] = "a 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n";
	static const char two[] = "b 0023456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n";
	struct confs_at at = { .from = 10, .planned = 10, .pins = { "{}", 2 } };
	struct buf path = { 0 };
	char was[SHA256_HEX + 1], now[SHA256_HEX + 1];

	setenv("PIPEHOUSE_ROOT", job, 1);
	buf_fmt(&path, "%s/main/keys", job);
	ok(fs_dirs(buf_cstr(&path)) == 0, "a place for keys");
	buf_str(&path, "/k1");
	(void)buf_cstr(&path);
	put(&path, one);
	ok(chmod(path.p, 0600) == 0 && conf_keys_now("k1", was) == 0, "a file of keys");
	put(&spec, "tel mask phone key=k2\nadr trim encrypt \"key=k1\"\n");
	ok(strcmp(keys_of(&at), was) == 0, "the keys that rules encrypt by are pinned");
	put(&path, two);
	ok(chmod(path.p, 0600) == 0 && conf_keys_now("k1", now) == 0 && strcmp(was, now) != 0, "others");
	at.planned = 12;
	ok(strcmp(keys_of(&at), was) == 0, "epochs come again that a sink has: by those of before");
	at.sure = at.again = true;
	ok(strcmp(keys_of(&at), was) == 0, "and where it starts by itself");
	ok(chmod(path.p, 0644) == 0 && strcmp(keys_of(&at), was) == 0, "and where the file is not one to be read");
	ok(chmod(path.p, 0600) == 0, "it is again");
	at.again = false;
	ok(strcmp(keys_of(&at), now) == 0, "a person who starts it has the new ones");
	at.from = at.planned = 20;
	put(&spec, "tel mask phone\n");
	ok(*keys_of(&at) == '\0', "rules without keys pin none");
	ok(confs_is(span_str("keys:k1")) && conf_keys_now("../k1", now) == EXIT_USAGE, "a name of keys is no path");
	buf_free(&path);
}

int
main(void)
{
	if (mkdtemp(job) == NULL)
		return 1;
	buf_fmt(&file, "%s/routes \"x\"", job);
	buf_fmt(&spec, "%s/rules", job);
	buf_fmt(&plans, "%s/plan", job);
	(void)buf_cstr(&file);
	(void)buf_cstr(&spec);
	(void)buf_cstr(&plans);
	going_on();
	sweeping();
	bad();
	keys();
	fs_remove_tree(job);
	return done();
}
