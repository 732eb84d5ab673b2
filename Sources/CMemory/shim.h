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

// Has every block of 128 KiB or more mapped by itself, and unmapped when it is freed. glibc raises that size to that of the
// largest block ever freed (mallopt(3), M_MMAP_THRESHOLD) unless it is set: after one long list, the next ones would lie
// between what is kept, and leave holes there.
static inline void cmemory_map_large_blocks(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
#endif
}
