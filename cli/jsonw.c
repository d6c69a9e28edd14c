/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/jsonw.h"
#include "base/utf8.h"
#include "base/banned.h"

static void quoted(struct buf *out, struct str s)
{
	struct view v = str_bytes(s);

	buf_char(out, '"');
	while (v.n) {
		uint32_t c;
		size_t n = utf8_decode(v, &c);

		if (n == 0)
			buf_add(out, STR("\xef\xbf\xbd"));
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", (int)c);
		else if (c == '\n')
			buf_add(out, STR("\\n"));
		else if (c == '\t')
			buf_add(out, STR("\\t"));
		/* U+2028 and U+2029 are legal here, and break JavaScript. */
		else if (c < 0x20 || c == 0x7f || c == 0x2028 || c == 0x2029)
			buf_printf(out, "\\u%04x", (unsigned)c);
		else
			buf_add_bytes(out, v.p, n);
		n = n ? n : 1;
		v = view_cut(v, n, v.n - n);
	}
	buf_char(out, '"');
}

static void begin(struct jsonw *j, const char *key)
{
	if (j->comma)
		buf_char(j->out, ',');
	j->comma = true;
	if (key) {
		quoted(j->out, str_of(key));
		buf_char(j->out, ':');
	}
}

void jsonw_object(struct jsonw *j, const char *key)
{
	begin(j, key);
	buf_char(j->out, '{');
	j->comma = false;
}

void jsonw_object_end(struct jsonw *j)
{
	buf_char(j->out, '}');
	j->comma = true;
}

void jsonw_array(struct jsonw *j, const char *key)
{
	begin(j, key);
	buf_char(j->out, '[');
	j->comma = false;
}

void jsonw_array_end(struct jsonw *j)
{
	buf_char(j->out, ']');
	j->comma = true;
}

void jsonw_str(struct jsonw *j, const char *key, struct str s)
{
	begin(j, key);
	quoted(j->out, s);
}

void jsonw_cstr(struct jsonw *j, const char *key, const char *s)
{
	if (s)
		jsonw_str(j, key, str_of(s));
	else
		jsonw_null(j, key);
}

/* RFC 4648, section 4. */
void jsonw_base64(struct jsonw *j, const char *key, struct view bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	enum { PAD = 64 };

	begin(j, key);
	buf_char(j->out, '"');
	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t left = bytes.n - i;
		uint32_t v = (uint32_t)bytes.p[i] << 16;

		if (left > 1)
			v |= (uint32_t)bytes.p[i + 1] << 8;
		if (left > 2)
			v |= bytes.p[i + 2];
		buf_char(j->out, digits[v >> 18 & 63]);
		buf_char(j->out, digits[v >> 12 & 63]);
		buf_char(j->out, digits[left > 1 ? v >> 6 & 63 : PAD]);
		buf_char(j->out, digits[left > 2 ? v & 63 : PAD]);
	}
	buf_char(j->out, '"');
}

void jsonw_u64(struct jsonw *j, const char *key, uint64_t v)
{
	begin(j, key);
	buf_printf(j->out, "%llu", (unsigned long long)v);
}

void jsonw_bool(struct jsonw *j, const char *key, bool v)
{
	begin(j, key);
	buf_add(j->out, v ? STR("true") : STR("false"));
}

void jsonw_null(struct jsonw *j, const char *key)
{
	begin(j, key);
	buf_add(j->out, STR("null"));
}

void jsonw_seconds(struct jsonw *j, const char *key, double v)
{
	begin(j, key);
	buf_printf(j->out, "%.3f", v);
}

void jsonw_raw(struct jsonw *j, struct str values)
{
	if (values.n == 0)
		return;
	if (j->comma)
		buf_char(j->out, ',');
	buf_add(j->out, values);
	j->comma = true;
}

void jsonw_line(struct jsonw *j)
{
	buf_char(j->out, '\n');
}
