public import FoundationEssentials
public import PreviewDomain

/// The Services, HTTPRoutes and pods of previews, as read from the cluster.
///
/// Every function sends a request; callers may cache. `nil` and ``DeletionOutcome/gone`` mean that the cluster answered
/// and the object does not exist. If the cluster does not answer, the function throws.
public protocol PreviewObjects: Sendable {
    /// Sets the per-run label and its time on the pod: for pods without a label of their claim, and for the platform's
    /// older service. It changes the pod even if the label is already set.
    ///
    /// - Returns: False if the pod no longer exists or was replaced.
    func label(_ pod: PodIdentity, with run: RunLabel, at instant: Date) async throws(ClusterError) -> Bool

    /// The per-run label of the pod; `nil` if there is none, or the pod no longer exists or was replaced.
    func label(of pod: PodIdentity) async throws(ClusterError) -> PodLabel?

    /// Removes the per-run label from the pod, if the pod is unchanged since it was read.
    ///
    /// - Returns: False if it had changed.
    func unlabel(_ pod: PodIdentity, _ label: PodLabel) async throws(ClusterError) -> Bool

    func createService(for blueprint: PreviewBlueprint) async throws(ClusterError) -> PreviewBackend
    func createRoute(for blueprint: PreviewBlueprint) async throws(ClusterError) -> Preview

    func route(_ token: PreviewToken) async throws(ClusterError) -> Preview?
    /// All routes of previews, in one consistent list.
    ///
    /// - Parameter known: The caller's copy of a preview. If the list contains the same version, the copy is returned,
    ///   and the object is not decoded again.
    func routes(reusing kept: @escaping @Sendable (PreviewToken) -> Preview?) async throws(ClusterError) -> [Preview]
    /// The routes of one run, with the gateway's status of each.
    func routes(of run: RunLabel) async throws(ClusterError) -> [(preview: Preview, status: RouteStatus)]
    func status(ofRoute token: PreviewToken) async throws(ClusterError) -> RouteStatus?

    func backend(_ token: PreviewToken) async throws(ClusterError) -> PreviewBackend?
    /// All Services of previews; `reusing` as for ``routes(reusing:)``.
    func backends(
        reusing kept: @escaping @Sendable (PreviewToken) -> PreviewBackend?
    ) async throws(ClusterError) -> [PreviewBackend]

    /// Moves the expiry of a preview, if it has not changed since it was evaluated: a delayed write must not undo a later
    /// one.
    ///
    /// - Parameters:
    ///   - preview: The preview as it was evaluated, of the run `run`.
    ///   - precondition: What must be unchanged.
    func extend(
        _ preview: Preview,
        of run: RunLabel,
        to expiry: Date,
        if precondition: ExtensionPrecondition
    ) async throws(ClusterError) -> ExtensionOutcome

    /// Changes the host that the app receives, if the route's host is unchanged since it was read.
    ///
    /// - Parameter host: The public host, or `localhost`.
    /// - Returns: The preview after the write; `nil` if it had changed or no longer exists.
    func rewriteHost(of preview: Preview, to host: HostHeader) async throws(ClusterError) -> Preview?

    /// Changes the protocol between gateway and app, if the route has the other one.
    ///
    /// - Returns: The preview after the write; `nil` if the route does not have the other protocol, or no longer
    ///   exists.
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
    /// Whether this incarnation of the pod still runs: the live read that is required before a deletion for `pod-gone`.
    func isLive(_ pod: PodIdentity) async throws(ClusterError) -> Bool

    /// Whether this incarnation of the pod is ready, so that a Service sends it requests.
    func isReady(_ pod: PodIdentity) async throws(ClusterError) -> Bool

    /// The claims of the namespace.
    func claims() async throws(ClusterError) -> [ClaimIdentity]
    /// Whether this incarnation of the claim still exists: the live read that is required before a deletion for
    /// `claim-gone`.
    func exists(_ claim: ClaimIdentity) async throws(ClusterError) -> Bool
}

extension PreviewObjects {
    /// All routes of previews, in one consistent list.
    public func routes() async throws(ClusterError) -> [Preview] { try await routes { _ in nil } }

    /// All Services of previews.
    public func backends() async throws(ClusterError) -> [PreviewBackend] { try await backends { _ in nil } }
}

/// The per-run label of a pod, as it was read.
public struct PodLabel: Hashable, Sendable {
    public let run: RunLabel
    /// When this service last set it; `nil` if another client did.
    public let setAt: Date?
    /// The pod's resourceVersion.
    public let resourceVersion: String

    public init(run: RunLabel, setAt: Date?, resourceVersion: String) {
        self.run = run
        self.setAt = setAt
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
    /// True once a deletion has begun that is delayed by finalizers.
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

/// The values from which the objects of a new preview are created.
public struct PreviewBlueprint: Sendable {
    public let annotations: PreviewAnnotations
    public let selector: PodSelector
    /// The host that the app receives: the public one, or `localhost`.
    public let host: HostHeader

    public init(annotations: PreviewAnnotations, selector: PodSelector, host: HostHeader = .preserve) {
        self.annotations = annotations
        self.selector = selector
        self.host = host
    }
}

/// The state of an object for which a deletion was decided. If the object has another state, the result of the deletion
/// is ``DeletionOutcome/changed``.
public enum DeletionPrecondition: Hashable, Sendable {
    /// The object with this UID, in any state: for deletions that a caller requested.
    case uid(String)
    /// Exactly the state that was evaluated: for deletions that this service decides on.
    case exactly(uid: String, resourceVersion: String)
}

/// What must be unchanged in a preview for its expiry to be moved.
public enum ExtensionPrecondition: Hashable, Sendable {
    /// The run and the expiry. Other changes, such as the gateway's status, are allowed.
    case sameExpiry
    /// Everything: for a preview whose annotations do not contain what ``sameExpiry`` compares, or in another spelling.
    case sameVersion
}

public enum ExtensionOutcome: Hashable, Sendable {
    case extended
    /// The preview has changed since it was evaluated; read it again.
    case changed
    /// There is no such preview.
    case gone
}

public enum DeletionOutcome: Hashable, Sendable {
    case deleted
    /// There was nothing to delete.
    case gone
    /// The object has changed since it was evaluated; read it again.
    case changed
}

/// The gateway's status of a route (Gateway API, `HTTPRoute.status.parents`).
public struct RouteStatus: Hashable, Sendable {
    /// Both conditions `Accepted` and `ResolvedRefs` are `True` for the preview Gateway.
    public let isAccepted: Bool
    /// Reason and message of the first condition that is not `True`; `nil` while the gateway has set no status.
    public let problem: String?
    /// Whether the route marks its responses, as those of this service do.
    public let isMarked: Bool

    public init(isAccepted: Bool, problem: String? = nil, isMarked: Bool = true) {
        self.isAccepted = isAccepted
        self.problem = problem
        self.isMarked = isMarked
    }
}

/// The protocol between the gateway and an app (Docs/Decisions/0069).
public enum BackendProtocol: Hashable, Sendable, CaseIterable {
    case http1
    /// HTTP/2 without TLS, with prior knowledge (RFC 9113, 3.3).
    case http2
}
