internal import Basics
internal import FoundationEssentials
import YAMLKit

/// The members of a kubeconfig file that this client reads (`clientcmd/api/v1`).
struct KubeconfigFile {
    struct Cluster {
        let server: String?
        let certificateAuthority: String?
        let certificateAuthorityData: String?
        let insecureSkipTLSVerify: Bool?
        let tlsServerName: String?
        let proxyURL: String?
        /// The cluster's information for exec plugins.
        let execExtension: JSONValue?

        fileprivate init(_ value: KubeconfigValue) throws {
            server = try value.text("server")
            certificateAuthority = try value.text("certificate-authority")
            certificateAuthorityData = try value.text("certificate-authority-data")
            insecureSkipTLSVerify = try value.flag("insecure-skip-tls-verify")
            tlsServerName = try value.text("tls-server-name")
            proxyURL = try value.text("proxy-url")
            let named = value.node["extensions"]?.elements?.first {
                $0["name"]?.text == "client.authentication.k8s.io/exec"
            }
            execExtension = try named?["extension"].map {
                try JSONDecoder().decode(JSONValue.self, from: Data($0.json.utf8))
            }
        }
    }

    struct Context {
        let cluster: String?
        let user: String?
        let namespace: String?

        fileprivate init(_ value: KubeconfigValue) throws {
            cluster = try value.text("cluster")
            user = try value.text("user")
            namespace = try value.text("namespace")
        }
    }

    struct User {
        let clientCertificate: String?
        let clientCertificateData: String?
        let clientKey: String?
        let clientKeyData: String?
        let token: String?
        let tokenFile: String?
        let username: String?
        let password: String?
        let exec: Exec?
        let impersonatedUser: String?
        let hasAuthProvider: Bool

        fileprivate init(_ value: KubeconfigValue) throws {
            clientCertificate = try value.text("client-certificate")
            clientCertificateData = try value.text("client-certificate-data")
            clientKey = try value.text("client-key")
            clientKeyData = try value.text("client-key-data")
            token = try value.text("token")
            tokenFile = try value.text("tokenFile")
            username = try value.text("username")
            password = try value.text("password")
            exec = try value.member("exec").map { try Exec($0) }
            impersonatedUser = try value.text("as")
            hasAuthProvider = try value.member("auth-provider") != nil
        }
    }

    struct Exec {
        let apiVersion: String?
        let command: String?
        let args: [String]
        let env: [(name: String, value: String)]
        let provideClusterInfo: Bool?
        let interactiveMode: String?

        fileprivate init(_ value: KubeconfigValue) throws {
            apiVersion = try value.text("apiVersion")
            command = try value.text("command")
            args = try value.elements("args").map { try $0.text() }
            env = try value.elements("env").map { (try $0.required("name").text(), try $0.required("value").text()) }
            provideClusterInfo = try value.flag("provideClusterInfo")
            interactiveMode = try value.text("interactiveMode")
        }
    }

    let currentContext: String?
    let clusters: [(name: String, value: Cluster)]
    let contexts: [(name: String, value: Context)]
    let users: [(name: String, value: User)]

    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/configuration`` that names the invalid value.
    init(_ document: YAMLNode, path: String) throws {
        let root = KubeconfigValue(node: document, place: "", path: path)
        currentContext = try root.text("current-context")
        clusters = try root.elements("clusters").map {
            (try $0.required("name").text(), try Cluster($0.required("cluster")))
        }
        contexts = try root.elements("contexts").map {
            (try $0.required("name").text(), try Context($0.required("context")))
        }
        users = try root.elements("users").map { (try $0.required("name").text(), try User($0.required("user"))) }
    }
}

/// A value and its position. Errors contain the position, but not the value, which may be a secret.
private struct KubeconfigValue {
    let node: YAMLNode
    /// For example `users[0].user`; empty for the document.
    let place: String
    let path: String

    private var hasWrongType: KubernetesError {
        KubernetesError(.configuration, "\(path): \(place.isEmpty ? "the document" : place) has the wrong type")
    }

    private func place(of key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

    /// A member of a mapping; `nil` if it is missing or null.
    func member(_ key: String) throws -> KubeconfigValue? {
        guard case .mapping(let members) = node else { throw hasWrongType }
        guard let member = members[key], !member.isNull else { return nil }
        return KubeconfigValue(node: member, place: place(of: key), path: path)
    }

    func required(_ key: String) throws -> KubeconfigValue {
        guard case .mapping(let members) = node else { throw hasWrongType }
        guard let member = members[key] else {
            throw KubernetesError(.configuration, "\(path): \(place(of: key)) is missing")
        }
        return KubeconfigValue(node: member, place: place(of: key), path: path)
    }

    /// The elements of a member; none if it is missing or null.
    func elements(_ key: String) throws -> [KubeconfigValue] {
        guard let member = try member(key) else { return [] }
        guard let elements = member.node.elements else { throw member.hasWrongType }
        return elements.enumerated().map {
            KubeconfigValue(node: $0.element, place: "\(member.place)[\($0.offset)]", path: path)
        }
    }

    /// The text of a scalar. As in kubectl, a number instead of a string is used as text.
    func text() throws -> String {
        guard let text = node.text else { throw hasWrongType }
        return text
    }

    func text(_ key: String) throws -> String? { try member(key)?.text() }

    /// A member that is true or false, in any spelling that kubectl accepts.
    func flag(_ key: String) throws -> Bool? {
        guard let member = try member(key) else { return nil }
        guard case .scalar(let text, isPlain: true) = member.node else { throw member.hasWrongType }
        switch text.lowercased() {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default: throw member.hasWrongType
        }
    }
}
