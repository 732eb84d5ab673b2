import Basics
public import FoundationEssentials
public import PreviewControl
public import PreviewDomain
internal import Synchronization

extension SimulatedCluster: PreviewObjects {
    public func label(
        _ pod: PodIdentity,
        with run: RunLabel,
        at instant: Date
    ) async throws(ClusterError) -> Bool {
        try await perform(.labelPod) { state in
            guard state.pods[pod] == true else { return false }
            state.podLabels[pod] = PodLabel(run: run, setAt: instant, resourceVersion: "\(state.nextVersion())")
            state.publish(.pods(.applied(state.record(of: pod))))
            return true
        }
    }

    public func label(of pod: PodIdentity) async throws(ClusterError) -> PodLabel? {
        try await perform(.podLabel) { $0.pods[pod] == true ? $0.podLabels[pod] : nil }
    }

    public func unlabel(_ pod: PodIdentity, _ label: PodLabel) async throws(ClusterError) -> Bool {
        try await perform(.unlabelPod) { state in
            guard state.podLabels[pod] == label else { return false }
            state.podLabels[pod] = nil
            state.publish(.pods(.applied(state.record(of: pod))))
            return true
        }
    }

    /// The per-run label of a pod.
    public func runLabel(of pod: PodIdentity) -> RunLabel? { state.withLock { $0.podLabels[pod]?.run } }

    public func createService(for blueprint: PreviewBlueprint) async throws(ClusterError) -> PreviewBackend {
        let annotations = blueprint.annotations
        return try await perform(.createService) { state throws(ClusterError) in
            guard state.backends[annotations.token] == nil else {
                throw ClusterError(.alreadyExists, "an object of that name exists")
            }
            let version = state.nextVersion()
            let backend = PreviewBackend(
                token: annotations.token,
                run: annotations.run,
                uid: "uid-\(version)",
                resourceVersion: "\(version)",
                createdAt: state.creationTimestamp,
                isBeingDeleted: false
            )
            state.backends[annotations.token] = backend
            state.publish(.backends(.applied(backend)))
            return backend
        }
    }

    public func createRoute(for blueprint: PreviewBlueprint) async throws(ClusterError) -> Preview {
        let annotations = blueprint.annotations
        return try await perform(.createRoute) { state throws(ClusterError) in
            guard state.routes[annotations.token] == nil else {
                throw ClusterError(.alreadyExists, "an object of that name exists")
            }
            let version = state.nextVersion()
            let stored = StoredRoute(
                name: annotations.token.objectName,
                labels: PreviewLabel.labels(token: annotations.token, run: annotations.run),
                annotations: annotations.encoded().merging(
                    [PreviewAnnotations.Key.hostHeader: blueprint.host.rawValue]
                ) { $1 },
                uid: "uid-\(version)",
                resourceVersion: version,
                createdAt: state.creationTimestamp
            )
            guard let preview = stored.preview else { throw ClusterError(.rejected, "the object is not ours") }
            state.routes[annotations.token] = stored
            state.publish(.routes(.applied(preview)))
            return preview
        }
    }

    public func route(_ token: PreviewToken) async throws(ClusterError) -> Preview? {
        try await perform(.route) { $0.routes[token]?.preview }
    }

    public func routes(
        reusing kept: @escaping @Sendable (PreviewToken) -> Preview?
    ) async throws(ClusterError) -> [Preview] {
        try await perform(.routes) { $0.routes.values.compactMap(\.preview) }
    }

    public func routes(of run: RunLabel) async throws(ClusterError) -> [(preview: Preview, status: RouteStatus)] {
        try await perform(.routesOfRun) { state in
            state.routes.values.compactMap(\.preview).filter { $0.run == run }.map { ($0, state.routeStatus) }
        }
    }

    public func status(ofRoute token: PreviewToken) async throws(ClusterError) -> RouteStatus? {
        try await perform(.routeStatus) { $0.routes[token] == nil ? nil : $0.routeStatus }
    }

    public func backend(_ token: PreviewToken) async throws(ClusterError) -> PreviewBackend? {
        try await perform(.backend) { $0.backends[token] }
    }

    public func backends(
        reusing kept: @escaping @Sendable (PreviewToken) -> PreviewBackend?
    ) async throws(ClusterError) -> [PreviewBackend] {
        try await perform(.backends) { Array($0.backends.values) }
    }

