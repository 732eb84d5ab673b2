public import FoundationEssentials
public import PreviewDomain

/// The watches of a replica: one for each kind of object.
public protocol ClusterFeed: Sendable {
    /// Delivers the present objects and then every change, until the task is cancelled.
    ///
    /// The changes of one collection come in the order in which they happened. Nothing is said about the order between
    /// two collections, which are two watches: either may be behind the other, and `handle` is called by all at once.
    /// Changes wait for `handle`; nothing is buffered without bound.
    func run(_ handle: @escaping @Sendable (ClusterChange) async -> Void) async throws

    /// Whether the watches over routes, backends and pods prove to be alive.
    ///
    /// Each is made to start again from where it was, so that what it may have missed is delivered now. That costs one
    /// request a watch, however many objects there are.
    ///
    /// - Returns: False when one of them could not prove it: what this feed has delivered must not be relied upon.
    func isAlive() async -> Bool
}

/// One step of a ``ClusterFeed``.
public enum ClusterChange: Sendable {
    case routes(ObjectChange<Preview>)
    case backends(ObjectChange<PreviewBackend>)
    case pods(ObjectChange<PodRecord>)
    case claims(ObjectChange<RunClaim>)
    case sandboxes(ObjectChange<SandboxRecord>)
    case gateways(ObjectChange<GatewayRecord>)
    /// The watch of this collection broke: its objects may be stale until they are replaced or it resumes.
    case interrupted(ClusterCollection)
    /// The watch goes on where it broke, and nothing was missed.
    case resumed(ClusterCollection)

    /// The collection that the change belongs to.
    public var collection: ClusterCollection {
        switch self {
        case .routes: .routes
        case .backends: .backends
        case .pods: .pods
        case .claims: .claims
        case .sandboxes: .sandboxes
        case .gateways: .gateways
        case .interrupted(let collection), .resumed(let collection): collection
        }
    }
}

/// A change of the objects of one collection.
public enum ObjectChange<Object: MirroredObject>: Sendable {
    /// All objects: what is not among them does not exist.
    case replaced([Object])
    /// The object was created or changed.
    case applied(Object)
    /// The object is gone, or is no longer one to keep.
    case deleted(Object.Key)
}

public enum ClusterCollection: String, Sendable, CaseIterable {
    case routes
    case backends
    case pods
    case claims
    case sandboxes
    /// The preview Gateway alone.
    case gateways

    /// Whether previews are judged by it.
    var concernsPreviews: Bool { self != .sandboxes && self != .gateways }
}

/// All that the core of a replica asks of its cluster.
public struct ClusterPorts: Sendable {
    public let sandboxes: any SandboxDirectory
    public let objects: any PreviewObjects
    /// Keeps a ``ClusterMirror`` up to date.
    public let feed: any ClusterFeed
    public let time: any ClusterTime
    public let probe: any PreviewProbe
    public let approvals: any ApprovalStore

    public init(
        sandboxes: any SandboxDirectory,
        objects: any PreviewObjects,
        feed: any ClusterFeed,
        time: any ClusterTime,
        probe: any PreviewProbe,
        approvals: any ApprovalStore
    ) {
        self.sandboxes = sandboxes
        self.objects = objects
        self.feed = feed
        self.time = time
        self.probe = probe
        self.approvals = approvals
    }
}

/// The API server's clock, as far as this replica knows it.
public protocol ClusterTime: Sendable {
    /// The present instant on the API server's clock, or `nil` while it cannot be known.
    func reading() -> ClusterTimeReading?
}

/// An instant that is known to lie between two bounds.
public struct ClusterTimeReading: Hashable, Sendable {
    /// The server's clock shows at least this. Whatever must not happen early is decided on it.
    public let earliest: Date
    /// The server's clock shows at most this. Whatever is promised to last is counted from it.
    public let latest: Date

    public init(earliest: Date, latest: Date) {
        self.earliest = earliest
        self.latest = latest
    }
}
