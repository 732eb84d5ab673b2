#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Reads the small files that a cluster's configuration consists of.
enum ConfigurationFile {
    private static let chunkBytes = 64 * 1024

    /// Reads a text file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - maxBytes: The largest size accepted.
    ///   - field: What names the file, for the error.
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/configuration``.
    static func read(_ path: String, maxBytes: Int, field: String) throws -> String {
        guard let bytes = try? contents(of: path, atMost: maxBytes + 1) else {
            throw KubernetesError(.configuration, "\(path) (\(field)) cannot be read")
        }
        guard bytes.count <= maxBytes else {
            throw KubernetesError(.configuration, "\(path) (\(field)) is larger than \(maxBytes) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw KubernetesError(.configuration, "\(path) (\(field)) is not UTF-8 text")
        }
        return text
    }

    /// The beginning of a file. What a file's attributes say about its size does not bound what can be read from it: it
    /// may be a link, a pipe or a device.
    private static func contents(of path: String, atMost limit: Int) throws -> [UInt8] {
        let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
        return try file.closeAfter {
            var bytes: [UInt8] = []
            while bytes.count < limit {
                let count = min(limit - bytes.count, chunkBytes)
                let chunk = try [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
                    initializedCount = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
                guard !chunk.isEmpty else { break }
                bytes += chunk
            }
            return bytes
        }
    }
}
