import Basics
import FoundationEssentials
import KubernetesModel
import YAMLKit

@testable import KubernetesClient

/// YAML gives a document that can be written, or an error. A kubeconfig gives configurations that can be used as they
/// are, or errors of one kind.
enum KubeconfigProperties {
    /// A folder that does not exist, so that no file named by the input is read.
    private static let path = "/nonexistent/kubeconfig"

    static func check(_ bytes: [UInt8]) throws {
        if let document = try? YAMLNode.document(in: bytes) { try check(document) }
        let text = String(decoding: bytes, as: UTF8.self)
        var kubeconfig = Kubeconfig()
        if try succeeds({ try kubeconfig.merge(text, from: path) }) {
            for name in [nil] + kubeconfig.contexts.keys.sorted().prefix(4).map(Optional.init) {
                try check(kubeconfig, name)
            }
        }
        if let server = try? BaseURL(text) { try check(server) }
        let plugin = ExecPlugin(command: "plugin", origin: "the user")
        var credential: ExecPluginRunner.IssuedCredential?
        if try succeeds({ credential = try ExecPluginRunner.parse(bytes, of: plugin) }) {
            try require(credential?.token != nil || credential?.clientCertificate != nil, "a plugin gives a credential")
        }
    }

    private static func check(_ document: YAMLNode) throws {
        let json = Data(document.json.utf8)
        try require((try? JSONDecoder().decode(JSONValue.self, from: json)) != nil, "what is read is JSON's")
        let back = try YAMLNode.document(in: document.yaml.utf8)
        try require(back?.json == document.json, "what is written reads back the same")
    }

    private static func check(_ kubeconfig: Kubeconfig, _ context: String?) throws {
        var configuration: ClusterConfiguration?
        guard try succeeds({ configuration = try kubeconfig.configuration(context: context) }), let configuration
        else { return }
        try check(configuration.server)
        try require(
            !configuration.trust.skipsVerification || configuration.trust.authoritiesPEM == nil,
            "who vouches for a server is not passed over"
        )
        try require(!configuration.defaultNamespace.isEmpty, "there is a namespace")
        if case .exec(let plugin) = configuration.credential {
            try require(!plugin.command.isEmpty, "a plugin has a name")
        }
    }

    /// The request's target and authority must contain nothing else (RFC 9112, section 3.2).
    private static func check(_ server: BaseURL) throws {
        let places = [server.authority, server.pathPrefix]
        try require(places.allSatisfy { $0.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f } }, "a URL is visible ASCII")
        try require(!server.authority.utf8.contains { "/?#@\\".utf8.contains($0) }, "an authority is a host and a port")
        try require(!server.pathPrefix.utf8.contains { "?#".utf8.contains($0) }, "a path has no query")
        try require((try? BaseURL(server.description)) == server, "a URL that is written reads back the same")
    }

    /// - Returns: False for an input that is refused as it should be.
    private static func succeeds(_ read: () throws -> Void) throws -> Bool {
        do {
            try read()
            return true
        } catch let error as KubernetesError {
            try require(error.kind == .configuration, "a bad configuration is called one")
            return false
        } catch {
            throw BrokenProperty(description: "a bad configuration is called one, and not a \(type(of: error))")
        }
    }
}
