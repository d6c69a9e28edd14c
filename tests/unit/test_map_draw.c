/* What `vmend map` draws of anything: a picture is a document that an XML parser takes, a
 * drawing keeps to its width, and no text of an image reaches a terminal as a command.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "cli/map_draw.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "base/banned.h"

#define MIB(n) ((uint64_t)(n) << 20)

static const struct rule a_rule = { .id = "some-rule", .severity = SEV_WARNING };
static const struct finding a_finding = { .rule = &a_rule,
					  .message = "<b> & 'this' is \"wrong\"" };

struct bench {
	struct arena a;
	struct map m;
	struct buf out;
};

static void begin(struct bench *b, uint64_t size)
{
	*b = (struct bench){
		.m = { .size = size, .unit = 512, .title = "a <map> & more" }
	};
	arena_init(&b->a, 0);
}

static void end(struct bench *b)
{
	map_free(&b->m);
	buf_free(&b->out);
	arena_free(&b->a);
}

static struct map_range *put(struct bench *b, uint64_t off, uint64_t len, const char *key)
{
	struct map_range *r = map_add(&b->m, &b->a, off, len);

	r->kind = MAP_PART;
	r->key = key;
	r->name = key;
	r->what = key;
	return r;
}

static void mark(struct bench *b, struct map_range *r)
{
	struct map_mark *k;

	if (b->m.marks.n == MAP_MARKS_MAX)
		return;
	k = vec_add(&b->m.marks, &b->a);
	k->letter = (char)('a' + b->m.marks.n - 1);
	k->f = &a_finding;
	k->has_range = true;
	buf_char(&r->marks, k->letter);
}

/* ---- pictures ---- */

