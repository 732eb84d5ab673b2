import CurlHTTP
import DevelopmentCertificates
import HTTPTransport
import HTTPTypes
import Hummingbird
import Synchronization
import TestPeers
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct CurlTransportHTTP2Tests {
    /// Holds all callers until `size` of them have arrived.
    private actor Barrier {
        private let size: Int
        private var waiters: [CheckedContinuation<Void, Never>] = []

        init(size: Int) {
            self.size = size
        }

        func arrive() async {
            await withCheckedContinuation { continuation in
                waiters.append(continuation)
                guard waiters.count == size else { return }
                for waiter in waiters { waiter.resume() }
                waiters.removeAll()
            }
        }
    }

    @Test func aHundredRequestsAreUnderWayAtOnceOnOneConnection() async throws {
        let certificates = try CertificateAuthority()
        let barrier = Barrier(size: 100)
        try await HTTPSPeer.run(.init(.http2, identity: certificates.issue())) { request, _ in
            await barrier.arrive()
            return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: request.uri.path)))
        } _: { peer in
            try await withTransport(.init(tls: .trusting(certificates), maxConnections: 1)) { transport in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<100 {
                        group.addTask {
                            let (_, body) = try await transport.collect(
                                request(to: peer.authority, "/\(index)"),
                                maxBodyBytes: 100
                            )
                            #expect(String(decoding: body, as: UTF8.self) == "/\(index)")
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(peer.connectionCount == 1)
            }
        }
    }

    @Test func cancellingOneRequestLeavesTheConnectionToTheOthers() async throws {
        let certificates = try CertificateAuthority()
        try await HTTPSPeer.run(.init(.http2, identity: certificates.issue())) { request, _ in
            if request.uri.path == "/never" { try await waitUntilTheClientGivesUp(request) }
            return Response(status: .ok)
        } _: { peer in
            try await withTransport(.init(tls: .trusting(certificates))) { transport in
                _ = try await transport.collect(request(to: peer.authority), maxBodyBytes: 0)
                for _ in 0..<20 {
                    let kind = await kindOfError {
                        let never = request(to: peer.authority, "/never", timeout: .milliseconds(5))
                        _ = try await transport.collect(never, maxBodyBytes: 0)
                    }
                    #expect(kind == .timedOut)
                    _ = try await transport.collect(request(to: peer.authority), maxBodyBytes: 0)
                }
                #expect(peer.connectionCount == 1)
            }
        }
    }

    /// The peer closes a connection after 200 resets, which libcurl before 8.1 reaches after 200 requests.
    @Test func aPeerThatClosesItsConnectionDoesNotFailReads() async throws {
        let certificates = try CertificateAuthority()
        try await HTTPSPeer.run(.init(.http2, identity: certificates.issue())) { _, _ in
            Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: "ok")))
        } _: { peer in
            try await withTransport(.init(tls: .trusting(certificates))) { transport in
                for _ in 0..<1_000 {
                    let (_, body) = try await transport.collect(request(to: peer.authority), maxBodyBytes: 2)
                    #expect(body == Array("ok".utf8))
                }
            }
        }
    }

    @Test func bodiesAndHostsTravelOverHTTP2() async throws {
        let certificates = try CertificateAuthority()
        try await HTTPSPeer.run(.init(.http2, identity: certificates.issue())) { request, _ in
            let body = try await request.body.collect(upTo: 2_000_000)
            let text = "\(request.method) \(request.head.authority ?? "") \(body.readableBytes)"
            return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: text)))
        } _: { peer in
            try await withTransport(.init(tls: .trusting(certificates))) { transport in
                let host = try #require(HTTPField.Name("Host"))
                for (method, count) in [(HTTPRequest.Method.patch, 1_000_000), (.post, 0), (.delete, 2)] {
                    let sent = request(
                        method,
                        to: peer.authority,
                        fields: [host: "preview.test"],
                        body: Array(repeating: 1, count: count)
                    )
                    let (_, body) = try await transport.collect(sent, maxBodyBytes: 100)
                    #expect(String(decoding: body, as: UTF8.self) == "\(method) preview.test \(count)")
                }
            }
        }
    }
}
