internal import Basics
public import FoundationEssentials
public import KubernetesClient
internal import KubernetesModel
public import PreviewControl
public import PreviewDomain

/// Previews as Services and HTTPRoutes in one namespace.
public struct KubernetesPreviewObjects: Sendable {
    let client: KubernetesClient
    let manifests: PreviewManifests

    var namespace: String { manifests.namespace }

    /// Reads a list with one request: its callers need all of it at the same instant, and the metadata of 10,000
    /// previews has a few megabytes.
    private var wholeLists: KubernetesClient { client.withPageSize(RequestLimits.maxListedObjects) }

    /// Selects previews, including those of the platform's older service.
    static let owned = LabelSelector(PreviewLabel.ownedSelector)
    /// Selects pods that have not ended. A watch with this selector reports the end of a pod as its deletion.
    static let alive: FieldSelector = "status.phase!=Succeeded,status.phase!=Failed"

    public init(client: KubernetesClient, manifests: PreviewManifests) {
        self.client = client
        self.manifests = manifests
    }

    func delete<Object: KubernetesObject>(
        _ type: Object.Type,
        _ token: PreviewToken,
        _ precondition: DeletionPrecondition
    ) async throws(ClusterError) -> DeletionOutcome {
        let preconditions =
            switch precondition {
            case .uid(let uid): Preconditions(uid: uid)
            case .exactly(let uid, let version): Preconditions(uid: uid, resourceVersion: version)
            }
        return try await ClusterError.mappingClusterErrors {
            do {
                let outcome = try await client.delete(
                    type,
                    named: token.objectName,
                    in: namespace,
                    preconditions: preconditions
                )
                return outcome == .notFound ? .gone : .deleted
            } catch let error as KubernetesError where error.kind == .conflict {
                return .changed
            }
        }
    }

    /// Lists previews, and decodes those that are not known.
    private func owned<Object: KubernetesObject, Copy: ObjectCopy>(
        _ type: Object.Type,
        reusing kept: @escaping @Sendable (PreviewToken) -> Copy?
    ) async throws(ClusterError) -> [Copy] {
        try await ClusterError.mappingClusterErrors {
            try await wholeLists.listMetadata(
                of: type,
                in: namespace,
                labelSelector: Self.owned,
                reusing: { version in
                    PreviewToken(objectName: version.name).flatMap(kept).flatMap { $0.isCopy(of: version) ? $0 : nil }
                },
                keeping: { Copy($0.metadata) }
            ).items
        }
    }

    private func preview(_ metadata: PartialObjectMetadata) throws -> Preview {
        guard let preview = Preview(metadata.metadata) else {
            throw ClusterError(.rejected, "the API server returned an object other than the requested one")
        }
        return preview
    }
}

extension KubernetesPreviewObjects: PreviewObjects {
    public func createService(for blueprint: PreviewBlueprint) async throws(ClusterError) -> PreviewBackend {
        try await ClusterError.mappingClusterErrors {
            let created = try await client.createMetadata(of: manifests.service(blueprint), in: namespace)
            guard let backend = PreviewBackend(created.metadata) else {
                throw ClusterError(.rejected, "the API server returned an object other than the created one")
            }
            return backend
        }
    }

    public func createRoute(for blueprint: PreviewBlueprint) async throws(ClusterError) -> Preview {
        try await ClusterError.mappingClusterErrors {
            try preview(try await client.createMetadata(of: manifests.route(blueprint), in: namespace))
        }
    }

    public func route(_ token: PreviewToken) async throws(ClusterError) -> Preview? {
        let found = try await ClusterError.nilIfMissing {
            try await client.getMetadata(of: HTTPRoute.self, named: token.objectName, in: namespace)
        }
        // An object of that name that is not a preview of this service does not count.
        return found.flatMap { Preview($0.metadata) }
    }

    public func routes(
        reusing kept: @escaping @Sendable (PreviewToken) -> Preview?
    ) async throws(ClusterError) -> [Preview] {
        try await owned(HTTPRoute.self, reusing: kept)
    }

    public func routes(of run: RunLabel) async throws(ClusterError) -> [(preview: Preview, status: RouteStatus)] {
        try await ClusterError.mappingClusterErrors {
            let selector = LabelSelector("\(PreviewLabel.ownedSelector),\(PreviewLabel.run)=\(run.text)")
            return try await client.list(HTTPRoute.self, in: namespace, labelSelector: selector)
                .items.compactMap { route in
                    Preview(route.metadata).map { (preview: $0, status: manifests.status(of: route)) }
                }
        }
    }

