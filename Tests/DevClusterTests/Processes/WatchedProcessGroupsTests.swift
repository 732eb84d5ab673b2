import DevCluster
import Testing

@Suite("The watchdog's process groups", .timeLimit(.minutes(10)))
struct WatchedProcessGroupsTests {
    @Test func groupsThatWereRemovedAreNotEnded() {
        var watchedGroups = WatchedProcessGroups()
        for line in ["+30", "+20", "+30", "-20"] { watchedGroups.apply(line) }
        #expect(watchedGroups.groups == [ProcessGroup(id: 30)])
    }

    @Test(arguments: ["", "+", "30", "+x", "*30", "+0", "+1", "+-5", "-", "+99999999999"])
    func otherLinesChangeNothing(line: String) {
        var watchedGroups = WatchedProcessGroups()
        watchedGroups.apply(line)
        #expect(watchedGroups.groups.isEmpty)
    }
}
