import DevCluster
import HTTPTypes
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewCluster

@Suite("The header fields that a preview's route sets", .timeLimit(.minutes(10)))
struct ResponseFieldsTests {
    @Test func everyRouteMarksItsResponsesAndDisclosesNoAddress() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let token = try await Replica(cluster).start(run)
            let filters = cluster.route(token)?["spec", "rules"]?[0]?["filters"]?.arrayValue ?? []
            let fields = filters.last?["responseHeaderModifier", "set"]?.arrayValue ?? []
            let values = Dictionary(
                uniqueKeysWithValues: fields.map { ($0["name"]?.stringValue ?? "", $0["value"]?.stringValue ?? "") }
            )
            #expect(values["x-robots-tag"] == "noindex" && values["referrer-policy"] == "no-referrer")
            let mark = try #require(values[ResponseFields.markName])
            #expect(mark == "\(token.fingerprint);host=preserve" && !mark.contains(token.text))
        }
    }

    @Test func theMarkSaysWhichHostTheAppSaw() throws {
        let token = try #require(PreviewToken("left-behind"))
        for host in [HostHeader.preserve, .localhost] {
            var fields = HTTPFields()
            fields[try #require(HTTPField.Name(ResponseFields.markName))] = ResponseFields(token, host: host).mark
            #expect(ResponseFields.host(in: fields, of: token) == host)
        }
        #expect(ResponseFields.host(in: [:], of: token) == nil)
    }
}
