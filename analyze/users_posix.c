/* Elsewhere nobody is found.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/users.h"
#include "base/banned.h"

struct file_user file_user(const struct stat *st, enum user_kind first)
{
	(void)st;
	(void)first;
	return (struct file_user){ 0 };
}
