/* SPDX-License-Identifier: BSD-2-Clause */
/* event - see event.h */
#include "out/event.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "out/json.h"

const char *
severity_name(enum severity s)
{
	static const char *const name[] = { "ok", "warn", "fail" };

	return name[s];
}

void
event_text(struct buf *b, const char *key, struct span s)
{
	size_t room = 4 * s.n + 8;
	char *masked = mem_array(NULL, room, 1);

	buf_str(b, key);
	buf_json(b, span_str(err_mask(masked, room, s.p, s.n)));
	free(masked);
}

static void
text_or_null(struct buf *b, const char *key, const char *s)
{
	if (s != NULL && *s != '\0') {
		event_text(b, key, span_str(s));
	} else {
		buf_str(b, key);
		buf_str(b, "null");
	}
}

static void
raw(struct buf *b, const char *key, struct span json)
{
	buf_str(b, key);
	buf_span_add(b, json.n == 0 ? span_str("null") : json);
}

void
event_json(struct buf *b, const struct event *e)
{
	const char *tenant = e->tenant != NULL ? e->tenant : getenv("PIPEHOUSE_TENANT");
	int64_t ts = e->ts_ms != 0 ? e->ts_ms : clock_real_ms();

	event_text(b, "{\"event\":", span_str(e->event));
	event_text(b, ",\"severity\":", span_str(severity_name(e->severity)));
	event_text(b, ",\"tenant\":", span_str(tenant == NULL || *tenant == '\0' ? "main" : tenant));
	text_or_null(b, ",\"table\":", e->table);
	text_or_null(b, ",\"dt\":", e->dt);
	event_text(b, ",\"name\":", e->name);
	raw(b, ",\"value\":", e->value);
	raw(b, ",\"expected\":", e->expected);
	if (e->counted) {
		buf_str(b, ",\"rows\":");
		buf_u64(b, e->rows);
		buf_str(b, ",\"bad\":");
		buf_u64(b, e->bad);
	} else {
		buf_str(b, ",\"rows\":null,\"bad\":null");
	}
	event_text(b, ",\"text\":", e->text);
	text_or_null(b, ",\"run\":", e->run);
	buf_str(b, ",\"ts\":");
	buf_i64(b, ts);
	buf_byte(b, '}');
}
