/* SPDX-License-Identifier: BSD-2-Clause */
/* pipe_file - see pipe_file.h */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "run/conf.h"
#include "run/opt.h"
#include "run/pipe_file.h"
#include "run/shell.h"

#define STALLED_MS 60000
#define STALLED_BARRIERS 4	/* a line is late when so many of them could have come */

static bool
name_byte(char c)
{
	return c != '\0' &&
	    strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.", c) != NULL;
}

/* ---- words in the shell text, wherever they stand: also in the quoted pipes of fan-out and shard ---- */

/* The text without its comment lines, which are no part of the pipeline. */
static void
without_comments(struct span text, struct buf *out)
{
	while (text.n > 0) {
		const char *lf = memchr(text.p, '\n', text.n);
		size_t n = lf == NULL ? text.n : (size_t)(lf - text.p) + 1, blank = 0;

		while (blank < n && (text.p[blank] == ' ' || text.p[blank] == '\t'))
			blank++;
		if (blank == n || text.p[blank] != '#')
			buf_add(out, text.p, n);
		text = span_from(text, n);
	}
}

/* Behind the next `word` that begins a word of the shell, or at the end. */
static struct span
behind(struct span text, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= text.n; i++)
		if (memcmp(text.p + i, word, n) == 0 && (i == 0 || strchr(" \t\n'\"=(,", text.p[i - 1]) != NULL))
			return span_from(text, i + n);
	return span_from(text, text.n);
}

/* The name that text begins with. */
static struct span
name_at(struct span text)
{
	size_t n = 0;

	while (n < text.n && name_byte(text.p[n]))
		n++;
	return span_of(text.p, n);
}

/* The value of an option --NAME VALUE, --NAME=VALUE or either in quotes; *text moves behind it. False at the end. */
static bool
option_value(struct span *text, const char *option, struct span *value)
{
	for (;;) {
		*text = behind(*text, option);
		if (text->n == 0)
			return false;
		if (strchr(" \t=", text->p[0]) == NULL)
			continue;		/* an option of a longer name */
		while (text->n > 0 && strchr(" \t='\"", text->p[0]) != NULL)
			*text = span_from(*text, 1);
		*value = name_at(*text);
		return true;
	}
}

static int
add_sink(struct pipe_file *f, struct span name)
{
	for (size_t i = 0; i < f->n_sinks; i++)
		if (span_is(name, f->sink[i]))
			return 0;
	if (f->n_sinks == JOB_SINKS_MAX)
		return err_usage("%s: more than %d sinks", f->spec->name, JOB_SINKS_MAX);
	if (!shell_name_ok(name))
		return err_usage("%s:%zu: the sink behind --job is no plain name: name it by sinks=", f->spec->name,
		    f->spec->line[0].number);
	f->sink[f->n_sinks++] = mem_dup(name);
	return 0;
}

static int
find_sinks(struct pipe_file *f, struct span text)
{
	struct span value;
	int rc = 0;

	while (rc == 0 && option_value(&text, "--job", &value))
		rc = add_sink(f, value);
	if (rc == 0 && f->n_sinks == 0)
		rc = err_usage("%s:%zu: %s has no sink: nothing in it has --job, and there is no sinks=", f->spec->name,
		    f->spec->line[0].number, f->name);
	return rc;
}

/* One more word, KIND and NAME, if it is not there yet. */
static void
add_pin(struct buf *pins, const char *kind, struct span name)
{
	struct buf word = { 0 };
	bool known = name.n == 0;

	buf_str(&word, kind);
	buf_span_add(&word, name);
	for (size_t i = 0; i < pins->n && !known; i++)
		known = (i == 0 || pins->p[i - 1] == ' ') && pins->n - i >= word.n &&
		    memcmp(pins->p + i, word.p, word.n) == 0 && (i + word.n == pins->n || pins->p[i + word.n] == ' ');
	if (!known && pins->n > 0)
		buf_byte(pins, ' ');
	if (!known)
		buf_span_add(pins, buf_span(&word));
	buf_free(&word);
}

