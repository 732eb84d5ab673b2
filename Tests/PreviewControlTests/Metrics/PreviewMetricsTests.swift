import FoundationEssentials
import PreviewDomain
import PrometheusMetrics
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The metrics of previews", .timeLimit(.minutes(10)))
struct PreviewMetricsTests {
    private let run = ControlHarness.run

    /// The value of a series; `nil` when there is no such series.
    private func value(_ harness: ControlHarness, _ series: String) -> String? {
        harness.metrics.text.split(separator: "\n").first { $0.hasPrefix("preview_gateway_\(series) ") }
            .map { String($0.split(separator: " ").last ?? "") }
    }

    @Test func startsAreCountedByTheirOutcome() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        for _ in 0..<4 { _ = try? await harness.previews.start(run: run, port: 3000, requester: "ada") }
        _ = try? await harness.previews.start(run: run, port: 1, requester: "ada")
        _ = try? await harness.previews.start(run: ControlHarness.otherRun, port: 3000, requester: "ada")
        #expect(value(harness, #"starts_total{by="operator",result="started"}"#) == "3")
        #expect(value(harness, #"starts_total{by="operator",result="limit_reached"}"#) == "1")
        #expect(value(harness, #"starts_total{by="operator",result="invalid"}"#) == "1")
        #expect(value(harness, #"starts_total{by="operator",result="no_sandbox"}"#) == "1")
        #expect(value(harness, "start_seconds_count") == "3")
    }

    @Test func reapedPreviewsAreCountedByReasonAndTheirLagIsMeasured() async throws {
        let harness = try await ControlHarness()
        let pod = harness.cluster.addSandbox(for: run)
        _ = try await harness.previews.start(run: run, port: 3000, requester: "ada")
        harness.cluster.advance(by: .seconds(1802))
        try await harness.reaper.sweep()
        _ = try await harness.previews.start(run: run, port: 3000, requester: "ada")
        harness.cluster.endPod(pod)
        try await harness.reaper.sweep()
        #expect(value(harness, #"reaped_total{reason="idle"}"#) == "1")
        #expect(value(harness, #"reaped_total{reason="pod-gone"}"#) == "1")
        // The end of a pod is not a deadline. The lag is measured to the latest instant of the API server's time.
        #expect(value(harness, "reap_lag_seconds_count") == "1")
        #expect(value(harness, "reap_lag_seconds_sum") == "2.25")
    }

    @Test func avertedDeletionsAreCountedByWhatSavedThePreview() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        let label = run.label
        harness.cluster.advance(by: .seconds(1800))
        let expiry = harness.cluster.now + .seconds(1800)
        harness.cluster.interrupt(.deleteRoute) {
            _ = try? await harness.cluster.extend(token, of: label, to: expiry)
        }
        try await harness.reaper.sweep()
        #expect(value(harness, #"reap_averted_total{by="conflict"}"#) == "1")
        #expect(value(harness, #"reaped_total{reason="idle"}"#) == "0")
    }

    @Test func waitsForApprovalAreMeasuredByHowTheyEnded() async throws {
        let harness = try await GateHarness()
        try await harness.run {
            let (first, firstStart) = try await harness.requestPreview()
            harness.cluster.advance(by: .seconds(7))
            _ = try await harness[1].approve(run: GateHarness.run, requestID: first.id.text, scope: .once, by: "ada")
            _ = try await firstStart.value
            let (second, secondStart) = try await harness.requestPreview(port: 3001)
            harness.cluster.advance(by: .seconds(2))
            _ = try await harness[1].deny(run: GateHarness.run, requestID: second.id.text, by: "ada")
            _ = try? await secondStart.value
        }
        let (asked, decided) = (harness.replicas[0], harness.replicas[1])
        #expect(value(decided, #"approval_wait_seconds_sum{outcome="preview.approved"}"#) == "7.25")
        #expect(value(decided, #"approval_wait_seconds_sum{outcome="preview.denied"}"#) == "2.25")
        #expect(value(asked, #"starts_total{by="agent",result="started"}"#) == "1")
        #expect(value(asked, #"starts_total{by="agent",result="approval_denied"}"#) == "1")
    }

    @Test(arguments: PreviewMetric.allCases)
    func everyMetricIsDocumented(metric: PreviewMetric) throws {
        let text = try ProjectFiles.text("Docs/Metrics.md")
        #expect(text.contains("| `\(metric.rawValue)` |"))
        #expect(text.contains(metric.help))
    }
}
