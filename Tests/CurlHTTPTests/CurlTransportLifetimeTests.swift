import FoundationEssentials
import HTTPTransport
import HTTPTypes
import TestPeers
import TestSupport
import Testing

@testable import CurlHTTP

@Suite(.timeLimit(.minutes(2))) struct CurlTransportLifetimeTests {
    /// Sends a head and the beginning of a body that never ends, or nothing at all.
    private static let unfinished: RawPeer.Script = { index, _ in
        .init(index.isMultiple(of: 2) ? "" : "HTTP/1.1 200 OK\r\n\r\nbegun", then: .keepOpen)
    }

    /// Starts `count` requests that cannot end and cancels each of them, a few at a time.
    private static func cancelRequests(_ count: Int, with transport: CurlTransport, to peer: RawPeer) async {
        await withTaskGroup(of: TransportError.Kind?.self) { group in
            for index in 0..<count {
                let stream = request(
                    to: peer.authority,
                    scheme: "http",
                    timeout: index.isMultiple(of: 3) ? nil : .seconds(60)
                )
                group.addTask {
                    await withTaskGroup(of: TransportError.Kind?.self) { request in
                        request.addTask {
                            await kindOfError { _ = try await transport.collect(stream, maxBodyBytes: 100) }
                        }
                        // Some are cancelled before they begin, some while they connect, wait or read.
                        for _ in 0..<(index % 50) { await Task.yield() }
                        request.cancelAll()
                        return await request.next() ?? nil
                    }
                }
                guard index >= 16, let kind = await group.next() else { continue }
                #expect(kind == .cancelled)
            }
            for await kind in group { #expect(kind == .cancelled) }
        }
    }

    /// Runs in a separate process, because the descriptors are counted exactly.
    @Test func aThousandCancellationsLeakNoDescriptorAndNoHandle() async {
        await #expect(processExitsWith: .success) {
            // Opens what the process opens once and keeps: event loops, and the state of OpenSSL and libcurl.
            try await RawPeer.run(CurlTransportLifetimeTests.unfinished) { peer in
                try await withTransport { transport in
                    await CurlTransportLifetimeTests.cancelRequests(10, with: transport, to: peer)
                }
                await waitWhile { peer.openConnectionCount > 0 }
            }
            let before = try openDescriptorCount()
            try await RawPeer.run(CurlTransportLifetimeTests.unfinished) { peer in
                try await withTransport { transport in
                    await CurlTransportLifetimeTests.cancelRequests(1_000, with: transport, to: peer)
                    let counts = await transport.transferCounts()
                    precondition(counts.activeTransfers == 0, "a cancelled transfer is alive")
                }
            }
            // The peer closes its ends once it sees ours closed; a leak would make this wait forever.
            try await waitWhile { try openDescriptorCount() > before }
        }
    }

    /// Starts `count` requests that cannot end, and calls `body` once all have been sent.
    private func withRunningRequests(
        _ count: Int,
        _ body: @Sendable (CurlTransport) async -> Void
    ) async throws -> [TransportError.Kind?] {
        try await RawPeer.run(Self.unfinished) { peer in
            let transport = try CurlTransport()
            return await withTaskGroup(of: TransportError.Kind?.self) { group in
                for index in 0..<count {
                    let timeout: Duration? = index.isMultiple(of: 2) ? nil : .seconds(60)
                    let endless = request(to: peer.authority, scheme: "http", timeout: timeout)
                    group.addTask {
                        await kindOfError { _ = try await transport.collect(endless, maxBodyBytes: 100) }
                    }
                }
                await waitWhile { peer.heads.count < count }
                await body(transport)
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
    }

    @Test func shutdownCancelsRunningRequests() async throws {
        let kinds = try await withRunningRequests(20) { transport in
            #expect(await transport.transferCounts().activeTransfers == 20)
            await transport.shutdown()
            #expect(await transport.transferCounts() == CurlLoop.TransferCounts())
        }
        #expect(kinds == Array(repeating: .cancelled, count: 20))
    }

    @Test func requestsAfterShutdownAreCancelledAndASecondShutdownDoesNothing() async throws {
        let transport = try CurlTransport()
        await transport.shutdown()
        await transport.shutdown()
        let kind = await kindOfError {
            _ = try await transport.collect(request(to: "127.0.0.1:1", scheme: "http"), maxBodyBytes: 0)
        }
        #expect(kind == .cancelled)
    }

    /// Runs in a separate process, because the threads are counted exactly.
    @Test func aReleasedTransportLeavesNoThread() async {
        await #expect(processExitsWith: .success) {
            func threads() throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
            }
            try await withTransport { _ in }
            let (threadsBefore, descriptorsBefore) = (try threads(), try openDescriptorCount())
            for _ in 0..<50 { _ = try CurlTransport() }
            // The threads are not joined, so they may take a moment; a leak would make this wait forever.
            try await waitWhile { try threads() > threadsBefore + 2 }
            try await waitWhile { try openDescriptorCount() > descriptorsBefore }
        }
    }

    @Test func handlesAreReused() async throws {
        let answer = RawPeer.Response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", then: .keepOpen)
        try await RawPeer.run { _, _ in
            answer
        } _: { peer in
            try await withTransport { transport in
                for _ in 0..<10 {
                    _ = try await transport.collect(request(to: peer.authority, scheme: "http"), maxBodyBytes: 0)
                }
                #expect(await transport.transferCounts() == CurlLoop.TransferCounts(activeTransfers: 0, idleHandles: 1))
            }
        }
    }

    @Test func aChildTaskThatStopsReadingAbortsTheTransfer() async throws {
        try await RawPeer.run { _, _ in
            .init("HTTP/1.1 200 OK\r\n\r\n", then: .keepOpen)
        } _: { peer in
            try await withTransport { transport in
                let stream = request(to: peer.authority, scheme: "http", timeout: nil)
                try await transport.withResponse(to: stream) { response in
                    let kind = await withTaskGroup(of: TransportError.Kind?.self) { group in
                        group.addTask { await kindOfError { _ = try await response.body.collect(maxBytes: 1) } }
                        group.cancelAll()
                        return await group.next() ?? nil
                    }
                    #expect(kind == .cancelled)
                    #expect(await transport.transferCounts().activeTransfers == 0)
                }
            }
        }
    }
}
