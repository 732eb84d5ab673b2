#pragma once

#include <stddef.h>

/// The contents of Docs/openapi.yaml at build time.
const unsigned char *cdocuments_openapi(size_t *count);
