/* SPDX-License-Identifier: BSD-2-Clause */
/* path - one parser: what it takes, what it refuses and where, lists of paths. */
#include "t.h"

#include "base/buf.h"
#include "in/path.h"

/* The segments as text: names in <>, indexes in [], both in {}. */
static void
takes(const char *text, const char *want)
{
	struct pathset *ps = pathset_new();
	struct buf b = { 0 };
	char err[400] = "";
	int c = pathset_add(ps, span_str(text), err, sizeof err);

	if (c == -1)
		buf_str(&b, err);
	for (size_t i = 0; c == 0 && i < ps->path[0].n; i++) {
		struct seg g = ps->path[0].seg[i];

		if (g.name.p == NULL)
			buf_fmt(&b, "[%u]", g.index);
		else {
			buf_str(&b, g.either ? "{" : "<");
			buf_span_add(&b, g.name);
			buf_str(&b, g.either ? "}" : ">");
		}
	}
	okf(span_is(buf_span(&b), want), "%s: got %s, want %s", text, buf_cstr(&b), want);
	buf_free(&b);
	pathset_free(ps);
}

static void
refuses(const char *text, size_t column, const char *why)
{
	struct pathset *ps = pathset_new();
	char err[400] = "", want[400];
	int c = pathset_add(ps, span_str(text), err, sizeof err);

	snprintf(want, sizeof want, "path '%s': column %zu: %s", text, column, why);
	okf(c == -1 && strcmp(err, want) == 0, "%s: got %s, want %s", text, c == -1 ? err : "no error", want);
	pathset_free(ps);
}

static struct buf got;

static int
note(void *arg, struct span name, struct span path)
{
	(void)arg;
	buf_byte(&got, '(');
	buf_span_add(&got, name);
	buf_byte(&got, '|');
	buf_span_add(&got, path);
	buf_byte(&got, ')');
	return span_is(name, "stop") ? 7 : 0;
}

static void
lists(const char *text, int rc, const char *want)
{
	buf_clear(&got);
	okf(pathlist_each(span_str(text), note, NULL) == rc, "%s: status", text);
	okf(span_is(buf_span(&got), want), "%s: got %s, want %s", text, buf_cstr(&got), want);
}

