internal import Basics
internal import FoundationEssentials
internal import HTTPTypes

/// The revisions of MCP that this server supports, the newest first.
enum ProtocolRevision: String, Sendable, CaseIterable {
    case july2026 = "2026-07-28"
    case november2025 = "2025-11-25"
    case june2025 = "2025-06-18"
    case march2025 = "2025-03-26"

    /// True if every request contains its version and its client's capabilities, and there is no `initialize`.
    var isStateless: Bool { self == .july2026 }

    /// The version in the result of `initialize`: the one that the client requests, or else the newest that has an
    /// `initialize` (2025-11-25, "Version Negotiation").
    static func negotiated(for requested: String) -> ProtocolRevision {
        guard let revision = ProtocolRevision(rawValue: requested), !revision.isStateless else { return .november2025 }
        return revision
    }
}

extension ProtocolRevision {
    /// The members of `_meta` that every stateless request carries (2026-07-28, "Per-request protocol fields").
    enum MetaKey {
        static let protocolVersion = "io.modelcontextprotocol/protocolVersion"
        static let clientCapabilities = "io.modelcontextprotocol/clientCapabilities"
        static let serverInfo = "io.modelcontextprotocol/serverInfo"
    }

    /// The revision of `request`.
    ///
    /// There is no session with a negotiated revision, so the request itself has to contain it: in its headers, and
    /// from 2026-07-28 on also in its body. A request without one counts as 2025-03-26, which has no such header
    /// (2025-06-18, "Protocol Version Header").
    ///
    /// - Throws: The error that the revision defines if headers and body contradict each other.
    init(of request: JSONRPCRequest, headers: MCPHeaders) throws(JSONRPCError) {
        let stated = request.meta[MetaKey.protocolVersion]
        if request.method == "initialize", stated == nil {
            // The only request whose header is ignored: it negotiates a version.
            self = .negotiated(for: request.params["protocolVersion"]?.stringValue ?? "")
            return
        }
        guard let version = try headers.version() else {
            guard stated == nil else {
                throw JSONRPCError(
                    .headerMismatch,
                    "The header MCP-Protocol-Version is missing: expected the version in the request's _meta."
                )
            }
            self = .march2025
            return
        }
        let revision = ProtocolRevision(rawValue: version)
        if let revision, revision.isStateless { try Self.checkMeta(of: request) }
        if let stated, stated.stringValue != version {
            throw JSONRPCError(
                .headerMismatch,
                "The header MCP-Protocol-Version is not the version in the request's _meta."
            )
        }
        guard let revision else { throw .unsupportedVersion(version) }
        if revision.isStateless { try headers.check(mirror: request) }
        self = revision
    }

    /// All revisions, for error messages.
    static let list = allCases.map(\.rawValue).joined(separator: ", ")

    private static func checkMeta(of request: JSONRPCRequest) throws(JSONRPCError) {
        guard case .string = request.meta[MetaKey.protocolVersion],
            case .object = request.meta[MetaKey.clientCapabilities]
        else {
            throw JSONRPCError(
                .invalidParams,
                """
                params._meta must contain the string \(MetaKey.protocolVersion) and the object \
                \(MetaKey.clientCapabilities).
                """
            )
        }
    }
}

/// The headers that repeat parts of a message, for proxies that do not read bodies.
struct MCPHeaders: Sendable {
    private let versions: [String]
    private let methods: [String]
    private let names: [String]

    init(_ fields: HTTPFields) {
        versions = fields[values: .mcpProtocolVersion]
        methods = fields[values: .mcpMethod]
        names = fields[values: .mcpName]
    }

    func version() throws(JSONRPCError) -> String? { try single(versions, "MCP-Protocol-Version") }

    /// Checks that the headers match the body (2026-07-28, "Server Validation"): a proxy that routes by a header must
    /// not be deceived about the request.
    func check(mirror request: JSONRPCRequest) throws(JSONRPCError) {
        guard try single(methods, "Mcp-Method") == request.method else {
            throw JSONRPCError(.headerMismatch, "The header Mcp-Method must be the request's method.")
        }
        guard request.method == "tools/call", let name = request.params["name"]?.stringValue else { return }
        guard let header = try single(names, "Mcp-Name"), Self.decoded(header) == name else {
            throw JSONRPCError(.headerMismatch, "The header Mcp-Name must be the name of the tool that is called.")
        }
    }

    /// Two readers would disagree if one used the first header and the other the last.
    private func single(_ values: [String], _ name: String) throws(JSONRPCError) -> String? {
        guard values.count <= 1 else {
            throw JSONRPCError(.headerMismatch, "The header \(name) occurs more than once.")
        }
        return values.first
    }

    private static let encodedPrefix = "=?base64?"
    private static let encodedSuffix = "?="

    /// A value that is not valid in a header is encoded in Base64 (2026-07-28, "Value Encoding").
    ///
    /// - Returns: nil if it claims to be Base64 of UTF-8 and is not, in the canonical encoding.
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
