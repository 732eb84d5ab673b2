internal import Basics
public import FoundationEssentials

/// A core/v1 Event: a report of something that happened to an object.
public struct Event: KubernetesObject, Hashable {
    public static let resource = APIResource(group: "", versions: ["v1"], plural: "events", kind: "Event")

    public var metadata: ObjectMeta
    /// The object that the event is about. Its namespace must be the event's own.
    public var involvedObject: ObjectReference
    /// The machine-readable reason, in CamelCase.
    public var reason: String?
    /// A description for people.
    public var message: String?
    /// `Normal` or `Warning`.
    public var type: String?
    /// The number of occurrences.
    public var count: Int?
    public var firstTimestamp: Date?
    public var lastTimestamp: Date?
    public var source: Source?
    public var reportingComponent: String?

    public init(
        metadata: ObjectMeta,
        involvedObject: ObjectReference,
        reason: String? = nil,
        message: String? = nil,
        type: String? = nil,
        count: Int? = nil,
        firstTimestamp: Date? = nil,
        lastTimestamp: Date? = nil,
        source: Source? = nil,
        reportingComponent: String? = nil
    ) {
        self.metadata = metadata
        self.involvedObject = involvedObject
        self.reason = reason
        self.message = message
        self.type = type
        self.count = count
        self.firstTimestamp = firstTimestamp
        self.lastTimestamp = lastTimestamp
        self.source = source
        self.reportingComponent = reportingComponent
    }

    /// The component that reported the event.
    public struct Source: Codable, Hashable, Sendable {
        public var component: String?

        public init(component: String?) {
            self.component = component
        }
    }
}

/// A reference to an object of any kind (`core/v1 ObjectReference`).
public struct ObjectReference: Codable, Hashable, Sendable {
    public var kind: String?
    public var namespace: String?
    public var name: String?
    public var uid: String?

    public init(kind: String, namespace: String, name: String, uid: String? = nil) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.uid = uid
    }
}

extension Event {
    private enum CodingKeys: String, CodingKey {
        case metadata, involvedObject, reason, message, type, count, firstTimestamp, lastTimestamp, source
        case reportingComponent
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        metadata = try container.decode(ObjectMeta.self, forKey: .metadata)
        involvedObject = try container.decode(ObjectReference.self, forKey: .involvedObject)
        reason = try container.decodeIfPresent(String.self, forKey: .reason)
        message = try container.decodeIfPresent(String.self, forKey: .message)
        type = try container.decodeIfPresent(String.self, forKey: .type)
        count = try container.decodeIfPresent(Int.self, forKey: .count)
        firstTimestamp = try container.decodeTimeIfPresent(forKey: .firstTimestamp)
        lastTimestamp = try container.decodeTimeIfPresent(forKey: .lastTimestamp)
        source = try container.decodeIfPresent(Source.self, forKey: .source)
        reportingComponent = try container.decodeIfPresent(String.self, forKey: .reportingComponent)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(metadata, forKey: .metadata)
        try container.encode(involvedObject, forKey: .involvedObject)
        try container.encodeIfPresent(reason, forKey: .reason)
        try container.encodeIfPresent(message, forKey: .message)
        try container.encodeIfPresent(type, forKey: .type)
        try container.encodeIfPresent(count, forKey: .count)
        try container.encodeIfPresent(firstTimestamp.map { RFC3339.seconds($0) }, forKey: .firstTimestamp)
        try container.encodeIfPresent(lastTimestamp.map { RFC3339.seconds($0) }, forKey: .lastTimestamp)
        try container.encodeIfPresent(source, forKey: .source)
        try container.encodeIfPresent(reportingComponent, forKey: .reportingComponent)
    }
}