    public func status(ofRoute token: PreviewToken) async throws(ClusterError) -> RouteStatus? {
        try await ClusterError.nilIfMissing {
            manifests.status(of: try await client.get(HTTPRoute.self, named: token.objectName, in: namespace))
        }
    }

    public func backend(_ token: PreviewToken) async throws(ClusterError) -> PreviewBackend? {
        let found = try await ClusterError.nilIfMissing {
            try await client.getMetadata(of: Service.self, named: token.objectName, in: namespace)
        }
        return found.flatMap { PreviewBackend($0.metadata) }
    }

    public func backends(
        reusing kept: @escaping @Sendable (PreviewToken) -> PreviewBackend?
    ) async throws(ClusterError) -> [PreviewBackend] {
        try await owned(Service.self, reusing: kept)
    }

    /// One patch: a JSON Patch that tests run and expiry, or a merge patch of exactly the version that was evaluated.
    ///
    /// The 422 of a JSON Patch is ambiguous: another run or expiry, an expiry in another spelling, or a preview of the
    /// older service that has its run only in a label. The caller distinguishes them.
    public func extend(
        _ preview: Preview,
        of run: RunLabel,
        to expiry: Date,
        if precondition: ExtensionPrecondition
    ) async throws(ClusterError) -> ExtensionOutcome {
        guard let patch = Self.patch(preview, of: run, to: expiry, if: precondition) else { return .changed }
        let outcome: ExtensionOutcome? = try await ClusterError.nilIfMissing {
            do {
                _ = try await client.patchMetadata(
                    of: HTTPRoute.self,
                    named: preview.token.objectName,
                    in: namespace,
                    patch
                )
                return .extended
            } catch let error as KubernetesError where error.kind == .conflict {
                return .changed
            } catch let error as KubernetesError where error.kind == .invalid && precondition == .sameExpiry {
                return .changed
            }
        }
        return outcome ?? .gone
    }

    /// - Returns: `nil` if the annotations do not contain what would have to be tested.
    private static func patch(
        _ preview: Preview,
        of run: RunLabel,
        to expiry: Date,
        if precondition: ExtensionPrecondition
    ) -> Patch? {
        let key = PreviewAnnotations.Key.expiresAt
        switch precondition {
        case .sameExpiry:
            guard let current = preview.expiresAt, !preview.missingAnnotations.contains(PreviewAnnotations.Key.run)
            else { return nil }
            return .json([
                .test(.annotation(PreviewAnnotations.Key.run), .string(run.text)),
                .test(.annotation(key), .string(RFC3339.string(current))),
                .replace(.annotation(key), .string(RFC3339.string(expiry))),
            ])
        case .sameVersion:
            return .merge(.annotations([key: RFC3339.string(expiry)], resourceVersion: preview.resourceVersion))
        }
    }

    public func rewriteHost(of preview: Preview, to host: HostHeader) async throws(ClusterError) -> Preview? {
        guard let zone = manifests.zone else { return nil }
        return try await change(preview, by: HostFilters(host, of: preview.token, zone: zone).patch)
    }

    public func setBackendProtocol(
        of preview: Preview,
        to backendProtocol: BackendProtocol
    ) async throws(ClusterError) -> Preview? {
        try await change(preview, by: manifests.backendPatch(backendProtocol, of: preview.token))
    }

    /// - Returns: The preview after the write; `nil` if a test of the patch fails, or the route no longer exists.
    private func change(_ preview: Preview, by patch: JSONPatch) async throws(ClusterError) -> Preview? {
        let changed: Preview?? = try await ClusterError.nilIfMissing {
            do {
                let route = try await client.patchMetadata(
                    of: HTTPRoute.self,
                    named: preview.token.objectName,
                    in: namespace,
                    .json(patch)
                )
                return Preview(route.metadata)
            } catch let error as KubernetesError where error.kind == .conflict || error.kind == .invalid {
                return nil
            }
        }
        return changed ?? nil
    }

    public func deleteRoute(
        _ token: PreviewToken,
        _ precondition: DeletionPrecondition
    ) async throws(ClusterError) -> DeletionOutcome {
        try await delete(HTTPRoute.self, token, precondition)
    }

