/// An object of any kind, of which only the metadata was asked for (`metav1.PartialObjectMetadata`).
public struct PartialObjectMetadata: MetadataHolder, Codable, Hashable {
    public var metadata: ObjectMeta

    public init(metadata: ObjectMeta) {
        self.metadata = metadata
    }
}
