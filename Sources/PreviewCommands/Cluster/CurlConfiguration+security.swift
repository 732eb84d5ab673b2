internal import Basics
internal import CurlHTTP
internal import KubernetesClient

extension CurlConfiguration {
    /// How libcurl is to reach the API server that a kubeconfig or a service account names.
    init(_ security: TransportSecurity) {
        self.init(
            tls: TLSConfiguration(
                caPEM: security.trust.authoritiesPEM.map { Array($0.utf8) },
                clientIdentity: security.clientCertificate.map { certificate in
                    TLSConfiguration.ClientIdentity(
                        certificatePEM: Array(certificate.certificatePEM.utf8),
                        privateKeyPEM: Array(certificate.keyPEM.value.utf8)
                    )
                },
                serverName: security.trust.serverName,
                insecureSkipVerify: security.trust.skipsVerification
            ),
            proxy: security.trust.proxyURL.map { .url($0) } ?? .none
        )
    }
}
