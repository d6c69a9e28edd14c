/* SPDX-License-Identifier: Apache-2.0 */
#include "base/md5.h"

#include "base/banned.h"

enum { LENGTH = 8 };

/* RFC 1321, 3.4: floor(2^32 * |sin(i + 1)|). */
static const uint32_t sines[64] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a,
	0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
	0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340,
	0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
	0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
	0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
	0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92,
	0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
	0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static inline uint32_t rotated(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

#define F(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define G(x, y, z) F(z, x, y)
#define H(x, y, z) ((x) ^ (y) ^ (z))
#define I(x, y, z) ((y) ^ ((x) | ~(z)))

/* One operation; the names go round, so that no value has to move. */
#define STEP(f, a, b, c, d, i, k, n)                                                     \
	((a) = (b) + rotated((a) + f(b, c, d) + word[k] + sines[i], n))
#define FOUR(f, i, k0, k1, k2, k3, n0, n1, n2, n3)                                       \
	do {                                                                             \
		STEP(f, a, b, c, d, (i), k0, n0);                                        \
		STEP(f, d, a, b, c, (i) + 1, k1, n1);                                    \
		STEP(f, c, d, a, b, (i) + 2, k2, n2);                                    \
		STEP(f, b, c, d, a, (i) + 3, k3, n3);                                    \
	} while (0)

static void block(uint32_t state[4], const uint8_t *p)
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3], word[16];
	struct view v = { p, MD5_BLOCK };

	for (unsigned i = 0; i < 16; i++)
		word[i] = view_le32(v, 4 * i);
	FOUR(F, 0, 0, 1, 2, 3, 7, 12, 17, 22);
	FOUR(F, 4, 4, 5, 6, 7, 7, 12, 17, 22);
	FOUR(F, 8, 8, 9, 10, 11, 7, 12, 17, 22);
	FOUR(F, 12, 12, 13, 14, 15, 7, 12, 17, 22);
	FOUR(G, 16, 1, 6, 11, 0, 5, 9, 14, 20);
	FOUR(G, 20, 5, 10, 15, 4, 5, 9, 14, 20);
	FOUR(G, 24, 9, 14, 3, 8, 5, 9, 14, 20);
	FOUR(G, 28, 13, 2, 7, 12, 5, 9, 14, 20);
	FOUR(H, 32, 5, 8, 11, 14, 4, 11, 16, 23);
	FOUR(H, 36, 1, 4, 7, 10, 4, 11, 16, 23);
	FOUR(H, 40, 13, 0, 3, 6, 4, 11, 16, 23);
	FOUR(H, 44, 9, 12, 15, 2, 4, 11, 16, 23);
	FOUR(I, 48, 0, 7, 14, 5, 6, 10, 15, 21);
	FOUR(I, 52, 12, 3, 10, 1, 6, 10, 15, 21);
	FOUR(I, 56, 8, 15, 6, 13, 6, 10, 15, 21);
	FOUR(I, 60, 4, 11, 2, 9, 6, 10, 15, 21);
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
}

void md5_init(struct md5 *m)
{
	*m = (struct md5){ .state = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 } };
}

void md5_add(struct md5 *m, struct view v)
{
	size_t have = m->n % MD5_BLOCK, take;

	m->n += v.n;
	if (have) {
		take = (size_t)u64_min(v.n, MD5_BLOCK - have);
		memcpy(m->part + have, v.p, take);
		v = view_cut(v, take, v.n - take);
		if (have + take < MD5_BLOCK)
			return;
		block(m->state, m->part);
	}
	for (; v.n >= MD5_BLOCK; v = view_cut(v, MD5_BLOCK, v.n - MD5_BLOCK))
		block(m->state, v.p);
	if (v.n)
		memcpy(m->part, v.p, v.n);
}

void md5_sum(const struct md5 *m, uint8_t out[MD5_SIZE])
{
	struct md5 end = *m;
	uint8_t pad[MD5_BLOCK + LENGTH] = { 0x80 };
	size_t n = (2 * MD5_BLOCK - LENGTH - 1 - m->n % MD5_BLOCK) % MD5_BLOCK + 1;

	put_le64(pad + n, m->n * 8);
	md5_add(&end, (struct view){ pad, n + LENGTH });
	for (unsigned i = 0; i < 4; i++)
		put_le32(out + 4 * i, end.state[i]);
}
