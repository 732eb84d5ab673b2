import FoundationEssentials
import Testing

@testable import DevCluster

@Suite("Conditions", .timeLimit(.minutes(10)))
struct ConditionsTests {
    private let earlier = Date(timeIntervalSince1970: 1_000)
    private let later = Date(timeIntervalSince1970: 2_000)

    private func accepted(_ isTrue: Bool, _ reason: String) -> [(type: String, state: GatewayPlan.ConditionState)] {
        [("Accepted", .init(isTrue, reason, ""))]
    }

    @Test func theTransitionTimeStaysAsLongAsTheStatusDoes() {
        let list = JSONValue.array([]).settingConditions(accepted(false, "Pending"), generation: 1, now: earlier)
        let same = list.settingConditions(accepted(false, "BackendNotFound"), generation: 2, now: later)
        #expect(same[0]?["lastTransitionTime"] == .string(Timestamp.text(earlier)))
        #expect(same[0]?["reason"] == "BackendNotFound")
        #expect(same[0]?["observedGeneration"] == 2)
        let changed = same.settingConditions(accepted(true, "Accepted"), generation: 2, now: later)
        #expect(changed[0]?["lastTransitionTime"] == .string(Timestamp.text(later)))
    }

    @Test func conditionsOfOthersAreKept() {
        let foreign: JSONValue = [["type": "Else", "status": "True"]]
        let list = foreign.settingConditions(accepted(true, "Accepted"), generation: nil, now: earlier)
        #expect(list.arrayValue?.count == 2)
        #expect(list[0] == ["type": "Else", "status": "True"])
        #expect(list[1]?["observedGeneration"] == nil)
    }
}
