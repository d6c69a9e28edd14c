/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/fingerprint.h"

#include <limits.h>
#include <sha2.h>
#include <unistd.h>

#include "base/banned.h"

enum { TEXT_MAX = 4096 };

const char *path_from_here(const char *path, struct arena *a)
{
	char *here;
	size_t n;

	while (path[0] == '.' && path[1] == '/')
		path += 2;
	if (path[0] != '/')
		return path;
	here = arena_array(a, PATH_MAX, char);
	if (!getcwd(here, PATH_MAX))
		return path;
	n = strlen(here);
	return strncmp(path, here, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static void add(SHA2_CTX *h, const void *p, size_t n)
{
	uint8_t len[8];

	/* The length in front: two parts never read as one. */
	put_le64(len, n);
	SHA256Update(h, len, sizeof(len));
	SHA256Update(h, p, n);
}

/* Without the numbers of siblings: another one before it does not make it another one. */
static void add_locus(SHA2_CTX *h, const char *locus)
{
	struct buf plain = { 0 };

	for (; locus && *locus; locus++) {
		if (*locus == '[')
			locus += strcspn(locus, "]");
		else
			buf_char(&plain, *locus);
		if (!*locus)
			break;
	}
	add(h, plain.n ? plain.p : "", plain.n);
	buf_free(&plain);
}

static void digest(const struct fingerprint_of *of, const char *path, uint64_t number,
		   uint8_t out[SHA256_DIGEST_LENGTH])
{
	struct str text = str_trim(of->text);
	uint8_t nth[8];
	SHA2_CTX h;

	put_le64(nth, number);
	SHA256Init(&h);
	add(&h, of->rule, strlen(of->rule));
	add(&h, path, strlen(path));
	add_locus(&h, of->locus);
	add(&h, text.n ? text.p : "", text.n < TEXT_MAX ? text.n : TEXT_MAX);
	add(&h, nth, sizeof(nth));
	SHA256Final(out, &h);
}

/* How many earlier ones are the same. */
static uint64_t count_same(struct fingerprints *v, uint64_t head, struct arena *a)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v->seen.n; i++)
		n += v->seen.v[i] == head;
	*vec_add(&v->seen, a) = head;
	return n;
}

void fingerprint(struct fingerprints *v, const struct fingerprint_of *of, struct arena *a,
		 char out[FINGERPRINT_DIGITS + 1])
{
	static const char digits[] = "0123456789abcdef";
	const char *path = path_from_here(of->path, a);
	uint8_t sum[SHA256_DIGEST_LENGTH];
	uint64_t head, same;

	digest(of, path, 0, sum);
	memcpy(&head, sum, sizeof(head));
	same = count_same(v, head, a);
	if (same)
		digest(of, path, same, sum);
	for (size_t i = 0; i < FINGERPRINT_DIGITS; i++)
		out[i] = digits[sum[i / 2] >> (i % 2 ? 0 : 4) & 15];
	out[FINGERPRINT_DIGITS] = '\0';
}
