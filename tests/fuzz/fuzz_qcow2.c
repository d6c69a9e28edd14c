/* Any bytes as a QCOW2 image: the header and what it names, and a name for every place that
 * was read.
 *
 * The input is the file, but for its magic, which is put right, and for its last byte, which
 * says by how much a hole follows: large offsets are then inside.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/touch_qcow2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct host host = { 0 };
	struct arena a;
	struct patch hole;
	struct source src, over;
	uint8_t *p;
	struct unit u;

	if (n < 9)
		return -1;
	p = malloc(n);
	BUG_ON(!p);
	memcpy(p, data, n);
	memcpy(p, "QFI\xfb", 4);
	if (p[4] || p[5] || p[6] || p[7] < 2)
		memcpy(p + 4, "\0\0\0\3", 4);
	src = source_of_bytes("disk.qcow2", (struct view){ p, n - 1 });
	hole = (struct patch){ .size = n - 1 };
	/* 0: none; then 512 bytes to 2^50. */
	if (p[n - 1] % 43)
		hole.size += UINT64_C(1) << (8 + p[n - 1] % 43);
	over = source_overlay(&src, &hole);
	arena_init(&a, ARENA_BUDGET);
	unit_read(&u, p[n - 1] ? &over : &src, NULL, &host);
	BUG_ON(u.state != UNIT_READ);
	touch_qcow2(u.qcow2, &a);
	BUG_ON(u.arena.used > ARENA_BUDGET + (1 << 20));
	unit_close(&u);
	arena_free(&a);
	free(p);
	return 0;
}
