internal import Foundation
internal import HTTPTypes
public import PreviewDomain

/// The platform's part of a cluster: the namespace, the preview Gateway, and runs with their sandboxes.
public struct Platform: Sendable {
    /// The namespace of the platform's objects.
    public static let namespace = "agentweaver"

    /// A run and the objects that lead to its pod.
    public struct Run: Sendable {
        public let id: RunID
        public let claimUID: String
        public let pod: String
        public let podUID: String

        public init(id: RunID, claimUID: String, pod: String, podUID: String) {
            self.id = id
            self.claimUID = claimUID
            self.pod = pod
            self.podUID = podUID
        }
    }

    private struct Object: Decodable {
        struct Metadata: Decodable {
            let uid: String
        }

        let metadata: Metadata
    }

    private static let concurrency = 16
    private static let group = "/apis/agents.x-k8s.io/v1beta1/namespaces/\(namespace)"
    private static let extensions = "/apis/extensions.agents.x-k8s.io/v1beta1/namespaces/\(namespace)"
    private static let pods = "/api/v1/namespaces/\(namespace)/pods"
    private static let mergePatch = "application/merge-patch+json"

    private let client: BareClient

    public init(_ client: BareClient) {
        self.client = client
    }

    public func install() async throws {
        try await client.send(
            .post,
            "/api/v1/namespaces",
            #"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"\#(Self.namespace)"}}"#
        )
        try await client.send(
            .post,
            "/apis/gateway.networking.k8s.io/v1/namespaces/\(Self.namespace)/gateways",
            #"""
            {"apiVersion":"gateway.networking.k8s.io/v1","kind":"Gateway",
             "metadata":{"name":"agentweaver-preview-gateway"},
             "spec":{"gatewayClassName":"approuting-istio",
                     "listeners":[{"name":"previews","protocol":"HTTP","port":80,"hostname":"*.preview.example.com"}]}}
            """#
        )
    }

    /// Adds runs in the state in which agent-sandbox leaves them once their pods run.
    ///
    /// - Parameters:
    ///   - numbers: The numbers of the runs; a number always stands for the same run.
    ///   - owner: The owner that the claims name.
    public func addRuns(_ numbers: Range<Int>, owner: String = "ada") async throws -> [Run] {
        try await withThrowingTaskGroup(of: (Int, Run).self) { group in
            var runs: [Int: Run] = [:]
            for number in numbers {
                if number - numbers.lowerBound >= Self.concurrency, let (done, run) = try await group.next() {
                    runs[done] = run
                }
                group.addTask { (number, try await addRun(number, owner)) }
            }
            for try await (number, run) in group { runs[number] = run }
            return numbers.compactMap { runs[$0] }
        }
    }

    private func addRun(_ number: Int, _ owner: String) async throws -> Run {
        let digits = String(number, radix: 16)
        let zeros = String(repeating: "0", count: 8 - digits.count)
        let id = try RunID("\(zeros)\(digits)-0000-4000-8000-000000000000")
        let (name, pod) = (id.claimName, "pod-of-\(id.claimName)")
        let claim = try await create(
            "\(Self.extensions)/sandboxclaims",
            #"""
            {"apiVersion":"extensions.agents.x-k8s.io/v1beta1","kind":"SandboxClaim",
             "metadata":{"name":"\#(name)","annotations":{"agentweaver.dev/run-id":"\#(id.text)",
                         "agentweaver.dev/run-owner":"\#(owner)"}},
             "spec":{"warmPoolRef":{"name":"pool"}}}
            """#
        )
        let template = #"{"spec":{"containers":[{"name":"app","image":"app"}]}}"#
        let sandbox = try await create(
            "\(Self.group)/sandboxes",
            #"""
            {"apiVersion":"agents.x-k8s.io/v1beta1","kind":"Sandbox",
             "metadata":{"name":"\#(name)","annotations":{"agents.x-k8s.io/pod-name":"\#(pod)"},
                         "ownerReferences":[{"apiVersion":"extensions.agents.x-k8s.io/v1beta1","kind":"SandboxClaim",
                                             "name":"\#(name)","uid":"\#(claim)","controller":true}]},
             "spec":{"podTemplate":\#(template)}}
            """#
        )
        let podUID = try await create(
            Self.pods,
            #"""
            {"apiVersion":"v1","kind":"Pod",
             "metadata":{"name":"\#(pod)",
                         "labels":{"app":"agentweaver-sandbox","agents.x-k8s.io/claim-uid":"\#(claim)"},
                         "ownerReferences":[{"apiVersion":"agents.x-k8s.io/v1beta1","kind":"Sandbox",
                                             "name":"\#(name)","uid":"\#(sandbox)","controller":true}]},
             "spec":{"containers":[{"name":"app","image":"app"}]}}
            """#
        )
        try await client.send(
            .patch,
            "\(Self.pods)/\(pod)/status",
            #"{"status":{"phase":"Running"}}"#,
            type: Self.mergePatch
        )
        try await client.send(
            .patch,
            "\(Self.extensions)/sandboxclaims/\(name)/status",
            #"""
            {"status":{"sandbox":{"name":"\#(name)"},
             "conditions":[{"type":"Ready","status":"True","reason":"Ready","message":"",
                            "lastTransitionTime":"2026-01-01T00:00:00Z"}]}}
            """#,
            type: Self.mergePatch
        )
        return Run(id: id, claimUID: claim, pod: pod, podUID: podUID)
    }

    /// - Returns: The new object's UID.
    private func create(_ path: String, _ document: String) async throws -> String {
        let answer = try await client.send(.post, path, document)
        return try JSONDecoder().decode(Object.self, from: Data(answer)).metadata.uid
    }
}
