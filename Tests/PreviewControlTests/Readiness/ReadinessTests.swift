import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

/// The verdict for all combinations of evidence.
@Suite("The verdict on a preview", .timeLimit(.minutes(10)))
struct ReadinessTests {
    private static let texts = [
        "", "no healthy upstream", "upstream request timeout", "hello",
        envoy("connection termination"), envoy("overflow", "retried and the latest "), envoy("connection timeout"),
    ]

    /// Envoy's message about a request that it could not forward.
    private static func envoy(_ reason: String, _ retries: String = "") -> String {
        "upstream connect error or disconnect/reset before headers. \(retries)reset reason: \(reason)"
    }

    private static let outcomes: [ProbeOutcome] = {
        var outcomes: [ProbeOutcome] = [
            .nameNotFound, .nameUnresolved, .notConnected, .noResponse, .broken, .notProbed, .noListener, .noRoute,
        ]
        outcomes += ProbeOutcome.TLSFault.allCases.map { .notTrusted($0) }
        let ends: [ProbeResponse.RedirectEnd?] = [nil, .loop, .local(origin: "http://localhost"), .unreadable]
        for status in [200, 204, 302, 400, 401, 403, 404, 421, 500, 502, 503, 504] {
            for isFromUpstream in [true, false] {
                for mark in [HostHeader?.none, .preserve, .localhost] {
                    for text in texts {
                        for end in ends {
                            outcomes.append(
                                .answered(
                                    ProbeResponse(
                                        status: status,
                                        isFromUpstream: isFromUpstream,
                                        mark: mark,
                                        redirect: end,
                                        text: text
                                    )
                                )
                            )
                        }
                    }
                }
            }
        }
        return outcomes
    }()

    private static let routes: [ReadinessEvidence.RouteEvidence] = [
        .notRead, .unreadable, .read(RouteStatus(isAccepted: true)), .read(RouteStatus(isAccepted: false)),
        .read(RouteStatus(isAccepted: false, problem: "Accepted is False")),
    ]

    @Test(arguments: [true, false])
    func thePageOfHostsWithoutAPreviewMeansThatThereIsNoRouteYet(isMarkedRoute: Bool) {
        let answer = ProbeResponse(status: 404, mark: nil, isEndedPage: true, text: "<!doctype html>")
        let evidence = ReadinessEvidence(
            outcome: .answered(answer),
            route: .read(RouteStatus(isAccepted: true, isMarked: isMarkedRoute)),
            isMarkedRoute: isMarkedRoute
        )
        #expect(evidence.source == .noRoute)
        #expect(Readiness(evidence).state == .noRoute)
    }

    @Test func onlyAResponseOfTheAppIsReadyAndEverythingElseSaysWhatToDo() {
        for outcome in Self.outcomes {
            for route in Self.routes {
                for isPodReady in [nil, true, false] {
                    for isMarked in [true, false] {
                        let evidence = ReadinessEvidence(
                            outcome: outcome,
                            route: route,
                            isPodReady: isPodReady,
                            isMarkedRoute: isMarked
                        )
                        let readiness = Readiness(evidence)
                        let comment = Comment(rawValue: "\(evidence): \(readiness)")
                        if readiness.isReady {
                            #expect(evidence.source == .app && readiness.appStatus != nil, comment)
                        } else {
                            #expect(readiness.detail?.isEmpty == false, comment)
                        }
                        if let detail = readiness.detail {
                            #expect(detail.last == "." && !detail.contains("\n"), comment)
                        }
                        #expect((readiness.state == .notAccepted) <= (route == Self.routes[4]), comment)
                    }
                }
            }
        }
    }

    @Test func aResponseWithoutTheMarkOfTheRouteIsNotTheApps() {
        let answer = ProbeResponse(status: 200, isFromUpstream: true, mark: nil)
        #expect(answer.source(isMarkedRoute: true) == .intermediary)
        #expect(answer.source(isMarkedRoute: false) == .app)
    }

    @Test func aResponseWithoutAnUpstreamIsNotTheApps() {
        for text in Self.texts {
            for status in [200, 302, 401, 403, 404, 500, 503] {
                let answer = ProbeResponse(status: status, isFromUpstream: false, text: text)
                #expect(answer.source(isMarkedRoute: true) != .app)
            }
        }
    }

    @Test(arguments: [
        ("no healthy upstream", 503, GatewayFault.noEndpoint), ("", 503, .noBackend), ("", 500, .noBackend),
        ("upstream request timeout", 504, .timeout),
        (envoy("remote connection failure"), 503, .connectionRefused),
        (
            envoy(
                "remote connection failure, transport failure reason: delayed connect error: 111",
                "retried and the latest "
            ),
            503, .connectionRefused
        ),
        (envoy("connection failure"), 503, .connectionRefused),
        (envoy("connection timeout"), 503, .connectionTimeout),
        (envoy("connection termination"), 503, .closed),
        (envoy("remote reset"), 503, .closed),
        (envoy("protocol error"), 502, .notHTTP),
        (envoy("overflow"), 503, .overload),
    ])
    func responsesOfEnvoyItselfAreRecognized(text: String, status: Int, fault: GatewayFault) {
        let answer = ProbeResponse(status: status, isFromUpstream: false, text: text)
        #expect(answer.source(isMarkedRoute: true) == .gateway(fault))
        let own = ProbeResponse(status: status, isFromUpstream: true, text: text)
        #expect(own.source(isMarkedRoute: true) == .app, "an app may say the same")
    }
}

extension Bool {
    /// Implication.
    fileprivate static func <= (premise: Bool, conclusion: Bool) -> Bool { !premise || conclusion }
}
