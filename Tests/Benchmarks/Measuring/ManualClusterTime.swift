import Foundation
import PreviewControl
import PreviewDomain
import Synchronization

/// A cluster's time that is known exactly, and that changes only when it is advanced.
final class ManualClusterTime: ClusterTime {
    private let now = Mutex(Date())

    func advance(by duration: Duration) { now.withLock { $0 = $0 + duration } }

    func reading() -> ClusterTimeReading? {
        let now = now.withLock { $0 }
        return ClusterTimeReading(earliest: now, latest: now)
    }
}

/// The cluster's time if the API server is on this machine: the local time.
struct LocalClusterTime: ClusterTime {
    func reading() -> ClusterTimeReading? {
        let now = Date()
        return ClusterTimeReading(earliest: now, latest: now)
    }
}
