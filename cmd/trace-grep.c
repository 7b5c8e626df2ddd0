/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace-grep - one trace id through every stage
 *
 * Path:   files, tables -> in/source -> memmem over the batch -> in/scan of the candidate lines -> stdout
 * Memory: one block of input and one line; nothing grows with the data.
 * Cost:   one search for the id's bytes; only a line that holds them, or a backslash, which may hide them, is parsed.
 */
#include "in/rec.h"
#include "in/scan.h"
#include "run/run.h"

struct state {
	const char *path, *id_word;
	bool with_name, with_number;
	struct span id;
	struct scan *scan;
	struct buf text;		/* a string without its escapes */
	uint64_t found;
};

static const struct opt opts[] = {
	{ 'k', "key", OPT_TEXT, offsetof(struct state, path), "PATH", "only the value at PATH counts, also a number" },
	{ 'H', "with-filename", OPT_FLAG, offsetof(struct state, with_name), NULL,
	    "the file or TABLE@DAY and a colon before each line" },
	{ 'n', "line-number", OPT_FLAG, offsetof(struct state, with_number), NULL,
	    "the number of the line and a colon before each line" },
	{ 0 }
};

static bool
is_word(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c >= 0x80;
}

/* Does a word go on over the byte at p?  Word bytes do, and '-' and '.' between two of them: 12 is no word of 12.50. */
static bool
glued(struct span line, size_t p, size_t beyond)
{
	unsigned char c = (unsigned char)line.p[p];

	return is_word(c) || ((c == '-' || c == '.') && beyond < line.n && is_word((unsigned char)line.p[beyond]));
}

static bool
has_word(struct span line, struct span id)
{
	const char *p = line.p, *end = line.p + line.n;

	while ((p = memmem(p, (size_t)(end - p), id.p, id.n)) != NULL) {
		size_t a = (size_t)(p - line.p), z = a + id.n;

		/* beyond the front is a - 2: below the line's start it wraps and is no byte of it */
		if ((a == 0 || !glued(line, a - 1, a - 2)) && (z == line.n || !glued(line, z, z + 1)))
			return true;
		p++;
	}
	return false;
}

/* Any string of a valid record, name or value, whose text is the id. */
static bool
has_string(struct state *st, struct span line)
{
	const char *p = line.p, *end = line.p + line.n;

	while ((p = memchr(p, '"', (size_t)(end - p))) != NULL) {
		const char *q = ++p;
		struct span s;

		while (*q != '"')
			q += *q == '\\' ? 2 : 1;
		s = span_of(p, (size_t)(q - p));
		if (memchr(s.p, '\\', s.n) != NULL) {
			buf_clear(&st->text);
			val_unescape(s, &st->text);
			s = buf_span(&st->text);
		}
		if (span_eq(s, st->id))
			return true;
		p = q + 1;
	}
	return false;
}

/* A line that may hold it: the whole truth. */
static bool
holds(struct state *st, struct span line)
{
	struct scanned got;

	scan_block(st->scan, line.p, line.n);
	if (line.n == 0 || !scan_next(st->scan, &got) || got.kind[0] != LINE_RECORD)
		return st->path == NULL && has_word(line, st->id);
	if (st->path == NULL)
		return has_string(st, line);
	if (got.col[0][0].tag == T_STR)
		return span_eq(val_text(got.col[0][0], &st->text), st->id);
	return got.col[0][0].tag == T_NUM && span_eq(got.col[0][0].raw, st->id);
}

static void
print(struct ctx *c, struct state *st, const struct batch *b, size_t i)
{
	struct where w = ctx_where(c, b, i);
	struct buf *out = ctx_pass_begin(c, b, i);

	if (st->with_name) {
		buf_str(out, w.source);
		buf_byte(out, ':');
	}
	if (st->with_number) {
		buf_u64(out, w.line);
		buf_byte(out, ':');
	}
	buf_span_add(out, b->line[i]);
}

static int
batch(struct ctx *c, void *arg, const struct batch *b)
{
	struct state *st = arg;
	const char *end = b->line[b->n - 1].p + b->line[b->n - 1].n;
	const char *hit = b->line[0].p, *slash = hit;
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		const char *from = b->line[i].p, *to = from + b->line[i].n;

		/* each search runs on to its next find, so all of them together pass the bytes once */
		if (hit != NULL && hit <= from)
			hit = memmem(from, (size_t)(end - from), st->id.p, st->id.n);
		if (slash != NULL && slash <= from)
			slash = memchr(from, '\\', (size_t)(end - from));
		b->fate[i] = F_DROP;
		if ((hit == NULL || hit >= to) && (slash == NULL || slash >= to))
			continue;
		if (!holds(st, b->line[i]))
			continue;
		b->fate[i] = F_PASS;
		st->found++;
		if (st->with_name || st->with_number) {
			print(c, st, b, i);
			rc = ctx_pass_end(c);
		}
	}
	return rc;
}

static int
word(struct ctx *c, void *arg, const char *w)
{
	struct state *st = arg;

	(void)c;
	if (st->id_word != NULL)
		return 0;
	st->id_word = w;
	return 1;
}

static int
set_up(struct ctx *c, void *arg)
{
	struct state *st = arg;
	struct pathset *ps = pathset_new();
	char why[MESSAGE_BYTES_MAX];

	if (st->id_word == NULL || *st->id_word == '\0')
		return ctx_usage(c, "an ID is required");
	st->id = span_str(st->id_word);
	if (st->path != NULL && pathset_add(ps, span_str(st->path), why, sizeof why) == -1)
		return ctx_usage(c, "-k: %s", why);
	st->scan = scan_new(ps, &(struct scan_conf){ 0 });
	return 0;
}

static int
finish(struct ctx *c, void *arg, int status)
{
	struct state *st = arg;

	(void)c;
	return status == 0 && st->found == 0 ? EXIT_NO : status;
}

int
main(int argc, char *argv[])
{
	static const struct command cmd = {
		.name = "trace-grep", .what = "one trace id through every stage", .opts = opts,
		.synopsis = "[-Hn] [-k PATH] ID [FILE | wh:TABLE[@DAYS] ...]",
		.state_bytes = sizeof(struct state), .is = CMD_LINES | CMD_TABLES | CMD_PLACES, .par = PAR_STATELESS,
		.word = word, .set_up = set_up, .batch = batch, .finish = finish
	};

	return run_main(argc, argv, &cmd);
}
