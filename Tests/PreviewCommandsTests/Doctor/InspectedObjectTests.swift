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

    @Test func aVariablesValueIsFoundInAConfigMapAndUnknownElsewhere() throws {
        let deployment = try decode(
            InspectedDeployment.self,
            """
            {"metadata": {"name": "api"}, "spec": {"template": {"spec": {"containers": [{
                "envFrom": [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "keys"}}],
                "env": [
                    {"name": "LITERAL", "value": "1"}, {"name": "EMPTY"},
                    {"name": "CHOSEN", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "chosen"}}},
                    {"name": "ABSENT", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "absent"}}},
                    {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "api-key"}}},
                    {"name": "FIELD", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
                ]
            }]}}}}
            """
        )
        let settings = try decode(
            InspectedConfigMap.self,
            #"{"metadata": {"name": "settings"}, "data": {"chosen": "2", "LITERAL": "0"}}"#
        )
        #expect(
            deployment.environment(["settings": settings]) == [
                "LITERAL": .text("1"), "EMPTY": .text(""), "chosen": .text("2"), "CHOSEN": .text("2"),
                "ABSENT": .unknown, "SECRET": .unknown, "FIELD": .unknown,
            ]
        )
    }
}