/* A file's name behind an option, as it stands there; empty where only the shell knows it. Quotes end at their like. */
static struct span
file_at(struct span text)
{
	const char *end = " \t\n'\"|;&()<>";
	char quote[2] = "";
	size_t n = 0;

	for (; text.n > 0 && strchr(" \t=\\\n'\"", text.p[0]) != NULL; text = span_from(text, 1))
		quote[0] = strchr("'\"", text.p[0]) != NULL ? text.p[0] : '\0';
	if (quote[0] != '\0')
		end = quote;
	while (n < text.n && strchr(end, text.p[n]) == NULL)
		n++;
	for (size_t i = 0; i < n; i++)
		if (strchr("$`*?[~{\\ \t\n", text.p[i]) != NULL)
			return span_of(text.p, 0);
	return span_of(text.p, n);
}

static bool
is_file(const struct pipe_file *f, struct span name)
{
	struct buf path = { 0 };
	struct stat st;
	bool is;

	if (name.n > 0 && name.p[0] != '/')
		buf_fmt(&path, "%s/", f->dir);
	buf_span_add(&path, name);
	is = stat(buf_cstr(&path), &st) == 0 && S_ISREG(st.st_mode);
	buf_free(&path);
	return is;
}

/* Tables, wh:TABLE; and the files that stages go by: emit's routes; types, rules and checks. */
static void
find_pins(struct pipe_file *f, struct span whole)
{
	static const struct {
		const char *option, *kind;
		bool sure;		/* no other command has an option of that name */
	} files[] = { { "--route", CONF_FILE, true }, { "--types", CONF_SPEC, true }, { "--spec", CONF_SPEC, true },
		{ "-s", CONF_SPEC, false } };
	struct buf pins = { 0 };

	for (struct span text = whole; (text = behind(text, "wh:")).n > 0;)
		add_pin(&pins, "", name_at(text));
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		for (struct span text = whole; (text = behind(text, files[i].option)).n > 0;) {
			struct span name = file_at(text);

			if (strchr(" \t=\\", text.p[0]) != NULL && name.n > 0 && !span_is(name, "-") &&
			    (files[i].sure || is_file(f, name)))
				add_pin(&pins, files[i].kind, name);
		}
	f->pins = mem_dup(buf_span(&pins));
	buf_free(&pins);
}

/* ---- the commands of its longest pipe ---- */

/* The length of the quoted, escaped or bracketed piece at p, 0: it is none. Brackets nest, by a counter. */
static size_t
piece(const char *p, size_t n)
{
	size_t i = 0, depth = 0;
	char quote = '\0';

	do {
		if (quote == '\0' && (p[i] == '\'' || p[i] == '"'))
			quote = p[i];
		else if (p[i] == quote)
			quote = '\0';
		else if (p[i] == '\\' && quote != '\'' && i + 1 < n)
			i++;
		else if (quote == '\0' && p[i] == '(')
			depth++;
		else if (quote == '\0' && p[i] == ')' && depth > 0)
			depth--;
		else if (quote == '\0' && depth == 0)
			return i;
		i++;
	} while (i < n && (quote != '\0' || depth > 0));
	return i;
}

static char *
command_name(struct span text)
{
	struct span w = text;

	for (;;) {
		size_t n = 0;
		const char *eq;

		while (w.n > 0 && strchr(" \t\n\\", w.p[0]) != NULL)
			w = span_from(w, 1);
		while (n < w.n && strchr(" \t\n", w.p[n]) == NULL)
			n++;
		eq = memchr(w.p, '=', n);
		if (n == 0 || eq == NULL || eq == w.p || w.p[0] == '-') {
			const char *slash = memrchr(w.p, '/', n);

			return mem_dup(slash == NULL ? span_of(w.p, n) :
			    span_of(slash + 1, (size_t)(w.p + n - slash - 1)));
		}
		w = span_from(w, n);		/* A=b before the command */
	}
}

/* Does a lone & stand in it, other than in 2>&1 or &>? In quotes too: nothing is lost by that. */
static bool
in_background(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '&' && (i == 0 || text.p[i - 1] != '>') && (i + 1 == text.n || text.p[i + 1] != '>'))
			return true;
	return false;
}

