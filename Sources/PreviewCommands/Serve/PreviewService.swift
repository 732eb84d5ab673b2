internal import ArgumentParser
internal import CBuildInfo
internal import CMemory
internal import KubernetesClient
internal import Logging
internal import NIOCore
internal import PreviewCluster
internal import PreviewControl
internal import PreviewDomain
internal import PreviewServer
internal import ServiceLifecycle
internal import UnixSignals

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The service, constructed from its parts.
struct PreviewService {
    let settings: Settings
    let logger: Logger
    /// The log level that SIGUSR1 switches; `nil` leaves the signal untouched.
    var logLevel: AdjustableLogLevel?
    /// Loads the address, the trust and the credentials of the API server.
    var cluster: @Sendable () throws -> ClusterConfiguration = { try .discover() }
    /// Creates the lookup of host names in the previews' zone. The second argument returns the time since some fixed instant.
    var zoneNames: @Sendable (ZoneSuffix, @escaping @Sendable () -> Duration) -> any NameLookup = {
        ZoneResolver($0, uptime: $1)
    }
    /// The signals that stop the service.
    var stopSignals: [UnixSignal] = [.sigterm, .sigint]
    /// Called when the API accepts connections.
    var onRunning: @Sendable (any Channel) async -> Void = { _ in }

    /// The time after a stop signal in which requests in progress may be completed, including the drain time.
    ///
    /// Requests that are cancelled then delete what they had created, which takes up to 5 s: 25 s in all, of the 30 s that
    /// Kubernetes allows a pod by default (`terminationGracePeriodSeconds`).
    var shutdownTimeout = Duration.seconds(20)

    /// Serves until a stop signal arrives, or until the enclosing service group shuts down.
    ///
    /// - Throws: A ``SettingsError`` if the cluster's configuration or an address to listen on cannot be used.
    func run() async throws {
        let configuration: ClusterConfiguration
        do { configuration = try cluster() } catch let error as KubernetesError {
            throw SettingsError("The cluster's configuration cannot be used: \(error)")
        }
        logStart(configuration)
        let shared = try SharedParts(settings, cluster: { configuration }, logger: logger)
        let timeline = TimelineParts(shared)
        let previews = PreviewParts(shared, timeline, names: zoneNames(settings.address.zone, shared.time.uptime))
        let server = try ServerParts(shared, timeline, previews, onRunning: onRunning)
        // Services shut down in reverse order: first the draining, then the server, which accepts no more requests and
        // completes those in progress, then the services that these need. The timeline's queues come last, because they write
        // the events of all others.
        let signal: [any Service] = logLevel.map { [LogLevelSignal(level: $0, logger: logger)] } ?? []
        let services = group(signal + timeline.services + previews.services + server.services)
        try await StopSignals(signals: stopSignals, draining: server.draining, time: shared.time, logger: logger)
            .run(services)
        await shared.shutdown()
    }

    /// Logs the build and the configuration as the first line of the log.
    private func logStart(_ cluster: ClusterConfiguration) {
        let build = BuildInfo.current
        logger.info(
            "preview-gateway starts",
            metadata: [
                "version": "\(build.version)", "commit": "\(build.commit)", "built": "\(build.date)",
                "namespace": "\(settings.cluster.namespace)", "zone": "\(settings.address.zone)",
                "gateway": "\(settings.cluster.gatewayNamespace)/\(settings.cluster.gatewayName)",
                "api_server": "\(cluster.server)",
            ]
        )
    }

    private func group(_ services: [any Service]) -> ServiceGroup {
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) },
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = shutdownTimeout
        return ServiceGroup(configuration: configuration)
    }
}

/// `preview-gateway serve`: runs the service.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the HTTP API and reap previews, until SIGTERM or SIGINT.",
        discussion: SettingsOptions.discussion
    )

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        // This setting of the allocator affects only later allocations.
        cmemory_map_large_blocks()
        // A `SettingsError` that is thrown here is printed as one line, without the command's usage.
        let settings = try Settings(options.sources())
        let level = AdjustableLogLevel(settings.logLevel)
        let logger = settings.logFormat.logger(label: "preview-gateway", level: level)
        try await PreviewService(settings: settings, logger: logger, logLevel: level).run()
    }
}

