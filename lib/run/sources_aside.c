/* SPDX-License-Identifier: BSD-2-Clause */
/* sources_aside - logs that rotation has put aside, looked for in the directories where they were; see sources.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "run/sources_own.h"
#include "store/fs.h"

#define ASIDE_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK)

struct want {
	struct spot_known k;
	char at[SPOT_BYTES];		/* of k, which moves */
	char *name, *dir;		/* that it was known by */
	bool met;			/* a file with its inode was there */
	bool looked;			/* the directory was read, and is of its file system */
};

/* ---- which ---- */

static bool
is_open(const struct sources *s, const struct spot_known *k)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct input *x = &s->in[i];

		if (x->fd > 0 && x->dev == k->dev && x->ino == k->ino &&
		    (x->birth == k->birth || x->birth == 0 || k->birth == 0))
			return true;
	}
	return false;
}

/* The name of this round with that hash: that of a file, or the pattern where it is one. */
static const char *
name_of(const struct sources *s, uint64_t hash)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct input *x = &s->in[i];

		if (x->fd > 0 && x->as == NULL && x->name == hash)
			return x->path;
	}
	return s->pattern_name == hash && hash != 0 ? s->pattern : NULL;
}

static void
want_all(struct sources *s, const struct live *live)
{
	struct spot_known k;
	const char *name;

	for (size_t i = 0; spot_next(live, &i, &k);) {
		struct want *w;

		if (is_open(s, &k))
			continue;
		name = s->known_as != NULL ? s->known_as(s->arg, k.app) : name_of(s, k.name);
		if (name == NULL)
			continue;
		s->want = mem_array(s->want, s->n_want + 1, sizeof *s->want);
		w = &s->want[s->n_want++];
		*w = (struct want){ .k = k, .name = mem_str(name), .dir = fs_parent(name) };
		snprintf(w->at, sizeof w->at, "%s", k.at);
	}
}

/* ---- where ---- */

static void
beside(const char *path, const char *name, struct buf *out)
{
	const char *slash = strrchr(path, '/');

	buf_clear(out);
	if (slash != NULL)
		buf_add(out, path, (size_t)(slash + 1 - path));
	buf_str(out, name);
	(void)buf_cstr(out);
}

/* The wanted one of that directory that an entry may be. */
static struct want *
wanted(struct sources *s, const char *dir, uint64_t ino)
{
	for (size_t i = 0; i < s->n_want; i++)
		if (s->want[i].k.ino == ino && strcmp(s->want[i].dir, dir) == 0)
			return &s->want[i];
	return NULL;
}

/* Read it once; true while one whose end was not seen is missing. */
static bool
look_through(struct sources *s, DIR *d, const char *dir)
{
	struct buf path = { 0 };
	struct dirent *e;
	struct want *w;
	bool lacks = false;

	rewinddir(d);
	while ((e = readdir(d)) != NULL) {
		int fd;

		if ((w = wanted(s, dir, e->d_ino)) == NULL)
			continue;
		beside(w->name, e->d_name, &path);
		/* gone since: the next rotation has taken it */
		if ((fd = open(path.p, ASIDE_FLAGS)) == -1)
			continue;
		w->met = true;
		sources_add(s, path.p, w->name, fd);
	}
	for (size_t i = 0; i < s->n_want; i++)
		lacks = lacks || (!s->want[i].met && !s->want[i].k.over && strcmp(s->want[i].dir, dir) == 0);
	buf_free(&path);
	return lacks;
}

static int
look_in(struct sources *s, const char *dir)
{
	DIR *d = opendir(dir);
	struct stat st;

	if (d == NULL)		/* it is away with all that is in it, and may come back */
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_io("%s: %s", dir, strerror(errno));
	/* an entry that is renamed meanwhile may be in neither place for who reads: twice is sure enough */
	if (look_through(s, d, dir))
		(void)look_through(s, d, dir);
	if (fstat(dirfd(d), &st) == 0)
		for (size_t i = 0; i < s->n_want; i++)
			if (strcmp(s->want[i].dir, dir) == 0)
				s->want[i].looked = s->want[i].k.dev == st.st_dev;
	closedir(d);
	return 0;
}

