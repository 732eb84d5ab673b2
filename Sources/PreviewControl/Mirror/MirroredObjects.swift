public import FoundationEssentials
public import PreviewDomain

/// An object of which a replica keeps a copy.
///
/// There are as many copies as objects, so a type that is larger than a few words is a reference to an immutable value:
/// a quarter of every table is empty.
public protocol MirroredObject: Sendable {
    associatedtype Key: Hashable & Sendable

    static var collection: ClusterCollection { get }

    /// The key by which the object is found.
    var key: Key { get }

    /// The key of an object of that name; nil if no object of that name is kept.
    static func key(ofObjectNamed name: String) -> Key?

    /// A change of the collection, as the feed delivers it.
    static func change(_ change: ObjectChange<Self>) -> ClusterChange
}

extension MirroredObject where Key == String {
    public static func key(ofObjectNamed name: String) -> String? { name }
}

extension Preview: MirroredObject {
    public static var collection: ClusterCollection { .routes }
    public static func change(_ change: ObjectChange<Preview>) -> ClusterChange { .routes(change) }
    public var key: PreviewToken { token }
    public static func key(ofObjectNamed name: String) -> PreviewToken? { PreviewToken(objectName: name) }
}

extension PreviewBackend: MirroredObject {
    public static var collection: ClusterCollection { .backends }
    public static func change(_ change: ObjectChange<PreviewBackend>) -> ClusterChange { .backends(change) }
    public var key: PreviewToken { token }
    public static func key(ofObjectNamed name: String) -> PreviewToken? { PreviewToken(objectName: name) }
}

/// The relevant part of a pod: its labels.
public final class PodRecord: MirroredObject {
    public let identity: PodIdentity
    public let sandboxNameHash: String?
    public let isBeingDeleted: Bool
    /// The per-run label on it.
    public let runLabel: RunLabel?
    /// When this service last set that label; nil if it did not.
    public let labelledAt: Date?
    /// The label that this service has set before; the pod is proven to belong to that run.
    public let provenRun: RunLabel?
    /// The UIDs of its owners; the mirror keeps none of them.
    public let owners: [String]
    private let compactClaimUID: CompactText?

    public static var collection: ClusterCollection { .pods }
    public static func change(_ change: ObjectChange<PodRecord>) -> ClusterChange { .pods(change) }
    public var key: String { identity.name }
    /// The UID of the claim that the pod is labelled with.
    public var claimUID: String? { compactClaimUID?.text }

    public init(
        identity: PodIdentity,
        claimUID: String? = nil,
        sandboxNameHash: String? = nil,
        isBeingDeleted: Bool = false,
        runLabel: RunLabel? = nil,
        labelledAt: Date? = nil,
        provenRun: RunLabel? = nil,
        owners: [String] = []
    ) {
        self.identity = identity
        self.runLabel = runLabel
        self.labelledAt = labelledAt
        self.provenRun = provenRun
        compactClaimUID = claimUID.map(CompactText.init)
        self.sandboxNameHash = sandboxNameHash
        self.isBeingDeleted = isBeingDeleted
        self.owners = owners
    }
}

/// The relevant part of a Sandbox: the name of its pod.
public final class SandboxRecord: MirroredObject {
    public let name: String
    /// The UID; the mirror does not keep it.
    public let uid: String?
    /// The UIDs of its owners; the mirror keeps none of them.
    public let owners: [String]
    private let otherPodName: String?

    public static var collection: ClusterCollection { .sandboxes }
    public static func change(_ change: ObjectChange<SandboxRecord>) -> ClusterChange { .sandboxes(change) }
    public var key: String { name }
    public var podName: String { otherPodName ?? name }

    public init(name: String, podName: String?, uid: String? = nil, owners: [String] = []) {
        self.name = name
        self.uid = uid
        self.owners = owners
        otherPodName = podName == name ? nil : podName
    }
}

/// The relevant part of a run's SandboxClaim: what leads to its Sandbox, and its approvals.
public final class RunClaim: MirroredObject {
    /// The claim's name, its run, and its approvals.
    public let record: ClaimRecord
    /// The owner of the run that the platform wrote on the claim.
    public let owner: String?
    /// The name of the Sandbox that it is bound to.
    public let sandboxName: String?
    public let isReady: Bool
    /// The reason why it is not ready, from the condition.
    public let reason: String?
    public let isBeingDeleted: Bool

    public static var collection: ClusterCollection { .claims }
    public static func change(_ change: ObjectChange<RunClaim>) -> ClusterChange { .claims(change) }
    public var key: String { record.identity.name }

    public init(
        _ record: ClaimRecord,
        owner: String? = nil,
        sandboxName: String? = nil,
        isReady: Bool = true,
        reason: String? = nil,
        isBeingDeleted: Bool = false
    ) {
        self.record = record
        self.owner = owner
        // It usually has the same name as its claim; equal strings then share their storage.
        self.sandboxName = sandboxName == record.identity.name ? record.identity.name : sandboxName
        self.isReady = isReady
        self.reason = isReady ? nil : reason
        self.isBeingDeleted = isBeingDeleted
    }
}

/// The relevant part of the preview Gateway.
public struct GatewayRecord: MirroredObject {
    public let name: String
    /// The standing grants for every run.
    public let grants: StandingGrants

    public static var collection: ClusterCollection { .gateways }
    public static func change(_ change: ObjectChange<GatewayRecord>) -> ClusterChange { .gateways(change) }
    public var key: String { name }

    public init(name: String, grants: StandingGrants) {
        self.name = name
        self.grants = grants
    }
}

/// The fingerprints of previews whose end is known, the latest ones.
///
/// There are two generations, of which the older one is discarded when the younger one is full: nothing is sorted, and
/// at least ``maxCount`` are remembered once there were as many.
struct EndedPreviews: Sendable {
    enum End: Hashable, Sendable {
        /// A caller stopped it.
        case stopped
        /// At this instant the watch reported that its route is gone, for any reason.
        case seen(Date)
    }

    /// The most fingerprints of one generation.
    static let maxCount = 512

    private var younger: [String: End] = [:]
    private var older: [String: End] = [:]

    subscript(_ fingerprint: String) -> End? { younger[fingerprint] ?? older[fingerprint] }

    /// A stopped preview stays recorded as stopped, whatever the watch reports afterwards.
    mutating func insert(_ fingerprint: String, _ end: End) {
        guard self[fingerprint] != .stopped else { return }
        if younger.count >= Self.maxCount {
            older = younger
            younger = [:]
        }
        younger[fingerprint] = end
    }
}

/// The previews that depend on an object, by that object's UID.
struct TokensByOwner: Sendable {
    /// A run has few previews, and many of these lists have one element.
    private var tokens: [CompactText: [PreviewToken]] = [:]

    subscript(uid: CompactText) -> [PreviewToken] { tokens[uid] ?? [] }

    mutating func insert(_ token: PreviewToken, of uid: CompactText?) {
        guard let uid, !self[uid].contains(token) else { return }
        tokens[uid, default: []].append(token)
    }

    mutating func remove(_ token: PreviewToken, of uid: CompactText?) {
        guard let uid else { return }
        tokens[uid]?.removeAll { $0 == token }
        if tokens[uid]?.isEmpty == true { tokens[uid] = nil }
    }
}
