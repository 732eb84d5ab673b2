/// Texts that no parser may accept as a token, a name, a label or a timestamp.
public enum HostileTexts {
    public static let all: [String] = [
        "", " ", ".", "..", "-", "../", "../../etc/passwd", "a/b", "a%2fb", "%2e%2e%2f", "a\0b", "\0", "token\n",
        "\ntoken",
        "token\r\n", "to ken", "🦊", "falcon🦊", "fаlcon" /* Cyrillic a */, "e\u{301}clair", "\u{202E}nocalf",
        "falcon\u{200D}", "ﬁnch", "K\u{212A}", "a\u{301}", "'; drop table", "<script>", "${jndi}", "*",
        String(repeating: "a", count: 10_240), String(repeating: "🦊", count: 2_560),
    ]
}
