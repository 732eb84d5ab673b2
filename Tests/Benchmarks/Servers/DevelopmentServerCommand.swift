import ArgumentParser
import DevCluster
import Foundation
import Synchronization

/// The development cluster's API server in a separate process.
struct DevelopmentServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "development-server",
        abstract: "Serve a development API server, and tell what it was asked.",
        shouldDisplay: false
    )

    @Option(help: "Where its kubeconfig is written.")
    var kubeconfig: String

    func run() async throws {
        var limits = ObjectStore.Limits()
        // The number of changes in a burst before its watchers have read them.
        limits.watchBuffer = 65_536
        limits.history = 65_536
        let store = ObjectStore(limits: limits)
        let (path, deletions) = (kubeconfig, DeletionLog())
        try await withAPIServer(store: store) { server in
            try await server.kubeconfig().write(toFile: path, atomically: true, encoding: .utf8)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for kind in [ResourceKind.httpRoutes, .services] {
                    let changes = store.changes(of: kind)
                    group.addTask { await deletions.follow(changes, kind.plural) }
                }
                try ParentLink.answer("ready")
                for await question in ParentLink.questions() {
                    switch question {
                    case "requests": try ParentLink.answer(RequestCounts(server.requestLog).entries)
                    default: try ParentLink.answer(deletions.instants(of: question))
                    }
                }
                group.cancelAll()
            }
        }
    }
}

/// The instants at which the server accepted deletions.
private final class DeletionLog: Sendable {
    private let instants = Mutex<[String: [String: Double]]>([:])

    func follow(_ changes: ObjectChanges, _ resource: String) async {
        for await change in changes where change.action == .deleted {
            let now = Date().timeIntervalSince1970
            instants.withLock { $0[resource, default: [:]][change.object.name] = now }
        }
    }

    func instants(of resource: String) -> [String: Double] { instants.withLock { $0[resource] ?? [:] } }
}

extension RequestCounts {
    fileprivate init(_ log: RequestLog) {
        self.init(entries: log.entries.map { Entry(verb: $0.verb, resource: $0.resource, count: $1) })
    }
}
