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

    /// How often adding a grant is retried if the Gateway was changed in the meantime; its controller changes it, too.
    private static let maxAttempts = 8

    public init(client: KubernetesClient, manifests: PreviewManifests) {
        self.client = client
        namespace = manifests.namespace
        gatewayName = manifests.gatewayName
        gatewayNamespace = manifests.gatewayNamespace
    }

    /// The claims of the namespace that are not being deleted, with their approvals.
    public func claims() async throws(ClusterError) -> [ClaimRecord] {
        try await ClusterError.mappingClusterErrors {
            try await client.listMetadata(of: SandboxClaim.self, in: namespace).items.compactMap {
                ClaimRecord($0.metadata)
            }
        }
    }

    private func claim(named name: String) async throws(ClusterError) -> ClaimRecord? {
        let found = try await ClusterError.nilIfMissing {
            try await client.getMetadata(of: SandboxClaim.self, named: name, in: namespace)
        }
        return found.flatMap { ClaimRecord($0.metadata) }
    }

    /// Merges into the claim; 409 means that the claim has changed.
    private func merge(
        _ patch: MergePatch,
        into claim: ClaimIdentity
    ) async throws(ClusterError) -> ClaimRecord? {
        let changed: PartialObjectMetadata?? = try await ClusterError.nilIfMissing {
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

    public func claims(of run: RunID) async throws(ClusterError) -> [ClaimRecord] {
        var claims: [ClaimRecord] = []
        for name in run.claimNames {
            if let claim = try await claim(named: name), claim.belongs(to: run) { claims.append(claim) }
        }
        return claims
    }

    /// One merge patch with the resourceVersion that was read. It creates the annotations if the claim has none, and
    /// its 409 means that the claim had changed, whereas a 422 would be ambiguous.
    public func write(
        _ annotations: [String: String?],
        to claim: ClaimRecord
    ) async throws(ClusterError) -> ClaimRecord? {
        try await merge(.annotations(annotations, resourceVersion: claim.resourceVersion), into: claim.identity)
    }

    /// One JSON Patch that tests the claim's UID and every old text.
    ///
    /// 422 is ambiguous, and after a lost response the result is unknown. So the claim is read in both cases. Every use
    /// of a grant names itself in its text, so the new texts were written by this call. A text that was only tested may
    /// have changed since.
    public func replace(
        _ edits: [AnnotationEdit],
        of claim: ClaimIdentity
    ) async throws(ClusterError) -> ClaimRecord? {
        let patch = JSONPatch([.test(JSONPointer("metadata", "uid"), .string(claim.uid))] + edits.flatMap(\.operations))
        let failure: ClusterError?
        do {
            let patched = try await ClusterError.nilIfMissing {
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
        // The patch conflicted with nothing, so no text was rejected by the server.
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
            let isWritten = try await ClusterError.mappingClusterErrors {
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
        throw ClusterError(.unavailable, "the preview Gateway changes too often")
    }

    private func gateway() async throws(ClusterError) -> PartialObjectMetadata? {
        try await ClusterError.nilIfMissing {
            try await client.getMetadata(of: Gateway.self, named: gatewayName, in: gatewayNamespace)
        }
    }
}

extension AnnotationEdit {
    /// A test against null passes only if the member is missing, and requires that the annotations exist; the caller
    /// has read an approval from them.
    fileprivate var operations: [JSONPatch.Operation] {
        let path = JSONPointer.annotation(key)
        let test = JSONPatch.Operation.test(path, old.map { .string($0) } ?? .null)
        guard isChange else { return [test] }
        return [test, new.map { .add(path, .string($0)) } ?? .remove(path)]
    }
}