    public func deleteBackend(
        _ token: PreviewToken,
        _ precondition: DeletionPrecondition
    ) async throws(ClusterError) -> DeletionOutcome {
        try await delete(Service.self, token, precondition)
    }

    // MARK: Pods

    public func label(
        _ pod: PodIdentity,
        with run: RunLabel,
        at instant: Date
    ) async throws(ClusterError) -> Bool {
        try await changeLabel(
            of: pod,
            MergePatch([
                "metadata": [
                    "uid": .string(pod.uid),
                    "labels": [PreviewLabel.run: .string(run.text), PreviewLabel.podUID: .string(pod.uid)],
                    "annotations": [
                        PodAnnotation.labelledAt: .string(RFC3339.string(instant)),
                        PodAnnotation.labelledRun: .string(run.text),
                    ],
                ]
            ])
        )
    }

    public func label(of pod: PodIdentity) async throws(ClusterError) -> PodLabel? {
        let found = try await ClusterError.nilIfMissing {
            try await client.getMetadata(of: Pod.self, named: pod.name, in: namespace)
        }
        guard let found = found?.metadata, found.uid == pod.uid, let version = found.resourceVersion,
            let record = PodRecord(found), let run = record.runLabel
        else { return nil }
        return PodLabel(run: run, setAt: record.labelledAt, resourceVersion: version)
    }

    public func unlabel(_ pod: PodIdentity, _ label: PodLabel) async throws(ClusterError) -> Bool {
        try await changeLabel(
            of: pod,
            MergePatch([
                "metadata": [
                    "uid": .string(pod.uid), "resourceVersion": .string(label.resourceVersion),
                    "labels": [PreviewLabel.run: .null, PreviewLabel.podUID: .null],
                    "annotations": [PodAnnotation.labelledAt: .null],
                ]
            ])
        )
    }

    /// A merge patch creates the missing maps of the pod, and its 409 means that the pod was replaced or has changed.
    private func changeLabel(of pod: PodIdentity, _ patch: MergePatch) async throws(ClusterError) -> Bool {
        let changed = try await ClusterError.nilIfMissing {
            do {
                _ = try await client.patchMetadata(of: Pod.self, named: pod.name, in: namespace, .merge(patch))
                return true
            } catch let error as KubernetesError where error.kind == .conflict {
                return false
            }
        }
        return changed ?? false
    }

    public func livePods() async throws(ClusterError) -> [PodIdentity] {
        try await ClusterError.mappingClusterErrors {
            try await wholeLists.listMetadata(of: Pod.self, in: namespace, fieldSelector: Self.alive)
                .items.compactMap { PodIdentity($0.metadata) }
        }
    }

    public func isLive(_ pod: PodIdentity) async throws(ClusterError) -> Bool {
        try await current(pod).map { !$0.status.isTerminal } ?? false
    }

    public func isReady(_ pod: PodIdentity) async throws(ClusterError) -> Bool {
        try await current(pod)?.status.conditions.isTrue("Ready") ?? false
    }

    /// The pod; `nil` if it no longer exists, or another one has its name.
    private func current(_ pod: PodIdentity) async throws(ClusterError) -> Pod? {
        let found = try await ClusterError.nilIfMissing {
            try await client.get(Pod.self, named: pod.name, in: namespace)
        }
        return found?.metadata.uid == pod.uid ? found : nil
    }

    // MARK: Claims

    public func claims() async throws(ClusterError) -> [ClaimIdentity] {
        try await ClusterError.mappingClusterErrors {
            try await client.listMetadata(of: SandboxClaim.self, in: namespace)
                .items.compactMap { ClaimIdentity($0.metadata) }
        }
    }

    public func exists(_ claim: ClaimIdentity) async throws(ClusterError) -> Bool {
        let found = try await ClusterError.nilIfMissing {
            try await client.getMetadata(of: SandboxClaim.self, named: claim.name, in: namespace)
        }
        return found?.metadata.uid == claim.uid
    }
}

/// The stored values of one version of an object.
private protocol ObjectCopy: Sendable {
    var uid: String { get }
    var resourceVersion: String { get }

    init?(_ metadata: ObjectMeta)
}

extension ObjectCopy {
    /// Whether it was created from exactly this version.
    fileprivate func isCopy(of version: ObjectVersion) -> Bool {
        resourceVersion == version.resourceVersion && uid == version.uid
    }
}

extension Preview: ObjectCopy {}
extension PreviewBackend: ObjectCopy {}
