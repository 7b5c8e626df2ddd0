/* SPDX-License-Identifier: BSD-2-Clause */
/* dag - the file: nodes, edges, no circles (see dag.h) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/limits.h"
#include "run/dag.h"
#include "run/opt.h"
#include "run/shell.h"
#include "run/state_path.h"

size_t
dag_find(const struct dag *d, struct span name)
{
	for (size_t i = 0; i < d->n; i++)
		if (span_is(name, d->node[i].name))
			return i;
	return SIZE_MAX;
}

static int
option(struct dag *d, struct dag_node *n, struct span w, const char *eq)
{
	struct span name = span_of(w.p, (size_t)(eq - w.p));
	const char *value = eq + 1, *why = NULL;

	if (span_is(name, "retries"))
		why = opt_count(value, &n->retries) ? NULL : "a whole number is needed";
	else if (span_is(name, "timeout"))
		why = shell_millis(value, &n->timeout_ms);
	else if (span_is(name, "delay"))
		why = shell_millis(value, &n->delay_ms);
	else
		why = "unknown setting (retries, delay, timeout)";
	return why == NULL ? 0 : err_usage("%s:%zu: %s: %s", d->spec->name, n->line, w.p, why);
}

static int
edges(struct dag *d, size_t i)
{
	struct dag_node *n = &d->node[i];
	const struct spec_line *l = &d->spec->line[i];
	int rc;

	for (size_t k = 1; k < l->n; k++) {
		struct span w = l->word[k];
		const char *eq = memchr(w.p, '=', w.n);
		struct dag_dep dep = { 0 };

		if (eq != NULL) {
			if ((rc = option(d, n, w, eq)) != 0)
				return rc;
			continue;
		}
		if (w.n > 3 && memcmp(w.p + w.n - 3, "@-1", 3) == 0) {
			dep.day_before = true;
			w.n -= 3;
		}
		dep.node = dag_find(d, w);
		if (dep.node == SIZE_MAX)
			return err_usage("%s:%zu: %s waits for '%.*s', which is no node of this file", d->spec->name,
			    n->line, n->name, (int)w.n, w.p);
		n->dep = mem_array(n->dep, n->n_deps + 1, sizeof *n->dep);
		n->dep[n->n_deps++] = dep;
	}
	return 0;
}

/* Kahn's algorithm: what cannot be taken away in any order stands in a circle, or behind one. */
static int
no_circles(const struct dag *d)
{
	bool *gone = mem_new(d->n);
	size_t left = d->n, before;
	int rc = 0;

	do {
		before = left;
		for (size_t i = 0; i < d->n; i++) {
			bool free_of = !gone[i];

			for (size_t k = 0; k < d->node[i].n_deps && free_of; k++)
				free_of = d->node[i].dep[k].day_before || gone[d->node[i].dep[k].node];
			if (free_of) {
				gone[i] = true;
				left--;
			}
		}
	} while (left < before);
	for (size_t i = 0; i < d->n && rc == 0; i++)
		if (!gone[i])
			rc = err_usage("%s:%zu: %s waits for itself, round a circle of nodes", d->spec->name,
			    d->node[i].line, d->node[i].name);
	free(gone);
	return rc;
}

/* Does the word name a recipe or a spec? Data that a node writes beside the dag is no part of it. */
static bool
is_recipe(struct span w)
{
	static const char *const suffix[] = { ".sh", ".clean", ".dq", ".route", ".spec", ".sql" };

	for (size_t i = 0; i < sizeof suffix / sizeof *suffix; i++) {
		size_t n = strlen(suffix[i]);

		if (w.n > n && memcmp(w.p + w.n - n, suffix[i], n) == 0)
			return true;
	}
	return false;
}

