/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_test - what goes in comes out, in memory and by way of the file */
#include "edge/replay.h"
#include "t.h"

static size_t
length_of(size_t i)
{
	return i % 97 == 0 ? 70000 + i : i * 31 % 200;
}

static void
fill(struct replay *r, size_t n)
{
	char *line = mem_new(200000);

	for (size_t i = 0; i < n; i++) {
		memset(line, (int)('a' + i % 26), length_of(i));
		if (replay_add(r, &(struct replay_line){ span_of(line, length_of(i)), i < n / 2 ?
		    "one" : "two", i + 1, i * 10, { i, 0, 0, i * 7 } }) != 0)
			okf(false, "line %zu is not taken", i);
	}
	free(line);
}

static void
read_back(struct replay *r, size_t n, const char *name)
{
	struct replay_line l;
	struct span rec;
	size_t i = 0;
	int got;

	replay_rewind(r);
	while ((got = replay_next(r, &rec)) == 1) {
		bool same = true;

		replay_line(r, rec, &l);
		for (size_t k = 0; k < l.text.n; k++)
			same = same && l.text.p[k] == (char)('a' + i % 26);
		okf(same && l.text.n == length_of(i) && l.number == i + 1 && l.offset == i * 10 && l.at[0] == i && l.at[3] == i * 7 &&
		    strcmp(l.source, i < n / 2 ? "one" : "two") == 0, "line %zu", i);
		i++;
	}
	okf(got == 0 && i == n, "%zu of %zu lines, %d at the end", i, n, got);
	ok_all(name);
}

int
main(void)
{
	struct replay *big = replay_new((size_t)1 << 30), *small = replay_new(100000), *none =
	    replay_new(1);
	struct fp a, b;
	struct span rec;

	ok(replay_next(none, &rec) == 0, "an empty one ends at once");
	fill(big, 3000);
	fill(small, 3000);
	fill(none, 300);
	is_int((int64_t)replay_count(small), 3000, "all are counted");
	ok(replay_bytes(small) == replay_bytes(big), "bytes are counted wherever they are");
	read_back(big, 3000, "all in memory");
	read_back(small, 3000, "most in a file");
	read_back(small, 3000, "and again");
	read_back(none, 300, "no memory at all");
	a = replay_hash(big);
	b = replay_hash(small);
	ok(a.lo == b.lo && a.hi == b.hi, "the hash is of the lines, not of where they are");
	replay_clear(small);
	ok(replay_count(small) == 0 && replay_next(small, &rec) == 0, "cleared");
	fill(small, 500);
	read_back(small, 500, "and filled again, over what the file held");
	b = replay_hash(small);
	ok(a.lo != b.lo, "the hash goes on");
	replay_free(big);
	replay_free(small);
	replay_free(none);
	return done();
}
