import Foundation
import TestSupport
import Testing

@testable import PreviewCommands

/// Compares Docs/Configuration.md with the settings in the code.
@Suite("The page about settings", .timeLimit(.minutes(10)))
struct ConfigurationPageTests {
    private static let page = (try? ProjectFiles.text("Docs/Configuration.md")) ?? ""

    /// The rows of the page: a setting's key, its default, its allowed values, and an example.
    private static let rows = page.matches(
        of: /\n\| `(\w+__\w+|SANDBOX_\w+)` \| (?:none|`([^`]+)`) \| ([^|]+) \| `([^`]+)` \|\s/
    ).map(\.output)

    @Test func everySettingHasADescriptionAndNoOtherKeyHas() {
        let described = Settings.descriptions.map(\.key)
        #expect(Set(described).count == described.count)
        #expect(Self.rows.map { String($0.1) } == described)
    }

    @Test(arguments: Settings.descriptions.map(\.key))
    func thePageSaysTheRangeAsTheCodeDoesAndItsExampleIsInIt(key: String) throws {
        let setting = try #require(Settings.descriptions.first { $0.key == key })
        let row = try #require(Self.rows.first { $0.1 == key }, "the page has no such row")
        #expect(row.3 == setting.expected)
        #expect(setting.accepts(String(row.4)), "the example is refused")
    }

    /// Setting every default of the page explicitly is accepted and changes nothing, so each is the value in effect.
    @Test func everyDefaultIsInItsRangeAndIsWhatTheServiceUses() throws {
        let minimum = [
            "Sandbox__Preview__ZoneSuffix=preview.example.com", "Agentweaver__ApiBaseUrl=http://agentweaver-api:8080",
        ]
        let defaults = Self.rows.compactMap { row in row.2.map { "\(row.1)=\($0)" } }
        for (row, setting) in zip(Self.rows, Settings.descriptions) {
            #expect((row.2 != nil) == setting.hasDefault, "\(setting.key)")
        }
        func settings(_ flags: [String]) throws -> String {
            var text = ""
            dump(try Settings(SettingsSources(flags: flags, environment: [:], file: nil)), to: &text)
            // The addresses of objects differ between the dumps.
            return text.replacing(/0x[0-9a-f]+/, with: "")
        }
        #expect(try settings(minimum + defaults) == settings(minimum))
        // With the router on, the result contains its settings too.
        let router = ["Router__Enabled=true"]
        #expect(try settings(minimum + defaults + router) == settings(minimum + router))
        // The comparison detects settings that differ.
        for setting in [
            "Sandbox__Preview__OutageGraceSeconds=151", "Server__RequestBurst=99", "Router__HeadTimeoutSeconds=299",
            "Log__Format=json",
        ] {
            #expect(try settings(minimum + router + [setting]) != settings(minimum + router), "\(setting)")
        }
    }
}
