/* An ERROR: we could not do our work. Not a finding (the input is wrong), not a bug.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_code {
	ERR_NONE,
	ERR_IO,          /* a system call failed; sys is its errno */
	ERR_SHORT,       /* the input ended before the bytes that were asked for */
	ERR_LIMIT,       /* a bound of ours was reached (size, depth, memory) */
	ERR_UNREADABLE,  /* a container does not say what its guest would read here */
	ERR_PARSE,       /* text that its own language refuses */
	ERR_BUSY,        /* somebody else uses the file */
	ERR_REFUSED,     /* we could, but must not */
	ERR_STOPPED,     /* the user said so, and it can be continued */
	ERR_USAGE,       /* wrong command line */
	ERR_UNSUPPORTED, /* a kind of input or system that this build does not know */
};

struct err {
	enum err_code code;
	int sys;       /* errno, or 0 */
	char msg[256]; /* lower case, no prefix, no final stop; input text already escaped */
};

/* Fills e and returns -1, so that `return err_set(e, ...)` reads as one step. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for a failed system call: code ERR_IO, and ": strerror(sys)" is appended. */
int err_sys(struct err *e, int sys, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* clang's static analyzer looks at one file at a time: told here, it knows that callers
 * never go on with what a failed call has left unset. */
#ifdef __clang_analyzer__
#define err_set(...) ((void)err_set(__VA_ARGS__), -1)
#define err_sys(...) ((void)err_sys(__VA_ARGS__), -1)
#endif

#endif
