#if canImport(System)
    import System
#else
    import SystemPackage
#endif

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Files that only the user may read. They are replaced atomically.
package enum PrivateFile {
    /// Writes `bytes` to `path` with mode 0600. A reader sees either the old or the new file, never a part.
    ///
    /// - Throws: ``DevClusterFailure`` if the file cannot be written.
    package static func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
        let temporary = path + ".new"
        do {
            unlink(temporary)
            let file = try FileDescriptor.open(
                FilePath(temporary),
                .writeOnly,
                options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: .ownerReadWrite
            )
            _ = try file.closeAfter { try file.writeAll(bytes) }
            guard rename(temporary, path) == 0 else { throw Errno(rawValue: errno) }
        } catch {
            throw DevClusterFailure("\(path) cannot be written: \(error)")
        }
    }

    /// Removes a file. It is no error if the file does not exist.
    ///
    /// - Throws: ``DevClusterFailure`` if the file cannot be removed.
    package static func remove(_ path: String) throws {
        guard unlink(path) == 0 || errno == ENOENT else {
            throw DevClusterFailure("\(path) cannot be removed: \(Errno(rawValue: errno))")
        }
    }
}
