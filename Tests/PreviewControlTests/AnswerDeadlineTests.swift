import TestSupport
import Testing

@testable import PreviewControl

@Suite struct AnswerDeadlineTests {
    private let clock = ManualClock()
    private var time: MonotonicTime { MonotonicTime(clock) }

    @Test func workThatNobodyWaitsForHasNoDeadline() {
        #expect(AnswerDeadline.remaining == nil)
    }

    @Test func theTimeRunsFromTheArrivalHoweverManyStepsThereAre() async {
        await AnswerDeadline.begin(time) {
            #expect(AnswerDeadline.remaining == AnswerDeadline.limit)
            clock.advance(by: .seconds(4))
            await AnswerDeadline.keep(time) { #expect(AnswerDeadline.remaining == AnswerDeadline.limit - .seconds(4)) }
            clock.advance(by: .seconds(60))
            #expect(AnswerDeadline.remaining == .zero)
        }
        #expect(AnswerDeadline.remaining == nil)
    }

    @Test func anOperationOfItsOwnBeginsOne() async {
        await AnswerDeadline.keep(time) { #expect(AnswerDeadline.remaining == AnswerDeadline.limit) }
    }

    @Test func tasksThatAnOperationStartsHaveItsDeadline() async {
        await AnswerDeadline.begin(time) {
            let remaining = await Task { AnswerDeadline.remaining }.value
            #expect(remaining == AnswerDeadline.limit)
        }
    }

    @Test func whatIsReservedIsLeftAfterwards() async {
        await AnswerDeadline.begin(time) {
            let left = AnswerDeadline.limit - AnswerDeadline.takingBack
            await AnswerDeadline.reserve { #expect(AnswerDeadline.remaining == left) }
            #expect(AnswerDeadline.remaining == AnswerDeadline.limit)
        }
        await AnswerDeadline.reserve { #expect(AnswerDeadline.remaining == nil) }
    }

    @Test func whoWaitsForAHumanWaitsAsLongAsItTakes() async {
        await AnswerDeadline.begin(time) {
            await AnswerDeadline.suspend {
                clock.advance(by: .seconds(300))
                #expect(AnswerDeadline.remaining == nil)
                await AnswerDeadline.begin(time) { #expect(AnswerDeadline.remaining == AnswerDeadline.limit) }
            }
        }
    }
}
