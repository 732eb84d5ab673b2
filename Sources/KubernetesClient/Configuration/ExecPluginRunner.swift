public import Basics
import FoundationEssentials
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Runs exec plugins and reads their output.
struct ExecPluginRunner: Sendable {
    /// The result of a plugin.
    struct IssuedCredential: Sendable {
        let token: Secret?
        let clientCertificate: ClientCertificate?
        /// When to run it again; `nil` if only a rejection shows that.
        let expiration: Date?
    }

    /// The time after which a plugin is killed.
    static let deadline: Duration = .seconds(30)
    /// The time that a plugin has to end after SIGTERM.
    static let terminationGrace: Duration = .seconds(2)
    /// The largest output accepted.
    static let maxOutputBytes = 1024 * 1024

    let clock: any Clock<Duration>

    /// Runs `plugin` once.
    ///
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/configuration``; it does not contain the plugin's
    ///   output, since that may contain a secret.
    func run(_ plugin: ExecPlugin) async throws -> IssuedCredential {
        let output = try await clock.withDeadline(Self.deadline) {
            try await Self.output(of: plugin)
        } onTimeout: {
            KubernetesError(
                .configuration,
                "\(plugin.origin): the exec plugin did not respond within \(Self.deadline.components.seconds) seconds"
            )
        }
        return try Self.parse(output, of: plugin)
    }

    private static func output(of plugin: ExecPlugin) async throws -> [UInt8] {
        let request = try JSONEncoder().encode(ExecCredentialRequest(plugin: plugin))
        var environment: [Environment.Key: String?] = [
            "KUBERNETES_EXEC_INFO": String(decoding: request, as: UTF8.self)
        ]
        for (name, value) in plugin.environment {
            guard let key = Environment.Key(rawValue: name) else { continue }
            environment[key] = value
        }
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: terminationGrace)]
        do {
            let result = try await Subprocess.run(
                plugin.command.contains("/") ? .path(FilePath(plugin.command)) : .name(plugin.command),
                arguments: Arguments(plugin.arguments),
                environment: .inherit.updating(environment),
                platformOptions: options,
                output: .bytes(limit: maxOutputBytes),
                error: .discarded
            )
            guard result.terminationStatus.isSuccess else {
                throw KubernetesError(
                    .configuration,
                    "\(plugin.origin): the exec plugin \(plugin.command) failed (\(result.terminationStatus))"
                )
            }
            return result.standardOutput
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            let reason =
                switch error.code {
                case .executableNotFound: "was not found"
                case .outputLimitExceeded: "printed more than \(maxOutputBytes) bytes"
                default: "could not be run"
                }
            throw KubernetesError(.configuration, "\(plugin.origin): the exec plugin \(plugin.command) \(reason)")
        }
    }

    static func parse(_ output: [UInt8], of plugin: ExecPlugin) throws -> IssuedCredential {
        func failure(_ reason: String) -> KubernetesError {
            KubernetesError(.configuration, "\(plugin.origin): the exec plugin \(plugin.command) \(reason)")
        }
        guard let response = try? JSONDecoder().decode(ExecCredentialResponse.self, from: Data(output)),
            response.kind == "ExecCredential"
        else { throw failure("did not print an ExecCredential") }
        guard response.apiVersion == plugin.apiVersion.rawValue else {
            throw failure("printed an apiVersion other than \(plugin.apiVersion.rawValue)")
        }
        guard let status = response.status else { throw failure("printed no status") }
        let certificate: ClientCertificate? =
            switch (status.clientCertificateData, status.clientKeyData) {
            case (let pem?, let key?) where !pem.isEmpty && !key.isEmpty:
                ClientCertificate(certificatePEM: pem, keyPEM: Secret(key))
            case (nil, nil): nil
            default: throw failure("printed a client certificate without its key, or a key without its certificate")
            }
        let token = status.token.flatMap { $0.isEmpty ? nil : Secret($0) }
        guard token != nil || certificate != nil else { throw failure("printed neither a token nor a certificate") }
        let expiration = try status.expirationTimestamp.map { text in
            guard let date = RFC3339.date(text) else { throw failure("printed an invalid expirationTimestamp") }
            return date
        }
        return IssuedCredential(token: token, clientCertificate: certificate, expiration: expiration)
    }
}

/// The cluster information for an exec plugin (`client.authentication.k8s.io` `Cluster`).
public struct ExecClusterInfo: Codable, Hashable, Sendable {
    public var server: String
    public var tlsServerName: String?
    public var insecureSkipTLSVerify: Bool?
    /// The certification authorities in PEM, base64.
    public var certificateAuthorityData: String?
    public var proxyURL: String?
    /// The cluster's extension named `client.authentication.k8s.io/exec`.
    public var config: JSONValue?

    private enum CodingKeys: String, CodingKey {
        case server, config
        case tlsServerName = "tls-server-name"
        case insecureSkipTLSVerify = "insecure-skip-tls-verify"
        case certificateAuthorityData = "certificate-authority-data"
        case proxyURL = "proxy-url"
    }
}

/// The document in `KUBERNETES_EXEC_INFO` for an exec plugin.
struct ExecCredentialRequest: Encodable {
    struct Spec: Encodable {
        /// Always false: a service has no terminal to ask its user.
        let interactive = false
        let cluster: ExecClusterInfo?
    }

    let apiVersion: String
    let kind = "ExecCredential"
    let spec: Spec

    init(plugin: ExecPlugin) {
        apiVersion = plugin.apiVersion.rawValue
        spec = Spec(cluster: plugin.clusterInfo)
    }
}

/// The document that an exec plugin prints.
struct ExecCredentialResponse: Decodable {
    struct Status: Decodable {
        let token: String?
        let clientCertificateData: String?
        let clientKeyData: String?
        let expirationTimestamp: String?
    }

    let apiVersion: String
    let kind: String
    let status: Status?
}
