// Tells ThreadSanitizer about the contended path of Swift's `Mutex` on Linux.
//
// The compiler instruments the uncontended path, which is inlined. The contended path is in libswiftSynchronization, which
// is not instrumented, and in the kernel (FUTEX_LOCK_PI), so that ThreadSanitizer would report a race whenever two threads
// wait for each other. These functions replace the library's for callers in this program and call them.
// See Docs/Decisions/0083. They can be removed once the Swift toolchain tells ThreadSanitizer about this path itself.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

#define SWIFT_CALL __attribute__((swiftcall))
#define SWIFT_SELF __attribute__((swift_context)) void *

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef SWIFT_CALL void LockSlow(uint32_t thread, SWIFT_SELF mutex);
typedef SWIFT_CALL void UnlockSlow(SWIFT_SELF mutex);

static void *library_function(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL) abort();
    return function;
}

SWIFT_CALL void lock_slow(uint32_t thread, SWIFT_SELF mutex) __asm__(LOCK_SLOW);
SWIFT_CALL void lock_slow(uint32_t thread, SWIFT_SELF mutex) {
    static _Atomic(LockSlow *) original;
    if (original == NULL) original = (LockSlow *)library_function(LOCK_SLOW);
    LockSlow *function = original;
    function(thread, mutex);
    __tsan_acquire(mutex);
}

SWIFT_CALL void unlock_slow(SWIFT_SELF mutex) __asm__(UNLOCK_SLOW);
SWIFT_CALL void unlock_slow(SWIFT_SELF mutex) {
    static _Atomic(UnlockSlow *) original;
    if (original == NULL) original = (UnlockSlow *)library_function(UNLOCK_SLOW);
    __tsan_release(mutex);
    UnlockSlow *function = original;
    function(mutex);
}
