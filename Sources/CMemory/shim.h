// Functions of the C library's allocator that are not in the C standard and not in Swift's module of the C library.
#pragma once

#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

// Returns whole free pages to the kernel. Does nothing if the allocator does so itself.
static inline void cmemory_return_free_pages(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

// Maps every block of 128 KiB or more separately, and unmaps it when it is freed. Unless the threshold is set, glibc raises it
// to the size of the largest block that was freed (mallopt(3), M_MMAP_THRESHOLD). After one long list, later lists would be
// allocated between objects that are kept, and leave holes.
static inline void cmemory_map_large_blocks(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
#endif
}
