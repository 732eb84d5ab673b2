internal import PreviewDomain

/// A replica's knowledge of the cluster. Values only: it reads no clock and does no I/O.
///
/// It is a copy and may be stale, each collection separately, because each has its own watch.
struct MirrorState: Sendable {
    private(set) var routes = ObjectTable<Preview>()
    private(set) var backends = ObjectTable<PreviewBackend>()
    private(set) var pods = ObjectTable<PodRecord>()
    private(set) var claims = ObjectTable<RunClaim>()
    private(set) var sandboxes = ObjectTable<SandboxRecord>()
    private(set) var gateways = ObjectTable<GatewayRecord>()
    /// The collections that have arrived and whose watches are not known to be broken.
    private(set) var fresh: Set<ClusterCollection> = []
    /// The names of the claims on which a request is pending.
    private(set) var claimsWithPendingRequests: Set<String> = []

    private var podUIDs: Set<CompactText> = []
    private var tokensByPodUID = TokensByOwner()
    /// Both are filled only if previews end with their run's claim.
    private var claimUIDs: Set<CompactText> = []
    private var tokensByClaimUID = TokensByOwner()
    private let followsClaims: Bool

    /// - Parameter followsClaims: Whether a preview depends on the existence of its run's claim.
    init(followsClaims: Bool) {
        self.followsClaims = followsClaims
    }

    /// Applies one step of the feed.
    ///
    /// - Returns: The consequences for the observers of the mirror.
    mutating func apply(_ change: ClusterChange) -> MirrorDelta {
        var delta = MirrorDelta()
        switch change {
        case .routes(let change):
            let difference = applyChange(change, \.routes, &delta)
            for preview in difference.old { index(preview, remove: true) }
            for preview in difference.new { index(preview, remove: false) }
            delta.applied = difference.new
            delta.ended = difference.gone
            // The counterpart of this object, when this one is gone.
            delta.keys = difference.new.map { .route($0.token) } + difference.gone.map { .backend($0.token) }
        case .backends(let change):
            let difference = applyChange(change, \.backends, &delta)
            if case .applied = change, difference.old.isEmpty { delta.createdBackends = difference.new }
            delta.keys = difference.new.map { .backend($0.token) } + difference.gone.map { .route($0.token) }
        case .pods(let change):
            let difference = applyChange(change, \.pods, &delta)
            for pod in difference.old { podUIDs.remove(pod.identity.compactUID) }
            for pod in difference.new { podUIDs.insert(pod.identity.compactUID) }
            for pod in difference.old where !podUIDs.contains(pod.identity.compactUID) {
                delta.keys += tokensByPodUID[pod.identity.compactUID].map(ReapKey.route)
            }
        case .claims(let change):
            let difference = applyChange(change, \.claims, &delta)
            delta.claims = .named((difference.gone + difference.new).map(\.key))
            if case .replaced = change { delta.claims = .all }
            followPendingRequests(difference, &delta)
            guard followsClaims else { break }
            for claim in difference.old { claimUIDs.remove(claim.record.identity.compactUID) }
            for claim in difference.new { claimUIDs.insert(claim.record.identity.compactUID) }
            for claim in difference.old where !claimUIDs.contains(claim.record.identity.compactUID) {
                delta.keys += tokensByClaimUID[claim.record.identity.compactUID].map(ReapKey.route)
            }
        case .sandboxes(let change): _ = applyChange(change, \.sandboxes, &delta)
        case .gateways(let change):
            _ = applyChange(change, \.gateways, &delta)
            delta.claims = .all
        case .interrupted(let collection): fresh.remove(collection)
        case .resumed(let collection):
            fresh.insert(collection)
            delta.reevaluatesAll = collection.concernsPreviews
        }
        return delta
    }

    private mutating func applyChange<Object: MirroredObject>(
        _ change: ObjectChange<Object>,
        _ table: WritableKeyPath<MirrorState, ObjectTable<Object>>,
        _ delta: inout MirrorDelta
    ) -> ObjectTable<Object>.Difference {
        if case .replaced = change {
            fresh.insert(Object.collection)
            delta.reevaluatesAll = Object.collection.concernsPreviews
        }
        return self[keyPath: table].apply(change)
    }

    private mutating func followPendingRequests(
        _ difference: ObjectTable<RunClaim>.Difference,
        _ delta: inout MirrorDelta
    ) {
        for claim in difference.old where claimsWithPendingRequests.remove(claim.key) != nil {
            delta.changesPendingRequests = true
        }
        for claim in difference.new where claim.record.ledger.hasPendingRequest {
            claimsWithPendingRequests.insert(claim.key)
            delta.changesPendingRequests = true
        }
    }

    private mutating func index(_ preview: Preview, remove: Bool) {
        if remove {
            tokensByPodUID.remove(preview.token, of: preview.compactPodUID)
            tokensByClaimUID.remove(preview.token, of: preview.compactClaimUID)
        } else {
            tokensByPodUID.insert(preview.token, of: preview.compactPodUID)
            if followsClaims { tokensByClaimUID.insert(preview.token, of: preview.compactClaimUID) }
        }
    }

