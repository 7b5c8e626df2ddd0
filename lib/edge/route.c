/* SPDX-License-Identifier: BSD-2-Clause */
/* route - see route.h */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "edge/hook.h"
#include "edge/http.h"
#include "edge/private.h"
#include "edge/route.h"

#define URL_BYTES_MAX 4096u

/* ---- reading ---- */

static int
bad(const struct spec *s, const struct spec_line *l, const char *why)
{
	return err_usage("%s:%zu: %s", s->name, l->number, why);
}

static char *
beside(const char *config, struct span name)
{
	const char *slash = strrchr(config, '/');
	struct buf b = { 0 };

	if (name.n > 0 && *name.p != '/' && slash != NULL)
		buf_add(&b, config, (size_t)(slash - config) + 1);
	buf_span_add(&b, name);
	(void)buf_cstr(&b);
	return b.p;
}

static int
exec_route(const struct spec *s, const struct spec_line *l, struct route *r)
{
	const char *why;

	if (l->n < 3)
		return bad(s, l, "exec needs a program");
	r->argv = mem_array(NULL, l->n - 1, sizeof *r->argv);
	for (size_t i = 2; i < l->n; i++)
		r->argv[i - 2] = mem_dup(l->word[i]);
	r->argv[l->n - 2] = NULL;
	return (why = hook_check(r->argv[0])) == NULL ? 0 : bad(s, l, why);
}

static bool
is_word(const char *s, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(s, *words) == 0)
			return true;
	return false;
}

static int
http_route(const struct spec *s, const struct spec_line *l, const char *path, struct route *r)
{
	static const char *const hook_as[] = { "event", "text", "wecom", NULL };
	static const char *const sms_as[] = { "form", "json", NULL };
	bool sms = span_is(r->kind, "sms");
	struct span v;

	for (size_t i = 2; i < l->n; i++) {
		const char *eq = memchr(l->word[i].p, '=', l->word[i].n);
		struct span name = span_of(l->word[i].p, eq == NULL ? 0 :
		    (size_t)(eq - l->word[i].p));

		v = eq == NULL ? name : span_from(l->word[i], name.n + 1);
		if (span_is(name, "url-file") && r->url_file == NULL)
			r->url_file = beside(path, v);
		else if (span_is(name, "to") && sms && r->to == NULL)
			r->to = mem_dup(v);
		else if (span_is(name, "as") && r->as == NULL)
			r->as = mem_dup(v);
		else if (span_is(name, "insecure") && span_is(v, "yes"))
			r->plain = true;
		else
			return bad(s, l, sms ?
			    "sms knows to=, url-file=, as=, insecure=yes, each once" :
			    "webhook knows url-file=, as=, insecure=yes, each once");
	}
	if (r->url_file == NULL || (sms && r->to == NULL))
		return bad(s, l, sms ? "sms needs to= and url-file=" : "webhook needs url-file=");
	if (r->as == NULL)
		r->as = mem_str(sms ? sms_as[0] : hook_as[0]);
	if (!is_word(r->as, sms ? sms_as : hook_as))
		return bad(s, l, sms ? "as= is form or json" : "as= is event, text or wecom");
	return 0;
}

static int
read_line(const struct spec *s, const struct spec_line *l, const char *path, struct route *r)
{
	struct buf b = { 0 };

	if (l->n < 2)
		return bad(s, l, "not SEVERITY KIND ...");
	r->severity = l->word[0];
	r->kind = l->word[1];
	for (size_t i = 0; i < l->n; i++) {
		buf_span_add(&b, l->word[i]);
		buf_byte(&b, '\0');
	}
	r->id = hash_fixed(buf_span(&b));
	buf_free(&b);
	buf_span_add(&b, r->kind);
	if (l->n > 2) {
		buf_byte(&b, ' ');
		buf_span_add(&b, l->word[2]);
	}
	(void)buf_cstr(&b);
	r->name = b.p;
	if (!span_is(r->severity, "warn") && !span_is(r->severity, "fail") &&
	    !span_is(r->severity, "*"))
		return bad(s, l, "the severity is warn, fail or *");
	if (span_is(r->kind, "exec"))
		return exec_route(s, l, r);
	if (span_is(r->kind, "sms") || span_is(r->kind, "webhook"))
		return http_route(s, l, path, r);
	return bad(s, l, "the kind is sms, webhook or exec");
}

