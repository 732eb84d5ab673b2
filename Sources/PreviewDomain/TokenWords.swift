/// The words that make a token easier to tell from another one at a glance.
///
/// They are cosmetic and carry no secret. Short, friendly and neutral in any combination of three; 256 of them, so that
/// one random byte picks one without bias, and at most 7 letters, so that a minted token has at most 50 characters.
enum TokenWords {
    /// The words in alphabetical order.
    static let all: [String] = """
        acorn agile alder alpine amber anchor apple apricot arctic ardent aspen aster atlas aurora autumn
        azure badge bamboo banjo basil basket beacon berry birch bloom blossom bold brave breeze bridge
        bright brisk bronze brook cabin calm candle canoe canyon castle cedar cello chalk cheery cider
        citrus clear clever cliff clover coast cobalt comet compass copper coral cosmic crane creek cricket
        crisp crystal cypress daisy dawn delta dew dolphin dream drift dune eager eagle earth echo elm ember
        emerald falcon fern ferry fiddle field finch fir fjord flint flora flute forest fox fresh frost
        gable galaxy garden garnet gentle geyser ginger glacier glade golden grand granite grape grove gull
        happy harbor harp hazel heather heron hickory hill holly honey horizon humble ibis indigo iris
        island ivory ivy jade jasmine jasper jolly juniper kayak keen kind kite koala lagoon lake lantern
        larch lark laurel lemon lilac lily linen lively lotus lucky lunar lyric maple marble meadow melody
        merry mesa mint mirror misty modest moon mosaic moss neat nectar nimble noble nova nutmeg oak oasis
        ocean olive onyx opal orbit orchard orchid otter owl parsley patient pearl pebble pepper petal piano
        pine planet plum polar pond poplar prairie prism puffin quartz quick quiet quill rain rapid raven
        reef ribbon ripple river robin rocket rose royal ruby sable saffron sage sail scenic serene shell
        silver sky snow solar sonnet spark spruce star steady stone stream summer sunny swan swift teal
        thistle thyme tidal timber topaz tulip tundra valley violet vista vivid walnut warm willow windy
        winter wise wren zebra zephyr
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    /// Where each word is in the list.
    static let positions = Dictionary(uniqueKeysWithValues: zip(all, UInt8.min...UInt8.max))
}
