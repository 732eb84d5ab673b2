import Basics
import FoundationEssentials
import YAMLKit

/// One or several kubeconfig files, merged as kubectl merges them.
///
/// For a cluster, context or user that several files define, the first file is used completely, and so is the first
/// `current-context` (Kubernetes documentation, "Organizing Cluster Access Using kubeconfig Files").
struct Kubeconfig: Sendable {
    /// The largest kubeconfig file, or file named by one, that is accepted.
    static let maxFileBytes = 4 * 1024 * 1024

    /// An entry, and the file that contains it.
    struct Entry<Value: Sendable>: Sendable {
        let value: Value
        let path: String
    }

    private(set) var currentContext: String?
    private(set) var clusters: [String: Entry<KubeconfigFile.Cluster>] = [:]
    private(set) var contexts: [String: Entry<KubeconfigFile.Context>] = [:]
    private(set) var users: [String: Entry<KubeconfigFile.User>] = [:]
    /// The files read, for error messages.
    private(set) var paths: [String] = []

    /// Loads and merges files.
    ///
    /// - Parameters:
    ///   - paths: The files, the most important one first.
    ///   - mustExist: Whether a missing file is an error. In `$KUBECONFIG` missing files are skipped.
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/configuration`` that names the file.
    static func load(paths: [String], mustExist: Bool) throws -> Kubeconfig {
        var merged = Kubeconfig()
        for path in paths where !path.isEmpty {
            if !mustExist, !FileManager.default.fileExists(atPath: path) { continue }
            let text = try KubernetesError.readingFile(path, maxBytes: maxFileBytes, field: "kubeconfig")
            try merged.merge(text, from: path)
        }
        guard !merged.paths.isEmpty else {
            throw KubernetesError(.configuration, "no kubeconfig file exists at \(paths.joined(separator: ":"))")
        }
        return merged
    }

    /// Adds the entries of the file at `path` that no earlier file defines.
    mutating func merge(_ text: String, from path: String) throws {
        let document: YAMLNode?
        do { document = try YAMLNode.document(in: text.utf8) } catch {
            throw KubernetesError(.configuration, "\(path): is not YAML (\(error))")
        }
        guard let document else {
            paths.append(path)
            return
        }
        let file = try KubeconfigFile(document, path: path)
        paths.append(path)
        if currentContext == nil, let context = file.currentContext, !context.isEmpty { currentContext = context }
        for (name, value) in file.clusters where clusters[name] == nil {
            clusters[name] = Entry(value: value, path: path)
        }
        for (name, value) in file.contexts where contexts[name] == nil {
            contexts[name] = Entry(value: value, path: path)
        }
        for (name, value) in file.users where users[name] == nil {
            users[name] = Entry(value: value, path: path)
        }
    }
}

extension Kubeconfig {
    /// The cluster and credential of a context.
    ///
    /// - Parameter name: The context; the current one if `nil`.
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/configuration`` that names the file and the field,
    ///   never a secret.
    func configuration(context name: String?) throws -> ClusterConfiguration {
        let files = paths.joined(separator: ":")
        guard let contextName = name ?? currentContext else {
            throw KubernetesError(.configuration, "\(files): current-context is not set")
        }
        guard let context = contexts[contextName] else {
            throw KubernetesError(.configuration, "\(files): there is no context \(contextName)")
        }
        guard let clusterName = context.value.cluster, let cluster = clusters[clusterName] else {
            throw KubernetesError(
                .configuration,
                "\(context.path): the cluster of context \(contextName) does not exist"
            )
        }
        let place = "\(cluster.path): cluster \(clusterName)"
        guard let text = cluster.value.server, let server = try? BaseURL(text) else {
            throw KubernetesError(.configuration, "\(place): server is missing or is not an http or https URL")
        }
        var configuration = ClusterConfiguration(
            server: server,
            trust: try trust(cluster, place),
            authoritiesPath: authoritiesPath(cluster),
            defaultNamespace: context.value.namespace.flatMap { $0.isEmpty ? nil : $0 } ?? "default"
        )
        if let userName = context.value.user, !userName.isEmpty {
            guard let user = users[userName] else {
                throw KubernetesError(.configuration, "\(context.path): there is no user \(userName)")
            }
            let place = "\(user.path): user \(userName)"
            configuration.clientCertificate = try clientCertificate(user, place)
            configuration.credential = try credential(user, place, clusterName, configuration)
            if case .none = configuration.credential { return configuration }
            guard server.scheme == "https" || server.isLoopback else {
                throw KubernetesError(
                    .configuration,
                    "\(place): its credential is only sent over https, and the server of cluster \(clusterName) is an http URL"
                )
            }
        }
        return configuration
    }

    private func trust(_ cluster: Entry<KubeconfigFile.Cluster>, _ place: String) throws -> ServerTrust {
        let value = cluster.value
        let skips = value.insecureSkipTLSVerify ?? false
        let authorities = try pem(
            data: value.certificateAuthorityData,
            file: value.certificateAuthority,
            field: "certificate-authority",
            in: cluster.path,
            place
        )
        guard !skips || authorities == nil else {
            throw KubernetesError(
                .configuration,
                "\(place): insecure-skip-tls-verify and certificate-authority are mutually exclusive"
            )
        }
        return ServerTrust(
            authoritiesPEM: authorities,
            skipsVerification: skips,
            serverName: value.tlsServerName.flatMap { $0.isEmpty ? nil : $0 },
            proxyURL: value.proxyURL.flatMap { $0.isEmpty ? nil : $0 }
        )
    }

