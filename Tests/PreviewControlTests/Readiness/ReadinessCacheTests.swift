import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The readiness in lists of previews", .timeLimit(.minutes(10)))
struct ReadinessCacheTests {
    private let run = ControlHarness.run

    private func probes(_ harness: ControlHarness) -> Int { harness.cluster.log.count { $0 == .probe } }

    @Test func aListRepeatsTheResultOfTheStartAndProbesAgainAfterTenSeconds() async throws {
        let harness = try await ControlHarness()
        harness.cluster.setProbeOutcome(.noListener)
        try await harness.startPreview()
        harness.cluster.setProbeOutcome(.answered(ProbeResponse(status: 200)))
        #expect(try await harness.previews.list(run: run).map(\.readiness.state) == [.noApp])
        harness.advance(by: .seconds(9))
        #expect(try await harness.previews.list(run: run).map(\.readiness.state) == [.noApp])
        #expect(probes(harness) == 0)
        harness.advance(by: .seconds(1))
        #expect(try await harness.previews.list(run: run).map(\.readiness.state) == [.serving])
        #expect(try await harness.previews.list(run: run).map(\.readiness.state) == [.serving])
        #expect(probes(harness) == 1)
    }

    @Test func manyListsAtOnceShareOneProbe() async throws {
        let harness = try await ControlHarness()
        try await harness.startPreview()
        harness.advance(by: .seconds(11))
        harness.cluster.clearLog()
        try await withThrowingTaskGroup(of: [PreviewSession].self) { group in
            for _ in 0..<20 { group.addTask { try await harness.previews.list(run: run) } }
            for try await sessions in group { #expect(sessions.map(\.readiness.state) == [.serving]) }
        }
        #expect(probes(harness) == 1)
    }

    @Test func theResultOfACancelledStartIsNotListed() async throws {
        let harness = try await ControlHarness()
        harness.cluster.setProbeOutcome(.notConnected)
        harness.cluster.interrupt(.probe) { withUnsafeCurrentTask { $0?.cancel() } }
        _ = try await Task { try await harness.startPreview() }.value
        harness.cluster.setProbeOutcome(.answered(ProbeResponse(status: 200)))
        #expect(try await harness.previews.list(run: run).map(\.readiness.state) == [.serving])
    }

    @Test func afterTheCallerThatProbesWasCancelledOneOfTheOthersProbes() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        let preview = try #require(try await harness.cluster.route(token))
        let memory = ReadinessCache(uptime: { .zero })
        let (probing, end) = AsyncStream.makeStream(of: Void.self)
        defer { end.finish() }
        let hasBegun = SharedFlag()
        let first = Task {
            await memory.recent(of: preview) {
                hasBegun.isSet = true
                for await _ in probing { break }
                return Readiness(.unverified)
            }
        }
        await waitWhile { !hasBegun.isSet }
        let probes = SharedCount()
        await withTaskGroup(of: Readiness.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    await memory.recent(of: preview) {
                        probes.add()
                        return Readiness(.serving)
                    }
                }
            }
            for _ in 0..<200 { await Task.yield() }
            first.cancel()
            for await readiness in group { #expect(readiness.state == .serving) }
        }
        #expect(probes.value == 1)
        #expect(await first.value.state == .unverified)
    }

    @Test func aCheckProbesAtOnceAndListsShowItsResult() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.setProbeOutcome(.noListener)
        let checked = try await harness.previews.check(run: run, token: token)
        #expect(checked.readiness.state == .noApp && checked.token == token)
        #expect(try await harness.previews.list(run: run).map(\.readiness.state) == [.noApp])
    }

    @Test func aCheckOfAnotherRunsPreviewFindsNothing() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        for (run, token) in [(ControlHarness.otherRun, token), (run, PreviewToken.placeholder)] {
            let error = await #expect(throws: PreviewError.self) {
                _ = try await harness.previews.check(run: run, token: token)
            }
            #expect(error?.kind == .previewNotFound)
        }
    }
}
