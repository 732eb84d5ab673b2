import Testing

@testable import PreviewControl

@Suite("The cluster's errors as callers see them", .timeLimit(.minutes(10)))
struct ClusterErrorTests {
    @Test(
        "Every kind has a message that says whether trying again can help",
        arguments: ClusterError.Kind.allCases
    )
    func everyKindSaysWhetherTryingAgainCanHelp(kind: ClusterError.Kind) {
        let error = PreviewError(ClusterError(kind, "the detail"))
        if kind == .cancelled {
            #expect(error == .cancelled)
            return
        }
        #expect(error.message.contains("the detail"))
        #expect(error.message.hasSuffix("."))
        let saysNo = error.message.contains("trying again does not help")
        #expect(saysNo == (error.retryAfter == nil))
        #expect(error.message.lowercased().contains("try again") != saysNo)
        #expect((error.kind == .clusterUnavailable) == [.unavailable, .busy, .alreadyExists].contains(kind))
    }

    @Test func onlyRBACIsBlamedOnRBAC() {
        for kind in ClusterError.Kind.allCases where kind != .refused {
            #expect(!ClusterError(kind, "x").advice.contains("RBAC"))
        }
    }

    @Test func theServersRetryAfterIsForwardedWhereItCanHelp() {
        for kind in ClusterError.Kind.allCases {
            let time = ClusterError(kind, "x", retryAfter: .seconds(7)).retryTime
            #expect(time == nil || time == .seconds(7))
        }
    }

    @Test func cancellationIsNoFaultOfTheCluster() {
        #expect(PreviewError(mapping: CancellationError()).kind == .cancelled)
        struct Unforeseen: Error {}
        #expect(PreviewError(mapping: Unforeseen()).kind == .clusterUnavailable)
        #expect(PreviewError(mapping: PreviewError.previewNotFound) == .previewNotFound)
    }
}
