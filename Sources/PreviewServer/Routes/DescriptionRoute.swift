internal import CDocuments
internal import Hummingbird
internal import NIOCore
internal import YAMLKit

/// The API's description, for programs (OpenAPI 3.1): Docs/openapi.yaml, in JSON.
struct DescriptionRoute: Sendable {
    /// Made once, at the first request: most replicas get none.
    private static let document = Result { ByteBuffer(string: try YAMLNode.document(in: yaml)?.json ?? "null") }

    func add(to router: Router<PreviewRequestContext>) {
        router.get("openapi.json") { _, _ in JSONBody(bytes: try Self.document.get(), status: .ok) }
    }

    private static var yaml: UnsafeBufferPointer<UInt8> {
        var count = 0
        let start = cdocuments_openapi(&count)
        return UnsafeBufferPointer(start: start, count: count)
    }
}