    private func authoritiesPath(_ cluster: Entry<KubeconfigFile.Cluster>) -> String? {
        guard (cluster.value.certificateAuthorityData ?? "").isEmpty, let file = cluster.value.certificateAuthority,
            !file.isEmpty
        else { return nil }
        return Self.resolve(file, relativeTo: cluster.path)
    }

    private func clientCertificate(
        _ user: Entry<KubeconfigFile.User>,
        _ place: String
    ) throws -> ClientCertificate? {
        let value = user.value
        let certificate = try pem(
            data: value.clientCertificateData,
            file: value.clientCertificate,
            field: "client-certificate",
            in: user.path,
            place
        )
        let key = try pem(
            data: value.clientKeyData,
            file: value.clientKey,
            field: "client-key",
            in: user.path,
            place
        )
        switch (certificate, key) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return ClientCertificate(certificatePEM: certificate, keyPEM: Secret(key))
        case (nil, _):
            throw KubernetesError(.configuration, "\(place): client-key is set but client-certificate is not")
        case (_, nil):
            throw KubernetesError(.configuration, "\(place): client-certificate is set but client-key is not")
        }
    }

    /// Inline data wins over a file, as in client-go.
    private func pem(
        data: String?,
        file: String?,
        field: String,
        in path: String,
        _ place: String
    ) throws -> String? {
        if let data, !data.isEmpty {
            guard let bytes = Data(base64Encoded: data, options: .ignoreUnknownCharacters),
                let text = String(data: bytes, encoding: .utf8), text.contains("-----BEGIN")
            else { throw KubernetesError(.configuration, "\(place): \(field)-data is not base64 of PEM") }
            return text
        }
        guard let file, !file.isEmpty else { return nil }
        return try KubernetesError.readingFile(
            Self.resolve(file, relativeTo: path),
            maxBytes: Self.maxFileBytes,
            field: "\(field) of \(place)"
        )
    }

    /// Paths in a kubeconfig are relative to the file that names them.
    static func resolve(_ file: String, relativeTo path: String) -> String {
        if file.hasPrefix("/") { return file }
        guard let slash = path.lastIndex(of: "/") else { return "./" + file }
        return String(path[...slash]) + file
    }

    private func credential(
        _ user: Entry<KubeconfigFile.User>,
        _ place: String,
        _ clusterName: String,
        _ configuration: ClusterConfiguration
    ) throws -> CredentialSource {
        let value = user.value
        guard value.impersonatedUser == nil else {
            throw KubernetesError(.configuration, "\(place): impersonation (as) is not supported")
        }
        guard !value.hasAuthProvider else {
            throw KubernetesError(.configuration, "\(place): auth-provider is not supported; use an exec plugin")
        }
        let file = value.tokenFile.flatMap { $0.isEmpty ? nil : $0 }
        let token = value.token.flatMap { $0.isEmpty ? nil : $0 }
        let username = value.username.flatMap { $0.isEmpty ? nil : $0 }
        guard username == nil || (file == nil && token == nil) else {
            throw KubernetesError(.configuration, "\(place): username and token are mutually exclusive")
        }
        // As in client-go a token file wins over a token, and either over an exec plugin.
        if let file { return .tokenFile(path: Self.resolve(file, relativeTo: user.path)) }
        if let token { return .token(Secret(token)) }
        if let username { return .basic(username: username, password: Secret(value.password ?? "")) }
        guard let exec = value.exec else { return .none }
        return .exec(try plugin(exec, user.path, place, clusterName, configuration))
    }

    private func plugin(
        _ exec: KubeconfigFile.Exec,
        _ path: String,
        _ place: String,
        _ clusterName: String,
        _ configuration: ClusterConfiguration
    ) throws -> ExecPlugin {
        guard let command = exec.command, !command.isEmpty else {
            throw KubernetesError(.configuration, "\(place): exec.command is missing")
        }
        guard let version = exec.apiVersion.flatMap({ ExecPlugin.APIVersion(rawValue: $0) }) else {
            let known = ExecPlugin.APIVersion.allCases.map(\.rawValue).joined(separator: " or ")
            throw KubernetesError(.configuration, "\(place): exec.apiVersion must be \(known)")
        }
        switch exec.interactiveMode {
        case "Never", "IfAvailable": break
        case nil where version == .v1beta1: break
        case "Always":
            throw KubernetesError(.configuration, "\(place): exec.interactiveMode Always requires a terminal")
        default:
            throw KubernetesError(.configuration, "\(place): exec.interactiveMode must be Never or IfAvailable")
        }
        return ExecPlugin(
            // A bare name is looked up in PATH; anything with a slash is relative to the kubeconfig.
            command: command.contains("/") ? Self.resolve(command, relativeTo: path) : command,
            arguments: exec.args,
            environment: Dictionary(exec.env.map { ($0.name, $0.value) }) { _, last in last },
            apiVersion: version,
            clusterInfo: exec.provideClusterInfo == true ? clusterInfo(clusterName, configuration) : nil,
            origin: place
        )
    }

    private func clusterInfo(_ name: String, _ configuration: ClusterConfiguration) -> ExecClusterInfo {
        let trust = configuration.trust
        return ExecClusterInfo(
            server: configuration.server.description,
            tlsServerName: trust.serverName,
            insecureSkipTLSVerify: trust.skipsVerification ? true : nil,
            certificateAuthorityData: trust.authoritiesPEM.map { Data($0.utf8).base64EncodedString() },
            proxyURL: trust.proxyURL,
            config: clusters[name]?.value.execExtension
        )
    }
}
