public import FoundationEssentials
public import PreviewDomain

/// The Services, HTTPRoutes and pods of previews, as the cluster has them right now.
///
/// Every function asks the cluster; caches are the business of the caller. `nil` and ``DeletionOutcome/gone`` mean
/// that the cluster answered and the object does not exist. A cluster that does not answer throws.
public protocol PreviewObjects: Sendable {
    /// Puts the per-run label on the pod, and when that was: for pods that carry no label of their claim, and for the
    /// platform's older service. It changes the pod even where that has the label already.
    ///
    /// - Returns: False when the pod is gone or was replaced.
    func label(_ pod: PodIdentity, with run: RunLabel, at instant: Date) async throws(ClusterError) -> Bool

    /// The per-run label on the pod as it is now; `nil` when there is none, or the pod is gone or was replaced.
    func label(of pod: PodIdentity) async throws(ClusterError) -> PodLabel?

    /// Takes the per-run label off the pod, provided that the pod is as it was read.
    ///
    /// - Returns: False when it had changed.
    func unlabel(_ pod: PodIdentity, _ label: PodLabel) async throws(ClusterError) -> Bool

    func createService(for blueprint: PreviewBlueprint) async throws(ClusterError) -> PreviewBackend
    func createRoute(for blueprint: PreviewBlueprint) async throws(ClusterError) -> Preview

    func route(_ token: PreviewToken) async throws(ClusterError) -> Preview?
    /// All routes that are ours, in one consistent list.
    ///
    /// - Parameter known: What the caller has of a preview. Where that is the very state in the list, it is returned as it
    ///   is instead of being read again.
    func routes(known: @escaping @Sendable (PreviewToken) -> Preview?) async throws(ClusterError) -> [Preview]
    /// The routes of one run, with what the gateway says about each.
    func routes(of run: RunLabel) async throws(ClusterError) -> [(preview: Preview, status: RouteStatus)]
    func status(ofRoute token: PreviewToken) async throws(ClusterError) -> RouteStatus?

    func backend(_ token: PreviewToken) async throws(ClusterError) -> PreviewBackend?
    /// All Services that are ours; `known` as for ``routes(known:)``.
    func backends(
        known: @escaping @Sendable (PreviewToken) -> PreviewBackend?
    ) async throws(ClusterError) -> [PreviewBackend]

    /// Moves the expiry of a preview, provided that it is still as it was judged: a write that comes late must not undo
    /// one that was made meanwhile.
    ///
    /// - Parameters:
    ///   - preview: The preview as it was judged, of the run `run`.
    ///   - precondition: What has to be the same still.
    func extend(
        _ preview: Preview,
        of run: RunLabel,
        to expiry: Date,
        if precondition: ExtensionPrecondition
    ) async throws(ClusterError) -> ExtensionOutcome

    /// Has the app see another host, provided that the route is in this respect as it was read.
    ///
    /// - Parameter host: The public host, or `localhost`.
    /// - Returns: The preview as it is now; `nil` where it is not as it was read, or is gone.
    func rewriteHost(of preview: Preview, to host: HostHeader) async throws(ClusterError) -> Preview?

    /// Has the gateway speak another protocol to the app, where the route has the other one.
    ///
    /// - Returns: The preview as it is now; `nil` where the route does not have the other one, or is gone.
    func setBackendProtocol(
        of preview: Preview,
        to backendProtocol: BackendProtocol
    ) async throws(ClusterError) -> Preview?

    func deleteRoute(
        _ token: PreviewToken,
        _ precondition: DeletionPrecondition
    ) async throws(ClusterError) -> DeletionOutcome
    func deleteBackend(
        _ token: PreviewToken,
        _ precondition: DeletionPrecondition
    ) async throws(ClusterError) -> DeletionOutcome

    /// The pods that have not ended.
    func livePods() async throws(ClusterError) -> [PodIdentity]
    /// Whether this incarnation of the pod still runs: the live read that must precede any deletion for its sake.
    func isLive(_ pod: PodIdentity) async throws(ClusterError) -> Bool

    /// Whether this incarnation of the pod is ready, so that a Service sends it requests.
    func isReady(_ pod: PodIdentity) async throws(ClusterError) -> Bool

