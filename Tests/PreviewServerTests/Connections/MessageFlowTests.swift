import Testing

@testable import PreviewServer

@Suite("Requests and responses of a connection", .timeLimit(.minutes(10)))
struct MessageFlowTests {
    /// A class, because an expectation cannot mutate a value.
    private final class Connection {
        var flow = MessageFlow(maxBodyBytes: 100, maxLingeringBytes: 1_000)
    }

    private let connection = Connection()

    @Test func aRequestWithinTheLimitLeavesTheConnectionOpen() {
        #expect(connection.flow.headArrived(declaredBytes: 100) == .forward)
        #expect(connection.flow.bodyArrived(byteCount: 100) == .forward)
        #expect(connection.flow.endArrived() == .forward)
        #expect(connection.flow.responseHeadSent() == false)
        #expect(connection.flow.responseEndSent() == .keepOpen)
        #expect(!connection.flow.isBusy)
    }

    @Test func aBodyDeclaredTooLongIsNotForwardedAndItsAnswerIsTheLast() {
        #expect(connection.flow.headArrived(declaredBytes: 101) == .forward)
        #expect(connection.flow.bodyArrived(byteCount: 50) == .discard)
        #expect(connection.flow.responseHeadSent() == true)
        #expect(connection.flow.responseEndSent() == .finish)
        #expect(!connection.flow.isBusy)
        #expect(connection.flow.bodyArrived(byteCount: 900) == .discard)
        #expect(connection.flow.bodyArrived(byteCount: 101) == .close)
    }

    @Test func ofABodyWithoutLengthOnlyWhatCrossesTheLimitIsForwarded() {
        _ = connection.flow.headArrived(declaredBytes: nil)
        #expect(connection.flow.bodyArrived(byteCount: 60) == .forward)
        #expect(connection.flow.bodyArrived(byteCount: 60) == .forward)
        #expect(connection.flow.bodyArrived(byteCount: 60) == .discard)
        #expect(connection.flow.responseHeadSent() == true)
        #expect(connection.flow.responseEndSent() == .finish)
    }

    @Test func aBodyThatTurnsOutTooLongAfterItsAnswerEndsTheConnection() {
        _ = connection.flow.headArrived(declaredBytes: nil)
        #expect(connection.flow.responseHeadSent() == false)
        #expect(connection.flow.responseEndSent() == .keepOpen)
        #expect(connection.flow.isBusy)
        #expect(connection.flow.bodyArrived(byteCount: 101) == .forward)
        #expect(connection.flow.bodyArrived(byteCount: 1) == .close)
    }

    @Test func theAnswerToAnEarlierRequestDoesNotSufferForALaterOne() {
        _ = connection.flow.headArrived(declaredBytes: nil)
        _ = connection.flow.endArrived()
        _ = connection.flow.headArrived(declaredBytes: 500)
        #expect(!connection.flow.mayRespondOutOfTurn)
        #expect(connection.flow.responseHeadSent() == false)
        #expect(connection.flow.responseEndSent() == .keepOpen)
        #expect(connection.flow.responseHeadSent() == true)
        #expect(connection.flow.responseEndSent() == .finish)
    }

    @Test func anEarlierRequestIsNotAnsweredInPlaceOfTheOneThatCannotBeRead() {
        #expect(connection.flow.mayRespondOutOfTurn)
        _ = connection.flow.headArrived(declaredBytes: nil)
        _ = connection.flow.endArrived()
        #expect(!connection.flow.mayRespondOutOfTurn)
    }

    @Test func answersAreMatchedWithTheirRequests() {
        for isHEAD in [true, false, true] {
            _ = connection.flow.headArrived(declaredBytes: nil, isHEAD: isHEAD)
            _ = connection.flow.endArrived()
        }
        #expect(!connection.flow.nextResponseIsToNewestRequest)
        for isHEAD in [true, false, true] {
            #expect(connection.flow.nextResponseIsToHEAD == isHEAD)
            _ = connection.flow.responseHeadSent()
            #expect(connection.flow.nextResponseIsToHEAD == isHEAD)
            _ = connection.flow.responseEndSent()
        }
        #expect(!connection.flow.nextResponseIsToHEAD)
        #expect(connection.flow.nextResponseIsToNewestRequest)
    }

    @Test func anAnswerUnderWayCannotBeReplaced() {
        _ = connection.flow.headArrived(declaredBytes: nil)
        #expect(connection.flow.mayRespondOutOfTurn)
        _ = connection.flow.responseHeadSent()
        #expect(!connection.flow.mayRespondOutOfTurn)
    }

    @Test func afterAnAnswerOutOfTurnNothingIsReadOrSent() {
        _ = connection.flow.headArrived(declaredBytes: nil)
        connection.flow.respondedOutOfTurn()
        #expect(connection.flow.isLingering)
        #expect(!connection.flow.isBusy)
        #expect(connection.flow.headArrived(declaredBytes: nil) == .discard)
        #expect(connection.flow.endArrived() == .discard)
        #expect(!connection.flow.isBusy)
    }

    @Test func whenTheServerStopsTheAnswerUnderWayIsTheLast() {
        _ = connection.flow.headArrived(declaredBytes: nil)
        _ = connection.flow.endArrived()
        connection.flow.stop()
        #expect(connection.flow.responseHeadSent() == true)
        #expect(connection.flow.responseEndSent() == .finish)
    }

    @Test func aForwardedBodyHasNoLimit() {
        #expect(connection.flow.headArrived(declaredBytes: 1 << 40, isForwarded: true) == .forward)
        #expect(connection.flow.isReadingForwardedRequest)
        #expect(connection.flow.bodyArrived(byteCount: 1 << 20) == .forward)
        #expect(!connection.flow.isTooLarge)
        #expect(connection.flow.responseHeadSent() == false)
        #expect(connection.flow.bodyArrived(byteCount: 1 << 20) == .forward)
        #expect(connection.flow.endArrived() == .forward)
        #expect(connection.flow.responseEndSent() == .keepOpen)
    }

    @Test func aRequestThatIsPassedOnAndAnsweredEarlyEndsTheConnection() {
        _ = connection.flow.headArrived(declaredBytes: nil, isForwarded: true)
        #expect(connection.flow.responseHeadSent(isError: true) == true)
        #expect(connection.flow.responseEndSent() == .finish)
        #expect(connection.flow.bodyArrived(byteCount: 500) == .discard)
    }

    @Test func theLimitAppliesAgainToTheNextRequest() {
        _ = connection.flow.headArrived(declaredBytes: 1_000, isForwarded: true)
        _ = connection.flow.endArrived()
        _ = connection.flow.headArrived(declaredBytes: 1_000)
        #expect(connection.flow.isTooLarge)
        #expect(connection.flow.nextResponseIsForwarded)
        _ = connection.flow.responseHeadSent()
        _ = connection.flow.responseEndSent()
        #expect(!connection.flow.nextResponseIsForwarded)
    }
}