int
aside_look(struct sources *s, const struct live *live)
{
	int rc = 0;

	aside_forget(s);
	want_all(s, live);
	for (size_t i = 0; rc == 0 && i < s->n_want; i++) {
		size_t k = 0;

		while (strcmp(s->want[k].dir, s->want[i].dir) != 0)
			k++;
		if (k == i)
			rc = look_in(s, s->want[i].dir);
	}
	return rc;
}

void
aside_forget(struct sources *s)
{
	for (size_t i = 0; i < s->n_want; i++) {
		free(s->want[i].name);
		free(s->want[i].dir);
	}
	free(s->want);
	s->want = NULL;
	s->n_want = 0;
}

/* ---- what is not there ---- */

static bool
seen(const struct sources *s, const char *app)
{
	for (size_t i = 0; i < s->n_sight; i++)
		if (strcmp(s->sight[i].app, app) == 0)
			return true;
	return false;
}

void
aside_tell(struct sources *s)
{
	for (size_t i = 0; i < s->n_want; i++) {
		struct want *w = &s->want[i];
		struct input x = { .fd = -1 };

		if (!w->looked || seen(s, w->k.app))
			continue;
		s->sight = mem_array(s->sight, s->n_sight + 1, sizeof *s->sight);
		memcpy(s->sight[s->n_sight].app, w->k.app, sizeof w->k.app);
		s->sight[s->n_sight++].gone = true;
		if (w->k.over || s->silent || s->pattern == NULL)
			continue;
		err_warn("%s: a file that was read under this name is gone, and its end was not seen: what was "
		    "written to it behind byte %llu, if anything was, is lost", w->name,
		    (unsigned long long)w->k.offset);
		s->lost++;
		if (s->known_as != NULL)
			continue;
		x.path = mem_str(w->name);
		memcpy(x.spot.app, w->k.app, sizeof w->k.app);
		memcpy(x.spot.from, w->at, sizeof w->at);
		s->in = mem_array(s->in, s->n + 1, sizeof *s->in);
		s->in[s->n++] = x;
	}
}

/* ---- what nobody has seen ---- */

static bool
is_new_here(const struct sources *s, const struct live *live, const struct stat *st)
{
	struct spot_known k;

	for (size_t i = 0; i < s->n; i++)
		if (s->in[i].fd > 0 && s->in[i].dev == st->st_dev && s->in[i].ino == st->st_ino)
			return false;
	for (size_t i = 0; spot_next(live, &i, &k);)
		if (k.dev == st->st_dev && k.ino == st->st_ino)
			return false;
	return S_ISREG(st->st_mode);
}

/* A file beside, made between the two: not a compressed copy, which somebody makes of a log. */
static void
tell_missed(struct sources *s, const struct live *live, const char *path, const struct input *x, uint64_t since)
{
	int fd = open(path, ASIDE_FLAGS);
	struct stat st;
	uint64_t birth;
	bool fresh = false;

	if (fd == -1)
		return;
	birth = spot_birth(fd);
	if (birth > since && birth < x->birth && !spot_packed(fd) && fstat(fd, &st) == 0 && is_new_here(s, live, &st)) {
		if (s->told == NULL)
			s->told = map_new(0);
		(void)map_put(s->told, span_of((const char *)&st.st_ino, sizeof st.st_ino), &fresh);
	}
	if (fresh) {
		err_warn("%s: it came under the name of %s and was put aside before anybody had looked: it is not read "
		    "(let the pattern match it)", path, x->path);
		s->missed++;
	}
	close(fd);
}

void
aside_missed(struct sources *s, const struct live *live, const struct input *x)
{
	const char *slash = strrchr(x->path, '/'), *base = slash == NULL ? x->path : slash + 1;
	struct buf path = { 0 };
	struct spot_known k;
	struct dirent *e;
	uint64_t since = 0;
	char *dir;
	DIR *d;

	for (size_t i = 0; spot_next(live, &i, &k);)
		if (k.name == x->name && k.birth > since)
			since = k.birth;
	if (since == 0 || x->birth <= since)
		return;
	dir = fs_parent(x->path);
	d = opendir(dir);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, base, strlen(base)) != 0 || e->d_name[strlen(base)] == '\0')
			continue;
		beside(x->path, e->d_name, &path);
		tell_missed(s, live, path.p, x, since);
	}
	if (d != NULL)
		closedir(d);
	buf_free(&path);
	free(dir);
}