    // MARK: What can be said

    /// Whether routes, backends and pods are known: the requirement of a sweep.
    var isComplete: Bool { fresh.isSuperset(of: [.routes, .backends, .pods]) }

    /// Whether a preview's Service exists; nil if that is not known.
    func hasBackend(_ token: PreviewToken) -> Bool? {
        fresh.contains(.backends) ? backends.contains(token) : nil
    }

    /// Whether a preview's route exists; nil if that is not known.
    func hasRoute(_ token: PreviewToken) -> Bool? {
        fresh.contains(.routes) ? routes.contains(token) : nil
    }

    func presence(ofPodOf preview: Preview) -> Presence {
        // Without the pod's name, its deletion could not be confirmed.
        guard fresh.contains(.pods), let name = preview.podName else { return .unknown }
        if let uid = preview.compactPodUID { return podUIDs.contains(uid) ? .present : .gone }
        // The platform's older service writes only the pod's name.
        return pods.contains(name) ? .present : .gone
    }

    /// Unknown also if claims are not relevant.
    func presence(ofClaimOf preview: Preview) -> Presence {
        // Without the run ID the claim's name is not known, and its deletion could not be confirmed.
        guard followsClaims, let uid = preview.compactClaimUID, preview.runID != nil, fresh.contains(.claims) else {
            return .unknown
        }
        return claimUIDs.contains(uid) ? .present : .gone
    }

    /// The UIDs of the existing claims; nil if they are not known or not relevant.
    var existingClaims: Set<String>? {
        followsClaims && fresh.contains(.claims) ? Set(claimUIDs.map(\.text)) : nil
    }

    /// The approvals on the claim of that name; nil if there is none, or it is being deleted: it accepts no approvals
    /// any more.
    func claimRecord(named name: String) -> ClaimRecord? {
        claims[name].flatMap { $0.isBeingDeleted ? nil : $0.record }
    }

    /// Same as ``claimRecord(named:)``, for the claim that is proven to be the run's.
    func claimRecord(of run: RunID) -> ClaimRecord? {
        run.claimNames.lazy.compactMap(claimRecord(named:)).first { $0.belongs(to: run) }
    }

    /// The run's requests, on the claim that is proven to be the run's.
    func approvals(of run: RunID) -> [Approval] {
        guard let claim = claimRecord(of: run) else { return [] }
        return claim.ledger.entries.map(\.approval).filter { $0.run == run }
    }

    /// The pending requests of all runs.
    var pendingRequests: [RunID: [Approval]] {
        let claims = claimsWithPendingRequests.compactMap(claimRecord(named:))
        let runs = Set(claims.flatMap { $0.ledger.entries.map(\.approval.run) })
        return Dictionary(uniqueKeysWithValues: runs.map { ($0, approvals(of: $0).filter { $0.state == .pending }) })
            .filter { !$0.value.isEmpty }
    }
}

/// The consequences of a change of the mirror for its observers.
struct MirrorDelta: Sendable {
    enum Claims: Sendable {
        case named([String])
        case all
    }

    /// The previews that are new or have changed.
    var applied: [Preview] = []
    /// The last states of previews whose routes are gone.
    var ended: [Preview] = []
    /// The Services that a watch has reported as new; those of a list may have existed for a while.
    var createdBackends: [PreviewBackend] = []
    /// What the reaper has to evaluate again.
    var keys: [ReapKey] = []
    /// Whether the reaper has to evaluate everything again.
    var reevaluatesAll = false
    /// The claims that may have changed, or whose applicable grants may have.
    var claims = Claims.named([])
    /// Whether a request may have become pending, or is no longer pending.
    var changesPendingRequests = false
}

/// The objects of one collection.
struct ObjectTable<Object: MirroredObject>: Sendable {
    struct Difference {
        /// Earlier states that are no longer valid.
        var old: [Object] = []
        var new: [Object] = []
        /// The earlier states whose objects no longer exist.
        var gone: [Object] = []
    }

    private var objects: [Object.Key: Object] = [:]

    subscript(_ key: Object.Key) -> Object? { objects[key] }
    var count: Int { objects.count }
    var values: Dictionary<Object.Key, Object>.Values { objects.values }

    func contains(_ key: Object.Key) -> Bool { objects.index(forKey: key) != nil }

    mutating func apply(_ change: ObjectChange<Object>) -> Difference {
        switch change {
        case .replaced(let new):
            let old = Array(objects.values)
            objects = Dictionary(new.lazy.map { ($0.key, $0) }) { _, last in last }
            return Difference(old: old, new: new, gone: old.filter { !contains($0.key) })
        case .applied(let new):
            let old = objects.updateValue(new, forKey: new.key)
            return Difference(old: old.map { [$0] } ?? [], new: [new])
        case .deleted(let key):
            guard let old = objects.removeValue(forKey: key) else { return Difference() }
            return Difference(old: [old], gone: [old])
        }
    }
}
