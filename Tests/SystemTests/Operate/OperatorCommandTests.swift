import ArgumentParser
import FoundationEssentials
import HTTPTypes
import KubernetesClient
import PreviewDomain
import Synchronization
import TestPeers
import Testing
import YAMLKit

@testable import DevCluster
@testable import PreviewCommands

/// The commands that operators run with their own kubeconfig while the service runs.
@Suite("Commands for operators", .timeLimit(.minutes(2)))
struct OperatorCommandTests {
    private static let agentStart = "/api/runs/\(ServiceUnderTest.run)/sandbox/preview"

    /// The output of a command, and how it ended.
    struct Result: Sendable {
        var output = ""
        var warnings: [String] = []
        /// The error message; empty if there was none.
        var error = ""
        var exitCode: Int32 = 0
    }

    func operate<Command: OperatorCommand>(
        _ type: Command.Type,
        _ arguments: String...,
        on service: ServiceUnderTest
    ) async -> Result {
        let result = Mutex(Result())
        do {
            guard let command = try type.parseAsRoot(arguments) as? Command else { return Result(exitCode: -1) }
            try await command.run(
                in: OperatorContext(
                    environment: ["USER": "ada"],
                    cluster: { try ClusterConfiguration.discover(kubeconfig: service.kubeconfig) },
                    print: { text in result.withLock { $0.output += text + "\n" } },
                    warn: { text in result.withLock { $0.warnings.append(text) } }
                )
            )
        } catch {
            result.withLock {
                $0.error = type.fullMessage(for: error)
                $0.exitCode = type.exitCode(for: error).rawValue
            }
        }
        return result.withLock(\.self)
    }

    func start(_ service: ServiceUnderTest) async throws -> (token: PreviewToken, url: String) {
        let answer = try await service.startPreview()
        return (
            try #require(answer["session_id"].flatMap { PreviewToken($0) }), try #require(answer["preview_url"])
        )
    }

    /// Requests a preview as the agent does, and returns once the request waits.
    func requestPreview(
        _ service: ServiceUnderTest
    ) async throws -> (request: String, call: Task<ServiceUnderTest.Response, any Error>) {
        let call = Task {
            try await service.call(
                .post,
                Self.agentStart,
                body: #"{"target_port": 3000}"#,
                bearer: ServiceUnderTest.key
            )
        }
        while !Task.isCancelled {
            let result = await operate(RequestsCommand.self, "-o", "name", on: service)
            if !result.output.isEmpty { return (String(result.output.dropLast()), call) }
        }
        throw CancellationError()
    }

    private func events(_ service: ServiceUnderTest) -> [String] {
        service.store.list(.events).items.compactMap { $0["reason"]?.stringValue }
    }

    /// Whether a command has recorded a stop. The service itself records later that the objects were deleted.
    private func hasReportedStop(_ service: ServiceUnderTest) -> Bool {
        service.store.list(.events).items.contains { $0["message"]?.stringValue?.hasSuffix("was stopped.") == true }
    }

    // MARK: Previews

