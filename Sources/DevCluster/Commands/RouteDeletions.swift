import FoundationEssentials
import Synchronization

/// The times at which HTTPRoutes were deleted from the store.
final class RouteDeletions: Sendable {
    /// The maximum number of recorded deletions.
    private static let maxEntries = 256

    private let instants = Mutex<[String: Date]>([:])

    /// The time at which the route with this name was deleted; `nil` if it was not.
    func instant(of name: String) -> Date? { instants.withLock { $0[name] } }

    /// Records the deletions in a store until the task is cancelled.
    func follow(_ store: ObjectStore) async {
        for await change in store.changes(of: .httpRoutes) where change.action == .deleted {
            let now = Date()
            instants.withLock { instants in
                if instants.count < Self.maxEntries { instants[change.object.name] = now }
            }
        }
    }
}
