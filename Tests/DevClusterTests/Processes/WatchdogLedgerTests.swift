import DevCluster
import Testing

@Suite("The watchdog's ledger", .timeLimit(.minutes(10)))
struct WatchdogLedgerTests {
    @Test func groupsThatWereRemovedAreNotEnded() {
        var ledger = WatchdogLedger()
        for line in ["+30", "+20", "+30", "-20"] { ledger.apply(line) }
        #expect(ledger.groups == [ProcessGroup(id: 30)])
    }

    @Test(arguments: ["", "+", "30", "+x", "*30", "+0", "+1", "+-5", "-", "+99999999999"])
    func otherLinesChangeNothing(line: String) {
        var ledger = WatchdogLedger()
        ledger.apply(line)
        #expect(ledger.groups.isEmpty)
    }
}
