import CoreAPI
import CurlHTTP
import DevelopmentCertificates
import HTTPTypes
import Hummingbird
import PreviewDomain
import TestSupport
import Testing

/// The client with its real transport, against a real server.
@Suite struct CoreAPIPeerTests {
    @Test func oneConnectionServesReadsDecisionsAndEvents() async throws {
        let run = try RunID("run-1")
        let certificates = try CertificateAuthority()
        let configuration = HTTPSPeer.Configuration(.http2, identity: try certificates.issue())
        let requests = try await HTTPSPeer.run(configuration) { request, _ in
            let body = String(buffer: try await request.body.collect(upTo: 1024))
            let line = "\(request.method.rawValue) \(request.uri.path) \(request.headers[.authorization] ?? "") \(body)"
            let status: HTTPResponse.Status = request.uri.path.hasSuffix("/events") ? .accepted : .ok
            return Response(
                status: status,
                body: ResponseBody(byteBuffer: .init(string: #"{"status": "running", "seen": "\#(line)"}"#))
            )
        } _: { peer in
            let transport = try CurlTransport(
                configuration: CurlConfiguration(
                    tls: CurlHTTP.TLSConfiguration(caPEM: Array(certificates.certificatePEM.utf8))
                )
            )
            let client = CoreAPIClient(base: try CoreAPIBaseURL("https://\(peer.authority)/"), transport: transport)
            let read = try await client.run(run, bearer: "one")
            let answer = try await client.forwardDecision(.approvals, of: run, body: Array("two".utf8), bearer: "2")
            try await client.post(event: Array("three".utf8), of: run, bearer: "3")
            #expect(read.status == "running")
            #expect(peer.connectionCount == 1)
            await transport.shutdown()
            return String(decoding: answer.body, as: UTF8.self)
        }
        #expect(requests.contains("POST /api/runs/run-1/tool-approvals Bearer 2 two"))
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
                let base = try CoreAPIBaseURL("https://\(proxy.authority)")
                let client = CoreAPIClient(base: base, transport: transport)
                _ = try await client.run(run, bearer: "one")
                proxy.muteOpenConnections()
                _ = try await client.run(run, bearer: "one")
                await transport.shutdown()
            }
        }
    }
}
