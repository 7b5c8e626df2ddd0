/* SPDX-License-Identifier: BSD-2-Clause */
/* pieces_test - what is written comes back, by whichever way it was written, and what is damaged does not */
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "run/pieces.h"
#include "t.h"

#define MOST 64

static struct { struct span key, val; } want[MOST];
static size_t n_want, n_got;

static int
each(void *arg, struct span key, struct span val)
{
	(void)arg;
	okf(n_got < n_want && span_eq(key, want[n_got].key) && span_eq(val, want[n_got].val), "piece %zu", n_got);
	n_got++;
	return 0;
}

static int
read_it(void)
{
	struct pieces_reader r;
	struct buf head = { 0 };
	int rc = pieces_open(&r, "f", &head);

	okf(rc != 0 || span_is(buf_span(&head), "the head"), "the head");
	n_got = 0;
	rc = rc == 0 ? pieces_each(&r, each, NULL) : rc;
	pieces_close(&r);
	buf_free(&head);
	return rc;
}

/* Small pieces between large ones of which some begin with a page; off: where the others begin.  Or pages alone. */
static void
write_it(char *mem, size_t bytes, size_t off, bool lax)
{
	bool pages = bytes % 4096 == 0 && off == 4096;
	struct pieces_writer w = { .lax = lax };
	int rc = pieces_begin(&w, "f", span_str("the head"));

	n_want = 0;
	for (size_t i = 0; rc == 0 && i < 12; i++) {
		struct span val = span_of(mem + (i % 3 == 1 ? off : 0), pages ? bytes - 4096 * i : i % 2 == 0 ?
		    bytes - 500 * i : 5 * i);

		rc = !pages && i % 3 == 2 ? pieces_put(&w, span_str("key"), val) : pieces_put_bulk(&w, span_str("bu"), val);
		want[n_want].key = !pages && i % 3 == 2 ? span_str("key") : span_str("bu");
		want[n_want++].val = val;
	}
	okf(rc == 0 && pieces_end(&w, ".") == 0, "written");
	pieces_drop(&w);
	okf(read_it() == 0 && n_got == n_want, "%zu bytes, %zu: all pieces come back", bytes, off);
}

/* Any byte of it is another one, or the end is lacking. */
static void
damage(size_t step)
{
	struct stat st;
	FILE *f = fopen("f", "r+");
	int c;

	if (f == NULL || fstat(fileno(f), &st) == -1)
		abort();
	for (long at = 0; at < st.st_size; at += (long)step) {
		fseek(f, at, SEEK_SET);
		c = fgetc(f);
		if (c == 0)		/* perhaps of a padding, which nobody looks at */
			continue;
		fseek(f, at, SEEK_SET);
		fputc(c ^ 0x10, f);
		fflush(f);
		okf(read_it() != 0, "byte %ld", at);
		fseek(f, at, SEEK_SET);
		fputc(c, f);
		fflush(f);
	}
	okf(read_it() == 0, "as it was");
	for (long n = st.st_size - 1; n >= 0; n -= (long)step)
		okf(ftruncate(fileno(f), n) == 0 && read_it() != 0, "%ld bytes of it", n);
	fclose(f);
}

int
main(void)
{
	static const size_t size[] = { 70000, 65536 + 5500, MIB, 3 * MIB + 17, 8 * MIB };
	char dir[] = "pieces_test.XXXXXX";
	char *mem = mem_pages(9 * MIB);

	if (mkdtemp(dir) == NULL || chdir(dir) == -1)
		return 1;
	err_name("pieces_test");
	if (freopen("/dev/null", "w", stderr) == NULL)	/* the errors we provoke are checked by their status */
		return 1;
	for (size_t i = 0; i < 9 * MIB; i++)
		mem[i] = (char)(i * 7 + i / 251 + i / 65537);
	for (size_t i = 0; i < sizeof size / sizeof *size; i++)
		for (int lax = 0; lax < 2; lax++) {
			write_it(mem, size[i], 0, lax == 1);
			write_it(mem, size[i], 16, lax == 1);
			write_it(mem, size[i], 4096, lax == 1);
		}
	ok_all("pieces come back");
	write_it(mem, 70000, 0, false);
	damage(7919);
	ok_all("and what is damaged does not");
	unlink("f");
	ok(chdir("..") == 0 && rmdir(dir) == 0, "no temporary file is left");
	free(mem);
	return done();
}
