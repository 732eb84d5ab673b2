/// A program to run as a child process.
package struct ProcessCommand: Sendable, Hashable {
    /// The program: a path if it contains a slash, otherwise a name that is searched in `PATH`.
    package var executable: String
    /// The arguments after the program's name.
    package var arguments: [String]
    /// Variables that are added to the environment of this process; `nil` removes one.
    package var environment: [String: String?]
    /// The file to which standard output and standard error are appended.
    package var logFile: String

    package init(
        executable: String,
        arguments: [String] = [],
        environment: [String: String?] = [:],
        logFile: String
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.logFile = logFile
    }
}