/// Handles stop signals: the first begins a graceful shutdown, a second one shortens it.
struct StopSignals {
    let signals: [UnixSignal]
    let draining: Draining
    let time: MonotonicTime
    let logger: Logger

    /// The time that requests in progress have after a second signal. The listener is closed within it, because cancelling a
    /// server that still accepts connections can crash the process (https://github.com/apple/swift-nio/issues/2637).
    private static let gracePeriod = Duration.seconds(2)

    /// Runs the services until they have stopped.
    func run(_ services: ServiceGroup) async throws {
        guard !signals.isEmpty else { return try await services.run() }
        let signals = await UnixSignalsSequence(trapping: signals)
        try await withThrowingTaskGroup(of: End.self) { group in
            group.addTask {
                try await services.run()
                return .stopped
            }
            group.addTask {
                await follow(signals, services)
                return .gracePeriodIsOver
            }
            let end = try await group.next()
            group.cancelAll()
            // The remaining tasks throw because they were cancelled.
            if end == .gracePeriodIsOver { while (try? await group.next()) != nil {} }
        }
    }

    /// The reason for which the services end.
    private enum End {
        case stopped
        case gracePeriodIsOver
    }

    private func follow(_ signals: UnixSignalsSequence, _ services: ServiceGroup) async {
        var iterator = signals.makeAsyncIterator()
        guard let first = await iterator.next() else { return }
        logger.info(
            "a shutdown signal was received; new requests are accepted until the drain time has passed",
            metadata: ["signal": "\(first)"]
        )
        await services.triggerGracefulShutdown()
        guard let second = await iterator.next() else { return }
        logger.info(
            "a second shutdown signal was received; requests in progress are cancelled",
            metadata: ["signal": "\(second)"]
        )
        draining.endEarly()
        try? await time.sleep(Self.gracePeriod)
    }
}

/// The number of files and sockets that this process may have open.
enum OpenFiles {
    /// The files that are kept for everything but callers' connections and what these need: the cluster's connections, logs,
    /// files that are read.
    static let reserve = 256

    /// The number of callers' connections for which a limit of open files is sufficient.
    ///
    /// - Parameters:
    ///   - limit: The limit of open files.
    ///   - others: The connections of other servers of this process.
    ///   - forwarded: The largest number of connections to the core API.
    static func callers(within limit: Int, besides others: Int, forwarding forwarded: Int) -> Int {
        let available = limit - reserve - others
        // If the limit is low, each connection may forward a request.
        return max(available - min(forwarded, available / 2), 1)
    }

    /// Raises the process's soft limit as far as possible.
    ///
    /// The usual default of 1,024 exists for programs that use `select`; this service does not.
    ///
    /// - Returns: The limit that now applies.
    static func raiseLimit() -> Int {
        var limit = rlimit()
        #if canImport(Darwin)
            let resource = RLIMIT_NOFILE
            // The kernel's limit for one process, which applies even if the hard limit is higher.
            let most = rlim_t(OPEN_MAX)
        #else
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            let most = rlim_t.max
        #endif
        guard getrlimit(resource, &limit) == 0 else { return reserve }
        let wanted = min(limit.rlim_max, most)
        if limit.rlim_cur < wanted {
            let before = limit.rlim_cur
            limit.rlim_cur = wanted
            if setrlimit(resource, &limit) != 0 { limit.rlim_cur = before }
        }
        return Int(clamping: limit.rlim_cur)
    }
}

extension BuildInfo {
    /// The running build.
    static let current = BuildInfo(
        version: String(cString: cbuildinfo_version()),
        commit: String(cString: cbuildinfo_commit()),
        date: String(cString: cbuildinfo_date())
    )

    /// One line for `--version`.
    var line: String { "\(version) (commit \(commit), \(date))" }
}
