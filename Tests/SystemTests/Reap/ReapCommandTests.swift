import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import DevCluster

@Suite("reap on a cluster", .timeLimit(.minutes(1)))
struct ReapCommandTests {
    private typealias State = ReapCluster.State

    /// The decision for each state, and a part of the reason in its line.
    private static let decisions: [State: (decision: String, reason: String)] = [
        .alive: ("keep", "idle in"), .idle: ("reap", "idle, due"), .capped: ("reap", "hard-cap, due"),
        .podGone: ("reap", "pod-gone"), .podReplaced: ("reap", "pod-gone"), .unusable: ("keep", "idle in"),
        .legacy: ("keep", "idle in"), .deleting: ("leave", "being deleted"), .claimGone: ("keep", "idle in"),
        .route: ("reap", "orphan, due"), .service: ("reap", "orphan, due"), .freshService: ("keep", "orphan in"),
    ]
    private static let due: Set<String> = Set(decisions.filter { $0.value.decision == "reap" }.map(\.key.rawValue))

    @Test func aDryRunReportsEveryDecisionAndDeletesNothing() async throws {
        try await ReapCluster.run { cluster in
            let (routes, services) = (cluster.routes, cluster.services)
            let result = try await cluster.reap("--once", "--dry-run")
            #expect(result.exitCode == 0)
            for (state, expected) in Self.decisions {
                let line = result.line(of: try ReapCluster.token(state))
                #expect(line.contains(" \(expected.decision) "), "\(state): \(line)")
                #expect(line.contains(expected.reason), "\(state): \(line)")
            }
            #expect(cluster.routes == routes && cluster.services == services)
            #expect(cluster.server.requestLog.count(verb: "delete") == 0)
        }
    }

    @Test func aSweepDeletesWhatIsDueAndNothingElse() async throws {
        try await ReapCluster.run { cluster in
            let (routes, services) = (cluster.routes, cluster.services)
            let result = try await cluster.reap("--once")
            #expect(result.exitCode == 0)
            #expect(cluster.routes == routes.subtracting(Self.due))
            #expect(cluster.services == services.subtracting(Self.due))
            for state in Self.due.compactMap(State.init(rawValue:)) {
                #expect(result.line(of: try ReapCluster.token(state)).contains(" reaped "))
            }
            #expect(result.line(of: try ReapCluster.token(.alive)).contains(" kept "))
            #expect(result.line(of: try ReapCluster.token(.deleting)).contains(" left "))
        }
    }

    @Test func previewsThatEndWithTheirRunAreDueToo() async throws {
        try await ReapCluster.run { cluster in
            _ = try await cluster.reap("--once", environment: ["Sandbox__Preview__KeepAfterRun": "false"])
            #expect(!cluster.routes.contains(State.claimGone.rawValue))
            #expect(cluster.routes.contains(State.alive.rawValue))
        }
    }

    @Test func aDisabledServiceIsReportedAndNothingIsDeleted() async throws {
        try await ReapCluster.run { cluster in
            let routes = cluster.routes
            let result = try await cluster.reap("--once", environment: ["Sandbox__Preview__Enabled": "false"])
            #expect(result.exitCode == 0)
            #expect(result.output.contains("the reaper is disabled, because Sandbox__Preview__Enabled is false"))
            #expect(cluster.routes == routes)
        }
    }

    @Test func theDeploymentsEnvironmentIsTakenAsItIs() async throws {
        try await ReapCluster.run { cluster in
            let result = try await cluster.reap(
                "--once",
                "--dry-run",
                environment: [
                    "Sandbox__Preview__ZoneSuffix": "preview.example.com", "Auth__ApiKeyFile": "/no/such/key",
                    "Server__Listen": "0.0.0.0:8080", "Log__Level": "debug",
                ]
            )
            #expect(result.exitCode == 0, "\(result.error)")
        }
    }

    @Test func anUnknownSettingIsRefused() async throws {
        try await ReapCluster.run { cluster in
            let result = try await cluster.reap("--once", environment: ["Sandbox__Preview__IdleTimeout": "30"])
            #expect(result.exitCode != 0)
            #expect(result.error.contains("Sandbox__Preview__IdleTimeout "))
        }
    }

    @Test func theShippedRoleIsSufficient() async throws {
        let rules = try AccessRules(file: ProjectFiles.path("k8s/base/rbac.yaml"))
        try await ReapCluster.run(rules: rules) { cluster in
            let result = try await cluster.reap("--once", environment: ["Sandbox__Preview__KeepAfterRun": "false"])
            #expect(result.exitCode == 0, "\(result.error)")
            #expect(cluster.routes.isDisjoint(with: Self.due))
            #expect(cluster.server.requestLog.count(verb: "delete") > 0)
        }
    }

