/* What the parts of the XML reader share: places, messages, names.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/xml_reader.h"
#include "base/banned.h"

const char *reader_shown(const struct reader *r, struct span s)
{
	return str_shown(r->a, reader_str(r, s));
}

bool reader_over(struct reader *r, const char *fmt, ...)
{
	char msg[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	err_set(r->e, ERR_LIMIT, "%s", msg);
	return false;
}

bool reader_bad(struct reader *r, struct span at, const char *fmt, ...)
{
	va_list ap;

	r->bad = arena_new(r->a, struct syntax_error);
	r->bad->at = at;
	va_start(ap, fmt);
	r->bad->what = arena_vprintf(r->a, fmt, ap);
	va_end(ap);
	return false;
}

bool reader_ended(struct reader *r, size_t from, const char *what)
{
	size_t to = from;

	if (r->broken_at)
		return reader_bad(r, reader_span(r, r->text.n, r->text.n + 1), "%s",
				  r->broken_at);
	while (to < r->text.n && r->text.p[to] != '\n' && r->text.p[to] != '\r')
		to++;
	return reader_bad(r, reader_span(r, from, to), "%s that does not end", what);
}

bool reader_skip_blanks(struct reader *r)
{
	size_t from = r->at;

	while (r->at < r->text.n && xml_is_blank(r->text.p[r->at]))
		r->at++;
	return r->at > from;
}

bool reader_qname(struct reader *r, struct span *at, size_t *prefix)
{
	struct view rest = view_cut(r->text, r->at, r->text.n - r->at);
	size_t n = xml_ncname(rest), local = 0;
	bool colon = n < rest.n && rest.p[n] == ':';

	*prefix = 0;
	if (colon) {
		*prefix = n++;
		local = xml_ncname(view_cut(rest, n, rest.n - n));
		n += local;
	}
	*at = reader_span(r, r->at, r->at + n);
	if (n == 0)
		return false;
	if (colon && (*prefix == 0 || local == 0 || (n < rest.n && rest.p[n] == ':')))
		return reader_bad(
			r, *at,
			"'%s' is no name: at most one colon, between two names, "
			"was expected",
			reader_shown(r, *at));
	r->at += n;
	return true;
}

bool reader_reference(struct reader *r, size_t at, size_t end, size_t *len)
{
	const char *why;
	uint32_t c;
	size_t n;

	*len = xml_reference(view_cut(r->text, at, end - at), &c, &n, &why);
	if (*len)
		return true;
	return reader_bad(r, reader_span(r, at, at + n), "'%s' %s",
			  reader_shown(r, reader_span(r, at, at + n)), why);
}
