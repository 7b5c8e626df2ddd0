/* SPDX-License-Identifier: BSD-2-Clause */
/* mark - see mark.h */
#include "base/mark.h"

/* What is still to be read of a line, and whether all was as it must be. */
struct reader {
	const char *p, *end;
	bool ok;
};

static void
expect(struct reader *r, const char *text)
{
	size_t n = strlen(text);

	r->ok = r->ok && (size_t)(r->end - r->p) >= n && memcmp(r->p, text, n) == 0;
	if (r->ok)
		r->p += n;
}

static bool
take(struct reader *r, const char *text)
{
	struct reader try = *r;

	expect(&try, text);
	if (try.ok)
		*r = try;
	return try.ok;
}

static uint64_t
take_u64(struct reader *r)
{
	uint64_t v = 0;
	const char *from = r->p;

	for (; r->ok && r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++)
		r->ok = !__builtin_mul_overflow(v, 10, &v) && !__builtin_add_overflow(v, (uint64_t)(*r->p - '0'), &v);
	r->ok = r->ok && r->p > from && (*from != '0' || r->p == from + 1);
	return v;
}

static int64_t
take_i64(struct reader *r)
{
	bool minus = take(r, "-");
	uint64_t v = take_u64(r);

	r->ok = r->ok && v <= INT64_MAX && !(minus && v == 0);
	return !r->ok ? 0 : minus ? -(int64_t)v : (int64_t)v;
}

/* An object or array from its opening to its closing bracket; that it is JSON inside is the writer's word. */
static struct span
take_value(struct reader *r, char open)
{
	const char *from = r->p;
	size_t depth = 0;
	bool text = false;

	r->ok = r->ok && r->p < r->end && *r->p == open;
	for (; r->ok && r->p < r->end; r->p++) {
		if (text && *r->p == '\\' && r->p + 1 < r->end)
			r->p++;
		else if (*r->p == '"')
			text = !text;
		else if (!text && (*r->p == '{' || *r->p == '['))
			depth++;
		else if (!text && (*r->p == '}' || *r->p == ']') && --depth == 0)
			return span_of(from, (size_t)(++r->p - from));
	}
	r->ok = false;
	return (struct span){ "", 0 };
}

bool
mark_is(struct span line, const char *nonce)
{
	size_t n = strlen(MARK_PREFIX);

	return line.n > n + MARK_NONCE && memcmp(line.p, MARK_PREFIX, n) == 0 &&
	    memcmp(line.p + n, nonce, MARK_NONCE) == 0 && line.p[n + MARK_NONCE] == '"';
}

static enum mark_kind
take_kind(struct reader *r)
{
	expect(r, "\"");
	if (take(r, "open\""))
		return MARK_OPEN;
	if (take(r, "end\""))
		return MARK_END;
	expect(r, "mark\"");
	return MARK_EPOCH;
}

const char *
mark_parse(struct span line, struct mark *m)
{
	struct reader r = { line.p, line.p + line.n, true };

	*m = (struct mark){ 0 };
	expect(&r, MARK_PREFIX);
	r.ok = r.ok && r.end - r.p > MARK_NONCE;
	if (!r.ok)
		return "no control line";
	r.p += MARK_NONCE;
	expect(&r, "\",\"id\":");
	m->id = take_u64(&r);
	expect(&r, ",\"run\":");
	m->run = take_u64(&r);
	expect(&r, ",\"kind\":");
	m->kind = take_kind(&r);
	expect(&r, ",\"n\":");
	m->n = take_u64(&r);
	expect(&r, ",\"now\":");
	m->now_ms = take_i64(&r);
	expect(&r, ",\"wm\":");
	m->wm_ms = take(&r, "null") ? INT64_MIN : take_i64(&r);
	expect(&r, ",\"from\":");
	m->from = take_value(&r, '{');
	expect(&r, ",\"to\":");
	m->to = take_value(&r, '{');
	expect(&r, ",\"pins\":");
	m->pins = take_value(&r, '{');
	expect(&r, ",\"hops\":");
	m->hops = take_value(&r, '[');
	expect(&r, "}");
	return r.ok && r.p == r.end ? NULL : "a control line that this version did not write";
}

static void
member(struct buf *b, const char *name, struct span v, const char *none)
{
	buf_str(b, name);
	if (v.n == 0)
		buf_str(b, none);
	else
		buf_span_add(b, v);
}

