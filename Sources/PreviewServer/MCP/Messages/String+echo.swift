extension String {
    /// As much of a caller's text as an error repeats. It is counted in scalars, since one character can have any number
    /// of them.
    var echo: String { String(unicodeScalars.prefix(64)) }
}
