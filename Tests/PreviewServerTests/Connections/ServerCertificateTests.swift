import CurlHTTP
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Hummingbird
import NIOCore
import TestSupport
import Testing

@testable import PreviewServer

@Suite("HTTP over TLS", .timeLimit(.minutes(1)))
struct ServerCertificateTests {
    /// The files of a certificate, in a folder of their own.
    fileprivate struct Files {
        let folder: URL
        var certificate: String { folder.appending(path: "tls.crt").path }
        var key: String { folder.appending(path: "tls.key").path }

        init() throws {
            folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }

        func write(_ identity: TestCertificates.Identity) throws {
            try write(certificatePEM: identity.certificatePEM, privateKeyPEM: identity.privateKeyPEM)
        }

        func write(certificatePEM: String, privateKeyPEM: String) throws {
            try Data(certificatePEM.utf8).write(to: URL(filePath: certificate), options: .atomic)
            try Data(privateKeyPEM.utf8).write(to: URL(filePath: key), options: .atomic)
        }
    }

    private func run(
        _ limits: ConnectionLimits = ConnectionLimits(),
        certificate: ServerCertificate,
        _ body: @escaping @Sendable (_ port: Int) async throws -> Void
    ) async throws {
        let tls = try certificate.tlsConfiguration()
        try await LiveServer.run { onRunning in
            Application(
                responder: CallbackResponder<PreviewRequestContext> { request, context in
                    do {
                        return try await BodyLimitMiddleware().handle(request, context: context) { request, context in
                            _ = try await request.body.collect(upTo: context.maxUploadSize)
                            let isStream = "\(type(of: context.channel))".contains("HTTP2")
                            let version = ByteBuffer(string: isStream ? "HTTP/2" : "HTTP/1")
                            return Response(status: .ok, body: ResponseBody(byteBuffer: version))
                        }
                    } catch {
                        return try APIError(error, context: context).response(from: request, context: context)
                    }
                },
                server: .watched(limits, tls: tls),
                configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: onRunning,
                logger: .silent
            )
        } _: { port, _ in
            try await body(port)
        }
    }

    /// Asks over connections of its own, as somebody who trusts one authority.
    private static func ask(
        _ port: Int,
        trusting authority: TestCertificates,
        body: [UInt8] = [],
        asStream: Bool = false
    ) async throws -> (status: Int, body: String) {
        let transport = try CurlTransport(
            configuration: CurlConfiguration(tls: TLSConfiguration(caPEM: Array(authority.authorityPEM.utf8)))
        )
        let request = TransportRequest(
            head: HTTPRequest(method: .post, scheme: "https", authority: "127.0.0.1:\(port)", path: "/"),
            body: body,
            timeout: asStream ? nil : .seconds(10)
        )
        let result: Result<(head: HTTPResponse, body: [UInt8]), any Error>
        do {
            result = .success(try await transport.collect(request, maxBodyBytes: 1 << 16))
        } catch {
            result = .failure(error)
        }
        await transport.shutdown()
        let answer = try result.get()
        return (answer.head.status.code, String(decoding: answer.body, as: UTF8.self))
    }

    @Test func clientsGetTheNewestProtocolThatTheyOffer() async throws {
        let files = try Files()
        let authority = try TestCertificates()
        try files.write(authority.identity())
        try await run(certificate: files.load()) { port in
            let modern = try await Self.ask(port, trusting: authority)
            #expect(modern.body == "HTTP/2")
            let older = try await Self.ask(port, trusting: authority, asStream: true)
            #expect(older.body == "HTTP/1")
        }
    }

    @Test func aBodyThatIsTooLargeIsA413OverHTTP2Too() async throws {
        let files = try Files()
        let authority = try TestCertificates()
        try files.write(authority.identity())
        try await run(certificate: files.load()) { port in
            let answer = try await Self.ask(port, trusting: authority, body: Array(repeating: 120, count: 1 << 20))
            #expect(answer.status == 413)
        }
    }

    @Test func aNewCertificateIsShownWithoutARestart() async throws {
        let files = try Files()
        let (old, new) = (try TestCertificates(commonName: "old"), try TestCertificates(commonName: "new"))
        try files.write(old.identity())
        let certificate = try files.load()
        try await run(certificate: certificate) { port in
            #expect(try await Self.ask(port, trusting: old).status == 200)
            try files.write(new.identity())
            try certificate.reload()
            #expect(try await Self.ask(port, trusting: new).status == 200)
            await #expect(throws: TransportError.self) { try await Self.ask(port, trusting: old) }
        }
    }

    @Test func aPairThatCannotBeUsedChangesNothing() async throws {
        let files = try Files()
        let authority = try TestCertificates()
        try files.write(authority.identity())
        let certificate = try files.load()
        try await run(certificate: certificate) { port in
            let (one, other) = (try authority.identity(), try authority.identity())
            for (certificatePEM, privateKeyPEM) in [
                (one.certificatePEM, other.privateKeyPEM), ("", one.privateKeyPEM), (one.certificatePEM, "half a k"),
            ] {
                try files.write(certificatePEM: certificatePEM, privateKeyPEM: privateKeyPEM)
                #expect(throws: (any Error).self) { try certificate.reload() }
                #expect(try await Self.ask(port, trusting: authority).status == 200)
            }
        }
    }

    @Test func aPairThatCannotBeUsedAtTheStartIsAnError() throws {
        let files = try Files()
        #expect(throws: (any Error).self) { try files.load() }
    }

    @Test func aHandshakeThatNeverEndsIsCutOff() async throws {
        let files = try Files()
        try files.write(TestCertificates().identity())
        var limits = ConnectionLimits()
        limits.headTimeout = .milliseconds(50)
        try await run(limits, certificate: files.load()) { port in
            let client = try await RawClient.connect(to: port)
            // The beginning of a TLS record that never ends.
            try await client.send("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}")
            _ = await client.receiveAll()
        }
    }
}

extension ServerCertificateTests.Files {
    func load() throws -> ServerCertificate {
        try ServerCertificate(certificateFile: certificate, privateKeyFile: key, logger: .silent)
    }
}
