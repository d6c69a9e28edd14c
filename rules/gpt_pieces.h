/* When a table is put together from what is left of both copies of a GPT.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_GPT_PIECES_H
#define RULES_GPT_PIECES_H

#include "rules/gpt_meant.h"

bool gpt_has_pieces(const struct gpt *g);

#endif
