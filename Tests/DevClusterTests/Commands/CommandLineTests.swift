import ArgumentParser
import FoundationEssentials
import TestSupport
import Testing

@testable import DevCluster

@Suite("The command line", .timeLimit(.minutes(10)))
struct CommandLineTests {
    @Test(
        arguments: [
            (["up", "--port", "2999"], "--port 2999 is outside 3000 to 9000"),
            (["up", "--port", "x"], "The value 'x' is invalid for '--port <port>'"),
            (["up", "--envoy-port", "0"], "--envoy-port 0 is not a TCP port"),
            (["up", "--api-port", "65536"], "--api-port 65536 is not a TCP port"),
            (["up", "--envoy-port", "9100", "--api-port", "9100"], "--envoy-port and --api-port are both 9100"),
            (["up", "--api-port", "8088"], "--envoy-port and --api-port are both 8088"),
            (["up", "npm"], "Unexpected argument 'npm'"),
            (["demo", "--nonsense"], "Unknown option '--nonsense'"),
            (["explode"], "Unexpected argument 'explode'"),
        ]
    )
    func badInputIsOneClearLine(arguments: [String], message: String) throws {
        let error = #expect(throws: (any Error).self) { try PreviewDevCluster.parseAsRoot(arguments) }
        #expect(PreviewDevCluster.message(for: try #require(error)).contains(message))
    }

    @Test func argumentsAfterTheTerminatorAreTheAppsCommand() throws {
        let command = try PreviewDevCluster.parseAsRoot(["up", "--port", "5173", "--", "npm", "run", "--port", "1"])
        let up = try #require(command as? UpCommand)
        #expect(up.command == ["npm", "run", "--port", "1"])
        #expect(up.options.port == 5173)
    }

    @Test(
        arguments: [
            (["HOME": "/home/a"], "/home/a/.local/state/preview-devcluster"),
            (["HOME": "/home/a", "XDG_STATE_HOME": "/state"], "/state/preview-devcluster"),
            (["HOME": "/home/a", "XDG_STATE_HOME": "relative"], "/home/a/.local/state/preview-devcluster"),
        ]
    )
    func theStateFolderFollowsTheUsualVariables(environment: [String: String], folder: String) throws {
        #expect(try ClusterOptions.parse([]).stateFolder(environment: environment) == folder)
    }

    @Test func aFileThatHoldsNoRulesIsReported() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        for (text, complaint) in [
            (nil, "cannot be read"), ("{", "is not YAML"), ("apiVersion: v1\nkind: Secret", "not an access rule"),
        ] as [(String?, String)] {
            if let text { try folder.write("rules.yaml", text) }
            let failure = #expect(throws: DevClusterFailure.self) { try AccessRules(file: folder.file("rules.yaml")) }
            #expect(failure?.description.contains(complaint) == true)
        }
    }

    @Test func aMissingEnvoySaysWhatToDo() {
        for environment in [["ENVOY": "/no/such/envoy"], ["PATH": "/no/such/folder"], [:]] {
            let error = #expect(throws: DevClusterFailure.self) { try Executables.envoy(environment: environment) }
            #expect(error?.description.contains("make setup") == true)
        }
    }

    @Test func helpNamesNoHiddenCommand() {
        let help = PreviewDevCluster.helpMessage()
        #expect(help.contains("up") && help.contains("demo"))
        #expect(!help.contains("sample-app") && !help.contains("watchdog"))
    }
}