    @Test func aMissingPermissionToDeleteIsReported() async throws {
        let rules = try AccessRules(file: ProjectFiles.path("k8s/base/rbac.yaml"))
        try await ReapCluster.run(rules: rules) { cluster in
            try cluster.store.update(.roles, namespace: ReapCluster.namespace, name: "preview-gateway") { role in
                role["rules"] = [
                    [
                        "apiGroups": ["", "gateway.networking.k8s.io"],
                        "resources": ["pods", "services", "httproutes"], "verbs": ["get", "list"],
                    ]
                ]
            }
            let routes = cluster.routes
            let result = try await cluster.reap("--once")
            #expect(result.exitCode == 1)
            #expect(result.error.contains("\(Self.due.count) of the due objects could not be deleted"))
            #expect(cluster.routes == routes)
        }
    }

    // MARK: Failures

    @Test("A cluster that cannot be read is an error", arguments: ["pods", "services", "httproutes"])
    func aClusterThatCannotBeReadIsAnError(resource: String) async throws {
        try await ReapCluster.run { cluster in
            let routes = cluster.routes
            cluster.server.faults.add(.init(resource: resource, times: nil, fault: .respond(Self.forbidden)))
            let result = try await cluster.reap("--once")
            #expect(result.exitCode == 1)
            #expect(result.error.contains("could not be read: the API server answered 403"))
            #expect(cluster.routes == routes)
        }
    }

    @Test func aDeletionThatIsRefusedIsAnErrorAndTheOthersAreDone() async throws {
        try await ReapCluster.run { cluster in
            let name = try ReapCluster.token(.idle).objectName
            cluster.server.faults.add(
                .init(verb: "delete", times: nil, fault: .respond(Self.forbidden)) { $0.name == name }
            )
            let result = try await cluster.reap("--once")
            #expect(result.exitCode == 1)
            #expect(result.error.contains("1 of the due objects could not be deleted"))
            let line = result.line(of: try ReapCluster.token(.idle))
            #expect(line.contains(" failed ") && line.hasSuffix("the API server answered 403"))
            #expect(cluster.routes.intersection(Self.due) == [State.idle.rawValue])
        }
    }

    private static let forbidden = StatusFailure(
        code: 403,
        reason: "Forbidden",
        message: #"httproutes "preview-swift-falcon-idlek7m2q4x3n5b3r6t5" is forbidden"#
    )

    // MARK: Explaining

    @Test("Each state is explained", arguments: State.allCases)
    private func eachStateIsExplained(state: State) async throws {
        try await ReapCluster.run { cluster in
            let token = try ReapCluster.token(state)
            let (routes, services) = (cluster.routes, cluster.services)
            for reference in [token.fingerprint, token.text, token.objectName] {
                let result = try await cluster.reap("--explain", reference)
                #expect(result.exitCode == 0)
                let decision = Self.decisions[state]?.decision ?? ""
                #expect(result.output.contains("\n  \(decision): "), "\(result.output)")
                #expect(result.output.contains(token.fingerprint))
            }
            #expect(cluster.routes == routes && cluster.services == services)
        }
    }

    @Test func anUnknownPreviewIsAnErrorThatSaysWhatToTry() async throws {
        try await ReapCluster.run { cluster in
            for reference in ["ffffffff", "swift-falcon-nobody-k7m2q4x3n5b3r6t5"] {
                let result = try await cluster.reap("--explain", reference)
                #expect(result.exitCode == 1)
                #expect(result.error.contains("'preview-gateway list' prints all"))
                #expect(result.output.isEmpty && !result.error.contains("nobody"))
            }
        }
    }

    // MARK: Secrets

    @Test func noTokenIsInAnyOutput() async throws {
        try await ReapCluster.run { cluster in
            let tokens = try State.allCases.map(ReapCluster.token)
            var results = [
                try await cluster.reap("--once", "--dry-run"),
                try await cluster.reap("--once", "--dry-run", "-o", "json"),
            ]
            for token in tokens {
                results.append(try await cluster.reap("--explain", token.text))
                results.append(try await cluster.reap("--explain", token.text, "-o", "json"))
                results.append(try await cluster.reap("--explain", "\(token.text)x"))
                results.append(try await cluster.reap("--explain", "\(token.text)/"))
                results.append(try await cluster.reap("--once", token.text))
            }
            cluster.server.faults.add(
                .init(verb: "delete", times: nil, fault: .respond(Self.forbidden)) { $0.name?.contains("idle") == true }
            )
            results.append(try await cluster.reap("--once", "-o", "json"))
            cluster.server.faults.add(.init(verb: "list", times: nil, fault: .respond(Self.forbidden)))
            results.append(try await cluster.reap("--once"))
            for result in results {
                for token in tokens {
                    #expect(!result.output.contains(token.text) && !result.error.contains(token.text))
                }
            }
            #expect(results.contains { $0.output.contains(tokens[0].fingerprint) })
        }
    }
}