int
main(void)
{
	const char *name = "this character needs \"quotes\" around the name";
	struct pathset *ps;
	char err[400], deep[400] = "";

	takes("a", "<a>");
	takes(".a", "<a>");
	takes("$.a", "<a>");
	takes("$[\"a\"]", "<a>");
	takes("common.uid", "<common><uid>");
	takes("data[0].id", "<data>[0]<id>");
	takes("[3]", "[3]");
	takes(".[3]", "[3]");
	takes("a[0][4294967294]", "<a>[0][4294967294]");
	takes("a.\"x.y\"", "<a><x.y>");
	takes("\"a\\u00e9\\n\"", "<a\xC3\xA9\n>");
	takes("a[\"x y\"]['z.']", "<a><x y><z.>");
	takes("\"\"", "<>");
	takes("a-b_c.$oid.@t", "<a-b_c><$oid><@t>");
	takes("\xE4\xB8\xAD", "<\xE4\xB8\xAD>");
	takes("/a/b~1c/d~0e", "<a><b/c><d~e>");
	takes("/a/0/x", "<a>{0}<x>");
	takes("/a/01", "<a><01>");
	takes("/", "<>");
	takes("/a//b", "<a><><b>");
	takes("/a\"b[c=d", "<a\"b[c=d>");
	ok_all("paths that are taken");

	refuses("", 1, "a path is missing");
	refuses(".", 2, "a name is missing");
	refuses("$.", 3, "a name is missing");
	refuses("a.", 3, "a name is missing");
	refuses("a..b", 3, "a name is missing");
	refuses("a b", 2, name);
	refuses("a,b", 2, name);
	refuses("a.*", 3, name);
	refuses("a:b", 2, name);
	refuses("a/b", 2, name);
	refuses("a[1", 2, "the bracket is not closed");
	refuses("a[-1]", 3, "an index is a whole number from 0 on, a name in brackets needs quotes");
	refuses("a[01]", 3, "an index is a whole number from 0 on, a name in brackets needs quotes");
	refuses("a[x]", 3, "an index is a whole number from 0 on, a name in brackets needs quotes");
	refuses("a[]", 3, "an index is a whole number from 0 on, a name in brackets needs quotes");
	refuses("a[4294967295]", 3, "an index is a whole number from 0 on, a name in brackets needs quotes");
	refuses("a[99999999999999999999]", 3, "an index is a whole number from 0 on, a name in brackets needs quotes");
	refuses("a[\"b\"", 2, "the bracket is not closed");
	refuses("a.\"b", 3, "the quote is not closed");
	refuses("a.\"b\\", 3, "the quote is not closed");
	refuses("a.\"\\x\"", 4, "a backslash begins no escape that JSON knows");
	refuses("a.\"\\ud800\"", 4, "an unpaired \\u surrogate");
	refuses("a[0]b", 5, "expected '.' or '['");
	refuses("a\"b\"", 2, "expected '.' or '['");
	refuses("a['\\n']", 3, "a backslash needs \"double quotes\"");
	refuses("\xFF", 1, "not UTF-8");
	refuses("/a~2", 3, "in a JSON Pointer ~ is written ~0 and / is written ~1");
	refuses("/a~", 3, "in a JSON Pointer ~ is written ~0 and / is written ~1");
	refuses("/1/2/3/4/5", 10, "too many numbers in a JSON Pointer; use name[0]");
	ok_all("paths that are refused, and where");

	ps = pathset_new();
	ok(pathset_add(ps, span_str("a.b"), err, sizeof err) == 0 && pathset_add(ps, span_str("c"), err, sizeof err) == 1 &&
	    pathset_add(ps, span_str("$.a.\"b\""), err, sizeof err) == 0 &&
	    pathset_add(ps, span_str("/a/b"), err, sizeof err) == 0 && ps->n == 2, "equal paths share a column");
	ok(pathset_add(ps, span_str("a[0]"), err, sizeof err) == 2 && pathset_add(ps, span_str("/a/0"), err, sizeof err) == 3 &&
	    pathset_add(ps, span_str("a.\"0\""), err, sizeof err) == 4, "a[0], /a/0 and a.\"0\" are three");
	is_span(path_last(&ps->path[0]), "b", "the last name");
	is_span(path_last(&ps->path[2]), "a", "of an index, the name before it");
	is_span(path_last(&ps->path[3]), "0", "of a pointer's number, that");
	is_span(ps->path[0].text, "a.b", "the text as first written");
	for (int i = 0; i < 65; i++)
		strcat(deep, i == 0 ? "a" : ".a");
	ok(pathset_add(ps, span_str(deep), err, sizeof err) == -1, "65 segments are one too many");
	ok(pathset_add(ps, span_str(deep + 2), err, sizeof err) == 5, "64 are not");
	pathset_free(ps);

	lists("a", 0, "(a|a)");
	lists("uid=common.uid, page.id ,x[0]", 0, "(uid|common.uid)(id|page.id)(x|x[0])");
	lists("a.\"x,y=z\",b[\"c,d\"]", 0, "(x,y=z|a.\"x,y=z\")(c,d|b[\"c,d\"])");
	lists("\"n m\"=a", 0, "(n m|a)");
	lists("/a/b=c,/d", 0, "(b=c|/a/b=c)(d|/d)");
	lists("x=/a/b", 0, "(x|/a/b)");
	lists("a,,b", 0, "(a|a)(|)(b|b)");
	lists("", 0, "(|)");
	lists("a,stop=b,c", 7, "(a|a)(stop|b)");
	lists("a.\"b", 0, "(a.\"b|a.\"b)");
	ok_all("lists of paths");

	ok(path_end(span_str("a.b,c")) == 3 && path_end(span_str("a=b")) == 1 && path_end(span_str("\"a,b\".c")) == 7 &&
	    path_end(span_str("a[\"=\"]=1")) == 6 && path_end(span_str("/a=b,c")) == 4, "the end of a path");
	buf_free(&got);
	return done();
}
