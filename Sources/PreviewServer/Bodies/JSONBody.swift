internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// An answer in JSON, encoded before the response begins.
struct JSONBody: ResponseGenerator {
    let bytes: ByteBuffer
    let status: HTTPResponse.Status
    var headers: HTTPFields = [:]

    init(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        bytes = ByteBuffer(bytes: try encoder.encode(value))
        self.status = status
    }

    /// An answer that is JSON already.
    init(bytes: ByteBuffer, status: HTTPResponse.Status) {
        self.bytes = bytes
        self.status = status
    }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        var headers = headers
        headers[.contentType] = "application/json; charset=utf-8"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: bytes))
    }
}
