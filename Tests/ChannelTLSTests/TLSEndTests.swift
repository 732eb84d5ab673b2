import COpenSSL
import NIOCore
import NIOEmbedded
import Testing

@testable import ChannelTLS

@Suite("The end of a TLS connection", .timeLimit(.minutes(1)))
struct TLSEndTests {
    @Test(arguments: TLSVersion.allCases)
    func anAnnouncedEndIsNoError(version: TLSVersion) throws {
        let pair = try TLSPair.connected(version)
        pair.server.send([1, 2, 3])
        pair.server.channel.close(promise: nil)
        try pair.exchange()
        #expect(pair.client.application.received == [1, 2, 3])
        #expect(pair.client.application.events == [.handshakeCompleted, .inactive])
        #expect(pair.server.application.events == [.handshakeCompleted, .inactive])
    }

    @Test(arguments: TLSVersion.allCases)
    func aClientReportsATruncatedConnection(version: TLSVersion) throws {
        let pair = try TLSPair.connected(version)
        pair.server.send([1, 2, 3])
        try pair.exchange()
        pair.client.connection.end()
        #expect(pair.client.application.received == [1, 2, 3])
        #expect(pair.client.application.events == [.handshakeCompleted, .failure(.truncated), .inactive])
    }

    @Test func aTruncatedRecordIsATruncatedConnection() throws {
        let pair = try TLSPair.connected()
        pair.server.send(.pattern(1_000))
        try pair.client.arrive(pair.server.takeSent().dropLast())
        pair.client.connection.end()
        #expect(pair.client.application.received.isEmpty)
        #expect(pair.client.application.events == [.handshakeCompleted, .failure(.truncated), .inactive])
    }

    @Test func theEndOfTheInputAloneIsReportedOnce() throws {
        let pair = try TLSPair.connected()
        pair.client.connection.endInput()
        #expect(pair.client.application.events == [.handshakeCompleted, .failure(.truncated), .inputClosed])
        pair.client.connection.end()
        #expect(pair.client.application.events.suffix(2) == [.inputClosed, .inactive])
    }

    @Test func theEndOfTheInputFailsAHandshake() throws {
        let client = try TLSPeer(TLSHandler(client: TLSClientContext(), host: "localhost"))
        try client.activate()
        client.connection.endInput()
        let failure = TLSFailure.handshake(.other, detail: "the peer closed the connection")
        #expect(client.application.events == [.failure(failure), .inactive, .inputClosed])
    }

    @Test func aServerReportsNoTruncation() throws {
        let pair = try TLSPair.connected()
        pair.server.connection.end()
        #expect(pair.server.application.events == [.handshakeCompleted, .inactive])
    }

    @Test func theOwnEndIsNoTruncation() throws {
        let pair = try TLSPair.connected()
        pair.client.channel.close(promise: nil)
        #expect(pair.client.application.events == [.handshakeCompleted, .inactive])
    }

    @Test func theEndOfAnInputThatIsClosedIsNoTruncation() throws {
        let pair = try TLSPair.connected()
        pair.client.channel.close(mode: .input, promise: nil)
        pair.client.connection.end()
        #expect(pair.client.application.events == [.handshakeCompleted, .inactive])
    }

    @Test func dataThatWasWrittenPrecedesTheEnd() throws {
        let pair = try TLSPair.connected()
        pair.client.channel.write(ByteBuffer(bytes: [1]), promise: nil)
        pair.client.channel.close(promise: nil)
        try pair.exchange()
        #expect(pair.server.application.received == [1])
        #expect(pair.server.application.events == [.handshakeCompleted, .inactive])
    }

    @Test(arguments: TLSVersion.allCases)
    func dataArrivesAfterTheEndOfTheOwnOutput(version: TLSVersion) throws {
        let pair = try TLSPair.connected(version)
        pair.client.send([1])
        pair.client.channel.close(mode: .output, promise: nil)
        #expect(pair.client.connection.isOutputClosed)
        let promise = pair.client.channel.eventLoop.makePromise(of: Void.self)
        let sent = Outcomes([promise])
        pair.client.send([2], promise: promise)
        #expect(sent.errors.first as? ChannelError == .outputClosed)
        // The server has not received the alert yet. A client cannot answer this request of a key update any more.
        let fromClient = try pair.client.takeSent()
        if version == .tls13 {
            #expect(SSL_key_update(pair.server.handler.session.pointer, SSL_KEY_UPDATE_REQUESTED) == 1)
        }
        pair.server.send(.pattern(50_000))
        try pair.client.arrive(pair.server.takeSent())
        #expect(pair.client.application.received == .pattern(50_000))
        #expect(pair.client.application.events == [.handshakeCompleted])
        try pair.server.arrive(fromClient)
        #expect(pair.server.application.received == [1])
        #expect(pair.server.application.events == [.handshakeCompleted, .inactive])
        try pair.client.arrive(pair.server.takeSent())
        #expect(pair.client.application.events == [.handshakeCompleted, .inactive])
    }

    @Test func theOutputAloneCannotEndBeforeTheHandshake() throws {
        let client = try TLSPeer(TLSHandler(client: TLSClientContext(), host: "localhost"))
        try client.activate()
        let promise = client.channel.eventLoop.makePromise(of: Void.self)
        let outcome = Outcomes([promise])
        client.channel.close(mode: .output, promise: promise)
        #expect(outcome.errors.first as? ChannelError == .operationUnsupported)
        #expect(client.channel.isActive)
    }

    @Test func aCloseInTheHandshakeFailsTheWritesThatWait() throws {
        let client = try TLSPeer(TLSHandler(client: TLSClientContext(), host: "localhost"))
        try client.activate()
        let promises = (0..<2).map { _ in client.channel.eventLoop.makePromise(of: Void.self) }
        let sent = Outcomes(promises)
        client.send([1], promise: promises[0])
        client.channel.close(promise: nil)
        client.send([2], promise: promises[1])
        #expect(sent.errors.map { $0 as? ChannelError } == [.ioOnClosedChannel, .ioOnClosedChannel])
        #expect(client.application.events == [.inactive])
    }

    @Test func changedBytesViolateTheProtocol() throws {
        let pair = try TLSPair.connected()
        pair.server.send([1])
        pair.server.send([2])
        var bytes = try pair.server.takeSent()
        bytes[bytes.count - 1] ^= 1
        try pair.client.arrive(bytes)
        // What precedes the change is authentic.
        #expect(pair.client.application.received == [1])
        let violation = ApplicationEvent.failure(.protocolViolation(detail: ""))
        #expect(pair.client.application.events.withoutDetails == [.handshakeCompleted, violation, .inactive])
        // The alert arrives at the server.
        try pair.exchange()
        #expect(pair.server.application.events.withoutDetails == [.handshakeCompleted, violation, .inactive])
    }
}
