import Basics
import FoundationEssentials
import KubernetesClient
import TestSupport
import Testing

@Suite("ClusterConfiguration", .timeLimit(.minutes(10)))
struct ClusterConfigurationTests {
    private static let pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
    private static let pemData = Data(pem.utf8).base64EncodedString()

    private func kubeconfig(cluster: String = "server: https://c.example", user: String = "token: t0ken") -> String {
        """
        apiVersion: v1
        kind: Config
        preferences: {}
        current-context: main
        clusters:
        - name: c
          cluster: {\(cluster)}
        contexts:
        - name: main
          context: {cluster: c, user: u, namespace: previews}
        - name: other
          context: {cluster: c, user: ""}
        users:
        - name: u
          user: {\(user)}
        """
    }

    private func load(_ text: String, context: String? = nil) throws -> ClusterConfiguration {
        let folder = try TemporaryFolder()
        let path = try folder.write("config", text)
        try folder.write("ca.crt", Self.pem)
        try folder.write("key", "-----BEGIN PRIVATE KEY-----")
        try Data([0xff, 0xfe]).write(to: URL(filePath: "\(folder.path)/not-text"))
        return try ClusterConfiguration.discover(kubeconfig: path, context: context, environment: [:])
    }

    private func token(_ source: CredentialSource) -> String? {
        if case .token(let token) = source { token.value } else { nil }
    }

    @Test("The current context gives server, token and namespace; another one can be selected")
    func theSelectedContextGivesServerTokenAndNamespace() throws {
        let main = try load(kubeconfig())
        #expect(main.server.description == "https://c.example")
        #expect(main.defaultNamespace == "previews")
        #expect(token(main.credential) == "t0ken")
        let other = try load(kubeconfig(), context: "other")
        #expect(other.defaultNamespace == "default")
        #expect(token(other.credential) == nil)
    }

    @Test(
        "Without TLS a server gets a credential only on this machine",
        arguments: ["127.0.0.1:8001", "localhost", "[::1]:1"]
    )
    func withoutTLSOnlyALocalServerGetsACredential(authority: String) throws {
        #expect(token(try load(kubeconfig(cluster: "server: 'http://\(authority)'")).credential) == "t0ken")
        let elsewhere = try load(kubeconfig(cluster: "server: http://c.example"), context: "other")
        #expect(token(elsewhere.credential) == nil)
    }

    @Test("Certificates come from data or from files relative to the kubeconfig")
    func certificatesComeFromDataOrFromFilesRelativeToTheKubeconfig() throws {
        for (field, isFile) in [
            ("certificate-authority: ca.crt", true), ("certificate-authority-data: \(Self.pemData)", false),
        ] {
            let configuration = try load(kubeconfig(cluster: "server: https://c.example, \(field)"))
            #expect(configuration.trust == ServerTrust(authoritiesPEM: Self.pem))
            #expect(configuration.authoritiesPath?.hasSuffix("/ca.crt") == (isFile ? true : nil))
        }
        let user = "client-certificate-data: \(Self.pemData), client-key: key"
        let certificate = try load(kubeconfig(user: user)).clientCertificate
        #expect(certificate?.certificatePEM == Self.pem)
        #expect(certificate?.keyPEM.value == "-----BEGIN PRIVATE KEY-----")
    }

