/* SPDX-License-Identifier: BSD-2-Clause */
/* join_test - the bytes of a join (op/join) in another place, and damaged */
#include "base/hash.h"
#include "op/join.h"
#include "t.h"

/* A join over a copy of its bytes is the same; over damaged ones it is refused, or reads nothing that is not there. */
static void
test_join_image(void)
{
	struct join *j = join_new(true, SIZE_MAX), *over;
	struct join_image im;
	struct buf room = { 0 };
	struct span got, k[300];
	char text[300][12], *slots, *rows;
	size_t refused = 0, n_slots;
	unsigned seed = 5;

	for (int i = 0; i < 300; i++) {
		snprintf(text[i], sizeof text[i], "%d", i / 3);
		k[i] = span_str(text[i]);
		okf(join_put(j, hash_seeded(k[i], 7), k[i], span_of(text[i], (size_t)i % 4), (struct period){ i % 3 * 10,
		    i % 3 * 10 + 9 }) == NULL, "row %d", i);
	}
	join_settle(j);
	join_image(j, &im);
	n_slots = im.n_slots * 8;
	slots = malloc(n_slots);
	rows = malloc(im.rows_bytes);
	memcpy(slots, im.slots, n_slots);
	memcpy(rows, im.rows, im.rows_bytes);
	im.slots = slots;
	im.rows = rows;
	over = join_over(&im);
	okf(over != NULL && join_count(over) == 300, "a join over a copy");
	for (int i = 0; i < 300; i++)
		okf(join_get(over, hash_seeded(k[i], 7), k[i], i % 3 * 10 + 5, &room, &got) == 1 && got.n == (size_t)i % 4, "its row %d", i);
	join_free(over);
	for (int round = 0; round < 4000; round++) {
		struct join_image bad = im;
		size_t at = (size_t)rand_r(&seed) % (n_slots + im.rows_bytes);
		char *p = at < n_slots ? slots + at : rows + (at - n_slots), was = *p;

		*p = (char)(*p ^ (1 << (round & 7)));
		if (round % 97 == 0)
			bad.rows_bytes -= 8;
		if (round % 101 == 0)
			bad.n_slots /= 2;
		over = join_over(&bad);
		refused += over == NULL;
		for (int i = 0; i < 300 && over != NULL; i++) {
			join_prefetch_row(over, hash_seeded(k[i], 7));
			(void)join_get(over, hash_seeded(k[i], 7), k[i], i % 40, &room, &got);
		}
		join_free(over);
		*p = was;
	}
	okf(refused > 500, "%zu of 4000 damaged images were refused", refused);
	free(slots);
	free(rows);
	buf_free(&room);
	join_free(j);
	ok_all("join: images, damaged ones");
}

/* What a row is made of: a number says all of it. */
static struct span
key_of(uint64_t i, char *to)
{
	return span_of(to, (size_t)sprintf(to, "%s%llu", i % 50 == 0 ? "a key that is longer than others, " : "",
	    (unsigned long long)i));
}

static struct span
bytes_of(uint64_t i, char *to)
{
	size_t n = i % 997 == 0 ? 3000 : i % 40;

	memset(to, 'a' + (int)(i % 26), n);
	return span_of(to, n);
}

/* One hash for many keys: chains of slots, also around the end. */
static uint64_t
hash_of(uint64_t i, struct span key)
{
	return i % 600 < 3 ? UINT64_MAX - i % 3 * 7 : hash_seeded(key, 7);
}

/* In files it takes and refuses the same rows, and finds the same, as in memory. */
static void
test_join_cold(bool periods, size_t budget, uint64_t n)
{
	struct join *warm = join_new(periods, SIZE_MAX), *cold = join_new(periods, budget);
	struct buf room[2] = { { 0 }, { 0 } };
	char key[64], bytes[3000];
	size_t differ = 0, refused = 0, found = 0;
	unsigned seed = 11;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t x = (uint64_t)rand_r(&seed) % n;
		struct span k = key_of(x, key), v = bytes_of(i, bytes);
		int32_t from = (int32_t)rand_r(&seed) % 400, to = from + (int32_t)rand_r(&seed) % 60 - 1;
		struct period days = periods ? (struct period){ from, to } : JOIN_EVER;
		const char *a = join_put(warm, hash_of(x, k), k, v, days), *b = join_put(cold, hash_of(x, k), k, v, days);

		differ += a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
		refused += a != NULL;
	}
	okf(differ == 0 && refused > 0, "%zu of %zu refused rows differ", differ, refused);
	okf(join_settle(cold) == 0 && join_spilled(cold) > 0 && join_bytes(cold) <= budget, "%zu bytes in memory", join_bytes(cold));
	okf(join_count(warm) == join_count(cold), "%zu rows, %zu", join_count(warm), join_count(cold));
	for (uint64_t i = 0; i < n + 100; i++) {
		struct span k = key_of(i, key), v[2] = { { NULL, 0 }, { NULL, 0 } };

		for (int32_t day = 0; day < (periods ? 450 : 1); day += 15) {
			int a = join_get(warm, hash_of(i, k), k, day, &room[0], &v[0]);
			int b = join_get(cold, hash_of(i, k), k, day, &room[1], &v[1]);

			differ += a != b || (a == 1 && !span_eq(v[0], v[1]));
			found += a == 1;
		}
	}
	okf(differ == 0 && found > n / 4, "%zu of %zu rows differ", differ, found);
	join_free(warm);
	join_free(cold);
	buf_free(&room[0]);
	buf_free(&room[1]);
}

static void
test_join_files(void)
{
	test_join_cold(false, 0, 1000);
	test_join_cold(false, 4096, 20000);
	test_join_cold(true, 0, 700);
	test_join_cold(true, 100000, 8000);
	test_join_cold(false, 300000, 20000);
	ok_all("join: in files");
}

int
main(void)
{
	test_join_image();
	test_join_files();
	return done();
}
