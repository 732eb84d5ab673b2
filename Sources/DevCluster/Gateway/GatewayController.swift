import FoundationEssentials
package import Logging
import ServiceLifecycle

/// The implementation of the Gateway API: it configures Envoy from Gateways, HTTPRoutes, Services and Pods, and reports the
/// result in their status.
package struct GatewayController: Service {
    /// The controller's name in `status.parents`.
    static let controllerName = "agentweaver.dev/devcluster-gateway"
    private static let supportedKinds: JSONValue = [["group": "gateway.networking.k8s.io", "kind": "HTTPRoute"]]

    private let store: ObjectStore
    private let planner: GatewayPlanner
    private let proxy: EnvoyProxy
    private let logger: Logger

    /// - Parameters:
    ///   - store: The cluster's objects.
    ///   - className: The GatewayClass whose Gateways are served.
    ///   - proxy: A running Envoy.
    package init(store: ObjectStore, className: String, proxy: EnvoyProxy, logger: Logger) {
        self.store = store
        self.proxy = proxy
        self.logger = logger
        planner = GatewayPlanner(className: className, port: proxy.bootstrap.port)
    }

    /// Serves until the task is cancelled.
    package func run() async throws {
        let kinds: [ResourceKind] = [.gatewayClasses, .gateways, .httpRoutes, .services, .pods]
        try await ReconcileLoop(store: store, kinds: kinds).run {
            // No change of an object leads to another attempt. Each attempt waits for Envoy for a limited time.
            while try await reconcile() == .unconfirmed {}
        }
    }

    private func reconcile() async throws -> EnvoyProxy.Outcome {
        let snapshot = GatewaySnapshot(
            gateways: store.list(.gateways).items,
            routes: store.list(.httpRoutes).items,
            services: store.list(.services).items,
            pods: store.list(.pods).items
        )
        let plan = planner.plan(for: snapshot)
        let outcome = try await proxy.publish(EnvoyResources(plan: plan, folder: proxy.folder))
        try writeClass()
        for gateway in snapshot.gateways {
            guard let listeners = plan.listeners[gateway.namespacedName] else { continue }
            try write(listeners, outcome, of: gateway)
        }
        switch outcome {
        case .applied:
            // Last, because a route is reported as accepted only when Envoy serves it.
            for route in snapshot.routes { try write(plan.parentStatuses[route.namespacedName] ?? [], of: route) }
        case .refused: logger.error("Envoy rejected the configuration")
        case .unconfirmed: logger.error("Envoy did not confirm the configuration in time")
        }
        return outcome
    }

    private func writeClass() throws {
        for item in store.list(.gatewayClasses).items where item.name == planner.className {
            try store.updateStatus(.gatewayClasses, namespace: nil, name: item.name) { item in
                item["status", "conditions"] = (item["status", "conditions"] ?? []).settingConditions(
                    [("Accepted", .init(true, "Accepted", "the class is served"))],
                    generation: item["metadata", "generation"],
                    now: Date()
                )
            }
        }
    }

    private func write(_ listeners: [GatewayPlan.Listener], _ outcome: EnvoyProxy.Outcome, of gateway: JSONValue) throws
    {
        let generation = gateway["metadata", "generation"]
        let programmed: GatewayPlan.ConditionState =
            switch outcome {
            case .applied: .init(true, "Programmed", "Envoy has applied the latest configuration")
            case .refused: .init(false, "Invalid", "Envoy rejected the latest configuration")
            case .unconfirmed: .init(false, "Pending", "Envoy has not confirmed the latest configuration")
            }
        try store.updateStatus(.gateways, namespace: gateway.namespace, name: gateway.name) { gateway in
            let old = gateway["status", "listeners"]?.arrayValue ?? []
            gateway["status", "addresses"] = [["type": "IPAddress", "value": "127.0.0.1"]]
            gateway["status", "conditions"] = (gateway["status", "conditions"] ?? []).settingConditions(
                [
                    ("Accepted", .init(true, "Accepted", "the Gateway is served")),
                    ("Programmed", programmed),
                ],
                generation: generation,
                now: Date()
            )
            gateway["status", "listeners"] = .array(
                listeners.map { listener in
                    let before = old.first { $0["name"]?.stringValue == listener.name }
                    return [
                        "name": .string(listener.name),
                        "attachedRoutes": .int(Int64(listener.attachedRoutes)),
                        "supportedKinds": Self.supportedKinds,
                        "conditions": (before?["conditions"] ?? []).settingConditions(
                            [
                                ("Accepted", listener.accepted),
                                ("Programmed", listener.accepted.isTrue ? programmed : listener.accepted),
                                ("ResolvedRefs", .init(true, "ResolvedRefs", "the listener has no references")),
                            ],
                            generation: generation,
                            now: Date()
                        ),
                    ]
                }
            )
        }
    }

    private func write(_ parentStatuses: [GatewayPlan.ParentStatus], of route: JSONValue) throws {
        let old = route["status", "parents"]?.arrayValue ?? []
        guard !parentStatuses.isEmpty || old.contains(where: hasOwnControllerName) else { return }
        let generation = route["metadata", "generation"]
        try store.updateStatus(.httpRoutes, namespace: route.namespace, name: route.name) { current in
            let parents = current["status", "parents"]?.arrayValue ?? []
            let ours = parentStatuses.map { parentStatus -> JSONValue in
                let before = parents.first {
                    hasOwnControllerName($0) && $0["parentRef"] == parentStatus.parentReference
                }
                return [
                    "parentRef": parentStatus.parentReference,
                    "controllerName": .string(Self.controllerName),
                    "conditions": (before?["conditions"] ?? []).settingConditions(
                        [("Accepted", parentStatus.accepted), ("ResolvedRefs", parentStatus.resolvedReferences)],
                        generation: generation,
                        now: Date()
                    ),
                ]
            }
            current["status", "parents"] = .array(parents.filter { !hasOwnControllerName($0) } + ours)
        }
    }

    private func hasOwnControllerName(_ parent: JSONValue) -> Bool {
        parent["controllerName"]?.stringValue == Self.controllerName
    }
}
