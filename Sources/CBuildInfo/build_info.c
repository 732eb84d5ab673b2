#include "CBuildInfo.h"

#ifndef BUILD_VERSION
#define BUILD_VERSION "0.0.0-development"
#endif
#ifndef BUILD_COMMIT
#define BUILD_COMMIT "unknown"
#endif
#ifndef BUILD_DATE
#define BUILD_DATE "unknown"
#endif

const char *cbuildinfo_version(void) { return BUILD_VERSION; }
const char *cbuildinfo_commit(void) { return BUILD_COMMIT; }
const char *cbuildinfo_date(void) { return BUILD_DATE; }
