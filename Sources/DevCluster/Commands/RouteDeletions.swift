import FoundationEssentials
import Synchronization

/// When HTTPRoutes were deleted, as the store saw it.
final class RouteDeletions: Sendable {
    /// Deletions remembered; a demonstration has a handful.
    private static let maxEntries = 256

    private let instants = Mutex<[String: Date]>([:])

    /// When the route with this name was deleted; `nil` if it was not.
    func instant(of name: String) -> Date? { instants.withLock { $0[name] } }

    /// Follows a store's routes until the task is cancelled.
    func follow(_ store: ObjectStore) async {
        for await change in store.changes(of: .httpRoutes) where change.action == .deleted {
            let now = Date()
            instants.withLock { instants in
                if instants.count < Self.maxEntries { instants[change.object.name] = now }
            }
        }
    }
}