    @Test("Proxy, server name and disabled verification are applied")
    func proxyServerNameAndDisabledVerificationAreApplied() throws {
        let cluster =
            "server: https://c.example/prefix/, insecure-skip-tls-verify: true, proxy-url: 'http://p:3128', "
            + "tls-server-name: kubernetes"
        let configuration = try load(kubeconfig(cluster: cluster))
        #expect(
            configuration.trust
                == ServerTrust(skipsVerification: true, serverName: "kubernetes", proxyURL: "http://p:3128")
        )
        #expect(configuration.server.pathPrefix == "/prefix")
    }

    @Test("An exec plugin is found beside the kubeconfig or in PATH, and gets the cluster's data on request")
    func anExecPluginIsFoundBesideTheKubeconfigOrInPATH() throws {
        let user = """
            exec: {apiVersion: client.authentication.k8s.io/v1, command: ./bin/login, args: [a], \
            env: [{name: N, value: v}], interactiveMode: IfAvailable, provideClusterInfo: true}
            """
        guard case .exec(let plugin) = try load(kubeconfig(user: user)).credential else {
            Issue.record("no exec plugin")
            return
        }
        #expect(plugin.command.hasSuffix("/./bin/login") && plugin.command.hasPrefix("/"))
        #expect(plugin.arguments == ["a"] && plugin.environment == ["N": "v"])
        #expect(plugin.clusterInfo?.server == "https://c.example")
        let bare = "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: login, args: null, env: null}"
        guard case .exec(let second) = try load(kubeconfig(user: bare)).credential else {
            Issue.record("no exec plugin")
            return
        }
        #expect(second.command == "login" && second.clusterInfo == nil && second.apiVersion == .v1beta1)
    }

    @Test(
        "A fault in a kubeconfig is named, and no secret is quoted",
        arguments: [
            ("", "token: {hidden-secret: 1}", "users[0].user.token"),
            ("server: ftp://x", "token: hidden-secret", "server"),
            ("server: http://c.example", "token: hidden-secret", "only sent over https"),
            ("server: http://127.c.example", "username: a, password: hidden-secret", "only sent over https"),
            ("server: https://c.example, certificate-authority-data: hidden-secret", "", "certificate-authority-data"),
            ("server: https://c.example, certificate-authority: nowhere", "", "certificate-authority"),
            ("", "client-key-data: \(pemData)", "client-certificate is not"),
            ("", "username: a, password: hidden-secret, token: hidden-secret", "exclusive"),
            ("", "as: somebody, token: hidden-secret", "impersonation"),
            ("", "auth-provider: {name: gcp}", "auth-provider"),
            ("", "exec: {apiVersion: client.authentication.k8s.io/v1, command: x}", "interactiveMode"),
            ("", "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}", "apiVersion"),
            (
                "", "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Always}",
                "terminal"
            ),
            ("", "token: [hidden-secret", "line"),
            ("server: https://c.example, certificate-authority: /dev/zero", "token: hidden-secret", "larger"),
            ("server: https://c.example, certificate-authority: .", "token: hidden-secret", "cannot be read"),
            ("server: https://c.example, certificate-authority: not-text", "token: hidden-secret", "UTF-8"),
        ]
    )
    func anErrorOfAKubeconfigNamesTheFieldAndQuotesNoSecret(cluster: String, user: String, expected: String) throws {
        let text = kubeconfig(cluster: cluster.isEmpty ? "server: https://c.example" : cluster, user: user)
        let error = #expect(throws: KubernetesError.self) { try load(text) }
        #expect(error?.kind == .configuration)
        #expect(error?.explanation?.contains(expected) == true, "\(error?.explanation ?? "")")
        #expect(error?.explanation?.contains("hidden-secret") == false)
    }

    @Test("In $KUBECONFIG the first file that sets a value takes precedence, and missing files are skipped")
    func theFirstFileThatSetsAValueTakesPrecedence() throws {
        let folder = try TemporaryFolder()
        let first = try folder.write("first", "users: [{name: u, user: {token: first}}]\n")
        let second = try folder.write("second", kubeconfig())
        let list = "\(folder.path)/missing:\(first):\(second)"
        let configuration = try ClusterConfiguration.discover(environment: ["KUBECONFIG": list])
        #expect(token(configuration.credential) == "first")
        #expect(configuration.server.authority == "c.example")
        #expect(throws: KubernetesError.self) {
            try ClusterConfiguration.discover(environment: ["KUBECONFIG": "\(folder.path)/missing"])
        }
    }

    @Test("A pod's service account comes before the home folder and after $KUBECONFIG")
    func theServiceAccountComesBeforeTheHomeFolderAndAfterKUBECONFIG() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("config", kubeconfig())
        let pod = ["KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443", "HOME": folder.path]
        let explicit = try ClusterConfiguration.discover(
            environment: pod.merging(["KUBECONFIG": path]) { $1 }
        )
        #expect(explicit.server.authority == "c.example")
        let error = #expect(throws: KubernetesError.self) { try ClusterConfiguration.discover(environment: pod) }
        #expect(error?.explanation?.contains("serviceaccount") == true, "the home folder is not looked at in a pod")
        let none = #expect(throws: KubernetesError.self) {
            try ClusterConfiguration.discover(environment: ["HOME": folder.path])
        }
        #expect(none?.explanation?.contains(".kube/config") == true)
    }

    @Test("In a pod the address may be an IPv6 one, and the namespace is the service account's")
    func aPodUsesTheNamespaceOfItsServiceAccountAndAnIPv6Address() throws {
        let folder = try TemporaryFolder()
        try folder.write("ca.crt", Self.pem)
        try folder.write("token", "t")
        try folder.write("namespace", "previews\n")
        let environment = ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"]
        let configuration = try #require(
            try ClusterConfiguration.inCluster(environment: environment, directory: folder.path)
        )
        #expect(configuration.server.description == "https://[fd00::1]:6443")
        #expect(configuration.defaultNamespace == "previews")
        #expect(configuration.trust.authoritiesPEM == Self.pem)
        #expect(configuration.authoritiesPath == "\(folder.path)/ca.crt")
        guard case .tokenFile(let path) = configuration.credential else {
            Issue.record("the token is not re-read")
            return
        }
        #expect(path == "\(folder.path)/token")
        #expect(try ClusterConfiguration.inCluster(environment: [:]) == nil)
    }

    @Test(
        "A server is an http or https URL with a host",
        arguments: ["", "c.example", "ftp://c.example", "https://", "https://u:p@c.example", "https://c.example?x=1"]
    )
    func anInvalidServerURLIsRefused(text: String) {
        #expect((try? BaseURL(text)) == nil)
    }
}
