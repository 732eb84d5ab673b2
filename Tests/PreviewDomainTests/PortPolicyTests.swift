import Testing

@testable import PreviewDomain

@Suite(.timeLimit(.minutes(10))) struct PortPolicyTests {
    @Test(arguments: [3000, 3001, 5173, 8999, 9000])
    func allowedPortsPass(port: Int) throws {
        #expect(try PortPolicy().check(port).number == port)
    }

    @Test(arguments: [Int.min, -3000, -1, 0, 1, 80, 2999, 9001, 65_535, 65_536, 3000 + 65_536, Int.max])
    func otherPortsAreRefusedWithTheRange(port: Int) throws {
        let error = try #require(throws: PortRejected.self) { try PortPolicy().check(port) }
        #expect(error.message == "Port \(port) cannot be previewed: expected a port from 3000 to 9000.")
        #expect(error.description == error.message)
    }

    @Test(arguments: [-5, 0, 65_536, 100_000])
    func aRangeThatIsTooWideLetsNoImpossiblePortPass(port: Int) {
        #expect(throws: PortRejected.self) { try PortPolicy(allowed: -10...200_000).check(port) }
    }

    @Test func targetPortsAreTCPPorts() {
        #expect(TargetPort(0) == nil)
        #expect(TargetPort(65_536) == nil)
        #expect(TargetPort(1)?.description == "1")
        #expect(TargetPort(65_535)?.number == 65_535)
    }
}
