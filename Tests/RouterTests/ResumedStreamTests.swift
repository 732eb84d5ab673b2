import HTTPTypes
import Router
import Testing

@Suite("A reader that returns to an event stream", .timeLimit(.minutes(10)))
struct ResumedStreamTests {
    private static let known = "id: 7\nevent: run.step\ndata: {\"text\":\"ünï\"}\n\n"
    private static let next = "id: 8\nevent: run.step\ndata: {}\n\n"

    private static func request(_ id: String?) throws -> HTTPRequest {
        var request = HTTPRequest(method: .get, scheme: "http", authority: "h", path: "/api/runs/r/stream")
        request.headerFields[.accept] = "text/event-stream"
        request.headerFields[try #require(HTTPField.Name("Last-Event-ID"))] = id
        return request
    }

    /// What a reader whose last event is 7 gets of a stream that arrives in chunks of this size.
    private static func read(_ stream: String, _ size: Int) throws -> String {
        var resumed = try #require(ResumedStream(try request("7")))
        var (rest, bytes) = (Array(stream.utf8)[...], [UInt8]())
        while !rest.isEmpty {
            bytes += resumed.removeLastEvent(from: Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func theCoreAPIIsAskedForTheLastEventOnceMore() throws {
        let request = try Self.request("7")
        let resumed = try #require(ResumedStream(request))
        #expect(resumed.request(instead: request) == (try Self.request("6")))
        #expect(try #require(ResumedStream(try Self.request("1"))).request(instead: request) == (try Self.request("0")))
    }

    @Test(arguments: [nil, "", "0", "-7", "x", "7x", "0x7", "7.0", "2147483648", "99999999999999999999"])
    func aRequestWithoutTheNumberOfAnEventIsUnchanged(id: String?) throws {
        let request = try Self.request(id)
        #expect(ResumedStream(request) == nil)
    }

    @Test(arguments: [1, 2, 7, 1_000])
    func theLastEventIsRemoved(size: Int) throws {
        #expect(try Self.read(Self.known + Self.next, size) == Self.next)
        #expect(try Self.read(Self.known + ": ping\n\n" + Self.known, size) == ": ping\n\n" + Self.known)
        #expect(try Self.read(Self.known, size) == "")
    }

    @Test(
        arguments: [
            next, "id: 70\ndata: a\n\n", "id: 6\ndata: a\n\n", ": ping\n\n" + known, "event: done\ndata: {}\n\n",
            "\n" + known, "id: 7\r\ndata: a\r\n\r\n", "",
        ],
        [1, 3, 1_000]
    )
    func aStreamThatBeginsWithSomethingElseIsUnchanged(stream: String, size: Int) throws {
        #expect(try Self.read(stream, size) == stream)
    }

    @Test func aLastEventThatEndsTheStreamIsRemovedAlone() throws {
        #expect(try Self.read("id: 7\nevent: done\ndata: {}\n\n" + Self.next, 5) == Self.next)
    }
}
