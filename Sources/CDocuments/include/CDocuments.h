#pragma once

#include <stddef.h>

/// The bytes of Docs/openapi.yaml, as they were when this was compiled.
const unsigned char *cdocuments_openapi(size_t *count);
