internal import FoundationEssentials
internal import PreviewDomain

/// Lists of all objects of previews, evaluated one by one.
///
/// It is a value: the same lists and the same time give the same decisions. In a sweep the lists are live
/// (``listing(_:mirror:claims:clusterTime:minExpiry:evaluator:)``); no copy is used.
struct ReapSurvey: Sendable {
    /// A route, and the objects from the other lists on which it depends.
    struct EvaluatedRoute: Sendable {
        let preview: Preview
        let pod: Presence
        let claim: Presence
        /// Its Service, if there is one.
        let backend: PreviewBackend?
        let decision: ReapDecision
    }

    /// A Service without a route.
    struct EvaluatedBackend: Sendable {
        let backend: PreviewBackend
        let decision: ReapDecision
    }

    let routes: [EvaluatedRoute]
    /// The Services without a route; the others are kept as long as their routes.
    let loneBackends: [EvaluatedBackend]
    /// The API server's time when the lists were evaluated; `nil` if it is not known.
    let time: ClusterTimeReading?

    /// Evaluates lists.
    ///
    /// - Parameters:
    ///   - livePods: The pods that have not ended.
    ///   - claims: The UIDs of the existing claims; `nil` if they are not known or not relevant.
    ///   - time: The API server's time; `nil` if it is not known, and then nothing is deleted for its age.
    ///   - minExpiry: Returns the instant from which expiries count.
    ///   - isEnded: Whether a preview is known to have ended.
    init(
        routes: [Preview],
        backends: [PreviewBackend],
        livePods: [PodIdentity],
        claims: Set<String>?,
        time: ClusterTimeReading?,
        minExpiry: MinExpiry = { _, _ in .distantPast },
        isEnded: (PreviewToken) -> Bool = { _ in false },
        evaluator: ReapEvaluator
    ) {
        let now = time?.earliest
        let pods = Set(livePods.map(\.uid))
        let podNames = Set(livePods.map(\.name))
        let backed = Dictionary(backends.map { ($0.token, $0) }) { _, last in last }
        let routed = Set(routes.map(\.token))
        self.time = time
        self.routes = routes.map { preview in
            // Without the pod's name, its deletion could not be confirmed.
            let isThere = preview.podName.map { name in preview.podUID.map(pods.contains) ?? podNames.contains(name) }
            let pod: Presence = isThere.map { $0 ? .present : .gone } ?? .unknown
            let claim = preview.presence(ofClaimAmong: claims)
            let backend = backed[preview.token]
            return EvaluatedRoute(
                preview: preview,
                pod: pod,
                claim: claim,
                backend: backend,
                decision: evaluator.evaluate(
                    preview,
                    pod: pod,
                    claim: claim,
                    hasBackend: backend != nil,
                    now: now,
                    minExpiry: minExpiry
                )
            )
        }
        loneBackends = backends.filter { !routed.contains($0.token) }.map { backend in
            EvaluatedBackend(
                backend: backend,
                decision: evaluator.evaluate(backend, hasRoute: false, isEnded: isEnded(backend.token), now: now)
            )
        }
    }

    /// Lists everything and evaluates it: three requests, and one more if the claims are relevant and have to be listed.
    ///
    /// - Parameters:
    ///   - mirror: If it contains the same version as a list, the object is not decoded again. It also knows which
    /// previews have ended.
    ///   - minExpiry: Returns the instant from which expiries count; called after the lists were read.
    ///   - claims: Returns the UIDs of the existing claims; called last.
    static func listing(
        _ objects: any PreviewObjects,
        mirror: ClusterMirror,
        claims: () async throws(ClusterError) -> Set<String>?,
        clusterTime: any ClusterTime,
        minExpiry: MinExpiry,
        evaluator: ReapEvaluator
    ) async throws(ClusterError) -> ReapSurvey {
        // The routes are listed after the Services, so that a Service whose route is created between the two lists is
        // seen with its route. Claims are listed after the routes that name them.
        let livePods = try await objects.livePods()
        let backends = try await objects.backends(reusing: mirror.lastSeenBackend)
        let routes = try await objects.routes(reusing: mirror.lastSeenRoute)
        let known = try await claims()
        return ReapSurvey(
            routes: routes,
            backends: backends,
            livePods: livePods,
            claims: known,
            time: clusterTime.reading(),
            minExpiry: minExpiry,
            isEnded: mirror.isEnded,
            evaluator: evaluator
        )
    }

    /// The deletions that are due now.
    var deletions: [DueDeletion] {
        routes.compactMap { DueDeletion(.route($0.preview), $0.decision) }
            + loneBackends.compactMap { DueDeletion(.backend($0.backend), $0.decision) }
    }
}

extension Preview {
    /// - Parameter uids: The UIDs of the existing claims; `nil` if they are not known.
    fileprivate func presence(ofClaimAmong uids: Set<String>?) -> Presence {
        guard let uids, let claim else { return .unknown }
        return uids.contains(claim.uid) ? .present : .gone
    }
}
