internal import Basics
public import KubernetesClient
internal import KubernetesModel
public import PreviewControl
public import PreviewDomain

/// Approvals as annotations of SandboxClaims, and the standing grants for every run as one of the preview Gateway.
///
/// Only metadata is read and written.
public struct KubernetesApprovalStore: Sendable {
    private let client: KubernetesClient
    private let namespace: String
    private let gatewayName: String
    private let gatewayNamespace: String

    /// How often a grant is added anew when somebody else changed the Gateway meanwhile; its controller does, too.
    private static let maxAttempts = 8

    public init(client: KubernetesClient, manifests: PreviewManifests) {
        self.client = client
        namespace = manifests.namespace
        gatewayName = manifests.gatewayName
        gatewayNamespace = manifests.gatewayNamespace
    }

    /// The claims of the namespace that are not being deleted, with what they say about approvals.
    public func claims() async throws(ClusterError) -> [ClaimRecord] {
        try await ClusterError.mappingErrors {
            try await client.listMetadata(of: SandboxClaim.self, in: namespace).items.compactMap {
                ClaimRecord($0.metadata)
            }
        }
    }

    private func claim(named name: String) async throws(ClusterError) -> ClaimRecord? {
        let found = try await ClusterError.askingForOne {
            try await client.getMetadata(of: SandboxClaim.self, named: name, in: namespace)
        }
        return found.flatMap { ClaimRecord($0.metadata) }
    }

    /// Merges into the claim; 409 means that it is not the one that was meant.
    private func merge(
        _ patch: MergePatch,
        into claim: ClaimIdentity
    ) async throws(ClusterError) -> ClaimRecord? {
        let changed: PartialObjectMetadata?? = try await ClusterError.askingForOne {
            do {
                return try await client.patchMetadata(
                    of: SandboxClaim.self,
                    named: claim.name,
                    in: namespace,
                    .merge(patch)
                )
            } catch let error as KubernetesError where error.kind == .conflict {
                return nil
            }
        }
        return changed.flatMap { $0 }.flatMap { ClaimRecord($0.metadata) }
    }
}

extension KubernetesApprovalStore: ApprovalStore {
    public func claim(of run: RunID) async throws(ClusterError) -> ClaimRecord? {
        for name in run.claimNames {
            if let claim = try await claim(named: name), claim.belongs(to: run) { return claim }
        }
        return nil
    }

    /// One merge patch with the resourceVersion that was read. It makes the annotations where the claim has none, and
    /// says by 409, and not by an ambiguous 422, that the claim had changed.
    public func write(
        _ annotations: [String: String?],
        to claim: ClaimRecord
    ) async throws(ClusterError) -> ClaimRecord? {
        try await merge(.annotations(annotations, resourceVersion: claim.resourceVersion), into: claim.identity)
    }

    /// One JSON Patch that tests the claim's UID and every old text.
    ///
    /// 422 does not say what it means, and where the answer was lost nothing says what happened. So the claim is read
    /// in both cases. Every use of a grant names itself in its text, so the new texts are this call's own doing. What was
    /// only to be there still may have changed since.
    public func replace(
        _ edits: [AnnotationEdit],
        of claim: ClaimIdentity
    ) async throws(ClusterError) -> ClaimRecord? {
        let patch = JSONPatch([.test(JSONPointer("metadata", "uid"), .string(claim.uid))] + edits.flatMap(\.operations))
        let failure: ClusterError?
        do {
            let patched = try await ClusterError.askingForOne {
                try await client.patchMetadata(of: SandboxClaim.self, named: claim.name, in: namespace, .json(patch))
            }
            return patched.flatMap { ClaimRecord($0.metadata) }
        } catch  where error.kind == .rejected {
            failure = nil
        } catch  where error.kind == .unavailable {
            failure = error
        }
        guard let current = try await self.claim(named: claim.name), current.identity == claim else {
            if let failure { throw failure }
            return nil
        }
        let changes = edits.filter(\.isChange)
        if changes.allSatisfy({ current.ledger.text(of: $0.key) == $0.new }) { return current }
        if let failure { throw failure }
        // Nothing stood in the way, so it was not a text that the server rejected.
        if edits.allSatisfy({ current.ledger.text(of: $0.key) == $0.old }) {
            throw ClusterError(.rejected, "the API server rejects the approval's annotation")
        }
        return nil
    }

    public func setAutoApprove(_ isOn: Bool, of claim: ClaimIdentity) async throws(ClusterError) -> ClaimRecord? {
        try await merge(
            MergePatch([
                "metadata": [
                    "uid": .string(claim.uid),
                    "annotations": .object([ApprovalAnnotation.autoApprove: isOn ? "true" : .null]),
                ]
            ]),
            into: claim
        )
    }

    // MARK: Every run

    public func commonGrants() async throws(ClusterError) -> StandingGrants {
        StandingGrants(gateway: try await gateway())
    }

    public func addCommonGrant(_ grant: StandingGrant) async throws(ClusterError) {
        for _ in 0..<Self.maxAttempts {
            guard let gateway = try await gateway() else {
                throw ClusterError(.rejected, "there is no preview Gateway")
            }
            var grants = StandingGrants(gateway: gateway)
            grants.add(grant)
            let patch = MergePatch.annotations(
                [ApprovalAnnotation.grants: grants.text],
                resourceVersion: gateway.metadata.resourceVersion
            )
            let isWritten = try await ClusterError.mappingErrors {
                do {
                    _ = try await client.patchMetadata(
                        of: Gateway.self,
                        named: gatewayName,
                        in: gatewayNamespace,
                        .merge(patch)
                    )
                    return true
                } catch let error as KubernetesError where error.kind == .conflict {
                    return false
                }
            }
            if isWritten { return }
        }
        throw ClusterError(.unavailable, "the preview Gateway is being changed all the time")
    }

    private func gateway() async throws(ClusterError) -> PartialObjectMetadata? {
        try await ClusterError.askingForOne {
            try await client.getMetadata(of: Gateway.self, named: gatewayName, in: gatewayNamespace)
        }
    }
}

extension AnnotationEdit {
    /// A test against null passes only where the member is missing, and needs the annotations themselves to be there;
    /// whoever edits has read an approval from among them.
    fileprivate var operations: [JSONPatch.Operation] {
        let path = JSONPointer.annotation(key)
        let test = JSONPatch.Operation.test(path, old.map { .string($0) } ?? .null)
        guard isChange else { return [test] }
        return [test, new.map { .add(path, .string($0)) } ?? .remove(path)]
    }
}
