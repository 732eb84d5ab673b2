internal import Basics
internal import FoundationEssentials
internal import HTTPTypes

/// The revisions of MCP that this server speaks, the newest first.
enum ProtocolRevision: String, Sendable, CaseIterable {
    case july2026 = "2026-07-28"
    case november2025 = "2025-11-25"
    case june2025 = "2025-06-18"
    case march2025 = "2025-03-26"

    /// True where every request says its version and its client's capabilities itself, and there is no `initialize`.
    var isStateless: Bool { self == .july2026 }

    /// What `initialize` answers: the version that the client asks for, or else the newest that has an `initialize`
    /// (2025-11-25, "Version Negotiation").
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

    /// The revision under which `request` is to be answered.
    ///
    /// No session remembers what was negotiated, so the request itself has to say it: in its headers, and from
    /// 2026-07-28 in its body too. One that does not is taken for 2025-03-26, which has no such header (2025-06-18,
    /// "Protocol Version Header").
    ///
    /// - Throws: What the revision demands where headers and body do not fit together.
    init(of request: JSONRPCRequest, headers: MCPHeaders) throws(JSONRPCFault) {
        let stated = request.meta[MetaKey.protocolVersion]
        if request.method == "initialize", stated == nil {
            // The one request whose header, if any, is of no account: it is there to agree on a version.
            self = .negotiated(for: request.params["protocolVersion"]?.stringValue ?? "")
            return
        }
        guard let version = try headers.version() else {
            guard stated == nil else {
                throw JSONRPCFault(
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
            throw JSONRPCFault(
                .headerMismatch,
                "The header MCP-Protocol-Version is not the version in the request's _meta."
            )
        }
        guard let revision else { throw .unsupportedVersion(version) }
        if revision.isStateless { try headers.check(mirror: request) }
        self = revision
    }

    /// All revisions, for messages.
    static let list = allCases.map(\.rawValue).joined(separator: ", ")

    private static func checkMeta(of request: JSONRPCRequest) throws(JSONRPCFault) {
        guard case .string = request.meta[MetaKey.protocolVersion],
            case .object = request.meta[MetaKey.clientCapabilities]
        else {
            throw JSONRPCFault(
                .invalidParams,
                """
                params._meta must hold the string \(MetaKey.protocolVersion) and the object \
                \(MetaKey.clientCapabilities).
                """
            )
        }
    }
}

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