void
mark_print(struct buf *b, const char *nonce, const struct mark *m)
{
	static const char *const kind[] = { "open", "mark", "end" };

	buf_str(b, MARK_PREFIX);
	buf_add(b, nonce, MARK_NONCE);
	buf_str(b, "\",\"id\":");
	buf_u64(b, m->id);
	buf_str(b, ",\"run\":");
	buf_u64(b, m->run);
	buf_str(b, ",\"kind\":\"");
	buf_str(b, kind[m->kind]);
	buf_str(b, "\",\"n\":");
	buf_u64(b, m->n);
	buf_str(b, ",\"now\":");
	buf_i64(b, m->now_ms);
	buf_str(b, ",\"wm\":");
	if (m->wm_ms == INT64_MIN)
		buf_str(b, "null");
	else
		buf_i64(b, m->wm_ms);
	member(b, ",\"from\":", m->from, "{}");
	member(b, ",\"to\":", m->to, "{}");
	member(b, ",\"pins\":", m->pins, "{}");
	member(b, ",\"hops\":", m->hops, "[]");
	buf_str(b, "}\n");
}

/* ---- hops ---- */

void
mark_hop(struct buf *b, const struct mark_hop *h)
{
	if (b->n > 2)
		b->p[b->n - 1] = ',';	/* where the array ended */
	else {
		buf_clear(b);
		buf_byte(b, '[');
	}
	buf_str(b, "{\"t\":\"");
	buf_span_add(b, h->tool);
	buf_str(b, "\",\"in\":");
	buf_u64(b, h->in);
	buf_str(b, ",\"pass\":");
	buf_u64(b, h->pass);
	buf_str(b, ",\"drop\":");
	buf_u64(b, h->drop);
	buf_str(b, ",\"used\":");
	buf_u64(b, h->used);
	buf_str(b, ",\"rej\":");
	buf_u64(b, h->rej);
	buf_str(b, ",\"made\":");
	buf_u64(b, h->made);
	buf_str(b, "}]");
}

/* A name as tools have: nothing in it that JSON would escape. */
static struct span
take_tool(struct reader *r)
{
	const char *from = r->p;

	while (r->p < r->end && ((*r->p >= 'a' && *r->p <= 'z') || (*r->p >= '0' && *r->p <= '9') ||
	    (*r->p >= 'A' && *r->p <= 'Z') || *r->p == '-' || *r->p == '_'))
		r->p++;
	return span_of(from, (size_t)(r->p - from));
}

bool
mark_hop_next(struct span *rest, struct mark_hop *h)
{
	struct reader r = { rest->p, rest->p + rest->n, true };

	if (span_is(*rest, "[]") || span_is(*rest, "]")) {
		*rest = span_of(r.end, 0);
		return false;
	}
	if (rest->n == 0 || (!take(&r, "[") && !take(&r, ",")))
		return false;
	expect(&r, "{\"t\":\"");
	h->tool = take_tool(&r);
	expect(&r, "\",\"in\":");
	h->in = take_u64(&r);
	expect(&r, ",\"pass\":");
	h->pass = take_u64(&r);
	expect(&r, ",\"drop\":");
	h->drop = take_u64(&r);
	expect(&r, ",\"used\":");
	h->used = take_u64(&r);
	expect(&r, ",\"rej\":");
	h->rej = take_u64(&r);
	expect(&r, ",\"made\":");
	h->made = take_u64(&r);
	expect(&r, "}");
	if (r.ok)
		*rest = span_of(r.p, (size_t)(r.end - r.p));
	return r.ok;
}

const char *
mark_hops_agree(struct span hops, struct span *at)
{
	struct mark_hop h;
	uint64_t wrote = 0;
	bool first = true;

	*at = (struct span){ "", 0 };
	while (mark_hop_next(&hops, &h)) {
		uint64_t fates = h.pass + h.drop + h.used + h.rej;

		*at = h.tool;
		if (fates != h.in)
			return "not every record that came in is accounted for";
		if (!first && h.in != wrote)
			return "another number of records came in than the stage before wrote";
		wrote = h.pass + h.made;
		first = false;
	}
	return hops.n == 0 ? NULL : "its account cannot be read";
}

void
mark_place(struct buf *b, struct span hops)
{
	struct mark_hop h;
	uint64_t n = 0;

	while (mark_hop_next(&hops, &h)) {
		if (!span_is(h.tool, MARK_BRANCH)) {
			n++;
			continue;
		}
		buf_u64(b, n);
		buf_byte(b, '.');
		n = 0;
	}
	buf_u64(b, n);
}
