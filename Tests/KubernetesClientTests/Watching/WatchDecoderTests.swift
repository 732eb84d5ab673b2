import KubernetesModel
import TestSupport
import Testing

@testable import KubernetesClient

@Suite("WatchDecoder", .timeLimit(.minutes(10)))
struct WatchDecoderTests {
    private typealias Decoder = WatchDecoder<PartialObjectMetadata>
    private static let stream =
        [
            JSON.frame("ADDED", JSON.object("a")), "", JSON.frame("MODIFIED", JSON.object("b", version: 2)),
            JSON.frame("BOOKMARK", JSON.object("", version: 3)), JSON.gone,
        ].joined(separator: "\n") + "\n"

    private func events(_ chunks: [[UInt8]], maxFrameBytes: Int = 4096) throws -> [WatchEvent<PartialObjectMetadata>] {
        var decoder = Decoder(maxFrameBytes: maxFrameBytes)
        var events: [WatchEvent<PartialObjectMetadata>] = []
        for chunk in chunks {
            decoder.append(chunk)
            while let event = try decoder.next() { events.append(event) }
        }
        return events
    }

    @Test("However the stream is cut into chunks, the events are the same")
    func theEventsDoNotDependOnTheChunks() throws {
        let bytes = Array(Self.stream.utf8)
        let whole = try events([bytes])
        #expect(whole.count == 4)
        #expect(try events(bytes.map { [$0] }) == whole)
        let random = SeededRandom(seed: 3)
        for _ in 0..<100 {
            var rest = bytes[...]
            var chunks: [[UInt8]] = []
            while !rest.isEmpty {
                let size = min(rest.count, 1 + Int(random.next() % 90))
                chunks.append(Array(rest.prefix(size)))
                rest = rest.dropFirst(size)
            }
            #expect(try events(chunks) == whole)
        }
    }

    @Test("A frame that is cut off by the end of the stream is no event")
    func aTruncatedFrameIsNoEvent() throws {
        let bytes = Array(Self.stream.utf8)
        for length in 0..<bytes.count {
            let cut = Array(bytes.prefix(length))
            let complete = cut.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
            #expect(try events([cut]).count == complete.count { !$0.isEmpty })
        }
    }

    @Test("A frame that grows too long is refused, whole or in pieces")
    func aFrameThatIsTooLongIsRefused() throws {
        let long = Array(repeating: UInt8(ascii: "x"), count: 60)
        for chunks in [[long + long], [long, long], [long + long + [UInt8(ascii: "\n")]]] {
            let error = #expect(throws: KubernetesError.self) { try events(chunks, maxFrameBytes: 100) }
            #expect(error?.kind == .decoding)
        }
    }

    @Test("A line that is no event is refused without being quoted")
    func aMalformedLineIsRefusedWithoutBeingQuoted() throws {
        let error = #expect(throws: KubernetesError.self) { try events([Array("preview-secret\n".utf8)]) }
        #expect(error?.kind == .decoding)
        #expect(error.map { "\($0)".contains("secret") } == false)
    }
}