    @Test func aListNamesPreviewsByTheirFingerprints() async throws {
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            let none = await operate(ListCommand.self, on: service)
            #expect(none.output == "No previews in namespace agentweaver.\n")
            let (token, _) = try await start(service)
            for format in ["table", "wide"] {
                let list = await operate(ListCommand.self, "-o", format, on: service)
                #expect(list.output.contains("\n\(token.fingerprint)      \(ServiceUnderTest.run)   3000   alive"))
                #expect(!list.output.contains(token.text))
            }
            let names = await operate(ListCommand.self, "-o", "name", on: service)
            #expect(names.output == "httproute.gateway.networking.k8s.io/\(token.objectName)\n")
            let json = await operate(ListCommand.self, "-o", "json", on: service)
            #expect(json.output.contains("\"fingerprint\" : \"\(token.fingerprint)\""))
            let yaml = await operate(ListCommand.self, "-o", "yaml", on: service)
            // A fingerprint that looks like a number has quotes.
            #expect(yaml.output.contains(try Regex("fingerprint: \"?\(token.fingerprint)\"?\n")))
            let others = await operate(ListCommand.self, "--run", ServiceUnderTest.otherRun, on: service)
            #expect(others.output == "No previews in namespace agentweaver.\n")
            let elsewhere = await operate(ListCommand.self, "-n", "elsewhere", on: service)
            #expect(elsewhere.output == "No previews in namespace elsewhere.\n")
        }
    }

    @Test func aPreviewIsStoppedByEachOfItsNames() async throws {
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            for reference in ["fingerprint", "token", "url", "run"] {
                let (token, url) = try await start(service)
                let text =
                    switch reference {
                    case "fingerprint": token.fingerprint
                    case "token": token.text
                    case "url": "\(url)/some/page?query"
                    default: ServiceUnderTest.run
                    }
                let result = await operate(StopCommand.self, text, on: service)
                #expect(result.output == "Stopped preview \(token.fingerprint).\n", "\(reference): \(result.error)")
                #expect(result.warnings.isEmpty)
                #expect(service.store.list(.httpRoutes).items.isEmpty && service.store.list(.services).items.isEmpty)
                #expect(events(service).contains("PreviewStopped"))
            }
        }
    }

    @Test func severalPreviewsAreStoppedOnlyWithTheAllOption() async throws {
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            let tokens = [try await start(service).token, try await start(service).token]
            let refused = await operate(StopCommand.self, ServiceUnderTest.run, on: service)
            #expect(refused.exitCode == 1 && refused.error.contains("2 previews match"))
            for token in tokens { #expect(refused.error.contains(token.fingerprint)) }
            // A reference that matches no preview prevents the stop of the others too.
            let mixed = await operate(StopCommand.self, tokens[0].fingerprint, "ffffffff", on: service)
            #expect(mixed.exitCode == 1 && mixed.error.contains("no preview matches; 'list' prints all"))
            #expect(service.store.list(.httpRoutes).items.count == 2)
            let all = await operate(StopCommand.self, ServiceUnderTest.run, "--all", on: service)
            #expect(all.exitCode == 0 && service.store.list(.httpRoutes).items.isEmpty)
        }
    }

    @Test func aPreviewThatIsNamedTwiceIsStoppedOnce() async throws {
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            let (token, url) = try await start(service)
            let result = await operate(StopCommand.self, token.fingerprint, url, ServiceUnderTest.run, on: service)
            #expect(result.exitCode == 0, "\(result.error)")
            #expect(result.output == "Stopped preview \(token.fingerprint).\n")
            #expect(hasReportedStop(service))
        }
    }

    @Test func aStopThatFailsAfterTheRouteIsDeletedIsInTheTimeline() async throws {
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            let (token, _) = try await start(service)
            service.server.faults.add(
                .init(verb: "delete", resource: "services", times: nil, fault: .respond(Self.forbidden))
            )
            let result = await operate(StopCommand.self, token.fingerprint, on: service)
            #expect(result.exitCode == 1 && result.output.isEmpty, "\(result.error)")
            #expect(service.store.list(.httpRoutes).items.isEmpty)
            #expect(hasReportedStop(service))
        }
    }

    @Test func aPreviewIsExplainedByItsURL() async throws {
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            let (token, url) = try await start(service)
            let story = await operate(ExplainCommand.self, url, on: service)
            #expect(story.output.hasPrefix("Preview \(token.fingerprint)\n"))
            #expect(story.output.contains("\n  keep: ") && !story.output.contains(token.text))
        }
    }

    @Test func severalPreviewsAreExplainedInOneDocument() async throws {
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            let tokens = [try await start(service).token, try await start(service).token]
            let names = tokens.map(\.fingerprint)
            let yaml = await operate(ExplainCommand.self, names[0], names[1], names[0], "-o", "yaml", on: service)
            let items = try #require(
                try YAMLNode.objects(in: yaml.output).first?["items"] as? [[String: Any]],
                "\(yaml.error)"
            )
            #expect(items.map { $0["fingerprint"] as? String } == names)
            #expect(items.allSatisfy { $0["decision"] as? String == "keep" })
            #expect(!yaml.output.contains(tokens[0].text))
            let json = await operate(ExplainCommand.self, ServiceUnderTest.run, "-o", "json", on: service)
            #expect(json.output.components(separatedBy: "\"decision\"").count == 3)
        }
    }

    @Test func allNamespacesAreListedTogether() async throws {
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            let (token, _) = try await start(service)
            let list = await operate(ListCommand.self, "-A", "-n", "elsewhere", on: service)
            #expect(list.output.hasPrefix("NAMESPACE     FINGERPRINT"), "\(list.error)")
            #expect(list.output.contains("\nagentweaver   \(token.fingerprint)"))
            let json = await operate(ListCommand.self, "-A", "-o", "json", on: service)
            #expect(json.output.contains("\"namespace\" : \"agentweaver\""))
            _ = await operate(StopCommand.self, token.fingerprint, on: service)
            let none = await operate(ListCommand.self, "-A", on: service)
            #expect(none.output == "No previews in any namespace.\n")
            let (request, call) = try await requestPreview(service)
            let requests = await operate(RequestsCommand.self, "-A", on: service)
            #expect(requests.output.contains("\nagentweaver   \(request.prefix(8))"))
            _ = await operate(DenyCommand.self, request, on: service)
            _ = try await call.value
        }
    }

    @Test(arguments: ["table", "json"])
    func watchPrintsEachEventOfTheRun(format: String) async throws {
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            let (first, _) = try await start(service)
            let seen = Mutex<[String]>([])
            let (lines, more) = AsyncStream.makeStream(of: String.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let command = try #require(
                        try WatchCommand.parseAsRoot(["-o", format, "--run", ServiceUnderTest.run]) as? WatchCommand
                    )
                    try await command.run(
                        in: OperatorContext(
                            environment: [:],
                            cluster: { try ClusterConfiguration.discover(kubeconfig: service.kubeconfig) },
                            print: { more.yield($0) },
                            warn: { _ in }
                        )
                    )
                }
                // The start is recorded already; the stop is recorded while the command follows.
                var iterator = lines.makeAsyncIterator()
                let started = try #require(await iterator.next())
                #expect(started.contains("started") && started.contains(ServiceUnderTest.run))
                _ = await operate(StopCommand.self, first.fingerprint, on: service)
                let stopped = try #require(await iterator.next())
                #expect(stopped.contains("stopped") && stopped.contains(first.fingerprint))
                seen.withLock { $0 = [started, stopped] }
                group.cancelAll()
                while (try? await group.next()) != nil {}
            }
            #expect(seen.withLock(\.self).allSatisfy { !$0.contains(first.text) })
            #expect(seen.withLock(\.self).allSatisfy { $0.hasPrefix(format == "json" ? "{" : "20") })
        }
    }

    // MARK: Approvals

    @Test func anApprovalLetsTheWaitingAgentStart() async throws {
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            let (request, call) = try await requestPreview(service)
            #expect(service.store.list(.httpRoutes).items.isEmpty)
            let table = await operate(RequestsCommand.self, on: service)
            #expect(table.output.contains("\(request.prefix(8))   \(ServiceUnderTest.run)   3000   pending"))
            let approved = await operate(ApproveCommand.self, String(request.prefix(8)), on: service)
            #expect(
                approved.output == "Approved port 3000 of run \(ServiceUnderTest.run) (once).\n",
                "\(approved.error)"
            )
            #expect(try await call.value.status == 200)
            #expect(events(service).contains("PreviewApproved"))
            let all = await operate(RequestsCommand.self, "--all", "-o", "wide", on: service)
            #expect(all.output.contains("consumed") && all.output.contains("ada"))
            let none = await operate(RequestsCommand.self, on: service)
            #expect(none.output == "No pending requests in namespace agentweaver.\n")
        }
    }

    @Test func aDenialTellsTheAgentWhy() async throws {
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            let (_, call) = try await requestPreview(service)
            let denied = await operate(
                DenyCommand.self,
                ServiceUnderTest.run,
                "--reason",
                "Not during the demo.",
                "--by",
                "grace",
                on: service
            )
            #expect(denied.exitCode == 0, "\(denied.error)")
            let answer = try await call.value
            #expect(answer.status == 403 && answer.body.contains("denied by grace. Not during the demo."))
            #expect(events(service).contains("PreviewDenied"))
        }
    }

    @Test func anUndecidableRequestIsOneClearLine() async throws {
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            let unknown = await operate(ApproveCommand.self, "zzzzzzzz", on: service)
            #expect(unknown.exitCode == 1 && unknown.error.contains("'requests' lists pending requests"))
            let (request, call) = try await requestPreview(service)
            _ = await operate(DenyCommand.self, request, on: service)
            _ = try await call.value
            let decided = await operate(ApproveCommand.self, request, on: service)
            #expect(decided.exitCode == 1 && decided.error.contains("was already denied"))
            let setting = await operate(ListCommand.self, "--set", "Sandbox__Preview__Enabled=maybe", on: service)
            #expect(setting.exitCode == 1 && setting.error.contains("Sandbox__Preview__Enabled"))
        }
    }

    // MARK: Failures

    private static let forbidden = StatusFailure(
        code: 403,
        reason: "Forbidden",
        message: "not for you"
    )

    @Test func aForbiddenReadNamesTheCommandThatShowsPermissions() async throws {
        try await ServiceUnderTest.run { service in
            service.server.faults.add(.init(verb: "list", times: nil, fault: .respond(Self.forbidden)))
            for result in [
                await operate(ListCommand.self, on: service), await operate(ExplainCommand.self, "any", on: service),
            ] {
                #expect(result.exitCode == 1)
                #expect(result.error.contains("previews could not be read: the API server answered 403"))
                #expect(result.error.contains("kubectl auth can-i --list"))
            }
            let requests = await operate(RequestsCommand.self, on: service)
            #expect(requests.error.contains("the runs' requests could not be read"), "\(requests.error)")
        }
    }

    @Test func aForbiddenStopSaysThatTheOperatorsAccountIsUsed() async throws {
        try await ServiceUnderTest.run { service in
            try service.addSandbox()
            let (token, _) = try await start(service)
            service.server.faults.add(.init(verb: "delete", times: nil, fault: .respond(Self.forbidden)))
            let result = await operate(StopCommand.self, token.fingerprint, on: service)
            #expect(result.exitCode == 1 && result.error.contains("Commands use your account"), "\(result.error)")
        }
    }

    /// A wrong command line needs no cluster, and prints the usage of its own command.
    @Test func aWrongArgumentIsExplainedWithTheUsageOfItsCommand() {
        func complaint(_ arguments: String...) -> String {
            do { _ = try PreviewGateway.parseAsRoot(arguments) } catch { return PreviewGateway.fullMessage(for: error) }
            return ""
        }
        let wrong = "https://example.com/page"
        #expect(complaint("stop", wrong).contains("Usage: preview-gateway stop"))
        #expect(complaint("explain", wrong).contains("Usage: preview-gateway explain"))
        #expect(complaint("list", "--run", "!!").contains("Usage: preview-gateway list"))
        #expect(complaint("watch", "--run", "!!").contains("Usage: preview-gateway watch"))
        #expect(complaint("reap", "--explain", wrong).contains("Usage: preview-gateway reap"))
        for namespace in ["", " a", "a/b", "../a", "A"] {
            let text = complaint("stop", "-n", namespace, "0123abcd")
            #expect(text.contains("--namespace: expected a Kubernetes name"), "\(namespace)")
        }
    }

    @Test func aDecisionWithoutANameIsRefused() async throws {
        try await ServiceUnderTest.run { service in
            let result = await operate(ApproveCommand.self, "zzzzzzzz", "--by", "", on: service)
            #expect(result.exitCode == 1 && result.error.contains("pass your name with --by"))
        }
    }
}
