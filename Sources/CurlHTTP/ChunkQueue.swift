/// Chunks of a body between the connection and the reader, in the order of their arrival.
struct ChunkQueue {
    /// How many delivered slots may stay in front before the array is compacted.
    private static let maxSpentSlots = 32

    private var chunks: [[UInt8]] = []
    private var first = 0
    private(set) var byteCount = 0

    var isEmpty: Bool { first == chunks.count }

    mutating func append(_ chunk: [UInt8]) {
        chunks.append(chunk)
        byteCount += chunk.count
    }

    mutating func popFirst() -> [UInt8]? {
        guard !isEmpty else { return nil }
        let chunk = chunks[first]
        chunks[first] = []
        first += 1
        byteCount -= chunk.count
        if isEmpty {
            chunks.removeAll(keepingCapacity: true)
            first = 0
        } else if first == Self.maxSpentSlots {
            chunks.removeSubrange(..<first)
            first = 0
        }
        return chunk
    }

    mutating func removeAll() {
        self = ChunkQueue()
    }
}
