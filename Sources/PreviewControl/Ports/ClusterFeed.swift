public import FoundationEssentials
public import PreviewDomain

/// The watches of a replica: one for each kind of object.
public protocol ClusterFeed: Sendable {
    /// Delivers the present objects and then every change, until the task is cancelled.
    ///
    /// The changes of one collection are delivered in order. There is no order between two collections, which are two
    /// watches: each may be behind the other, and `handle` is called concurrently. A change is delivered when `handle`
    /// has returned from the one before; nothing is buffered without bound.
    func run(_ handle: @escaping @Sendable (ClusterChange) async -> Void) async throws

    /// Checks that the watches on routes, backends and pods work.
    ///
    /// Each watch is restarted from its last version, so that events which it may have missed are delivered now. This
    /// costs one request for each watch, regardless of the number of objects.
    ///
    /// - Returns: False if one of them could not be restarted: the delivered objects may be stale.
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
    /// The watch continues where it broke, and nothing was missed.
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
    /// All objects of the collection: any other object does not exist.
    case replaced([Object])
    /// The object was created or changed.
    case applied(Object)
    /// The object was deleted, or no longer matches the collection.
    case deleted(Object.Key)
}

public enum ClusterCollection: String, Sendable, CaseIterable {
    case routes
    case backends
    case pods
    case claims
    case sandboxes
    /// Only the preview Gateway.
    case gateways

    /// Whether previews are evaluated by it.
    var concernsPreviews: Bool { self != .sandboxes && self != .gateways }
}

/// Everything that the core of a replica requires from its cluster.
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
    /// The present instant by the API server's clock, or `nil` while it is not known.
    func reading() -> ClusterTimeReading?
}

/// An instant that lies between two bounds.
public struct ClusterTimeReading: Hashable, Sendable {
    /// The server's clock shows at least this. It decides about anything that must not happen early.
    public let earliest: Date
    /// The server's clock shows at most this. Guaranteed durations are counted from it.
    public let latest: Date
    /// How often the server's clock is known to have been set. Between two readings with the same value, it ran
    /// continuously.
    public let steps: Int

    public init(earliest: Date, latest: Date, steps: Int = 0) {
        self.earliest = earliest
        self.latest = latest
        self.steps = steps
    }
}