static void
add_stage(struct pipe_file *f, struct pipe_stage **v, size_t *n, struct span text)
{
	static const char *const word[] = { "if", "then", "else", "while", "until", "for", "case", "do", "select",
		"function", "coproc", "{", "}", "!", "time", "exec" };
	char *name = command_name(text);

	for (size_t i = 0; i < sizeof word / sizeof *word; i++)
		f->plain = f->plain && strcmp(name, word[i]) != 0;
	/* (a group), a_function(), ${IFS}; what runs in the background is one of the shell's commands too */
	f->plain = f->plain && strpbrk(name, "(){}[]$") == NULL && !in_background(text);
	*v = mem_array(*v, *n + 1, sizeof **v);
	(*v)[(*n)++] = (struct pipe_stage){ name, text };
}

static void
free_stages(struct pipe_stage *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i].name);
	free(v);
}

/* What separates: a pipe goes on, anything else ends it. The LF behind a `|` and one behind a backslash are blanks. */
static size_t
separator(struct span t, size_t i, bool *pipe)
{
	*pipe = t.p[i] == '|' && !(i + 1 < t.n && t.p[i + 1] == '|');
	if (*pipe)
		return i + 1 < t.n && t.p[i + 1] == '&' ? 2 : 1;
	if (t.p[i] == '|' || (t.p[i] == '&' && i + 1 < t.n && t.p[i + 1] == '&'))
		return 2;
	return t.p[i] == ';' || t.p[i] == '\n' ? 1 : 0;
}

static bool
blank(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (strchr(" \t\n\\", s.p[i]) == NULL)
			return false;
	return true;
}

static void
find_stages(struct pipe_file *f, struct span t)
{
	struct pipe_stage *v = NULL;
	size_t n = 0, from = 0, len;

	/* of what is not looked through here nothing is concluded: here documents, `commands` */
	f->plain = memmem(t.p, t.n, "<<", 2) == NULL && memchr(t.p, '`', t.n) == NULL;
	for (size_t i = 0; i <= t.n; i += len) {
		bool pipe = false, end = i == t.n;
		struct span s = span_of(t.p + from, i - from);

		if (!end && (len = piece(t.p + i, t.n - i)) > 0)
			continue;
		len = end ? 1 : separator(t, i, &pipe);
		if (len == 0) {
			len = 1;
			continue;
		}
		if (t.n > i && t.p[i] == '\n' && blank(s) && n > 0)
			continue;		/* the pipe goes on below */
		from = i + len;
		if (!blank(s))
			add_stage(f, &v, &n, s);
		if (pipe)
			continue;
		if (n > f->n_stages) {
			free_stages(f->stage, f->n_stages);
			f->stage = v;
			f->n_stages = n;
		} else {
			free_stages(v, n);
		}
		v = NULL;
		n = 0;
	}
}

bool
pipe_stage_has(const struct pipe_stage *s, struct span word)
{
	for (size_t i = 0; i + word.n <= s->text.n; i++)
		if (memcmp(s->text.p + i, word.p, word.n) == 0 && (i == 0 || !name_byte(s->text.p[i - 1])) &&
		    (i + word.n == s->text.n || !name_byte(s->text.p[i + word.n])))
			return true;
	return false;
}

/* ---- the line above it ---- */

static const char *
set_sinks(struct pipe_file *f, struct span list)
{
	while (list.n > 0) {
		const char *comma = memchr(list.p, ',', list.n);
		size_t n = comma == NULL ? list.n : (size_t)(comma - list.p);

		if (!shell_name_ok(span_of(list.p, n)) || add_sink(f, span_of(list.p, n)) != 0)
			return "names are needed, with commas between them";
		list = span_from(list, n + 1);
	}
	return f->n_sinks > 0 ? NULL : "names are needed";
}

static const char *
set_sync(struct pipe_file *f, struct span word)
{
	f->lax = span_is(word, "process");
	return f->lax || span_is(word, "disk") ? NULL : "disk or process";
}

