#include "CDocuments.h"

// SwiftPM's `.embedInCode` generates an array literal in Swift, which takes longer to compile than all code that uses it. C23's
// #embed takes no additional time, and the compiler records the document as a dependency of this file.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char openapi[] = {
#embed "../../Docs/openapi.yaml"
};

const unsigned char *cdocuments_openapi(size_t *count) {
    *count = sizeof openapi;
    return openapi;
}
