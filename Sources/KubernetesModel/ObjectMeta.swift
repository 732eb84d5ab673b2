internal import Basics
public import FoundationEssentials

/// The metadata that every object has (Kubernetes API convention `metav1.ObjectMeta`).
///
/// `managedFields` are dropped when decoding: metadata-only lists always carry them and they are the bulk of an object.
public struct ObjectMeta: Hashable, Sendable {
    /// The name, unique for one kind in one namespace. Empty only in a create that sets ``generateName``.
    public var name: String
    /// The prefix from which the server makes a name.
    public var generateName: String?
    /// The namespace; `nil` for cluster-wide objects.
    public var namespace: String?
    /// The identity of this incarnation: an object deleted and created again has another one.
    public var uid: String?
    /// An opaque version that changes with every write, status writes by others included.
    public var resourceVersion: String?
    /// Counts changes of the desired state.
    public var generation: Int64?
    /// When the server created the object.
    public var creationTimestamp: Date?
    /// Set by the server when a delete waits for finalizers or a grace period.
    public var deletionTimestamp: Date?
    public var labels: [String: String]
    public var annotations: [String: String]
    /// The objects that this one depends on; when all are gone, garbage collection deletes it.
    public var ownerReferences: [OwnerReference]
    /// What must be done, and by whom, before a deleted object goes away.
    public var finalizers: [String]

    /// Makes metadata for a new object, or for a test the metadata of an existing one.
    public init(
        name: String = "",
        generateName: String? = nil,
        namespace: String? = nil,
        uid: String? = nil,
        resourceVersion: String? = nil,
        generation: Int64? = nil,
        creationTimestamp: Date? = nil,
        deletionTimestamp: Date? = nil,
        labels: [String: String] = [:],
        annotations: [String: String] = [:],
        ownerReferences: [OwnerReference] = [],
        finalizers: [String] = []
    ) {
        self.name = name
        self.generateName = generateName
        self.namespace = namespace
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.generation = generation
        self.creationTimestamp = creationTimestamp
        self.deletionTimestamp = deletionTimestamp
        self.labels = labels
        self.annotations = annotations
        self.ownerReferences = ownerReferences
        self.finalizers = finalizers
    }

    /// Whether the server has begun to delete the object.
    public var isBeingDeleted: Bool { deletionTimestamp != nil }
}

extension ObjectMeta: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case name, generateName, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp
        case labels, annotations, ownerReferences, finalizers
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decodeIfPresent(String.self, forKey: .name) ?? ""
        generateName = try container.decodeIfPresent(String.self, forKey: .generateName)
        namespace = try container.decodeIfPresent(String.self, forKey: .namespace)
        uid = try container.decodeIfPresent(String.self, forKey: .uid)
        resourceVersion = try container.decodeIfPresent(String.self, forKey: .resourceVersion)
        generation = try container.decodeIfPresent(Int64.self, forKey: .generation)
        creationTimestamp = try container.decodeTimeIfPresent(forKey: .creationTimestamp)
        deletionTimestamp = try container.decodeTimeIfPresent(forKey: .deletionTimestamp)
        labels = try container.decodeIfPresent([String: String].self, forKey: .labels) ?? [:]
        annotations = try container.decodeIfPresent([String: String].self, forKey: .annotations) ?? [:]
        ownerReferences = try container.decodeListIfPresent(OwnerReference.self, forKey: .ownerReferences)
        finalizers = try container.decodeListIfPresent(String.self, forKey: .finalizers)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if !name.isEmpty { try container.encode(name, forKey: .name) }
        try container.encodeIfPresent(generateName, forKey: .generateName)
        try container.encodeIfPresent(namespace, forKey: .namespace)
        try container.encodeIfPresent(uid, forKey: .uid)
        try container.encodeIfPresent(resourceVersion, forKey: .resourceVersion)
        try container.encodeIfPresent(generation, forKey: .generation)
        try container.encodeIfPresent(creationTimestamp.map { RFC3339.seconds($0) }, forKey: .creationTimestamp)
        try container.encodeIfPresent(deletionTimestamp.map { RFC3339.seconds($0) }, forKey: .deletionTimestamp)
        if !labels.isEmpty { try container.encode(labels, forKey: .labels) }
        if !annotations.isEmpty { try container.encode(annotations, forKey: .annotations) }
        if !ownerReferences.isEmpty { try container.encode(ownerReferences, forKey: .ownerReferences) }
        if !finalizers.isEmpty { try container.encode(finalizers, forKey: .finalizers) }
    }
}

extension ObjectMeta: JSONReadable {
    private static let members = JSONMembers<CodingKeys>()

    public init(reading json: inout JSONReader) throws {
        self.init()
        try json.object(Self.members) { member, json in
            switch member {
            case .name: name = try json.ifPresent { try $0.string() } ?? ""
            case .generateName: generateName = try json.ifPresent { try $0.string() }
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
            case .finalizers: finalizers = try json.ifPresent { try $0.array { try $0.string() } } ?? []
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

/// Whatever holds the metadata of a Kubernetes object: the object, or its metadata alone.
public protocol MetadataHolder: JSONReadable {
    /// Name, labels, annotations and the server's own bookkeeping.
    var metadata: ObjectMeta { get }
}

/// A typed Kubernetes object: what this service reads or writes of one kind.
///
/// Types hold the members that the service uses. They are never sent back in a full update, so members that a type
/// leaves out are not lost: objects are created once and then changed by patches only. `apiVersion` and `kind` are
/// not members, because the version depends on what the cluster offers; the client adds them.
public protocol KubernetesObject: MetadataHolder, Codable {
    /// Where objects of this kind are found.
    static var resource: APIResource { get }
}

/// An object of any kind, of which only the metadata was asked for (`metav1.PartialObjectMetadata`).
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
        guard let metadata else { throw json.failure("an object without metadata") }
        self.init(metadata: metadata)
    }
}

extension KeyedDecodingContainer {
    /// Decodes a list that the server may leave out or send as JSON `null`; both mean empty.
    func decodeListIfPresent<Item: Decodable>(_ type: Item.Type, forKey key: Key) throws -> [Item] {
        try decodeIfPresent([Item].self, forKey: key) ?? []
    }

    /// Decodes a `metav1.Time` or `metav1.MicroTime` that may be absent or JSON `null`.
    func decodeTimeIfPresent(forKey key: Key) throws -> Date? {
        guard let text = try decodeIfPresent(String.self, forKey: key) else { return nil }
        guard let date = RFC3339.date(text) else {
            throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: "not an RFC 3339 time")
        }
        return date
    }
}