static int
setting(struct pipe_file *f, struct span w)
{
	const char *eq = memchr(w.p, '=', w.n), *value = eq == NULL ? NULL : eq + 1, *why;
	struct span name = span_of(w.p, eq == NULL ? w.n : (size_t)(eq - w.p));
	const struct { const char *name; int64_t *ms; } times[] = { { "restart", &f->restart_ms },
		{ "restart-max", &f->restart_max_ms }, { "stalled", &f->stalled_ms }, { "stop", &f->stop_ms } };

	why = "unknown setting (sinks, restart, restart-max, stalled, stop, log-size, log-keep, sync)";
	for (size_t i = 0; value != NULL && i < sizeof times / sizeof *times; i++)
		if (span_is(name, times[i].name))
			why = shell_millis(value, times[i].ms);
	if (value != NULL && span_is(name, "sinks"))
		why = set_sinks(f, span_of(value, w.n - name.n - 1));
	else if (value != NULL && span_is(name, "log-size"))
		why = opt_size(value, &f->log_bytes) && f->log_bytes > 0 ? NULL : "a size is needed (10M)";
	else if (value != NULL && span_is(name, "log-keep"))
		why = opt_count(value, &f->log_keep) && f->log_keep <= 1000 ? NULL : "a number up to 1000 is needed";
	else if (value != NULL && span_is(name, "sync"))
		why = set_sync(f, span_of(value, w.n - name.n - 1));
	return why == NULL ? 0 : err_usage("%s:%zu: %s: %s", f->spec->name, f->spec->line[0].number, w.p, why);
}

/* With an epoch every hour a minute of silence says nothing. */
static void
stalled_default(struct pipe_file *f, struct span text)
{
	struct span value;
	int64_t ms;

	if (f->stalled_ms != 0)
		return;
	f->stalled_ms = STALLED_MS;
	while (option_value(&text, "--barriers", &value)) {
		char *dur = mem_dup(value);

		if (shell_millis(dur, &ms) == NULL && ms > f->stalled_ms / STALLED_BARRIERS)
			f->stalled_ms = ms > INT64_MAX / STALLED_BARRIERS ? INT64_MAX : STALLED_BARRIERS * ms;
		free(dur);
	}
}

static int
settings(struct pipe_file *f, struct span text)
{
	const struct spec_line *l = &f->spec->line[0];
	int rc = 0;

	for (size_t i = 1; i < l->n && rc == 0; i++)
		rc = setting(f, l->word[i]);
	if (rc == 0 && f->n_sinks == 0)
		rc = find_sinks(f, text);
	if (rc == 0 && f->restart_max_ms < f->restart_ms)
		f->restart_max_ms = f->restart_ms;
	stalled_default(f, text);
	return rc;
}

int
pipe_file_read(const char *path, struct pipe_file **out)
{
	struct pipe_file *f = mem_new(sizeof *f);
	const char *slash = strrchr(path, '/');
	struct buf text = { 0 };
	struct span name;
	int rc;

	*out = f;
	f->restart_ms = 1000;
	f->restart_max_ms = 60000;
	f->stop_ms = 60000;
	f->log_bytes = 16 * MIB;
	f->log_keep = 5;
	f->dir = slash == NULL ? mem_str(".") : mem_dup(span_of(path, slash == path ? 1 : (size_t)(slash - path)));
	if ((rc = spec_read(path, SPEC_BODY, &f->spec)) != 0)
		return rc;
	if (f->spec->n != 1)
		return err_usage("%s: one pipeline a file, `NAME: …` over lines of shell; here are %zu", path,
		    f->spec->n);
	if ((rc = shell_head(f->spec, 0, "pipeline", &name)) != 0)
		return rc;
	f->name = mem_dup(name);
	f->text = f->spec->line[0].body;
	if ((rc = shell_fits(f->name, f->text)) != 0)
		return rc;
	without_comments(f->text, &text);
	f->bare = mem_dup(buf_span(&text));
	find_pins(f, buf_span(&text));
	rc = settings(f, buf_span(&text));
	find_stages(f, span_of(f->bare, text.n));
	buf_free(&text);
	return rc;
}

void
pipe_file_free(struct pipe_file *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n_sinks; i++)
		free(f->sink[i]);
	free_stages(f->stage, f->n_stages);
	if (f->spec != NULL)
		spec_free(f->spec);
	free(f->pins);
	free(f->bare);
	free(f->name);
	free(f->dir);
	free(f);
}
