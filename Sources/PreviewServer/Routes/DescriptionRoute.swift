internal import CDocuments
internal import FoundationEssentials
internal import Hummingbird
internal import NIOCore
internal import Yams

/// The API's description, for programs (OpenAPI 3.1): Docs/openapi.yaml, in JSON.
struct DescriptionRoute: Sendable {
    /// Made once, at the first request: most replicas get none.
    private static let document = Result { ByteBuffer(string: try JSONValue(yaml: yaml).text()) }

    func add(to router: Router<PreviewRequestContext>) {
        router.get("openapi.json") { _, _ in JSONBody(bytes: try Self.document.get(), status: .ok) }
    }

    private static var yaml: String {
        var count = 0
        let start = cdocuments_openapi(&count)
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }
}

extension JSONValue {
    /// The same value as a YAML document of JSON's types.
    fileprivate init(yaml: String) throws {
        self.init(try Yams.load(yaml: yaml))
    }

    private init(_ value: Any?) {
        switch value {
        case let value as Bool: self = .bool(value)
        case let value as Int: self = .integer(value)
        case let value as Double: self = .number(value)
        case let value as String: self = .string(value)
        case let values as [Any]: self = .array(values.map { JSONValue($0) })
        case let members as [AnyHashable: Any]:
            self = .object(Dictionary(members.map { ("\($0.key)", JSONValue($0.value)) }) { $1 })
        default: self = .null
        }
    }
}
