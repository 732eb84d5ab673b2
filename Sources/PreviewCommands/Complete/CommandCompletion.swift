internal import FoundationEssentials

/// Computes the words that can complete a partially typed command line.
///
/// The commands, options and values come from the argument parser's own description, so a new option needs no change here.
struct CommandCompletion {
    /// One proposed word.
    struct Word: Hashable, Sendable {
        let text: String
        var description = ""
    }

    /// The kind of completion that applies.
    enum Candidates: Hashable, Sendable {
        case words([Word])
        /// File names; the shell completes them.
        case files
        /// Fingerprints of previews. `options` are the typed options that select the cluster and the namespace.
        case previews(options: [String])
        /// Identifiers of pending requests for approval, with the same `options`.
        case requests(options: [String])
    }

    private let root: Description.Command

    /// - Parameter description: The JSON document that ArgumentParser prints for `--experimental-dump-help`.
    init(description: String) throws {
        root = try JSONDecoder().decode(Description.self, from: Data(description.utf8)).command
    }

    /// - Parameter line: The words after the program's name. The last one is the word being typed, and may be empty.
    func candidates(for line: [String]) -> Candidates {
        let typed = line.last ?? ""
        var command = root
        /// The last option, if its value has not been typed yet.
        var pending: Description.Argument?
        var given: [String] = []
        var position = 0
        for word in line.dropLast() {
            if let option = pending {
                if Self.contextOptions.contains(option.name) { given.append(word) }
                pending = nil
            } else if let option = command.option(word) {
                if Self.contextOptions.contains(option.name) { given.append(word) }
                if option.kind == .option, !word.contains("=") { pending = option }
            } else if let next = command.subcommands?.first(where: { $0.commandName == word && $0.isShown }) {
                (command, position) = (next, 0)
            } else if !word.hasPrefix("-") {
                position += 1
            }
        }
        if let pending { return values(of: pending, typed) }
        if typed.hasPrefix("-") {
            guard let equals = typed.firstIndex(of: "="), let option = command.option(typed) else {
                return .words(command.optionWords.filter { $0.text.hasPrefix(typed) })
            }
            let prefix = typed[...equals]
            guard case .words(let words) = values(of: option, String(typed[typed.index(after: equals)...])) else {
                return .files
            }
            return .words(words.map { Word(text: "\(prefix)\($0.text)", description: $0.description) })
        }
        if let subcommands = command.subcommands {
            let words = subcommands.filter { $0.isShown && $0.commandName.hasPrefix(typed) }
            return .words(words.map { Word(text: $0.commandName, description: $0.abstract ?? "") })
        }
        switch command.positional(position)?.valueName {
        case "preview": return .previews(options: given)
        case "request": return .requests(options: given)
        default: return .words([])
        }
    }

    /// The options that select the cluster and the namespace.
    private static let contextOptions: Set<String> = ["namespace", "config", "set"]

    private func values(of option: Description.Argument, _ typed: String) -> Candidates {
        if option.valueName == "path" { return .files }
        if option.valueName == "preview" { return .previews(options: []) }
        return .words((option.allValues ?? []).filter { $0.hasPrefix(typed) }.map { Word(text: $0) })
    }
}

/// The fields of ArgumentParser's description of a program that are needed for completion.
private struct Description: Decodable {
    let command: Command

    /// A command with its subcommands and arguments.
    struct Command: Decodable {
        let commandName: String
        let abstract: String?
        let shouldDisplay: Bool?
        let subcommands: [Command]?
        let arguments: [Argument]?

        var isShown: Bool { shouldDisplay != false }

        /// - Parameter word: An option's name with its dashes, optionally followed by `=` and a value.
        func option(_ word: String) -> Argument? {
            let name = String(word.prefix { $0 != "=" })
            return arguments?.first { $0.kind != .positional && $0.words.contains(name) }
        }

        /// The positional argument at a position. A repeating argument also takes all following positions.
        func positional(_ position: Int) -> Argument? {
            let positional = (arguments ?? []).filter { $0.kind == .positional && $0.shouldDisplay }
            if position < positional.count { return positional[position] }
            return positional.last.flatMap { $0.isRepeating ? $0 : nil }
        }

        var optionWords: [CommandCompletion.Word] {
            (arguments ?? []).filter { $0.kind != .positional && $0.shouldDisplay }.flatMap { argument in
                argument.words.filter { $0.hasPrefix("--") }.map {
                    CommandCompletion.Word(text: $0, description: argument.abstract ?? "")
                }
            }
        }
    }

    /// A positional argument, an option or a flag.
    struct Argument: Decodable {
        enum Kind: String, Decodable {
            case positional, option, flag
        }

        struct Name: Decodable {
            let kind: String
            let name: String
        }

        let kind: Kind
        let names: [Name]?
        let valueName: String?
        let abstract: String?
        let allValues: [String]?
        let shouldDisplay: Bool
        let isRepeating: Bool

        /// The long name, without dashes; empty if there is none.
        var name: String { names?.first { $0.kind == "long" }?.name ?? "" }

        /// All names, with their dashes.
        var words: [String] { (names ?? []).map { ($0.kind == "long" ? "--" : "-") + $0.name } }
    }
}
