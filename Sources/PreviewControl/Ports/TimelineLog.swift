/// Where entries of the timeline are written for good.
public protocol TimelineSink: Sendable {
    /// Writes an entry. Writing the same occurrence again is harmless.
    ///
    /// - Returns: False when the occurrence stood there already.
    func write(_ entry: TimelineEntry) async throws(TimelineFailure) -> Bool
}

/// Why an entry was not written.
public struct TimelineFailure: Error, Hashable, CustomStringConvertible {
    /// Whether the same entry may well be taken later.
    public let isTemporary: Bool
    /// One sentence without object names or secrets.
    public let detail: String
    /// How long the other side asked to wait.
    public let retryAfter: Duration?

    public init(isTemporary: Bool, _ detail: String, retryAfter: Duration? = nil) {
        self.isTemporary = isTemporary
        self.detail = detail
        self.retryAfter = retryAfter
    }

    public var description: String { detail }
}

/// The log of what happened to the runs' previews, which all replicas share.
public protocol TimelineLog: Sendable {
    /// Delivers the entries on a claim, the oldest first, and then every new one, until the task is cancelled or
    /// `handle` throws.
    ///
    /// An entry may come again after the log was interrupted; ``TimelineEvent/id`` tells. Entries wait for `handle`, so
    /// that nothing piles up.
    ///
    /// - Parameter position: Only what was written after it is delivered. A position that cannot be one of this log
    ///   counts as none.
    func follow(
        _ claim: ClaimIdentity,
        after position: TimelinePosition?,
        _ handle: @escaping @Sendable (TimelineRecord) async throws -> Void
    ) async throws
}

/// An entry as it stands in the log.
public struct TimelineRecord: Hashable, Sendable {
    public let entry: TimelineEntry
    /// Where it stands; `nil` where the log does not say in a way that can be compared.
    public let position: TimelinePosition?

    public init(entry: TimelineEntry, position: TimelinePosition?) {
        self.entry = entry
        self.position = position
    }
}

/// A place in the log, the same on every replica: the resourceVersion of the Event.
///
/// Versions of one kind of object grow with every write, and clients may compare them as numbers (Kubernetes API
/// concepts, "Resource versions").
public struct TimelinePosition: Hashable, Comparable, Sendable, CustomStringConvertible {
    private let version: UInt64

    /// - Returns: `nil` unless `text` is a decimal number as resourceVersions are.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let version = UInt64(text)
        else { return nil }
        self.version = version
    }

    public var description: String { "\(version)" }

    public static func < (left: TimelinePosition, right: TimelinePosition) -> Bool { left.version < right.version }
}
