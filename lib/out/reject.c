/* SPDX-License-Identifier: BSD-2-Clause */
/* reject - see reject.h */
#include "base/err.h"
#include "out/reject.h"

static bool
utf8_valid(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p, *e = p + s.n;

	while (p < e) {
		unsigned c = *p, len = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 :
		    c >= 0xf0 && c < 0xf5 ? 4 : 0;

		if (len == 0 || (size_t)(e - p) < len || c == 0)
			return false;
		for (unsigned i = 1; i < len; i++)
			if ((p[i] & 0xc0) != 0x80)
				return false;
		if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) ||
		    (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f))
			return false;
		p += len;
	}
	return true;
}

bool
reject_text(struct buf *b, struct span s)
{
	if (!utf8_valid(s))
		return false;
	buf_json(b, s);
	return true;
}

void
reject_base64(struct buf *b, struct span s)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t i = 0; i < s.n; i += 3) {
		size_t left = s.n - i;
		unsigned v = (unsigned)p[i] << 16 | (left > 1 ? (unsigned)p[i + 1] << 8 : 0) |
		    (left > 2 ? p[i + 2] : 0);

		buf_byte(b, digit[v >> 18]);
		buf_byte(b, digit[v >> 12 & 63]);
		buf_byte(b, left > 1 ? digit[v >> 6 & 63] : '=');
		buf_byte(b, left > 2 ? digit[v & 63] : '=');
	}
}

int
reject_put(struct sink *s, const struct reject *r)
{
	struct buf b = { 0 };
	int rc;

	buf_str(&b, "{\"tool\":");
	buf_json(&b, span_str(err_tool()));
	buf_str(&b, ",\"run\":");
	if (r->run == NULL)
		buf_str(&b, "null");
	else
		buf_json(&b, span_str(r->run));
	buf_str(&b, ",\"source\":");
	if (!reject_text(&b, span_str(r->source)))
		buf_str(&b, "\"\"");
	buf_str(&b, ",\"line\":");
	buf_u64(&b, r->line);
	buf_str(&b, ",\"offset\":");
	buf_u64(&b, r->offset);
	buf_str(&b, ",\"reason\":");
	buf_json(&b, span_str(r->reason));
	buf_str(&b, ",\"raw\":");
	if (!reject_text(&b, r->raw)) {
		b.n -= strlen("\"raw\":");
		buf_str(&b, "\"raw_base64\":\"");
		reject_base64(&b, r->raw);
		buf_byte(&b, '"');
	}
	buf_byte(&b, '}');
	rc = sink_line(s, buf_span(&b));
	buf_free(&b);
	return rc;
}