static xmlDocPtr parsed(const struct buf *b)
{
	return xmlReadMemory(b->p, (int)b->n, NULL, NULL,
			     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

static void is_a_document(const struct buf *b)
{
	xmlDocPtr doc = parsed(b);

	assert_non_null(doc);
	assert_string_equal((const char *)xmlDocGetRootElement(doc)->name, "svg");
	xmlFreeDoc(doc);
}

static void text_of_an_image_is_text_in_a_picture(void **state)
{
	static const char evil[] = "</title><script>alert('x')</script>&amp;\"";
	struct bench b;

	(void)state;
	begin(&b, MIB(64));
	mark(&b, put(&b, MIB(1), MIB(60), evil));
	map_svg(&b.out, &b.m, evil, &b.a);
	is_a_document(&b.out);
	assert_null(strstr(b.out.p, "<script"));
	assert_non_null(strstr(b.out.p, "&lt;script&gt;"));
	assert_non_null(strstr(b.out.p, "&amp;amp;&quot;"));
	end(&b);
}

static void what_xml_forbids_is_replaced(void **state)
{
	/* Controls, U+FFFF, U+FFFE, a surrogate, a lone byte. */
	static const char evil[] =
		"a\x01\x1b[31m\xef\xbf\xbf\xef\xbf\xbe\xed\xa0\x80\xff z";
	struct bench b;

	(void)state;
	begin(&b, MIB(64));
	put(&b, MIB(1), MIB(60), evil);
	map_svg(&b.out, &b.m, evil, &b.a);
	is_a_document(&b.out);
	end(&b);
}

/* ---- drawings ---- */

static unsigned columns(struct view line)
{
	unsigned sum = 0;
	uint32_t c;

	while (line.n) {
		size_t n = utf8_decode(line, &c);

		assert_true(n != 0);
		sum += utf8_width(c);
		line = view_cut(line, n, line.n - n);
	}
	return sum;
}

static unsigned widest_line(const struct buf *b)
{
	unsigned widest = 0;
	const char *p = b->p, *stop = b->p + b->n;

	while (p < stop) {
		const char *eol = memchr(p, '\n', (size_t)(stop - p));
		unsigned w;

		assert_non_null(eol);
		w = columns((struct view){ (const uint8_t *)p, (size_t)(eol - p) });
		widest = w > widest ? w : widest;
		p = eol + 1;
	}
	return widest;
}

static void a_drawing_without_utf8_is_ascii(void **state)
{
	const struct term t = { .width = 80 };
	struct bench b;

	(void)state;
	begin(&b, MIB(64));
	put(&b, MIB(1), MIB(30), "1")->name = "\xe4\xb8\x80\xe4\xba\x8c";
	put(&b, MIB(20), MIB(40), "2")->kind = MAP_LOST;
	map_bar(&b.out, &b.m, &t, false, &b.a);
	for (size_t i = 0; i < b.out.n; i++)
		assert_true((unsigned char)b.out.p[i] < 0x80);
	assert_non_null(strstr(b.out.p, "|1 ??"));
	end(&b);
}

static void wide_characters_do_not_shift_a_border(void **state)
{
	const struct term t = { .width = 60 };
	struct bench b;

	(void)state;
	begin(&b, MIB(64));
	put(&b, 0, MIB(11), "1")->name =
		"\xe4\xb8\x80\xe4\xba\x8c\xe4\xb8\x89\xe5\x9b\x9b";
	put(&b, MIB(11), MIB(53), "2");
	map_bar(&b.out, &b.m, &t, true, &b.a);
	assert_int_equal(widest_line(&b.out), 60);
	assert_non_null(
		strstr(b.out.p, "1 \xe4\xb8\x80\xe4\xba\x8c\xe4\xb8\x89\xe2\x80\xa6"));
	end(&b);
}

static void letters_stand_above_the_box(void **state)
{
	const struct term t = { .width = 41 };
	struct bench b;
	struct map_range *r;

	(void)state;
	begin(&b, MIB(64));
	r = put(&b, 0, MIB(32), "1");
	mark(&b, r);
	mark(&b, r);
	put(&b, MIB(32), MIB(32), "2");
	map_bar(&b.out, &b.m, &t, false, &b.a);
	assert_true(str_starts((struct str){ b.out.p, b.out.n },
			       "    ab\n"
			       "+-------------------+-------------------+\n"
			       "|1 1 32 MiB         |2 2 32 MiB         |\n"
			       "+-------------------+-------------------+\n"));
	end(&b);
}

static void more_letters_than_there_is_room_say_so(void **state)
{
	const struct term t = { .width = 41 };
	struct bench b;
	struct map_range *r;

	(void)state;
	begin(&b, MIB(64));
	r = put(&b, 0, 512, "1");
	for (unsigned i = 0; i < 5; i++)
		mark(&b, r);
	put(&b, 512, MIB(64) - 512, "2");
	map_bar(&b.out, &b.m, &t, false, &b.a);
	assert_true(str_starts((struct str){ b.out.p, b.out.n }, " +\n b\n a\n+~+---"));
	end(&b);
}

static void a_long_list_ends_with_how_many_more(void **state)
{
	const struct term t = { .width = 80 };
	struct bench b;

	(void)state;
	begin(&b, MIB(4096));
	for (unsigned i = 0; i < 1000; i++)
		put(&b, MIB(i), MIB(1), "1");
	map_text(&b.out, &b.m, "x", &t, true, &b.a);
	assert_non_null(strstr(b.out.p, "\n and 936 more\n"));
	assert_true(widest_line(&b.out) <= 80);
	end(&b);
}

static void a_disk_of_sixteen_tib_keeps_to_80_columns(void **state)
{
	const struct term t = { .width = 80 };
	struct bench b;

	(void)state;
	begin(&b, (uint64_t)16 << 40);
	put(&b, MIB(1), ((uint64_t)16 << 40) - MIB(2), "1")->align = MIB(1);
	mark(&b, put(&b, ((uint64_t)16 << 40) - MIB(1), 512, "H"));
	map_text(&b.out, &b.m, "x", &t, true, &b.a);
	assert_true(widest_line(&b.out) <= 80);
	assert_non_null(strstr(b.out.p, "34359736319"));
	end(&b);
}

/* ---- anything ---- */

/* xorshift: the same numbers on every machine. */
static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Bytes of any kind; what is for a terminal went through str_shown(), as names do. */
static const char *any_text(struct bench *b, uint64_t *x, bool shown)
{
	char s[16] = "";
	size_t n = next(x) % sizeof(s);

	for (size_t i = 0; i < n; i++)
		s[i] = (char)next(x);
	return shown ? str_shown(&b->a, (struct str){ s, n })
		     : arena_str(&b->a, str_of(s));
}

static void fill(struct bench *b, uint64_t *x, bool shown)
{
	unsigned n = (unsigned)(next(x) % 40);

	for (unsigned i = 0; i < n; i++) {
		static const char *const keys[] = { "1", "H", "128", "m4" };
		struct map_range *r = put(b, next(x) >> next(x) % 64,
					  next(x) >> next(x) % 64, keys[next(x) % 4]);

		r->kind = (enum map_kind)(next(x) % (MAP_UNKNOWN + 1));
		r->rank = (unsigned)(next(x) % 3);
		r->name = any_text(b, x, shown);
		r->what = any_text(b, x, shown);
		r->align = next(x) % 2 ? map_alignment(r->off) : 0;
		for (uint64_t k = next(x) % 4; k; k--)
			mark(b, r);
	}
}

static void any_map_is_a_document(void **state)
{
	uint64_t x = 0x2545f4914f6cdd1d;

	(void)state;
	for (unsigned i = 0; i < 600; i++) {
		struct bench b;

		begin(&b, next(&x) >> next(&x) % 64);
		fill(&b, &x, false);
		map_svg(&b.out, &b.m, any_text(&b, &x, false), &b.a);
		is_a_document(&b.out);
		end(&b);
	}
}

static void any_drawing_keeps_to_its_width(void **state)
{
	uint64_t x = 0x9e3779b97f4a7c15;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		struct term t = { .width = 60 + (unsigned)(next(&x) % 140) };
		struct bench b;

		begin(&b, next(&x) >> next(&x) % 64);
		fill(&b, &x, true);
		map_text(&b.out, &b.m, "x", &t, true, &b.a);
		assert_true(widest_line(&b.out) <= t.width);
		end(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_an_image_is_text_in_a_picture),
		cmocka_unit_test(what_xml_forbids_is_replaced),
		cmocka_unit_test(a_drawing_without_utf8_is_ascii),
		cmocka_unit_test(wide_characters_do_not_shift_a_border),
		cmocka_unit_test(letters_stand_above_the_box),
		cmocka_unit_test(more_letters_than_there_is_room_say_so),
		cmocka_unit_test(a_long_list_ends_with_how_many_more),
		cmocka_unit_test(a_disk_of_sixteen_tib_keeps_to_80_columns),
		cmocka_unit_test(any_map_is_a_document),
		cmocka_unit_test(any_drawing_keeps_to_its_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
