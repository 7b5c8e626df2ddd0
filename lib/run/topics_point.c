/* SPDX-License-Identifier: BSD-2-Clause */
/* topics_point - see topics_point.h */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "run/topics_point.h"

/* Digits up to a byte of `stop` or the end; false when there are none, or too many. */
static bool
number(const char **p, const char *stop, int64_t *out)
{
	const char *s = *p;
	int64_t v = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *s - '0', &v))
			return false;
	if (s == *p || (*s != '\0' && strchr(stop, *s) == NULL))
		return false;
	*p = s;
	*out = v;
	return true;
}

/* [TOPIC:]PARTITION:OFFSET, and the comma behind it. */
static bool
one_place(const char **text, struct point_at *at)
{
	const char *p = *text, *end = p + strcspn(p, ","), *first = memchr(p, ':', (size_t)(end - p)), *second;
	int64_t part;

	*at = (struct point_at){ 0 };
	if (first == NULL)
		return false;
	second = memchr(first + 1, ':', (size_t)(end - first - 1));
	if (second != NULL) {
		at->topic = mem_dup(span_of(p, (size_t)(first - p)));
		p = first + 1;
	}
	if (!number(&p, ":", &part) || part > INT32_MAX || *p != ':')
		return false;
	p++;
	if (!number(&p, ",", &at->offset))
		return false;
	at->part = (int32_t)part;
	*text = *p == ',' ? p + 1 : p;
	return true;
}

int
point_parse(const char *text, const char *what, const struct zone *zone, struct point *p)
{
	const char *s = text;
	int64_t us;

	*p = (struct point){ .kind = POINT_BEGINNING };
	if (strcmp(text, "beginning") == 0)
		return 0;
	p->kind = POINT_END;
	if (strcmp(text, "end") == 0)
		return 0;
	p->kind = POINT_TIME;
	if (when_parse(span_str(text), UNIT_GUESS, zone, &us) == NULL) {
		/* messages have ms: the first that is not before that moment */
		p->ms = us / 1000 + (us % 1000 > 0);
		return 0;
	}
	p->kind = POINT_OFFSETS;
	do {
		p->at = mem_array(p->at, p->n + 1, sizeof *p->at);
		if (!one_place(&s, &p->at[p->n++]))
			return err_usage("%s: '%s' is neither beginning, end, a time, nor "
			    "[TOPIC:]PARTITION:OFFSET,...", what, text);
	} while (*s != '\0');
	return 0;
}

static bool
means(const struct point_at *a, const struct kafka_part *k)
{
	return a->part == k->id && (a->topic == NULL || strcmp(a->topic, k->topic) == 0);
}

int
point_check(const struct point *p, const char *what, const struct kafka_part *k, size_t n)
{
	for (size_t i = 0; i < p->n; i++) {
		size_t j = 0;

		while (j < n && !means(&p->at[i], &k[j]))
			j++;
		if (j == n)
			return err_usage("%s: there is no partition %s%s%d", what, p->at[i].topic == NULL ? "" :
			    p->at[i].topic, p->at[i].topic == NULL ? "" : ":", (int)p->at[i].part);
	}
	return 0;
}

int64_t
point_offset(const struct point *p, const struct kafka_part *k, int64_t other)
{
	switch (p->kind) {
	case POINT_BEGINNING:
		return k->low;
	case POINT_END:
		return k->high;
	case POINT_TIME:
		return k->next;
	case POINT_OFFSETS:
		break;
	}
	for (size_t i = 0; i < p->n; i++)
		if (means(&p->at[i], k))
			return p->at[i].offset;
	return other;
}

void
point_free(struct point *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->at[i].topic);
	free(p->at);
	*p = (struct point){ 0 };
}
