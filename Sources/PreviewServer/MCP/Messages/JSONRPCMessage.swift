internal import Basics
internal import HTTPTypes
internal import PreviewDomain

/// A caller's input, read as one message of JSON-RPC 2.0 with the rules of MCP.
enum JSONRPCMessage: Hashable, Sendable {
    case request(JSONRPCRequest)
    /// It requires no response; no notification of a client changes anything in this server.
    case notification(method: String)
    /// It is not valid. The ID is there if it could be read.
    case invalid(JSONRPCError, id: JSONRPCID?)

    /// Reads any bytes.
    init(_ bytes: some Collection<UInt8>) {
        guard let value = JSONValue(parsing: bytes) else {
            let error = JSONRPCError(
                .parseError,
                """
                The body is not JSON in UTF-8 with at most \(JSONValue.maxDepth) levels of nesting and \
                \(JSONValue.maxValues) values.
                """
            )
            self = .invalid(error, id: nil)
            return
        }
        self.init(value)
    }

    /// Reads one message.
    init(_ value: JSONValue) {
        switch value {
        case .object(let members):
            self.init(members)
        case .array:
            let problem = "A batch must contain messages: at least one, and no other batches."
            self = .invalid(JSONRPCError(.invalidRequest, problem), id: nil)
        default:
            let problem = "A message must be a JSON object with the members jsonrpc, id, method and params."
            self = .invalid(JSONRPCError(.invalidRequest, problem), id: nil)
        }
    }

    private init(_ members: [String: JSONValue]) {
        let id = members["id"].flatMap(JSONRPCID.init)
        func invalid(_ code: JSONRPCError.Code, _ problem: String) -> JSONRPCMessage {
            .invalid(JSONRPCError(code, problem), id: id)
        }
        guard members["jsonrpc"] == "2.0" else {
            self = invalid(.invalidRequest, "The member 'jsonrpc' must be the string \"2.0\".")
            return
        }
        guard let method = members["method"]?.stringValue else {
            let isResponse = members["method"] == nil && (members["result"] != nil || members["error"] != nil)
            self = invalid(
                .invalidRequest,
                isResponse
                    ? "This server sends no requests, so it expects no responses."
                    : "The member 'method' must be a string, for example \"tools/list\"."
            )
            return
        }
        // Many serializers write absent values as null.
        let params = members["params"].flatMap { $0 == .null ? nil : $0 } ?? [:]
        guard let params = params.objectValue?.withoutNulls else {
            self = invalid(.invalidParams, "The member 'params' must be an object.")
            return
        }
        if let id {
            self = .request(JSONRPCRequest(id: id, method: method, params: params))
        } else if members["id"] == nil {
            self = .notification(method: method)
        } else {
            self = invalid(.invalidRequest, "The member 'id' must be a string or an integer of at most 64 bits.")
        }
    }
}

/// A message that requires a response.
struct JSONRPCRequest: Hashable, Sendable {
    let id: JSONRPCID
    let method: String
    let params: [String: JSONValue]

    /// The additional information of the request (MCP, "_meta").
    var meta: [String: JSONValue] { params["_meta"]?.objectValue?.withoutNulls ?? [:] }
}

/// Identifies a request; the response repeats it unchanged. Progress tokens have the same two types.
enum JSONRPCID: Hashable, Sendable {
    case string(String)
    case integer(Int)

    init?(_ value: JSONValue) {
        switch value {
        case .string(let text): self = .string(text)
        case .integer(let number): self = .integer(number)
        default: return nil
        }
    }

    var json: JSONValue {
        switch self {
        case .string(let text): .string(text)
        case .integer(let number): .integer(number)
        }
    }
}

/// The response to one request.
struct JSONRPCResponse: Sendable {
    /// nil if the request had no readable ID.
    let id: JSONRPCID?
    let outcome: Result<JSONValue, JSONRPCError>

    var json: JSONValue {
        var members: [String: JSONValue] = ["jsonrpc": "2.0", "id": id?.json ?? .null]
        switch outcome {
        case .success(let result): members["result"] = result
        case .failure(let error): members["error"] = error.json
        }
        return .object(members)
    }
}

/// The reason why a message is not carried out: the error object of JSON-RPC 2.0, 5.1.
///
/// Only protocol errors are reported in this way. The failure of a tool is the tool's result, which the model reads.
struct JSONRPCError: Error, Hashable {
    /// The codes of JSON-RPC 2.0, 5.1, and those that revision 2026-07-28 of MCP adds ("Error Codes").
    enum Code: Int, Sendable, CaseIterable {
        case parseError = -32700
        case invalidRequest = -32600
        case methodNotFound = -32601
        case invalidParams = -32602
        case internalError = -32603
        case headerMismatch = -32020
        case unsupportedProtocolVersion = -32022
    }

    let code: Code
    /// What was wrong and what was expected, in a sentence or two.
    let message: String
    let data: JSONValue?

    init(_ code: Code, _ message: String, data: JSONValue? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }

    static let internalError = JSONRPCError(.internalError, "An internal error occurred. Try again shortly.")

    static let interrupted = JSONRPCError(.internalError, "This replica is shutting down. Send the request again.")

    static func unsupportedVersion(_ requested: String) -> JSONRPCError {
        let supported = ProtocolRevision.allCases.map(\.rawValue)
        return JSONRPCError(
            .unsupportedProtocolVersion,
            "This server does not support that protocol version: expected one of \(supported.joined(separator: ", ")).",
            data: ["supported": .array(supported.map { .string($0) }), "requested": .string(requested)]
        )
    }

    /// The HTTP status of the response.
    ///
    /// Revision 2026-07-28 defines one for each code. In the earlier ones a request that could be read gets 200 in any
    /// case, since their clients interpret a 404 as the end of a session.
    ///
    /// - Parameter revision: nil while the revision of the message is not known.
    func status(in revision: ProtocolRevision?) -> HTTPResponse.Status {
        if let revision, !revision.isStateless { return .ok }
        return switch code {
        case .methodNotFound: .notFound
        case .internalError: .internalServerError
        case .parseError, .invalidRequest, .invalidParams, .headerMismatch, .unsupportedProtocolVersion: .badRequest
        }
    }

    var json: JSONValue {
        var members: [String: JSONValue] = ["code": .integer(code.rawValue), "message": .string(message)]
        members["data"] = data
        return .object(members)
    }
}

/// The body of a request: one message, or several if the protocol's revision has batches.
enum JSONRPCBody: Hashable, Sendable {
    case single(JSONRPCMessage)
    case batch([JSONRPCMessage])

    /// The largest number of messages in a batch. No known client sends one; each message may start a preview.
    static let maxBatch = 16

    /// Reads any bytes.
    init(_ bytes: some Collection<UInt8>) {
        if case .array(let values) = JSONValue(parsing: bytes), !values.isEmpty {
            self = .batch(values.map { JSONRPCMessage($0) })
        } else {
            self = .single(JSONRPCMessage(bytes))
        }
    }

    var messages: [JSONRPCMessage] {
        switch self {
        case .single(let message): [message]
        case .batch(let messages): messages
        }
    }
}

extension JSONRPCMessage {
    /// The run in a tool call's arguments, if there is one.
    var run: RunID? {
        guard case .request(let request) = self, request.method == "tools/call",
            let text = request.params["arguments"]?.objectValue?[ArgumentName.run]?.stringValue
        else { return nil }
        return try? RunID(text)
    }
}

extension String {
    /// The part of a caller's text that an error repeats. It is measured in scalars, since one character can have any
    /// number of them.
    var shortened: String { String(unicodeScalars.prefix(64)) }
}
