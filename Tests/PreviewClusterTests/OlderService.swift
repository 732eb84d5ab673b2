import DevCluster
import FoundationEssentials
import PreviewDomain

import enum Basics.RFC3339

/// The platform's older preview service, which runs inside the core API, as far as its rules concern this service's previews.
///
/// Its rules are those of `SandboxPreviewService` and `PreviewReaper` in sabbour/agentweaver (July 2026): the reaper
/// lists routes by `app.kubernetes.io/part-of` alone, recognizes a preview by its annotations, treats it as an orphan
/// if no pod has the label of its run, deletes it without preconditions, and deletes Services that have no route after
/// two minutes.
struct OlderService {
    let cluster: TestCluster

    private static let orphanGrace = Duration.seconds(120)
    private var store: ObjectStore { cluster.store }
    private var namespace: String { TestCluster.namespace }

    /// Starts a preview: labels the pod, then creates the Service, which selects by that label, then the route.
    func start(_ run: RunID, name: String, pod: String) throws -> PreviewToken {
        guard let token = PreviewToken(name) else {
            throw StatusFailure(code: 400, reason: "BadRequest", message: name)
        }
        try store.update(.pods, namespace: namespace, name: pod) {
            $0["metadata", "labels", PreviewLabel.run] = .string(run.label.text)
        }
        let labels: JSONValue = [
            PreviewLabel.partOf: .string(PreviewLabel.partOfValue), PreviewLabel.token: .string(token.text),
            PreviewLabel.run: .string(run.label.text),
        ]
        try store.create(
            .services,
            namespace: namespace,
            [
                "metadata": ["name": .string(token.objectName), "labels": labels],
                "spec": [
                    "type": "ClusterIP", "selector": [PreviewLabel.run: .string(run.label.text)],
                    "ports": [["port": 80, "targetPort": 3000, "protocol": "TCP"]],
                ],
            ]
        )
        let now = cluster.now
        try store.create(
            .httpRoutes,
            namespace: namespace,
            [
                "metadata": [
                    "name": .string(token.objectName), "labels": labels,
                    "annotations": [
                        PreviewAnnotations.Key.expiresAt: .string(RFC3339.string(now + .seconds(30 * 60))),
                        PreviewAnnotations.Key.maxUntil: .string(RFC3339.string(now + .seconds(8 * 3600))),
                        PreviewAnnotations.Key.run: .string(run.label.text),
                        PreviewAnnotations.Key.token: .string(token.text),
                        PreviewAnnotations.Key.owner: "ada", PreviewAnnotations.Key.pod: .string(pod),
                        PreviewAnnotations.Key.targetPort: "3000",
                        PreviewAnnotations.Key.startedAt: .string(RFC3339.string(now)),
                    ],
                ],
                "spec": [
                    "parentRefs": [["name": "agentweaver-preview-gateway"]],
                    "hostnames": [.string("\(token.text)-preview.preview.example.com")],
                    "rules": [["backendRefs": [["name": .string(token.objectName), "port": 80]]]],
                ],
            ]
        )
        return token
    }

    /// The tokens of a run's previews, as the older service lists them.
    func list(_ run: RunID) -> Set<String> {
        Set(routes.filter { $0.annotations[PreviewAnnotations.Key.run] == run.label.text }.compactMap(\.token))
    }

    func keepAlive(_ token: PreviewToken) throws {
        try store.update(.httpRoutes, namespace: namespace, name: token.objectName) { [now = cluster.now] in
            $0["metadata", "annotations", PreviewAnnotations.Key.expiresAt] =
                .string(RFC3339.string(now + .seconds(30 * 60)))
        }
    }

    func stop(_ token: String) {
        try? cluster.delete(.httpRoutes, "preview-\(token)")
        try? cluster.delete(.services, "preview-\(token)")
    }

    /// One sweep of the older service's reaper.
    ///
    /// - Returns: The tokens of the previews that it ended, and the names of the Services that it deleted.
    @discardableResult
    func reap() -> Set<String> {
        var ended: Set<String> = []
        for route in routes {
            guard let token = route.token else { continue }
            let run = route.annotations[PreviewAnnotations.Key.run] ?? ""
            let hasPod = store.list(.pods).items.contains { $0.labels[PreviewLabel.run] == run }
            let isOver = [PreviewAnnotations.Key.maxUntil, PreviewAnnotations.Key.expiresAt].contains { key in
                route.annotations[key].flatMap(RFC3339.date).map { cluster.now > $0 } ?? false
            }
            guard !hasPod || isOver else { continue }
            stop(token)
            ended.insert(token)
        }
        let names = Set(store.list(.httpRoutes).items.map(\.name))
        for service in store.list(.services).items where isPlatforms(service) && service.name.hasPrefix("preview-") {
            let created = service["metadata", "creationTimestamp"]?.stringValue.flatMap(RFC3339.date)
            guard !names.contains(service.name), created.map({ $0 <= cluster.now + (.zero - Self.orphanGrace) }) ?? true
            else { continue }
            try? cluster.delete(.services, service.name)
            ended.insert(service.name)
        }
        return ended
    }

    private struct Route {
        let annotations: [String: String]

        var token: String? { annotations[PreviewAnnotations.Key.token] }
    }

    private var routes: [Route] {
        store.list(.httpRoutes).items.filter(isPlatforms).map { object in
            let annotations = object["metadata", "annotations"]?.objectValue ?? [:]
            return Route(annotations: annotations.compactMapValues(\.stringValue))
        }
    }

    private func isPlatforms(_ object: JSONValue) -> Bool {
        object.labels[PreviewLabel.partOf] == PreviewLabel.partOfValue
    }
}
