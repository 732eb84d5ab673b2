import Foundation
import TestPeers
import TestSupport
import Testing

private typealias Files = InstallationFiles

/// The manifests in `k8s`, rendered.
@Suite(
    "The manifests",
    .enabled(if: TestPrograms.isInstalled("kubectl"), "kubectl is not installed"),
    .timeLimit(.minutes(10))
)
struct ManifestTests {
    // MARK: Contents of an overlay

    @Test("An overlay names no image 'latest', and no image without a tag or digest", arguments: Files.overlays)
    func imagesCanBeRolledBack(overlay: String) async throws {
        let deployments = try await Files.manifests(overlay: overlay).filter { $0.kind == "Deployment" }
        #expect(deployments.count == 1)
        for deployment in deployments {
            let containers = try deployment.value(
                "spec",
                "template",
                "spec",
                "containers",
                as: [[String: Any]].self
            )
            for container in try #require(containers) {
                let image = try #require(container["image"] as? String)
                let name = try #require(image.split(separator: "/").last)
                #expect(name.contains(":") && !name.hasSuffix(":latest"), "\(image)")
            }
        }
    }

    @Test("The policy of the sandboxes admits exactly the ports of the settings", arguments: Files.overlays)
    func thePolicyAdmitsThePortsOfTheSettings(overlay: String) async throws {
        let manifests = try await Files.manifests(overlay: overlay)
        let settings = try #require(manifests.first { $0.name.hasPrefix("preview-gateway-settings-") })
        let policy = try #require(manifests.first { $0.name == "sandbox-allow-preview-ingress" })
        let data = try #require(try settings.value("data", as: [String: String].self))
        let port = try #require(try policy.value("spec", "ingress", 0, "ports", 0, as: [String: Any].self))
        #expect(data["Sandbox__Preview__AllowedPortMin"] == (port["port"] as? Int).map(String.init))
        #expect(data["Sandbox__Preview__AllowedPortMax"] == (port["endPort"] as? Int).map(String.init))
        let peers = try #require(try policy.value("spec", "ingress", 0, "from", as: [[String: Any]].self))
        #expect(peers.count == 1 && peers[0].keys.elementsEqual(["podSelector"]))
    }

    @Test("The route on the main Gateway has a longer prefix than the platform's", arguments: Files.overlays)
    func theRouterIsReached(overlay: String) async throws {
        let manifests = try await Files.manifests(overlay: overlay)
        let route = try #require(manifests.first { $0.kind == "HTTPRoute" && $0.name == "preview-gateway" })
        let match = try route.value("spec", "rules", 0, "matches", 0, "path", as: [String: String].self)
        #expect(match == ["type": "PathPrefix", "value": "/api/runs"])
        let settings = try #require(manifests.first { $0.name.hasPrefix("preview-gateway-settings-") })
        #expect(try settings.value("data", "Router__Enabled") == "true")
        #expect(try settings.value("data", "Agentweaver__ApiBaseUrl") == "http://agentweaver-api:8080")
    }

    @Test("The platform's older preview service finds the pods of previews", arguments: Files.overlays)
    func podsAreLabelled(overlay: String) async throws {
        let manifests = try await Files.manifests(overlay: overlay)
        let settings = try #require(manifests.first { $0.name.hasPrefix("preview-gateway-settings-") })
        #expect(try settings.value("data", "Sandbox__Preview__LabelPods") == "true")
    }

    @Test("The preview Gateway reaches the page of hosts without a preview, and not the API", arguments: Files.overlays)
    func thePageIsAllThatThePreviewGatewayReaches(overlay: String) async throws {
        let manifests = try await Files.manifests(overlay: overlay)
        func manifest(_ kind: String, _ name: String) throws -> Files.Manifest {
            try #require(manifests.first { $0.kind == kind && $0.name == name })
        }
        let route = try manifest("HTTPRoute", "ended-previews")
        let gateway = try manifest("Gateway", "agentweaver-preview-gateway")
        let wildcard: String? = try gateway.value("spec", "listeners", 0, "hostname")
        #expect(try route.value("spec", "hostnames") == [try #require(wildcard)])
        let backend: [String: Any] = try #require(try route.value("spec", "rules", 0, "backendRefs", 0))
        #expect(backend["name"] as? String == "preview-gateway" && backend["port"] as? Int == 8081)
        let servicePorts: [[String: Any]] = try #require(
            try manifest("Service", "preview-gateway").value("spec", "ports")
        )
        let target = servicePorts.first { $0["port"] as? Int == 8081 }?["targetPort"] as? String
        let ports: [[String: Any]] = try #require(
            try manifest("Deployment", "preview-gateway").value("spec", "template", "spec", "containers", 0, "ports")
        )
        let number = try #require(ports.first { $0["name"] as? String == target }?["containerPort"] as? Int)
        let settings = try #require(manifests.first { $0.name.hasPrefix("preview-gateway-settings-") })
        #expect(try settings.value("data", "Server__EndedPageListen") == "0.0.0.0:\(number)")
        #expect(try settings.value("data", "Server__Listen") != "0.0.0.0:\(number)")
        let rules: [[String: Any]] = try #require(
            try manifest("NetworkPolicy", "preview-gateway").value("spec", "ingress")
        )
        let reached = rules.filter { "\($0["from"] ?? "")".contains("agentweaver-preview-gateway") }
            .flatMap { ($0["ports"] as? [[String: Any]] ?? []).map { $0["port"] as? Int } }
        #expect(reached == [number])
    }

    @Test("No Service looks like a leftover of the platform's older preview service", arguments: Files.overlays)
    func noServiceLooksLikeALeftoverOfTheOlderService(overlay: String) async throws {
        let services = try await Files.manifests(overlay: overlay).filter { $0.kind == "Service" }
        #expect(!services.isEmpty)
        for service in services where service.name.hasPrefix("preview-") {
            let labels = try service.value("metadata", "labels", as: [String: String].self)
            #expect(labels?["app.kubernetes.io/part-of"] == nil, "\(service.name)")
        }
    }

    @Test("A pod may do nothing that the service does not need", arguments: Files.overlays)
    func podsAreConfined(overlay: String) async throws {
        let deployment = try #require(try await Files.manifests(overlay: overlay).first { $0.kind == "Deployment" })
        let pod = try #require(try deployment.value("spec", "template", "spec", as: [String: Any].self))
        let security = try #require(pod["securityContext"] as? [String: Any])
        #expect(security["runAsNonRoot"] as? Bool == true)
        #expect((security["seccompProfile"] as? [String: String]) == ["type": "RuntimeDefault"])
        let container = try #require((pod["containers"] as? [[String: Any]])?.first)
        let own = try #require(container["securityContext"] as? [String: Any])
        #expect(own["readOnlyRootFilesystem"] as? Bool == true)
        #expect(own["allowPrivilegeEscalation"] as? Bool == false)
        #expect((own["capabilities"] as? [String: [String]]) == ["drop": ["ALL"]])
        #expect(try deployment.value("spec", "strategy", "rollingUpdate", "maxUnavailable") == 0)
        #expect(try deployment.value("spec", "replicas") == 2)
        // The service itself takes up to 25 s to end (`PreviewService`).
        #expect(pod["terminationGracePeriodSeconds"] as? Int ?? 0 > 25)
    }

    @Test("Settings hold no secret", arguments: Files.overlays)
    func settingsHoldNoSecret(overlay: String) async throws {
        let manifests = try await Files.manifests(overlay: overlay, components: ["monitoring"])
        #expect(!manifests.contains { $0.kind == "Secret" })
        let settings = try #require(manifests.first { $0.name.hasPrefix("preview-gateway-settings-") })
        let data = try #require(try settings.value("data", as: [String: String].self))
        #expect(data["Auth__ApiKey"] == nil)
    }

    /// Docs/Operations.md, "Remove": the platform has these two as well, and the namespace is not the service's.
    @Test("What is removed with the service has its name as a label, and what the platform uses has not")
    func onlyObjectsOfTheServiceHaveItsLabel() async throws {
        for overlay in Files.overlays {
            let manifests = try await Files.manifests(overlay: overlay, components: Files.components.dropLast())
            let others = try manifests.filter { manifest in
                let labels = try manifest.value("metadata", "labels", as: [String: String].self)
                return labels?["app.kubernetes.io/name"] != "preview-gateway" && manifest.kind != "Namespace"
            }
            #expect(others.map(\.name) == ["agentweaver-preview-gateway", "sandbox-allow-preview-ingress"])
        }
    }

    @Test("All components fit beside each other", arguments: Files.overlays)
    func componentsFitTogether(overlay: String) async throws {
        let manifests = try await Files.manifests(overlay: overlay, components: Files.components.dropLast())
        let names = manifests.map { "\($0.apiVersion)/\($0.kind)/\($0.name)" }
        #expect(Set(names).count == names.count)
    }

    @Test("Sandboxes reach the service only with the component sandbox-callers", arguments: Files.overlays)
    func sandboxesAreAdmittedByOneComponent(overlay: String) async throws {
        for (components, policies) in [
            (Files.components.filter { !["sandbox-callers", "operator"].contains($0) }, [String]()),
            (["sandbox-callers"], ["allow-sandboxes-to-preview-gateway"]),
        ] {
            let manifests = try await Files.manifests(overlay: overlay, components: components)
            let admitting = try manifests.filter { manifest in
                guard manifest.kind == "NetworkPolicy",
                    let ingress = try manifest.value("spec", "ingress", as: [[String: Any]].self)
                else { return false }
                return "\(ingress)".contains("agentweaver-sandbox")
            }
            #expect(admitting.map(\.name) == policies)
        }
    }

    // MARK: Checked by API server and schemas

    /// Kinds that an API server of version 1.20 does not have; they are checked against schemas.
    private static let laterKinds: Set<String> = [
        "policy/v1/PodDisruptionBudget", "flowcontrol.apiserver.k8s.io/v1/FlowSchema",
        "flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration",
        "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy",
        "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding",
        // Kinds of the Prometheus operator, whose definitions the tests do not install.
        "monitoring.coreos.com/v1/ServiceMonitor", "monitoring.coreos.com/v1/PrometheusRule",
        "azmonitoring.coreos.com/v1/ServiceMonitor",
    ]

    @Test(
        "A real API server accepts every object whose kind it has",
        .enabled(
            if: RealControlPlane.isAvailable,
            "KUBEBUILDER_ASSETS and TEST_CRDS name no kube-apiserver and no resource definitions"
        )
    )
    func aRealAPIServerAcceptsEveryObject() async throws {
        try await RealControlPlane.with { plane in
            let environment = ["KUBECONFIG": plane.kubeconfig, "HOME": "\(plane.kubeconfig)-home"]
            _ = try await Files.run("kubectl", ["create", "namespace", "agentweaver"], environment: environment)
            for overlay in Files.overlays {
                var refused: Set<String> = []
                for manifest in try await Files.manifests(overlay: overlay, components: Files.components.dropLast()) {
                    let result = try await Files.run(
                        "kubectl",
                        ["apply", "--dry-run=server", "-f", "-"],
                        environment: environment,
                        input: manifest.yaml
                    )
                    if result.isSuccess { continue }
                    let kind = "\(manifest.apiVersion)/\(manifest.kind)"
                    if result.errors.contains("no matches for kind") {
                        #expect(Self.laterKinds.contains(kind), "\(kind): \(result.errors)")
                    } else {
                        // The one field that version 1.20 does not have.
                        #expect(result.errors.contains(#"unknown field "endPort""#), "\(kind): \(result.errors)")
                        #expect(manifest.name == "sandbox-allow-preview-ingress")
                    }
                    refused.insert(kind)
                }
                #expect(!refused.contains("apps/v1/Deployment"))
            }
        }
    }

    @Test(
        "Every object of Kubernetes' own kinds is valid in a recent version",
        .enabled(if: Files.python != nil, "MANIFESTS_PYTHON names no Python with the packages of .ci/setup manifests"),
        arguments: Files.overlays
    )
    func everyBuiltInObjectIsValidInARecentVersion(overlay: String) async throws {
        let rendered = try await Files.render(overlay: overlay, components: Files.components.dropLast())
        let result = try await Files.run(
            try #require(Files.python),
            [ProjectFiles.path("Tests/Scripts/check_manifests.py"), "schemas"],
            input: rendered
        )
        #expect(result.isSuccess, "\(result.errors)")
        #expect(result.output.contains("objects are valid"))
    }

    @Test(
        "The admission policy admits only previews of the service, and none beyond the cap",
        .enabled(if: Files.python != nil, "MANIFESTS_PYTHON names no Python with the packages of .ci/setup manifests")
    )
    func theAdmissionPolicyAdmitsOnlyPreviewsWithinTheCap() async throws {
        let rendered = try await Files.render(overlay: "aks", components: ["admission-policy"])
        let result = try await Files.run(
            try #require(Files.python),
            [ProjectFiles.path("Tests/Scripts/check_manifests.py"), "policy"],
            input: rendered
        )
        #expect(result.isSuccess, "\(result.errors)")
        let foreign = "denied: only preview-gateway creates and changes previews"
        let cap = "denied: a preview's max-until is at most 8 hours after its creation"
        #expect(
            result.output.split(separator: "\n").map(String.init) == [
                "the service creates a preview: admitted",
                "the older service creates a preview: admitted",
                "somebody else creates a preview: \(foreign)",
                "somebody else attaches a route to the preview Gateway: \(foreign)",
                "somebody else creates a route with a token's label: \(foreign)",
                "somebody else creates a route of another Gateway: not a preview",
                "the service's own route is installed: not a preview",
                "the route of hosts without a preview is installed: not a preview",
                "a route of its name leads to the API: \(foreign)",
                "a route of its name leads elsewhere: \(foreign)",
                "a route of its name redirects: \(foreign)",
                "a route of its name takes one host: \(foreign)",
                "the cap is exceeded: \(cap)",
                "the cap is no time: \(cap)",
                "somebody else prolongs a preview: \(foreign)",
                "somebody else removes a finalizer: admitted",
            ]
        )
    }
}
