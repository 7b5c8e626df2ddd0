/* SPDX-License-Identifier: BSD-2-Clause */
/* run - the life of a command, from its arguments to its exit status (see run.h) */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "op/sift.h"
#include "run/crew.h"
#include "run/ctx.h"
#include "run/epoch.h"
#include "run/sandbox.h"

static const char *const on_error_words[] = { "fail", "skip", NULL };
static const char *const key_as_words[] = { "exact", "text", NULL };

#define AT(field) offsetof(struct common, field)
static const struct opt common_opts[] = {
	{ 'o', "output", OPT_TEXT, AT(output), "FILE", "write to FILE, whole or not at all; .zst and .gz compress" },
	{ 0, "arg", OPT_LIST, AT(arg), "NAME=VALUE", "the value of :NAME in expressions and specs" },
	{ 0, "on-error", OPT_CHOICE, AT(on_error), "fail|skip",
	    "at a bad record: stop (default) or count it and go on", on_error_words },
	{ 0, "reject", OPT_TEXT, AT(reject), "FILE", "append bad records to FILE and go on" },
	{ 0, "max-rejects", OPT_TEXT, AT(max_rejects), "N|P%", "more bad records than this end with 3" },
	{ 0, "stats", OPT_TEXT, AT(stats), "FILE", "append one JSON line of counts, bytes, seconds, memory" },
	{ 0, "progress", OPT_FLAG, AT(progress), NULL, "show progress, on a terminal only" },
	{ 0, "line-buffered", OPT_FLAG, AT(line_buffered), NULL, "write out after each block of input that came" },
	{ 'j', "jobs", OPT_COUNT, AT(jobs), "N", "threads (of a dag: nodes); the output is the same for any N" },
	{ 'S', "memory", OPT_SIZE, AT(memory), "SIZE", "memory budget (256M, or PIPEHOUSE_MEM)" },
	{ 0, "tz", OPT_TEXT, AT(tz), "ZONE", "time zone where there is no warehouse (UTC)" },
	{ 0, "key-as", OPT_CHOICE, AT(key_as), "exact|text",
	    "keys: 1 and \"1\" differ (default) or are equal", key_as_words },
	{ 0, "max-line", OPT_SIZE, AT(max_line), "SIZE", "longest line (64M)" },
	{ 0, "max-string", OPT_SIZE, AT(max_string), "SIZE", "longest string (16M)" },
	{ 0, "max-depth", OPT_SIZE, AT(max_depth), "N", "deepest nesting (1024)" },
	{ 0, "max-keys", OPT_SIZE, AT(max_keys), "N", "most keys in one object (1M)" },
	{ 'h', "help", OPT_FLAG, AT(help), NULL, "print this and exit" },
	{ 0, "version", OPT_FLAG, AT(version), NULL, "print the version and exit" },
	{ 0, "print-options", OPT_FLAG, AT(print_options), NULL, "" },
	{ 0 }
};

volatile sig_atomic_t run_stop;

static void
on_signal(int sig)
{
	run_stop = sig;
}

/* A closed 0, 1 or 2 must not become a data file by accident: each is opened so that using it fails loudly. */
static void
guard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
		    open("/dev/null", fd == 1 ? O_RDONLY : O_WRONLY) != fd)
			_exit(EXIT_IO);
}

static void
signals(unsigned is)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };

	sigemptyset(&sa.sa_mask);
	sa.sa_handler = (is & CMD_EFFECT) != 0 ? SIG_IGN : SIG_DFL;
	sigaction(SIGPIPE, &sa, NULL);
	sa.sa_handler = SIG_IGN;		/* a file size limit is a write error, not a death */
	sigaction(SIGXFSZ, &sa, NULL);
	if ((is & CMD_EFFECT) != 0) {
		sa.sa_handler = on_signal;
		sigaction(SIGTERM, &sa, NULL);
		sigaction(SIGINT, &sa, NULL);
	}
}

