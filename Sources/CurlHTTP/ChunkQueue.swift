/// Chunks of a body between the connection and the reader, in the order of their arrival.
struct ChunkQueue {
    /// How long a chunk may become by what is added to it. libcurl hands a body over in pieces of 16 KB at most; each chunk costs its
    /// reader a turn, and whoever passes it on a write.
    static let maxChunkBytes = 64 * 1_024
    private static let largePiece = 8 * 1_024
    /// How many delivered slots may stay in front before the array is compacted.
    private static let maxSpentSlots = 32

    private let mergesPieces: Bool
    private var chunks: [[UInt8]] = []
    private var first = 0
    private(set) var byteCount = 0

    /// - Parameter mergesPieces: Whether what is appended may become a part of the last chunk.
    init(mergesPieces: Bool = false) {
        self.mergesPieces = mergesPieces
    }

    var isEmpty: Bool { first == chunks.count }

    mutating func append(_ chunk: [UInt8]) {
        byteCount += chunk.count
        if mergesPieces, let last = chunks.indices.last, last >= first,
            chunks[last].count + chunk.count <= Self.maxChunkBytes
        {
            // Large pieces are seldom the last, and growing step by step would copy them again and again.
            if chunk.count >= Self.largePiece { chunks[last].reserveCapacity(Self.maxChunkBytes) }
            chunks[last] += chunk
        } else {
            chunks.append(chunk)
        }
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
        self = ChunkQueue(mergesPieces: mergesPieces)
    }
}
