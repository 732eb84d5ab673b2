import HTTPTypes
import Testing

@testable import HTTPTransport

@Suite("A request's trace", .timeLimit(.minutes(1)))
struct RequestTraceTests {
    private static let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func aTraceIsPassedOnAsItCame() {
        let trace = RequestTrace(of: [.traceParent: Self.given, .traceState: "a=1"], requestID: "r")
        #expect(trace.parent == Self.given && trace.state == "a=1")
        #expect(trace.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
    }

    @Test(arguments: [
        "", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "\(given)-more", "a token",
    ])
    func anInvalidTraceIsReplaced(text: String) {
        let trace = RequestTrace(of: [.traceParent: text, .traceState: "a=1"], requestID: "r") { 0xab }
        #expect(trace.parent == "00-00000000000000ab00000000000000ab-00000000000000ab-00")
        #expect(trace.state == nil && RequestTrace.isValid(trace.parent))
    }

    @Test func aLaterVersionMayHaveMore() {
        #expect(RequestTrace.isValid("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"))
    }

    @Test func outsideOfARequestNothingIsAdded() {
        var fields = HTTPFields()
        fields.addCurrentTrace()
        #expect(fields.isEmpty)
        RequestTrace.$current.withValue(RequestTrace(of: [.traceParent: Self.given], requestID: "r")) {
            fields.addCurrentTrace()
        }
        #expect(fields[.traceParent] == Self.given && fields[.xRequestID] == "r")
    }
}
