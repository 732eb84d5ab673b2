import DevCluster
import KubernetesModel
import PreviewDomain
import Testing

@testable import PreviewCluster

@Suite("How long connections through a preview stay open", .timeLimit(.minutes(10)))
struct ConnectionBoundTests {
    private func bound(_ limit: Duration) -> (request: String?, milliseconds: String?) {
        let bound = ConnectionBound(limit)
        #expect(bound.field.name == "x-envoy-upstream-stream-duration-ms")
        return (bound.timeouts.request, bound.field.value)
    }

    /// By default the limit is never less than the preview's lifetime, so that nothing is cut while the preview is in
    /// use.
    @Test(arguments: [(nil, "8h"), (.seconds(60), "1m"), (.seconds(90_000), "8h")] as [(Duration?, String)])
    func everyRouteBoundsWhatIsOpenedThroughIt(limit: Duration?, request: String) async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let token = try await Replica(cluster, connectionLimit: limit).start(run)
            let rule = cluster.route(token)?["spec", "rules"]?[0]
            #expect(rule?["timeouts", "request"]?.stringValue == request)
            let filters = rule?["filters"]?.arrayValue ?? []
            #expect(filters.map { $0["type"]?.stringValue } == ["RequestHeaderModifier", "ResponseHeaderModifier"])
            let field = filters.first?["requestHeaderModifier", "set"]?[0]
            #expect(field?["name"]?.stringValue == "x-envoy-upstream-stream-duration-ms")
            #expect(field?["value"]?.stringValue == (request == "8h" ? "28800000" : "60000"))
        }
    }

    @Test(
        arguments: [
            (.seconds(28_800), "8h", "28800000"), (.seconds(90), "1m30s", "90000"),
            (.seconds(7 * 86_400), "168h", "604800000"), (.milliseconds(3600), "3s600ms", "3600"),
        ] as [(Duration, String, String)]
    )
    func theLimitIsWrittenForAnyGatewayAndForEnvoy(limit: Duration, request: String, milliseconds: String) {
        #expect(bound(limit) == (request, milliseconds))
    }

    /// Zero would mean no limit.
    @Test(arguments: [Duration.zero, .seconds(-5), .nanoseconds(1)])
    func thereIsAlwaysALimit(limit: Duration) {
        #expect(bound(limit) == ("1ms", "1"))
    }

    /// The difference between two instants is rarely a whole number of milliseconds.
    @Test func theLimitIsRoundedToTheNearestMillisecond() {
        #expect(bound(.seconds(28_799.999_999_7)) == ("8h", "28800000"))
    }
}
