import Basics
import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The report of a sweep", .timeLimit(.minutes(10)))
struct ReapReportTests {
    private static let createdAt = Date(timeIntervalSince1970: 1_767_323_045)
    private static let pod = PodIdentity(name: "pod-1", uid: "pod-uid")

    /// One preview and its surroundings; seconds count from its creation.
    struct Situation: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// `nil` for a Service without a route.
        var route: Route? = Route()
        var hasService = true
        var pods = [pod]
        var claims: Set<String>?
        var now: Int? = 10
        var keepsAfterRun = true
        var decision: ReapDecision

        struct Route: Sendable {
            var expiresAfter: Int? = 100
            var maxUntilAfter: Int? = 1000
            var namesPod = true
            var isBeingDeleted = false
        }

        init(_ name: String, _ decision: ReapDecision, _ change: (inout Situation) -> Void = { _ in }) {
            testDescription = name
            self.decision = decision
            change(&self)
        }
    }

    private static func at(_ seconds: Int) -> Date { createdAt + .seconds(seconds) }

    static let situations: [Situation] = [
        Situation("alive", .keep(until: at(100), then: .idle)),
        Situation("at its expiry", .reap(.idle, dueSince: at(100))) { $0.now = 100 },
        Situation("past its expiry", .reap(.idle, dueSince: at(100))) { $0.now = 150 },
        Situation("kept alive to its cap", .keep(until: at(1000), then: .hardCap)) { $0.route?.expiresAfter = 1000 },
        Situation("at its cap", .reap(.hardCap, dueSince: at(1000))) {
            $0.route?.expiresAfter = 5000
            $0.now = 1000
        },
        Situation("idle long before, and past its cap", .reap(.hardCap, dueSince: at(100))) { $0.now = 1000 },
        Situation("an expiry that is missing", .keep(until: at(1000), then: .hardCap)) { $0.route?.expiresAfter = nil },
        Situation("neither instant can be used", .keep(until: at(1800), then: .idle)) {
            $0.route?.expiresAfter = nil
            $0.route?.maxUntilAfter = nil
        },
        Situation("a cap from far away", .keep(until: at(28_800), then: .hardCap)) {
            $0.route?.expiresAfter = 1_000_000
            $0.route?.maxUntilAfter = 1_000_000
        },
        Situation("its pod is gone", .reap(.podGone, dueSince: nil)) { $0.pods = [] },
        Situation("its pod was replaced", .reap(.podGone, dueSince: nil)) {
            $0.pods = [PodIdentity(name: "pod-1", uid: "another")]
        },
        Situation("its pod is gone and the cap is past", .reap(.podGone, dueSince: nil)) {
            $0.pods = []
            $0.now = 2000
        },
        Situation("it names no pod", .keep(until: at(100), then: .idle)) {
            $0.route?.namesPod = false
            $0.pods = []
        },
        Situation("the time is not known", .keep(until: at(100), then: .idle)) { $0.now = nil },
        Situation("the time is not known, and the pod is gone", .reap(.podGone, dueSince: nil)) {
            $0.now = nil
            $0.pods = []
        },
        Situation("being deleted", .leave) {
            $0.route?.isBeingDeleted = true
            $0.pods = []
            $0.now = 5000
        },
        Situation("without its Service", .keep(until: at(100), then: .idle)) {
            $0.hasService = false
            $0.now = 10
        },
        Situation("without its Service, for long", .keep(until: at(120), then: .orphan)) {
            $0.hasService = false
            $0.route?.expiresAfter = 500
        },
        Situation("without its Service, past the grace", .reap(.orphan, dueSince: at(120))) {
            $0.hasService = false
            $0.route?.expiresAfter = 500
            $0.now = 130
        },
        Situation("a Service alone", .keep(until: at(120), then: .orphan)) { $0.route = nil },
        Situation("a Service alone, past the grace", .reap(.orphan, dueSince: at(120))) {
            $0.route = nil
            $0.now = 120
        },
        Situation("a Service alone, at an unknown time", .keep(until: at(120), then: .orphan)) {
            $0.route = nil
            $0.now = nil
        },
        Situation("its run is over, and that does not matter", .keep(until: at(100), then: .idle)) { $0.claims = [] },
        Situation("its run is over", .reap(.claimGone, dueSince: nil)) {
            $0.claims = []
            $0.keepsAfterRun = false
        },
        Situation("its run goes on", .keep(until: at(100), then: .idle)) {
            $0.claims = ["claim-uid"]
            $0.keepsAfterRun = false
        },
        Situation("the claims are not known", .keep(until: at(100), then: .idle)) { $0.keepsAfterRun = false },
    ]

    @Test("Each situation has its decision and reason", arguments: situations)
    func eachSituationHasItsDecision(situation: Situation) throws {
        let token = try #require(PreviewToken("swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7"))
        let run = try RunID("3f2a9c1e-0000-4000-8000-000000000001")
        let backend = PreviewBackend(
            token: token,
            run: run.label,
            uid: "service-uid",
            resourceVersion: "1",
            createdAt: Self.createdAt,
            isBeingDeleted: false
        )
        let policy = PreviewPolicy.testing(lifetime: LifetimePolicy(keepsAfterRun: situation.keepsAfterRun))
        let survey = ReapSurvey(
            routes: try situation.route.map { [try preview($0, token, run)] } ?? [],
            backends: situation.hasService ? [backend] : [],
            livePods: situation.pods,
            claims: situation.claims,
            time: situation.now.map {
                ClusterTimeReading(earliest: Self.at($0), latest: Self.at($0) + .seconds(1))
            },
            evaluator: ReapEvaluator(policy: policy)
        )
        let report = ReapReport(survey, policy: policy)
        let entry = try #require(report.entries.first)
        #expect(report.entries.count == 1)
        #expect(entry.decision == situation.decision)
        #expect((entry.deletion != nil) == (report.deletions.count == 1))
        if case .reap(let reason, _) = entry.decision {
            #expect(entry.deletion?.reason == reason)
        } else {
            #expect(entry.deletion == nil)
        }
    }

    private func preview(_ route: Situation.Route, _ token: PreviewToken, _ run: RunID) throws -> Preview {
        typealias Key = PreviewAnnotations.Key
        var annotations = [Key.run: run.label.text, Key.runID: run.text, Key.claimUID: "claim-uid"]
        annotations[Key.expiresAt] = route.expiresAfter.map { RFC3339.string(Self.at($0)) }
        annotations[Key.maxUntil] = route.maxUntilAfter.map { RFC3339.string(Self.at($0)) }
        if route.namesPod {
            annotations[Key.pod] = Self.pod.name
            annotations[Key.podUID] = Self.pod.uid
        }
        return try #require(
            Preview(
                name: token.objectName,
                labels: PreviewLabel.labels(token: token, run: run.label),
                annotations: annotations,
                uid: "uid-1",
                resourceVersion: "7",
                createdAt: Self.createdAt,
                isBeingDeleted: route.isBeingDeleted
            )
        )
    }
}
