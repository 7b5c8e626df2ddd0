/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * siv_test - edge/siv against RFC 5297, appendix A; edge/keyring: files of keys, values that were touched
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "edge/keyring.h"
#include "edge/siv.h"
#include "t.h"

static struct span
unhex(const char *hex, char *out)
{
	size_t n = 0;

	for (; *hex != '\0'; hex += 2 + (hex[2] == ' ')) {
		const char two[3] = { hex[0], hex[1], '\0' };

		out[n++] = (char)strtoul(two, NULL, 16);
	}
	return span_of(out, n);
}

static void
vector(const char *what, const char *key, const char *const *header, size_t n, const char *text, const char *sealed)
{
	char mem[8][128];
	struct span k = unhex(key, mem[0]), t = unhex(text, mem[1]), want = unhex(sealed, mem[2]), h[3];
	struct siv *s = siv_new((const unsigned char *)k.p, k.n);
	struct buf out = { 0 }, back = { 0 };
	char name[100];

	for (size_t i = 0; i < n; i++)
		h[i] = unhex(header[i], mem[3 + i]);
	for (int turn = 0; turn < 2; turn++) {
		buf_clear(&out);
		buf_clear(&back);
		snprintf(name, sizeof name, "%s: sealed%s", what, turn > 0 ? " again" : "");
		ok(siv_seal(s, h, n, t, &out) && span_eq(buf_span(&out), want), name);
		snprintf(name, sizeof name, "%s: opened%s", what, turn > 0 ? " again" : "");
		ok(siv_open(s, h, n, want, &back) && span_eq(buf_span(&back), t), name);
	}
	for (size_t bit = 0; bit < 8 * want.n; bit++) {
		mem[2][bit / 8] ^= (char)(1 << bit % 8);
		buf_clear(&back);
		okf(!siv_open(s, h, n, want, &back) && back.n == 0, "%s: bit %zu", what, bit);
		mem[2][bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t len = 0; len < want.n; len++)
		okf(!siv_open(s, h, n, span_of(want.p, len), &back), "%s: cut at %zu", what, len);
	okf(!siv_open(s, h, n - 1, want, &back), "%s: a header less", what);
	okf(siv_open(s, h, n, want, &back), "%s: still good", what);
	ok_all("nothing that was touched opens");
	siv_free(s);
	buf_free(&out);
	buf_free(&back);
}

static void
rfc5297(void)
{
	static const char *const a1[] = { "10111213 14151617 18191a1b 1c1d1e1f 20212223 24252627" };
	static const char *const a2[] = {
		"00112233 44556677 8899aabb ccddeeff deaddada deaddada ffeeddcc bbaa9988 77665544 33221100",
		"10203040 50607080 90a0", "09f91102 9d74e35b d84156c5 635688c0" };

	vector("A.1", "fffefdfc fbfaf9f8 f7f6f5f4 f3f2f1f0 f0f1f2f3 f4f5f6f7 f8f9fafb fcfdfeff", a1, 1,
	    "11223344 55667788 99aabbcc ddee",
	    "85632d07 c6e8f37f 950acd32 0a2ecc93 40c02b96 90c4dc04 daef7f6a fe5c");
	vector("A.2", "7f7e7d7c 7b7a7978 77767574 73727170 40414243 44454647 48494a4b 4c4d4e4f", a2, 3,
	    "74686973 20697320 736f6d65 20706c61 696e7465 78742074 6f20656e 63727970 74207573 696e6720 5349562d 414553",
	    "7bdb6e3b 432667eb 06f4d14b ff2fbd0f cb900f2f ddbe4043 26601965 c889bf17 dba77ceb 094fa663 b7a3f748 "
	    "ba8af829 ea64ad54 4a272e9c 485b62a3 fd5c0d");
	ok(siv_new((const unsigned char *)"", 0) == NULL, "no key of no bytes");
	ok(siv_new((const unsigned char *)"0123456789abcdef", 16) == NULL, "no key of 16");
}

static char path[] = "/tmp/siv_test.XXXXXX";

static int
ring(const char *text, size_t n, mode_t mode, struct keyring **k)
{
	int fd = open(path, O_WRONLY | O_TRUNC), rc;

	if (fd == -1 || write(fd, text, n) != (ssize_t)n || fchmod(fd, mode) == -1 || close(fd) == -1)
		exit(1);
	rc = keyring_open(path, k);
	return chmod(path, 0600) == 0 ? rc : -1;
}

#define HEX32 "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"

static void
files(void)
{
	static const struct { const char *what, *text; mode_t mode; int want; } v[] = {
		{ "a key", "k1 " HEX32 "\n", 0600, 0 },
		{ "no last newline, blanks, comments, CRLF", "# keys\n\n \t k-1_ \t" HEX32 "  # the key\r\nk2 " HEX32 HEX32,
		    0600, 0 },
		{ "its owner may only read it", "k1 " HEX32 "\n", 0400, 0 },
		{ "a group may read it", "k1 " HEX32 "\n", 0640, EXIT_USAGE },
		{ "all may read it", "k1 " HEX32 "\n", 0604, EXIT_USAGE },
		{ "no key", "# none\n", 0600, EXIT_USAGE },
		{ "nothing", "", 0600, EXIT_USAGE },
		{ "no digits", "k1\n", 0600, EXIT_USAGE },
		{ "too few digits", "k1 0001\n", 0600, EXIT_USAGE },
		{ "62 digits", "k1 0001020304050607080910111213141516171819202122232425262728293\n", 0600, EXIT_USAGE },
		{ "too many digits", "k1 " HEX32 HEX32 HEX32 "\n", 0600, EXIT_USAGE },
		{ "no hexadecimal digits", "k1 g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", 0600,
		    EXIT_USAGE },
		{ "a third word", "k1 " HEX32 " x\n", 0600, EXIT_USAGE },
		{ "a KEYID with a colon", "k:1 " HEX32 "\n", 0600, EXIT_USAGE },
		{ "a KEYID of 33 characters", "k00000000000000000000000000000000 " HEX32 "\n", 0600, EXIT_USAGE },
		{ "a KEYID twice", "k1 " HEX32 "\nk1 " HEX32 "\n", 0600, EXIT_USAGE },
	};
	struct keyring *k;

	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		ok(ring(v[i].text, strlen(v[i].text), v[i].mode, &k) == v[i].want && (k == NULL) == (v[i].want != 0),
		    v[i].what);
		keyring_free(k);
	}
	ok(ring("k1 " HEX32 "\0", 3 + 64 + 1, 0600, &k) == EXIT_USAGE, "a NUL");
	ok(keyring_open("/tmp/siv_test.none/keys", &k) == EXIT_IO && k == NULL, "no file");
}

