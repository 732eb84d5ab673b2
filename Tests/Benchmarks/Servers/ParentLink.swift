import Foundation

/// A child's side of its ``ChildServer``.
enum ParentLink {
    /// The lines of the standard input. They are read on a thread of their own: it blocks, and a thread of the
    /// concurrency pool must not.
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
