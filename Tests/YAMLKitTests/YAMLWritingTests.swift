import Testing
import YAMLKit

@Suite("Writing YAML", .timeLimit(.minutes(10)))
struct YAMLWritingTests {
    private func document(_ yaml: String) throws -> YAMLNode {
        try #require(try YAMLNode.document(in: yaml.utf8))
    }

    @Test func aDocumentIsWrittenInBlocks() throws {
        let json = """
            {"kind":"List","items":[{"name":"a","ports":[3000,5173],"labels":{},"run":null},[[1],[]],"text"],"empty":[],\
            "message":"two\\nlines","url":"http://x:80/a?b=c","at":"2026-01-02T03:04:05Z"}
            """
        #expect(
            try document(json).yaml == """
                at: "2026-01-02T03:04:05Z"
                empty: []
                items:
                - labels: {}
                  name: a
                  ports:
                  - 3000
                  - 5173
                  run: null
                - - - 1
                  - []
                - text
                kind: List
                message: "two\\nlines"
                url: http://x:80/a?b=c
                """
        )
    }

    @Test(arguments: [
        "", " ", "a ", " a", "a: b", "a:", "a #b", "#a", "- a", "-", "?", "~", "null", "True", "yes", "N", "off", "12",
        "1e3", "0x1f",
        "0b11", "1_000", "12:30", ".5", "2026-01-02", "[a]", "{a}", "&a", "*a", "!a", "|", ">", "'a'", "\"a\"", "%a",
        "@a", "`a`",
        "a\nb", "a\tb", "\u{0}", "\u{7F}", "\u{85}", "\u{2028}", "\u{FEFF}", "\u{FFFF}", "\u{1F600}", "\\", "<<", "=",
        "---", "...", "é",
    ])
    func aStringReadsBackAsTheSameString(text: String) throws {
        let node = YAMLNode.mapping([text: .sequence([.scalar(text, isPlain: false)])])
        for written in [node.yaml, node.json] {
            let back = try document(written)
            #expect(back.json == node.json)
            #expect(back[text]?.elements?.first?.text == text)
        }
    }

    @Test func aLongKeyReadsBack() throws {
        let key = String(repeating: "k", count: 2000)
        for value in [YAMLNode.scalar("v", isPlain: true), .sequence([.sequence([])]), .mapping(["a": .mapping([:])])] {
            let node = YAMLNode.sequence([.mapping([key: value])])
            #expect(try document(node.yaml).json == node.json)
        }
    }

    @Test func plainWordsHaveNoQuotes() throws {
        for text in ["abc", "kube-system/x", "12ab34cd", "a b, c (d)", "a=b", "/healthz", "v1.2", "a:b"] {
            #expect(YAMLNode.scalar(text, isPlain: false).yaml == text)
        }
    }
}
