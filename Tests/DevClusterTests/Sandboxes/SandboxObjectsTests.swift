import DevCluster
import Testing

@Suite("agent-sandbox's objects", .timeLimit(.minutes(10)))
struct SandboxObjectsTests {
    @Test(arguments: [("", "811c9dc5"), ("a", "e40c292c"), ("foobar", "bf9cf968")])
    func theNameHashIsFNV1a(name: String, hash: String) {
        #expect(SandboxObjects.nameHash(name) == hash)
    }

    @Test(
        arguments: [
            (nil, false, "DependenciesNotReady"),
            (["status": ["phase": "Pending"]], false, "DependenciesNotReady"),
            (["status": ["phase": "Running"]], false, "DependenciesNotReady"),
            (["status": ["phase": "Succeeded"]], false, "PodSucceeded"),
            (["status": ["phase": "Failed"]], false, "PodFailed"),
            (
                ["status": ["phase": "Running", "conditions": [["type": "Ready", "status": "True"]]]], true,
                "DependenciesReady"
            ),
            (
                [
                    "metadata": ["deletionTimestamp": "2026-01-01T00:00:00Z"],
                    "status": ["phase": "Running", "conditions": [["type": "Ready", "status": "True"]]],
                ], false, "DependenciesNotReady"
            ),
        ] as [(JSONValue?, Bool, String)]
    )
    func aSandboxIsReadyWhenItsPodIs(pod: JSONValue?, isReady: Bool, reason: String) {
        let decision = SandboxObjects.readiness(pod: pod)
        #expect(decision.isTrue == isReady)
        #expect(decision.reason == reason)
    }
}
