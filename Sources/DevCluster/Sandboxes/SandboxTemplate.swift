/// The program that all sandboxes of the development cluster run.
package struct SandboxTemplate: Sendable, Hashable {
    /// The program and its arguments.
    package var command: [String]
    /// The port in the program's variable `PORT`.
    package var port: Int

    package init(command: [String], port: Int) {
        self.command = command
        self.port = port
    }
}