/* The bytes of a file beside the dag; nothing when there is none. */
static void
add_file(const struct dag *d, struct span word, struct buf *out)
{
	struct buf path = { 0 };
	struct stat st;
	FILE *f;
	size_t n;

	buf_fmt(&path, "%s/%.*s", d->dir, (int)word.n, word.p);
	if (stat(buf_cstr(&path), &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= (off_t)MIB &&
	    (f = fopen(path.p, "re")) != NULL) {
		while ((n = fread(buf_room(out, 65536), 1, 65536, f)) > 0)
			out->n += n;
		fclose(f);
	}
	buf_free(&path);
}

/* Add what the words in all[from, upto) name behind it. */
static void
add_named(const struct dag *d, struct buf *all, size_t from, size_t upto)
{
	for (size_t i = from; i < upto;) {
		size_t begin = i;
		char name[256];

		while (i < upto && all->p[i] != '\0' && strchr(" \t\n;|&()<>\"'`$=", all->p[i]) == NULL)
			i++;
		/* a copy: the buffer moves when a file is added */
		if (i - begin < sizeof name && is_recipe(span_of(all->p + begin, i - begin))) {
			memcpy(name, all->p + begin, i - begin);
			add_file(d, span_of(name, i - begin), all);
		}
		i += i == begin;
	}
}

/* A node is its text, the scripts that the text names, and what those name: a change in one makes it another node. */
static void
hash_node(const struct dag *d, struct dag_node *n)
{
	static const char hex[] = "0123456789abcdef";
	struct buf all = { 0 };
	struct fp fp;
	size_t scripts;

	buf_span_add(&all, n->body);
	add_named(d, &all, 0, n->body.n);
	scripts = all.n;
	add_named(d, &all, n->body.n, scripts);
	fp = hash_fp(buf_span(&all));
	for (unsigned k = 0; k < 16; k++) {
		n->hash[k] = hex[fp.hi >> (60 - 4 * k) & 15];
		n->hash[k + 16] = hex[fp.lo >> (60 - 4 * k) & 15];
	}
	buf_free(&all);
}

static int
nodes(struct dag *d)
{
	struct spec *s = d->spec;

	d->node = mem_new(mem_mul(s->n, sizeof *d->node));
	for (size_t i = 0; i < s->n; i++) {
		struct dag_node *n = &d->node[i];
		struct span w;
		int rc;

		n->line = s->line[i].number;
		n->body = s->line[i].body;
		n->delay_ms = 1000;
		if ((rc = shell_head(s, i, "node", &w)) != 0)
			return rc;
		if (dag_find(d, w) != SIZE_MAX)
			return err_usage("%s:%zu: the node '%.*s' stands twice", s->name, n->line, (int)w.n, w.p);
		n->name = mem_dup(w);
		d->n++;
		hash_node(d, n);
	}
	return 0;
}

/* Rows of `depends`, each by a walk from its node: files have tens of nodes, not thousands. */
static void
all_depends(struct dag *d)
{
	size_t *todo = mem_array(NULL, d->n, sizeof *todo), n;

	d->depends = mem_new(mem_mul(mem_mul(d->n, d->n), sizeof *d->depends));
	for (size_t a = 0; a < d->n; a++) {
		bool *row = d->depends + a * d->n;

		for (n = 0, todo[n++] = a; n > 0;) {
			const struct dag_node *at = &d->node[todo[--n]];

			for (size_t k = 0; k < at->n_deps; k++)
				if (!row[at->dep[k].node]) {
					row[at->dep[k].node] = true;
					todo[n++] = at->dep[k].node;
				}
		}
	}
	free(todo);
}

bool
dag_depends(const struct dag *d, size_t a, size_t b)
{
	return d->depends[a * d->n + b];
}

int
dag_read(const char *path, struct dag **out)
{
	struct dag *d = mem_new(sizeof *d);
	const char *base = strrchr(path, '/');
	struct buf b = { 0 };
	size_t n;
	int rc;

	*out = d;
	d->dir = base == NULL ? mem_str(".") : mem_dup(span_of(path, base == path ? 1 : (size_t)(base - path)));
	base = base == NULL ? path : base + 1;
	n = strlen(base);
	d->name = mem_dup(span_of(base, n > 4 && strcmp(base + n - 4, ".dag") == 0 ? n - 4 : n));
	if (!shell_name_ok(span_str(d->name)))
		return err_usage("%s: a dag's file name must be a name ([A-Za-z0-9_.-], at most 60)", path);
	if (!state_path("dag/", &b))
		buf_str(&b, "dag/");	/* without a warehouse: nothing is run, and nothing kept */
	buf_str(&b, d->name);
	d->state = mem_str(buf_cstr(&b));
	buf_free(&b);
	if ((rc = spec_read(path, SPEC_BODY, &d->spec)) != 0 || (rc = nodes(d)) != 0)
		return rc;
	for (size_t i = 0; i < d->n; i++)
		if ((rc = edges(d, i)) != 0)
			return rc;
	if ((rc = no_circles(d)) == 0)
		all_depends(d);
	return rc;
}
