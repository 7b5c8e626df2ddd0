/* SPDX-License-Identifier: BSD-2-Clause */
/* join_test - the bytes of a join (op/join) in another place, and damaged */
#include "base/hash.h"
#include "op/join.h"
#include "t.h"

/* A join over a copy of its bytes is the same; over damaged ones it is refused, or reads nothing that is not there. */
static void
test_join_image(void)
{
	struct join *j = join_new(true), *over;
	struct join_image im;
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
		okf(join_get(over, hash_seeded(k[i], 7), k[i], i % 3 * 10 + 5, &got) && got.n == (size_t)i % 4, "its row %d", i);
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
			(void)join_get(over, hash_seeded(k[i], 7), k[i], i % 40, &got);
		}
		join_free(over);
		*p = was;
	}
	okf(refused > 500, "%zu of 4000 damaged images were refused", refused);
	free(slots);
	free(rows);
	join_free(j);
	ok_all("join: images, damaged ones");
}

int
main(void)
{
	test_join_image();
	return done();
}
