/* Hostile XML: it ends in an answer, within bounded memory and time.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/xml_doc.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

/* The seconds are against hangs only. */
enum { MEMORY_MAX_KIB = 64 << 10, SECONDS_MAX = 60 };

enum answer { GOOD, BAD, LIMIT };

struct hostile {
	const char *before, *again, *after; /* `again` as often as fits */
	enum answer answer;
};

/* In a child, so that its peak of memory is its own. */
static int answer_of(const struct hostile *h, size_t size)
{
	struct buf b = { 0 };
	size_t fixed = strlen(h->before) + strlen(h->after), n = strlen(h->again);
	struct doc d;

	buf_add(&b, str_of(h->before));
	for (size_t i = 0; i < (size - fixed) / n; i++)
		buf_add_bytes(&b, h->again, n);
	buf_add(&b, str_of(h->after));
	read_bytes(&d, b.p, b.n);
	if (d.rc != 0)
		return d.e.code == ERR_LIMIT && !d.root && !d.bad ? LIMIT : -1;
	if (d.bad)
		return d.root ? -1 : BAD;
	return d.root ? GOOD : -1;
}

static void check_answer(const struct hostile *h, size_t size)
{
	struct rlimit cpu = { .rlim_cur = SECONDS_MAX, .rlim_max = SECONDS_MAX };
	struct rusage used;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		setrlimit(RLIMIT_CPU, &cpu);
		_exit(answer_of(h, size));
	}
	assert_true(pid > 0);
	assert_true(wait4(pid, &status, 0, &used) == pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != (int)h->answer)
		fail_msg("%s%s...: status %x, expected answer %d", h->before, h->again,
			 (unsigned)status, (int)h->answer);
#ifndef SANITIZED
	if (used.ru_maxrss > MEMORY_MAX_KIB)
		fail_msg("%s%s...: %ld KiB", h->before, h->again, used.ru_maxrss);
#endif
}

