/* SPDX-License-Identifier: BSD-2-Clause */
/* rheap_test - base/rheap: what is below a bound comes once, in order, whatever was added when, against qsort */
#include "base/rheap.h"
#include "random.h"
#include "t.h"

#define ALL 20000

static int
by_at(const void *pa, const void *pb)
{
	int64_t a = ((const struct rslot *)pa)->at, b = ((const struct rslot *)pb)->at;

	return a < b ? -1 : a > b;
}

/* Adds and bounds by turns: times up to `late` behind a clock that runs by `step`; each is taken once, in its turn. */
static void
stream(uint64_t late, uint64_t step, size_t each, int64_t from)
{
	static struct rslot model[ALL];
	struct rheap h = { 0 };
	size_t n = 0, taken = 0, added = 0;
	int64_t clock = from;
	struct rslot *v;

	while (taken < ALL) {
		int64_t bound;
		size_t got, below;

		for (size_t i = 0; i < each && added < ALL; i++) {
			model[n] = (struct rslot){ clock - (int64_t)rnd(late + 1), 0, ++added };
			rheap_add(&h, model[n].at, 0, model[n].what);
			n++;
			clock += (int64_t)rnd(step + 1);
		}
		/* now and then a bound that was passed already, or nothing new below */
		bound = added == ALL ? INT64_MAX : clock - (int64_t)late - (rnd(8) == 0 ? (int64_t)rnd(late + 2) : 0);
		qsort(model, n, sizeof *model, by_at);
		for (below = 0; below < n && model[below].at < bound; below++)
			;
		got = rheap_below(&h, bound, &v);
		okf(got == below && h.n == n - below, "%zu of %zu below %lld, not %zu", got, n, (long long)bound, below);
		for (size_t i = 0; i < got && i < below; i++)
			okf(v[i].at == model[i].at, "number %zu is %lld, not %lld", i, (long long)v[i].at,
			    (long long)model[i].at);
		taken += got;
		n -= below;
		memmove(model, model + below, n * sizeof *model);
	}
	okf(rheap_below(&h, INT64_MAX, &v) == 0, "nothing is left");
	rheap_free(&h);
	okf(rheap_bytes(&h) == 0, "nor any memory");
}

/* What was added is there, each once, whatever bounds there were. */
static void
all(void)
{
	static bool seen[ALL];
	static struct rslot v[ALL];
	struct rheap h = { 0 };
	struct rslot *gone;
	size_t n;

	memset(seen, 0, sizeof seen);
	for (size_t i = 0; i < ALL; i++)
		rheap_add(&h, (int64_t)rnd(1000000) - 500000, 0, i);
	n = rheap_below(&h, -100000, &gone);
	for (size_t i = 0; i < n; i++)
		seen[(uintptr_t)gone[i].what] = true;
	okf(n > 0 && h.n == ALL - n, "%zu are gone", n);
	rheap_add(&h, -400000, 0, gone[0].what);		/* below the bound: it is taken by any */
	seen[(uintptr_t)gone[0].what] = false;
	rheap_all(&h, v);
	for (size_t i = 0; i < h.n; i++) {
		okf(!seen[(uintptr_t)v[i].what], "%zu stands there once", (size_t)(uintptr_t)v[i].what);
		seen[(uintptr_t)v[i].what] = true;
	}
	for (size_t i = 0; i < ALL; i++)
		okf(seen[i], "%zu is there", i);
	okf(rheap_below(&h, -400000, &gone) == 0, "a bound stands before what is at it");
	okf(rheap_below(&h, -399999, &gone) == 1 && gone[0].at == -400000, "and behind it");
	rheap_free(&h);
}

int
main(void)
{
	struct rheap none = { 0 };
	struct rslot *v;

	ok(rheap_below(&none, 0, &v) == 0 && rheap_below(&none, INT64_MAX, &v) == 0, "nothing comes of an empty one");
	rheap_free(&none);
	stream(0, 1, 1, 0);
	stream(0, 0, 7, 5);
	ok(t_quiet_failed == 0, "one by one, and all of one time");
	stream(1000, 3, 50, -3000);
	stream(60000000, 1000000, 400, INT64_C(1780243344877000));
	stream(UINT64_C(1) << 50, UINT64_C(1) << 45, 300, INT64_C(-62135596800000000));
	ok(t_quiet_failed == 0, "below each bound what a sorted array has there, in order, times before the epoch too");
	all();
	ok(t_quiet_failed == 0, "all that waits is there, each once, and what is added below the bound comes with the next");
	return done();
}
