#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// How many files and sockets this process may have open.
enum OpenFiles {
    /// What everything but callers' connections needs: the cluster's connections, logs, files that are read.
    static let reserve = 256

    /// Raises the process's own limit as far as it may, and returns it.
    ///
    /// The usual 1,024 is there for programs that use `select`; nothing here does.
    static func raiseLimit() -> Int {
        var limit = rlimit()
        #if canImport(Darwin)
            let resource = RLIMIT_NOFILE
            // What the kernel grants to one process, whatever the hard limit says.
            let most = rlim_t(OPEN_MAX)
        #else
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            let most = rlim_t.max
        #endif
        guard getrlimit(resource, &limit) == 0 else { return reserve }
        let wanted = min(limit.rlim_max, most)
        if limit.rlim_cur < wanted {
            let before = limit.rlim_cur
            limit.rlim_cur = wanted
            if setrlimit(resource, &limit) != 0 { limit.rlim_cur = before }
        }
        return Int(clamping: limit.rlim_cur)
    }
}