/* 64 KiB pipes cap a stage at 1 GB/s, 1 MiB ones at 4; no harm where it is refused. */
static void
enlarge_pipe(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		(void)fcntl(fd, F_SETPIPE_SZ, (int)PIPE_BYTES);
}

static void
synopsis(const struct command *cmd, FILE *f)
{
	fprintf(f, "usage: %s %s\n", cmd->name, cmd->synopsis);
}

int
ctx_usage(struct ctx *c, const char *fmt, ...)
{
	char text[MESSAGE_BYTES_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_warn("%s", text);
	synopsis(c->cmd, stderr);
	return EXIT_USAGE;
}

/* ---- what set_up asks for ---- */

int
ctx_col(struct ctx *c, struct span path, const char *what)
{
	char err[MESSAGE_BYTES_MAX];
	int col = pathset_add(c->paths, path, err, sizeof err);

	if (col == -1)
		ctx_usage(c, "%s: %s", what, err);
	return col;
}

const struct pathset *
ctx_paths(struct ctx *c)
{
	return c->paths;
}

int
ctx_name(struct ctx *c, struct span name, const char *what)
{
	struct buf key = { 0 };
	size_t at;
	bool good;

	buf_json(&key, name);
	good = scan_value(buf_span(&key), NULL, &at) == NULL;
	buf_free(&key);
	return good ? 0 : ctx_usage(c, "%s: the name '%.*s' is not UTF-8", what, (int)name.n, name.p);
}

struct cols_arg {
	struct ctx *c;
	const char *what;
	struct col_list *out;
};

static int
one_col(void *arg, struct span name, struct span path)
{
	struct cols_arg *a = arg;
	struct col_list *l = a->out;
	struct buf key = { 0 };
	int col = ctx_col(a->c, path, a->what);

	if (col == -1)
		return EXIT_USAGE;
	if (name.n == 0)
		name = path_last(&a->c->paths->path[col]);
	if (ctx_name(a->c, name, a->what) != 0)
		return EXIT_USAGE;
	for (size_t i = 0; i < l->n; i++)
		if (span_eq(l->name[i], name))
			return ctx_usage(a->c, "%s: the name '%.*s' stands twice", a->what, (int)name.n, name.p);
	l->col = mem_array(l->col, l->n + 1, sizeof *l->col);
	l->name = mem_array(l->name, l->n + 1, sizeof *l->name);
	l->key = mem_array(l->key, l->n + 1, sizeof *l->key);
	json_key(&key, name);
	l->col[l->n] = col;
	l->name[l->n] = span_of(mem_dup(name), name.n);
	l->key[l->n++] = buf_span(&key);
	return 0;
}

int
ctx_cols(struct ctx *c, const char *list, const char *what, struct col_list *out)
{
	struct cols_arg a = { c, what, out };

	*out = (struct col_list){ 0 };
	return pathlist_each(span_str(list), one_col, &a);
}

struct expr_env
ctx_env(struct ctx *c, struct pathset *ps)
{
	return (struct expr_env){ .paths = ps == NULL ? c->paths : ps, .zone = c->zone,
	    .arg = c->arg, .n_args = c->opt.arg.n };
}

int
ctx_expr(struct ctx *c, struct span text, const char *what, struct expr **out)
{
	struct expr_env env = ctx_env(c, c->paths);
	char err[MESSAGE_BYTES_MAX];

	if (expr_compile(text, &env, out, err, sizeof err) == 0)
		return 0;
	return ctx_usage(c, "%s: %s", what, err);
}

struct expr_state *
ctx_expr_state(struct ctx *c)
{
	if (c->expr_state == NULL)
		c->expr_state = expr_state_new();
	return c->expr_state;
}

const struct zone *
ctx_zone(struct ctx *c)
{
	return c->zone;
}

enum key_as
ctx_key_as(const struct ctx *c)
{
	return c->opt.key_as == 0 ? KEY_EXACT : KEY_TEXT;
}

int
ctx_time(struct ctx *c, const char *text, const char *what, int *col, enum unit *unit)
{
	static const char *const name[] = { ":s", ":ms", ":us" };
	struct span path = span_str(text);

	*unit = UNIT_GUESS;
	for (int i = 0; i < 3; i++) {
		size_t n = strlen(name[i]);

		if (path.n > n && memcmp(path.p + path.n - n, name[i], n) == 0) {
			path.n -= n;
			*unit = (enum unit)(UNIT_S + i);
			break;
		}
	}
	*col = ctx_col(c, path, what);
	return *col == -1 ? EXIT_USAGE : 0;
}

int
ctx_dur(struct ctx *c, const char *text, const char *what, struct dur *d)
{
	const char *why = dur_parse(text, d);

	return why == NULL ? 0 : ctx_usage(c, "%s: %s", what, why);
}

static struct side *
add_side(struct ctx *c, struct sink *s)
{
	c->side = mem_array(c->side, c->n_sides + 1, sizeof *c->side);
	c->side[c->n_sides] = (struct side){ .sink = s };
	return &c->side[c->n_sides++];
}

int
side_open(struct ctx *c, const char *name, const char *path)
{
	struct sink *s;

	if (strcmp(path, "-") == 0) {
		ctx_usage(c, "%s: a side output cannot be the standard output", name);
		return -1;
	}
	/* what runs for weeks goes on with its files: epochs say how long they are */
	if ((c->epoch != NULL ? sink_append(path, &s) : sink_open(path, &s)) != 0)
		return -1;
	add_side(c, s);
	return (int)c->n_sides - 1;
}

void
ctx_names(struct ctx *c, int out, const struct span *name, size_t n)
{
	struct side *s = &c->side[out];

	s->key = mem_array(s->key, n, sizeof *s->key);
	s->n_keys = n;
	for (size_t i = 0; i < n; i++) {
		struct buf key = { 0 };

		json_key(&key, name[i]);
		s->key[i] = buf_span(&key);
	}
}

int
ctx_names_of(struct ctx *c, const struct col_list *groups, const char *const *result, size_t n)
{
	struct span *name = mem_array(NULL, mem_add(groups->n, n), sizeof *name);
	int rc = 0;

	for (size_t i = 0; i < groups->n; i++)
		name[i] = groups->name[i];
	for (size_t k = 0; k < n && rc == 0; k++) {
		name[groups->n + k] = span_str(result[k]);
		for (size_t i = 0; i < groups->n && rc == 0; i++)
			if (span_eq(name[i], name[groups->n + k]))
				rc = ctx_usage(c, "-g: the name '%s' is that of a result", result[k]);
	}
	if (rc == 0)
		ctx_names(c, 0, name, groups->n + n);
	free(name);
	return rc;
}

/* ---- small answers ---- */

size_t
ctx_budget(struct ctx *c)
{
	return c->sharing > 1 ? c->opt.memory / c->sharing : c->opt.memory;
}

size_t
ctx_max_line(struct ctx *c)
{
	return c->opt.max_line == 0 ? LINE_BYTES_MAX : c->opt.max_line;
}

uint64_t
ctx_jobs(struct ctx *c)
{
	return c->opt.jobs == 0 ? 1 : c->opt.jobs;
}

void
ctx_serial(struct ctx *c)
{
	c->serial = true;
}

static void
ids_ahead(const void *arg, const struct batch *b, struct buf *scratch, struct fp *out)
{
	const struct ctx *c = arg;

	sift_ahead(b, c->ahead_key->col, c->ahead_key->n, ctx_key_as(c), scratch, out);
}

void
ctx_ahead(struct ctx *c, const struct col_list *key)
{
	c->ahead_key = key;
	c->ahead = (struct ahead){ ids_ahead, c };
}

const char *
ctx_run_dir(struct ctx *c)
{
	const char *dir = getenv("PIPEHOUSE_RUN");

	(void)c;
	return dir == NULL || *dir == '\0' ? NULL : dir;
}

const char *
ctx_run_id(struct ctx *c)
{
	const char *dir = ctx_run_dir(c), *slash = dir == NULL ? NULL : strrchr(dir, '/');

	return slash == NULL ? dir : slash + 1;
}

void
ctx_note(struct ctx *c, const char *name, uint64_t n)
{
	for (size_t i = 0; i < c->n_notes; i++) {
		if (strcmp(c->note[i].name, name) == 0) {
			c->note[i].n = n;
			return;
		}
	}
	c->note = mem_array(c->note, c->n_notes + 1, sizeof *c->note);
	c->note[c->n_notes++] = (struct note){ name, n };
}

void
ctx_count_in(struct ctx *c, uint64_t n, enum fate f)
{
	c->count.in += n;
	c->count.passed += f == F_PASS ? n : 0;
	c->count.dropped += f == F_DROP ? n : 0;
	c->count.used += f == F_USED ? n : 0;
	c->count.rejected += f == F_REJECT ? n : 0;
}

void
ctx_count_made(struct ctx *c, uint64_t n)
{
	c->count.made += n;
}

void
ctx_count_blank(struct ctx *c, uint64_t n)
{
	c->blank += n;
}

int64_t
ctx_now_us(struct ctx *c)
{
	struct timespec now;

	if (c->epoch != NULL)
		return epoch_now_ms(c->epoch) * 1000;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

bool
ctx_in_job(const struct ctx *c)
{
	return c->epoch != NULL;
}

int64_t
ctx_wm_ms(const struct ctx *c)
{
	return epoch_wm_ms(c->epoch);
}

const char *
ctx_nonce(const struct ctx *c)
{
	return c->epoch == NULL ? NULL : epoch_nonce(c->epoch);
}

int
ctx_rejects_size(struct ctx *c, uint64_t *bytes)
{
	*bytes = 0;
	return c->rejects == NULL ? 0 : sink_settle(c->rejects, bytes);
}

/* So many rejects of the job are in its file. */
static int
count_rejects(struct ctx *c)
{
	char text[16384];
	int fd = open(c->opt.reject, O_RDONLY | O_CLOEXEC);
	uint64_t lines = 0;
	ssize_t n = -1;

	if (fd != -1) {
		while ((n = read(fd, text, sizeof text)) > 0)
			for (const char *p = text; (p = memchr(p, '\n', (size_t)(text + n - p))) != NULL; p++)
				lines++;
		(void)close(fd);
	}
	if (n == -1)
		return err_io("%s: %s", c->opt.reject, strerror(errno));
	c->total_rejects = lines;
	return 0;
}

int
ctx_rejects_cut(struct ctx *c, uint64_t bytes)
{
	int rc = c->rejects == NULL ? 0 : sink_cut(c->rejects, bytes);

	return rc == 0 && c->rejects != NULL && c->has_max_rejects ? count_rejects(c) : rc;
}

bool
ctx_to_terminal(struct ctx *c)
{
	return c->opt.output == NULL && isatty(1) == 1;
}

const char *
ctx_source(struct ctx *c)
{
	return source_name(c->feed->src);
}

void
ctx_recount(struct ctx *c, uint64_t n, enum fate from, enum fate to)
{
	uint64_t *const at[] = { &c->count.passed, &c->count.dropped, &c->count.used, &c->count.rejected };

	*at[from] -= n;
	*at[to] += n;
}

const struct flow_counts *
ctx_counts(const struct ctx *c)
{
	return &c->count;
}

struct sink *
ctx_out(struct ctx *c)
{
	return c->side[0].sink;
}

size_t
ctx_files(struct ctx *c, const char *const **files)
{
	*files = (const char *const *)c->file;
	return c->n_files;
}

char *const *
ctx_command(struct ctx *c)
{
	return c->command;
}

bool
ctx_stopped(struct ctx *c)
{
	(void)c;
	return run_stop != 0;
}

volatile const sig_atomic_t *
ctx_stop(struct ctx *c)
{
	(void)c;
	return &run_stop;
}

/* ---- start and end ---- */

static int
settle_options(struct ctx *c)
{
	struct common *o = &c->opt;
	const char *mem = getenv("PIPEHOUSE_MEM");
	size_t n;

	c->arg = mem_array(NULL, o->arg.n, sizeof *c->arg);
	for (size_t i = 0; i < o->arg.n; i++) {
		const char *eq = strchr(o->arg.v[i], '=');

		if (eq == NULL || eq == o->arg.v[i])
			return ctx_usage(c, "--arg: '%s' is not NAME=VALUE", o->arg.v[i]);
		c->arg[i].name = span_of(o->arg.v[i], (size_t)(eq - o->arg.v[i]));
		c->arg[i].value = span_str(eq + 1);
	}
	if (o->memory == 0) {
		o->memory = MEM_BUDGET_BYTES;
		if (mem != NULL && *mem != '\0' && !opt_size(mem, &o->memory))
			return ctx_usage(c, "PIPEHOUSE_MEM: '%s' is not a size", mem);
	}
	if (o->max_rejects != NULL) {
		char digits[24];

		n = strlen(o->max_rejects);
		c->has_max_percent = n > 1 && n < sizeof digits && o->max_rejects[n - 1] == '%';
		c->has_max_rejects = !c->has_max_percent;
		snprintf(digits, sizeof digits, "%.*s", (int)(c->has_max_percent ? n - 1 : n), o->max_rejects);
		if (!opt_count(digits, c->has_max_percent ? &c->max_percent : &c->max_rejects))
			return ctx_usage(c, "--max-rejects: '%s' is neither N nor P%%", o->max_rejects);
	}
	if (o->max_depth > DEPTH_MAX)
		return ctx_usage(c, "--max-depth: at most %d", DEPTH_MAX);
	o->progress = o->progress && isatty(2);
	return zone_settle(c);
}

/* Operands: the command's words first, then files; behind `--` all are files, but for words known by their place. */
static int
take_operands(struct ctx *c, char *argv[], int first, int argc, int dashes)
{
	int i = first, took;

	if ((c->cmd->is & CMD_COMMAND) != 0) {
		c->command = argv + dashes;
		argc = dashes;
	}
	while (i < argc && (i < dashes || (c->cmd->is & CMD_PLACES) != 0) && c->cmd->word != NULL) {
		took = c->cmd->word(c, c->st, argv[i]);
		if (took < 0)
			return -took;
		if (took == 0)
			break;
		i++;
	}
	c->file = argv + i;
	c->n_files = (size_t)(argc - i);
	return 0;
}

static int
open_outputs(struct ctx *c)
{
	struct sink *s;
	int rc;

	if (c->opt.output != NULL)
		rc = sink_open(c->opt.output, &s);
	else
		rc = sink_fd(1, "stdout", CODEC_NONE, &s);
	if (rc != 0)
		return rc;
	add_side(c, s);
	if (c->opt.reject != NULL)
		rc = sink_append(c->opt.reject, &c->rejects);
	return rc;
}

static int
work(struct ctx *c)
{
	const struct command *cmd = c->cmd;
	int rc = 0;

	if ((cmd->set_up != NULL && (rc = cmd->set_up(c, c->st)) != 0) || (rc = epoch_ready(c)) != 0)
		return rc;
	enlarge_pipe(0);
	enlarge_pipe(1);
	if (cmd->main != NULL)
		return cmd->main(c, c->st);
	if ((cmd->is & CMD_EFFECT) == 0)
		sandbox(SB_FILTER);
	c->main_feed.threads = crew_size(c);
	rc = input_all(c);
	if (rc == 0 && run_stop)
		rc = err_temp("stopped by signal %d", (int)run_stop);
	if (rc == 0 && cmd->end != NULL && c->epoch == NULL)
		rc = cmd->end(c, c->st);
	return rc;
}

/* Files appear whole or not at all; what already went down a pipe is flushed, so that whole lines end it. */
static int
close_outputs(struct ctx *c, int rc)
{
	int r;

	for (size_t i = 0; i < c->n_sides; i++) {
		struct sink *s = c->side[i].sink;

		if (i == 0)
			c->count.bytes_out = sink_bytes(s);
		if (rc != 0 && rc != EXIT_NO && (i > 0 || c->opt.output != NULL)) {
			sink_abort(s);
			continue;
		}
		/* fd 1 is closed here, checked: a full disk must not exit 0 */
		r = sink_close(s);
		rc = rc == 0 || (rc == EXIT_NO && r != 0) ? r == 0 ? rc : r : rc;
	}
	if (c->rejects != NULL) {
		r = sink_close(c->rejects);
		rc = rc == 0 ? r : rc;
	}
	return rc;
}

/* Only what the main input takes from stdin is counted on that pipe. */
static bool
reads_stdin(const struct ctx *c)
{
	if ((c->cmd->is & CMD_NO_INPUT) != 0 || (c->cmd->reads != NULL && !c->cmd->reads(c->st)))
		return false;
	for (size_t i = 0; i < c->n_files; i++)
		if (strcmp(c->file[i], "-") == 0)
			return true;
	return c->n_files == 0;
}

static int
run_command(struct ctx *c, int argc, char *argv[])
{
	struct opt_set set = { { c->cmd->opts, common_opts }, { c->st, &c->opt } };
	char err[MESSAGE_BYTES_MAX];
	struct buf stats = { 0 };
	int first, dashes, rc, r;

	if (opt_parse(&set, argc, argv, &first, &dashes, err, sizeof err) != 0)
		return ctx_usage(c, "%s", err);
	if (c->opt.help || c->opt.version || c->opt.print_options) {
		if (c->opt.print_options) {
			opt_table(&set, stdout);
		} else if (c->opt.version) {
			printf("%s (Pipehouse) %s\n", c->cmd->name, VERSION);
		} else {
			printf("%s - %s\n", c->cmd->name, c->cmd->what);
			synopsis(c->cmd, stdout);
			opt_help(&set, stdout);
		}
		if (fflush(stdout) != 0 || ferror(stdout))
			return err_io("stdout: %s", strerror(errno));
		return 0;
	}
	if ((rc = settle_options(c)) != 0 || (rc = epoch_begin(c, argc - first, argv + first)) != 0 ||
	    (rc = take_operands(c, argv, first, argc, dashes)) != 0)
		return rc;
	if (ctx_run_dir(c) != NULL && (rc = flow_begin(ctx_run_dir(c), c->cmd->name, argc, argv, reads_stdin(c),
	    c->opt.output == NULL)) != 0)
		return rc;
	if ((rc = open_outputs(c)) == 0)
		rc = work(c);
	stats_progress(c, true);
	if (c->n_sides > 0 || c->rejects != NULL) {
		/* outputs first: an effect may only be committed when nothing else can fail any more */
		rc = close_outputs(c, rc);
	}
	if (c->cmd->finish != NULL)
		rc = c->cmd->finish(c, c->st, rc);
	r = stats_write(c, rc, &stats);
	rc = rc == 0 ? r : rc;
	if (ctx_run_dir(c) != NULL) {
		r = flow_end(&c->count, rc, buf_cstr(&stats));
		rc = rc == 0 ? r : rc;
	}
	buf_free(&stats);
	epoch_free(c->epoch);
	return rc;
}

int
run_main(int argc, char *argv[], const struct command *cmd)
{
	struct ctx c = { .cmd = cmd };

	mem_begin();
	guard_fds();
	err_name(cmd->name);
	signals(cmd->is);
	clock_gettime(CLOCK_MONOTONIC, &c.began);
	c.st = mem_new(cmd->state_bytes);
	c.paths = pathset_new();
	return run_command(&c, argc, argv);
}
