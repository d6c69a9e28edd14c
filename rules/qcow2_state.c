/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/qcow2_state.h"
#include "base/num.h"
#include "base/banned.h"

struct str qcow2_name_effective(const struct qcow2_name *n)
{
	struct str s = n->text;
	const char *nul = s.n ? memchr(s.p, 0, s.n) : NULL;

	if (n->state != QCOW2_NAME_READ)
		return (struct str){ 0 };
	if (nul)
		s.n = (size_t)(nul - s.p);
	return s;
}

static bool is_known(uint32_t type)
{
	return type == QCOW2_EXT_BACKING_FORMAT || type == QCOW2_EXT_FEATURE_NAMES ||
	       type == QCOW2_EXT_BITMAPS || type == QCOW2_EXT_CRYPTO ||
	       type == QCOW2_EXT_DATA_FILE;
}

size_t qcow2_extensions_from(const struct qcow2 *q, uint64_t off)
{
	uint64_t end = q->head.n;
	size_t n = 0;

	if (q->backing_offset.v && q->backing_offset.v <= end)
		end = q->backing_offset.v;
	while (off < end && end - off >= 8) {
		uint32_t type = view_be32(q->head, (size_t)off);
		uint64_t len = view_be32(q->head, (size_t)off + 4);

		if (type == QCOW2_EXT_END)
			return len == 0 ? n : 0;
		if (!is_known(type) || len == 0 || len > end - off - 8)
			return 0;
		off += 8 + div_up(len, 8) * 8;
		n++;
	}
	return off >= end ? n : 0;
}
