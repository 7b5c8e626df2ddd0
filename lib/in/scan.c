/* SPDX-License-Identifier: BSD-2-Clause */
/* scan - see scan.h */
#include "in/scan.h"

#include <stdlib.h>

#include "in/scan_plain.h"

struct scan {
	struct trie trie;
	struct limits limits;
	struct plain plain;
	const char *p, *end;		/* what is left of the block */
	/* The batch handed out. */
	struct span line[BATCH_RECORDS_MAX];
	uint8_t kind[BATCH_RECORDS_MAX];
	const char *why[BATCH_RECORDS_MAX];
	uint32_t at[BATCH_RECORDS_MAX];
	size_t n;
	size_t n_cols;
	struct val **col;
};

static struct limits
limits_of(const struct scan_conf *conf)
{
	static const struct scan_conf none;

	if (conf == NULL)
		conf = &none;
	return (struct limits){
		.string = conf->max_string != 0 ? conf->max_string : STRING_BYTES_MAX,
		.depth = (uint32_t)(conf->max_depth != 0 ? conf->max_depth : DEPTH_MAX),
		.keys = (uint32_t)(conf->max_keys != 0 ? conf->max_keys : KEYS_MAX),
		.any = conf->any,
	};
}

struct scan *
scan_new(const struct pathset *ps, const struct scan_conf *conf)
{
	struct scan *s = mem_new(sizeof *s);

	s->limits = limits_of(conf);
	trie_init(&s->trie, ps);
	s->n_cols = ps != NULL ? ps->n : 0;
	s->col = mem_array(NULL, mem_add(s->n_cols, 1), sizeof *s->col);
	for (size_t c = 0; c < s->n_cols; c++)
		s->col[c] = mem_new(BATCH_RECORDS_MAX * sizeof **s->col);
	plain_init(&s->plain, &s->trie, &s->limits, s->col);
	return s;
}

void
scan_free(struct scan *s)
{
	if (s == NULL)
		return;
	for (size_t c = 0; c < s->n_cols; c++)
		free(s->col[c]);
	free(s->col);
	plain_free(&s->plain);
	trie_free(&s->trie);
	free(s);
}

const char *
scan_kernel(const struct scan *s)
{
	(void)s;
	return "plain";
}

void
scan_block(struct scan *s, const char *p, size_t n)
{
	s->p = p;
	s->end = p + n;
}

static bool
all_blank(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\r')
			return false;
	return true;
}

/* Put [p, end) as the next line of the batch, judged by the plain parser. */
static void
take_plain(struct scan *s, const char *p, const char *end)
{
	size_t i = s->n++;

	if (end > p && end[-1] == '\r')
		end--;
	s->line[i] = span_of(p, (size_t)(end - p));
	s->why[i] = plain_line(&s->plain, s->line[i], i);
	s->kind[i] = s->why[i] == NULL ? LINE_RECORD : LINE_BAD;
	s->at[i] = (uint32_t)s->plain.at;
	if (s->kind[i] == LINE_BAD && all_blank(s->line[i])) {
		s->kind[i] = LINE_BLANK;
		s->why[i] = NULL;
	}
}

static void
next_plain(struct scan *s)
{
	const char *lf;

	while (s->p < s->end && s->n < BATCH_RECORDS_MAX) {
		if ((lf = memchr(s->p, '\n', (size_t)(s->end - s->p))) == NULL)
			lf = s->end;
		take_plain(s, s->p, lf);
		s->p = lf + (lf < s->end);
	}
}

bool
scan_next(struct scan *s, struct scanned *got)
{
	s->n = 0;
	next_plain(s);
	*got = (struct scanned){ .n = s->n, .line = s->line, .kind = s->kind, .why = s->why, .at = s->at,
	    .col = (const struct val *const *)s->col };
	return s->n > 0;
}

const char *
scan_value(struct span text, const struct scan_conf *conf, size_t *at)
{
	struct limits limits = limits_of(conf);
	struct trie trie;
	struct plain a;
	const char *why;

	limits.any = true;
	trie_init(&trie, NULL);
	plain_init(&a, &trie, &limits, NULL);
	why = plain_line(&a, text, 0);
	*at = a.at;
	plain_free(&a);
	trie_free(&trie);
	return why;
}
