public import PreviewControl
internal import Synchronization

/// A timeline that remembers what it was told.
public final class RecordingTimeline: Timeline, Sendable {
    private let recorded = Mutex<[TimelineEvent]>([])

    public init() {}

    public var events: [TimelineEvent] { recorded.withLock { $0 } }

    public func record(_ event: TimelineEvent) {
        recorded.withLock { $0.append(event) }
    }
}
