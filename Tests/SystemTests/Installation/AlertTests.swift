import Foundation
import HTTPTypes
import PreviewControl
import Router
import TestPeers
import TestSupport
import Testing
import YAMLKit

private typealias Files = InstallationFiles

/// The alerts and the dashboard in `k8s/components/monitoring`.
@Suite("The alerts", .timeLimit(.minutes(10)))
struct AlertTests {
    private static let rulesFile = "k8s/components/monitoring/prometheusrule.yaml"
    /// The promtool that the variable `PROMTOOL` names, or the first in `PATH`.
    private static let promtool =
        TestPrograms.named(by: "PROMTOOL") ?? (TestPrograms.isInstalled("promtool") ? "promtool" : nil)

    private static func rules() throws -> [[String: Any]] {
        let object = try YAMLNode.objects(in: ProjectFiles.text(rulesFile)).first
        let spec = object?["spec"] as? [String: Any]
        let groups = spec?["groups"] as? [[String: Any]] ?? []
        return groups.flatMap { $0["rules"] as? [[String: Any]] ?? [] }
    }

    @Test("Each alert has a section of Docs/Operations.md that says what to do")
    func everyAlertIsDocumented() throws {
        let page = try ProjectFiles.text("Docs/Operations.md")
        let names = try Self.rules().compactMap { $0["alert"] as? String }
        #expect(names.count > 10 && Set(names).count == names.count)
        for name in names { #expect(page.contains("\n### \(name)\n"), "\(name) has no section") }
    }

    @Test("Alerts and dashboard use only metrics that the service has")
    func alertsAndDashboardUseKnownMetricsOnly() throws {
        let known = Set(PreviewMetric.allCases.map(\.rawValue) + RouterMetric.allCases.map(\.rawValue))
        for file in [Self.rulesFile, "k8s/components/monitoring/preview-gateway.json"] {
            let text = try ProjectFiles.text(file)
            let named = Set(text.matches(of: /preview_gateway_\w+/).map { String($0.output) })
            #expect(named.count > 5)
            for name in named {
                let base = name.replacing(/_(bucket|count|sum)$/, with: "")
                #expect(known.contains(name) || known.contains(base), "\(name) is no metric")
            }
        }
    }

    @Test(
        "Each alert fires for the state that it names, and not before",
        .enabled(if: promtool != nil, "promtool is not installed")
    )
    func eachAlertFiresForItsStateAndNotBefore() async throws {
        let promtool = try #require(Self.promtool)
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let manifest = try ProjectFiles.text(Self.rulesFile)
        let spec = try #require(manifest.range(of: "\nspec:\n"))
        let rules = try folder.write("rules.yaml", String(manifest[spec.upperBound...]))
        let tests = try ProjectFiles.text("Tests/Alerts/alerts.yaml")
        for name in try Self.rules().compactMap({ $0["alert"] as? String }) {
            #expect(tests.contains("alertname: \(name)\n        exp_alerts:\n"), "\(name) is not tried")
        }
        let check = try await Files.run(promtool, ["check", "rules", rules])
        #expect(check.isSuccess, "\(check.output)\(check.errors)")
        let test = try await Files.run(promtool, ["test", "rules", folder.write("alerts.yaml", tests)])
        #expect(test.isSuccess, "\(test.output)\(test.errors)")
    }

    @Test(
        "promtool accepts the metrics page without a warning",
        .enabled(if: promtool != nil, "promtool is not installed")
    )
    func promtoolAcceptsTheMetricsPage() async throws {
        let promtool = try #require(Self.promtool)
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            _ = try await service.startPreview()
            let page = try await service.call(.get, "/metrics", bearer: nil).body
            #expect(page.contains("preview_gateway_starts_total"))
            let build = page.split(separator: "\n").first { $0.hasPrefix("preview_gateway_build_info{") }
            for label in ["version", "commit", "built"] { #expect(build?.contains("\(label)=\"") == true) }
            let check = try await Files.run(promtool, ["check", "metrics"], input: page)
            #expect(check.isSuccess && check.errors.isEmpty, "\(check.output)\(check.errors)")
        }
    }
}
