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
