/* SPDX-License-Identifier: BSD-2-Clause */
/* route - see route.h */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "edge/hook.h"
#include "edge/http.h"
#include "edge/mail.h"
#include "edge/private.h"
#include "edge/route.h"
#include "edge/sign.h"

#define SECRET_BYTES_MAX 4096u	/* a URL, a key */

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

/* What a line of each kind may say, must say, and how its message may look; the first look is the usual one. */
static const struct kind {
	const char *name, *known, *needs, *looks;
	bool to, from, look;
} kinds[] = {
	[ROUTE_SMS] = { "sms", "sms knows to=, url-file=, as=, sign=, key-file=, insecure=yes, each once",
	    "sms needs to= and url-file=", "form json", true, false, true },
	[ROUTE_WEBHOOK] = { "webhook", "webhook knows url-file=, as=, sign=, key-file=, insecure=yes, each once",
	    "webhook needs url-file=", "event text wecom dingtalk feishu", false, false, true },
	[ROUTE_MAIL] = { "mail", "mail knows to=, from=, url-file=, insecure=yes, each once",
	    "mail needs to=, from= and url-file=", NULL, true, true, false },
	[ROUTE_EXEC] = { "exec", NULL, NULL, NULL, false, false, false }
};

/* The first word of a list, or the one that equals `text`; NULL when none does. */
static char *
word_of(const char *list, const char *text)
{
	for (const char *p = list; *p != '\0';) {
		struct span w = span_of(p, strcspn(p, " "));

		if (text == NULL || span_is(w, text))
			return mem_dup(w);
		p += w.n;
		p += strspn(p, " ");
	}
	return NULL;
}

/* One word NAME=VALUE of the line. */
static bool
take_word(struct route *r, struct span word, const char *path)
{
	const struct kind *k = &kinds[r->kind];
	const char *eq = memchr(word.p, '=', word.n);
	struct span name = span_of(word.p, eq == NULL ? 0 : (size_t)(eq - word.p));
	struct span v = span_from(word, name.n + 1);
	struct { const char *name; char **at; bool known, file; } words[] = {
		{ "url-file", &r->url_file, true, true }, { "key-file", &r->key_file, k->look, true },
		{ "to", &r->to, k->to, false }, { "from", &r->from, k->from, false },
		{ "as", &r->as, k->look, false }, { "sign", &r->sign, k->look, false }
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!span_is(name, words[i].name) || !words[i].known || *words[i].at != NULL)
			continue;
		*words[i].at = words[i].file ? beside(path, v) : mem_dup(v);
		return true;
	}
	r->plain = r->plain || (span_is(name, "insecure") && span_is(v, "yes"));
	return span_is(name, "insecure") && span_is(v, "yes");
}

static int
check_look(const struct spec *s, const struct spec_line *l, struct route *r)
{
	const struct kind *k = &kinds[r->kind];
	char *as = k->looks == NULL ? NULL : word_of(k->looks, r->as), *sign;

	if (k->looks == NULL)
		return 0;
	if (as == NULL)
		return bad(s, l, r->kind == ROUTE_SMS ? "as= is form or json" :
		    "as= is event, text, wecom, dingtalk or feishu");
	free(r->as);
	r->as = as;
	if (r->sign == NULL)
		return r->key_file == NULL ? 0 : bad(s, l, "key-file= goes with sign=");
	if ((sign = word_of("hmac dingtalk feishu", r->sign)) == NULL)
		return bad(s, l, "sign= is hmac, dingtalk or feishu");
	free(sign);
	if (r->key_file == NULL)
		return bad(s, l, "sign= needs key-file=");
	/* Feishu wants the signature in its own form of message */
	return strcmp(r->sign, "feishu") == 0 && strcmp(r->as, "feishu") != 0 ?
	    bad(s, l, "sign=feishu goes with as=feishu") : 0;
}

static int
remote_route(const struct spec *s, const struct spec_line *l, const char *path, struct route *r)
{
	const struct kind *k = &kinds[r->kind];

	for (size_t i = 2; i < l->n; i++)
		if (!take_word(r, l->word[i], path))
			return bad(s, l, k->known);
	if (r->url_file == NULL || (k->to && r->to == NULL) || (k->from && r->from == NULL))
		return bad(s, l, k->needs);
	if (r->kind == ROUTE_MAIL && mail_addresses(span_str(r->to)) != NULL)
		return bad(s, l, "to= is no list of addresses a@x.org,b@x.org");
	if (r->kind == ROUTE_MAIL && (mail_addresses(span_str(r->from)) != NULL || strchr(r->from, ',') != NULL))
		return bad(s, l, "from= is no address a@x.org");
	return check_look(s, l, r);
}

