/* SPDX-License-Identifier: BSD-2-Clause */
/* sum_test - a sum of pieces is the hash of all of them as one, however they are cut */
#include "base/hash.h"
#include "base/sum.h"
#include "t.h"

int
main(void)
{
	struct sum *s = sum_new();
	char text[3000];

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i * 7 + i / 251);
	for (size_t n = 0; n <= sizeof text; n += n < 600 ? 1 : 97)
		for (size_t cut = 1; cut <= 300; cut = cut * 3 + 1) {
			sum_reset(s);
			for (size_t at = 0; at < n; at += cut)
				sum_add(s, span_of(text + at, n - at < cut ? n - at : cut));
			okf(sum_now(s) == hash_fixed(span_of(text, n)), "%zu bytes by %zu", n, cut);
		}
	sum_free(s);
	ok_all("pieces of all lengths");
	return done();
}
