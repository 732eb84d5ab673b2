import FoundationEssentials
import Synchronization

/// When the routes of previews were created, accepted and deleted, as the store saw it.
final class RouteTimeline: Sendable {
    /// The instants in the life of one route.
    struct Life: Sendable, Hashable {
        var created: ContinuousClock.Instant?
        var accepted: ContinuousClock.Instant?
        var deleted: Date?
    }

    /// Lives kept; a demonstration has a handful.
    private static let maxLives = 256

    private let lives = Mutex<[String: Life]>([:])

    /// What is known of the route with this name.
    func life(of name: String) -> Life { lives.withLock { $0[name] ?? Life() } }

    /// Follows a store's routes until the task is cancelled.
    func follow(_ store: ObjectStore) async {
        for await change in store.changes(of: .httpRoutes) {
            record(change, now: ContinuousClock.now, date: Date())
        }
    }

    func record(_ change: ObjectChange, now: ContinuousClock.Instant, date: Date) {
        lives.withLock { lives in
            let name = change.object.name
            guard lives[name] != nil || lives.count < Self.maxLives else { return }
            var life = lives[name] ?? Life()
            switch change.action {
            case .added: life.created = now
            case .modified: break
            case .deleted: life.deleted = date
            }
            if life.accepted == nil, Self.isAccepted(change.object) { life.accepted = now }
            lives[name] = life
        }
    }

    private static func isAccepted(_ route: JSONValue) -> Bool {
        route["status", "parents"]?.arrayValue?.contains { parent in
            parent["conditions"]?.arrayValue?.contains {
                $0["type"]?.stringValue == "Accepted" && $0["status"]?.stringValue == "True"
            } ?? false
        } ?? false
    }
}
