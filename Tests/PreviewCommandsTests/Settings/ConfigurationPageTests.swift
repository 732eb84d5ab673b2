import Foundation
import TestSupport
import Testing

@testable import PreviewCommands

/// Compares Docs/Configuration.md with the settings in the code.
@Suite("The page about settings", .timeLimit(.minutes(10)))
struct ConfigurationPageTests {
    private static let page = (try? ProjectFiles.text("Docs/Configuration.md")) ?? ""

    @Test func everySettingHasADescriptionAndNoOtherKeyHas() {
        let described = Settings.descriptions.map(\.key)
        #expect(Set(described).count == described.count)
        let documented = Self.page.matches(of: /\n\| `(\w+__\w+|SANDBOX_\w+)` \|/).map { String($0.1) }
        #expect(documented == described)
    }

    @Test(arguments: Settings.descriptions.map(\.key))
    func thePageSaysDefaultRangeAndExampleAsTheCodeDoes(key: String) throws {
        let setting = try #require(Settings.descriptions.first { $0.key == key })
        let fallback = setting.fallback.map { "`\($0)`" } ?? "none"
        let row = "| `\(key)` | \(fallback) | \(setting.expected) | `\(setting.example)` | "
        #expect(Self.page.contains("\n\(row)"), "the page has no row \(row)")
        #expect(setting.accepts(setting.example), "the example is refused")
        if let fallback = setting.fallback { #expect(setting.accepts(fallback), "the default is refused") }
    }

    /// Setting every documented default explicitly changes nothing, so each is the value in effect.
    @Test func theDefaultsAreThoseThatHold() throws {
        let minimum = ["Sandbox__Preview__ZoneSuffix=preview.example.com", "Auth__ApiKey=0123456789abcdef"]
        let defaults = Settings.descriptions.compactMap { setting in setting.fallback.map { "\(setting.key)=\($0)" } }
        func settings(_ flags: [String]) throws -> String {
            var text = ""
            dump(try Settings(SettingsSources(flags: flags, environment: [:], file: nil)), to: &text)
            // The addresses of objects differ between the dumps.
            return text.replacing(/0x[0-9a-f]+/, with: "")
        }
        #expect(try settings(minimum + defaults) == settings(minimum))
        // The comparison detects settings that differ.
        for setting in ["Sandbox__Preview__OutageGraceSeconds=151", "Server__RequestBurst=99", "Log__Format=json"] {
            #expect(try settings(minimum + [setting]) != settings(minimum), "\(setting)")
        }
    }
}
