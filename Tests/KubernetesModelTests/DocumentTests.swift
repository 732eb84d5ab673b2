import Basics
import FoundationEssentials
import KubernetesModel
import TestSupport
import Testing

@Suite("Documents in requests", .timeLimit(.minutes(10)))
struct DocumentTests {
    private func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    @Test(
        "A pointer escapes tilde and slash and nothing else",
        arguments: [
            (
                JSONPointer("metadata", "annotations", "agentweaver.dev/preview-run"),
                "/metadata/annotations/agentweaver.dev~1preview-run"
            ),
            (JSONPointer("a~b", "~1", "/"), "/a~0b/~01/~1"),
            (JSONPointer(""), "/"),
            (JSONPointer(), ""),
            (JSONPointer("é \"", "0"), "/é \"/0"),
        ]
    )
    func aPointerEscapesTildeAndSlashOnly(pointer: JSONPointer, text: String) {
        #expect(pointer.description == text)
    }

    @Test func aPointerIsReadBackAsTheSameTokens() {
        let random = SeededRandom(seed: 21)
        let pieces = ["~", "/", "~0", "~1", "a", "é", "", "\"", "-", "0"]
        for _ in 0..<2000 {
            let tokens = (0..<(random.next() % 5)).map { _ in
                (0..<(random.next() % 5)).map { _ in pieces[Int(random.next() % UInt64(pieces.count))] }.joined()
            }
            let pointer = tokens.reduce(JSONPointer()) { $0.appending($1) }
            // In the order of RFC 6901, section 4: "~1" is decoded before "~0", so that "~01" does not become a slash.
            let read = pointer.description.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
                .map { String($0).replacing("~1", with: "/").replacing("~0", with: "~") }
            #expect(read == tokens, "\(pointer)")
            #expect(pointer.tokens == tokens)
        }
    }

    @Test("A JSON Patch is encoded as its operations in their order")
    func aJSONPatchIsEncodedAsItsOperationsInOrder() throws {
        let patch: JSONPatch = [
            .test(.annotation("run"), "r"),
            .replace(.annotation("until"), "u"),
            .add(JSONPointer("metadata", "labels", "l"), .null),
            .remove(JSONPointer("spec")),
        ]
        #expect(
            try text(Patch.json(patch))
                == #"[{"op":"test","path":"/metadata/annotations/run","value":"r"},"#
                + #"{"op":"replace","path":"/metadata/annotations/until","value":"u"},"#
                + #"{"op":"add","path":"/metadata/labels/l","value":null},{"op":"remove","path":"/spec"}]"#
        )
        #expect(Patch.json(patch).contentType == "application/json-patch+json")
    }

    @Test("A merge patch sets and removes annotations, optionally of one resourceVersion only")
    func aMergePatchSetsAndRemovesAnnotations() throws {
        let patch = Patch.merge(.annotations(["a": "1", "b": nil], resourceVersion: "7"))
        #expect(try text(patch) == #"{"metadata":{"annotations":{"a":"1","b":null},"resourceVersion":"7"}}"#)
        #expect(patch.contentType == "application/merge-patch+json")
    }

    @Test("Delete options have the uid and the resourceVersion as preconditions")
    func deleteOptionsHaveUIDAndResourceVersionAsPreconditions() throws {
        let options = DeleteOptions(preconditions: Preconditions(uid: "u", resourceVersion: "7"))
        #expect(
            try text(options)
                == #"{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"resourceVersion":"7","uid":"u"}}"#
        )
    }

    @Test("A label selector is written in the order of its keys")
    func aLabelSelectorIsWrittenInTheOrderOfItsKeys() {
        let selector = LabelSelector(matching: ["b": "2", "a": "1"])
        #expect(selector.description == "a=1,b=2")
        #expect(FieldSelector.name("n").description == "metadata.name=n")
    }

    @Test(
        "A JSON value is written as it was read",
        arguments: [
            #"{"a":[1,-2,1.5,true,false,null,"x",{}]}"#, #""text""#, "9007199254740993", "[]",
        ]
    )
    func aJSONValueIsWrittenAsItWasRead(json: String) throws {
        let value = try JSONDecoder().decode(JSONValue.self, from: Data(json.utf8))
        #expect(try text(value) == json)
    }
}
