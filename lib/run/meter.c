/* SPDX-License-Identifier: BSD-2-Clause */
/* meter - see meter.h */
#include <inttypes.h>

#include "base/clock.h"
#include "run/ctx.h"
#include "run/meter.h"
#include "run/planned.h"
#include "store/fs.h"

#define WRITE_MS 1000

/* A label's value: quotes, backslashes and line ends are escaped. */
static void
label(struct buf *b, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\n')
			buf_str(b, "\\n");
		else if (*p == '"' || *p == '\\')
			buf_fmt(b, "\\%c", *p);
		else
			buf_byte(b, *p);
	}
}

void
meter_begin(struct meter *m, struct ctx *c, const char *to)
{
	m->ctx = c;
	m->records = ctx_counts(c)->in;
	m->since_ms = clock_ms();
	m->written = false;
	buf_clear(&m->to);
	label(&m->to, to);
	(void)buf_cstr(&m->to);
}

void
meter_commit(struct meter *m)
{
	if (m != NULL)
		m->committed_ms = clock_real_ms();
}

void
meter_lag(struct meter *m, const char *source, uint64_t behind)
{
	buf_fmt(&m->lag, "pipehouse_ingest_lag{to=\"%s\",source=\"", m->to.p);
	label(&m->lag, source);
	buf_fmt(&m->lag, "\"} %" PRIu64 "\n", behind);
}

static void
head(struct buf *b, const char *name, const char *kind, const char *help)
{
	buf_fmt(b, "# HELP pipehouse_ingest_%s %s\n# TYPE pipehouse_ingest_%s %s\n", name, help, name, kind);
}

static void
count(const struct meter *m, struct buf *b, const char *name, const char *help, uint64_t n)
{
	head(b, name, "counter", help);
	buf_fmt(b, "pipehouse_ingest_%s{to=\"%s\"} %" PRIu64 "\n", name, m->to.p, n);
}

static void
seconds(const struct meter *m, struct buf *b, const char *name, const char *help, int64_t ms)
{
	head(b, name, "gauge", help);
	buf_fmt(b, "pipehouse_ingest_%s{to=\"%s\"} %" PRId64 ".%03" PRId64 "\n", name, m->to.p, ms / 1000, ms % 1000);
}

static void
put(struct meter *m)
{
	struct buf b = { 0 };

	count(m, &b, "records_total", "records read since this process began", m->records);
	head(&b, "records_per_second", "gauge", "of the time between this writing and the one before");
	buf_fmt(&b, "pipehouse_ingest_records_per_second{to=\"%s\"} %.1f\n", m->to.p, m->rate);
	seconds(m, &b, "last_commit_seconds", "when records were last committed, since 1970; 0: not by this process",
	    m->committed_ms);
	head(&b, "lag", "gauge", "what is there and not read: offsets of a partition, bytes of logs");
	buf_span_add(&b, buf_span(&m->lag));
	if (m->logs) {
		count(m, &b, "files_lost_total", "files that were gone before their ends were seen", m->files_lost);
		count(m, &b, "files_missed_total", "files that came and went between two looks", m->files_missed);
	}
	seconds(m, &b, "written_seconds", "when this was written, since 1970: old where the process is gone",
	    clock_real_ms());
	if (!m->failed && fs_put(m->path, buf_span(&b), false) != 0)
		m->failed = true;
	buf_free(&b);
}

void
meter_look(struct meter *m, bool last)
{
	int64_t now;
	uint64_t records;

	if (m == NULL || m->path == NULL || ((now = clock_ms()) - m->since_ms < WRITE_MS && m->written && !last))
		return;
	records = ctx_counts(m->ctx)->in;
	if (now > m->since_ms)
		m->rate = (double)(records - m->records) * 1000 / (double)(now - m->since_ms);
	m->records = records;
	m->since_ms = now;
	m->written = true;
	buf_clear(&m->lag);
	if (m->lags != NULL)
		m->lags(m->src, m);
	put(m);
}

void
meter_free(struct meter *m)
{
	buf_free(&m->to);
	buf_free(&m->lag);
}
