/* SPDX-License-Identifier: BSD-2-Clause */
/* keyring - see keyring.h */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "edge/keyring.h"
#include "edge/private.h"
#include "edge/siv.h"

#define FILE_BYTES_MAX ((size_t)64 * 1024)
#define ID_BYTES_MAX 32
#define KEYS_IN_FILE_MAX 64
#define HEX_MAX 128
#define SUM_TEXT "keys of a barrier job"

#define PREFIX "enc:v1:"
#define PREFIX_BYTES (sizeof PREFIX - 1)

struct key {
	char head[PREFIX_BYTES + ID_BYTES_MAX + 2];	/* `enc:v1:KEYID:` */
	size_t n;
	struct siv *siv;
};

struct keyring {
	struct key key[KEYS_IN_FILE_MAX];
	size_t n;
	struct buf bytes;		/* of BASE64URL, decoded or to be encoded */
};

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* base64url without padding (RFC 4648, 5). */
static void
encode(struct span s, struct buf *out)
{
	for (; s.n > 0; s = span_from(s, 3)) {
		uint32_t w = 0;

		for (size_t i = 0; i < 3; i++)
			w = w << 8 | (i < s.n ? (unsigned char)s.p[i] : 0);
		for (size_t i = 0; i < (s.n < 3 ? s.n : 3) + 1; i++)
			buf_byte(out, digits64[w >> (18 - 6 * i) & 63]);
	}
}

/* One text has one form: no padding, nothing in the bits behind the last byte. */
static bool
decode(struct span s, struct buf *out)
{
	uint32_t w = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *at = s.p[i] == '\0' ? NULL : strchr(digits64, s.p[i]);

		if (at == NULL)
			return false;
		w = w << 6 | (uint32_t)(at - digits64);
		if ((bits += 6) >= 8) {
			bits -= 8;
			buf_byte(out, (char)(w >> bits & 0xff));
		}
	}
	return bits < 6 && (w & ((1u << bits) - 1)) == 0;
}

bool
keyring_name_good(struct span id)
{
	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] == '\0' || strchr(digits64, id.p[i]) == NULL)
			return false;
	return id.n > 0 && id.n <= ID_BYTES_MAX;
}

/* The next word of a line without NULs, blanks before it passed over; empty at its end. */
static struct span
word(struct span *line)
{
	size_t i = 0, n;

	while (i < line->n && strchr(" \t\r", line->p[i]) != NULL)
		i++;
	for (n = i; n < line->n && strchr(" \t\r", line->p[n]) == NULL; )
		n++;
	n = i < line->n && line->p[i] == '#' ? i : n;
	*line = span_from(*line, n == i ? line->n : n);
	return n == i ? (struct span){ 0 } : span_of(line->p - (n - i), n - i);
}

/* Hexadecimal digits to bytes; how many, 0 when they are none or too many. */
static size_t
unhex(struct span s, unsigned char *out)
{
	if (s.n > HEX_MAX || s.n % 2 != 0)
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		int v = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;

		if (v < 0)
			return 0;
		out[i / 2] = (unsigned char)(i % 2 == 0 ? v << 4 : out[i / 2] | v);
	}
	return s.n / 2;
}

/* NULL, or what is wrong with the line; never its bytes. */
static const char *
take_line(struct keyring *k, struct span line)
{
	unsigned char bytes[HEX_MAX / 2] = { 0 };
	struct span id = word(&line), hex = word(&line);
	struct key *key = &k->key[k->n];

	if (id.n == 0)
		return NULL;
	if (!keyring_name_good(id))
		return "a key is KEYID and its hexadecimal digits; KEYID is at most 32 of [A-Za-z0-9_-]";
	if (word(&line).n > 0)
		return "more than KEYID and hexadecimal digits";
	if (k->n == KEYS_IN_FILE_MAX)
		return "more than 64 keys";
	memcpy(key->head, PREFIX, PREFIX_BYTES);
	memcpy(key->head + PREFIX_BYTES, id.p, id.n);
	key->n = PREFIX_BYTES + id.n + 1;
	key->head[key->n - 1] = ':';
	for (size_t i = 0; i < k->n; i++)
		if (span_eq(span_of(k->key[i].head, k->key[i].n), span_of(key->head, key->n)))
			return "this KEYID stands twice";
	key->siv = siv_new(bytes, unhex(hex, bytes));
	explicit_bzero(bytes, sizeof bytes);
	if (key->siv == NULL)
		return "a key has 64 or 128 hexadecimal digits";
	k->n++;
	return NULL;
}

