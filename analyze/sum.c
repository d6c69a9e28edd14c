/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/sum.h"
#include "base/md5.h"

#include <sha1.h>
#include <sha2.h>

#include "base/banned.h"

enum { READ = 1 << 20 };

const char *sum_name(enum sum_kind k)
{
	static const char *const names[] = { "md5", "sha1", "sha256", "sha512" };

	return names[k];
}

size_t sum_digits(enum sum_kind k)
{
	static const size_t digits[] = { 32, 40, 64, 128 };

	return digits[k];
}

static bool is_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool sum_kind_of(struct str digits, enum sum_kind *out)
{
	for (size_t i = 0; i < digits.n; i++) {
		if (!is_digit(digits.p[i]))
			return false;
	}
	for (unsigned k = 0; k < SUM_KINDS; k++) {
		*out = (enum sum_kind)k;
		if (sum_digits(*out) == digits.n)
			return true;
	}
	return false;
}

bool sum_agrees(const struct sum *s)
{
	if (strlen(s->actual) != s->stated.n)
		return false;
	for (size_t i = 0; i < s->stated.n; i++) {
		char c = s->stated.p[i];

		if (c >= 'A' && c <= 'F')
			c = (char)(c | 0x20);
		if (c != s->actual[i])
			return false;
	}
	return true;
}

/* ---- reading ---- */

union state {
	struct md5 md5;
	SHA1_CTX sha1;
	SHA2_CTX sha2;
};

static void begin(union state *h, enum sum_kind k)
{
	switch (k) {
	case SUM_MD5:
		md5_init(&h->md5);
		return;
	case SUM_SHA1:
		SHA1Init(&h->sha1);
		return;
	case SUM_SHA256:
		SHA256Init(&h->sha2);
		return;
	case SUM_SHA512:
		SHA512Init(&h->sha2);
		return;
	}
	BUG("sum %u", k);
}

static void add(union state *h, enum sum_kind k, const uint8_t *p, size_t n)
{
	switch (k) {
	case SUM_MD5:
		md5_add(&h->md5, (struct view){ p, n });
		return;
	case SUM_SHA1:
		SHA1Update(&h->sha1, p, n);
		return;
	case SUM_SHA256:
		SHA256Update(&h->sha2, p, n);
		return;
	case SUM_SHA512:
		SHA512Update(&h->sha2, p, n);
		return;
	}
	BUG("sum %u", k);
}

static void end(union state *h, enum sum_kind k, uint8_t out[SUM_DIGITS_MAX / 2])
{
	switch (k) {
	case SUM_MD5:
		md5_sum(&h->md5, out);
		return;
	case SUM_SHA1:
		SHA1Final(out, &h->sha1);
		return;
	case SUM_SHA256:
		SHA256Final(out, &h->sha2);
		return;
	case SUM_SHA512:
		SHA512Final(out, &h->sha2);
		return;
	}
	BUG("sum %u", k);
}

int sum_read(struct sum *s, const struct source *src, const struct deep_watch *watch,
	     struct arena *a, bool *done, struct err *e)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t *p = arena_array(a, READ, uint8_t), out[SUM_DIGITS_MAX / 2];
	union state *h = arena_new(a, union state);

	*done = false;
	begin(h, s->kind);
	for (uint64_t off = 0; off < src->size; off += READ) {
		size_t n = (size_t)u64_min(READ, src->size - off);

		if (watch->go_on && !watch->go_on(watch->ctx, src->path, off, src->size))
			return 0;
		if (source_read(src, off, p, n, e) != 0)
			return -1;
		add(h, s->kind, p, n);
	}
	if (watch->go_on)
		watch->go_on(watch->ctx, src->path, src->size, src->size);
	end(h, s->kind, out);
	for (size_t i = 0; i < sum_digits(s->kind); i++)
		s->actual[i] = hex[i % 2 ? out[i / 2] & 15 : out[i / 2] >> 4];
	s->actual[sum_digits(s->kind)] = '\0';
	*done = true;
	return 0;
}

/* ---- lists ---- */

static struct str cut_line(struct str *rest)
{
	const char *eol = memchr(rest->p, '\n', rest->n);
	struct str line = { rest->p, eol ? (size_t)(eol - rest->p) : rest->n };
	size_t taken = line.n + (eol ? 1 : 0);

	*rest = (struct str){ rest->p + taken, rest->n - taken };
	return str_trim(line);
}

static struct str last_part(struct str path)
{
	for (size_t i = path.n; i > 0; i--) {
		if (path.p[i - 1] == '/')
			return (struct str){ path.p + i, path.n - i };
	}
	return path;
}

static struct str word_of(struct str line)
{
	size_t n = 0;

	while (n < line.n && line.p[n] != ' ' && line.p[n] != '\t')
		n++;
	return (struct str){ line.p, n };
}

/* "DIGITS  NAME", "DIGITS *NAME"; "SHA256 (NAME) = DIGITS"; "DIGITS" alone. */
static bool read_line(struct str line, struct str *digits, struct str *name)
{
	const char *open = line.n ? memchr(line.p, '(', line.n) : NULL;
	enum sum_kind k;

	*digits = word_of(line);
	if (sum_kind_of(*digits, &k)) {
		*name = str_trim((struct str){ line.p + digits->n, line.n - digits->n });
		if (name->n && name->p[0] == '*')
			*name = (struct str){ name->p + 1, name->n - 1 };
		return true;
	}
	if (!open)
		return false;
	for (size_t i = line.n; i > (size_t)(open - line.p); i--) {
		struct str tail = { line.p + i, line.n - i };

		if (!str_starts(tail, ") = "))
			continue;
		*name = (struct str){ open + 1, (size_t)(tail.p - open) - 1 };
		*digits = (struct str){ tail.p + 4, tail.n - 4 };
		return sum_kind_of(*digits, &k);
	}
	return false;
}

bool sum_in_list(struct str text, const struct source *list, struct str name,
		 struct sum *out)
{
	struct str rest = text, digits, of;
	size_t found = 0;

	name = last_part(name);
	while (rest.n) {
		struct str line = cut_line(&rest);

		if (!read_line(line, &digits, &of) ||
		    (of.n && !str_eq(last_part(of), name)))
			continue;
		/* The same file with another kind of sum, or the same twice. */
		if (found++ && !str_eq(out->stated, digits))
			return false;
		out->stated = digits;
		out->at = (struct span){ list, (uint64_t)(digits.p - text.p), digits.n };
	}
	return found && sum_kind_of(out->stated, &out->kind);
}
