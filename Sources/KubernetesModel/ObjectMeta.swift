internal import Basics
public import FoundationEssentials

/// The metadata that every object has (`metav1.ObjectMeta`).
///
/// `managedFields` is not decoded: metadata-only lists always contain it, and it is the largest part of most objects.
public struct ObjectMeta: Hashable, Sendable {
    /// The name, unique for a kind in a namespace. Empty only in objects that the API server does not store.
    public var name: String
    /// The namespace; `nil` for cluster-scoped objects.
    public var namespace: String?
    /// The unique identifier. An object that was deleted and created again has another one.
    public var uid: String?
    /// An opaque version that changes with every write, including writes of the status.
    public var resourceVersion: String?
    /// A number that increases with every change of the desired state.
    public var generation: Int64?
    /// The time at which the API server created the object.
    public var creationTimestamp: Date?
    /// The time of deletion; set while a deletion waits for finalizers or a grace period.
    public var deletionTimestamp: Date?
    public var labels: [String: String]
    public var annotations: [String: String]
    /// The objects that this one depends on. When none of them exists any more, garbage collection deletes this object.
    public var ownerReferences: [OwnerReference]

    /// Creates metadata for a new object or, in tests, of an existing one.
    public init(
        name: String = "",
        namespace: String? = nil,
        uid: String? = nil,
        resourceVersion: String? = nil,
        generation: Int64? = nil,
        creationTimestamp: Date? = nil,
        deletionTimestamp: Date? = nil,
        labels: [String: String] = [:],
        annotations: [String: String] = [:],
        ownerReferences: [OwnerReference] = []
    ) {
        self.name = name
        self.namespace = namespace
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.generation = generation
        self.creationTimestamp = creationTimestamp
        self.deletionTimestamp = deletionTimestamp
        self.labels = labels
        self.annotations = annotations
        self.ownerReferences = ownerReferences
    }

    /// Whether the API server has begun to delete the object.
    public var isBeingDeleted: Bool { deletionTimestamp != nil }
}

extension ObjectMeta: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case name, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp
        case labels, annotations, ownerReferences
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decodeIfPresent(String.self, forKey: .name) ?? ""
        namespace = try container.decodeIfPresent(String.self, forKey: .namespace)
        uid = try container.decodeIfPresent(String.self, forKey: .uid)
        resourceVersion = try container.decodeIfPresent(String.self, forKey: .resourceVersion)
        generation = try container.decodeIfPresent(Int64.self, forKey: .generation)
        creationTimestamp = try container.decodeTimeIfPresent(forKey: .creationTimestamp)
        deletionTimestamp = try container.decodeTimeIfPresent(forKey: .deletionTimestamp)
        labels = try container.decodeIfPresent([String: String].self, forKey: .labels) ?? [:]
        annotations = try container.decodeIfPresent([String: String].self, forKey: .annotations) ?? [:]
        ownerReferences = try container.decodeListIfPresent(OwnerReference.self, forKey: .ownerReferences)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if !name.isEmpty { try container.encode(name, forKey: .name) }
        try container.encodeIfPresent(namespace, forKey: .namespace)
        try container.encodeIfPresent(uid, forKey: .uid)
        try container.encodeIfPresent(resourceVersion, forKey: .resourceVersion)
        try container.encodeIfPresent(generation, forKey: .generation)
        try container.encodeIfPresent(creationTimestamp.map { RFC3339.seconds($0) }, forKey: .creationTimestamp)
        try container.encodeIfPresent(deletionTimestamp.map { RFC3339.seconds($0) }, forKey: .deletionTimestamp)
        if !labels.isEmpty { try container.encode(labels, forKey: .labels) }
        if !annotations.isEmpty { try container.encode(annotations, forKey: .annotations) }
        if !ownerReferences.isEmpty { try container.encode(ownerReferences, forKey: .ownerReferences) }
    }
}

extension ObjectMeta: JSONReadable {
    private static let members = JSONMembers<CodingKeys>()

    public init(reading json: inout JSONReader) throws {
        self.init()
        try json.object(Self.members) { member, json in
            switch member {
            case .name: name = try json.ifPresent { try $0.string() } ?? ""
            case .namespace: namespace = try json.ifPresent { try $0.string() }
            case .uid: uid = try json.ifPresent { try $0.string() }
            case .resourceVersion: resourceVersion = try json.ifPresent { try $0.string() }
            case .generation: generation = try json.ifPresent { try $0.integer() }
            case .creationTimestamp: creationTimestamp = try json.ifPresent { try $0.time() }
            case .deletionTimestamp: deletionTimestamp = try json.ifPresent { try $0.time() }
            case .labels: labels = try json.ifPresent { try $0.strings() } ?? [:]
            case .annotations: annotations = try json.ifPresent { try $0.strings() } ?? [:]
            case .ownerReferences:
                ownerReferences = try json.ifPresent { try $0.array { try OwnerReference(reading: &$0) } } ?? []
            }
        }
    }
}

extension JSONReader {
    /// Reads a `metav1.Time`.
    fileprivate mutating func time() throws -> Date {
        guard let date = RFC3339.date(try string()) else { throw failure("expected an RFC 3339 time") }
        return date
    }
}

/// A value that contains an object's metadata: the object, or its metadata only.
public protocol MetadataHolder: JSONReadable {
    /// The name, the labels, the annotations and the fields that the API server sets.
    var metadata: ObjectMeta { get }
}

/// A typed Kubernetes object, with the members that this service reads or writes.
///
/// An object is created once and then changed only by patches, never by a full update, so members that a type omits are not
/// lost. `apiVersion` and `kind` are not members, because the version depends on what the cluster serves; the client adds them.
public protocol KubernetesObject: MetadataHolder, Codable {
    /// The resource of this kind of object.
    static var resource: APIResource { get }
}

/// An object of any kind of which only the metadata was requested (`metav1.PartialObjectMetadata`).
public struct PartialObjectMetadata: MetadataHolder, Codable, Hashable {
    public var metadata: ObjectMeta

    public init(metadata: ObjectMeta) {
        self.metadata = metadata
    }
}

extension PartialObjectMetadata: JSONReadable {
    private enum CodingKeys: CodingKey, CaseIterable {
        case metadata
    }

    private static let members = JSONMembers<CodingKeys>()

    public init(reading json: inout JSONReader) throws {
        var metadata: ObjectMeta?
        try json.object(Self.members) { _, json in metadata = try ObjectMeta(reading: &json) }
        guard let metadata else { throw json.failure("the object has no metadata") }
        self.init(metadata: metadata)
    }
}

extension KeyedDecodingContainer {
    /// Decodes a list that may be absent or JSON `null`; both decode as empty.
    func decodeListIfPresent<Item: Decodable>(_ type: Item.Type, forKey key: Key) throws -> [Item] {
        try decodeIfPresent([Item].self, forKey: key) ?? []
    }

    /// Decodes a `metav1.Time` that may be absent or JSON `null`.
    func decodeTimeIfPresent(forKey key: Key) throws -> Date? {
        guard let text = try decodeIfPresent(String.self, forKey: key) else { return nil }
        guard let date = RFC3339.date(text) else {
            throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: "not an RFC 3339 time")
        }
        return date
    }
}
