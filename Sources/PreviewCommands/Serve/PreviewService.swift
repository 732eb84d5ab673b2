internal import ArgumentParser
internal import CBuildInfo
internal import CMemory
internal import CurlHTTP
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

/// All parts of the service, put together.
struct PreviewService {
    let settings: Settings
    let logger: Logger
    /// What SIGUSR1 changes; `nil` leaves that signal alone.
    var logLevel: AdjustableLogLevel?
    /// Where the cluster is.
    var cluster: @Sendable () throws -> ClusterConfiguration = { try .discover() }
    /// Looks names up in the previews' zone, by the time that has passed since some instant.
    var zoneNames: @Sendable (ZoneSuffix, @escaping @Sendable () -> Duration) -> any NameLookup = {
        ZoneNames($0, uptime: $1)
    }
    /// The signals upon which it stops.
    var stopSignals: [UnixSignal] = [.sigterm, .sigint]
    /// Called once the API listens.
    var onRunning: @Sendable (any Channel) async -> Void = { _ in }

    /// How long after a signal to stop what was begun may go on, the time of draining included. What is cancelled then
    /// takes back what it had begun, which takes up to 5 s more: 25 s in all, of the 30 s that Kubernetes allows a pod.
    var shutdownTimeout = Duration.seconds(20)

    /// Serves until a signal arrives, or the service group that this runs in shuts down.
    ///
    /// - Throws: A ``SettingsError`` when the cluster's configuration cannot be used.
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
        // Shut down one after the other, from the last: the draining, then the server, which accepts nothing more and
        // ends what was begun, and only then what that needs; the timeline's queues write down what all the others did.
        let signal: [any Service] = logLevel.map { [LogLevelSignal(level: $0, logger: logger)] } ?? []
        let services = group(signal + timeline.services + previews.services + server.services)
        try await StopSignals(signals: stopSignals, draining: server.draining, time: shared.time, logger: logger)
            .run(services)
        await shared.shutdown()
    }

    /// The log's first line: what runs, and where.
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

/// `preview-gateway serve`: the service itself.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the HTTP API and reap previews, until SIGTERM or SIGINT.",
        discussion: SettingsOptions.discussion
    )

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        // Before anything large is allocated.
        cmemory_map_large_blocks()
        // What is wrong with a setting is one line, without the command's usage.
        let settings = try Settings(options.sources())
        let level = AdjustableLogLevel(settings.logLevel)
        let logger = settings.logFormat.logger(label: "preview-gateway", level: level)
        try await PreviewService(settings: settings, logger: logger, logLevel: level).run()
    }
}

/// What signals to stop do: the first begins the stop, a second one shortens it.
struct StopSignals {
    let signals: [UnixSignal]
    let draining: Draining
    let time: MonotonicTime
    let logger: Logger

    /// How long what runs may go on after a second signal. The listener is closed by then: a server that is cancelled
    /// while it accepts connections can end the process (swift-nio issue 2637).
    private static let patience = Duration.seconds(2)

    /// Runs `services` until they have stopped.
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
                return .patienceIsOver
            }
            let end = try await group.next()
            group.cancelAll()
            // What is cancelled says so by throwing.
            if end == .patienceIsOver { while (try? await group.next()) != nil {} }
        }
    }

    private enum End {
        case stopped
        case patienceIsOver
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
        draining.cutShort()
        try? await time.sleep(Self.patience)
    }
}

/// How many files and sockets this process may have open.
enum OpenFiles {
    /// What everything but callers' connections needs: the cluster's connections, logs, files that are read.
    static let reserve = 256

    /// Raises the process's own limit as far as it may, and returns it.
    ///
    /// The usual 1,024 is there for programs that use `select`; nothing here does.
    static func raiseLimit() -> Int {
        var limit = rlimit()
        #if canImport(Darwin)
            let resource = RLIMIT_NOFILE
            // What the kernel grants to one process, whatever the hard limit says.
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
    /// The build that runs.
    static let current = BuildInfo(
        version: String(cString: cbuildinfo_version()),
        commit: String(cString: cbuildinfo_commit()),
        date: String(cString: cbuildinfo_date())
    )

    /// One line for `--version`.
    var line: String { "\(version) (commit \(commit), \(date))" }
}
