/* SPDX-License-Identifier: BSD-2-Clause */
/* mail - see mail.h */
#include <curl/curl.h>
#include <stdio.h>
#include <time.h>

#include "base/err.h"
#include "edge/http.h"
#include "edge/mail.h"
#include "edge/sign.h"

#define CONNECT_MS 5000L
#define WORD_BYTES 39u		/* of a subject, in one encoded word: a line of at most 76 characters (RFC 2047) */
#define LINE_BYTES 57u		/* of a body, in one line: 76 characters (RFC 2045) */

/* ---- addresses ---- */

static bool
is_address(struct span s)
{
	static const char local[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+/=?^_`{|}~-",
	    domain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
	const char *at = s.n == 0 ? NULL : memchr(s.p, '@', s.n);
	size_t before = at == NULL ? 0 : (size_t)(at - s.p);

	if (before == 0 || before + 1 == s.n || s.n > 254 || *s.p == '-' || at[1] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (i != before && (s.p[i] == '\0' || strchr(i < before ? local : domain, s.p[i]) == NULL))
			return false;
	return true;
}

/* Take the first of a list. */
static struct span
next_address(struct span *list)
{
	const char *comma = list->n == 0 ? NULL : memchr(list->p, ',', list->n);
	struct span one = span_of(list->p, comma == NULL ? list->n : (size_t)(comma - list->p));

	*list = span_from(*list, one.n + 1);
	return one;
}

const char *
mail_addresses(struct span list)
{
	if (list.n == 0 || list.p[list.n - 1] == ',')
		return "not an address";
	while (list.n > 0)
		if (!is_address(next_address(&list)))
			return "not an address";
	return NULL;
}

/* ---- the message ---- */

/* =?utf-8?B?…?= words, cut between characters. */
static void
encode_subject(struct span s, struct buf *b)
{
	while (s.n > 0) {
		size_t n = s.n < WORD_BYTES ? s.n : WORD_BYTES;

		while (n < s.n && n > 1 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
			n--;
		buf_str(b, "=?utf-8?B?");
		sign_base64(span_of(s.p, n), b);
		buf_str(b, "?=");
		s = span_from(s, n);
		buf_str(b, s.n > 0 ? "\r\n " : "");
	}
}

static void
make_message(const struct mail *m, struct buf *b)
{
	const char *at = strchr(m->from, '@');
	struct span body = m->body;
	struct tm tm;
	time_t now = time(NULL);
	char date[64];

	gmtime_r(&now, &tm);
	(void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm);
	buf_fmt(b, "Date: %s\r\nFrom: %s\r\nTo: %s\r\nMessage-ID: <%s%s>\r\nSubject: ", date, m->from, m->to, m->id,
	    at == NULL ? "@pipehouse" : at);
	encode_subject(m->subject, b);
	buf_str(b, "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: base64\r\nAuto-Submitted: auto-generated\r\n\r\n");
	while (body.n > 0) {
		size_t n = body.n < LINE_BYTES ? body.n : LINE_BYTES;

		sign_base64(span_of(body.p, n), b);
		buf_str(b, "\r\n");
		body = span_from(body, n);
	}
}

static size_t
give(char *to, size_t size, size_t n, void *arg)
{
	struct span *left = arg;
	size_t want = size * n < left->n ? size * n : left->n;

	if (want > 0)
		memcpy(to, left->p, want);
	*left = span_from(*left, want);
	return want;
}

/* ---- sending ---- */

static void
prepare(CURL *c, const struct mail *m, struct curl_slist *to, struct span *text, struct buf *from)
{
	curl_easy_setopt(c, CURLOPT_URL, m->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)m->timeout_ms);
	curl_easy_setopt(c, CURLOPT_USE_SSL, http_is_near(m->url) ? (long)CURLUSESSL_NONE :
	    m->plain ? (long)CURLUSESSL_TRY : (long)CURLUSESSL_ALL);
	buf_fmt(from, "<%s>", m->from);
	curl_easy_setopt(c, CURLOPT_MAIL_FROM, buf_cstr(from));
	curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(c, CURLOPT_READDATA, text);
	curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)text->n);
}

bool
mail_send(const struct mail *m, char *why, size_t why_n)
{
	struct buf message = { 0 }, from = { 0 }, one = { 0 };
	struct span left, list = span_str(m->to);
	struct curl_slist *to = NULL;
	const char *bad = http_url_bad(m->url, "smtp", "smtps", m->plain);
	CURLcode rc;
	long code = 0;
	CURL *c;

	if (bad != NULL || (c = http_handle()) == NULL) {
		snprintf(why, why_n, "%s", bad != NULL ? bad : "out of memory");
		return false;
	}
	while (list.n > 0) {
		struct span a = next_address(&list);

		buf_clear(&one);
		buf_fmt(&one, "<%.*s>", (int)a.n, a.p);
		to = curl_slist_append(to, buf_cstr(&one));
	}
	make_message(m, &message);
	left = buf_span(&message);
	prepare(c, m, to, &left, &from);
	rc = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &code);
	if (rc != CURLE_OK && code >= 400)
		snprintf(why, why_n, "SMTP %ld", code);
	else if (rc != CURLE_OK)
		snprintf(why, why_n, "%s", curl_easy_strerror(rc));
	curl_easy_cleanup(c);
	curl_slist_free_all(to);
	buf_free(&message);
	buf_free(&from);
	buf_free(&one);
	return rc == CURLE_OK;
}
