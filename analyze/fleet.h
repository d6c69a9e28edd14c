/* The VMs of a whole run, by what they claim (claim.h): who claims the same thing as another.
 *
 * Claims are added in the order of inputs, by one thread, and settled once. Only the inputs about
 * which there may be something to say are read again, and asked with ordinary rules; what others
 * claim is then attached to their own claims.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_FLEET_H
#define ANALYZE_FLEET_H

#include "analyze/claim.h"

struct fleet;

/* At most so much is kept, some 32 MiB; what comes later is not compared (fleet_full()). */
enum {
	FLEET_CLAIMS_MAX = 1 << 17,
	FLEET_CLAIMANTS_MAX = 1 << 15,
	FLEET_RIVALS_MAX = 1 << 10, /* claims on one thing that are compared */
};

struct fleet *fleet_new(void);
void fleet_free(struct fleet *f);

/* What an input claims; path outlives the fleet. */
void fleet_add(struct fleet *f, const struct claims *c, const char *path);

/* Finds out who claims the same. Returns the inputs that are to be asked, in their order; the
 * fleet's. Afterwards it is const. */
const uint32_t *fleet_settle(struct fleet *f, size_t *n);

/* Were there more than fit? */
bool fleet_full(const struct fleet *f);

/* Attaches to each of c's claims, which are of one input, those of others. */
void fleet_attach(const struct fleet *f, struct claims *c);

#endif
