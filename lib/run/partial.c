/* SPDX-License-Identifier: BSD-2-Clause */
/* partial - see partial.h */
#include "base/hash.h"
#include "cdc/value.h"
#include "op/key.h"
#include "op/pack.h"
#include "out/json.h"
#include "run/partial.h"

#define WORD 8			/* the sign and the check are 64 bits, big-endian */

static const char member[] = "\"$partial\"";

void
partial_sign(struct partial *p, const char *text)
{
	buf_byte(&p->args, text == NULL ? 0 : 1);
	if (text != NULL)
		pack_span(&p->args, span_str(text));
}

int
partial_set_up(struct partial *p)
{
	buf_str(&p->args, p->op->name);
	pack_u64(&p->args, p->op->version);
	p->sign = hash_fixed(buf_span(&p->args));
	p->part = mem_array(NULL, p->group->n, sizeof *p->part);
	p->col = ctx_col(p->c, span_of(member, sizeof member - 1), "$partial");
	return p->col == -1 ? EXIT_USAGE : 0;
}

static void
put_word(struct buf *b, uint64_t v)
{
	for (int i = 0; i < WORD; i++)
		buf_byte(b, (char)(unsigned char)(v >> (56 - 8 * i)));
}

static uint64_t
get_word(struct span s)
{
	uint64_t v = 0;

	for (int i = 0; i < WORD; i++)
		v = v << 8 | (unsigned char)s.p[i];
	return v;
}

/* One piece of state as a record. */
static int
put(void *arg, struct span key, struct span val)
{
	struct partial *p = arg;
	struct buf *out = ctx_made_begin(p->c, NULL, 0);
	struct span groups = span_from(key, p->head);
	const char *part = memchr(groups.p, '\0', groups.n);	/* of a set that is larger than memory: op/window.c */

	if (part != NULL)
		groups.n = (size_t)(part - groups.p);
	if (!key_split(groups, p->part, p->group->n))
		return err_input("a state that is not one of this command");
	json_open(out);
	for (size_t i = 0; i < p->group->n; i++)
		json_member(out, p->group->key[i], p->part[i]);
	if (p->at) {
		buf_clear(&p->text);
		buf_i64(&p->text, unpack_order(key.p));
		json_member(out, span_str("\"$at\":"), buf_span(&p->text));
	}
	buf_clear(&p->bytes);
	pack_span(&p->bytes, key);
	pack_span(&p->bytes, val);
	buf_clear(&p->text);
	put_word(&p->text, p->sign);
	put_word(&p->text, hash_fixed(buf_span(&p->bytes)));
	buf_span_add(&p->text, buf_span(&p->bytes));
	buf_str(out, out->n > 1 ? ",\"$partial\":\"" : "\"$partial\":\"");
	base64_encode(buf_span(&p->text), out);
	buf_byte(out, '"');
	json_shut(out);
	return ctx_made_end(p->c);
}

int
partial_relieve(struct partial *p, const struct batch *b)
{
	if (p->op->bytes(p->st) <= ctx_budget(p->c))
		return 0;
	(void)ctx_made_begin(p->c, b, 0);
	return p->op->shed(p->st, SIZE_MAX, put, p);
}

int
partial_write(struct partial *p)
{
	ctx_note(p->c, "state_bytes", p->op->bytes(p->st));
	return p->op->save(p->st, true, put, p);
}

static const char *
read_one(struct partial *p, struct val v, struct span *key, struct span *val)
{
	static const char why[] = "not a partial state, or a damaged one";
	struct unpack u;

	if (v.tag != T_STR || base64_decode(val_text(v, &p->text), &p->bytes) != NULL || p->bytes.n < 2 * WORD)
		return why;
	u = (struct unpack){ span_from(buf_span(&p->bytes), 2 * WORD), true };
	if (get_word(span_from(buf_span(&p->bytes), WORD)) != hash_fixed(u.s))
		return why;
	if (get_word(buf_span(&p->bytes)) != p->sign)
		return "a partial state made with other arguments";
	*key = unpack_span(&u);
	*val = unpack_span(&u);
	return unpack_done(&u) && key->n >= p->head ? NULL : why;
}

int
partial_batch(struct partial *p, const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct span key, val;
		const char *why;
		int rc;

		if (b->fate[i] != F_PASS)
			continue;
		if ((why = read_one(p, b->col[p->col][i], &key, &val)) != NULL) {
			batch_reject(b, i, why);
			continue;
		}
		if ((rc = p->op->add(p->st, key, val)) != 0)
			return rc;
		b->fate[i] = F_USED;
	}
	return 0;
}
