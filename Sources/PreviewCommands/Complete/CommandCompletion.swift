internal import FoundationEssentials

/// What may follow on a command line that is being typed. Values only.
///
/// It is found in the description that the argument parser gives of the commands, so that new options need no word here.
struct CommandCompletion {
    /// One word that may follow.
    struct Word: Hashable, Sendable {
        let text: String
        var description = ""
    }

    /// What may follow.
    enum Answer: Hashable, Sendable {
        case words([Word])
        /// A file's name, which the shell knows best.
        case files
        /// A preview or a request of the cluster; the options are those of the line that say which cluster and namespace.
        case previews(options: [String])
        case requests(options: [String])
    }

    private let root: Description.Command

    /// - Parameter description: The JSON document of the commands (ArgumentParser, `--experimental-dump-help`).
    init(description: String) throws {
        root = try JSONDecoder().decode(Description.self, from: Data(description.utf8)).command
    }

    /// - Parameter line: The words after the program's name; the last one is what has been typed of the next, perhaps nothing.
    func answer(_ line: [String]) -> Answer {
        let typed = line.last ?? ""
        var command = root
        /// The option that waits for its value.
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

    /// The options that say where to look.
    private static let contextOptions: Set<String> = ["namespace", "config", "set"]

    private func values(of option: Description.Argument, _ typed: String) -> Answer {
        if option.valueName == "path" { return .files }
        if option.valueName == "preview" { return .previews(options: []) }
        return .words((option.allValues ?? []).filter { $0.hasPrefix(typed) }.map { Word(text: $0) })
    }
}

/// The part of the argument parser's description of a program that is needed here.
private struct Description: Decodable {
    let command: Command

    struct Command: Decodable {
        let commandName: String
        let abstract: String?
        let shouldDisplay: Bool?
        let subcommands: [Command]?
        let arguments: [Argument]?

        var isShown: Bool { shouldDisplay != false }

        /// - Parameter word: Its name with the dashes, perhaps with its value.
        func option(_ word: String) -> Argument? {
            let name = String(word.prefix { $0 != "=" })
            return arguments?.first { $0.kind != .positional && $0.words.contains(name) }
        }

        /// An argument that repeats takes all that follow.
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

        /// The long name.
        var name: String { names?.first { $0.kind == "long" }?.name ?? "" }

        /// The names with their dashes.
        var words: [String] { (names ?? []).map { ($0.kind == "long" ? "--" : "-") + $0.name } }
    }
}