int
routes_read(const char *path, struct routes *out)
{
	int fd = private_open(path, PRIVATE_TRUSTED), rc;
	bool fail = false;

	*out = (struct routes){ 0 };
	if (fd < 0)
		return -fd;
	close(fd);
	if ((rc = spec_read(path, SPEC_WORDS, &out->spec)) != 0)
		return rc;
	out->v = mem_new(mem_mul(out->spec->n + 1, sizeof *out->v));
	for (size_t i = 0; i < out->spec->n && rc == 0; i++)
		rc = read_line(out->spec, &out->spec->line[i], path, &out->v[out->n++]);
	for (size_t i = 0; i < out->n; i++)
		fail = fail || route_wants(&out->v[i], span_str("fail"));
	return rc != 0 || fail ? rc : err_usage("%s: no line is for fail", path);
}

void
routes_free(struct routes *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct route *x = &r->v[i];

		for (size_t k = 0; x->argv != NULL && x->argv[k] != NULL; k++)
			free(x->argv[k]);
		free(x->argv);
		free(x->url_file);
		free(x->to);
		free(x->as);
		free(x->name);
	}
	free(r->v);
	if (r->spec != NULL)
		spec_free(r->spec);
	*r = (struct routes){ 0 };
}

bool
route_wants(const struct route *r, struct span severity)
{
	return span_is(r->severity, "*") || span_eq(r->severity, severity);
}

/* ---- sending ---- */

/* The first line of a file of mode 0600. */
static bool
read_url(const char *path, char url[URL_BYTES_MAX], char *why, size_t why_n)
{
	int fd = private_try(path, PRIVATE_SECRET, why, why_n);
	ssize_t n;

	if (fd == -1)
		return false;
	n = read(fd, url, URL_BYTES_MAX - 1);
	if (n <= 0)
		snprintf(why, why_n, "its url-file %s", n == 0 ? "is empty" : strerror(errno));
	close(fd);
	if (n <= 0)
		return false;
	url[n] = '\0';
	url[strcspn(url, "\r\n")] = '\0';
	return true;
}

static void
put_member(struct buf *b, const char *key, struct span value)
{
	buf_str(b, key);
	buf_json(b, value);
}

/* What the receiver wants to see. */
static const char *
make_body(const struct route *r, const struct notice *n, struct buf *b)
{
	if (strcmp(r->as, "form") == 0) {
		buf_str(b, "to=");
		http_encode(b, span_str(r->to));
		buf_str(b, "&text=");
		http_encode(b, n->text);
		return "application/x-www-form-urlencoded";
	}
	if (strcmp(r->as, "json") == 0) {
		put_member(b, "{\"to\":", span_str(r->to));
		put_member(b, ",\"text\":", n->text);
		buf_byte(b, '}');
	} else if (strcmp(r->as, "text") == 0) {
		put_member(b, "{\"text\":", n->text);
		buf_byte(b, '}');
	} else if (strcmp(r->as, "wecom") == 0) {
		put_member(b, "{\"msgtype\":\"text\",\"text\":{\"content\":", n->text);
		buf_str(b, "}}");
	} else {
		buf_span_add(b, n->json);
	}
	return "application/json";
}

bool
route_send(const struct route *r, const struct notice *n, unsigned timeout_ms, char *why,
    size_t why_n)
{
	char url[URL_BYTES_MAX];
	struct buf body = { 0 };
	struct http h;
	bool good;

	if (r->argv != NULL) {
		const char *no = hook_check(r->argv[0]);

		if (no != NULL)
			snprintf(why, why_n, "%s", no);
		buf_span_add(&body, n->json);
		buf_byte(&body, '\n');
		good = no == NULL && hook_run(r->argv, buf_span(&body), timeout_ms, why, why_n);
	} else {
		const char *type = make_body(r, n, &body);

		h = (struct http){ url, type, n->id, buf_span(&body), timeout_ms, r->plain };
		good = read_url(r->url_file, url, why, why_n) && http_post(&h, why, why_n);
		explicit_bzero(url, sizeof url);
	}
	buf_free(&body);
	return good;
}
