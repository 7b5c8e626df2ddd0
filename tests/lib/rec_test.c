/* SPDX-License-Identifier: BSD-2-Clause */
/* rec - members and elements of a validated value. */
#include "t.h"

#include "in/rec.h"

/* Members as `key=value/tag` with `e` for escaped, one after the other. */
static void
walks(const char *text, const char *want)
{
	struct buf b = { 0 };
	struct span key;
	struct rec r;
	struct val v;

	rec_begin(&r, span_str(text));
	while (rec_next(&r, &key, &v)) {
		buf_span_add(&b, key);
		buf_byte(&b, '=');
		buf_span_add(&b, v.raw);
		buf_fmt(&b, "/%u%s;", v.tag, v.escaped ? "e" : "");
	}
	okf(span_is(buf_span(&b), want), "%s: got %s, want %s", text, buf_cstr(&b), want);
	okf(!rec_next(&r, &key, &v), "%s: stays at the end", text);
	buf_free(&b);
}

static void
ends(const char *text, size_t n)
{
	const char *end = rec_value_end(text, text + strlen(text));

	okf((size_t)(end - text) == n, "%s: ends at %zu, not %zu", text, (size_t)(end - text), n);
}

int
main(void)
{
	struct buf scratch = { 0 };
	struct buf deep = { 0 };

	walks("{}", "");
	walks(" { } ", "");
	walks("[]", "");
	walks("[ ]", "");
	walks("{\"a\":1}", "a=1/4;");
	walks("{\"a\":1,\"b\":\"x\",\"a\":2}", "a=1/4;b=\"x\"/5;a=2/4;");
	walks(" { \"a\" : 1.50 , \"b\" : [ 1 , { } ] } ", "a=1.50/4;b=[ 1 , { } ]/6;");
	walks("{\"a\\\"b\":\"x\\\\\",\"\":\"\\\\\\\"}\"}", "a\\\"b=\"x\\\\\"/5e;=\"\\\\\\\"}\"/5e;");
	walks("[1,\"a,]\",{\"b\":[2,\"]\"]},true,false,null]", "=1/4;=\"a,]\"/5;={\"b\":[2,\"]\"]}/7;=true/3;=false/2;=null/1;");
	walks("{\"a\":{\"b\":{\"c\":\"}\"}},\"d\":-1e5}", "a={\"b\":{\"c\":\"}\"}}/7;d=-1e5/4;");
	walks("{\"a\":1\r}", "a=1/4;");
	ok_all("members and elements");

	ends("1,2", 1);
	ends("\"a\\\"b\",1", 6);
	ends("{\"a\":[1,\"]}\"]} ", 14);
	ends("[[[]]],", 6);
	ends("true}", 4);
	ends("", 0);
	ok_all("where a value ends");
	for (int i = 0; i < 100000; i++)
		buf_byte(&deep, '[');
	for (int i = 0; i < 100000; i++)
		buf_byte(&deep, ']');
	ok(rec_value_end(deep.p, deep.p + deep.n) == deep.p + deep.n, "100,000 deep without a stack");

	ok(rec_key_is(span_str("abc"), span_str("abc"), &scratch), "a plain key");
	ok(rec_key_is(span_str("\\u0061\\n"), span_str("a\n"), &scratch), "an escaped key");
	ok(!rec_key_is(span_str("\\u0061"), span_str("b"), &scratch), "another key");
	ok(rec_key_is(span_str(""), span_str(""), &scratch), "the empty key");
	ok(!rec_key_is(span_str("id\\u0000x"), span_str("id"), &scratch), "a NUL does not end a key");
	buf_free(&scratch);
	buf_free(&deep);
	return done();
}
