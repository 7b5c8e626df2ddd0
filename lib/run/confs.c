/* SPDX-License-Identifier: BSD-2-Clause */
/* confs - see confs.h */
#include "run/confs.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/spec.h"
#include "edge/keyring.h"
#include "in/rec.h"
#include "in/scan.h"
#include "run/conf.h"
#include "run/job_dir.h"
#include "run/opt.h"
#include "run/plan.h"
#include "store/fs.h"

/* ---- which files ---- */

static bool
begins(struct span word, const char *with)
{
	size_t n = strlen(with);

	return word.n > n && memcmp(word.p, with, n) == 0;
}

bool
confs_is(struct span word)
{
	return begins(word, CONF_FILE) || begins(word, CONF_SPEC) || begins(word, CONF_KEYS);
}

int
confs_add(struct confs *s, struct span word)
{
	struct conf c = { .follows = begins(word, CONF_FILE), .keys = begins(word, CONF_KEYS) };

	for (size_t i = 0; i < s->n; i++)
		if (span_is(word, s->v[i].word))
			return 0;
	if (memchr(word.p, '\0', word.n) != NULL)
		return err_usage("a file to pin: a name has no NUL");
	c.word = mem_dup(word);
	c.file = c.word + strlen(c.follows ? CONF_FILE : c.keys ? CONF_KEYS : CONF_SPEC);
	c.name = c.keys ? c.word : c.file;
	s->v = mem_array(s->v, s->n + 1, sizeof *s->v);
	s->v[s->n++] = c;
	return 0;
}

void
confs_free(struct confs *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].word);
		buf_free(&s->v[i].said);
	}
	free(s->v);
	*s = (struct confs){ 0 };
}

/* ---- as they are now ---- */

/*
 * Keep what the file is now, as `now`; "" where it cannot be read, and there is another version to go by: that is said
 * once.
 */
static int
look_at(struct confs *s, struct conf *c, const char *job, char now[SHA256_HEX + 1])
{
	struct buf bytes = { 0 }, said = { 0 }, *held = err_hold(&said);
	int rc = c->keys ? conf_keys_now(c->file, now) : conf_now(c->file, &bytes);

	err_hold(held);
	if (rc == 0) {
		buf_clear(&c->said);
		if (!c->keys)
			rc = conf_put(job, buf_span(&bytes), now);
		s->fresh = s->fresh || strcmp(now, c->hash) != 0;
	} else if (c->hash[0] == '\0') {
		err_release(&said);
	} else {
		if (!span_eq(buf_span(&said), buf_span(&c->said))) {
			buf_clear(&c->said);
			buf_span_add(&c->said, buf_span(&said));
			err_release(&said);
			err_warn("%s: it stays as it was", c->name);
		}
		rc = 0;
		now[0] = '\0';
	}
	buf_free(&bytes);
	buf_free(&said);
	return rc;
}

int
confs_look(struct confs *s, const char *job)
{
	char now[SHA256_HEX + 1];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		struct conf *c = &s->v[i];

		if (c->follows && (rc = look_at(s, c, job, now)) == 0 && now[0] != '\0')
			memcpy(c->hash, now, sizeof now);
	}
	return rc;
}

void
confs_take(struct confs *s, struct span pins)
{
	char hash[SHA256_HEX + 1];

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].follows && conf_pinned(pins, "", s->v[i].word, hash))
			memcpy(s->v[i].hash, hash, sizeof hash);
}

void
confs_print(const struct confs *s, bool all, struct buf *b)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct conf *c = &s->v[i];

		if (!c->follows && !all)
			continue;
		if (b->n > 0 && b->p[b->n - 1] != '{')
			buf_byte(b, ',');
		buf_json(b, span_str(c->word));
		buf_fmt(b, ":\"%s\"", c->hash);
	}
}

/* ---- where the source goes on ---- */

/* conf/pins: *at the epoch that it is of; UINT64_MAX: there is none. */
static int
read_pins(const char *job, struct buf *out, uint64_t *at)
{
	struct buf path = { 0 }, digits = { 0 };
	bool found = false, good;
	struct rec r;
	struct span key;
	struct val v;
	size_t where;
	int rc = fs_read(conf_at(job, "pins", &path), CONF_BYTES_MAX, out, &found);

	*at = UINT64_MAX;
	if (rc == 0 && found) {
		while (out->n > 0 && out->p[out->n - 1] == '\n')
			out->n--;
		good = out->n > 0 && out->p[0] == '{' && scan_value(buf_span(out), NULL, &where) == NULL;
		if (good) {
			rec_begin(&r, buf_span(out));
			good = rec_next(&r, &key, &v) && span_is(key, "at") && v.raw.n < 21;
		}
		if (good) {
			buf_span_add(&digits, v.raw);
			good = opt_count(buf_cstr(&digits), at);
		}
		if (!good)
			rc = err_input("%s: not what the source of a job writes there", path.p);
	}
	buf_free(&path);
	buf_free(&digits);
	return rc;
}

static int
write_pins(const struct confs *s, const char *job, uint64_t at, struct span was)
{
	struct buf b = { 0 }, path = { 0 };
	int rc = 0;

	buf_fmt(&b, "{\"at\":%" PRIu64, at);
	confs_print(s, true, &b);
	buf_byte(&b, '}');
	if (!span_eq(buf_span(&b), was)) {
		buf_byte(&b, '\n');
		rc = fs_put(conf_at(job, "pins", &path), buf_span(&b), !job_dir_lax());
	}
	buf_free(&b);
	buf_free(&path);
	return rc;
}

