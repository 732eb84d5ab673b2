import DevCluster
import Testing

@Suite("Ports", .timeLimit(.minutes(10)))
struct SocketsTests {
    @Test func aFreePortIsAPortWithoutAListener() throws {
        let port = try #require(Sockets.freePort(address: "127.0.0.1"))
        #expect(Sockets.canListen(address: "127.0.0.1", port: port))
        #expect(!Sockets.accepts(address: "127.0.0.1", port: port))
    }

    @Test(arguments: [-1, 65_536, 1_000_000])
    func aNumberThatIsNoPortIsNotFree(port: Int) {
        #expect(!Sockets.canListen(address: "127.0.0.1", port: port))
        #expect(!Sockets.accepts(address: "127.0.0.1", port: port))
    }

    @Test(arguments: ["", "localhost", "300.1.1.1", "::zz"])
    func aTextThatIsNoAddressAnswersNothing(address: String) {
        #expect(!Sockets.accepts(address: address, port: 80))
        #expect(Sockets.freePort(address: address) == nil)
    }
}
