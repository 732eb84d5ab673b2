import FoundationEssentials
import HTTPTypes

/// The steps of the demo.
struct DemoScript: Sendable {
    let running: DevelopmentCluster.Running
    let report: DemoReport
    let port: Int

    private static let pollInterval = Duration.milliseconds(2)
    /// How long the demo waits for what should take a second or two.
    private static let limit = Duration.seconds(20)

    func play() async throws {
        await report.figure("ready_ms", milliseconds(running.readyAfter), below: 500, unit: "ms")
        // The first preview warms connections and caches; the figures are the second one's.
        _ = try await liveAndStop(measures: false)
        try await liveAndStop(measures: true)
        try await expire()
        await report.step("nothing is left in the cluster", previewObjects.isEmpty)
        let resident = ProcessStatus.residentMegabytes(of: running.serviceProcessID) ?? 0
        await report.figure("resident_mb", resident, below: 45, unit: "MB")
    }

    // MARK: Start, use, stop

    private func liveAndStop(measures: Bool) async throws {
        let requestsBefore = requestCount
        let began = ContinuousClock.now
        let (session, headers) = try await start()
        let url = session["preview_url"]?.stringValue ?? ""
        let page = try await running.service.open(url)
        let serving = ContinuousClock.now - began
        let requests = requestCount - requestsBefore
        let showsApp = page.status == 200 && page.text.contains(SampleAppCommand.greeting)

        let token = session["session_id"]?.stringValue ?? ""
        let keepalive = try await running.service.call(.post, session["keepalive_url"]?.stringValue ?? "/")
        let list = try await running.service.call(.get, "/api/runs/\(running.runID)/sandbox/port-forward")
        let stop = try await running.service.call(
            .delete, "/api/runs/\(running.runID)/sandbox/port-forward/\(token)"
        )
        let isGone = try await stopsServing(url)
        guard measures else { return }

        await report.step("a preview starts", session["ready"]?.boolValue == true)
        await report.step("its page comes through Envoy", showsApp, "200, \(page.text.utf8.count) bytes of the app's own")
        await report.figure("start_ms", Self.provisioning(headers), below: 25, unit: "ms")
        await report.figure("url_serving_ms", milliseconds(serving), below: 1000, unit: "ms")
        await report.count("requests_start", requests)
        await report.step("a keepalive is acknowledged", keepalive.json["kept_alive"]?.boolValue == true)
        await report.step("the list shows it", list.json.arrayValue?.contains { $0["session_id"]?.stringValue == token } == true)
        await report.step("it stops", stop.json["stopped"]?.boolValue == true)
        await report.step("its address serves nothing any more", isGone)
    }

    private func start() async throws -> (session: JSONValue, headers: ServiceClient.Answer) {
        let answer = try await running.service.start(run: running.runID, port: port)
        guard answer.status == 200 else {
            throw DevClusterFailure("the service answered \(answer.status) to a start: \(answer.text)")
        }
        return (answer.json, answer)
    }

    private func stopsServing(_ url: String) async throws -> Bool {
        let gone: Bool? = try await poll(every: Self.pollInterval, limit: Self.limit) {
            try await running.service.open(url).status == 404 ? true : nil
        }
        return gone == true
    }

    /// The time until both objects existed, from the answer's `Server-Timing`.
    private static func provisioning(_ answer: ServiceClient.Answer) -> Double {
        guard let name = ServiceClient.serverTiming, let text = answer.headers[name],
            let metric = text.split(separator: ",").first(where: { $0.contains("provision") }),
            let duration = metric.split(separator: "=").last.flatMap({ Double($0) })
        else { return .infinity }
        return duration
    }

    // MARK: Expire

    private func expire() async throws {
        let (session, _) = try await start()
        guard let deadline = session["expires_at"]?.stringValue.flatMap(Timestamp.date) else {
            throw DevClusterFailure("the service answered without a time of expiry")
        }
        await report.step("a second preview is left to expire", true, "its idle time-out is 3 s")
        let reapedAt: Date? = try await poll(every: Self.pollInterval, limit: Self.limit) {
            previewObjects.isEmpty ? Date() : nil
        }
        guard let reapedAt else {
            return await report.step("it is reaped", false)
        }
        let lag = reapedAt.timeIntervalSince(deadline)
        await report.step("it is reaped", lag >= 0, "\(Int(lag * 1000)) ms after its deadline, and not before")
        await report.figure("reap_lag_ms", lag * 1000, below: 2000, unit: "ms")
    }

    // MARK: What the cluster says

    private var previewObjects: [JSONValue] {
        [ResourceKind.httpRoutes, .services].flatMap { kind in
            running.store.list(kind, namespace: DevelopmentCluster.namespace).items.filter {
                $0.name.hasPrefix("preview-")
            }
        }
    }

    private var requestCount: Int { running.requests.count() - running.requests.count(verb: "watch") }

    private func milliseconds(_ duration: Duration) -> Double { duration / .milliseconds(1) }
}
