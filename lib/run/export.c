/* SPDX-License-Identifier: BSD-2-Clause */
/* export - see export.h */
#include <stdlib.h>

#include "base/err.h"
#include "run/export.h"

#define CRON_LINE_MAX 998	/* what Debian's cron takes for a command */

bool
export_at(const char *t, struct export_at *out)
{
	for (int i = 0; i < 5; i++)
		if (i == 2 ? t[i] != ':' : t[i] < '0' || t[i] > '9')
			return false;
	out->hour = (unsigned)(t[0] - '0') * 10 + (unsigned)(t[1] - '0');
	out->minute = (unsigned)(t[3] - '0') * 10 + (unsigned)(t[4] - '0');
	return t[5] == '\0' && out->hour < 24 && out->minute < 60;
}

/*
 * One word, for sh inside of cron.  Daemons differ in what they make of a backslash before a backslash or a percent
 * sign, so a text that holds one cannot be said to all of them.
 */
static int
word(struct buf *b, const char *text)
{
	buf_byte(b, '\'');
	for (const char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == '\\')
			return err_usage("'%s': a line of cron cannot hold a backslash or a control character", text);
		if (*p == '\'')
			buf_str(b, "'\\''");
		else if (*p == '%')
			buf_str(b, "\\%");
		else
			buf_byte(b, *p);
	}
	buf_byte(b, '\'');
	return 0;
}

struct piece {
	const char *fixed, *text;	/* ours as it is; theirs quoted; either may be NULL */
};

static int
pieces(struct buf *b, const struct piece *p, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		if (p[i].fixed != NULL)
			buf_str(b, p[i].fixed);
		if (p[i].text != NULL)
			rc = word(b, p[i].text);
	}
	return rc;
}

/*
 * ROOT=… TENANT=… flock FILE dag-run DAG --date D, its events to wh-alert or to the log.  The first call of a night
 * waits for the night before; one that would go on leaves when there is nothing to go on from.
 */
static int
command(const struct export_cron *e, const char *path, const char *state, const char *lock, const char *log,
    bool first, struct buf *b)
{
	char jobs[48];
	const struct piece begin[] = {
		{ "PIPEHOUSE_ROOT=", e->root }, { " PIPEHOUSE_TENANT=", e->tenant },
		{ e->state == NULL ? NULL : " PIPEHOUSE_STATE=", e->state }, { " PATH=", path },
		{ "; export PIPEHOUSE_ROOT PIPEHOUSE_TENANT PATH", NULL },
		{ e->state == NULL ? "; " : " PIPEHOUSE_STATE; ", NULL },
		{ "mkdir -p ", state }, { "; flock -E 75 ", NULL }, { first ? NULL : "-n ", NULL },
		{ NULL, lock }, { " ", e->runner }, { " ", e->file }, { " --date ", NULL }, { e->date, NULL },
		{ jobs, NULL }, { first ? NULL : " --resume", NULL } };
	const struct piece alert[] = { { " 2>>", log }, { " | wh-alert --config ", e->alert }, { " >>", log },
	    { " 2>&1", NULL } };
	const struct piece plain[] = { { " >>", log }, { " 2>&1", NULL } };
	int rc;

	jobs[0] = '\0';
	if (e->jobs > 1)
		snprintf(jobs, sizeof jobs, " -j %llu", (unsigned long long)e->jobs);
	if ((rc = pieces(b, begin, sizeof begin / sizeof *begin)) != 0)
		return rc;
	return e->alert != NULL ? pieces(b, alert, sizeof alert / sizeof *alert) :
	    pieces(b, plain, sizeof plain / sizeof *plain);
}

static int
line(const struct dag *d, const struct export_cron *e, size_t i, struct buf *out)
{
	struct buf state = { 0 }, lock = { 0 }, log = { 0 }, path = { 0 }, b = { 0 };
	const char *slash = strrchr(e->runner, '/');
	int rc;

	buf_fmt(&state, "%s/%s/_state", e->root, e->tenant);
	buf_fmt(&lock, "%s/%s.cron.lock", buf_cstr(&state), d->name);
	if (e->log != NULL)
		buf_str(&log, e->log);
	else
		buf_fmt(&log, "%s/%s.cron.log", state.p, d->name);
	buf_fmt(&path, "%.*s:/usr/local/bin:/usr/bin:/bin", slash == NULL ? 0 : (int)(slash - e->runner), e->runner);
	rc = command(e, buf_cstr(&path), state.p, buf_cstr(&lock), buf_cstr(&log), i == 0, &b);
	if (rc == 0 && b.n > CRON_LINE_MAX)
		rc = err_usage("the line of %02u:%02u has %zu bytes, and cron takes %d: shorter paths are needed",
		    e->at[i].hour, e->at[i].minute, b.n, CRON_LINE_MAX);
	if (rc == 0) {
		buf_fmt(out, "%u %u * * * ", e->at[i].minute, e->at[i].hour);
		if (e->user != NULL)
			buf_fmt(out, "%s ", e->user);
		buf_span_add(out, buf_span(&b));
		buf_byte(out, '\n');
	}
	buf_free(&state);
	buf_free(&lock);
	buf_free(&log);
	buf_free(&path);
	buf_free(&b);
	return rc;
}

int
export_cron(const struct dag *d, const struct export_cron *e, struct buf *out)
{
	int rc = 0;

	buf_fmt(out, "# %s: %zu nodes, every day; made by dag-export\n", d->name, d->n);
	buf_fmt(out, "# A cron that does not know CRON_TZ starts them at these hours of the machine's zone;\n"
	    "# the day is the warehouse's %s in any case.\n", e->date);
	buf_fmt(out, "CRON_TZ=%s\n", e->zone);
	for (size_t i = 0; i < e->n_at && rc == 0; i++)
		rc = line(d, e, i, out);
	return rc;
}

void
export_dot(const struct dag *d, struct buf *out)
{
	/* a node's name is [A-Za-z0-9_.-]: in quotes it needs no escapes */
	buf_fmt(out, "digraph \"%s\" {\n\trankdir=LR;\n\tnode [shape=box];\n", d->name);
	for (size_t i = 0; i < d->n; i++)
		buf_fmt(out, "\t\"%s\";\n", d->node[i].name);
	for (size_t i = 0; i < d->n; i++)
		for (size_t k = 0; k < d->node[i].n_deps; k++)
			buf_fmt(out, "\t\"%s\" -> \"%s\"%s;\n", d->node[d->node[i].dep[k].node].name, d->node[i].name,
			    d->node[i].dep[k].day_before ? " [style=dashed, label=\"@-1\"]" : "");
	buf_str(out, "}\n");
}
