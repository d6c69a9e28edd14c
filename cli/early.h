/* Results of inputs that were worked on before their turn, since a config names them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_EARLY_H
#define CLI_EARLY_H

#include "cli/run.h"

struct early *early_new(const struct inputs *inputs);
void early_free(struct early *e);

/* Which input is that file? False: none. By any thread. */
bool early_find(struct early *e, dev_t dev, ino_t ino, size_t *i);
/* Where the result of the i-th input is kept; empty at first. By the one thread at a time that
 * has the input. */
struct result *early_of(struct early *e, size_t i);

#endif
