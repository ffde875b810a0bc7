using System.Globalization;

namespace MessageStore.Searching;

/// <summary>What a character is to a searcher.</summary>
internal enum CharKind : byte
{
    /// <summary>Ends a word.</summary>
    Separator,
    /// <summary>Part of a word: letters, digits, and marks that carry meaning.</summary>
    Word,
    /// <summary>Of a script that is written without spaces: indexed in pairs.</summary>
    Unspaced,
    /// <summary>As if it were not there: accents written apart, vowel points, soft hyphens.</summary>
    Ignored,
}

/// <summary>
/// Letter case and diacritics folded, from tables of our own: the platform's normalization does nothing where globalization is invariant, and an index must say the same on every
/// host. The table is NFKD without marks for Latin, Greek, Cyrillic and the wide forms (Unicode 15), plus the letters that have no decomposition but a plain neighbour.
/// </summary>
internal static class TextFolding
{
    /// <summary>The plain letter, then those that are folded to it.</summary>
    private const string Letters =
        "0⁰₀０ 1¹₁１ 2²₂２ 3³₃３ 4⁴₄４ 5⁵₅５ 6⁶₆６ 7⁷₇７ 8⁸₈８ 9⁹₉９ aªàáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặₐＡａ bƀḃḅḇℬＢｂ cçćĉċčḉℂℭＣｃ dðďđḋḍḏḑḓⅅⅆＤｄ " +
        "eèéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệₑℯℰⅇＥｅ fḟℱＦｆ gĝğġģǧǵḡℊＧｇ hĥħȟḣḥḧḩḫẖₕℋℌℍℎℏＨｈ iìíîïĩīĭįİıǐȉȋḭḯỉịⁱℐℑℹⅈＩｉ jĵǰⅉⱼＪｊ kķǩḱḳḵₖＫｋ lĺļľłḷḹḻḽₗℒℓＬｌ mḿṁṃₘℳＭｍ " +
        "nñńņňŋǹṅṇṉṋⁿₙℕＮｎ oºòóôõöøōŏőơǒǫǭǿȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợₒℴＯｏ pṕṗₚℙＰｐ qℚＱｑ rŕŗřȑȓṙṛṝṟℛℜℝＲｒ sśŝşšſșṡṣṥṧṩẛₛＳｓ tţťŧțṫṭṯṱẗₜＴｔ " +
        "uùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữựＵｕ vṽṿⱽＶｖ wŵẁẃẅẇẉẘＷｗ xẋẍₓＸｘ yýÿŷȳẏẙỳỵỷỹＹｙ zźżžẑẓẕℤℨＺｚ əₔ ɛℇ ʒǯ ʹʹ αάἀἁἂἃἄἅἆἇὰάᾀᾁᾂᾃᾄᾅᾆᾇᾰᾱᾲᾳᾴᾶᾷ βϐ γℽℾ εέϵἐἑἒἓἔἕὲέ " +
        "ηήἠἡἢἣἤἥἦἧὴήᾐᾑᾒᾓᾔᾕᾖᾗῂῃῄῆῇ θϑ ιΐίϊἰἱἲἳἴἵἶἷὶίιῐῑῒΐῖῗ κϰ μµ οόὀὁὂὃὄὅὸό πϖℼℿ ρϱῤῥ σςϲ υΰϋύϒϓϔὐὑὒὓὔὕὖὗὺύῠῡῢΰῦῧ φϕ ωώὠὡὢὣὤὥὦὧὼώᾠᾡᾢᾣᾤᾥᾦᾧῲῳῴῶῷ аӑӓ гѓ еѐёӗ жӂӝ " +
        "зӟ ийѝӣӥ кќ оӧ уўӯӱӳ чӵ ыӹ эӭ ії ѵѷ әӛ өӫ אℵ בℶ גℷ דℸ اآأإ وؤ يئ ہۂ ےۓ ەۀ ァｧ アｱ ィｨ イｲ ゥｩ ウｳ ェｪ エｴ ォｫ オｵ カｶ キｷ クｸ ケｹ コｺ サｻ シｼ スｽ セｾ ソｿ タﾀ チﾁ ッｯ ツﾂ テﾃ " +
        "トﾄ ナﾅ ニﾆ ヌﾇ ネﾈ ノﾉ ハﾊ ヒﾋ フﾌ ヘﾍ ホﾎ マﾏ ミﾐ ムﾑ メﾒ モﾓ ャｬ ヤﾔ ュｭ ユﾕ ョｮ ヨﾖ ラﾗ リﾘ ルﾙ レﾚ ロﾛ ワﾜ ヲｦ ンﾝ ーｰ ";

