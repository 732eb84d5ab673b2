// What the C library's allocator offers beyond the C standard, and Swift's own module of it leaves out.
#pragma once

#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

// Gives whole free pages back to the kernel. Does nothing where the allocator does so by itself.
static inline void cmemory_return_free_pages(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
