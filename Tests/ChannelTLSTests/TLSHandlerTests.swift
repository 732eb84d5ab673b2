import COpenSSL
import DevelopmentCertificates
import NIOCore
import NIOEmbedded
import Testing

@testable import ChannelTLS

@Suite("Data of a TLS connection", .timeLimit(.minutes(2)))
struct TLSHandlerTests {
    @Test(arguments: [0, 1, 16 * 1024, 1024 * 1024], TLSVersion.allCases)
    func dataArrivesInBothDirections(count: Int, version: TLSVersion) throws {
        let pair = try TLSPair.connected(version)
        let (request, response) = ([UInt8].pattern(count), [UInt8](repeating: 7, count: count))
        pair.client.send(request)
        pair.server.send(response)
        try pair.exchange()
        #expect(pair.server.application.received == request)
        #expect(pair.client.application.received == response)
    }

    @Test(arguments: TLSVersion.allCases)
    func bytesCanArriveOneAtATime(version: TLSVersion) throws {
        let authority = try CertificateAuthority()
        let pair = try TLSPair(trusted: authority, server: TLSServerContext(authority.issue(), newest: version))
        try pair.activate()
        try pair.exchange(readBytes: 1)
        let data = [UInt8].pattern(40_000)
        pair.client.send(data)
        pair.server.send(data)
        try pair.exchange(readBytes: 1)
        #expect(pair.server.application.received == data)
        #expect(pair.client.application.received == data)
    }

    @Test func manyRecordsCanArriveInOneRead() throws {
        let pair = try TLSPair.connected()
        for byte in UInt8(0)..<100 { pair.server.send([byte]) }
        try pair.exchange()
        #expect(pair.client.application.received == Array(0..<100))
        #expect(pair.client.application.reads == 1)
    }

    @Test func bytesThatArriveWhileDataIsReadStayInOrder() throws {
        let pair = try TLSPair.connected()
        pair.server.send([1])
        let first = try pair.server.takeSent()
        pair.server.send([2])
        let second = try pair.server.takeSent()
        let client = pair.client
        client.application.onRead = { _ in
            client.application.onRead = nil
            client.channel.pipeline.fireChannelRead(ByteBuffer(bytes: second))
            #expect(client.application.received == [1])
        }
        try client.arrive(first)
        #expect(client.application.received == [1, 2])
    }

    @Test func aHandlerCanCloseTheChannelWhileDataIsRead() throws {
        let pair = try TLSPair.connected()
        for byte in UInt8(0)..<3 { pair.server.send([byte]) }
        pair.client.application.onRead = { $0.close(promise: nil) }
        try pair.exchange()
        #expect(pair.client.application.events == [.handshakeCompleted, .inactive])
        #expect(pair.server.application.events == [.handshakeCompleted, .inactive])
    }

    // MARK: Writes

    @Test func smallWritesBeforeOneFlushAreOneRecord() throws {
        let pair = try TLSPair.connected()
        let writes = pair.client.connection.writes
        let promises = (0..<3).map { _ in pair.client.channel.eventLoop.makePromise(of: Void.self) }
        let sent = Outcomes(promises)
        for (index, promise) in promises.enumerated() {
            pair.client.channel.write(ByteBuffer(bytes: [UInt8(index)]), promise: promise)
        }
        #expect(try pair.client.takeSent().isEmpty)
        pair.client.channel.flush()
        #expect(pair.client.connection.writes == writes + 1)
        let record = try pair.client.takeSent()
        #expect(record.count < 40)
        #expect(sent.succeeded == 3)
        try pair.server.arrive(record)
        #expect(pair.server.application.received == [0, 1, 2])
    }

    @Test func longDataIsEncryptedWithoutAFlushAndSentWithOne() throws {
        let pair = try TLSPair.connected()
        let writes = pair.client.connection.writes
        let long = [UInt8].pattern(TLSSession.recordBytes)
        pair.client.channel.write(ByteBuffer(bytes: [1]), promise: nil)
        pair.client.channel.write(ByteBuffer(bytes: long), promise: nil)
        #expect(pair.client.connection.writes == writes + 2)
        #expect(try pair.client.takeSent().isEmpty)
        pair.client.channel.flush()
        try pair.exchange()
        #expect(pair.server.application.received == [1] + long)
    }

