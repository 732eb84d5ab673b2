import Basics
import CoreAPI
import CurlHTTP
import DevelopmentCertificates
import HTTPTypes
import Hummingbird
import PreviewDomain
import TestPeers
import TestSupport
import Testing

/// The client with its real transport, against a real server.
@Suite(.timeLimit(.minutes(10))) struct CoreAPIPeerTests {
    @Test func oneConnectionServesReadsAndEvents() async throws {
        let run = try RunID("run-1")
        let certificates = try CertificateAuthority()
        let configuration = HTTPSPeer.Configuration(.http2, identity: try certificates.issue())
        try await HTTPSPeer.run(configuration) { request, _ in
            let status: HTTPResponse.Status = request.uri.path.hasSuffix("/events") ? .accepted : .ok
            return Response(
                status: status,
                body: ResponseBody(byteBuffer: .init(string: #"{"status": "running"}"#))
            )
        } _: { peer in
            let transport = try CurlTransport(
                configuration: CurlConfiguration(
                    tls: CurlHTTP.TLSConfiguration(caPEM: Array(certificates.certificatePEM.utf8))
                )
            )
            let client = CoreAPIClient(base: try BaseURL("https://\(peer.authority)/"), transport: transport)
            let read = try await client.run(run, bearer: "one")
            try await client.post(event: Array("three".utf8), of: run, bearer: "3")
            #expect(read.status == "running")
            #expect(peer.connectionCount == 1)
            await transport.shutdown()
        }
    }

    @Test func aRunIsReadAlthoughTheOpenConnectionIsDead() async throws {
        let run = try RunID("run-1")
        let certificates = try CertificateAuthority()
        let configuration = HTTPSPeer.Configuration(.http2, identity: try certificates.issue())
        try await HTTPSPeer.run(configuration) { _, _ in
            Response(status: .ok, body: ResponseBody(byteBuffer: .init(string: "{}")))
        } _: { peer in
            try await MutingProxy.run(to: peer.port) { proxy in
                let transport = try CurlTransport(
                    configuration: CurlConfiguration(
                        tls: CurlHTTP.TLSConfiguration(caPEM: Array(certificates.certificatePEM.utf8)),
                        maxSilence: .milliseconds(100)
                    )
                )
                let base = try BaseURL("https://\(proxy.authority)")
                let client = CoreAPIClient(base: base, transport: transport)
                _ = try await client.run(run, bearer: "one")
                proxy.muteOpenConnections()
                _ = try await client.run(run, bearer: "one")
                await transport.shutdown()
            }
        }
    }
}
