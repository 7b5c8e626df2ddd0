/* SPDX-License-Identifier: BSD-2-Clause */
/* layout - see layout.h */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/when.h"
#include "store/fs.h"
#include "store/layout.h"

#define NUMBER_DIGITS 20

static const char *
env(const char *name)
{
	const char *v = getenv(name);

	return v == NULL || *v == '\0' ? NULL : v;
}

int
place_get(struct place *p)
{
	const char *root = env("PIPEHOUSE_ROOT"), *tenant = env("PIPEHOUSE_TENANT"), *over = env("PIPEHOUSE_OVERLAY");

	*p = (struct place){ 0 };
	if (root == NULL)
		return err_usage("PIPEHOUSE_ROOT is not set: where is the warehouse?");
	tenant = tenant == NULL ? "main" : tenant;
	if (strlen(tenant) > NAME_BYTES_MAX || tenant[0] == '_' ||
	    strspn(tenant, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(tenant))
		return err_usage("PIPEHOUSE_TENANT: '%s' is no tenant name ([a-z0-9_-]+)", tenant);
	p->house = fs_under(root, tenant);
	p->write = mem_str(over == NULL ? p->house : over);
	return 0;
}

void
place_free(struct place *p)
{
	free(p->house);
	free(p->write);
	*p = (struct place){ 0 };
}

char *
place_table(const struct place *p, const char *name, enum place_use use)
{
	const char *dot = strchr(name, '.'), *house = p->write;
	struct buf b = { 0 };
	char *dir;

	for (;;) {
		buf_clear(&b);
		buf_fmt(&b, "%s/%.*s/%s/_log", house, (int)(dot - name), name, dot + 1);
		/* a table that the overlay does not have is read below it */
		if (use == PLACE_WRITE || house == p->house || fs_exists(buf_cstr(&b)))
			break;
		house = p->house;
	}
	b.n -= strlen("/_log");
	dir = mem_str(buf_cstr(&b));
	buf_free(&b);
	return dir;
}

const char *
table_name_bad(struct span s)
{
	const char *dot = s.n == 0 ? NULL : memchr(s.p, '.', s.n);
	size_t layer = dot == NULL ? 0 : (size_t)(dot - s.p);

	if (dot == NULL)
		return "a table is LAYER.TABLE";
	if (layer == 0 || layer == s.n - 1 || layer > NAME_BYTES_MAX || s.n - layer - 1 > NAME_BYTES_MAX)
		return "layer and table have 1 to 64 characters";
	if (s.p[0] == '_')
		return "a layer does not begin with '_'";
	for (size_t i = 0; i < s.n; i++)
		if (i != layer && !(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') &&
		    s.p[i] != '_')
			return "layer and table are of a-z, 0-9 and _";
	return NULL;
}

bool
day_good(struct span text, char out[DAY_BYTES])
{
	int32_t days;

	if (text.n != DAY_BYTES - 1 || day_parse(text, &days) != NULL)
		return false;
	if (out != NULL) {
		memcpy(out, text.p, text.n);
		out[text.n] = '\0';
	}
	return true;
}

void
commit_name(uint64_t n, char out[32])
{
	snprintf(out, 32, "%0*" PRIu64 ".json", NUMBER_DIGITS, n);
}

uint64_t
commit_number(const char *name, const char *suffix)
{
	uint64_t n = 0;

	if (strlen(name) != NUMBER_DIGITS + strlen(suffix) || strcmp(name + NUMBER_DIGITS, suffix) != 0)
		return 0;
	for (int i = 0; i < NUMBER_DIGITS; i++) {
		if (name[i] < '0' || name[i] > '9' || n > (UINT64_MAX - 9) / 10)
			return 0;
		n = 10 * n + (uint64_t)(name[i] - '0');
	}
	return n;
}
