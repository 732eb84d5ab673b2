import ArgumentParser
import FoundationEssentials
import KubernetesClient
import PreviewDomain
import Synchronization

import enum Basics.RFC3339

@testable import DevCluster
@testable import PreviewCommands

/// The development cluster's API server with previews in every state, and the command `reap` on it.
struct ReapCluster: Sendable {
    /// The output of `reap`, and how it ended.
    struct Result: Sendable {
        let output: String
        /// The error message; empty if there was none.
        let error: String
        let exitCode: Int32

        /// The line that starts with the token's fingerprint; empty if there is none.
        func line(of token: PreviewToken) -> String {
            output.split(separator: "\n").first { $0.hasPrefix(token.fingerprint) }.map(String.init) ?? ""
        }
    }

    /// The states of the previews; each state has one preview.
    enum State: String, CaseIterable {
        case alive, idle, capped, podGone, podReplaced, unusable, legacy, deleting, claimGone
        case route, service, freshService
    }

    static let namespace = "agentweaver"
    private static let run = "3f2a9c1e-0000-4000-8000-000000000001"
    private static let endedRun = "4f2a9c1e-0000-4000-8000-000000000002"
    /// The age of all objects except that of ``State/freshService``.
    private static let age = Duration.seconds(600)

    let server: APIServer
    private let kubeconfig: String

    var store: ObjectStore { server.store }