/* The version that held, as far as anything says. */
static void
as_it_was(struct conf *c, const struct confs_at *at, struct span kept, bool of_here)
{
	if (c->follows && !of_here && conf_pinned(at->pins, "", c->word, c->hash))
		return;
	if (!conf_pinned(kept, "", c->word, c->hash) && !conf_pinned(at->pins, "", c->word, c->hash))
		c->hash[0] = '\0';
}

/* May the version of now be taken in place of the one that held? */
static bool
may_change(const struct conf *c, const struct confs_at *at)
{
	if (at->planned <= at->from)
		return true;
	if (c->follows)
		return false;		/* the plans say from where on */
	if (at->sure && !at->again) {
		err_warn("%s: it has changed: epochs %" PRIu64 " to %" PRIu64 ", which no sink has, are sent again by "
		    "what it says now", c->name, at->from + 1, at->planned);
		return true;
	}
	if (c->keys) {
		err_warn("%s: it has changed, and the keys of before are gone by until epoch %" PRIu64 " is committed: "
		    "they must still be in it; stop the job and start it then", c->name, at->planned);
		return false;
	}
	err_warn("%s: it has changed, and stays as it was, conf/%s, until epoch %" PRIu64 " is committed: stop the job "
	    "and start it then", c->file, c->hash, at->planned);
	return false;
}

static int
settle_one(struct confs *s, struct conf *c, const char *job, const struct confs_at *at)
{
	char now[SHA256_HEX + 1];
	int rc = look_at(s, c, job, now);

	if (rc == 0 && now[0] != '\0' && strcmp(now, c->hash) != 0 && (c->hash[0] == '\0' || may_change(c, at)))
		memcpy(c->hash, now, sizeof now);
	return rc;
}

/*
 * The files of keys that a version names, where it is one of cleaning rules; other files have no such words, and one
 * that had would pin more than is needed.
 */
static int
add_keys(struct confs *s, const struct conf *c, const char *job)
{
	struct buf bytes = { 0 }, word = { 0 }, said = { 0 }, *held;
	struct spec *rules = NULL;
	int rc = conf_get(job, c->hash, c->file, &bytes);

	if (rc == 0 && memmem(bytes.p, bytes.n, "key=", 4) != NULL) {
		held = err_hold(&said);		/* if it is none of ours, that is for the stage to say */
		if (spec_parse(buf_span(&bytes), c->file, SPEC_WORDS, &rules) != 0)
			rules = NULL;
		err_hold(held);
	}
	for (size_t i = 0; rules != NULL && i < rules->n; i++) {
		const struct spec_line *l = &rules->line[i];

		for (size_t k = 1; rc == 0 && k < l->n; k++) {
			if (!(span_is(l->word[k - 1], "encrypt") || span_is(l->word[k - 1], "decrypt")) ||
			    !begins(l->word[k], "key=") || !keyring_name_good(span_from(l->word[k], 4)))
				continue;
			buf_clear(&word);
			buf_str(&word, CONF_KEYS);
			buf_span_add(&word, span_from(l->word[k], 4));
			rc = confs_add(s, buf_span(&word));
		}
	}
	spec_free(rules);
	buf_free(&bytes);
	buf_free(&word);
	buf_free(&said);
	return rc;
}

int
confs_settle(struct confs *s, const char *job, const struct confs_at *at)
{
	struct buf kept = { 0 };
	uint64_t of;
	int rc = 0;

	if (s->n == 0)
		return 0;
	rc = read_pins(job, &kept, &of);
	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		as_it_was(&s->v[i], at, buf_span(&kept), of == at->from);
		rc = settle_one(s, &s->v[i], job, at);
		if (rc == 0 && !s->v[i].follows && !s->v[i].keys)
			rc = add_keys(s, &s->v[i], job);	/* behind it, so they are settled too */
	}
	if (rc == 0)
		rc = write_pins(s, job, at->from, buf_span(&kept));
	buf_free(&kept);
	return rc;
}

/* ---- what nothing names any more ---- */

/* All that the plans pin. */
static int
add_plans(const char *plans, struct buf *named)
{
	struct plan p = { 0 };
	uint64_t least, most;
	bool found;
	size_t n;
	int rc = plan_range(plans, &least, &most, &n);

	for (uint64_t id = least; rc == 0 && n > 0 && id <= most; id++)
		if ((rc = plan_read(plans, id, &p, &found)) == 0 && found)
			buf_span_add(named, p.pins);
	plan_clear(&p);
	return rc;
}

int
confs_sweep(const char *job, const char *plans)
{
	struct buf named = { 0 }, path = { 0 }, text = { 0 };
	struct fs_names names;
	bool found;
	int rc = fs_list(conf_at(job, "", &path), &names);

	if (rc != 0)
		return rc;
	if (names.n > 0)
		rc = add_plans(plans, &named);
	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		buf_clear(&path);
		if (names.v[i][0] != '.' && !conf_is_hash(span_str(names.v[i])) &&
		    (rc = fs_read(conf_at(job, names.v[i], &path), CONF_BYTES_MAX, &text, &found)) == 0)
			buf_span_add(&named, buf_span(&text));
	}
	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		buf_clear(&path);
		if (conf_is_hash(span_str(names.v[i])) && memmem(named.p, named.n, names.v[i], SHA256_HEX) == NULL)
			rc = fs_remove(conf_at(job, names.v[i], &path));
	}
	fs_names_free(&names);
	buf_free(&named);
	buf_free(&path);
	buf_free(&text);
	return rc;
}
