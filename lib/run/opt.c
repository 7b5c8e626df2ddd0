/* SPDX-License-Identifier: BSD-2-Clause */
/* opt - see opt.h and opt_parse.h */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/opt_parse.h"

#define OPTIONS_MAX 96
#define VALUE_BASE 256		/* getopt's val of option k without regard to letters */

bool
opt_count(const char *text, uint64_t *out)
{
	uint64_t v = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		unsigned d = (unsigned)(unsigned char)*text - '0';

		if (d > 9 || __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, d, &v))
			return false;
	}
	*out = v;
	return true;
}

bool
opt_size(const char *text, size_t *out)
{
	static const char unit[] = "KMGT";
	size_t n = strlen(text);
	const char *u = n > 1 ? strchr(unit, text[n - 1] & ~32) : NULL;
	char digits[24];
	uint64_t v;

	if (n == 0 || n >= sizeof digits)
		return false;
	memcpy(digits, text, n + 1);
	if (u != NULL)
		digits[n - 1] = '\0';
	if (!opt_count(digits, &v))
		return false;
	for (; u != NULL && u >= unit; u--)
		if (__builtin_mul_overflow(v, 1024, &v))
			return false;
	*out = (size_t)v;
	return true;
}

/* Store one value; false with a reason. */
static bool
store(const struct opt *o, void *base, const char *value, char *err, size_t err_size)
{
	void *at = (char *)base + o->at;
	struct opt_list *list;
	int first;

	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)at = true;
		return true;
	case OPT_TEXT:
		*(const char **)at = value;
		return true;
	case OPT_LIST:
		list = at;
		list->v = mem_array(list->v, list->n + 1, sizeof *list->v);
		list->v[list->n++] = value;
		return true;
	case OPT_SIZE:
		if (opt_size(value, at))
			return true;
		snprintf(err, err_size, "--%s: '%s' is not a size (4096, 64K, 256M, 2G)", o->name, value);
		return false;
	case OPT_COUNT:
		if (opt_count(value, at))
			return true;
		snprintf(err, err_size, "--%s: '%s' is not a whole number", o->name, value);
		return false;
	case OPT_CHOICE:
		first = *o->choice[0] == '\0';
		for (int i = first; o->choice[i] != NULL; i++) {
			if (strcmp(o->choice[i], value) == 0) {
				*(int *)at = i;
				return true;
			}
		}
		snprintf(err, err_size, "--%s: '%s' is none of", o->name, value);
		for (int i = first; o->choice[i] != NULL; i++) {
			size_t n = strlen(err);
			snprintf(err + n, err_size - n, "%s %s", i == first ? "" : ",", o->choice[i]);
		}
		return false;
	}
	return false;
}

int
opt_parse(const struct opt_set *set, int argc, char *argv[], int *first, int *dashes, char *err, size_t err_size)
{
	struct option lopt[OPTIONS_MAX + 1] = { 0 };
	const struct opt *by[OPTIONS_MAX];
	void *base[OPTIONS_MAX];
	char letters[3 * OPTIONS_MAX + 3] = "-:";	/* '-': operands come in their place, so that a `--` is seen */
	size_t n = 0, l = 2;
	char **word = mem_array(NULL, (size_t)argc, sizeof *word);
	int c, n_words = 0, keep = 1;

	for (int t = 0; t < 2; t++) {
		for (const struct opt *o = set->table[t]; o != NULL && o->name != NULL && n < OPTIONS_MAX; o++) {
			by[n] = o;
			base[n] = set->base[t];
			lopt[n] = (struct option){ o->name, o->arg != NULL, NULL, VALUE_BASE + (int)n };
			if (o->letter != 0 && strchr(letters, o->letter) == NULL) {
				letters[l++] = o->letter;
				if (o->arg != NULL)
					letters[l++] = ':';
				letters[l] = '\0';
			}
			n++;
		}
	}
	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, letters, lopt, NULL)) != -1) {
		size_t k = 0;

		if (c == 1) {
			word[n_words++] = optarg;
			continue;
		}
		if (c == ':') {
			snprintf(err, err_size, "option '%.60s' needs a value", argv[optind - 1]);
			return -1;
		}
		if (c == '?') {
			if (optopt >= VALUE_BASE)
				snprintf(err, err_size, "option '--%s' takes no value", by[optopt - VALUE_BASE]->name);
			else if (optopt != 0)
				snprintf(err, err_size, "unknown option '-%c'", optopt);
			else
				snprintf(err, err_size, "unknown option '%.60s'", argv[optind - 1]);
			return -1;
		}
		if (c >= VALUE_BASE)
			k = (size_t)(c - VALUE_BASE);
		else
			while (k < n && by[k]->letter != c)
				k++;
		if (!store(by[k], base[k], optarg, err, err_size))
			return -1;
	}
	/* options first, then operands, then what stood behind `--`, each in its order */
	for (int i = 1, w = 0; i < optind; i++) {
		if (w < n_words && argv[i] == word[w])
			w++;
		else
			argv[keep++] = argv[i];
	}
	*first = keep;
	for (int w = 0; w < n_words; w++)
		argv[keep++] = word[w];
	*dashes = optind < argc ? keep : argc;
	free(word);
	return 0;
}

static void
line(const struct opt *o, FILE *f)
{
	char left[64];
	int n = snprintf(left, sizeof left, "  %c%c%s --%s%s%s",
	    o->letter != 0 ? '-' : ' ', o->letter != 0 ? o->letter : ' ',
	    o->letter != 0 ? "," : " ", o->name, o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");

	if (n > 29)
		fprintf(f, "%s\n%31s%s\n", left, "", o->help);
	else
		fprintf(f, "%-30s %s\n", left, o->help);
}

void
opt_help(const struct opt_set *set, FILE *f)
{
	for (int t = 0; t < 2; t++) {
		fprintf(f, "%s\n", t == 0 ? "options:" : "common options:");
		for (const struct opt *o = set->table[t]; o != NULL && o->name != NULL; o++)
			if (o->help[0] != '\0')
				line(o, f);
	}
}

void
opt_table(const struct opt_set *set, FILE *f)
{
	for (int t = 0; t < 2; t++)
		for (const struct opt *o = set->table[t]; o != NULL && o->name != NULL; o++)
			if (o->help[0] != '\0')
				fprintf(f, "%.1s\t%s\t%s\t%s\n", o->letter != 0 ? &o->letter : "", o->name,
				    o->arg != NULL ? o->arg : "", o->help);
}
