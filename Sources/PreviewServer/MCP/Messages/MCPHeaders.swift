internal import Basics
internal import FoundationEssentials
internal import HTTPTypes

/// The headers that repeat parts of a message, for those who route without reading bodies.
struct MCPHeaders: Sendable {
    private let versions: [String]
    private let methods: [String]
    private let names: [String]

    init(_ fields: HTTPFields) {
        versions = fields[values: .mcpProtocolVersion]
        methods = fields[values: .mcpMethod]
        names = fields[values: .mcpName]
    }

    func version() throws(JSONRPCFault) -> String? { try single(versions, "MCP-Protocol-Version") }

    /// Checks that the headers say what the body says (2026-07-28, "Server Validation"): who routes by a header must
    /// not be led to believe something else than what is carried out.
    func check(mirror request: JSONRPCRequest) throws(JSONRPCFault) {
        guard try single(methods, "Mcp-Method") == request.method else {
            throw JSONRPCFault(.headerMismatch, "The header Mcp-Method must be the request's method.")
        }
        guard request.method == "tools/call", let name = request.params["name"]?.stringValue else { return }
        guard let header = try single(names, "Mcp-Name"), Self.decoded(header) == name else {
            throw JSONRPCFault(.headerMismatch, "The header Mcp-Name must be the name of the tool that is called.")
        }
    }

    /// One who reads the first of two and one who reads the last would disagree.
    private func single(_ values: [String], _ name: String) throws(JSONRPCFault) -> String? {
        guard values.count <= 1 else {
            throw JSONRPCFault(.headerMismatch, "The header \(name) is there more than once.")
        }
        return values.first
    }

    private static let encodedPrefix = "=?base64?"
    private static let encodedSuffix = "?="

    /// A value that no header can carry as it is comes in Base64 (2026-07-28, "Value Encoding").
    ///
    /// - Returns: nil when it claims to be Base64 of UTF-8 and is not, in the one way to write it.
    private static func decoded(_ value: String) -> String? {
        guard value.hasPrefix(encodedPrefix), value.hasSuffix(encodedSuffix),
            value.utf8.count >= encodedPrefix.utf8.count + encodedSuffix.utf8.count
        else { return value }
        let payload = String(value.dropFirst(encodedPrefix.count).dropLast(encodedSuffix.count))
        guard let data = Data(base64Encoded: payload), data.base64EncodedString() == payload else { return nil }
        return String(validating: data, as: UTF8.self)
    }
}

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    static let mcpProtocolVersion = HTTPField.Name("MCP-Protocol-Version")!
    // swift-format-ignore: NeverForceUnwrap
    static let mcpMethod = HTTPField.Name("Mcp-Method")!
    // swift-format-ignore: NeverForceUnwrap
    static let mcpName = HTTPField.Name("Mcp-Name")!
}
