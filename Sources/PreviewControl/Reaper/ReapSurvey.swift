internal import FoundationEssentials
internal import PreviewDomain

/// What lists of everything that concerns previews say, judged object by object.
///
/// A value: the same lists and the same time give the same verdicts. The lists are live where a sweep takes them
/// (``listing(_:claims:clusterTime:judge:)``); no copy is believed.
struct ReapSurvey: Sendable {
    /// A route, and what the other lists know of what it lives with.
    struct JudgedRoute: Sendable {
        let preview: Preview
        let pod: Presence
        let claim: Presence
        /// Its Service, where there is one.
        let backend: PreviewBackend?
        let verdict: ReapVerdict
    }

    /// A Service without a route.
    struct JudgedBackend: Sendable {
        let backend: PreviewBackend
        let verdict: ReapVerdict
    }

    let routes: [JudgedRoute]
    /// The Services without a route; those with one are kept as long as it is.
    let loneBackends: [JudgedBackend]
    /// The API server's time when the lists were judged; `nil` where it is not known.
    let time: ClusterTimeReading?

    /// Judges lists.
    ///
    /// - Parameters:
    ///   - livePods: The pods that have not ended.
    ///   - claims: The UIDs of the claims that exist; `nil` where they are not known, or do not matter.
    ///   - time: The API server's time; `nil` where it is not known, and then nothing is reaped for its age.
    ///   - idleFrom: From when on expiries count.
    ///   - isEnded: Whether a preview is known to be over.
    init(
        routes: [Preview],
        backends: [PreviewBackend],
        livePods: [PodIdentity],
        claims: Set<String>?,
        time: ClusterTimeReading?,
        idleFrom: IdleFrom = { _, _ in .distantPast },
        isEnded: (PreviewToken) -> Bool = { _ in false },
        judge: ReapJudge
    ) {
        let now = time?.earliest
        let pods = Set(livePods.map(\.uid))
        let podNames = Set(livePods.map(\.name))
        let backed = Dictionary(backends.map { ($0.token, $0) }) { _, last in last }
        let routed = Set(routes.map(\.token))
        self.time = time
        self.routes = routes.map { preview in
            let isThere = preview.podUID.map(pods.contains) ?? preview.podName.map(podNames.contains)
            let pod: Presence = isThere.map { $0 ? .present : .gone } ?? .unknown
            let claim = preview.presence(ofClaimAmong: claims)
            let backend = backed[preview.token]
            return JudgedRoute(
                preview: preview,
                pod: pod,
                claim: claim,
                backend: backend,
                verdict: judge.judge(
                    preview,
                    pod: pod,
                    claim: claim,
                    hasBackend: backend != nil,
                    now: now,
                    idleFrom: idleFrom
                )
            )
        }
        loneBackends = backends.filter { !routed.contains($0.token) }.map { backend in
            JudgedBackend(
                backend: backend,
                verdict: judge.judge(backend, hasRoute: false, isEnded: isEnded(backend.token), now: now)
            )
        }
    }

    /// Lists everything and judges it: three requests, and one more where the claims matter and have to be listed.
    ///
    /// - Parameters:
    ///   - mirror: Where it has the very state that a list shows, it spares reading that again. It also knows what is over.
    ///   - idleFrom: From when on expiries count; asked once the lists are there.
    ///   - claims: Says which claims exist, by their UIDs; asked last.
    static func listing(
        _ objects: any PreviewObjects,
        mirror: ClusterMirror,
        claims: () async throws(ClusterError) -> Set<String>?,
        clusterTime: any ClusterTime,
        idleFrom: IdleFrom,
        judge: ReapJudge
    ) async throws(ClusterError) -> ReapSurvey {
        // The routes come after the Services: one that is made between two lists is then seen with its route or not at
        // all. Claims come after the routes that name them.
        let livePods = try await objects.livePods()
        let backends = try await objects.backends(known: mirror.knownBackend)
        let routes = try await objects.routes(known: mirror.knownRoute)
        let known = try await claims()
        return ReapSurvey(
            routes: routes,
            backends: backends,
            livePods: livePods,
            claims: known,
            time: clusterTime.reading(),
            idleFrom: idleFrom,
            isEnded: mirror.isEnded,
            judge: judge
        )
    }

    /// What is to be deleted now.
    var orders: [ReapOrder] {
        routes.compactMap { ReapOrder(.route($0.preview), $0.verdict) }
            + loneBackends.compactMap { ReapOrder(.backend($0.backend), $0.verdict) }
    }
}

extension Preview {
    /// - Parameter uids: The UIDs of the claims that exist; `nil` when they are not known.
    fileprivate func presence(ofClaimAmong uids: Set<String>?) -> Presence {
        guard let uids, let claim else { return .unknown }
        return uids.contains(claim.uid) ? .present : .gone
    }
}