static int
take_file(struct keyring *k, struct span text, const char *path)
{
	const char *why;

	if (memchr(text.p, '\0', text.n) != NULL)
		return err_usage("%s: it holds a NUL", path);
	for (size_t line = 1; text.n > 0; line++) {
		const char *lf = memchr(text.p, '\n', text.n);
		size_t n = lf == NULL ? text.n : (size_t)(lf - text.p);

		if ((why = take_line(k, span_of(text.p, n))) != NULL)
			return err_usage("%s:%zu: %s", path, line, why);
		text = span_from(text, n + 1);
	}
	return k->n > 0 ? 0 : err_usage("%s: no key in it", path);
}

int
keyring_open(const char *path, struct keyring **out)
{
	char *text;
	size_t n = 0;
	ssize_t got;
	int fd = private_open(path, PRIVATE_SECRET), rc;

	*out = NULL;
	if (fd < 0)
		return -fd;
	text = mem_new(FILE_BYTES_MAX);
	do {
		got = read(fd, text + n, FILE_BYTES_MAX - n);
		n += got > 0 ? (size_t)got : 0;
	} while (n < FILE_BYTES_MAX && (got > 0 || (got == -1 && errno == EINTR)));
	close(fd);
	*out = mem_new(sizeof **out);
	if (got == -1)
		rc = err_io("%s: %s", path, strerror(errno));
	else if (n == FILE_BYTES_MAX)
		rc = err_usage("%s: too long to be a file of keys", path);
	else
		rc = take_file(*out, span_of(text, n), path);
	explicit_bzero(text, FILE_BYTES_MAX);
	free(text);
	if (rc != 0) {
		keyring_free(*out);
		*out = NULL;
	}
	return rc;
}

void
keyring_free(struct keyring *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < KEYS_IN_FILE_MAX; i++)
		siv_free(k->key[i].siv);
	buf_free(&k->bytes);
	free(k);
}

/* ---- which keys they are ---- */

/* Of those from there on. False when the library fails. */
static bool
sum_from(struct keyring *k, size_t from, char *sum)
{
	struct buf all = { 0 };
	bool good = true;

	for (size_t i = from; good && i < k->n; i++) {
		struct span head = span_of(k->key[i].head, k->key[i].n);

		buf_span_add(&all, head);
		good = siv_seal(k->key[i].siv, &head, 1, span_str(SUM_TEXT), &all);
	}
	hash_sha256(buf_span(&all), sum);
	sum[SHA256_HEX] = '\0';
	buf_free(&all);
	return good;
}

int
keyring_sum(const char *path, char *sum)
{
	int before = private_before(), rc;
	struct keyring *k;

	if ((rc = keyring_open(path, &k)) == 0 && !sum_from(k, 0, sum))
		rc = err_io("%s: the library for keys fails", path);
	keyring_free(k);
	private_after(before);
	return rc;
}

bool
keyring_back_to(struct keyring *k, const char *sum)
{
	char is[SHA256_HEX + 1];
	size_t from = 0;

	while (from < k->n && !(sum_from(k, from, is) && strcmp(is, sum) == 0))
		from++;
	if (from == k->n)
		return false;
	for (size_t i = 0; i < from; i++)
		siv_free(k->key[i].siv);
	memmove(k->key, k->key + from, (k->n - from) * sizeof *k->key);
	memset(k->key + k->n - from, 0, from * sizeof *k->key);
	k->n -= from;
	return true;
}

bool
keyring_seal(struct keyring *k, struct span text, struct buf *out)
{
	struct span head = span_of(k->key[0].head, k->key[0].n);

	buf_clear(&k->bytes);
	if (!siv_seal(k->key[0].siv, &head, 1, text, &k->bytes))
		return false;
	buf_span_add(out, head);
	encode(buf_span(&k->bytes), out);
	return true;
}

bool
keyring_is_sealed(struct span text)
{
	return text.n >= PREFIX_BYTES && memcmp(text.p, PREFIX, PREFIX_BYTES) == 0;
}

const char *
keyring_unseal(struct keyring *k, struct span sealed, struct buf *out, bool *newest)
{
	const struct key *key;
	struct span head;

	*newest = false;
	if (!keyring_is_sealed(sealed))
		return "not a sealed value";
	for (size_t i = 0; i < k->n; i++) {
		key = &k->key[i];
		if (sealed.n <= key->n || memcmp(sealed.p, key->head, key->n) != 0)
			continue;
		head = span_of(key->head, key->n);
		buf_clear(&k->bytes);
		if (!decode(span_from(sealed, key->n), &k->bytes) ||
		    !siv_open(key->siv, &head, 1, buf_span(&k->bytes), out))
			return "a sealed value that does not open: it was changed, or its key was";
		*newest = i == 0;
		return NULL;
	}
	return "sealed under a key that is not in the file";
}
