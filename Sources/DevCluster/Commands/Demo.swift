import FoundationEssentials

/// The steps of the demonstration.
struct Demo {
    private static let servingLimit: Duration = .seconds(10)
    private static let removalLimit: Duration = .seconds(5)
    static let pollInterval: Duration = .milliseconds(5)
    /// The longest time, in seconds, between a preview's deadline and its deletion.
    private static let reapLimit = 10

    let cluster: RunningCluster
    let terminal: Terminal
    var report = DemoReport()

    init(cluster: RunningCluster, terminal: Terminal) {
        self.cluster = cluster
        self.terminal = terminal
    }

    /// Performs all steps.
    ///
    /// - Parameter idleSeconds: The service's idle time-out, in seconds.
    mutating func run(idleSeconds: Int) async throws -> DemoReport {
        report.measure("ready_ms", cluster.readyTime.roundedMilliseconds, target: 500)
        try await warmUp()
        try await readRun()
        let first = try await startWithApproval()
        let isKept = try await counted("keepalive") { cluster in
            let expiresAt = try await cluster.service.keepAlive(first)
            return ("Keepalive: the preview now expires at \(expiresAt ?? "never")", expiresAt != nil)
        }
        report.record("kept_alive", .bool(isKept), isExpected: isKept)
        let listed = try await counted("list") { cluster in
            let sessions = try await cluster.service.list(run: cluster.runID)
            return ("List: \(sessions.count) preview of this run", sessions.map(\.token))
        }
        report.record("listed", .int(Int64(listed.count)), isExpected: listed == [first.token])
        try await counted("stop") { cluster in
            try await cluster.service.stop(run: cluster.runID, token: first.token)
            return ("Stop", ())
        }
        try await expectGone(first)
        try await denyAgentRequest()
        try await expire(idleSeconds: idleSeconds)
        try await expectNothingLeft()
        report.measure("rss_mb", ProcessStatus.residentMegabytes(of: cluster.serviceProcessID), target: 38)
        return report
    }

    /// Starts and stops a preview, so that connections are open and caches are filled when the measurements begin.
    private func warmUp() async throws {
        let cluster = cluster
        try await terminal.step("warming up with a first preview") {
            let session = try await cluster.service.start(run: cluster.runID, port: cluster.appPort)
            _ = try await cluster.pages.fetch(PageFetcher.authority(of: session.previewURL))
            try await cluster.service.stop(run: cluster.runID, token: session.token)
            return ("Warm-up: a preview started and stopped", ())
        }
    }

    /// Sends a request that the router forwards to the core API.
    private mutating func readRun() async throws {
        let cluster = cluster
        let status = try await terminal.step("reading the run") {
            let status = try await cluster.service.status(run: cluster.runID)
            return (
                "GET \(ServiceClient.run(cluster.runID)), forwarded to the core API: \(status ?? "no status")", status
            )
        }
        report.record("run_status_passed_on", .string(status ?? ""), isExpected: status == "in_progress")
    }

    /// Fetches the preview's page through Envoy until the app responds, and compares it with the app's own response.
    mutating func open(
        _ session: ServiceClient.Session,
        since begin: ContinuousClock.Instant
    ) async throws {
        let authority = PageFetcher.authority(of: session.previewURL)
        let fetcher = cluster.pages
        let page = try await terminal.step("waiting for the page") {
            let page = try await poll(every: Self.pollInterval, limit: Self.servingLimit) { () -> [UInt8]? in
                let page = try await fetcher.fetch(authority)
                return page.status == 200 ? page.body : nil
            }
            return ("Page through Envoy: \(page == nil ? "none" : "status 200, \(page?.count ?? 0) bytes")", page)
        }
        let served = ContinuousClock.now
        let own = try await fetcher.fetch("\(cluster.podAddress):\(cluster.appPort)")
        report.record("page_status", page == nil ? .null : 200, isExpected: page != nil)
        report.record(
            "page_is_the_apps_own",
            .bool(page == own.body),
            isExpected: page == own.body && own.status == 200
        )
        report.measure("start_ms", session.provisioning?.roundedMilliseconds, target: 25)
        report.measure("url_serving_ms", (served - begin).roundedMilliseconds, target: 1000)
    }

    private mutating func expectGone(_ session: ServiceClient.Session) async throws {
        let authority = PageFetcher.authority(of: session.previewURL)
        let fetcher = cluster.pages
        let isGone = try await terminal.step("waiting for the URL to be gone") {
            let isGone =
                try await poll(every: Self.pollInterval, limit: Self.removalLimit) { () -> Bool? in
                    try await fetcher.fetch(authority).status == 404 ? true : nil
                } ?? false
            return ("The URL \(isGone ? "no longer serves" : "still serves")", isGone)
        }
        report.record("url_gone_after_stop", .bool(isGone), isExpected: isGone)
    }

    /// Starts a preview, sends no keepalives, and waits until it is deleted.
    private mutating func expire(idleSeconds: Int) async throws {
        let session = try await counted("operator_start") { cluster in
            let session = try await cluster.service.start(run: cluster.runID, port: cluster.appPort)
            return ("The owner starts a second preview: \(session.previewURL)", session)
        }
        let cluster = cluster
        let deleted = try await terminal.step("waiting for the second preview to expire after \(idleSeconds) s") {
            let deleted = try await poll(
                every: Self.pollInterval,
                limit: .seconds(idleSeconds * 2 + Self.reapLimit)
            ) { cluster.deletions.instant(of: "preview-\(session.token)") }
            return (
                "The second preview received no keepalives and \(deleted == nil ? "still exists" : "was reaped")",
                deleted
            )
        }
        report.record("reaped", .bool(deleted != nil), isExpected: deleted != nil)
        guard let deleted, let deadline = Timestamp.date(session.expiresAt) else { return }
        let lag = deleted.timeIntervalSince(deadline)
        report.record("reaped_before_its_deadline", .bool(lag < 0), isExpected: lag >= 0)
        report.measure("reap_lag_ms", lag * 1000, target: 2000)
    }

    private mutating func expectNothingLeft() async throws {
        let store = cluster.store
        let left = try await terminal.step("looking for remaining objects") {
            let left =
                try await poll(every: Self.pollInterval, limit: Self.removalLimit) { () -> Int? in
                    Self.previewObjects(in: store) == 0 ? 0 : nil
                } ?? Self.previewObjects(in: store)
            return ("Objects of previews left in the cluster: \(left)", left)
        }
        report.record("objects_left", .int(Int64(left)), isExpected: left == 0)
    }

    static func previewObjects(in store: ObjectStore) -> Int {
        [ResourceKind.services, .httpRoutes].reduce(0) { sum, kind in
            sum
                + store.list(kind, namespace: ClusterObjects.namespace).items.filter {
                    $0.labels["agentweaver.dev/preview-token"] != nil
                }
                .count
        }
    }

    /// Performs a step, and records the number of requests that the service sent to the API server.
    @discardableResult
    private mutating func counted<Result: Sendable>(
        _ name: String,
        _ body: @escaping @Sendable (RunningCluster) async throws -> (line: String, result: Result)
    ) async throws -> Result {
        let cluster = cluster
        let before = cluster.apiRequests
        let result = try await terminal.step("waiting for the service") { try await body(cluster) }
        report.count(name, cluster.apiRequests - before)
        return result
    }
}
