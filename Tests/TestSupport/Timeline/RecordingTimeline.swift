public import PreviewControl
internal import Synchronization

/// A timeline that keeps what it was told.
public final class RecordingTimeline: Timeline {
    private let recorded = Mutex<[TimelineEvent]>([])

    public init() {}

    public func record(_ event: TimelineEvent) { recorded.withLock { $0.append(event) } }

    /// Everything so far, in order.
    public var events: [TimelineEvent] { recorded.withLock { $0 } }
}
