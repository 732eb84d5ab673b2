// The version of the build, which Package.swift gets from BUILD_VERSION, BUILD_COMMIT and BUILD_DATE. It is in C because Swift
// has no constants from the command line, and in a separate target so that another commit recompiles nothing else.
#pragma once

const char *cbuildinfo_version(void);
const char *cbuildinfo_commit(void);
const char *cbuildinfo_date(void);
