internal import FoundationEssentials

/// The fingerprints of previews whose end is known, the latest ones.
///
/// Two generations, of which the older one is forgotten when the younger is full: nothing is sorted, and no fewer than
/// ``maxCount`` are remembered once there were as many.
struct EndedPreviews: Sendable {
    enum End: Hashable, Sendable {
        /// Somebody stopped it.
        case stopped
        /// The watch told at this instant that its route is gone, for whatever reason.
        case seen(Date)
    }

    /// The most fingerprints of one generation.
    static let maxCount = 512

    private var younger: [String: End] = [:]
    private var older: [String: End] = [:]

    subscript(_ fingerprint: String) -> End? { younger[fingerprint] ?? older[fingerprint] }

    /// What was stopped stays so, whatever the watch tells afterwards.
    mutating func insert(_ fingerprint: String, _ end: End) {
        guard self[fingerprint] != .stopped else { return }
        if younger.count >= Self.maxCount {
            older = younger
            younger = [:]
        }
        younger[fingerprint] = end
    }
}