    /// - Parameter rules: The permissions of `reap`; everything is allowed if `nil`.
    static func run(
        rules: AccessRules? = nil,
        _ body: @escaping @Sendable (ReapCluster) async throws -> Void
    ) async throws {
        let kubeconfig = FileManager.default.temporaryDirectory.appending(path: "reap-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: kubeconfig) }
        let now = Mutex(Date())
        let store = ObjectStore(now: { now.withLock(\.self) })
        let user = APIUser(
            name: RunningCluster.serviceUser,
            groups: rules == nil ? [APIUser.administrators] : [],
            token: "a-token-of-the-service"
        )
        var configuration = APIServer.Configuration(users: [user])
        if rules != nil { configuration.authorizationMode = .rbac }
        // Objects whose pod is gone must be left to the reaper.
        configuration.collectsGarbage = false
        try await withAPIServer(configuration: configuration, store: store) { server in
            let configuration = try await server.kubeconfig(for: user, namespace: namespace)
            try PrivateFile.write(configuration.utf8, to: kubeconfig)
            let cluster = ReapCluster(server: server, kubeconfig: kubeconfig)
            try store.create(.namespaces, namespace: nil, ["metadata": ["name": .string(namespace)]])
            try rules?.install(into: store)
            try cluster.addPreviews(now: now.withLock(\.self))
            now.withLock { $0 = $0 + age }
            try cluster.addService(.freshService)
            try await body(cluster)
        }
    }

    /// Runs `reap` as the executable does.
    func reap(_ arguments: String..., environment: [String: String] = [:]) async throws -> Result {
        let printed = Mutex("")
        do {
            let command = try ReapCommand.parse(arguments)
            try await command.run(
                environment: environment,
                cluster: { [kubeconfig] in try ClusterConfiguration.discover(kubeconfig: kubeconfig) },
                print: { text in printed.withLock { $0 += text + "\n" } }
            )
            return Result(output: printed.withLock(\.self), error: "", exitCode: 0)
        } catch {
            return Result(
                output: printed.withLock(\.self),
                error: ReapCommand.fullMessage(for: error),
                exitCode: ReapCommand.exitCode(for: error).rawValue
            )
        }
    }

    static func token(_ state: State) throws -> PreviewToken {
        // As long as a minted token, so that no output contains a part of it by chance.
        let suffix = String(state.rawValue.lowercased().prefix(12)) + "k7m2q4x3n5b3r6t5"
        guard let token = PreviewToken("swift-falcon-\(suffix)") else {
            throw DevClusterFailure("a test's token is none")
        }
        return token
    }

    // MARK: Contents

    /// The states whose HTTPRoute exists.
    var routes: Set<String> {
        names(.httpRoutes)
    }

    var services: Set<String> {
        names(.services)
    }

    private func names(_ kind: ResourceKind) -> Set<String> {
        let present = Set(store.list(kind).items.map(\.name))
        return Set(
            State.allCases.filter { state in (try? Self.token(state)).map { present.contains($0.objectName) } ?? false }
                .map(\.rawValue)
        )
    }

    private func addPreviews(now: Date) throws {
        let pod = try addPod("pod-1")
        let claim = try addClaim(Self.run)
        for state in State.allCases {
            switch state {
            case .freshService: continue
            case .service: try addService(state)
            case .route: try addRoute(state, now: now, pod: pod, claim: claim)
            default:
                try addService(state)
                try addRoute(state, now: now, pod: pod, claim: claim)
            }
        }
        try store.delete(.httpRoutes, namespace: Self.namespace, name: try Self.token(.deleting).objectName)
    }

    private func addPod(_ name: String) throws -> (name: String, uid: String) {
        let pod = try store.create(
            .pods,
            namespace: Self.namespace,
            [
                "metadata": ["name": .string(name)],
                "spec": ["containers": [["name": "app", "image": "app"]]],
            ]
        )
        try store.updateStatus(.pods, namespace: Self.namespace, name: name) { $0["status", "phase"] = "Running" }
        return (name, pod.uid)
    }

    private func addClaim(_ run: String) throws -> String {
        try store.create(.sandboxClaims, namespace: Self.namespace, ClusterObjects.claim(run: run)).uid
    }

    private func addService(_ state: State) throws {
        let token = try Self.token(state)
        try store.create(
            .services,
            namespace: Self.namespace,
            [
                "metadata": ["name": .string(token.objectName), "labels": try labels(token, Self.run)],
                "spec": ["selector": ["app": "sandbox"], "ports": [["port": 80, "targetPort": 3000]]],
            ]
        )
    }

    private func labels(_ token: PreviewToken, _ run: String) throws -> JSONValue {
        .object(PreviewLabel.labels(token: token, run: try RunID(run).label).mapValues(JSONValue.string))
    }

    private func addRoute(
        _ state: State,
        now: Date,
        pod: (name: String, uid: String),
        claim: String
    ) throws {
        typealias Key = PreviewAnnotations.Key
        let token = try Self.token(state)
        let run = state == .claimGone ? Self.endedRun : Self.run
        var annotations = PreviewAnnotations(
            expiresAt: now + .seconds(1800),
            maxUntil: now + .seconds(28_800),
            runID: try RunID(run),
            claimUID: state == .claimGone ? "a-claim-that-was" : claim,
            token: token,
            owner: "ada",
            pod: pod.name,
            podUID: pod.uid,
            targetPort: 3000,
            startedAt: now
        ).encoded()
        switch state {
        case .idle: annotations[Key.expiresAt] = RFC3339.string(now + .seconds(300))
        case .capped:
            annotations[Key.expiresAt] = RFC3339.string(now + .seconds(400))
            annotations[Key.maxUntil] = RFC3339.string(now + .seconds(400))
        case .podGone: (annotations[Key.pod], annotations[Key.podUID]) = ("no-such-pod", "no-such-uid")
        case .podReplaced: annotations[Key.podUID] = "the-uid-before"
        case .unusable: (annotations[Key.expiresAt], annotations[Key.maxUntil]) = ("never", "9999-12-31T23:59:59Z")
        case .legacy: annotations = [:]
        default: break
        }
        var metadata: [String: JSONValue] = [
            "name": .string(token.objectName), "labels": try labels(token, run),
            "annotations": .object(annotations.mapValues(JSONValue.string)),
        ]
        if state == .deleting { metadata["finalizers"] = ["example.com/hold"] }
        try store.create(
            .httpRoutes,
            namespace: Self.namespace,
            [
                "metadata": .object(metadata),
                "spec": [
                    "parentRefs": [["name": .string(ClusterObjects.gateway)]],
                    "rules": [["backendRefs": [["name": .string(token.objectName), "port": 80]]]],
                ],
            ]
        )
    }
}