    @Test func emptyWritesSucceedInOrder() throws {
        let pair = try TLSPair.connected()
        let promises = (0..<2).map { _ in pair.client.channel.eventLoop.makePromise(of: Void.self) }
        let sent = Outcomes(promises)
        pair.client.send([], promise: promises[0])
        pair.client.send([1], promise: promises[1])
        try pair.exchange()
        #expect(sent.succeeded == 2)
        #expect(pair.server.application.received == [1])
    }

    @Test func writesBeforeTheHandshakeWaitForIt() throws {
        let authority = try CertificateAuthority()
        let pair = try TLSPair(trusted: authority, server: TLSServerContext(authority.issue()))
        try pair.activate()
        let data = [UInt8].pattern(100_000)
        let promises = (0..<2).map { _ in pair.client.channel.eventLoop.makePromise(of: Void.self) }
        let sent = Outcomes(promises)
        pair.client.send([1], promise: promises[0])
        pair.client.send(data, promise: promises[1])
        pair.server.send([3])
        #expect(sent.succeeded == 0)
        try pair.exchange()
        #expect(sent.succeeded == 2)
        #expect(pair.server.application.received == [1] + data)
        #expect(pair.client.application.received == [3])
    }

    @Test func writesBeforeTheHandshakeAreNotFlushedByIt() throws {
        let authority = try CertificateAuthority()
        let pair = try TLSPair(trusted: authority, server: TLSServerContext(authority.issue()))
        try pair.activate()
        pair.client.channel.write(ByteBuffer(bytes: [1]), promise: nil)
        pair.client.application.onHandshake = { $0.write(NIOAny(ByteBuffer(bytes: [2])), promise: nil) }
        try pair.exchange()
        #expect(pair.server.application.received.isEmpty)
        pair.client.channel.flush()
        try pair.exchange()
        #expect(pair.server.application.received == [1, 2])
    }

    @Test func aRemovedHandlerFailsTheWritesThatWait() throws {
        let authority = try CertificateAuthority()
        let pair = try TLSPair(trusted: authority, server: TLSServerContext(authority.issue()))
        try pair.activate()
        let promise = pair.client.channel.eventLoop.makePromise(of: Void.self)
        let sent = Outcomes([promise])
        pair.client.send([1], promise: promise)
        pair.client.channel.pipeline.syncOperations.removeHandler(pair.client.handler, promise: nil)
        pair.client.channel.embeddedEventLoop.run()
        #expect(sent.errors.first as? ChannelError == .ioOnClosedChannel)
    }

    // MARK: Reads

    @Test func theHandshakeReadsEvenIfNoHandlerRequestsData() throws {
        let authority = try CertificateAuthority()
        let pair = try TLSPair(trusted: authority, server: TLSServerContext(authority.issue()))
        try pair.activate()
        #expect(pair.client.connection.reads == 1)
        #expect(pair.server.connection.reads == 1)
        // Without half of the server's messages, the client has to read again.
        try pair.server.arrive(pair.client.takeSent())
        let messages = try pair.server.takeSent()
        try pair.client.arrive(Array(messages.prefix(messages.count / 2)))
        #expect(pair.client.connection.reads == 2)
        try pair.client.arrive(Array(messages.dropFirst(messages.count / 2)))
        #expect(pair.client.application.events == [.handshakeCompleted])
        #expect(pair.client.connection.reads == 2)
        // After the handshake, tickets and data arrive only if a handler requests them.
        try pair.exchange()
        #expect(pair.server.application.events == [.handshakeCompleted])
        #expect(pair.client.connection.reads == 2)
    }

    @Test func aRequestedReadContinuesUntilThereIsData() throws {
        let pair = try TLSPair.connected()
        let reads = pair.client.connection.reads
        pair.server.send([1, 2, 3])
        let record = try pair.server.takeSent()
        pair.client.channel.read()
        #expect(pair.client.connection.reads == reads + 1)
        for byte in record.dropLast() { try pair.client.arrive([byte]) }
        #expect(pair.client.connection.reads == reads + record.count)
        try pair.client.arrive([record[record.count - 1]])
        #expect(pair.client.connection.reads == reads + record.count)
        #expect(pair.client.application.received == [1, 2, 3])
    }