    /// <summary>Letters that become several.</summary>
    private const string Ligatures = "ae=æǣǽ aʾ=ẚ dz=ǆǳ ff=ﬀ fi=ﬁ fl=ﬂ ij=ĳ lj=ǉ nj=ǌ oe=œ ss=ß st=ﬅﬆ th=þ ʼn=ŉ ffi=ﬃ ffl=ﬄ";

    private static readonly Dictionary<char, string> Several = Ligatures.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('='))
        .SelectMany(l => l[1].Select(c => (c, l[0]))).ToDictionary(p => p.c, p => p.Item2);

    /// <summary>Marks that only decorate: combining accents, Hebrew points, Arabic vowels, variation selectors, joiners.</summary>
    private static readonly (int First, int Last)[] Decorations =
    [
        (0xAD, 0xAD), (0x300, 0x36F), (0x483, 0x489), (0x591, 0x5BD), (0x5BF, 0x5BF), (0x5C1, 0x5C2), (0x5C4, 0x5C5), (0x5C7, 0x5C7), (0x610, 0x61A), (0x640, 0x640),
        (0x64B, 0x65F), (0x670, 0x670), (0x6D6, 0x6DC), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x200B, 0x200F), (0x20D0, 0x20FF), (0x2060, 0x2060), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F), (0xFEFF, 0xFEFF),
    ];

    /// <summary>Thai, Lao, Myanmar, Khmer, Hangul, kana, Han.</summary>
    private static readonly (int First, int Last)[] UnspacedScripts =
    [
        (0xE00, 0xEFF), (0x1000, 0x109F), (0x1100, 0x11FF), (0x1780, 0x17FF), (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3040, 0x30FF), (0x3100, 0x318F), (0x31A0, 0x31BF),
        (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F),
    ];

    // These come last: what they are made from must be there.
    private static readonly CharKind[] Kinds = MakeKinds();
    private static readonly char[] Folds = MakeFolds();

    /// <summary>What a character of the basic plane is; half a surrogate pair is a separator.</summary>
    public static CharKind KindOf(char c) => Kinds[c];

    /// <summary>What a pair of surrogates is: ideographs and pictures are indexed in pairs, other letters are letters.</summary>
    public static CharKind KindOf(int codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint) switch
    {
        UnicodeCategory.OtherSymbol => CharKind.Unspaced,
        _ when codePoint is >= 0x20000 and <= 0x3FFFF => CharKind.Unspaced,
        UnicodeCategory category => KindOf(category),
    };

    /// <summary>Folds one character of a word.</summary>
    /// <param name="c">The character.</param>
    /// <param name="several">What it becomes where that is more than one.</param>
    public static char Fold(char c, out string? several)
    {
        char folded = Folds[c];
        several = folded == 0 ? Several[char.ToLowerInvariant(c)] : null;
        return folded;
    }

    private static CharKind KindOf(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter
            or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber
            or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark => CharKind.Word,
        _ => CharKind.Separator,
    };

    private static CharKind[] MakeKinds()
    {
        var kinds = new CharKind[char.MaxValue + 1];
        for (int c = 0; c < kinds.Length; c++) kinds[c] = KindOf(CharUnicodeInfo.GetUnicodeCategory((char)c));
        foreach ((int first, int last) in UnspacedScripts)
            for (int c = first; c <= last; c++)
                if (kinds[c] == CharKind.Word)
                    kinds[c] = CharKind.Unspaced;
        foreach ((int first, int last) in Decorations) Array.Fill(kinds, CharKind.Ignored, first, last - first + 1);
        return kinds;
    }

    private static char[] MakeFolds()
    {
        var plain = new Dictionary<char, char>();
        foreach (string row in Letters.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            foreach (char c in row.AsSpan(1))
                plain[c] = row[0];
        var several = new HashSet<char>(Ligatures);
        foreach (string ligature in Ligatures.Split(' ', StringSplitOptions.RemoveEmptyEntries)) several.ExceptWith(ligature.Split('=')[0]);
        several.Remove('=');
        several.Remove(' ');
        var folds = new char[char.MaxValue + 1];
        for (int c = 0; c < folds.Length; c++)
        {
            char lower = char.ToLowerInvariant((char)c);
            folds[c] = several.Contains(lower) ? '\0' : plain.GetValueOrDefault((char)c, plain.GetValueOrDefault(lower, lower));
        }
        folds[0] = ' ';
        return folds;
    }
}
