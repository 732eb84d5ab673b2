import FoundationEssentials
import Testing

@testable import PreviewCommands

/// Tests that doctor reads what other installations write into the objects that it inspects.
@Suite("Objects that doctor inspects", .timeLimit(.minutes(10)))
struct InspectedObjectTests {
    private func decode<Object: Decodable>(_ type: Object.Type, _ json: String) throws -> Object {
        try JSONDecoder().decode(type, from: Data(json.utf8))
    }

    @Test func aPolicysPortMayBeANumberANameOrMissing() throws {
        let policy = try decode(
            InspectedNetworkPolicy.self,
            """
            {"metadata": {"name": "all"}, "spec": {"ingress": [{"ports": [
                {"port": 3000, "endPort": 9000}, {"port": "http"}, {"protocol": "TCP"}
            ]}]}}
            """
        )
        let ports = try #require(policy.spec?.ingress?.first?.ports)
        #expect(ports.map(\.port) == [3000, nil, nil])
        #expect(ports.map { $0.reference == nil } == [false, false, true])
        #expect(ports.map(\.endPort) == [9000, nil, nil])
    }
}
