#ifndef CLIBYAML_SHIM_H
#define CLIBYAML_SHIM_H

// libyaml's parser contains pointers into itself, so it must not be moved. Its events are unions, which Swift cannot access
// safely; they are copied to a flat struct here.

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/// Creates a parser of UTF-8; NULL if there is not enough memory.
///
/// @param bytes The text to parse. It must outlive the parser.
static inline yaml_parser_t *clibyaml_parser_create(const unsigned char *bytes, size_t length) {
    yaml_parser_t *parser = (yaml_parser_t *)malloc(sizeof(yaml_parser_t));
    if (parser == NULL) return NULL;
    if (!yaml_parser_initialize(parser)) {
        free(parser);
        return NULL;
    }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, bytes, length);
    return parser;
}

static inline void clibyaml_parser_free(yaml_parser_t *parser) {
    yaml_parser_delete(parser);
    free(parser);
}

/// A `yaml_event_t` without its union. The pointers are valid until `clibyaml_event_free`.
struct clibyaml_event {
    yaml_event_t event;
    yaml_event_type_t type;
    /// The anchor of a value, or the anchor to which an alias refers; NULL if there is none.
    const char *anchor;
    /// The text of a scalar in UTF-8, which is not terminated by a zero.
    const unsigned char *text;
    size_t length;
    /// Whether the type of a scalar is resolved from its text: it has the plain style and no tag `!` or `!!str`.
    bool is_plain;
};

/// Reads the next event; false if the text is malformed. The parser's members describe the error.
static inline bool clibyaml_parser_next(yaml_parser_t *parser, struct clibyaml_event *next) {
    memset(next, 0, sizeof(*next));
    if (!yaml_parser_parse(parser, &next->event)) return false;
    const yaml_event_t *event = &next->event;
    next->type = event->type;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        next->anchor = (const char *)event->data.alias.anchor;
        break;
    case YAML_SEQUENCE_START_EVENT:
        next->anchor = (const char *)event->data.sequence_start.anchor;
        break;
    case YAML_MAPPING_START_EVENT:
        next->anchor = (const char *)event->data.mapping_start.anchor;
        break;
    case YAML_SCALAR_EVENT: {
        const char *tag = (const char *)event->data.scalar.tag;
        next->anchor = (const char *)event->data.scalar.anchor;
        next->text = event->data.scalar.value;
        next->length = event->data.scalar.length;
        next->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !event->data.scalar.quoted_implicit
            && (tag == NULL || strcmp(tag, YAML_STR_TAG) != 0);
        break;
    }
    default:
        break;
    }
    return true;
}

static inline void clibyaml_event_free(struct clibyaml_event *next) {
    yaml_event_delete(&next->event);
}

#endif
