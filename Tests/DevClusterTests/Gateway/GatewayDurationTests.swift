import DevCluster
import Testing

@Suite("Durations of the Gateway API", .timeLimit(.minutes(10)))
struct GatewayDurationTests {
    @Test(
        arguments: [("8h", 28_800_000), ("1h30m", 5_400_000), ("10s500ms", 10_500), ("0s", 0), ("99999ms", 99_999)]
    )
    func partsAddUp(text: String, milliseconds: Int64) {
        #expect(GatewayDuration(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: ["", "8", "h", "1.5h", "-1s", "100000s", "1d", "1h1h1h1h1h", "1 h", "١s"])
    func otherTextIsNoDuration(text: String) {
        #expect(GatewayDuration(text) == nil)
    }
}