static void
values(void)
{
	struct keyring *k, *two;
	struct buf out = { 0 }, back = { 0 };
	bool newest;
	const char *why;

	(void)ring("k1 " HEX32 "\n", 3 + 64 + 1, 0600, &k);
	(void)ring("k2 " HEX32 HEX32 "\nk1 " HEX32 "\n", 3 + 128 + 1 + 3 + 64 + 1, 0600, &two);
	for (size_t n = 1; n < 70; n++) {
		char text[70];

		memset(text, (int)(n * 37), n);
		buf_clear(&out);
		buf_clear(&back);
		okf(keyring_seal(k, span_of(text, n), &out) && keyring_is_sealed(buf_span(&out)), "%zu bytes sealed", n);
		why = keyring_unseal(two, buf_span(&out), &back, &newest);
		okf(why == NULL && !newest && span_eq(buf_span(&back), span_of(text, n)), "%zu bytes opened: %s", n, why);
		for (size_t i = 0; i < out.n; i++) {
			char was = out.p[i];

			out.p[i] = was == 'A' ? 'B' : 'A';
			okf(keyring_unseal(k, buf_span(&out), &back, &newest) != NULL, "%zu bytes, byte %zu", n, i);
			out.p[i] = was;
			okf(keyring_unseal(k, span_of(out.p, i), &back, &newest) != NULL, "%zu bytes, cut at %zu", n, i);
		}
		buf_byte(&out, '=');
		okf(keyring_unseal(k, buf_span(&out), &back, &newest) != NULL, "%zu bytes, padded", n);
	}
	ok_all("values of 1 to 69 bytes: opened by the old key, refused when touched");
	buf_clear(&out);
	(void)keyring_seal(two, span_str("x"), &out);
	ok(keyring_unseal(two, buf_span(&out), &back, &newest) == NULL && newest, "the first key is the newest");
	is_str(keyring_unseal(k, buf_span(&out), &back, &newest), "sealed under a key that is not in the file",
	    "a key that is gone");
	keyring_free(k);
	keyring_free(two);
	buf_free(&out);
	buf_free(&back);
}

int
main(void)
{
	int fd = mkstemp(path);

	err_name("siv_test");
	if (fd == -1 || close(fd) == -1)
		return 1;
	rfc5297();
	files();
	values();
	unlink(path);
	return done();
}
