import KubernetesModel
import PreviewControl
import PreviewDomain
import Testing

@testable import PreviewCluster

/// Reads `HTTPRoute.status.parents`, in which every controller writes its own entries.
@Suite("The gateway's status of a route", .timeLimit(.minutes(10)))
struct RouteStatusTests {
    private static let manifests = PreviewManifests(
        namespace: "agentweaver",
        gatewayName: "preview",
        gatewayNamespace: "gateways",
        zone: try? ZoneSuffix("preview.example.com")
    )

    private static func entry(
        _ gateway: String = "preview",
        in namespace: String? = "gateways",
        section: String? = nil,
        kind: String? = nil,
        by controller: String = "example.com/ours",
        accepted: ConditionStatus? = .true,
        resolved: ConditionStatus? = .true,
        generation: Int64? = 2
    ) -> HTTPRoute.ParentStatus {
        func condition(_ type: String, _ status: ConditionStatus?) -> Condition? {
            status.map {
                Condition(type: type, status: $0, reason: "By\(controller.suffix(4))", observedGeneration: generation)
            }
        }
        return HTTPRoute.ParentStatus(
            parentRef: HTTPRoute.ParentReference(kind: kind, namespace: namespace, name: gateway, sectionName: section),
            conditions: [condition("Accepted", accepted), condition("ResolvedRefs", resolved)].compactMap { $0 }
        )
    }

    private func status(
        _ entries: [HTTPRoute.ParentStatus],
        section: String? = nil,
        gatewayNamespace: String? = "gateways",
        manifests: PreviewManifests = Self.manifests
    ) -> RouteStatus {
        manifests.status(
            of: HTTPRoute(
                metadata: ObjectMeta(name: "preview-x", namespace: "agentweaver", generation: 2),
                spec: HTTPRoute.Spec(
                    parentRefs: [
                        HTTPRoute.ParentReference(namespace: gatewayNamespace, name: "preview", sectionName: section)
                    ]
                ),
                status: HTTPRoute.Status(parents: entries)
            )
        )
    }

    @Test func anEntryAboutAnOlderGenerationSaysNothing() {
        let old = status([Self.entry(accepted: .true, generation: 1)])
        #expect(!old.isAccepted && old.problem == nil)
        #expect(!status([Self.entry(accepted: .false, generation: 1)]).isAccepted)
        #expect(status([Self.entry(accepted: .false, generation: 1)]).problem == nil)
        #expect(status([Self.entry(accepted: .false, generation: 1), Self.entry()]).isAccepted)
    }

    @Test func aConditionWithoutAGenerationCountsAsCurrent() {
        #expect(status([Self.entry(generation: nil)]).isAccepted)
    }

    @Test func anotherControllersEntryDoesNotHideTheGateways() {
        let stale = Self.entry(by: "example.com/past", accepted: .false)
        #expect(status([stale, Self.entry()]).isAccepted)
        #expect(status([Self.entry(), stale]).isAccepted)
        #expect(status([Self.entry(by: "example.com/past", accepted: nil, resolved: nil), Self.entry()]).isAccepted)
        let refused = status([
            Self.entry(by: "example.com/past", accepted: nil, resolved: nil), Self.entry(resolved: .false),
        ])
        #expect(!refused.isAccepted && refused.problem == "ResolvedRefs is False, Byours")
    }

    @Test func entriesOfOtherParentsDoNotCount() {
        for other in [
            Self.entry("another"), Self.entry(in: "elsewhere"), Self.entry(in: nil), Self.entry(kind: "Service"),
        ] {
            #expect(status([other]) == RouteStatus(isAccepted: false, isMarked: false))
            #expect(status([other, Self.entry(accepted: .false)]).problem == "Accepted is False, Byours")
        }
    }

    @Test func aParentWithoutANamespaceIsInTheRoutesOwn() {
        let own = PreviewManifests(
            namespace: "agentweaver",
            gatewayName: "preview",
            gatewayNamespace: "agentweaver",
            zone: try? ZoneSuffix("preview.example.com")
        )
        #expect(status([Self.entry(in: nil)], gatewayNamespace: nil, manifests: own).isAccepted)
        #expect(status([Self.entry(in: "agentweaver")], gatewayNamespace: nil, manifests: own).isAccepted)
    }

    @Test func onlyTheEntryOfTheListenerThatTheRouteNamesCounts() {
        let entries = [Self.entry(section: "http"), Self.entry(section: "https", accepted: .false)]
        #expect(!status(entries, section: "https").isAccepted)
        #expect(status(entries, section: "http").isAccepted)
        #expect(status([Self.entry(section: "https")]).isAccepted, "any listener, where none is named")
    }
}
