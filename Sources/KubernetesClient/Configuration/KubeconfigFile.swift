/// The members of a kubeconfig file that this client reads (`clientcmd/api/v1`).
struct KubeconfigFile: Decodable {
    struct Cluster: Decodable {
        let server: String?
        let certificateAuthority: String?
        let certificateAuthorityData: String?
        let insecureSkipTLSVerify: Bool?
        let tlsServerName: String?
        let proxyURL: String?

        enum CodingKeys: String, CodingKey {
            case server
            case certificateAuthority = "certificate-authority"
            case certificateAuthorityData = "certificate-authority-data"
            case insecureSkipTLSVerify = "insecure-skip-tls-verify"
            case tlsServerName = "tls-server-name"
            case proxyURL = "proxy-url"
        }
    }

    struct Context: Decodable {
        let cluster: String?
        let user: String?
        let namespace: String?
    }

    struct User: Decodable {
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
        let authProvider: AuthProvider?

        enum CodingKeys: String, CodingKey {
            case clientCertificate = "client-certificate"
            case clientCertificateData = "client-certificate-data"
            case clientKey = "client-key"
            case clientKeyData = "client-key-data"
            case token, tokenFile, username, password, exec
            case impersonatedUser = "as"
            case authProvider = "auth-provider"
        }
    }

    struct AuthProvider: Decodable {}

    struct Exec: Decodable {
        struct Variable: Decodable {
            let name: String
            let value: String
        }

        let apiVersion: String?
        let command: String?
        let args: [String]?
        let env: [Variable]?
        let provideClusterInfo: Bool?
        let interactiveMode: String?
    }

    private struct NamedCluster: Decodable {
        let name: String
        let cluster: Cluster
    }

    private struct NamedContext: Decodable {
        let name: String
        let context: Context
    }

    private struct NamedUser: Decodable {
        let name: String
        let user: User
    }

    let currentContext: String?
    let clusters: [(name: String, value: Cluster)]
    let contexts: [(name: String, value: Context)]
    let users: [(name: String, value: User)]

    private enum CodingKeys: String, CodingKey {
        case currentContext = "current-context"
        case clusters, contexts, users
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        currentContext = try container.decodeIfPresent(String.self, forKey: .currentContext)
        clusters = (try container.decodeIfPresent([NamedCluster].self, forKey: .clusters) ?? [])
            .map { ($0.name, $0.cluster) }
        contexts = (try container.decodeIfPresent([NamedContext].self, forKey: .contexts) ?? [])
            .map { ($0.name, $0.context) }
        users = (try container.decodeIfPresent([NamedUser].self, forKey: .users) ?? [])
            .map { ($0.name, $0.user) }
    }
}
