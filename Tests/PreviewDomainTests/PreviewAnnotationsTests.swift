import FoundationEssentials
import Testing

@testable import PreviewDomain

@Suite(.timeLimit(.minutes(10))) struct PreviewAnnotationsTests {
    static let annotations = PreviewAnnotations(
        expiresAt: Date(timeIntervalSince1970: 1_767_324_845.25),
        maxUntil: Date(timeIntervalSince1970: 1_767_351_845.25),
        runID: Samples.runID,
        claimUID: "c3d4",
        token: Samples.token(),
        owner: "octo-cat@example.com",
        pod: "sandbox-1",
        podUID: "b1c2",
        targetPort: 5173,
        startedAt: Date(timeIntervalSince1970: 1_767_323_045.25)
    )

    @Test func annotationsAreTheContracts() {
        #expect(
            Self.annotations.encoded() == [
                "agentweaver.dev/preview-expires-at": "2026-01-02T03:34:05.250Z",
                "agentweaver.dev/preview-max-until": "2026-01-02T11:04:05.250Z",
                "agentweaver.dev/preview-run": Samples.runID.label.text,
                "agentweaver.dev/preview-run-id": Samples.runID.text,
                "agentweaver.dev/preview-claim-uid": "c3d4",
                "agentweaver.dev/preview-token": Samples.tokenText,
                "agentweaver.dev/preview-owner": "octo-cat@example.com",
                "agentweaver.dev/preview-pod": "sandbox-1",
                "agentweaver.dev/preview-pod-uid": "b1c2",
                "agentweaver.dev/preview-target-port": "5173",
                "agentweaver.dev/preview-started-at": "2026-01-02T03:04:05.250Z",
            ]
        )
    }

    @Test func annotationsAreReadBackAsTheyWereWritten() {
        let preview = Samples.preview(annotations: Self.annotations.encoded())
        #expect(preview.token == Self.annotations.token)
        #expect(preview.run == Self.annotations.run)
        #expect(preview.runID == Self.annotations.runID)
        #expect(preview.claimUID == Self.annotations.claimUID)
        #expect(preview.owner == Self.annotations.owner)
        #expect(preview.podName == Self.annotations.pod)
        #expect(preview.podUID == Self.annotations.podUID)
        #expect(preview.targetPort == Self.annotations.targetPort)
        #expect(preview.startedAt == Self.annotations.startedAt)
        #expect(preview.expiresAt == Self.annotations.expiresAt)
        #expect(preview.maxUntil == Self.annotations.maxUntil)
    }
}
