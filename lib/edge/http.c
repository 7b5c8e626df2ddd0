/* SPDX-License-Identifier: BSD-2-Clause */
/* http - see http.h */
#include <curl/curl.h>
#include <stdio.h>

#include "edge/http.h"

#define CONNECT_MS 5000L

static size_t
forget(char *p, size_t size, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	return size * n;
}

static bool
is_near(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
	    strcmp(host, "[::1]") == 0;
}

/* A scheme and a host that may be spoken to. NULL or why not. */
static const char *
check_url(const struct http *h)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL;
	const char *why = NULL;

	if (u == NULL || curl_url_set(u, CURLUPART_URL, h->url, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
		why = "not a URL";
	else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		why = "neither http nor https";
	else if (curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		why = "a URL without a host";
	else if (strcmp(scheme, "http") == 0 && !h->plain && !is_near(host))
		why = "http without TLS to another machine (insecure=yes allows it)";
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return why;
}

bool
http_post(const struct http *h, char *why, size_t why_n)
{
	static bool ready;
	struct curl_slist *head = NULL;
	struct buf line = { 0 };
	const char *bad;
	CURLcode rc;
	CURL *c;
	long status = 0;

	if (!ready)
		ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	if ((bad = check_url(h)) != NULL || (c = curl_easy_init()) == NULL) {
		snprintf(why, why_n, "%s", bad != NULL ? bad : "out of memory");
		return false;
	}
	buf_fmt(&line, "Content-Type: %s", h->type);
	head = curl_slist_append(head, buf_cstr(&line));
	head = curl_slist_append(head, "Expect:");
	if (h->id != NULL) {
		buf_clear(&line);
		buf_fmt(&line, "Idempotency-Key: %s", h->id);
		head = curl_slist_append(head, buf_cstr(&line));
	}
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
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, forget);
	rc = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	if (rc != CURLE_OK)
		snprintf(why, why_n, "%s", curl_easy_strerror(rc));
	else if (status < 200 || status > 299)
		snprintf(why, why_n, "HTTP %ld", status);
	curl_easy_cleanup(c);
	curl_slist_free_all(head);
	buf_free(&line);
	return rc == CURLE_OK && status >= 200 && status <= 299;
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
