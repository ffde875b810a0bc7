namespace MessageStore.Server.Intake;

/// <summary>What becomes of mail for somebody who has no mailbox.</summary>
internal enum UnknownRecipients
{
    /// <summary>The recipient is refused, for good.</summary>
    Refuse,
    /// <summary>The mailbox is created with its first message.</summary>
    Create,
}

/// <summary>What a mailbox is called.</summary>
internal enum MailboxNaming
{
    /// <summary>By the whole address.</summary>
    Address,
    /// <summary>By what stands before the @.</summary>
    LocalPart,
}

/// <summary>Whom mail is for.</summary>
internal sealed record RecipientOptions
{
    /// <summary>Domains whose mail is taken; any where it is empty.</summary>
    public IReadOnlyList<string> Domains { get; init; } = [];
    public UnknownRecipients Unknown { get; init; } = UnknownRecipients.Refuse;
    public MailboxNaming Naming { get; init; } = MailboxNaming.Address;
    /// <summary>What parts a mailbox from a folder in <c>user+folder@domain</c> (RFC 5233); empty for no such addresses.</summary>
    public string Separator { get; init; } = "+";
    /// <summary>Other names: address, or what stands before the @, to addresses.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Aliases { get; init; } = new Dictionary<string, IReadOnlyList<string>>(StringComparer.OrdinalIgnoreCase);
}
