// What this build is, as Package.swift was told by BUILD_VERSION, BUILD_COMMIT and BUILD_DATE. In C, because Swift has no
// constants from the command line; a target of its own, so that another commit compiles nothing else anew.
#pragma once

const char *cbuildinfo_version(void);
const char *cbuildinfo_commit(void);
const char *cbuildinfo_date(void);