static int
read_line(const struct spec *s, const struct spec_line *l, const char *path, struct route *r)
{
	struct buf b = { 0 };

	if (l->n < 2)
		return bad(s, l, "not SEVERITY KIND ...");
	r->severity = l->word[0];
	for (size_t i = 0; i < l->n; i++) {
		buf_span_add(&b, l->word[i]);
		buf_byte(&b, '\0');
	}
	r->id = hash_fixed(buf_span(&b));
	buf_free(&b);
	buf_span_add(&b, l->word[1]);
	if (l->n > 2) {
		buf_byte(&b, ' ');
		buf_span_add(&b, l->word[2]);
	}
	(void)buf_cstr(&b);
	r->name = b.p;
	if (!span_is(r->severity, "warn") && !span_is(r->severity, "fail") && !span_is(r->severity, "*"))
		return bad(s, l, "the severity is warn, fail or *");
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		if (!span_is(l->word[1], kinds[k].name))
			continue;
		r->kind = (enum route_kind)k;
		return r->kind == ROUTE_EXEC ? exec_route(s, l, r) : remote_route(s, l, path, r);
	}
	return bad(s, l, "the kind is sms, webhook, mail or exec");
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
		free(x->key_file);
		free(x->to);
		free(x->from);
		free(x->as);
		free(x->sign);
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

/* The first line of a file of mode 0600; `what` it is, for the reason why not. */
static bool
read_secret(const char *path, const char *what, char line[SECRET_BYTES_MAX], char *why, size_t why_n)
{
	int fd = private_try(path, PRIVATE_SECRET, why, why_n);
	ssize_t n;

	if (fd == -1)
		return false;
	n = read(fd, line, SECRET_BYTES_MAX - 1);
	if (n <= 0)
		snprintf(why, why_n, "its %s %s", what, n == 0 ? "is empty" : strerror(errno));
	close(fd);
	if (n <= 0)
		return false;
	line[n] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	return true;
}

static void
put_member(struct buf *b, const char *key, struct span value)
{
	buf_str(b, key);
	buf_json(b, value);
}

/* HMAC-SHA256, in base64. */
static void
sign_text(struct span key, struct span text, struct buf *out)
{
	unsigned char mac[SIGN_BYTES];

	sign_hmac(key, text, mac);
	sign_base64(span_of((const char *)mac, sizeof mac), out);
}

/* What the receiver wants to see; *seconds and key are for a signature within it. */
static const char *
make_body(const struct route *r, const struct notice *n, int64_t seconds, const char *key, struct buf *b)
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
	} else if (strcmp(r->as, "wecom") == 0 || strcmp(r->as, "dingtalk") == 0) {
		put_member(b, "{\"msgtype\":\"text\",\"text\":{\"content\":", n->text);
		buf_str(b, "}}");
	} else if (strcmp(r->as, "feishu") == 0) {
		buf_byte(b, '{');
		if (r->sign != NULL) {
			/* the key of their HMAC is TIME LF KEY, its text is empty */
			struct buf k = { 0 };

			buf_fmt(&k, "%lld\n%s", (long long)seconds, key);
			buf_fmt(b, "\"timestamp\":\"%lld\",\"sign\":\"", (long long)seconds);
			sign_text(buf_span(&k), span_of("", 0), b);
			buf_str(b, "\",");
			explicit_bzero(k.p, k.cap);
			buf_free(&k);
		}
		put_member(b, "\"msg_type\":\"text\",\"content\":{\"text\":", n->text);
		buf_str(b, "}}");
	} else {
		buf_span_add(b, n->json);
	}
	return "application/json";
}

/* DingTalk: the time in ms and the HMAC of TIME LF KEY go into the query. */
static void
sign_query(const char *key, int64_t ms, struct buf *url)
{
	struct buf text = { 0 }, sign = { 0 };

	buf_fmt(&text, "%lld\n%s", (long long)ms, key);
	sign_text(span_str(key), buf_span(&text), &sign);
	buf_fmt(url, "%ctimestamp=%lld&sign=", memchr(url->p, '?', url->n) == NULL ? '?' : '&', (long long)ms);
	http_encode(url, buf_span(&sign));
	explicit_bzero(text.p, text.cap);
	buf_free(&text);
	buf_free(&sign);
}

