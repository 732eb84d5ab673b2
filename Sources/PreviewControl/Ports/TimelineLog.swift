internal import Basics

/// A durable destination of timeline entries.
public protocol TimelineSink: Sendable {
    /// Writes an entry. Writing the same occurrence again is harmless.
    ///
    /// - Returns: False if the occurrence was already written.
    func write(_ entry: TimelineEntry) async throws(TimelineFailure) -> Bool
}

/// The reason why an entry was not written.
public struct TimelineFailure: Error, Hashable, CustomStringConvertible {
    /// Whether the same entry may be accepted later.
    public let isTemporary: Bool
    /// One sentence without object names or secrets.
    public let detail: String
    /// The wait that the other side requested.
    public let retryAfter: Duration?

    public init(isTemporary: Bool, _ detail: String, retryAfter: Duration? = nil) {
        self.isTemporary = isTemporary
        self.detail = detail
        self.retryAfter = retryAfter
    }

    public var description: String { detail }
}

/// The log of events of runs' previews, which all replicas share.
public protocol TimelineLog: Sendable {
    /// Delivers the entries on a claim, the oldest first, and then every new one, until the task is cancelled or
    /// `handle` throws.
    ///
    /// An entry may be delivered again after the log was interrupted; compare ``TimelineEvent/id``. Entries wait for
    /// `handle`, so nothing accumulates.
    ///
    /// - Parameter position: Only later entries are delivered. A position that is not valid in this log is ignored.
    func follow(
        _ claim: ClaimIdentity,
        after position: TimelinePosition?,
        _ handle: @escaping @Sendable (TimelineRecord) async throws -> Void
    ) async throws
}

/// An entry with its position in the log.
public struct TimelineRecord: Hashable, Sendable {
    public let entry: TimelineEntry
    /// Its position; `nil` if the log has no comparable one.
    public let position: TimelinePosition?

    public init(entry: TimelineEntry, position: TimelinePosition?) {
        self.entry = entry
        self.position = position
    }
}

/// A position in the log, the same on every replica: the resourceVersion of the Event.
///
/// Versions of one kind of object grow with every write, and clients may compare them as numbers (Kubernetes API
/// concepts, "Resource versions").
public struct TimelinePosition: Hashable, Comparable, Sendable, CustomStringConvertible {
    private let version: UInt64

    /// - Returns: `nil` unless `text` is a decimal number, like a resourceVersion.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.allSatisfy(\.isDigit), let version = UInt64(text) else { return nil }
        self.version = version
    }

    public var description: String { "\(version)" }

    public static func < (left: TimelinePosition, right: TimelinePosition) -> Bool { left.version < right.version }
}
