internal import Hummingbird
internal import NIOCore

/// The API's description, for programs (OpenAPI 3.1).
struct DescriptionRoute: Sendable {
    private static let document = ByteBuffer(string: OpenAPIDocument.json)

    func add(to router: Router<PreviewRequestContext>) {
        router.get("openapi.json") { _, _ in JSONBody(bytes: Self.document, status: .ok) }
    }
}
