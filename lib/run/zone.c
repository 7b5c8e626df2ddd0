/* SPDX-License-Identifier: BSD-2-Clause */
/* zone - whose midnight it is: the warehouse's, and nothing may contradict it */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/spec.h"
#include "run/ctx.h"

/* `tz NAME` of $PIPEHOUSE_ROOT/TENANT/warehouse.conf; empty when there is no warehouse or no such line. */
static int
warehouse_zone(struct buf *out)
{
	const char *root = getenv("PIPEHOUSE_ROOT"), *tenant = getenv("PIPEHOUSE_TENANT");
	struct buf path = { 0 };
	struct spec *s;
	int rc = 0;

	if (root == NULL || *root == '\0')
		return 0;
	buf_fmt(&path, "%s/%s/warehouse.conf", root, tenant == NULL || *tenant == '\0' ? "main" : tenant);
	if (access(buf_cstr(&path), F_OK) == 0 && (rc = spec_read(path.p, SPEC_WORDS, &s)) == 0) {
		for (size_t i = 0; i < s->n; i++)
			if (s->line[i].n == 2 && span_is(s->line[i].word[0], "tz"))
				buf_span_add(out, s->line[i].word[1]);
		spec_free(s);
	}
	buf_free(&path);
	return rc;
}

int
zone_settle(struct ctx *c)
{
	struct buf house = { 0 };
	const char *given = c->opt.tz != NULL ? c->opt.tz : getenv("PIPEHOUSE_TZ"), *name;
	int rc = warehouse_zone(&house);

	if (given != NULL && *given == '\0')
		given = NULL;
	if (rc == 0 && house.n > 0 && given != NULL && !span_is(buf_span(&house), given))
		rc = err_usage("%s says %s, but the warehouse's zone is %s (warehouse.conf)",
		    c->opt.tz != NULL ? "--tz" : "PIPEHOUSE_TZ", given, buf_cstr(&house));
	name = house.n > 0 ? buf_cstr(&house) : given != NULL ? given : "UTC";
	if (rc == 0 && (c->zone = zone_open(name)) == NULL)
		rc = err_usage("unknown time zone '%s'", name);
	buf_free(&house);
	return rc;
}

int
ctx_day(struct ctx *c, const char *text, const char *what, int32_t *out)
{
	char day[WHEN_DAY_BYTES];
	const char *why;

	if (strcmp(text, "today") != 0 && strcmp(text, "yesterday") != 0) {
		why = day_parse(span_str(text), out);
		return why == NULL ? 0 : ctx_usage(c, "%s: '%s': %s", what, text, why);
	}
	when_day((int64_t)time(NULL) * US_PER_SEC, c->zone, day);
	(void)day_parse(span_str(day), out);
	*out -= text[0] == 'y';
	return 0;
}

int
ctx_dt(struct ctx *c, const char **dt, char day[WHEN_DAY_BYTES], int32_t *number)
{
	int rc;

	if (*dt == NULL && (*dt = getenv("DT")) != NULL && **dt == '\0')
		*dt = NULL;
	if (*dt == NULL)
		return 0;
	if ((rc = ctx_day(c, *dt, "--dt", number)) != 0)
		return rc;
	day_print(*number, day);
	*dt = day;
	return 0;
}
