public import ArgumentParser
internal import PreviewControl
public import PreviewDomain

/// The arguments of `approve` and `deny`: the request, and the name of the person who decides.
struct DecisionArguments: ParsableArguments {
    @Argument(help: "The request, by its id or the id's first 8 characters, or a run with one pending request.")
    var request: String

    @Option(help: "The decider's name for the agent and the timeline; the default is $USER.")
    var by: String?

    func decider(_ context: OperatorContext) throws -> String {
        guard let name = by ?? context.environment["USER"], !name.isEmpty else {
            throw CommandFailure("$USER is empty: pass your name with --by")
        }
        return name
    }

    /// The request that the argument identifies.
    ///
    /// - Throws: A ``CommandFailure`` if there is none, or more than one.
    func find(_ connection: OperatorConnection) async throws -> Approval {
        let requests = try await connection.requests()
        if let named = requests.first(where: { $0.id.text == request }) { return named }
        let run = try? RunID(request)
        let matching = requests.filter { $0.id.displayID == request || ($0.run == run && $0.state == .pending) }
        switch matching.count {
        case 1: return matching[0]
        case 0:
            throw CommandFailure(
                "no request has this id, and no run with it has a pending request; 'requests' lists pending requests"
            )
        default:
            let ids = matching.map(\.id.displayID).joined(separator: ", ")
            throw CommandFailure("\(matching.count) requests match: \(ids); specify one")
        }
    }
}

/// `preview-gateway approve`: approves an agent's request.
struct ApproveCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Approve an agent's request for a preview.",
        discussion: """
            The decision is written to the run's SandboxClaim, where every replica reads it. Any account that may \
            patch claims in the namespace may decide.

            \(discussion)
            """
    )

    @OptionGroup var decision: DecisionArguments

    @Option(
        help: "The scope of the approval: this request, this port of the run, the run, or this port of every run."
    )
    var scope = ApprovalScope.once

    @OptionGroup var options: OperatorOptions

    func run(_ connection: OperatorConnection, _ context: OperatorContext) async throws {
        let request = try await connection.decide(decision, context) { (request, decider) async throws(PreviewError) in
            try await connection.core.gate.approve(
                run: request.run,
                requestID: request.id.text,
                scope: scope,
                by: decider
            )
        }
        context.print("Approved port \(request.port) of run \(request.run) (\(scope.rawValue)).")
    }
}

/// `preview-gateway deny`: denies an agent's request.
struct DenyCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "deny",
        abstract: "Deny an agent's request for a preview.",
        discussion: discussion
    )

    @OptionGroup var decision: DecisionArguments

    @Option(help: "The reason; the agent receives it.")
    var reason: String?

    @OptionGroup var options: OperatorOptions

    func run(_ connection: OperatorConnection, _ context: OperatorContext) async throws {
        let request = try await connection.decide(decision, context) { (request, decider) async throws(PreviewError) in
            try await connection.core.gate.deny(
                run: request.run,
                requestID: request.id.text,
                by: decider,
                reason: reason
            )
        }
        context.print("Denied port \(request.port) of run \(request.run).")
    }
}

extension ApprovalScope: ExpressibleByArgument {}

extension OperatorConnection {
    /// Decides the request that the arguments identify, and records the decision in the run's timeline.
    fileprivate func decide(
        _ arguments: DecisionArguments,
        _ context: OperatorContext,
        _ decide: (_ request: Approval, _ decider: String) async throws(PreviewError) -> Approval
    ) async throws -> Approval {
        let decider = try arguments.decider(context)
        let request = try await arguments.find(self)
        let decided: Approval
        do {
            decided = try await decide(request, decider)
        } catch {
            throw CommandFailure(refused: error)
        }
        for failure in await recordEvents() { context.warn(failure) }
        return decided
    }
}