/* For receivers of one's own: the time in a header, and in another the HMAC of TIME.BODY. */
static void
sign_headers(const char *key, int64_t seconds, struct span body, struct buf *time_line, struct buf *sign_line)
{
	unsigned char mac[SIGN_BYTES];
	struct buf text = { 0 };

	buf_fmt(time_line, "X-Pipehouse-Timestamp: %lld", (long long)seconds);
	buf_fmt(&text, "%lld.", (long long)seconds);
	buf_span_add(&text, body);
	sign_hmac(span_str(key), buf_span(&text), mac);
	buf_str(sign_line, "X-Pipehouse-Signature: sha256=");
	sign_hex(mac, sign_line);
	buf_free(&text);
}

static bool
post(const struct route *r, const struct notice *n, const char *address, const char *key, unsigned timeout_ms,
    char *why, size_t why_n)
{
	struct buf url = { 0 }, body = { 0 }, line[2] = { { 0 } };
	const char *header[3] = { NULL };
	int64_t now = clock_real_ms();
	struct http h = { .id = n->id, .timeout_ms = timeout_ms, .plain = r->plain, .header = header };
	bool good;

	buf_str(&url, address);
	h.type = make_body(r, n, now / 1000, key, &body);
	h.body = buf_span(&body);
	h.zero = strcmp(r->as, "wecom") == 0 || strcmp(r->as, "dingtalk") == 0 ? "errcode" :
	    strcmp(r->as, "feishu") == 0 ? "code" : NULL;
	if (r->sign != NULL && strcmp(r->sign, "dingtalk") == 0)
		sign_query(key, now, &url);
	if (r->sign != NULL && strcmp(r->sign, "hmac") == 0) {
		sign_headers(key, now / 1000, h.body, &line[0], &line[1]);
		header[0] = buf_cstr(&line[0]);
		header[1] = buf_cstr(&line[1]);
	}
	h.url = buf_cstr(&url);
	good = http_post(&h, why, why_n);
	explicit_bzero(url.p, url.cap);
	buf_free(&url);
	buf_free(&body);
	buf_free(&line[0]);
	buf_free(&line[1]);
	return good;
}

static bool
mail_out(const struct route *r, const struct notice *n, const char *url, unsigned timeout_ms, char *why, size_t why_n)
{
	struct buf body = { 0 };
	bool good;

	buf_span_add(&body, n->text);
	buf_str(&body, "\n\n");
	buf_span_add(&body, n->json);
	buf_byte(&body, '\n');
	good = mail_send(&(struct mail){ .url = url, .from = r->from, .to = r->to, .id = n->id, .subject = n->text,
	    .body = buf_span(&body), .timeout_ms = timeout_ms, .plain = r->plain }, why, why_n);
	buf_free(&body);
	return good;
}

static bool
run_hook(const struct route *r, const struct notice *n, unsigned timeout_ms, char *why, size_t why_n)
{
	const char *no = hook_check(r->argv[0]);
	struct buf body = { 0 };
	bool good;

	if (no != NULL)
		snprintf(why, why_n, "%s", no);
	buf_span_add(&body, n->json);
	buf_byte(&body, '\n');
	good = no == NULL && hook_run(r->argv, buf_span(&body), timeout_ms, why, why_n);
	buf_free(&body);
	return good;
}

bool
route_send(const struct route *r, const struct notice *n, unsigned timeout_ms, char *why,
    size_t why_n)
{
	char url[SECRET_BYTES_MAX], key[SECRET_BYTES_MAX] = "";
	bool good;

	if (r->kind == ROUTE_EXEC)
		return run_hook(r, n, timeout_ms, why, why_n);
	good = read_secret(r->url_file, "url-file", url, why, why_n) &&
	    (r->key_file == NULL || read_secret(r->key_file, "key-file", key, why, why_n));
	if (good && r->kind == ROUTE_MAIL)
		good = mail_out(r, n, url, timeout_ms, why, why_n);
	else if (good)
		good = post(r, n, url, key, timeout_ms, why, why_n);
	explicit_bzero(url, sizeof url);
	explicit_bzero(key, sizeof key);
	return good;
}