    public func extend(
        _ preview: Preview,
        of run: RunLabel,
        to expiry: Date,
        if precondition: ExtensionPrecondition
    ) async throws(ClusterError) -> ExtensionOutcome {
        try await perform(.extend) { state in
            guard let route = state.routes[preview.token] else { return .gone }
            let isSame =
                switch precondition {
                case .sameExpiry where preview.expiresAt == nil:
                    false
                case .sameExpiry:
                    route.annotations[PreviewAnnotations.Key.run] == run.text
                        && route.annotations[PreviewAnnotations.Key.expiresAt] == preview.expiresAt.map(RFC3339.string)
                case .sameVersion:
                    "\(route.resourceVersion)" == preview.resourceVersion
                }
            guard isSame else { return .changed }
            state.changeRoute(preview.token) {
                $0.annotations[PreviewAnnotations.Key.expiresAt] = RFC3339.string(expiry)
            }
            return .extended
        }
    }

    /// Sets the expiry of a preview as another client would, whatever it was before.
    @discardableResult
    public func extend(_ token: PreviewToken, of run: RunLabel, to expiry: Date) async throws(ClusterError) -> Bool {
        try await perform(.extend) { state in
            guard state.routes[token]?.annotations[PreviewAnnotations.Key.run] == run.text else { return false }
            state.changeRoute(token) { $0.annotations[PreviewAnnotations.Key.expiresAt] = RFC3339.string(expiry) }
            return true
        }
    }

    public func rewriteHost(of preview: Preview, to host: HostHeader) async throws(ClusterError) -> Preview? {
        try await perform(.rewriteHost) { state in
            guard state.routes[preview.token]?.preview?.hostHeader == preview.hostHeader else { return nil }
            state.changeRoute(preview.token) { $0.annotations[PreviewAnnotations.Key.hostHeader] = host.rawValue }
            return state.routes[preview.token]?.preview
        }
    }

    public func setBackendProtocol(
        of preview: Preview,
        to backendProtocol: BackendProtocol
    ) async throws(ClusterError) -> Preview? {
        try await perform(.setBackendProtocol) { state in
            guard let route = state.routes[preview.token], route.backendProtocol != backendProtocol else { return nil }
            state.changeRoute(preview.token) { $0.backendProtocol = backendProtocol }
            return state.routes[preview.token]?.preview
        }
    }

    public func deleteRoute(
        _ token: PreviewToken,
        _ precondition: DeletionPrecondition
    ) async throws(ClusterError) -> DeletionOutcome {
        try await perform(.deleteRoute) { state in
            guard let route = state.routes[token] else { return .gone }
            guard precondition.allows(uid: route.uid, resourceVersion: "\(route.resourceVersion)") else {
                return .changed
            }
            state.routes[token] = nil
            state.publish(.routes(.deleted(token)))
            return .deleted
        }
    }

    public func deleteBackend(
        _ token: PreviewToken,
        _ precondition: DeletionPrecondition
    ) async throws(ClusterError) -> DeletionOutcome {
        try await perform(.deleteBackend) { state in
            guard let backend = state.backends[token] else { return .gone }
            guard precondition.allows(uid: backend.uid, resourceVersion: backend.resourceVersion) else {
                return .changed
            }
            state.backends[token] = nil
            state.publish(.backends(.deleted(token)))
            return .deleted
        }
    }

    public func livePods() async throws(ClusterError) -> [PodIdentity] {
        try await perform(.livePods) { $0.pods.filter(\.value).map(\.key) }
    }

    public func isLive(_ pod: PodIdentity) async throws(ClusterError) -> Bool {
        try await perform(.isLive) { $0.pods[pod] == true }
    }

    public func isReady(_ pod: PodIdentity) async throws(ClusterError) -> Bool {
        try await perform(.isPodReady) { $0.pods[pod] == true }
    }

    public func claims() async throws(ClusterError) -> [ClaimIdentity] {
        try await perform(.claims) { $0.claims.values.map(\.identity) }
    }

    public func exists(_ claim: ClaimIdentity) async throws(ClusterError) -> Bool {
        try await perform(.claimExists) { $0.claims[claim.name]?.identity == claim }
    }
}

extension DeletionPrecondition {
    fileprivate func allows(uid: String, resourceVersion: String) -> Bool {
        switch self {
        case .uid(let expected): expected == uid
        case .exactly(let expectedUID, let expectedVersion):
            expectedUID == uid && expectedVersion == resourceVersion
        }
    }
}