static void eight_mebibytes_of_anything_stay_within_bounds(void **state)
{
	static const struct hostile rows[] = {
		{ "<a>", "<a>", "", LIMIT },      /* deep */
		{ "<a>", "<b/>", "</a>", LIMIT }, /* wide */
		{ "<a ", "b='' ", "/>", LIMIT },  /* doubles */
		{ "<a ", "b:b='' ", "/>", LIMIT },
		{ "<a ", "xmlns:b='' ", "/>", BAD },
		{ "", "<!---->", "<a/>", GOOD },
		{ "<a>", "<!---->", "x</a>", GOOD },
		{ "<a>", "<?b?>", "</a>", GOOD },
		{ "<a><!--", "x", "--></a>", GOOD },
		{ "<a><?b ", "x", "?></a>", GOOD },
		{ "<a>", "x", "</a>", GOOD },
		{ "<a>", "&lt;", "</a>", GOOD },
		{ "<a>", "&#10;", "</a>", GOOD },
		{ "<a>", "\r", "</a>", GOOD },
		{ "<a>", "<![CDATA[]]>", "</a>", GOOD },
		{ "<a><![CDATA[", "x", "]]></a>", GOOD },
		{ "<a b='", "x", "'/>", GOOD },
		{ "<a b='", "&amp;", "'/>", GOOD },
		{ "<a b='", "\t", "'/>", GOOD },
		{ "<a b='", "&#0", "'/>", BAD },
		{ "<", "a", "/>", BAD }, /* libxml2: a name of 50000 at most */
		{ "<a>&", "a", ";</a>", BAD },
		{ "<a>&#", "0", "65;</a>", GOOD },
		{ "<a", " ", "/>", GOOD },
		{ "", "\n", "<a/>", GOOD },
		{ "<a>", "<", "</a>", BAD },
		{ "<a>", "&", "</a>", BAD },
		{ "<a>", "]", "</a>", GOOD },
		{ "<a>", "-", "--></a>", GOOD },
		{ "<!DOCTYPE a [", "<!ENTITY a '&a;&a;'>", "]><a>&a;</a>", BAD },
		{ "<a>", "x<b/>", "</a>", LIMIT },
		{ "<a>", "\xc3\xa9", "</a>", GOOD },
		{ "<a>", "\xc3", "</a>", BAD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_answer(&rows[i], XML_SIZE_MAX);
}

static void what_fits_into_the_budget_stays_within_bounds(void **state)
{
	static const struct hostile rows[] = {
		{ "<a>", "<b c='' d='' e='' f='' g=''/>", "</a>", GOOD },
		{ "<a>", "x<b/>&lt;", "</a>", GOOD },
		{ "<a>", "<bbbbbbbbbbbbbbbbbbbb cccccccccccccccccccc='\n'/>", "</a>",
		  GOOD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_answer(&rows[i], 700 << 10);
}

static void a_larger_text_is_not_read(void **state)
{
	static const struct hostile h = { "<a>", "x", "</a>", LIMIT };

	(void)state;
	check_answer(&h, XML_SIZE_MAX + 1);
}

static void nested(struct doc *d, struct buf *b, unsigned depth)
{
	buf_clear(b);
	for (unsigned i = 0; i < depth; i++)
		buf_add(b, STR("<a>"));
	for (unsigned i = 0; i < depth; i++)
		buf_add(b, STR("</a>"));
	read_bytes(d, b->p, b->n);
}

static void nesting_has_a_limit(void **state)
{
	struct buf b = { 0 };
	struct doc d;

	(void)state;
	nested(&d, &b, XML_DEPTH_MAX);
	assert_non_null(d.root);
	done(&d);
	nested(&d, &b, XML_DEPTH_MAX + 1);
	assert_int_equal(d.rc, -1);
	assert_int_equal(d.e.code, ERR_LIMIT);
	done(&d);
	buf_free(&b);
}

static void with_attributes(struct doc *d, struct buf *b, unsigned n, const char *prefix)
{
	buf_clear(b);
	buf_add(b, STR("<a"));
	for (unsigned i = 0; i < n; i++)
		buf_printf(b, " %sb%u='u%u'", prefix, i, i);
	buf_add(b, STR("/>"));
	read_bytes(d, b->p, b->n);
}

static void attributes_and_declarations_have_a_limit(void **state)
{
	struct buf b = { 0 };
	struct doc d;

	(void)state;
	with_attributes(&d, &b, XML_ATTRIBUTES_MAX, "");
	assert_non_null(d.root);
	done(&d);
	with_attributes(&d, &b, XML_ATTRIBUTES_MAX + 1, "");
	assert_int_equal(d.e.code, ERR_LIMIT);
	done(&d);
	with_attributes(&d, &b, XML_DECLARATIONS_MAX, "xmlns:");
	assert_non_null(d.root);
	done(&d);
	with_attributes(&d, &b, XML_DECLARATIONS_MAX + 1, "xmlns:");
	assert_int_equal(d.e.code, ERR_LIMIT);
	done(&d);
	buf_free(&b);
}

static void utf16_is_refused_in_words(void **state)
{
	struct doc d;

	(void)state;
	read_bytes(&d, "\xff\xfe<\0a\0/\0>\0", 10);
	assert_int_equal(d.rc, -1);
	assert_int_equal(d.e.code, ERR_UNSUPPORTED);
	assert_non_null(strstr(d.e.msg, "UTF-16"));
	done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eight_mebibytes_of_anything_stay_within_bounds),
		cmocka_unit_test(what_fits_into_the_budget_stays_within_bounds),
		cmocka_unit_test(a_larger_text_is_not_read),
		cmocka_unit_test(nesting_has_a_limit),
		cmocka_unit_test(attributes_and_declarations_have_a_limit),
		cmocka_unit_test(utf16_is_refused_in_words),
	};

	xml_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
