internal import Basics
internal import HTTPTypes

/// Why a message is not carried out: the error object of JSON-RPC 2.0, 5.1.
///
/// Only faults of the protocol are one. What a tool could not do is a tool's result, which the model reads.
struct JSONRPCFault: Error, Hashable {
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

    static let internalError = JSONRPCFault(.internalError, "The service failed inside. Try again shortly.")

    static let interrupted = JSONRPCFault(.internalError, "This replica is shutting down. Send the request again.")

    static func unsupportedVersion(_ requested: String) -> JSONRPCFault {
        let supported = ProtocolRevision.allCases.map(\.rawValue)
        return JSONRPCFault(
            .unsupportedProtocolVersion,
            "This server does not speak that protocol version: expected one of \(supported.joined(separator: ", ")).",
            data: ["supported": .array(supported.map { .string($0) }), "requested": .string(requested)]
        )
    }

    /// The HTTP status of the answer.
    ///
    /// Revision 2026-07-28 names one for each code. In the earlier ones a request that was understood is answered with
    /// 200, whatever the answer, since their clients read a 404 as the end of a session.
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
