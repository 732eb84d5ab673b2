import Testing
import YAMLKit

/// The types of plain scalars, see YAML 1.2.2, section 10.3.2.
@Suite("The core schema", .timeLimit(.minutes(10)))
struct CoreSchemaTests {
    private func json(_ yaml: String) throws -> String? {
        try YAMLNode.document(in: yaml.utf8)?.json
    }

    @Test(arguments: [
        ("~", "null"), ("null", "null"), ("Null", "null"), ("NULL", "null"), ("nULL", #""nULL""#),
        ("true", "true"), ("True", "true"), ("TRUE", "true"), ("false", "false"), ("False", "false"),
        ("FALSE", "false"),
        ("tRUE", #""tRUE""#), ("0", "0"), ("-0", "0"), ("+12", "12"), ("-19", "-19"), ("012", "12"), ("0o14", "12"),
        ("0o8", #""0o8""#), ("0o+7", #""0o+7""#), ("0xC", "12"), ("0xff", "255"), ("0x", #""0x""#),
        ("0x-1", #""0x-1""#),
        ("-0x1", #""-0x1""#), ("9223372036854775807", "9223372036854775807"),
        ("18446744073709551616", "1.8446744073709552e+19"),
        ("0.", "0.0"), ("-0.0", "-0.0"), (".5", "0.5"), ("+12e03", "12000.0"), ("-2E+05", "-200000.0"),
        ("1e-3", "0.001"),
        (".", #"".""#), ("1e", #""1e""#), ("1.2.3", #""1.2.3""#), ("--1", #""--1""#), ("1e999", #""1e999""#),
        (".inf", #"".inf""#), ("-.Inf", #""-.Inf""#), (".NaN", #"".NaN""#), ("127.0.0.1", #""127.0.0.1""#),
    ])
    func aPlainScalarHasTheTypeThatItsTextSays(yaml: String, expected: String) throws {
        #expect(try json(yaml) == expected)
    }

    @Test(arguments: [
        "yes", "No", "on", "OFF", "y", "1_000", "0b101", "190:20:30", "2001-12-15T02:59:43.1Z", "=", "0o", "0:0",
    ])
    func scalarsOfYAML11OnlyAreStrings(yaml: String) throws {
        #expect(try json(yaml) == "\"\(yaml)\"")
    }

    @Test(arguments: ["'true'", "\"true\"", "!!str true", "|-\n true", ">-\n true"])
    func quotedBlockAndTaggedScalarsAreStrings(yaml: String) throws {
        #expect(try json(yaml) == #""true""#)
    }

    @Test(arguments: ["!!binary aGk=", "!custom aGk=", "!<tag:example.com,2000:x> aGk="])
    func unknownTagsAreIgnored(yaml: String) throws {
        #expect(try json(yaml) == #""aGk=""#)
    }

    @Test func aMissingValueIsNullAndAnEmptyStringIsNot() throws {
        #expect(try json("{a: , b: '', c}") == #"{"a":null,"b":"","c":null}"#)
    }
}
