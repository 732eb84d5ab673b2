import NIOCore
import NIOPosix

/// A name server on loopback: the authoritative server of one zone, and a recursive resolver for it.
public final class DNSPeer: Sendable {
    /// The answer for a name.
    public enum Answer: Sendable {
        case address(String)
        case alias(String)
        case absent
        case refused
        case silence
        /// Bytes that are not a valid response.
        case malformed
    }

    /// The UDP port on 127.0.0.1.
    public let port: Int

    private init(port: Int) {
        self.port = port
    }

    /// Runs the server while `body` runs.
    ///
    /// - Parameters:
    ///   - zone: The zone; the server names itself as its name server.
    ///   - answer: Returns the answer for the address of a name; gets the name and whether the query asks for
    ///     recursion.
    public static func run<Result: Sendable>(
        zone: String,
        _ answer: @escaping @Sendable (_ name: String, _ isRecursive: Bool) -> Answer,
        _ body: @Sendable (DNSPeer) async throws -> Result
    ) async throws -> Result {
        let channel = try await DatagramBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(zone: zone, answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        return try await channel.whileOpen { try await body(DNSPeer(port: $0)) }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        typealias OutboundOut = AddressedEnvelope<ByteBuffer>

        private static let nameServer: UInt16 = 2
        private let zone: String
        private let answer: @Sendable (String, Bool) -> Answer

        init(zone: String, answer: @escaping @Sendable (String, Bool) -> Answer) {
            self.zone = zone
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let envelope = unwrapInboundIn(data)
            let query = Array(buffer: envelope.data)
            guard let bytes = reply(to: query) else { return }
            let reply = AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: bytes))
            context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
        }

        private func reply(to query: [UInt8]) -> [UInt8]? {
            guard query.count > 16 else { return nil }
            var labels: [String] = []
            var position = 12
            while position < query.count, query[position] != 0 {
                let end = position + 1 + Int(query[position])
                guard end < query.count else { return nil }
                labels.append(String(decoding: query[(position + 1)..<end], as: UTF8.self))
                position = end
            }
            let name = labels.joined(separator: ".")
            let type = UInt16(query[query.count - 4]) << 8 | UInt16(query[query.count - 3])
            if type == Self.nameServer {
                let server = "ns." + zone
                return message(query, code: 0, answers: [(type, Self.encoded(server))])
            }
            switch name == "ns." + zone ? .address("127.0.0.1") : answer(name, query[2] & 1 == 1) {
            case .address(let address) where type == 1:
                return message(query, code: 0, answers: [(1, address.split(separator: ".").compactMap { UInt8($0) })])
            case .address: return message(query, code: 0, answers: [])
            case .alias(let target): return message(query, code: 0, answers: [(5, Self.encoded(target))])
            case .absent: return message(query, code: 3, answers: [])
            case .refused: return message(query, code: 5, answers: [])
            case .silence: return nil
            case .malformed: return Array(query.prefix(11)) + [0xFF, 0xFF, 0xFF, 0xFF]
            }
        }

        private func message(_ query: [UInt8], code: UInt8, answers: [(type: UInt16, data: [UInt8])]) -> [UInt8] {
            // Authoritative, with the question repeated.
            var bytes = [query[0], query[1], 0x84 | query[2] & 1, code, 0, 1, 0, UInt8(answers.count), 0, 0, 0, 0]
            bytes += query[12...]
            for (type, data) in answers {
                bytes += [0xC0, 12, UInt8(type >> 8), UInt8(type & 0xFF), 0, 1, 0, 0, 0, 60]
                bytes += [UInt8(data.count >> 8), UInt8(data.count & 0xFF)] + data
            }
            return bytes
        }

        private static func encoded(_ name: String) -> [UInt8] {
            name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
        }
    }
}
