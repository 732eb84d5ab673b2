/// What every sandbox of the development cluster runs.
package struct SandboxTemplate: Sendable, Hashable {
    /// The program and its arguments.
    package var command: [String]
    /// The port that the program is told to listen at.
    package var port: Int

    package init(command: [String], port: Int) {
        self.command = command
        self.port = port
    }
}
