#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Reads small text files with settings, credentials or configuration.
public enum SmallFile {
    /// The reason for which a file cannot be used. Its description ends the sentence "the file …".
    public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case unreadable
        case tooLarge(maxBytes: Int)
        case notUTF8

        public var description: String {
            switch self {
            case .unreadable: "cannot be read"
            case .tooLarge(let maxBytes): "is larger than \(maxBytes) bytes"
            case .notUTF8: "is not UTF-8 text"
            }
        }
    }

    private static let chunkBytes = 64 * 1024

    /// Reads a text file.
    ///
    /// - Parameters:
    ///   - path: The path of the file.
    ///   - maxBytes: The maximum size of the file, in bytes.
    ///   - waitsForWriter: Whether opening a pipe waits for its writer, as a shell's process substitution requires.
    public static func read(_ path: String, maxBytes: Int, waitsForWriter: Bool = true) throws(Failure) -> String {
        let options: FileDescriptor.OpenOptions = waitsForWriter ? .closeOnExec : [.closeOnExec, .nonBlocking]
        guard let bytes = try? contents(of: path, options, atMost: maxBytes + 1) else { throw .unreadable }
        guard bytes.count <= maxBytes else { throw .tooLarge(maxBytes: maxBytes) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
        return text
    }

    /// Reads the start of a file. The size in its attributes is not used, because the file may be a pipe or a device.
    private static func contents(
        of path: String,
        _ options: FileDescriptor.OpenOptions,
        atMost limit: Int
    ) throws -> [UInt8] {
        let file = try FileDescriptor.open(FilePath(path), .readOnly, options: options)
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
