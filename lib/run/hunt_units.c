/* SPDX-License-Identifier: BSD-2-Clause */
/* hunt_units - operands to inputs, and what their indexes know (see hunt.h) */
#include <stdlib.h>

#include "run/hunt_own.h"

#define LOOKS_MIN 4		/* inputs that a thread of its own is worth */
#define LOOKS_THREADS 16	/* in flight: a cold disk answers many at once as soon as one */

static struct prey *
add(struct hunt *h)
{
	if (h->n_units == h->cap_units) {
		h->cap_units = h->cap_units == 0 ? 16 : mem_mul(h->cap_units, 2);
		h->unit = mem_array(h->unit, h->cap_units, sizeof *h->unit);
	}
	h->unit[h->n_units] = (struct prey){ 0 };
	return &h->unit[h->n_units++];
}

/* Files [from, to) of a day: one input. */
static void
add_table(struct hunt *h, const char *operand, const struct ask *ask, const struct wh_files *f, size_t from, size_t to)
{
	struct prey *u = add(h);
	struct buf b = { 0 };

	/* a row is known by its table and day; the name of its file is the store's business */
	buf_fmt(&b, "%.*s@%s", (int)strcspn(operand, "@"), operand, f->file[from].day);
	*u = (struct prey){ .ask = ask, .name = mem_str(buf_cstr(&b)), .path = f->file[from].path, .files = f,
	    .from = from, .to = to };
	buf_free(&b);
}

static int
one_table(struct hunt *h, const char *operand)
{
	const struct ask *ask = h->conf->ask_of(h->conf->arg, operand);
	struct wh_want w = { .operand = span_str(operand), .missing_ok = h->conf->missing_ok };
	struct wh_files *f = mem_new(sizeof *f);
	int rc = wh_open(&w, f);

	h->files = mem_array(h->files, h->n_files + 1, sizeof *h->files);
	h->files[h->n_files++] = f;
	if (rc != 0) {
		/* what stands before it is read yet */
		add(h)->rc = rc;
		return rc;
	}
	for (size_t i = 0, k; i < f->n; i = k) {
		bool deltas = false;

		for (k = i; k < f->n && strcmp(f->file[k].day, f->file[i].day) == 0; k++)
			deltas = deltas || f->file[k].delta;
		if (deltas)
			add_table(h, operand, ask, f, i, k);
		for (size_t m = i; !deltas && m < k; m++)
			add_table(h, operand, ask, f, m, m + 1);
	}
	return 0;
}

static void
one_file(struct hunt *h, const char *operand)
{
	struct prey *u = add(h);

	u->ask = h->conf->ask_of(h->conf->arg, operand);
	u->path = operand;
	u->name = mem_str(strcmp(operand, "-") == 0 ? "<stdin>" : operand);
}

/* ---- indexes ---- */

static bool
look(const struct hunt *h, const struct prey *u, size_t i, struct index_frame **frame, size_t *n)
{
	const struct wh_file *f = &u->files->file[i];
	struct index_file x = { f->path, f->bytes, strtoull(f->xxh64, NULL, 16) };

	return index_look(&x, u->ask->index, h->conf->id, frame, n);
}

static void
ask_index(const struct hunt *h, struct prey *u)
{
	if (u->files == NULL || u->ask->index == NULL)
		return;
	if (u->to - u->from == 1) {
		u->known = look(h, u, u->from, &u->frame, &u->n_frames);
		return;
	}
	/* a row of a merged day is one of its files' rows */
	u->known = true;
	for (size_t i = u->from; u->known && i < u->to; i++) {
		struct index_frame *frame;
		size_t n;

		u->known = look(h, u, i, &frame, &n) && n == 0;
		free(frame);
	}
}

static void *
ask_some(void *arg)
{
	struct hunt *h = arg;
	size_t i;

	while ((i = __atomic_fetch_add(&h->next_unit, 1, __ATOMIC_RELAXED)) < h->n_units)
		ask_index(h, &h->unit[i]);
	return NULL;
}

static void
ask_all(struct hunt *h, size_t jobs)
{
	size_t n = jobs == 1 ? 0 : h->n_units / LOOKS_MIN;
	pthread_t thread[LOOKS_THREADS];

	if (n > LOOKS_THREADS)
		n = LOOKS_THREADS;
	for (size_t i = 0; i < n; i++)
		if (pthread_create(&thread[i], NULL, ask_some, h) != 0)
			n = i;
	ask_some(h);
	for (size_t i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
}

int
hunt_units(struct hunt *h, size_t jobs)
{
	struct ctx *c = h->ctx;
	int rc = 0;

	if (c->n_files == 0)
		one_file(h, "-");
	for (size_t i = 0; rc == 0 && i < c->n_files; i++) {
		if (strncmp(c->file[i], "wh:", 3) == 0)
			rc = one_table(h, c->file[i]);
		else
			one_file(h, c->file[i]);
	}
	ask_all(h, jobs);
	return 0;
}

void
hunt_units_free(struct hunt *h)
{
	for (size_t i = 0; i < h->n_units; i++) {
		free(h->unit[i].name);
		free(h->unit[i].frame);
	}
	free(h->unit);
	for (size_t i = 0; i < h->n_files; i++) {
		wh_close(h->files[i]);
		free(h->files[i]);
	}
	free(h->files);
}
