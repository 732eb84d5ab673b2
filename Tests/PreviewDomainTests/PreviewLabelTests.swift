import Testing

@testable import PreviewDomain

@Suite(.timeLimit(.minutes(10))) struct PreviewLabelTests {
    @Test func labelsAreTheContracts() {
        let labels = PreviewLabel.labels(token: Samples.token(), run: Samples.runLabel())
        #expect(
            labels == [
                "agentweaver.dev/preview": "true",
                "app.kubernetes.io/part-of": "agentweaver",
                "app.kubernetes.io/managed-by": "preview-gateway",
                "agentweaver.dev/preview-token": Samples.tokenText,
                "agentweaver.dev/preview-run": "run-1234abcd",
            ]
        )
        #expect(PreviewLabel.ownedSelector == "app.kubernetes.io/part-of=agentweaver,agentweaver.dev/preview-token")
    }

    @Test func namesThatThePlatformSetsAreTheContracts() {
        #expect(ClusterLabel.claimUID == "agents.x-k8s.io/claim-uid")
        #expect(SandboxAnnotation.podName == "agents.x-k8s.io/pod-name")
        #expect(ClaimAnnotation.runID == "agentweaver.dev/run-id")
        #expect(ClaimAnnotation.runOwner == "agentweaver.dev/run-owner")
    }

    @Test func objectsOfThisServiceAreOurs() {
        let token = Samples.token()
        let labels = PreviewLabel.labels(token: token, run: Samples.runLabel())
        #expect(previewToken(ofObjectNamed: token.objectName, labels: labels) == token)
    }

    @Test func objectsOfTheEarlierServiceAreOurs() {
        let labels = ["app.kubernetes.io/part-of": "agentweaver", "agentweaver.dev/preview-token": "old-style"]
        #expect(previewToken(ofObjectNamed: "preview-old-style", labels: labels)?.text == "old-style")
    }

    @Test(
        "An object with other labels or another name is not the service's",
        arguments: [
            ("preview-abc", ["agentweaver.dev/preview-token": "abc"]),
            ("preview-abc", ["app.kubernetes.io/part-of": "agentweaver"]),
            ("preview-abc", [:]),
            ("preview-abc", ["app.kubernetes.io/part-of": "other", "agentweaver.dev/preview-token": "abc"]),
            ("preview-abc", ["app.kubernetes.io/part-of": "Agentweaver", "agentweaver.dev/preview-token": "abc"]),
            ("preview-abc", ["app.kubernetes.io/part-of": "agentweaver", "agentweaver.dev/preview-token": "abd"]),
            ("preview-abc", ["app.kubernetes.io/part-of": "agentweaver", "agentweaver.dev/preview-token": ""]),
            ("abc", ["app.kubernetes.io/part-of": "agentweaver", "agentweaver.dev/preview-token": "abc"]),
            ("frontend", ["app.kubernetes.io/part-of": "agentweaver", "agentweaver.dev/preview-token": "frontend"]),
            ("preview-", ["app.kubernetes.io/part-of": "agentweaver", "agentweaver.dev/preview-token": ""]),
            ("preview-api", ["app.kubernetes.io/part-of": "agentweaver", "agentweaver.dev/preview-token": "api"]),
            ("preview-a.b", ["app.kubernetes.io/part-of": "agentweaver", "agentweaver.dev/preview-token": "a.b"]),
        ] as [(String, [String: String])]
    )
    func otherObjectsAreNotOurs(name: String, labels: [String: String]) {
        #expect(previewToken(ofObjectNamed: name, labels: labels) == nil)
    }
}
