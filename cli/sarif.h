/* What both flavours of SARIF share (report_sarif.c): sarif, and sarif-github.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SARIF_H
#define CLI_SARIF_H

#include "cli/sink.h"

void sarif_artifact(struct jsonw *j, const char *path);
void sarif_message(struct jsonw *j, const char *key, const char *text);
void sarif_result_head(struct jsonw *j, const struct exhibit *e);
/* From suppressions on; the fingerprints stay open, for more of them. */
void sarif_fingerprints(struct jsonw *j, const struct examined *x,
			const struct exhibit *e);
/* Closes them, and the result. */
void sarif_result_tail(struct jsonw *j, const struct exhibit *e);
void sarif_merge_rules(struct rule_set *into, const struct rule_set *from);
void sarif_begin(struct sink *k);
void sarif_skipped(struct sink *k, const struct skip *s);
/* left_out: results that are not in it. */
void sarif_finish(struct sink *k, const struct summary *sum, uint64_t left_out);

#endif
