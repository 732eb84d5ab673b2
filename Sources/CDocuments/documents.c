#include "CDocuments.h"

// SwiftPM's `.embedInCode` writes an array literal of Swift, which takes the compiler longer than everything that uses it.
// With C23's #embed the build takes no longer, and the compiler lists the document as a dependency of this file.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char openapi[] = {
#embed "../../Docs/openapi.yaml"
};

const unsigned char *cdocuments_openapi(size_t *count) {
    *count = sizeof openapi;
    return openapi;
}
