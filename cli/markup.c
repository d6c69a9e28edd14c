/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/markup.h"
#include "base/utf8.h"
#include "base/banned.h"

void buf_markup(struct buf *out, struct str s)
{
	struct view v = str_bytes(s);
	uint32_t c;

	while (v.n) {
		size_t n = utf8_decode(v, &c);

		if (n == 0 || (c < 0x20 && c != '\n' && c != '\t') ||
		    (c & 0xfffe) == 0xfffe)
			buf_add(out, STR("\xef\xbf\xbd"));
		else if (c == '&')
			buf_add(out, STR("&amp;"));
		else if (c == '<')
			buf_add(out, STR("&lt;"));
		else if (c == '>')
			buf_add(out, STR("&gt;"));
		else if (c == '"')
			buf_add(out, STR("&quot;"));
		else if (c == '\'')
			buf_add(out, STR("&#39;"));
		else
			buf_add_bytes(out, v.p, n);
		n = n ? n : 1;
		v = view_cut(v, n, v.n - n);
	}
}
