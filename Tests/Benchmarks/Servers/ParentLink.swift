import Foundation

/// The child's side of a ``ChildServer``.
enum ParentLink {
    /// The lines of the standard input. They are read on a separate thread, because reading blocks, and a thread of the
    /// concurrency pool must not block.
    static func questions() -> AsyncStream<String> {
        let (lines, source) = AsyncStream.makeStream(of: String.self)
        Thread.detachNewThread {
            while let line = readLine() { source.yield(line) }
            source.finish()
        }
        return lines
    }

    /// Writes one line to the parent.
    static func answer(_ value: some Encodable) throws {
        try FileHandle.standardOutput.write(contentsOf: try JSONEncoder().encode(value) + [UInt8(ascii: "\n")])
    }
}
