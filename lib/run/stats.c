/* SPDX-License-Identifier: BSD-2-Clause */
/* stats - the accounts of one command: for --stats, for the run, for the eye */
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "run/ctx.h"

static double
since(struct timespec t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - t.tv_sec) + (double)(now.tv_nsec - t.tv_nsec) / 1e9;
}

static void
field(struct buf *b, const char *name, uint64_t n)
{
	buf_fmt(b, ",\"%s\":", name);
	buf_u64(b, n);
}

int
stats_write(struct ctx *c, int status, struct buf *b)
{
	struct flow_counts *n = &c->count;
	struct rusage ru;
	struct sink *s;
	int rc;

	getrusage(RUSAGE_SELF, &ru);
	buf_str(b, "{\"tool\":");
	buf_json(b, span_str(c->cmd->name));
	buf_str(b, ",\"run\":");
	if (ctx_run_id(c) == NULL)
		buf_str(b, "null");
	else
		buf_json(b, span_str(ctx_run_id(c)));
	buf_fmt(b, ",\"status\":%d", status);
	field(b, "in", n->in);
	field(b, "passed", n->passed);
	field(b, "dropped", n->dropped);
	field(b, "used", n->used);
	field(b, "rejected", n->rejected);
	field(b, "made", n->made);
	field(b, "out", n->passed + n->made);
	field(b, "blank", c->blank);
	field(b, "second_in", c->second_in);
	field(b, "bytes_in", n->bytes_in);
	field(b, "bytes_out", n->bytes_out);
	buf_str(b, ",\"reasons\":{");
	if (c->reasons != NULL) {
		struct map_entry *e = map_sorted(c->reasons);

		for (size_t i = 0; i < map_count(c->reasons); i++) {
			if (i > 0)
				buf_byte(b, ',');
			buf_json(b, e[i].key);
			buf_byte(b, ':');
			buf_u64(b, *(uint64_t *)e[i].cell);
		}
		free(e);
	}
	buf_str(b, "}");
	for (size_t i = 0; i < c->n_notes; i++)
		field(b, c->note[i].name, c->note[i].n);
	buf_fmt(b, ",\"seconds\":%.3f,\"peak_kib\":%ld}", since(c->began), ru.ru_maxrss);
	if (c->opt.stats == NULL)
		return 0;
	if ((rc = sink_append(c->opt.stats, &s)) != 0)
		return rc;
	sink_line(s, buf_span(b));
	return sink_close(s);
}

/* At most five times a second, and only where a person looks. */
void
stats_progress(struct ctx *c, bool last)
{
	struct feed *f = &c->main_feed;
	double seconds, part;
	uint64_t size;
	char line[160];
	int n;

	if (!c->opt.progress)
		return;
	seconds = since(c->shown);
	if (!last && c->shown.tv_sec != 0 && seconds < 0.2)
		return;
	clock_gettime(CLOCK_MONOTONIC, &c->shown);
	seconds = since(c->began);
	size = f->src == NULL ? 0 : source_size(f->src);
	part = size == 0 ? 0 : 100 * (double)source_bytes(f->src) / (double)size;
	n = snprintf(line, sizeof line, "\r%.40s: %llu in, %llu out, %.1f MB/s", c->cmd->name,
	    (unsigned long long)c->count.in, (unsigned long long)(c->count.passed + c->count.made),
	    (double)c->count.bytes_in / 1e6 / (seconds > 0 ? seconds : 1));
	if (size > 0 && n > 0 && (size_t)n < sizeof line)
		n += snprintf(line + n, sizeof line - (size_t)n, ", %.0f %%", part);
	if (n > 0 && (size_t)n + 5 < sizeof line) {
		n += snprintf(line + n, sizeof line - (size_t)n, "\033[K%s", last ? "\n" : "");
		if (write(2, line, (size_t)n) == -1)
			c->opt.progress = false;
	}
}
