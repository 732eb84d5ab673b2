import HTTPTypes
import Testing

@testable import CurlHTTP

@Suite(.timeLimit(.minutes(10))) struct ResponseHeadParserTests {
    private enum Outcome: Equatable {
        case incomplete
        case complete(HTTPResponse)
        case violation
    }

    private func parse(_ lines: [String]) -> Outcome {
        var parser = ResponseHeadParser()
        for line in lines {
            switch Array((line + "\r\n").utf8).withUnsafeBytes({ parser.consume($0) }) {
            case .incomplete: continue
            case .complete(let head): return .complete(head)
            case .violation: return .violation
            }
        }
        return .incomplete
    }

    @Test func aHeadIsCompleteAtTheEmptyLine() {
        #expect(parse(["HTTP/1.1 200 OK", "Date:  now \t"]) == .incomplete)
        #expect(
            parse(["HTTP/1.1 200 OK", "Date:  now \t", ""])
                == .complete(.init(status: .ok, headerFields: [.date: "now"]))
        )
        #expect(parse(["HTTP/2 404 ", ""]) == .complete(HTTPResponse(status: .init(code: 404))))
        #expect(parse(["HTTP/1.1 204", ""]) == .complete(HTTPResponse(status: .init(code: 204))))
    }

    @Test func interimResponsesAndTheirFieldsAreSkipped() {
        let lines = [
            "HTTP/1.1 103 Early Hints", "Link: </a>", "", "HTTP/1.1 100 Continue", "", "HTTP/1.1 200 OK", "Date: now",
            "",
        ]
        #expect(parse(lines) == .complete(HTTPResponse(status: .ok, headerFields: [.date: "now"])))
    }

    @Test func repeatedFieldsAreKeptInOrder() {
        guard case .complete(let head) = parse(["HTTP/1.1 200 OK", "Warning: a", "Date: now", "warning: b", ""]) else {
            Issue.record("no head")
            return
        }
        #expect(head.headerFields[values: HTTPField.Name("Warning") ?? .date] == ["a", "b"])
    }

    @Test(arguments: [["5"], ["5", "5"], ["5, 5"], ["5 ,\t5", "5"]])
    func aRepeatedLengthIsKeptOnce(values: [String]) {
        let lines = ["HTTP/1.1 200 OK"] + values.map { "Content-Length: \($0)" } + [""]
        #expect(parse(lines) == .complete(HTTPResponse(status: .ok, headerFields: [.contentLength: "5"])))
    }

    @Test(arguments: [["5", "6"], ["5, 6"], ["5,"], ["+5"], ["5 5"], [""], ["0x5"], ["5", "05"]])
    func lengthsThatContradictEachOtherAreAViolation(values: [String]) {
        #expect(parse(["HTTP/1.1 200 OK"] + values.map { "content-length: \($0)" } + [""]) == .violation)
    }

    @Test func aFoldedLineContinuesTheOneBefore() {
        #expect(
            parse(["HTTP/1.1 200 OK", "Date: now", "\tand: then", ""])
                == .complete(.init(status: .ok, headerFields: [.date: "now and: then"]))
        )
        #expect(parse(["HTTP/1.1 200 OK", " Date: now"]) == .violation)
    }

    @Test func trailersAreIgnored() {
        var parser = ResponseHeadParser()
        for line in ["HTTP/1.1 200 OK\r\n", "\r\n", "Checksum: 1\r\n", "\r\n"] {
            if case .violation = Array(line.utf8).withUnsafeBytes({ parser.consume($0) }) { Issue.record("\(line)") }
        }
    }

    @Test(arguments: [
        ["HTTP/1.1 20 OK"], ["HTTP/1.1 2000 OK"], ["HTTP/1.1 0x1 OK"], ["HTTP/1.1 099 OK"], ["HTTP/1.1"],
        ["ICY 200 OK"], [""],
        ["HTTP/1.1 200 OK", "no colon"], ["HTTP/1.1 200 OK", ": no name"], ["HTTP/1.1 200 OK", "bad name: x"],
        ["HTTP/1.1 200 OK", ":status: 500"], ["HTTP/1.1 101 Switching Protocols", ""],
    ])
    func aMalformedHeadIsAViolation(lines: [String]) {
        #expect(parse(lines) == .violation)
    }

    @Test func aHeadOfUnboundedLengthIsAViolation() {
        let line = "X-Filler: " + String(repeating: "x", count: 1_000)
        #expect(parse(["HTTP/1.1 200 OK"] + Array(repeating: line, count: 100) + [""]) != .violation)
        #expect(parse(["HTTP/1.1 200 OK"] + Array(repeating: line, count: 200) + [""]) == .violation)
        let interim = ["HTTP/1.1 100 Continue", ""]
        #expect(parse(Array(repeating: interim, count: 10_000).flatMap(\.self)) == .violation)
    }
}
