import Router
import Testing

@Suite("Boundaries between events", .timeLimit(.minutes(10)))
struct EventBoundaryTests {
    private static let stream = "id: 1\nevent: run.step\ndata: a\n\nretry: 9\n\nid: 2\ndata: b\ndata: c\n\n"

    @Test(arguments: ["\n", "\r\n", "\r"], 1...9)
    func placesAreTheSameHoweverTheBytesCome(lineEnd: String, size: Int) {
        let bytes = Array(Self.stream.replacing("\n", with: lineEnd).utf8)
        // After a carriage return it is not known yet whether a line feed belongs to it.
        let expected = lineEnd == "\r" ? 0 : 3
        var boundary = EventBoundary()
        #expect(boundary.isBetweenEvents)
        var (places, offset) = (0, 0)
        while offset < bytes.count {
            let chunk = bytes[offset..<min(offset + size, bytes.count)]
            if let place = boundary.read(chunk) {
                let before = bytes[..<(offset + place)]
                #expect(before.suffix(2 * lineEnd.utf8.count).elementsEqual((lineEnd + lineEnd).utf8))
                places += 1
            }
            offset += size
        }
        #expect(places == expected)
        #expect(boundary.isBetweenEvents == (lineEnd != "\r"))
    }

    @Test(arguments: ["data: x", "data: x\n", "\n\ndata: x\n", "id", ":", "data: x\r\n\r"])
    func insideOfAnEventThereIsNoPlaceAtTheEnd(text: String) {
        var boundary = EventBoundary()
        _ = boundary.read(text.utf8)
        #expect(!boundary.isBetweenEvents)
    }

    /// An agent that waits for a decision sends nothing else, so its request must not wait for the next event.
    @Test(arguments: [": ping\n", ":\n", "data: x\n\n: ping\r\n", ": ping\n: ping\n"])
    func afterACommentThereIsAPlace(text: String) {
        var boundary = EventBoundary()
        #expect(boundary.read(text.utf8) == text.utf8.count)
        #expect(boundary.isBetweenEvents)
    }

    @Test func aCommentInsideOfAnEventIsNoPlace() {
        var boundary = EventBoundary()
        #expect(boundary.read("event: run.step\n: ping\n".utf8) == nil)
        #expect(boundary.read("data: x\n\n".utf8) == 9)
    }

    @Test func theLastPlaceOfAChunkIsFoundInItsMiddle() {
        var boundary = EventBoundary()
        #expect(boundary.read("data: x\n\ndata: y\n\ndata".utf8) == 18)
        #expect(boundary.read(": z\n".utf8) == nil)
    }

    @Test(arguments: ["event: done\ndata: {}\n\n", "data: {}\nevent:done\n\n", "event: done\nextra: 1\n\n"])
    func afterTheLastEventThereIsNoPlace(text: String) {
        var boundary = EventBoundary()
        #expect(boundary.read(text.utf8) == nil)
        #expect(boundary.isOver)
        #expect(boundary.read("data: late\n\n".utf8) == nil)
    }

    @Test(arguments: ["event: done.not\ndata: {}\n\n", "data: event: done\n\n", "event: doner\n\n"])
    func anEventSimilarToTheLastOneIsNotTheLast(text: String) {
        var boundary = EventBoundary()
        _ = boundary.read(text.utf8)
        #expect(boundary.isBetweenEvents)
    }
}
