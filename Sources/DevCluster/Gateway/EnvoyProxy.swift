package import HTTPTransport
import HTTPTypes

/// Writes the configuration files of a running Envoy, and checks that Envoy has applied them.
///
/// Filesystem subscriptions have no acknowledgement: Envoy only counts a rejected file and keeps the previous one. The
/// administration interface reports the number of rejections and the version in use.
package actor EnvoyProxy {
    /// The result of publishing a configuration.
    package enum Outcome: Sendable, Hashable {
        /// Envoy uses the configuration.
        case applied
        /// Envoy rejected the configuration and still uses the previous one.
        case refused
        /// Envoy did not report a result in time.
        case unconfirmed
    }

    /// The longest time in which Envoy applies a new file. 2 to 21 ms are usual.
    package static let applyLimit: Duration = .seconds(2)
    private static let applyPollInterval: Duration = .milliseconds(2)
    /// The longest time from the start of Envoy until it uses its first files.
    private static let startLimit: Duration = .seconds(15)
    private static let startPollInterval: Duration = .milliseconds(20)
    private static let responseLimit: Duration = .seconds(1)
    private static let maxPageBytes = 1 << 20
    /// The time for which Envoy keeps the connections of a changed listener; the value that Istio uses for its gateways.
    private static let drainTime: Duration = .seconds(45)

    package nonisolated let bootstrap: EnvoyBootstrap
    package nonisolated let bootstrapFile: String
    /// The folder of Envoy's files.
    package nonisolated let folder: String
    private let transport: any HTTPTransport
    private let applyLimit: Duration
    /// The last configuration that Envoy has confirmed.
    private var written: EnvoyResources?
    /// Whether the files may differ from ``written``, because Envoy did not apply a later configuration.
    private var isPending = false
    /// The last known statistics. Each request for them delays a new route by a round trip.
    private var known: EnvoyStatistics?

    /// - Parameters:
    ///   - folder: An existing folder for Envoy's files.
    ///   - port: The port on 127.0.0.1 to listen on.
    ///   - adminPort: The port on 127.0.0.1 of the administration interface.
    ///   - transport: The transport for requests to the administration interface.
    ///   - applyLimit: The longest time to wait for Envoy in ``publish(_:)``.
    package init(
        folder: String,
        port: Int,
        adminPort: Int,
        transport: any HTTPTransport,
        applyLimit: Duration = applyLimit
    ) {
        bootstrap = EnvoyBootstrap(
            port: port,
            adminPort: adminPort,
            clustersFile: folder + "/clusters.json",
            routesFile: folder + "/routes.json"
        )
        bootstrapFile = folder + "/envoy.json"
        self.folder = folder
        self.transport = transport
        self.applyLimit = applyLimit
    }

    /// The command that starts this Envoy. Call ``prepare()`` first.
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

    /// Writes the files that Envoy needs at its start, for a gateway without routes.
    package func prepare() throws {
        let empty = EnvoyResources(plan: GatewayPlan(), folder: folder)
        try PrivateFile.write(empty.clusters.bytes, to: bootstrap.clustersFile)
        try PrivateFile.write(empty.routes.bytes, to: bootstrap.routesFile)
        try PrivateFile.write(bootstrap.bytes, to: bootstrapFile)
        written = empty
    }

    /// Waits until Envoy listens and has applied its first files.
    ///
    /// - Throws: ``DevClusterFailure`` if Envoy does not serve in time.
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
    /// route refers to a cluster that it does not know. Files whose content has not changed are not written, unless Envoy did not
    /// apply the configuration before.
    ///
    /// - Throws: ``DevClusterFailure`` if a file cannot be written, or `CancellationError`.
    package func publish(_ resources: EnvoyResources) async throws -> Outcome {
        guard resources != written || isPending else { return .applied }
        if known == nil { known = await statistics() }
        let old = isPending ? nil : written
        isPending = true
        let endpoints = resources.endpoints.filter { !(old?.endpoints.contains($0) ?? false) }
        for item in endpoints { try PrivateFile.write(item.file.bytes, to: item.path) }
        // A new cluster is used only when its endpoints are known.
        var expected = endpoints.map { item in
            Expectation(version: item.file.version) { $0.endpoints[item.cluster] }
        }
        if resources.clusters != old?.clusters {
            try PrivateFile.write(resources.clusters.bytes, to: bootstrap.clustersFile)
            expected.append(Expectation(version: resources.clusters.version) { $0.clusters })
        }
        if resources.routes != old?.routes {
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
        isPending = false
        return .applied
    }

    /// A version of a file that Envoy must apply.
    private struct Expectation: Sendable {
        let version: String
        let subscription: @Sendable (EnvoyStatistics) -> EnvoyStatistics.Subscription?
    }

    /// Waits until Envoy has applied all of them.
    private func confirm(_ expected: [Expectation]) async throws -> Outcome {
        guard !expected.isEmpty else { return .applied }
        let before = known
        return try await poll(every: Self.applyPollInterval, limit: applyLimit) { () -> Outcome? in
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
        } ?? .unconfirmed
    }

    /// The current statistics; `nil` if Envoy does not respond.
    private func statistics() async -> EnvoyStatistics? {
        let request = TransportRequest(
            head: HTTPRequest(
                method: .get,
                scheme: "http",
                authority: "127.0.0.1:\(bootstrap.adminPort)",
                path: EnvoyStatistics.path
            ),
            timeout: Self.responseLimit
        )
        guard let answer = try? await transport.collect(request, maxBodyBytes: Self.maxPageBytes),
            answer.head.status == .ok
        else { return nil }
        return EnvoyStatistics(page: String(decoding: answer.body, as: UTF8.self))
    }
}
