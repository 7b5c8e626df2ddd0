/* SPDX-License-Identifier: BSD-2-Clause */
/* keyring_test - which keys a file holds: a sum that tells them apart, and the way back from keys that came on top */
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "edge/keyring.h"
#include "t.h"

#define KEY(c) c c c c c c c c c c c c c c c c	/* 64 digits of four */

static char path[] = "/tmp/keyring_test.XXXXXX";

static void
put(const char *text)
{
	FILE *f = fopen(path, "w");

	ok(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0, "a file of keys");
}

static struct keyring *
ring(void)
{
	struct keyring *k;

	ok(keyring_open(path, &k) == 0, "opened");
	return k;
}

static bool
seals(struct keyring *k, const char *begins)
{
	struct buf b = { 0 };
	size_t n = strlen(begins);
	bool good = keyring_seal(k, span_str("x"), &b) && b.n > n && memcmp(b.p, begins, n) == 0;

	buf_free(&b);
	return good;
}

int
main(void)
{
	char one[SHA256_HEX + 1], sum[SHA256_HEX + 1];
	struct buf old = { 0 }, text = { 0 };
	struct keyring *k;
	int fd = mkstemp(path);
	bool newest;

	if (fd == -1 || fchmod(fd, 0600) == -1)
		return 1;
	close(fd);
	put("a " KEY("0123") "\nb " KEY("4567") "\n");
	ok(keyring_sum(path, one) == 0 && strlen(one) == SHA256_HEX, "a sum");
	ok(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1, "and the process can be looked at again");
	put("# others say the same\n\n  a  " KEY("0123") " # today's\nb " KEY("4567"));
	ok(keyring_sum(path, sum) == 0 && strcmp(sum, one) == 0, "it is of the keys, not of the text");
	put("b " KEY("4567") "\na " KEY("0123") "\n");
	ok(keyring_sum(path, sum) == 0 && strcmp(sum, one) != 0, "and of their order");
	k = ring();
	ok(!keyring_back_to(k, one) && seals(k, "enc:v1:b:"), "another order is no way back, and changes nothing");
	keyring_free(k);
	put("a " KEY("0124") "\nb " KEY("4567") "\n");
	ok(keyring_sum(path, sum) == 0 && strcmp(sum, one) != 0, "and of the keys behind the same names");
	put("c " KEY("89ab") "\nd " KEY("cdef") "\na " KEY("0123") "\nb " KEY("4567") "\n");
	k = ring();
	ok(keyring_seal(k, span_str("x"), &old), "sealed by the newest");
	ok(seals(k, "enc:v1:c:") && keyring_back_to(k, one) && seals(k, "enc:v1:a:"),
	    "new keys at the top are forgotten");
	ok(keyring_unseal(k, buf_span(&old), &text, &newest) != NULL, "for opening too");
	ok(keyring_back_to(k, one) && seals(k, "enc:v1:a:"), "it is there already");
	keyring_free(k);
	put("c " KEY("89ab") "\na " KEY("0123") "\n");
	k = ring();
	ok(!keyring_back_to(k, one) && seals(k, "enc:v1:c:"), "a key that is gone is missed");
	keyring_free(k);
	ok(chmod(path, 0640) == 0 && keyring_sum(path, sum) == EXIT_USAGE, "others can read it: no sum");
	unlink(path);
	ok(keyring_sum(path, sum) == EXIT_IO, "nor of a file that is gone");
	buf_free(&old);
	buf_free(&text);
	return done();
}
