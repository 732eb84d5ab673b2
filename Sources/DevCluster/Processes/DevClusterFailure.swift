/// An error that ends the development cluster, as one sentence for the terminal.
package struct DevClusterFailure: Error, Hashable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
