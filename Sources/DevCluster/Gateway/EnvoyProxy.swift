package import HTTPTransport
import HTTPTypes

/// Keeps a running Envoy's files up to date, and asks it whether it has taken them.
///
/// Filesystem subscriptions have no answer of their own: a file that Envoy refuses is only counted, and the old one
/// stays in force. The administration page has the count and the version in use.
package actor EnvoyProxy {
    /// What became of a configuration.
    package enum Outcome: Sendable, Hashable {
        /// Envoy serves by it.
        case applied
        /// Envoy refused it and goes on with the one before.
        case refused
        /// Envoy did not say within ``applyLimit``.
        case unanswered
    }

    /// How long Envoy may take to serve by a new file; 2 to 21 ms are usual.
    private static let applyLimit: Duration = .seconds(2)
    private static let applyPollInterval: Duration = .milliseconds(2)
    /// How long Envoy may take from start to serving by its first files.
    private static let startLimit: Duration = .seconds(15)
    private static let startPollInterval: Duration = .milliseconds(20)
    private static let answerLimit: Duration = .seconds(1)
    private static let maxPageBytes = 1 << 20
    /// How long Envoy goes on with the connections of a listener that has changed; Istio's value for its gateways.
    private static let drainTime: Duration = .seconds(45)

    package nonisolated let bootstrap: EnvoyBootstrap
    package nonisolated let bootstrapFile: String
    /// The folder of Envoy's files.
    package nonisolated let folder: String
    private let transport: any HTTPTransport
    private var written: EnvoyResources?
    /// What Envoy said last. Each question costs a round trip, for which a route that was just made waits.
    private var known: EnvoyStatistics?

    /// - Parameters:
    ///   - folder: An existing folder for Envoy's files.
    ///   - port: The port on 127.0.0.1 to listen at.
    ///   - adminPort: The port on 127.0.0.1 of the administration page.
    ///   - transport: Asks the administration page.
    package init(folder: String, port: Int, adminPort: Int, transport: any HTTPTransport) {
        bootstrap = EnvoyBootstrap(
            port: port,
            adminPort: adminPort,
            clustersFile: folder + "/clusters.json",
            routesFile: folder + "/routes.json"
        )
        bootstrapFile = folder + "/envoy.json"
        self.folder = folder
        self.transport = transport
    }

    /// How to start this Envoy. ``prepare()`` comes first.
    package nonisolated func command(executable: String, logFile: String) -> ProcessCommand {
        ProcessCommand(
            executable: executable,
            arguments: [
                "-c", bootstrapFile, "--concurrency", "1", "--disable-hot-restart", "-l", "warning",
                "--drain-time-s", String(Self.drainTime.components.seconds), "--drain-strategy", "immediate",
            ],
            logFile: logFile
        )
    }

    /// Writes the files that must exist before Envoy starts, for a gateway that serves nothing yet.
    package func prepare() throws {
        let empty = EnvoyResources(plan: GatewayPlan(), folder: folder)
        try PrivateFile.write(empty.clusters.bytes, to: bootstrap.clustersFile)
        try PrivateFile.write(empty.routes.bytes, to: bootstrap.routesFile)
        try PrivateFile.write(bootstrap.bytes, to: bootstrapFile)
        written = empty
    }

    /// Waits until Envoy listens and has taken its first files.
    ///
    /// - Throws: ``DevClusterFailure`` if it takes too long.
    package func waitUntilServing() async throws {
        let isServing: Bool? = try await poll(every: Self.startPollInterval, limit: Self.startLimit) {
            guard let statistics = await statistics(), statistics.routes.version != nil else { return nil }
            return Sockets.accepts(address: "127.0.0.1", port: bootstrap.port) ? true : nil
        }
        guard isServing == true else { throw DevClusterFailure("Envoy did not start to serve") }
    }

    /// Writes a configuration for Envoy, endpoints before clusters and clusters before routes, and waits until it is in use.
    ///
    /// Envoy has one queue of file events for the folder and loads the files in the order in which they were written, so no
    /// route refers to a cluster that it does not know. Files whose content has not changed are not written.
    ///
    /// - Throws: ``DevClusterFailure`` if a file cannot be written, or `CancellationError`.
    package func publish(_ resources: EnvoyResources) async throws -> Outcome {
        guard resources != written else { return .applied }
        if known == nil { known = await statistics() }
        let endpoints = resources.endpoints.filter { !(written?.endpoints.contains($0) ?? false) }
        for item in endpoints { try PrivateFile.write(item.file.bytes, to: item.path) }
        // A new cluster serves once it has its endpoints.
        var expected = endpoints.map { item in
            Expectation(version: item.file.version) { $0.endpoints[item.cluster] }
        }
        if resources.clusters != written?.clusters {
            try PrivateFile.write(resources.clusters.bytes, to: bootstrap.clustersFile)
            expected.append(Expectation(version: resources.clusters.version) { $0.clusters })
        }
        if resources.routes != written?.routes {
            try PrivateFile.write(resources.routes.bytes, to: bootstrap.routesFile)
            expected.append(Expectation(version: resources.routes.version) { $0.routes })
        }
        let outcome = try await confirm(expected)
        guard outcome == .applied else {
            // The routes may refer to clusters that Envoy has refused.
            if let written { try PrivateFile.write(written.routes.bytes, to: bootstrap.routesFile) }
            return outcome
        }
        for path in Set(written?.endpoints.map(\.path) ?? []).subtracting(resources.endpoints.map(\.path)) {
            try PrivateFile.remove(path)
        }
        written = resources
        return .applied
    }

    /// A version of a file that Envoy is to take.
    private struct Expectation: Sendable {
        let version: String
        let subscription: @Sendable (EnvoyStatistics) -> EnvoyStatistics.Subscription?
    }

    /// Waits until Envoy serves by all of them. One answer may tell of several.
    private func confirm(_ expected: [Expectation]) async throws -> Outcome {
        guard !expected.isEmpty else { return .applied }
        let before = known
        return try await poll(every: Self.applyPollInterval, limit: Self.applyLimit) { () -> Outcome? in
            guard let now = await statistics() else { return nil }
            known = now
            let isRefused = expected.contains { item in
                guard let subscription = item.subscription(now), subscription.version != item.version else {
                    return false
                }
                return subscription.rejections > before.flatMap(item.subscription)?.rejections ?? 0
            }
            if isRefused { return .refused }
            return expected.allSatisfy { $0.subscription(now)?.version == $0.version } ? .applied : nil
        } ?? .unanswered
    }

    /// What Envoy says now; `nil` if it does not answer.
    private func statistics() async -> EnvoyStatistics? {
        let request = TransportRequest(
            head: HTTPRequest(
                method: .get,
                scheme: "http",
                authority: "127.0.0.1:\(bootstrap.adminPort)",
                path: EnvoyStatistics.path
            ),
            timeout: Self.answerLimit
        )
        guard let answer = try? await transport.collect(request, maxBodyBytes: Self.maxPageBytes),
            answer.head.status == .ok
        else { return nil }
        return EnvoyStatistics(page: String(decoding: answer.body, as: UTF8.self))
    }
}
