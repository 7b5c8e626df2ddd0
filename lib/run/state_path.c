/* SPDX-License-Identifier: BSD-2-Clause */
/* state_path - see state_path.h */
#include <stdlib.h>

#include "run/state_path.h"

bool
state_path(const char *name, struct buf *out)
{
	const char *state = getenv("PIPEHOUSE_STATE"), *root = getenv("PIPEHOUSE_ROOT");
	const char *tenant = getenv("PIPEHOUSE_TENANT"), *overlay = getenv("PIPEHOUSE_OVERLAY");

	if (overlay != NULL && *overlay != '\0')
		buf_fmt(out, "%s/_state/%s", overlay, name);
	else if (state != NULL && *state != '\0')
		buf_fmt(out, "%s/%s", state, name);
	else if (root != NULL && *root != '\0')
		buf_fmt(out, "%s/%s/_state/%s", root, tenant == NULL || *tenant == '\0' ? "main" :
		    tenant, name);
	else
		return false;
	return true;
}
