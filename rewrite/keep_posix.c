/* POSIX.1-2008 has no extended attributes, so none are known of here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/replace.h"
#include "base/banned.h"

bool keep_attributes(int from, int to, struct arena *a)
{
	(void)from;
	(void)to;
	(void)a;
	return true;
}
