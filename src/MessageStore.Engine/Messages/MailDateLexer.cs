namespace MessageStore.Messages;

/// <summary>Cuts a date into runs of letters and runs of digits; white space, commas, signs and comments (RFC 5322 §3.2.2) lie between.</summary>
internal ref struct MailDateLexer(ReadOnlySpan<char> text)
{
    private readonly ReadOnlySpan<char> text = text;
    private int position;

    /// <summary>Takes the next run, or one character that no date holds.</summary>
    /// <param name="token">The run, never empty.</param>
    /// <param name="before">The sign that stands directly before it, else a space.</param>
    public bool Next(out ReadOnlySpan<char> token, out char before)
    {
        before = ' ';
        token = default;
        for (; position < text.Length; position++)
        {
            char c = text[position];
            if (c == '(') SkipComment();
            else if (c is '+' or '-') before = c;
            else if (c is ' ' or '\t' or ',' or '.' or '/' or '\r' or '\n') before = ' ';
            else break;
        }
        if (position >= text.Length) return false;
        int start = position;
        if (char.IsAsciiLetter(text[position])) while (position < text.Length && char.IsAsciiLetter(text[position])) position++;
        else if (char.IsAsciiDigit(text[position])) TakeDigits();
        else position++;
        token = text[start..position];
        return true;
    }

    /// <summary>Takes <c>:mm</c> or <c>:mm:ss</c> behind an hour. Takes nothing where no colon and digits follow.</summary>
    public bool TakeTime(ReadOnlySpan<char> hourDigits, out int hour, out int minute, out int second)
    {
        hour = -1;
        second = 0;
        if (hourDigits.Length > 2 || !TakeMinutes(out minute))
        {
            minute = 0;
            return false;
        }
        hour = int.Parse(hourDigits, provider: null);
        if (TakeMinutes(out int more))
        {
            second = more;
            // Some write fractions of a second.
            if (position + 1 < text.Length && text[position] == '.' && char.IsAsciiDigit(text[position + 1]))
            {
                position++;
                TakeDigits();
            }
        }
        return true;
    }

    /// <summary>Takes a colon and one or two digits.</summary>
    public bool TakeMinutes(out int value)
    {
        value = 0;
        int at = position;
        while (at < text.Length && text[at] == ' ') at++;
        if (at >= text.Length || text[at] != ':') return false;
        at++;
        while (at < text.Length && text[at] == ' ') at++;
        int start = at;
        while (at < text.Length && at < start + 2 && char.IsAsciiDigit(text[at])) at++;
        if (at == start) return false;
        value = int.Parse(text[start..at], provider: null);
        position = at;
        return true;
    }

    private void TakeDigits()
    {
        while (position < text.Length && char.IsAsciiDigit(text[position])) position++;
    }

    /// <summary>Leaves the position on the comment's closing parenthesis, or past the end where it has none.</summary>
    private void SkipComment()
    {
        int depth = 0;
        for (; position < text.Length; position++)
        {
            char c = text[position];
            if (c == '\\') position++;
            else if (c == '(') depth++;
            else if (c == ')' && --depth == 0) return;
        }
    }
}
