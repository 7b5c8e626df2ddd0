/* SPDX-License-Identifier: BSD-2-Clause */
/* operand - see operand.h */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "run/operand.h"

int
operand_only(struct ctx *c, const char **slot, const char *w)
{
	if (*slot != NULL)
		return -ctx_usage(c, "'%s' is one too many", w);
	*slot = w;
	return 1;
}

int
operand_add(struct opt_list *l, const char *w)
{
	l->v = mem_array(l->v, mem_add(l->n, 1), sizeof *l->v);
	l->v[l->n++] = w;
	return 1;
}

bool
operand_lasts(const char *operand)
{
	struct stat st;

	if (strncmp(operand, "wh:", 3) == 0)
		return true;
	return strcmp(operand, "-") != 0 && stat(operand, &st) == 0 && S_ISREG(st.st_mode);
}

bool
operand_stdin(struct ctx *c)
{
	const char *const *file;
	size_t n = ctx_files(c, &file);

	for (size_t i = 0; i < n; i++)
		if (strcmp(file[i], "-") == 0)
			return true;
	return n == 0;
}

int
answer_json(struct ctx *c, json_t *answer)
{
	char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
	int rc = text == NULL ? err_io("out of memory") : sink_line(ctx_out(c), span_str(text));

	free(text);
	json_decref(answer);
	return rc;
}