    /// The claims of the namespace.
    func claims() async throws(ClusterError) -> [ClaimIdentity]
    /// Whether this incarnation of the claim still exists: the live read that must precede any deletion for its sake.
    func exists(_ claim: ClaimIdentity) async throws(ClusterError) -> Bool
}

extension PreviewObjects {
    /// All routes that are ours, in one consistent list.
    public func routes() async throws(ClusterError) -> [Preview] { try await routes { _ in nil } }

    /// All Services that are ours.
    public func backends() async throws(ClusterError) -> [PreviewBackend] { try await backends { _ in nil } }
}

/// The per-run label of a pod, as it was read.
public struct PodLabel: Hashable, Sendable {
    public let run: RunLabel
    /// When this service last put it there; `nil` where somebody else did.
    public let putAt: Date?
    /// The pod's resourceVersion.
    public let resourceVersion: String

    public init(run: RunLabel, putAt: Date?, resourceVersion: String) {
        self.run = run
        self.putAt = putAt
        self.resourceVersion = resourceVersion
    }
}

/// A preview's Service.
public struct PreviewBackend: Hashable, Sendable {
    public let token: PreviewToken
    public let run: RunLabel?
    public var uid: String { compactUID.text }
    public let resourceVersion: String
    public let createdAt: Date
    /// True once a deletion has begun that finalizers hold up.
    public let isBeingDeleted: Bool
    private let compactUID: CompactText

    public init(
        token: PreviewToken,
        run: RunLabel?,
        uid: String,
        resourceVersion: String,
        createdAt: Date,
        isBeingDeleted: Bool
    ) {
        self.token = token
        self.run = run
        compactUID = CompactText(uid)
        self.resourceVersion = resourceVersion
        self.createdAt = createdAt
        self.isBeingDeleted = isBeingDeleted
    }
}

/// Everything that the objects of a new preview are made from.
public struct PreviewBlueprint: Sendable {
    public let annotations: PreviewAnnotations
    public let selector: PodSelector
    /// Which host the app sees: the public one, or `localhost`.
    public let host: HostHeader

    public init(annotations: PreviewAnnotations, selector: PodSelector, host: HostHeader = .preserve) {
        self.annotations = annotations
        self.selector = selector
        self.host = host
    }
}

/// Which state of an object a deletion was decided on. Any other state makes the deletion a
/// ``DeletionOutcome/changed``.
public enum DeletionPrecondition: Hashable, Sendable {
    /// The object with this UID, in whatever state: for deletions that somebody asked for.
    case uid(String)
    /// Exactly the state that was judged: for deletions that this service decides on.
    case exactly(uid: String, resourceVersion: String)
}

/// What of a preview has to be as it was judged for its expiry to be moved.
public enum ExtensionPrecondition: Hashable, Sendable {
    /// The run and the expiry. What else was written meanwhile, such as the gateway's status, does not matter.
    case sameExpiry
    /// Everything: for a preview whose annotations lack what ``sameExpiry`` compares, or have it in another spelling.
    case sameVersion
}

public enum ExtensionOutcome: Hashable, Sendable {
    case extended
    /// The preview is not as it was judged any more; read it again.
    case changed
    /// There is no such preview.
    case gone
}

public enum DeletionOutcome: Hashable, Sendable {
    case deleted
    /// There was nothing to delete.
    case gone
    /// The object is not the one that was judged; read it again.
    case changed
}

/// What the gateway says about a route (Gateway API, `HTTPRoute.status.parents`).
public struct RouteStatus: Hashable, Sendable {
    /// Both conditions `Accepted` and `ResolvedRefs` are `True` for the preview Gateway.
    public let isAccepted: Bool
    /// Reason and message of the first condition that is not `True`; `nil` while the gateway has said nothing.
    public let complaint: String?
    /// Whether the route marks its answers, as those of this service do.
    public let isMarked: Bool

    public init(isAccepted: Bool, complaint: String? = nil, isMarked: Bool = true) {
        self.isAccepted = isAccepted
        self.complaint = complaint
        self.isMarked = isMarked
    }
}

/// How the gateway speaks to an app (Docs/Decisions/0069).
public enum BackendProtocol: Hashable, Sendable, CaseIterable {
    case http1
    /// HTTP/2 without TLS, with prior knowledge (RFC 9113, 3.3).
    case http2
}
