/* What the pages are made of. SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TOOLS_MANUAL_H
#define TESTS_TOOLS_MANUAL_H

#include "cli/options.h"

enum manual_value {
	VALUE_NONE, /* the option takes none */
	VALUE_WORD, /* anything */
	VALUE_FORMAT,
	VALUE_RULES,
	VALUE_LEVEL,
	VALUE_WHEN,
	VALUE_FILE,
	VALUE_FOLDER,
	VALUE_SECTOR,
	VALUE_RAW,
};

/* NULL, or a name that is NULL, ends them. */
extern const struct command_row manual_commands[];
extern const struct option_row manual_options[];
extern const char *const manual_formats[];

enum manual_value manual_value(const struct option_row *o);

void manual_program(void);
void manual_policy(void);
void manual_rules(void);
void manual_bash(void);
void manual_zsh(void);
void manual_fish(void);

#endif