    @Test func withoutARequestNothingIsRead() throws {
        let pair = try TLSPair.connected()
        let reads = pair.client.connection.reads
        pair.server.send([1, 2, 3])
        for byte in try pair.server.takeSent() { try pair.client.arrive([byte]) }
        #expect(pair.client.application.received == [1, 2, 3])
        #expect(pair.client.connection.reads == reads)
    }

    // MARK: Messages after the handshake

    @Test func keysCanBeUpdated() throws {
        let pair = try TLSPair.connected()
        for round in UInt8(0)..<3 {
            for peer in [pair.client, pair.server] {
                #expect(SSL_key_update(peer.handler.session.pointer, SSL_KEY_UPDATE_REQUESTED) == 1)
                peer.send([round])
            }
            try pair.exchange(readBytes: 3)
        }
        #expect(pair.client.application.received == [0, 1, 2])
        #expect(pair.server.application.received == [0, 1, 2])
        #expect(pair.client.application.events == [.handshakeCompleted])
        #expect(pair.server.application.events == [.handshakeCompleted])
    }

    /// libssl encrypts no data while it has read only a part of a handshake message.
    @Test func writesWaitForTheRestOfATicket() throws {
        let authority = try CertificateAuthority()
        let context = try TLSServerContext(authority.issue())
        // Tickets that need several records.
        SSL_CTX_ctrl(context.pointer, SSL_CTRL_SET_MAX_SEND_FRAGMENT, 512, nil)
        SSL_CTX_set_session_ticket_cb(
            context.pointer,
            { session, _ in
                let data = [UInt8](repeating: 1, count: 2_000)
                return SSL_SESSION_set1_ticket_appdata(SSL_get_session(session), data, data.count)
            },
            { _, _, _, _, _, _ in SSL_TICKET_RETURN(SSL_TICKET_RETURN_USE) },
            nil
        )
        let pair = try TLSPair(trusted: authority, server: context)
        try pair.activate()
        try pair.server.arrive(pair.client.takeSent())
        try pair.client.arrive(pair.server.takeSent())
        try pair.server.arrive(pair.client.takeSent())
        let tickets = try pair.server.takeSent()
        #expect(tickets.count > 4_000)
        try pair.client.arrive(Array(tickets.prefix(1_000)))
        let promises = (0..<2).map { _ in pair.client.channel.eventLoop.makePromise(of: Void.self) }
        let sent = Outcomes(promises)
        pair.client.send([1], promise: promises[0])
        pair.client.send(.pattern(20_000), promise: promises[1])
        #expect(sent.succeeded == 0)
        try pair.client.arrive(Array(tickets.dropFirst(1_000)))
        #expect(sent.succeeded == 2)
        try pair.exchange()
        #expect(pair.server.application.received == [1] + .pattern(20_000))
        #expect(pair.client.application.events == [.handshakeCompleted])
    }

    @Test(arguments: [true, false])
    func renegotiationIsRefused(isRequestedByClient: Bool) throws {
        let pair = try TLSPair.connected(.tls12)
        let (requester, peer) = isRequestedByClient ? (pair.client, pair.server) : (pair.server, pair.client)
        let session = requester.handler.session
        // SSL_OP_NO_RENEGOTIATION
        SSL_clear_options(session.pointer, 1 << 30)
        #expect(SSL_renegotiate(session.pointer) == 1)
        #expect(SSL_do_handshake(session.pointer) != 0)
        let request = Array(session.takeBytesToSend().readableBytesView)
        #expect(!request.isEmpty)
        try peer.arrive(request)
        // A warning, encrypted: a header, a nonce, two bytes and a tag.
        #expect(try peer.takeSent().count == 5 + 8 + 2 + 16)
        #expect(peer.application.events == [.handshakeCompleted])
        #expect(peer.channel.isActive)
    }
}

/// What has become of some promises.
final class Outcomes {
    private(set) var succeeded = 0
    private(set) var errors: [any Error] = []

    init(_ promises: [EventLoopPromise<Void>]) {
        for promise in promises {
            promise.futureResult.assumeIsolated().whenComplete { result in
                switch result {
                case .success: self.succeeded += 1
                case .failure(let error): self.errors.append(error)
                }
            }
        }
    }
}
