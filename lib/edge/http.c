/* SPDX-License-Identifier: BSD-2-Clause */
/* http - see http.h */
#include <curl/curl.h>
#include <stdio.h>

#include "edge/http.h"

#define CONNECT_MS 5000L
#define ANSWER_BYTES_MAX 4096u

static bool
near(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
	    (strncmp(host, "127.", 4) == 0 && host[strspn(host, "0123456789.")] == '\0');
}

void *
http_handle(void)
{
	static bool ready;

	if (!ready)
		ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	return ready ? curl_easy_init() : NULL;
}

/* The parts of a URL, to be freed by curl_free; NULL where there are none. */
static void
split(const char *url, char **scheme, char **host)
{
	CURLU *u = curl_url();

	*scheme = *host = NULL;
	if (u != NULL && curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
		(void)curl_url_get(u, CURLUPART_SCHEME, scheme, 0);
		(void)curl_url_get(u, CURLUPART_HOST, host, 0);
	}
	curl_url_cleanup(u);
}

const char *
http_url_bad(const char *url, const char *clear, const char *tls, bool plain)
{
	char *scheme, *host;
	const char *why = NULL;

	split(url, &scheme, &host);
	if (scheme == NULL)
		why = "not a URL";
	else if (strcmp(scheme, clear) != 0 && strcmp(scheme, tls) != 0)
		why = strcmp(tls, "https") == 0 ? "neither http nor https" : "neither smtp nor smtps";
	else if (host == NULL || *host == '\0')
		why = "a URL without a host";
	else if (strcmp(scheme, "http") == 0 && !plain && !near(host))
		why = "http without TLS to another machine (insecure=yes allows it)";
	curl_free(scheme);
	curl_free(host);
	return why;
}

bool
http_is_near(const char *url)
{
	char *scheme, *host;
	bool is;

	split(url, &scheme, &host);
	is = host != NULL && near(host);
	curl_free(scheme);
	curl_free(host);
	return is;
}

/* ---- the answer ---- */

static size_t
take(char *p, size_t size, size_t n, void *arg)
{
	struct buf *b = arg;
	size_t room = ANSWER_BYTES_MAX - b->n;

	buf_add(b, p, size * n < room ? size * n : room);
	return size * n;
}

/* The answer gives that member a number other than 0: why says which, and no more of what somebody else wrote. */
static bool
is_refusal(struct buf *answer, const char *member, char *why, size_t why_n)
{
	struct buf name = { 0 };
	const char *p;
	size_t n;

	buf_fmt(&name, "\"%s\"", member);
	p = strstr(buf_cstr(answer), buf_cstr(&name));
	if (p != NULL)
		p += name.n + strspn(p + name.n, " \t\r\n:");
	buf_free(&name);
	n = p == NULL ? 0 : strspn(p, "-0123456789");
	if (n == 0 || (n == 1 && *p == '0'))
		return false;
	snprintf(why, why_n, "refused: %s %.*s", member, n < 20 ? (int)n : 20, p);
	return true;
}

/* ---- sending ---- */

static struct curl_slist *
headers(const struct http *h)
{
	struct curl_slist *head = curl_slist_append(NULL, "Expect:");
	struct buf line = { 0 };

	buf_fmt(&line, "Content-Type: %s", h->type);
	head = curl_slist_append(head, buf_cstr(&line));
	if (h->id != NULL) {
		buf_clear(&line);
		buf_fmt(&line, "Idempotency-Key: %s", h->id);
		head = curl_slist_append(head, buf_cstr(&line));
	}
	for (size_t i = 0; h->header != NULL && h->header[i] != NULL; i++)
		head = curl_slist_append(head, h->header[i]);
	buf_free(&line);
	return head;
}

bool
http_post(const struct http *h, char *why, size_t why_n)
{
	const char *bad = http_url_bad(h->url, "http", "https", h->plain);
	struct curl_slist *head;
	struct buf answer = { 0 };
	bool good = false;
	CURLcode rc;
	CURL *c;
	long status = 0;

	if (bad != NULL || (c = http_handle()) == NULL) {
		snprintf(why, why_n, "%s", bad != NULL ? bad : "out of memory");
		return false;
	}
	head = headers(h);
	curl_easy_setopt(c, CURLOPT_URL, h->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)h->timeout_ms);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "pipehouse/" VERSION);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, head);
	curl_easy_setopt(c, CURLOPT_POST, 1L);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, h->body.p);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)h->body.n);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &answer);
	rc = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	if (rc != CURLE_OK)
		snprintf(why, why_n, "%s", curl_easy_strerror(rc));
	else if (status < 200 || status > 299)
		snprintf(why, why_n, "HTTP %ld", status);
	else
		good = h->zero == NULL || !is_refusal(&answer, h->zero, why, why_n);
	curl_easy_cleanup(c);
	curl_slist_free_all(head);
	buf_free(&answer);
	return good;
}

void
http_encode(struct buf *b, struct span s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' ||
		    c == '.' || c == '_' ||
		    c == '~') {
			buf_byte(b, (char)c);
		} else {
			buf_byte(b, '%');
			buf_byte(b, hex[c >> 4]);
			buf_byte(b, hex[c & 15]);
		}
	}
}
