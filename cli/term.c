/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/term.h"
#include "base/utf8.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/banned.h"

enum { WIDTH_PLAIN = 120, WIDTH_MIN = 40, WIDTH_MAX = 200 };

static bool is_set(const char *name)
{
	const char *v = getenv(name);

	return v && *v;
}

static bool wants_color(int fd, enum color_when when)
{
	const char *term = getenv("TERM"), *force = getenv("CLICOLOR_FORCE");

	switch (when) {
	case COLOR_ALWAYS:
		return true;
	case COLOR_NEVER:
		return false;
	case COLOR_AUTO:
		break;
	}
	if (is_set("NO_COLOR")) /* no-color.org */
		return false;
	if (force && *force && strcmp(force, "0") != 0)
		return true;
	return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

/* 0: not a terminal, or it does not say. */
static unsigned columns_of(int fd)
{
#ifdef TIOCGWINSZ
	struct winsize size;

	if (isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0)
		return size.ws_col;
#else
	(void)fd;
#endif
	return 0;
}

static unsigned width_of(int fd)
{
	unsigned columns = columns_of(fd);

	if (columns == 0)
		return WIDTH_PLAIN;
	return columns < WIDTH_MIN   ? WIDTH_MIN
	       : columns > WIDTH_MAX ? WIDTH_MAX
				     : columns;
}

unsigned term_columns(int fd)
{
	unsigned columns = columns_of(fd);

	return columns ? columns : 80;
}

struct term term_of(int fd, enum color_when when)
{
	return (struct term){ .color = wants_color(fd, when), .width = width_of(fd) };
}

struct term term_plain(void)
{
	return (struct term){ .width = WIDTH_PLAIN };
}

void paint(struct buf *out, const struct term *t, enum paint p)
{
	static const char *const codes[] = {
		[PAINT_PLACE] = "\033[1m",      [PAINT_ERROR] = "\033[1;31m",
		[PAINT_WARNING] = "\033[1;33m", [PAINT_NOTE] = "\033[1;36m",
		[PAINT_GUTTER] = "\033[2m",     [PAINT_FIX] = "\033[32m",
		[PAINT_GONE] = "\033[31m",      [PAINT_HUNK] = "\033[36m",
	};

	if (t->color)
		buf_add(out, str_of(codes[p]));
}

void paint_end(struct buf *out, const struct term *t)
{
	if (t->color)
		buf_add(out, STR("\033[0m"));
}

enum paint paint_of(enum severity s)
{
	switch (s) {
	case SEV_ERROR:
		return PAINT_ERROR;
	case SEV_WARNING:
		return PAINT_WARNING;
	case SEV_NOTE:
		return PAINT_NOTE;
	}
	BUG("severity %u", s);
}

size_t safe_char(struct buf *out, struct view v, unsigned *columns)
{
	size_t before = out->n, n;
	uint32_t c;

	n = utf8_decode(v, &c);
	if (n == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0)) {
		buf_printf(out, "\\x%02x", n ? (unsigned)c : (unsigned)v.p[0]);
		n = n ? n : 1;
	} else if (utf8_is_invisible(c)) {
		buf_printf(out, "\\u%04x", (unsigned)c);
	} else {
		buf_add_bytes(out, v.p, n);
		*columns = utf8_width(c);
		return n;
	}
	*columns = (unsigned)(out->n - before);
	return n;
}

void buf_safe(struct buf *out, struct str s)
{
	struct view v = str_bytes(s);
	unsigned columns;

	while (v.n) {
		size_t n = safe_char(out, v, &columns);

		v = view_cut(v, n, v.n - n);
	}
}

void buf_count(struct buf *out, uint64_t n, const char *one)
{
	buf_printf(out, "%llu %s%s", (unsigned long long)n, one, n == 1 ? "" : "s");
}

void buf_about(struct buf *out, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	uint64_t unit = 1024;
	unsigned long long tenths;
	size_t u = 0;

	if (bytes < 1024) {
		buf_count(out, bytes, "byte");
		return;
	}
	for (; bytes / unit >= 1024; unit *= 1024)
		u++;
	tenths = (unsigned long long)((double)bytes / (double)unit * 10 + 0.5);
	/* 1023.96 KiB were rounded to 1024. */
	if (tenths >= 10240) {
		tenths = 10;
		u++;
	}
	if (tenths % 10 == 0)
		buf_printf(out, "%llu %s", tenths / 10, units[u]);
	else
		buf_printf(out, "%llu.%llu %s", tenths / 10, tenths % 10, units[u]);
}

int write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n) {
		ssize_t w = write(fd, at, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		at += w;
		n -= (size_t)w;
	}
	return 0;
}
