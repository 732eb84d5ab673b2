import ArgumentParser
import DevelopmentCertificates
import Foundation
import Hummingbird
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL

/// A route that does nothing, over TLS, for the comparison of HTTP clients.
struct EchoServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo-server",
        abstract: "Serve a route that does nothing.",
        shouldDisplay: false
    )

    struct Address: Codable, Sendable {
        let port: Int
        let authorityPEM: String
    }

    /// About the size of the metadata of a route.
    static let bodyBytes = 1_024

    func run() async throws {
        let authority = try CertificateAuthority()
        let identity = try authority.issue()
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(identity.certificatePEM.utf8)).map {
                .certificate($0)
            },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(identity.privateKeyPEM.utf8), format: .pem))
        )
        tls.applicationProtocols = ["http/1.1"]
        let body = ByteBuffer(repeating: UInt8(ascii: "x"), count: Self.bodyBytes)
        let router = Router()
        router.get("echo") { _, _ in
            Response(status: .ok, headers: [.contentType: "text/plain"], body: .init(byteBuffer: body))
        }
        var logger = Logger(label: "bench")
        logger.logLevel = .critical
        let (ports, source) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            router: router,
            server: try .tls(tlsConfiguration: tls),
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { source.yield($0.localAddress?.port ?? 0) },
            logger: logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            for await port in ports {
                try ParentLink.answer(Address(port: port, authorityPEM: authority.certificatePEM))
                break
            }
            for await _ in ParentLink.questions() {}
            group.cancelAll()
        }
    }
}
