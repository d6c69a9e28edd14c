/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>

#include "base/banned.h"

#undef err_set
#undef err_sys

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	e->code = code;
	e->sys = 0;
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	return -1;
}

/* strerror() may share a buffer between threads. strerror_r() returns the text in glibc's
 * form, and 0 with the text in buf in that of POSIX, which is the one on other systems. */
static inline const char *text_gnu(const char *text, const char *buf)
{
	return text ? text : buf;
}

static inline const char *text_posix(int failed, const char *buf)
{
	return failed ? "unknown error" : buf;
}

#define STRERROR_TEXT(r, buf)                                                            \
	_Generic((r), char * : text_gnu, int : text_posix)((r), (buf))

int err_sys(struct err *e, int sys, const char *fmt, ...)
{
	char buf[96] = "";
	const char *reason = STRERROR_TEXT(strerror_r(sys, buf, sizeof(buf)), buf);
	va_list ap;
	size_t n;

	e->code = ERR_IO;
	e->sys = sys;
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", reason);
	return -1;
}
