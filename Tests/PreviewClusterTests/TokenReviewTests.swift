import Basics
import DevCluster
import KubernetesModel
import PreviewCluster
import PreviewDomain
import PreviewIdentity
import TestSupport
import Testing

@Suite("Token reviews by the API server", .timeLimit(.minutes(10)))
struct TokenReviewTests {
    private static let users = [
        APIUser(name: "system:serviceaccount:a:b", token: "for-previews", audiences: ["other", "preview-gateway"]),
        APIUser(name: "system:serviceaccount:a:c", token: "for-the-server"),
    ]

    private func name(of token: String, in cluster: TestCluster) async throws -> String? {
        try await KubernetesTokenReviews(client: Replica(cluster).client)
            .userName(of: Secret(token), audience: "preview-gateway")
    }

    @Test func onlyATokenForThisAudienceHasAName() async throws {
        try await TestCluster.run(users: Self.users) { cluster in
            var names: [String?] = []
            for token in ["for-previews", "for-the-server", "nobodys"] {
                names.append(try await name(of: token, in: cluster))
            }
            #expect(names == ["system:serviceaccount:a:b", nil, nil])
            #expect(cluster.requests.count(verb: "create") == 3)
        }
    }

    @Test func withoutAResponseTheTokenIsNotRejected() async throws {
        try await TestCluster.run(users: Self.users) { cluster in
            cluster.faults.add(
                .init(
                    verb: "create",
                    times: nil,
                    fault: .respond(StatusFailure(code: 500, reason: "InternalError", message: "scripted"))
                )
            )
            let denied = await #expect(throws: AccessDenied.self) {
                _ = try await name(of: "for-previews", in: cluster)
            }
            #expect(denied?.kind == .unavailable)
            #expect(denied?.retryAfter != nil)
            #expect(denied?.message.contains("for-previews") == false)
        }
    }

    @Test func aPrintedReviewDoesNotShowTheToken() {
        let review = TokenReview(token: "a-token-for-tests", audiences: ["preview-gateway"])
        for text in printedForms(of: review) { #expect(!text.contains("for-tests")) }
    }
}
