/* SPDX-License-Identifier: BSD-2-Clause */
/* meta - see meta.h */
#include "base/err.h"
#include "base/limits.h"
#include "base/when.h"
#include "in/path.h"
#include "store/meta.h"

static const char *const kinds[] = { "append", "snapshot", "upsert", "scd2" };

const char *
kind_name(enum kind k)
{
	return kinds[k];
}

static const char *
one_word(const struct spec_line *l, const char **to)
{
	if (l->n != 2 || l->word[1].n == 0)
		return "one value is needed";
	*to = l->word[1].p;
	return NULL;
}

/* The words of a line, paths each, joined by ','. */
static void
join(const struct spec_line *l, struct buf *to)
{
	for (size_t i = 1; i < l->n; i++) {
		if (i > 1)
			buf_byte(to, ',');
		buf_span_add(to, l->word[i]);
	}
}

static int
try_path(void *arg, struct span name, struct span path)
{
	char err[MESSAGE_BYTES_MAX];

	(void)name;
	return pathset_add(arg, path, err, sizeof err) == -1 ? 1 : 0;
}

static const char *
take_trace(struct meta *m, const struct spec_line *l)
{
	struct pathset *ps;
	bool bad;

	if (l->n < 2)
		return "trace needs a path, or none";
	m->traced = true;
	m->trace = NULL;
	if (l->n == 2 && span_is(l->word[1], "none"))
		return NULL;
	join(l, &m->traces);
	m->trace = buf_cstr(&m->traces);
	ps = pathset_new();
	bad = pathlist_each(span_str(m->trace), try_path, ps) != 0;
	pathset_free(ps);
	return bad ? "not a path" : NULL;
}

static const char *
take_line(struct meta *m, const struct spec_line *l)
{
	const char *why, *v;
	struct dur d;

	if (span_is(l->word[0], "kind")) {
		if ((why = one_word(l, &v)) != NULL)
			return why;
		for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
			if (strcmp(v, kinds[i]) == 0) {
				m->kind = (enum kind)i;
				return NULL;
			}
		}
		return "kind is append, snapshot, upsert or scd2";
	}
	if (span_is(l->word[0], "key")) {
		if (l->n < 2)
			return "key needs a path";
		join(l, &m->keys);
		m->key = buf_cstr(&m->keys);
		return NULL;
	}
	if (span_is(l->word[0], "order"))
		return one_word(l, &m->order);
	if (span_is(l->word[0], "deleted"))
		return one_word(l, &m->deleted);
	if (span_is(l->word[0], "day"))
		return one_word(l, &m->day);
	if (span_is(l->word[0], "tz")) {
		why = one_word(l, &m->tz);
		return why != NULL ? why : zone_open(m->tz) == NULL ? "unknown time zone" : NULL;
	}
	if (span_is(l->word[0], "keep"))
		return (why = one_word(l, &m->keep)) != NULL ? why : dur_parse(m->keep, &d);
	if (span_is(l->word[0], "codec")) {
		if ((why = one_word(l, &v)) != NULL)
			return why;
		if (strcmp(v, "zst") != 0 && strcmp(v, "gz") != 0)
			return "codec is zst or gz";
		m->codec = strcmp(v, "gz") == 0 ? CODEC_GZIP : CODEC_ZSTD;
		return NULL;
	}
	if (span_is(l->word[0], "trace"))
		return take_trace(m, l);
	if (span_is(l->word[0], "owner") || span_is(l->word[0], "comment"))
		return l->n < 2 ? "a text is needed" : NULL;
	if (span_is(l->word[0], "column"))
		return l->n < 3 ? "column NAME TYPE [pii] TEXT" : NULL;
	return "unknown word (kind, key, order, deleted, day, tz, keep, codec, trace, owner, comment or column)";
}

static int
take_all(struct meta *m, const char *name)
{
	const struct spec *s = m->spec;
	const char *why;

	for (size_t i = 0; i < s->n; i++) {
		const struct spec_line *l = &s->line[i];

		if ((why = take_line(m, l)) != NULL)
			return err_usage("%s:%zu: %.*s: %s", name, l->number, (int)l->word[0].n, l->word[0].p, why);
		for (size_t k = 0; k < i; k++)
			if (span_eq(s->line[k].word[0], l->word[0]) && !span_is(l->word[0], "column"))
				return err_usage("%s:%zu: '%.*s' stands twice", name, l->number,
				    (int)l->word[0].n, l->word[0].p);
	}
	if (m->kind == KIND_UPSERT && (m->key == NULL || m->order == NULL))
		return err_usage("%s: kind upsert needs key and order", name);
	if (m->kind != KIND_UPSERT && m->deleted != NULL)
		return err_usage("%s: deleted is for kind upsert", name);
	if (m->kind == KIND_SCD2 && m->key == NULL)
		return err_usage("%s: kind scd2 needs a key", name);
	return 0;
}

int
meta_parse(struct span text, const char *name, struct meta *m)
{
	int rc;

	*m = (struct meta){ .codec = CODEC_ZSTD, .trace = META_TRACE };
	if ((rc = spec_parse(text, name, SPEC_WORDS, &m->spec)) != 0)
		return rc;
	if ((rc = take_all(m, name)) != 0)
		meta_free(m);
	return rc;
}

void
meta_free(struct meta *m)
{
	if (m->spec != NULL)
		spec_free(m->spec);
	buf_free(&m->keys);
	buf_free(&m->traces);
	*m = (struct meta){ 0 };
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

const char *
meta_change_bad(const struct meta *from, const struct meta *to)
{
	if ((from->kind == KIND_UPSERT) != (to->kind == KIND_UPSERT))
		return "a table with data does not become a keyed one, or cease to be one";
	if (from->kind == KIND_UPSERT && (!same(from->key, to->key) || !same(from->order, to->order) ||
	    !same(from->deleted, to->deleted)))
		return "key, order and deleted of a keyed table with data stay";
	if (from->day != NULL && !same(from->day, to->day))
		return "the day of a table with data stays";
	if (from->tz != NULL && !same(from->tz, to->tz))
		return "the zone of a table with data stays";
	return NULL;
}
