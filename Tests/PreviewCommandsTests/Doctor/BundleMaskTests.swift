import Basics
import PreviewDomain
import Testing

@testable import PreviewCommands

/// Tests what a bundle shows of the command lines of containers.
@Suite("Command lines in a bundle", .timeLimit(.minutes(10)))
struct BundleMaskTests {
    private func masked(_ elements: [String], member: String = "args") -> [String]? {
        let container = JSONValue.object([member: .array(elements.map { .string($0) })])
        guard case .object(let members) = BundleMask(secrets: []).masked(container),
            case .array(let values)? = members[member]
        else { return nil }
        return values.compactMap(\.stringValue)
    }

    @Test(arguments: [
        "Auth__ApiKey=hunter2", "--set=Auth__ApiKey=hunter2", "--token=hunter2", "PASSWORD=a b hunter2",
        "exec preview-gateway serve --set Auth__ApiKey=hunter2 --set Server__DrainSeconds=1",
        "Server__DrainSeconds=1 Auth__ApiKey=hunter2 exec preview-gateway serve", "--set=hunter2",
    ])
    func valuesThatMayBeSecretAreMasked(element: String) throws {
        for member in ["args", "command"] {
            let shown = try #require(masked(["serve", element, "--verbose"], member: member))
            #expect(shown.count == 3 && shown.first == "serve" && shown.last == "--verbose")
            #expect(!shown[1].contains("hunter2") && shown[1].hasSuffix(SecretMask.placeholder))
        }
    }

    @Test func anElementAfterSetIsMaskedIfItHasNoKey() {
        #expect(masked(["--set", "hunter2", "serve"]) == ["--set", SecretMask.placeholder, "serve"])
    }

    @Test func valuesOfSettingsThatAreNotSecretAreShown() {
        let elements = ["serve", "--set", "Server__DrainSeconds=1", "--set=Sandbox__Preview__GatewayName=previews"]
        #expect(masked(elements) == elements)
    }
}
