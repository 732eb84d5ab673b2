import Basics
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import KubernetesClient
import KubernetesModel
import Synchronization
import TestSupport
import Testing

extension KubernetesAPIBehaviourTests {
    @Test("13: the newest served version is used, and discovered once")
    func newestVersionIsPreferred() async throws {
        let claim = #"{"metadata":{"name":"c"},"status":{"conditions":null}}"#
        let group = #"{"kind":"APIGroup","versions":[{"version":"v1alpha1"},{"version":"v1beta1"}]}"#
        let fixture = try ClientFixture(.json(group), .json(200, claim, ["Warning": "299 - \"old\""]), .json(claim))
        _ = try await fixture.client.get(SandboxClaim.self, named: "c", in: "n")
        _ = try await fixture.client.get(SandboxClaim.self, named: "c", in: "n")
        let path = "GET /apis/extensions.agents.x-k8s.io/v1beta1/namespaces/n/sandboxclaims/c"
        #expect(fixture.lines == ["GET /apis/extensions.agents.x-k8s.io", path, path])
    }

    @Test("13: the group's preferred version precedes newer ones")
    func thePreferredVersionComesFirst() async throws {
        let group = """
            {"versions":[{"version":"v1beta1"},{"version":"v1alpha1"}],"preferredVersion":{"version":"v1alpha1"}}
            """
        let fixture = try ClientFixture(.json(group), .json(#"{"metadata":{"name":"c"}}"#))
        _ = try await fixture.client.get(SandboxClaim.self, named: "c", in: "n")
        #expect(fixture.lines.last?.contains("/v1alpha1/") == true)
    }

    @Test(
        "13: an unknown version is used if its schema has the fields, or is not available",
        arguments: [
            (#"{"properties":{"conditions":{},"sandbox":{"properties":{"name":{}}}}}"#, 200, true),
            (#"{"properties":{"conditions":{},"sandbox":{"x-kubernetes-preserve-unknown-fields":true}}}"#, 200, true),
            (#"{"properties":{"conditions":{},"sandbox":{"properties":{"ref":{}}}}}"#, 200, false),
            (#"{"properties":{"phase":{}}}"#, 200, false),
            ("{}", 404, true), ("{}", 403, true),
        ]
    )
    func theSchemaDecidesWhetherAnUnknownVersionIsUsed(status: String, code: Int, isUsed: Bool) async throws {
        let schemas = """
            {"components":{"schemas":{"a":{"properties":{}},"b":{"x-kubernetes-group-version-kind":
            [{"group":"extensions.agents.x-k8s.io","version":"v1","kind":"SandboxClaim"}],
            "properties":{"spec":{},"status":\(status)}}}}}
            """
        let fixture = try ClientFixture { request, _ in
            switch request.head.path {
            case "/apis/extensions.agents.x-k8s.io": .json(#"{"versions":[{"version":"v1"},{"version":"v1beta1"}]}"#)
            case "/openapi/v3/apis/extensions.agents.x-k8s.io/v1": .json(code, schemas)
            default: .json(#"{"metadata":{"name":"c"}}"#)
            }
        }
        _ = try await fixture.whileTimePasses {
            try await fixture.client.get(SandboxClaim.self, named: "c", in: "n")
        }
        #expect(fixture.lines.last?.contains(isUsed ? "/v1/" : "/v1beta1/") == true)
    }

    @Test("13: a version of the group that lacks the resource is passed over")
    func aVersionWithoutTheResourceIsSkipped() async throws {
        let fixture = try ClientFixture { request, _ in
            switch request.head.path {
            case "/apis/agents.x-k8s.io": .json(#"{"versions":[{"version":"v1"},{"version":"v1beta1"}]}"#)
            case let path? where path.contains("/v1/"): .json(404, "404 page not found")
            default: .json(JSON.list([]))
            }
        }
        #expect(try await fixture.client.list(Sandbox.self, in: "n").items.isEmpty)
        #expect(fixture.lines.last?.contains("/v1beta1/") == true)
        let asked = fixture.lines.count
        #expect(try await fixture.client.list(Sandbox.self, in: "n").items.isEmpty)
        #expect(fixture.lines.count == asked + 1)
    }

    @Test("13: a newer version beside one that still works is found when a watch begins some time later")
    func aNewerVersionIsFoundLater() async throws {
        let fixture = try ClientFixture { request, index in
            switch request.head.path {
            case "/apis/agents.x-k8s.io" where index == 0: .json(#"{"versions":[{"version":"v1alpha1"}]}"#)
            case "/apis/agents.x-k8s.io": .json(#"{"versions":[{"version":"v1beta1"},{"version":"v1alpha1"}]}"#)
            default: .json(JSON.list([]))
            }
        }
        _ = try await fixture.client.list(Sandbox.self, in: "n")
        try await fixture.watch(Sandbox.self)
        #expect(fixture.lines.last?.contains("v1alpha1") == true)
        fixture.clock.advance(by: .seconds(601))
        try await fixture.watch(Sandbox.self)
        #expect(fixture.lines.last?.contains("v1beta1") == true)
    }

    @Test("13: a version that is removed while the service runs is replaced by the one that is served now")
    func aRemovedVersionIsReplacedByAServedOne() async throws {
        let fixture = try ClientFixture(
            .json(#"{"versions":[{"version":"v1alpha1"}]}"#),
            .json(404, "404 page not found"),
            .json(#"{"versions":[{"version":"v1beta1"}]}"#),
            .json(#"{"metadata":{"name":"c"}}"#)
        )
        let claim = try await fixture.client.get(SandboxClaim.self, named: "c", in: "n")
        #expect(claim.metadata.name == "c")
        #expect(fixture.lines.last?.contains("/v1beta1/") == true)
    }

    @Test("13: a service that runs since before an upgrade finds the newer version after the older one's 500")
    func anUpgradeIsNoticed() async throws {
        let fixture = try ClientFixture { request, index in
            switch request.head.path {
            case "/apis/agents.x-k8s.io" where index == 0: .json(#"{"versions":[{"version":"v1alpha1"}]}"#)
            case "/apis/agents.x-k8s.io": .json(#"{"versions":[{"version":"v1beta1"},{"version":"v1alpha1"}]}"#)
            case let path? where path.contains("v1alpha1"): .json(500, JSON.status(500, "InternalError"))
            default: .json(JSON.list([]))
            }
        }
        let first = try await fixture.error { try await fixture.client.list(Sandbox.self, in: "n") }
        #expect(first?.kind == .serverError)
        #expect(try await fixture.client.list(Sandbox.self, in: "n").items.isEmpty)
        #expect(fixture.lines.last?.contains("v1beta1") == true)
    }

    @Test("13: a group that is not installed is its own error, and is found once it is installed")
    func missingGroupIsNotRemembered() async throws {
        let fixture = try ClientFixture(
            .json(404, "404 page not found"),
            .json(#"{"versions":[{"version":"v1beta1"}]}"#),
            .json(404, JSON.status(404, "NotFound", details: #"{"name":"c","kind":"sandboxclaims"}"#))
        )
        let first = try await fixture.error { try await fixture.client.get(SandboxClaim.self, named: "c", in: "n") }
        let second = try await fixture.error { try await fixture.client.get(SandboxClaim.self, named: "c", in: "n") }
        #expect(first?.kind == .notFound(.group))
        #expect(second?.kind == .notFound(.object))
    }

    @Test("13: a failing conversion webhook is a server error, never a missing object")
    func conversionFailureIsAServerError() async throws {
        let fixture = try ClientFixture { request, _ in
            request.head.path == "/apis/agents.x-k8s.io"
                ? .json(#"{"versions":[{"version":"v1alpha1"}]}"#)
                : .json(500, JSON.status(500, "InternalError"))
        }
        let error = try await fixture.error { try await fixture.client.list(Sandbox.self, in: "n") }
        #expect(error?.kind == .serverError)
        #expect(error?.isTemporary == true)
    }
}
