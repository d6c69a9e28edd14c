/* MD5 against the test suite of RFC 1321, A.5, and against itself in pieces.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/md5.h"
#include "base/str.h"

#include <stdio.h>

#include "base/banned.h"

static void text_of(const uint8_t sum[MD5_SIZE], char out[2 * MD5_SIZE + 1])
{
	for (unsigned i = 0; i < MD5_SIZE; i++)
		snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

static void expect(const char *text, const char *wanted)
{
	uint8_t sum[MD5_SIZE];
	char got[2 * MD5_SIZE + 1];
	struct md5 m;

	md5_init(&m);
	md5_add(&m, str_bytes(str_of(text)));
	md5_sum(&m, sum);
	text_of(sum, got);
	assert_string_equal(got, wanted);
}

static void it_is_that_of_the_rfc(void **state)
{
	(void)state;
	expect("", "d41d8cd98f00b204e9800998ecf8427e");
	expect("a", "0cc175b9c0f1b6a831c399e269772661");
	expect("abc", "900150983cd24fb0d6963f7d28e17f72");
	expect("message digest", "f96b697d7cb7938d525a2f31aaf161d0");
	expect("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b");
	expect("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
	       "d174ab98d277d9f5a5611c2c9f419d9f");
	expect("1234567890123456789012345678901234567890123456789012345678901234567890123"
	       "4567890",
	       "57edf4a22be3c955ac49da2e2107b67a");
}

static void pieces_give_what_the_whole_does(void **state)
{
	uint8_t bytes[300], whole[MD5_SIZE], sum[MD5_SIZE];
	struct md5 m;

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	md5_init(&m);
	md5_add(&m, (struct view){ bytes, sizeof(bytes) });
	md5_sum(&m, whole);
	for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
		md5_init(&m);
		md5_add(&m, (struct view){ bytes, cut });
		/* Asking does not end it. */
		md5_sum(&m, sum);
		md5_add(&m, (struct view){ bytes + cut, sizeof(bytes) - cut });
		md5_sum(&m, sum);
		assert_memory_equal(sum, whole, MD5_SIZE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_that_of_the_rfc),
		cmocka_unit_test(pieces_give_what_the_whole_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
