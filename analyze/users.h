/* Who else has a file open, as far as it can be known.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_USERS_H
#define ANALYZE_USERS_H

#include <stdbool.h>
#include <sys/stat.h>

/* A process that has the file open. */
struct file_user {
	long pid; /* 0: nobody was found; other users' processes may not be looked into */
	char name[32];
	bool locks, writes;
};

/* Which one is named, when several have it open: who holds a lock of fcntl(2), or who may
 * write. */
enum user_kind { USER_LOCKS, USER_WRITES };

/* Looks through all processes but this one: where there is a reason to. */
struct file_user file_user(const struct stat *st, enum user_kind first);

#endif
