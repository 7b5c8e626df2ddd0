/* SPDX-License-Identifier: BSD-2-Clause */
/* topics_meta - --meta: where a message stood, its key and its headers, as a member of its record (see topics_own.h) */
#include <inttypes.h>

#include "out/json.h"
#include "out/reject.h"
#include "run/ctx.h"
#include "run/topics_own.h"

/* Bytes of others as JSON: text, null where there is none, else as base64. */
static void
bytes(struct buf *b, struct span v)
{
	if (v.p == NULL) {
		buf_str(b, "null");
	} else if (!reject_text(b, v)) {
		buf_str(b, "{\"base64\":\"");
		reject_base64(b, v);
		buf_str(b, "\"}");
	}
}

/* The values of a header's name; an array where it stands more than once. */
static void
values(struct topics *t, struct buf *b, size_t first, struct span name)
{
	size_t from = b->n, n = 0;
	struct span other, v;

	for (size_t i = first; kafka_header(t->k, i, &other, &v); i++) {
		if (!span_eq(other, name))
			continue;
		if (n++ > 0)
			buf_byte(b, ',');
		bytes(b, v);
	}
	if (n < 2)
		return;
	buf_room(b, 2);
	memmove(b->p + from + 1, b->p + from, b->n - from);
	b->p[from] = '[';
	b->n++;
	buf_byte(b, ']');
}

/* `,"headers":{...}` where the message has any; a name that is no text stands as its base64. */
static void
headers(struct topics *t, struct buf *b)
{
	struct span name, v, other;

	for (size_t i = 0; kafka_header(t->k, i, &name, &v); i++) {
		size_t k = 0;

		/* said with the first of that name */
		while (k < i && kafka_header(t->k, k, &other, &v) && !span_eq(other, name))
			k++;
		if (k < i)
			continue;
		buf_str(b, i == 0 ? ",\"headers\":{" : ",");
		if (!reject_text(b, name)) {
			buf_byte(b, '"');
			reject_base64(b, name);
			buf_byte(b, '"');
		}
		buf_byte(b, ':');
		values(t, b, i, name);
	}
	if (kafka_header(t->k, 0, &name, &v))
		buf_byte(b, '}');
}

void
topics_meta_keep(struct topics *t, size_t i, const struct kafka_message *m)
{
	struct stand *p = &t->part[i];

	if (t->meta_col == -1)
		return;
	if (p->got.n > p->meta_cap) {
		p->meta_cap = p->got.cap;
		p->meta_end = mem_array(p->meta_end, p->meta_cap, sizeof *p->meta_end);
	}
	buf_str(&p->meta, "{\"topic\":");
	buf_json(&p->meta, span_str(t->kp[i].topic));
	buf_fmt(&p->meta, ",\"partition\":%d,\"offset\":%" PRId64 ",\"key\":", (int)t->kp[i].id, m->offset);
	bytes(&p->meta, m->key);
	headers(t, &p->meta);
	buf_byte(&p->meta, '}');
	p->meta_end[p->got.n - 1] = p->meta.n;
	t->bytes += p->meta.n - (p->got.n > 1 ? p->meta_end[p->got.n - 2] : 0);
}

/* What is written instead of each record: the same with its place, and key, under the name. */
void
topics_meta_add(struct topics *t, const struct batch *b, struct span *line)
{
	const struct stand *p = t->now;
	size_t end[BATCH_RECORDS_MAX], from = 0;

	buf_clear(&t->lines);
	for (size_t i = 0; i < b->n; i++) {
		size_t k = tail_message(t->ctx, b, i), at = k == 0 ? 0 : p->meta_end[k - 1];
		struct edit e = { .old = b->col[t->meta_col][i], .key = buf_span(&t->key), .kind = EDIT_SET,
		    .value = span_of(p->meta.p + at, p->meta_end[k] - at) };

		json_edit(&t->lines, b->line[i], &e, 1);
		end[i] = t->lines.n;
	}
	for (size_t i = 0; i < b->n; i++) {
		line[i] = span_of(t->lines.p + from, end[i] - from);
		from = end[i];
	}
}
